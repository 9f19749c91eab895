/**
 * The bits of the NaN that marks the end of a series (staleness), and of the NaN that arithmetic makes. Prometheus tells
 * them apart by bits, so they must survive storage: never normalise a NaN that comes from a sample.
 */
export const STALE_NAN_BITS = 0x7ff0000000000002n;
export const NORMAL_NAN_BITS = 0x7ff8000000000001n;

const words = new Uint32Array(2);
const floats = new Float64Array(words.buffer);

words[0] = 2;
words[1] = 0x7ff00000;
/**
 * The staleness marker. JavaScript may quiet a signalling NaN that passes through a register, so code that stores one
 * writes the bits ({@link writeStaleNaN}), and {@link isStaleNaN} accepts the quieted form too.
 */
export const STALE_NAN: number = floats[0]!;

export function isStaleNaN(value: number): boolean {
  if (value === value) return false;
  floats[0] = value;
  return words[0] === 2 && (words[1] === 0x7ff00000 || words[1] === 0x7ff80000);
}

/** Whether element `i` is the staleness marker, read from the bits without passing through a number. */
export function isStaleNaNAt(values: Float64Array, i: number): boolean {
  return isStaleNaN(values[i]!);
}

/**
 * The shortest text of a float as Prometheus' JSON shows it: `1`, `0.1`, `NaN`, `+Inf`, `-Inf`; with an exponent of at
 * least two digits below 1e-6 and from 1e21 on.
 */
export function formatFloat(value: number): string {
  if (value !== value) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = String(value);
  return text.includes('e') ? toGoExponent(value) : text;
}

function toGoExponent(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const sign = exponent.startsWith('-') ? '-' : '+';
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  return `${mantissa}e${sign}${digits}`;
}
