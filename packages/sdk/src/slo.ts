import type { Recording } from './alert.ts';
import { checkedDuration, type DurationText } from './duration-text.ts';

/** An objective on an indicator that a recording rule stores. */
export interface Slo {
  readonly kind: 'slo';
  readonly name: string;
  readonly indicator: Recording;
  /** A ratio of at least this (0 to 1), or a value of at most this in the indicator's unit. */
  readonly objective: { readonly atLeast: number } | { readonly atMost: number };
  readonly window: string;
}

/** @throws BelfryError `bad_data` for a window that is not a duration */
export function slo(
  name: string,
  options: { indicator: Recording; objective: Slo['objective']; window: DurationText },
): Slo {
  checkedDuration(options.window, `SLO ${name}: window`);
  return Object.freeze({ kind: 'slo', name, ...options });
}
