import type { Labels } from '@belfry/model';
import type { Alert } from './alert.ts';
import type { InhibitionVerdict } from './inhibitor.ts';
import type { Route } from './route.ts';

/** One flush of one aggregation group on its way through the stages. */
export interface Flush {
  readonly kind: 'flush';
  /** The moment for which every stage decides. */
  readonly nowMs: number;
  readonly route: Route;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  /** Aborts when the group's time for this flush is over, on reload and on close. */
  readonly signal: AbortSignal;
}

/** What became of one alert in one flush, and why. */
export interface AlertDecision {
  readonly alert: Alert;
  readonly status: 'firing' | 'resolved';
  readonly decision: 'passed' | 'inhibited' | 'muted' | 'silenced';
  readonly reason: string;
  /** The inhibition rules whose target side matched. */
  readonly inhibitions: readonly InhibitionVerdict[];
  /** Ids of the active silences that matched. */
  readonly silences: readonly string[];
}

/** What the stages before the receivers say. */
export interface Screening {
  /** Those that may be told. */
  readonly passed: readonly Alert[];
  readonly decisions: readonly AlertDecision[];
  /** The time intervals that were looked at. */
  readonly intervals: readonly IntervalVerdict[];
}

export interface IntervalVerdict {
  readonly name: string;
  readonly use: 'active' | 'mute';
  /** Whether the moment lies in it. */
  readonly contains: boolean;
}
