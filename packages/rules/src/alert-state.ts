import type { FloatHistogram, Labels } from '@belfry/model';

export type AlertStateName = 'inactive' | 'pending' | 'firing';

/** One alert of a rule: an element of its expression's result, now or until a while ago. Times in milliseconds. */
export interface ActiveAlert {
  readonly labels: Labels;
  annotations: readonly (readonly [name: string, text: string])[];
  state: AlertStateName;
  /** At the last evaluation that gave the element. */
  value: number;
  histogram: FloatHistogram | undefined;
  activeAtMs: number;
  firedAtMs: number | undefined;
  resolvedAtMs: number | undefined;
  lastSentAtMs: number | undefined;
  /** Receivers take the alert for resolved after this, unless they hear of it again. */
  validUntilMs: number | undefined;
  keepFiringSinceMs: number | undefined;
  /** The rule's `for` when the alert began to fire: a reload may raise it. */
  holdAtFiringMs: number;
}

/** A resolved alert is told again and again for this long, so that a receiver that was away hears it too. */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

/** Why an alert changed its state. */
export type TransitionReason =
  /** The expression gave it. */
  | 'appeared'
  /** The expression gave it for as long as `for` asks. */
  | 'held'
  /** The expression gives it no more. */
  | 'vanished'
  /** As before, but `keep_firing_for` holds it. */
  | 'keep-firing'
  /** `keep_firing_for` is over. */
  | 'keep-firing-ended'
  /** A reload raised `for` beyond how long it has been active. */
  | 'hold-raised'
  /** Taken over from before a restart. */
  | 'restored'
  /** The rule made more alerts than its group allows: all are dropped. */
  | 'limit-exceeded';

/** One step in the life of an alert, with what was measured then. */
export interface AlertTransition {
  readonly kind: 'alert-transition';
  readonly file: string;
  readonly group: string;
  readonly alert: string;
  readonly labels: Labels;
  readonly from: AlertStateName;
  readonly to: AlertStateName;
  readonly reason: TransitionReason;
  /** The time of the evaluation. */
  readonly atMs: number;
  /** When the expression first gave the alert. */
  readonly activeAtMs: number;
  /** The expression, and what it gave last. */
  readonly query: string;
  readonly value: number;
}

/** An alert on its way to a receiver, and where it comes from. */
export interface RuleAlert {
  readonly labels: Labels;
  readonly annotations: readonly (readonly [name: string, text: string])[];
  readonly startsAtMs: number;
  /** When it ended, or until when the receiver may believe in it. */
  readonly endsAtMs: number;
  readonly resolved: boolean;
  readonly generatorUrl: string;
  readonly source: {
    readonly file: string;
    readonly group: string;
    readonly alert: string;
    readonly query: string;
    /** As the rule gave them: what is sent may have been relabelled. */
    readonly labels: Labels;
    readonly value: number;
    readonly activeAtMs: number;
  };
}

/** Whether a receiver is to hear of the alert now. */
export function needsSending(alert: ActiveAlert, nowMs: number, resendDelayMs: number): boolean {
  if (alert.state === 'pending') return false;
  const sent = alert.lastSentAtMs ?? Number.NEGATIVE_INFINITY;
  if (alert.resolvedAtMs !== undefined && alert.resolvedAtMs > sent) return true;
  return sent + resendDelayMs < nowMs;
}
