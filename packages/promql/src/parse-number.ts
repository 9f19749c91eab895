/** What a number token stands for, or why it stands for none. Follows Go's strconv: integers first, then floats. */
export function parseNumber(token: string): number | string {
  const digits = token.replaceAll('_', '');
  if (/^0[xX]/.test(digits)) {
    if (!/^0[xX]_?[0-9a-fA-F]+(_[0-9a-fA-F]+)*$/.test(token) || BigInt(digits) > MAX_INT64) return invalid(token);
    return Number(digits);
  }
  if (/^inf$/i.test(digits)) return Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(digits)) return Number.NaN;
  if (!UNDERSCORES_BETWEEN_DIGITS.test(token)) return invalid(token);
  if (/^0[0-7]+$/.test(digits)) {
    // A leading zero means octal, as in Go.
    const value = BigInt(`0o${digits.slice(1)}`);
    if (value <= MAX_INT64) return Number(value);
  }
  if (!/^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(digits)) return invalid(token);
  const value = Number(digits);
  if (value === Number.POSITIVE_INFINITY) return `strconv.ParseFloat: parsing "${token}": value out of range`;
  return value;
}

const MAX_INT64 = (1n << 63n) - 1n;
const UNDERSCORES_BETWEEN_DIGITS = /^(?!_)(?:[^_]|(?<=\d)_(?=\d))*$/;

function invalid(token: string): string {
  return `strconv.ParseFloat: parsing "${token}": invalid syntax`;
}
