import { BelfryError, compareText, isValidName, type Labels, labelPairs, labelValue } from '@belfry/model';

/** No time given: the zero time of Alertmanager's payloads (`0001-01-01T00:00:00Z`). */
export const NO_TIME = Number.NEGATIVE_INFINITY;

/** An alert as the router holds it. Times are Unix milliseconds; immutable. */
export interface Alert {
  readonly kind: 'alert';
  readonly labels: Labels;
  readonly annotations: Labels;
  /** {@link NO_TIME} never: admission sets it. */
  readonly startsAtMs: number;
  /** When it is over, or will be if nobody renews it. {@link NO_TIME} while firing, in what notifications carry. */
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  readonly generatorUrl: string;
  /** Whether `endsAtMs` comes from `resolve_timeout` and not from the sender. */
  readonly timeout: boolean;
  /** {@link fingerprintOf} of the labels. */
  readonly fingerprint: string;
}

/** Whether the alert is over at `nowMs`; the end itself counts as over. */
export function isResolved(alert: Alert, nowMs: number): boolean {
  return alert.endsAtMs !== NO_TIME && alert.endsAtMs <= nowMs;
}

/**
 * One alert from two reports of it whose activity overlaps, as Alertmanager merges: the earliest start, the latest
 * explicit end, everything else from the younger report.
 */
export function mergeAlerts(a: Alert, b: Alert, nowMs: number): Alert {
  const [older, younger] = b.updatedAtMs < a.updatedAtMs ? [b, a] : [a, b];
  const startsAtMs = Math.min(older.startsAtMs, younger.startsAtMs);
  let endsAtMs = younger.endsAtMs;
  if (older.endsAtMs > endsAtMs) {
    if (isResolved(younger, nowMs) ? isResolved(older, nowMs) : !older.timeout) endsAtMs = older.endsAtMs;
  }
  return { ...younger, startsAtMs, endsAtMs };
}

/** Whether two reports of the same alert are about the same time of activity, so that they merge. */
export function overlaps(older: Alert, younger: Alert): boolean {
  return (
    (younger.endsAtMs > older.startsAtMs && younger.endsAtMs < older.endsAtMs) ||
    (younger.startsAtMs > older.startsAtMs && younger.startsAtMs < older.endsAtMs)
  );
}

/** @throws BelfryError `bad_data`, saying what is wrong with it. */
export function validateAlert(alert: Alert): void {
  if (alert.endsAtMs !== NO_TIME && alert.endsAtMs < alert.startsAtMs) {
    throw new BelfryError('bad_data', 'start time must be before end time');
  }
  if (alert.labels.length === 0) throw new BelfryError('bad_data', 'at least one label pair required');
  validatePairs(alert.labels, 'label set');
  validatePairs(alert.annotations, 'annotations');
}

function validatePairs(labels: Labels, what: string): void {
  for (const [name, value] of labelPairs(labels)) {
    if (!isValidName(name)) throw new BelfryError('bad_data', `invalid ${what}: invalid name ${JSON.stringify(name)}`);
    if (!value.isWellFormed()) {
      throw new BelfryError('bad_data', `invalid ${what}: value of ${JSON.stringify(name)} is not well-formed Unicode`);
    }
  }
}

/** The order of alerts in a notification: by `job`, then `instance` (absent last), then as label sets. */
export function compareAlerts(a: Alert, b: Alert): number {
  for (const name of ['job', 'instance']) {
    const x = labelValue(a.labels, name);
    const y = labelValue(b.labels, name);
    if (x === y) continue;
    if (x === '') return 1;
    if (y === '') return -1;
    return compareText(x, y);
  }
  return compareLabelSets(a.labels, b.labels);
}

/**
 * Alertmanager's order of label sets: fewer labels first; then, over the names of both in order, the set that lacks one
 * first, then by value.
 */
export function compareLabelSets(a: Labels, b: Labels): number {
  if (a.length !== b.length) return a.length - b.length;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const names = compareText(a[i]!, b[j]!);
    if (names < 0) return 1;
    if (names > 0) return -1;
    const values = compareText(a[i + 1]!, b[j + 1]!);
    if (values !== 0) return values;
    i += 2;
    j += 2;
  }
  return 0;
}
