import { BelfryError, parseDuration } from '@belfry/model';

/** The range of times that Prometheus can represent, in milliseconds: `min` and `max` when a parameter is absent. */
export const MIN_TIME_MS = Number.MIN_SAFE_INTEGER;
export const MAX_TIME_MS = Number.MAX_SAFE_INTEGER;

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** A time parameter, Unix seconds with a fraction or RFC 3339, in milliseconds. */
export function parseTime(name: string, text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  if (RFC3339.test(text)) {
    const ms = Date.parse(text.toUpperCase());
    if (!Number.isNaN(ms)) return ms;
  }
  throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}

/** A duration parameter, seconds with a fraction or Prometheus' text, in milliseconds. */
export function parseDurationParameter(name: string, text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isNaN(seconds)) {
    const ms = seconds * 1000;
    if (Math.abs(ms) > Number.MAX_SAFE_INTEGER) {
      throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
    }
    return ms;
  }
  try {
    return parseDuration(text);
  } catch {
    throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  }
}

export function optionalTime(parameters: URLSearchParams, name: string, absentMs: number): number {
  const text = parameters.get(name);
  return text ? parseTime(name, text) : absentMs;
}

export function requiredTime(parameters: URLSearchParams, name: string): number {
  return parseTime(name, parameters.get(name) ?? '');
}

/** 0: no limit. */
export function parseLimit(parameters: URLSearchParams, name = 'limit'): number {
  const text = parameters.get(name);
  if (!text) return 0;
  const limit = Number(text);
  if (!Number.isInteger(limit)) throw invalid(name, `${JSON.stringify(text)} is not a whole number`);
  if (limit < 0) throw invalid(name, 'limit must be non-negative');
  return limit;
}

export function parseFlag(parameters: URLSearchParams, name: string): boolean {
  const text = parameters.get(name);
  if (!text) return false;
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw invalid(name, `not a valid bool: ${text}`);
}

export function invalid(name: string, message: string): BelfryError {
  return new BelfryError('bad_data', `invalid parameter ${JSON.stringify(name)}: ${message}`);
}
