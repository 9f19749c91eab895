import { BelfryError, parseDuration } from '@belfry/model';

/** The range of times that Prometheus can represent, in milliseconds: `min` and `max` when a parameter is absent. */
export const MIN_TIME_MS = Number.MIN_SAFE_INTEGER;
export const MAX_TIME_MS = Number.MAX_SAFE_INTEGER;

/** Prometheus keeps durations in nanoseconds of 64 bits. */
const MAX_DURATION_NS = 2 ** 63;

/** What Go reads as a number, but for hexadecimal and underscores; JavaScript reads more (blanks, `0x10`, `0b1`). */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;
const NOT_A_NUMBER = /^nan$/i;
const INTEGER = /^[+-]?\d+$/;
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

/** How Go's client writes the ends of time, whose years have more than four digits. */
const FIRST_TIME = '-292273086-05-16T16:47:06Z';
const LAST_TIME = '292277025-08-18T07:12:54.999999999Z';

/**
 * A time, Unix seconds with a fraction or RFC 3339, in milliseconds. What is beyond the representable is its end.
 * @throws BelfryError `bad_data`
 */
export function parseTime(name: string, text: string): number {
  const ms = timeOf(text);
  if (ms === undefined) throw invalid(name, cannotParse(text, 'timestamp'));
  return ms;
}

function timeOf(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const ms = Math.round(Number(text) * 1000);
    return Math.max(MIN_TIME_MS, Math.min(MAX_TIME_MS, ms)) + 0;
  }
  if (text === FIRST_TIME) return MIN_TIME_MS;
  if (text === LAST_TIME) return MAX_TIME_MS;
  const match = RFC3339.exec(text);
  return match ? calendarTime(match) : undefined;
}

/** Undefined for what no calendar has, as the 30th of February or the hour 24. */
function calendarTime(match: RegExpExecArray): number | undefined {
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second, Number((match[7] ?? '').padEnd(3, '0').slice(0, 3)));
  if (!match[8]) return date.getTime();
  const [zoneHours, zoneMinutes] = [Number(match[9]), Number(match[10])];
  if (zoneHours > 23 || zoneMinutes > 59) return undefined;
  const offsetMs = (zoneHours * 60 + zoneMinutes) * 60_000;
  return date.getTime() - (match[8] === '-' ? -offsetMs : offsetMs);
}

/**
 * A duration, seconds with a fraction or Prometheus' text, in milliseconds with a fraction.
 * @throws BelfryError `bad_data`
 */
export function parseDurationParameter(name: string, text: string): number {
  const parsed = durationOf(text);
  if (typeof parsed === 'string') throw invalid(name, parsed);
  return parsed;
}

/** Milliseconds, or what is wrong. */
export function durationOf(text: string): number | string {
  // Not a number is what Go makes of it: longer ago than anything.
  if (NOT_A_NUMBER.test(text)) return -MAX_DURATION_NS / 1e6;
  if (DECIMAL.test(text) || INFINITE.test(text)) {
    const ns = INFINITE.test(text) ? Number.POSITIVE_INFINITY : Number(text) * 1e9;
    if (Math.abs(ns) > MAX_DURATION_NS) return `${cannotParse(text, 'duration')}. It overflows int64`;
    return Math.trunc(ns) / 1e6;
  }
  try {
    return parseDuration(text);
  } catch {
    return cannotParse(text, 'duration');
  }
}

function cannotParse(text: string, what: string): string {
  return `cannot parse ${JSON.stringify(text)} to a valid ${what}`;
}

/** @throws BelfryError `bad_data` */
export function optionalTime(parameters: URLSearchParams, name: string, absentMs: number): number {
  const text = parameters.get(name);
  if (!text) return absentMs;
  const ms = timeOf(text);
  if (ms === undefined) throw invalid(name, `Invalid time value for '${name}': ${cannotParse(text, 'timestamp')}`);
  return ms;
}

export function requiredTime(parameters: URLSearchParams, name: string): number {
  return parseTime(name, parameters.get(name) ?? '');
}

/** 0: no limit. @throws BelfryError `bad_data` */
export function parseLimit(parameters: URLSearchParams, name = 'limit'): number {
  const text = parameters.get(name);
  if (!text) return 0;
  if (!INTEGER.test(text)) throw invalid(name, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const limit = Number(text);
  if (!Number.isSafeInteger(limit)) {
    throw invalid(name, `strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`);
  }
  if (limit < 0) throw invalid(name, `${name} must be non-negative`);
  return limit;
}

/** A limit of the metadata calls: there 0 means none of it. Infinite when absent or negative. */
export function parseMetadataLimit(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name);
  if (!text) return Number.POSITIVE_INFINITY;
  if (!INTEGER.test(text)) throw new BelfryError('bad_data', `${name} must be a number`);
  const limit = Number(text);
  return limit < 0 ? Number.POSITIVE_INFINITY : limit;
}

/** A limit that has to be 1 at least. */
export function parsePositiveLimit(parameters: URLSearchParams, absent: number): number {
  const text = parameters.get('limit');
  if (!text) return absent;
  if (!INTEGER.test(text) || Number(text) < 1) throw new BelfryError('bad_data', 'limit must be a positive number');
  return Number(text);
}

export function parseFlag(parameters: URLSearchParams, name: string): boolean {
  const text = parameters.get(name);
  if (!text) return false;
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  const why = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw invalid(name, `unable to parse boolean: ${why}`);
}

export function invalid(name: string, message: string): BelfryError {
  return new BelfryError('bad_data', `invalid parameter ${JSON.stringify(name)}: ${message}`);
}
