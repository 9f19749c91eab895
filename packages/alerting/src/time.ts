import { BelfryError } from '@belfry/model';
import { NO_TIME } from './alert.ts';

const ZERO = '0001-01-01T00:00:00Z';
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 as Go marshals it: UTC, the fraction without trailing zeros; {@link NO_TIME} is the zero time. */
export function formatTime(ms: number): string {
  if (ms === NO_TIME) return ZERO;
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z');
}

/** RFC 3339 with exactly three digits of fraction, as API v2 prints times. */
export function formatApiTime(ms: number): string {
  return ms === NO_TIME ? '0001-01-01T00:00:00.000Z' : new Date(ms).toISOString();
}

/**
 * RFC 3339 text to Unix milliseconds, further digits cut off; the zero time and an empty text are {@link NO_TIME}.
 * @throws BelfryError `bad_data`
 */
export function parseTime(text: string): number {
  if (text === '') return NO_TIME;
  const match = RFC3339.exec(text);
  const ms = match
    ? Date.parse(
        `${text.slice(0, 10)}T${text.slice(11, 19)}.${(match[7] ?? '').padEnd(3, '0').slice(0, 3)}${match[8]!.toUpperCase()}`,
      )
    : Number.NaN;
  if (Number.isNaN(ms))
    throw new BelfryError(
      'bad_data',
      `not a time: ${JSON.stringify(text)} (expected RFC 3339, such as 2026-01-02T15:04:05Z)`,
    );
  return text.startsWith('0001-01-01T00:00:00') ? NO_TIME : ms;
}
