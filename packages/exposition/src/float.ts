import { NORMAL_NAN_BITS } from '@belfry/model';

/** The NaN of arithmetic, by the bits Prometheus stores. */
export const NORMAL_NAN: number = new Float64Array(new BigUint64Array([NORMAL_NAN_BITS]).buffer)[0]!;

const POWERS_OF_TEN = Array.from({ length: 23 }, (_, i) => 10 ** i);
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

const DIGIT_0 = 48;
const DIGIT_9 = 57;
const DOT = 46;
const MINUS = 45;

/** Beyond this many digits a decimal no longer fits a double's mantissa, and needs the library's rounding. */
const MAX_EXACT_DIGITS = 15;

/**
 * Reads a number as Go's `strconv.ParseFloat` does, without hexadecimal and underscores. Undefined when it is none, or
 * too great for a double.
 */
export function parseFloatBytes(bytes: Uint8Array, start: number, end: number): number | undefined {
  let i = start;
  const negative = bytes[i] === MINUS;
  if (negative) i++;
  let mantissa = 0;
  let digits = 0;
  let decimals = 0;
  let seenDot = false;
  for (; i < end; i++) {
    const c = bytes[i]!;
    if (c >= DIGIT_0 && c <= DIGIT_9) {
      mantissa = mantissa * 10 + (c - DIGIT_0);
      digits++;
      if (seenDot) decimals++;
    } else if (c === DOT && !seenDot) seenDot = true;
    else return parseFloatText(latin1(bytes, start, end));
  }
  if (digits === 0 || digits > MAX_EXACT_DIGITS) return parseFloatText(latin1(bytes, start, end));
  const value = decimals === 0 ? mantissa : mantissa / POWERS_OF_TEN[decimals]!;
  return negative ? -value : value;
}

export function parseFloatText(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (!word) return undefined;
  if (/^nan$/i.test(word[2]!)) return word[1] === '' ? NORMAL_NAN : undefined;
  return word[1] === '-' ? -Infinity : Infinity;
}

export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

/** A float as OpenMetrics writes bounds and quantiles: always with a point or an exponent, so that equal is equal text. */
export function formatOpenMetricsFloat(value: number): string {
  if (value !== value) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  const text = goFloat(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Go's `%g` with the least digits: exponents from 1e21 up and below 1e-4. */
function goFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const abs = Math.abs(value);
  if (abs !== 0 && (abs < 1e-4 || abs >= 1e21)) {
    const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
  }
  return String(value);
}
