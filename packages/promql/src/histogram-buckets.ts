/** The buckets of native histograms as lists: bounds, counts, iteration orders, changes of resolution. */
import { type BucketSpan, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from '@belfry/model';

/** A histogram under construction. What leaves the operators is never written to again. */
export type MutableHistogram = {
  -readonly [K in keyof FloatHistogram]: FloatHistogram[K] extends readonly number[]
    ? number[]
    : FloatHistogram[K] extends readonly BucketSpan[]
      ? MutableSpan[]
      : FloatHistogram[K];
} & { customValues?: readonly number[] };

export interface MutableSpan {
  offset: number;
  length: number;
}

export interface Bucket {
  lower: number;
  upper: number;
  count: number;
  readonly index: number;
}

export function usesCustomBuckets(h: FloatHistogram): boolean {
  return h.schema === CUSTOM_BUCKETS_SCHEMA;
}

const NO_BOUNDS: readonly number[] = [];

export function customBounds(h: FloatHistogram): readonly number[] {
  return h.customValues ?? NO_BOUNDS;
}

export function copySpans(spans: readonly BucketSpan[]): MutableSpan[] {
  return spans.map((s) => ({ offset: s.offset, length: s.length }));
}

export function copyHistogram(h: FloatHistogram): MutableHistogram {
  const copy: MutableHistogram = {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCount,
    count: h.count,
    sum: h.sum,
    positiveSpans: copySpans(h.positiveSpans),
    negativeSpans: copySpans(h.negativeSpans),
    positiveBuckets: h.positiveBuckets.slice() as number[],
    negativeBuckets: h.negativeBuckets.slice() as number[],
    counterResetHint: h.counterResetHint,
  };
  if (h.customValues) copy.customValues = h.customValues;
  return copy;
}

/** The same histogram under another counter-reset hint; shares everything else. */
export function withHint(h: FloatHistogram, counterResetHint: FloatHistogram['counterResetHint']): FloatHistogram {
  return h.counterResetHint === counterResetHint ? h : { ...h, counterResetHint };
}

/** Upper bound of bucket `index` of an exponential schema. */
export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const perPower = 2 ** schema;
  const power = Math.floor(index / perPower);
  const fraction = index - power * perPower;
  if (fraction === 0) return power === 1024 ? Number.MAX_VALUE : 2 ** power;
  return 2 ** (fraction / perPower) * 2 ** power;
}

/** Upper bound of positive bucket `index` in whichever schema. */
export function upperBound(index: number, schema: number, custom: readonly number[]): number {
  if (schema !== CUSTOM_BUCKETS_SCHEMA) return exponentialBound(index, schema);
  if (index < 0) return -Infinity;
  return index < custom.length ? custom[index]! : Infinity;
}

export function positiveBucketList(h: FloatHistogram): Bucket[] {
  return bucketList(h.positiveSpans, h.positiveBuckets, h.schema, customBounds(h), 1);
}

/** From the bucket nearest to zero outwards. */
export function negativeBucketList(h: FloatHistogram): Bucket[] {
  return bucketList(h.negativeSpans, h.negativeBuckets, h.schema, customBounds(h), -1);
}

function bucketList(
  spans: readonly BucketSpan[],
  counts: readonly number[],
  schema: number,
  custom: readonly number[],
  sign: 1 | -1,
): Bucket[] {
  const list: Bucket[] = [];
  let index = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++, at++) {
      const near = upperBound(index - 1, schema, custom);
      const far = upperBound(index, schema, custom);
      const count = counts[at]!;
      list.push(sign > 0 ? { lower: near, upper: far, count, index } : { lower: -far, upper: -near, count, index });
    }
  }
  return list;
}

/** All buckets from the lowest to the highest, the zero bucket among them when it is populated. */
export function allBuckets(h: FloatHistogram): Bucket[] {
  const list = negativeBucketList(h).reverse();
  if (h.zeroCount > 0) {
    list.push({ lower: -h.zeroThreshold, upper: h.zeroThreshold, count: h.zeroCount, index: 0 });
  }
  const zeroAt = h.zeroCount > 0 ? list.length - 1 : -1;
  for (const bucket of positiveBucketList(h)) list.push(bucket);
  for (let i = 0; i < list.length; i++) if (i !== zeroAt) cutAtZeroBucket(list[i]!, h.zeroThreshold);
  return list;
}

function cutAtZeroBucket(bucket: Bucket, threshold: number): void {
  if (bucket.upper < 0 && bucket.upper > -threshold) bucket.upper = -threshold;
  else if (bucket.lower > 0 && bucket.lower < threshold) bucket.lower = threshold;
}

/** Index at a coarser schema of the bucket that takes in bucket `index`. */
export function coarserIndex(index: number, from: number, to: number): number {
  return Math.floor((index - 1) / 2 ** (from - to)) + 1;
}

export interface BucketLayout {
  spans: MutableSpan[];
  buckets: number[];
}

/** Spans and counts of ascending (index, count) pairs. */
export class LayoutBuilder implements BucketLayout {
  readonly spans: MutableSpan[] = [];
  readonly buckets: number[] = [];
  #next = 0;

  push(index: number, count: number): void {
    const last = this.spans[this.spans.length - 1];
    if (last && index === this.#next) last.length++;
    else this.spans.push({ offset: index - this.#next, length: 1 });
    this.buckets.push(count);
    this.#next = index + 1;
  }
}

/** Both the counts and, with them, their compensation terms at a coarser schema. */
export function reduceResolution(
  spans: readonly BucketSpan[],
  buckets: readonly number[],
  from: number,
  to: number,
): BucketLayout {
  const target = new LayoutBuilder();
  let index = 0;
  let at = 0;
  let lastIndex = NaN;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++, at++) {
      const coarse = coarserIndex(index, from, to);
      if (coarse === lastIndex) target.buckets[target.buckets.length - 1]! += buckets[at]!;
      else target.push(coarse, buckets[at]!);
      lastIndex = coarse;
    }
  }
  return target;
}

/** A copy at schema `to`, which must not be finer than the histogram's own. */
export function copyToSchema(h: FloatHistogram, to: number): MutableHistogram {
  const copy = copyHistogram(h);
  if (to === h.schema) return copy;
  const positive = reduceResolution(h.positiveSpans, h.positiveBuckets, h.schema, to);
  const negative = reduceResolution(h.negativeSpans, h.negativeBuckets, h.schema, to);
  copy.schema = to;
  copy.positiveSpans = positive.spans;
  copy.positiveBuckets = positive.buckets;
  copy.negativeSpans = negative.spans;
  copy.negativeBuckets = negative.buckets;
  return copy;
}

/** Drops empty buckets and joins adjacent spans, in place. Returns its argument. */
export function compact(h: MutableHistogram): MutableHistogram {
  if (needsCompaction(h.positiveSpans, h.positiveBuckets)) {
    const layout = compactLayout(h.positiveSpans, h.positiveBuckets);
    h.positiveSpans = layout.spans;
    h.positiveBuckets = layout.buckets;
  }
  if (needsCompaction(h.negativeSpans, h.negativeBuckets)) {
    const layout = compactLayout(h.negativeSpans, h.negativeBuckets);
    h.negativeSpans = layout.spans;
    h.negativeBuckets = layout.buckets;
  }
  return h;
}

function needsCompaction(spans: readonly BucketSpan[], buckets: readonly number[]): boolean {
  for (let i = 0; i < buckets.length; i++) if (buckets[i] === 0) return true;
  for (let i = 0; i < spans.length; i++) if (spans[i]!.offset <= 0 || spans[i]!.length === 0) return true;
  return false;
}

function compactLayout(spans: readonly BucketSpan[], buckets: readonly number[]): BucketLayout {
  const target = new LayoutBuilder();
  let index = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++, at++) if (buckets[at] !== 0) target.push(index, buckets[at]!);
  }
  return target;
}

export function boundsMatch(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two lists of spans cover the same buckets: spans of length 0 and how spans are cut do not count. */
export function spansMatch(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  const left = runs(a);
  const right = runs(b);
  return left.length === right.length && left.every((n, i) => n === right[i]);
}

function runs(spans: readonly BucketSpan[]): number[] {
  const list: number[] = [];
  let index = 0;
  for (const span of spans) {
    index += span.offset;
    if (span.length > 0) {
      if (list.length > 0 && list[list.length - 1] === index) list[list.length - 1] = index + span.length;
      else list.push(index, index + span.length);
    }
    index += span.length;
  }
  return list;
}
