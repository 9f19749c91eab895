import { BelfryError, parseDuration } from '@belfry/model';

/** A length of time as Prometheus writes it: `30s`, `5m`, `1h30m`. The type catches a missing unit; the rest is checked when used. */
export type DurationText =
  | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w' | 'y'}`
  | `${number}${'h' | 'm'}${number}${'m' | 's'}`;

/**
 * `text` if it is a duration, with `what` named in the message if not.
 * @throws BelfryError `bad_data`
 */
export function checkedDuration(text: string, what: string): string {
  try {
    parseDuration(text);
    return text;
  } catch (error) {
    throw new BelfryError('bad_data', `${what}: ${JSON.stringify(text)} is not a duration such as 30s, 5m or 1h30m`, {
      cause: error,
    });
  }
}
