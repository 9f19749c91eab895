import { BelfryError, type Labels, labelsFrom, messageOf } from '@belfry/model';
import { type Alert, NO_TIME, validateAlert } from './alert.ts';
import { fingerprintOf } from './fingerprint.ts';
import { parseTime } from './time.ts';

/** An alert as senders post it (API v2), with what a sender in the same process may add. */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly startsAt?: string;
  readonly endsAt?: string;
  readonly generatorURL?: string;
  /** How the alert came to be (rule, query, values), as JSON; kept with the notifications about it. */
  readonly origin?: unknown;
}

/** One alert that was not taken, and why. The others were. */
export interface RefusedAlert {
  readonly index: number;
  readonly reason: string;
}

export interface Admission {
  readonly alerts: readonly { readonly alert: Alert; readonly origin: unknown }[];
  readonly refused: readonly RefusedAlert[];
}

/** Alerts in one call; more are refused. */
const MAX_ALERTS_PER_CALL = 100_000;
/** What a sender tells about the origin of one alert, as JSON; more is left out. */
const MAX_ORIGIN_CHARS = 16_384;

/** Reads what was posted, each alert for itself. @throws BelfryError `bad_data` when it is not a list at all */
export function admit(posted: unknown, nowMs: number, resolveTimeoutMs: number): Admission {
  if (!Array.isArray(posted)) throw new BelfryError('bad_data', 'expected a list of alerts');
  if (posted.length > MAX_ALERTS_PER_CALL) {
    throw new BelfryError('limit_exceeded', `${posted.length} alerts in one call (limit: ${MAX_ALERTS_PER_CALL})`);
  }
  const alerts: { alert: Alert; origin: unknown }[] = [];
  const refused: RefusedAlert[] = [];
  posted.forEach((item: unknown, index) => {
    try {
      const alert = toAlert(item, nowMs, resolveTimeoutMs);
      validateAlert(alert);
      alerts.push({ alert, origin: boundedOrigin((item as PostableAlert).origin) });
    } catch (error) {
      refused.push({ index, reason: messageOf(error) });
    }
  });
  return { alerts, refused };
}

function boundedOrigin(origin: unknown): unknown {
  if (origin === undefined) return undefined;
  const size = JSON.stringify(origin)?.length ?? 0;
  return size <= MAX_ORIGIN_CHARS ? origin : { omitted: `${size} characters (limit: ${MAX_ORIGIN_CHARS})` };
}

function toAlert(item: unknown, nowMs: number, resolveTimeoutMs: number): Alert {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw new BelfryError('bad_data', 'an alert must be an object with labels');
  }
  const posted = item as Readonly<Record<string, unknown>>;
  if (posted.labels === undefined) throw new BelfryError('bad_data', 'labels is required');
  const labels = readLabels(posted.labels, 'labels');
  const given = { starts: readTime(posted.startsAt, 'startsAt'), ends: readTime(posted.endsAt, 'endsAt') };
  const timeout = given.ends === NO_TIME;
  const fallback = timeout ? nowMs : given.ends;
  return {
    kind: 'alert',
    labels,
    annotations: readLabels(posted.annotations ?? {}, 'annotations'),
    startsAtMs: given.starts === NO_TIME ? fallback : given.starts,
    endsAtMs: timeout ? nowMs + resolveTimeoutMs : given.ends,
    updatedAtMs: nowMs,
    generatorUrl: readText(posted.generatorURL, 'generatorURL'),
    timeout,
    fingerprint: fingerprintOf(labels),
  };
}

function readLabels(value: unknown, what: string): Labels {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BelfryError('bad_data', `${what} must be an object of texts`);
  }
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw new BelfryError('bad_data', `${what}.${name} must be a text, got ${JSON.stringify(text)}`);
  }
  return labelsFrom(value as Record<string, string>);
}

function readText(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new BelfryError('bad_data', `${what} must be a text`);
  return value;
}

function readTime(value: unknown, what: string): number {
  try {
    return parseTime(readText(value, what));
  } catch (error) {
    throw new BelfryError('bad_data', `${what}: ${messageOf(error)}`);
  }
}
