/** Printing floats as Go's strconv does. Digits come from V8's exact conversions; rounding of ties is done here, to even. */

/** `0.digits × 10^point`, without trailing zeros; no digits for zero. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** V8 gives at most this many digits after the first; more than any float needs to tell ties from near ties. */
const EXACT_DIGITS = 100;

function shortest(value: number): Decimal {
  return fromExponential(value.toExponential());
}

function fromExponential(text: string): Decimal {
  const [mantissa, exponent] = text.split('e') as [string, string];
  const digits = mantissa.replace('.', '').replace(/0+$/, '');
  return { digits, point: digits === '' ? 0 : Number(exponent) + 1 };
}

/** Rounded to `count` significant digits (may be zero or less), half to even. */
function rounded(value: number, count: (exact: Decimal) => number): Decimal {
  const exact = fromExponential(value.toExponential(EXACT_DIGITS));
  const n = count(exact);
  if (n >= exact.digits.length) return exact;
  if (n < 0) return { digits: '', point: 0 };
  const kept = exact.digits.slice(0, n);
  const rest = exact.digits.slice(n);
  const odd = n > 0 && Number(kept[n - 1]) % 2 === 1;
  const up = rest[0]! > '5' || (rest[0] === '5' && (/[1-9]/.test(rest.slice(1)) || odd));
  if (!up) {
    const digits = kept.replace(/0+$/, '');
    return { digits, point: digits === '' ? 0 : exact.point };
  }
  const raised = (BigInt(`0${kept}`) + 1n).toString().padStart(n, '0');
  return { digits: raised.replace(/0+$/, ''), point: exact.point + (raised.length - n) };
}

/**
 * Go's `strconv.FormatFloat`. `precision` −1 is the shortest text that reads back the same.
 * The sign of a positive number is left out, also of infinity (`Inf`): callers add it.
 */
export function formatGoFloat(value: number, verb: 'e' | 'f' | 'g', precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const abs = Math.abs(value);
  if (abs === Infinity) return `${sign}Inf`;
  if (verb === 'e') {
    const d = precision < 0 ? shortest(abs) : rounded(abs, () => precision + 1);
    return sign + exponentForm(d, precision < 0 ? Math.max(0, d.digits.length - 1) : precision);
  }
  if (verb === 'f') {
    const d = precision < 0 ? shortest(abs) : rounded(abs, (x) => x.point + precision);
    return sign + plainForm(d, precision < 0 ? Math.max(0, d.digits.length - d.point) : precision);
  }
  return sign + generalForm(abs, precision);
}

function generalForm(abs: number, wanted: number): string {
  const d = wanted < 0 ? shortest(abs) : rounded(abs, () => wanted || 1);
  const { digits, point } = d;
  let precision = wanted < 0 ? 6 : wanted || 1;
  let limit = precision;
  if (limit > digits.length && digits.length >= point) limit = digits.length;
  if (wanted < 0) limit = 6;
  const exponent = point - 1;
  if (exponent < -4 || exponent >= limit) {
    if (wanted < 0 || precision > digits.length) precision = digits.length;
    return exponentForm(d, Math.max(0, precision - 1));
  }
  return plainForm(d, Math.max(0, digits.length - point));
}

function exponentForm({ digits, point }: Decimal, precision: number): string {
  const first = digits[0] ?? '0';
  const fraction = digits.slice(1, 1 + precision).padEnd(precision, '0');
  const exponent = digits === '' ? 0 : point - 1;
  const tail = String(Math.abs(exponent)).padStart(2, '0');
  return `${first}${fraction === '' ? '' : `.${fraction}`}e${exponent < 0 ? '-' : '+'}${tail}`;
}

function plainForm({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  let fraction = '';
  if (precision > 0) {
    const zeros = point < 0 ? '0'.repeat(Math.min(-point, precision)) : '';
    fraction = `.${(zeros + digits.slice(Math.max(0, point))).slice(0, precision).padEnd(precision, '0')}`;
  }
  return whole + fraction;
}

/** As Go's `strconv.ParseFloat`: the value, or nothing for a text that is no number. */
export function parseGoFloat(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/.test(lower)) return Number(text);
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(lower);
  if (special) {
    if (special[2] === 'nan') return special[1] === '' ? Number.NaN : undefined;
    return special[1] === '-' ? -Infinity : Infinity;
  }
  const hex = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)$/.exec(lower);
  if (!hex || `${hex[2]}${hex[3]}` === '') return undefined;
  const magnitude = Number.parseInt(`${hex[2]}${hex[3]}`, 16) * 2 ** (Number(hex[4]) - 4 * hex[3]!.length);
  return hex[1] === '-' ? -magnitude : magnitude;
}
