/** Warnings and infos that go with a result: Prometheus' texts, one of a kind, each with its place in the query. */
import { formatFloat, quote } from '@belfry/model';

export interface Annotation {
  readonly level: 'warning' | 'info';
  /** Without the place: what makes two annotations the same. */
  readonly message: string;
  /** UTF-16 offset into the query's text of what it is about. */
  readonly start: number;
  /** Only with forced monotonicity: what was bent, over all samples. */
  readonly forced?: ForcedMonotonicity;
}

export interface ForcedMonotonicity {
  minMs: number;
  maxMs: number;
  minBound: number;
  maxBound: number;
  maxDifference: number;
  samples: number;
}

/** Annotations of one evaluation by message. The first of a kind gives the place. */
export type Annotations = Map<string, Annotation>;

export function annotate(into: Annotations, message: string, start: number): void {
  if (into.has(message)) return;
  into.set(message, { level: message.startsWith('PromQL info') ? 'info' : 'warning', message, start });
}

export function annotateForced(into: Annotations, message: string, start: number, one: ForcedMonotonicity): void {
  const known = into.get(message)?.forced;
  if (!known) {
    into.set(message, { level: 'info', message, start, forced: one });
    return;
  }
  known.minMs = Math.min(known.minMs, one.minMs);
  known.maxMs = Math.max(known.maxMs, one.maxMs);
  known.minBound = Math.min(known.minBound, one.minBound);
  known.maxBound = Math.max(known.maxBound, one.maxBound);
  known.maxDifference = Math.max(known.maxDifference, one.maxDifference);
  known.samples += one.samples;
}

const WARNING = 'PromQL warning: ';
const INFO = 'PromQL info: ';
const named = (text: string, metric: string) => (metric === '' ? text : `${text} for metric name ${quote(metric)}`);

export type HistogramOperation = 'addition' | 'subtraction' | 'aggregation';

/** The texts. */
export const note = {
  invalidQuantile: (q: number) => `${WARNING}quantile value should be between 0 and 1, got ${formatG(q)}`,
  invalidRatio: (r: number, to: number) =>
    `${WARNING}ratio value should be between -1 and 1, got ${formatG(r)}, capping to ${formatG(to)}`,
  badBucketLabel: (metric: string, le: string) =>
    named(`${WARNING}bucket label "le" is missing or has a malformed value of ${quote(le)}`, metric),
  mixedFloatsHistograms: (metric: string) =>
    `${WARNING}encountered a mix of histograms and floats for metric name ${quote(metric)}`,
  mixedFloatsHistogramsInAggregation: () => `${WARNING}encountered a mix of histograms and floats for aggregation`,
  mixedClassicNative: (metric: string) =>
    named(`${WARNING}vector contains a mix of classic and native histograms`, metric),
  notCounter: (metric: string) => `${WARNING}this native histogram metric is not a counter: ${quote(metric)}`,
  notGauge: (metric: string) => `${WARNING}this native histogram metric is not a gauge: ${quote(metric)}`,
  mixedSchemas: (metric: string) =>
    `${WARNING}vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quote(metric)}`,
  incompatibleLayout: (op: string) => `${WARNING}incompatible bucket layout encountered for binary operator ${op}`,
  sortInRange: () => `${WARNING}sort is ineffective for range queries since results are always ordered by labels`,
  resetCollision: (operation: HistogramOperation) =>
    `${WARNING}conflicting counter resets during histogram ${operation}`,
  startOverlap: (metric: string) =>
    `${WARNING}sample has start time that overlaps with previous sample timestamp for metric ${quote(metric)}`,
  possiblyNoCounter: (metric: string) =>
    `${INFO}metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(metric)}`,
  possiblyNoCounterType: (metric: string, type: string) =>
    `${INFO}metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${quote(type)}: ${quote(metric)}`,
  forcedMonotonicity: (metric: string) =>
    named(
      `${INFO}input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)`,
      metric,
    ),
  incompatibleTypes: (left: string, op: string, right: string) =>
    `${INFO}incompatible sample types encountered for binary operator ${quote(op)}: ${left} ${op} ${right}`,
  ignoredInAggregation: (op: string) => `${INFO}ignored histogram in ${op} aggregation`,
  ignoredInMixedRange: (metric: string) =>
    `${INFO}ignored histograms in a range containing both floats and histograms for metric name ${quote(metric)}`,
  quantileNaNResult: (metric: string) =>
    named(`${INFO}input to histogram_quantile has NaN observations, result is NaN`, metric),
  quantileNaNSkew: (metric: string) =>
    named(`${INFO}input to histogram_quantile has NaN observations, result is skewed higher`, metric),
  fractionNaN: (metric: string) =>
    named(`${INFO}input to histogram_fraction has NaN observations, which are excluded from all fractions`, metric),
  boundsReconciled: (operation: HistogramOperation) =>
    `${INFO}mismatched custom buckets were reconciled during ${operation}`,
} as const;

/** Go's `%g`: as {@link formatFloat}, but with an exponent from 1e6 on and below 1e-4. */
export function formatG(value: number): string {
  const magnitude = Math.abs(value);
  if (value === 0 || !Number.isFinite(value) || (magnitude >= 1e-4 && magnitude < 1e6)) return formatFloat(value);
  return withGoExponent(value.toExponential());
}

/** Go's `%.2g`. */
function formatG2(value: number): string {
  const text = value.toExponential(1);
  const exponent = Number(text.slice(text.indexOf('e') + 1));
  return exponent < -4 || exponent >= 2 ? withGoExponent(text) : String(Number(text));
}

function withGoExponent(text: string): string {
  const [mantissa, exponent] = text.split('e') as [string, string];
  return `${Number(mantissa)}e${exponent[0] === '-' ? '-' : '+'}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}

/** As the API shows it: the message, and after it the place as line and column (of UTF-8 bytes, as Prometheus counts). Without the query's text it counts as one line. */
export function formatAnnotation(annotation: Annotation, query: string | undefined): string {
  const before = query === undefined ? ' '.repeat(annotation.start) : query.slice(0, annotation.start);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let i = before.indexOf('\n'); i !== -1; i = before.indexOf('\n', i + 1)) line++;
  const place = `(${line}:${utf8Length(before.slice(lineStart)) + 1})`;
  const { forced } = annotation;
  if (!forced) return `${annotation.message} ${place}`;
  const time = (ms: number) => new Date(Math.trunc(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  return (
    `${annotation.message}, from buckets ${formatG(forced.minBound)} to ${formatG(forced.maxBound)}, ` +
    `with a max diff of ${formatG2(forced.maxDifference)}, over ${forced.samples} samples ` +
    `from ${time(forced.minMs)} to ${time(forced.maxMs)} ${place}`
  );
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
