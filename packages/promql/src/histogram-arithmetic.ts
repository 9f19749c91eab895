/** Arithmetic of native histograms, with Prometheus' reconciliation of schemas, zero buckets and custom bounds. */
import type { BucketSpan, FloatHistogram } from '@belfry/model';
import {
  type Bucket,
  boundsMatch,
  coarserIndex,
  copyHistogram,
  customBounds,
  LayoutBuilder,
  type MutableHistogram,
  negativeBucketList,
  positiveBucketList,
  reduceResolution,
  spansMatch,
  upperBound,
  usesCustomBuckets,
} from './histogram-buckets.ts';

/** What {@link addHistogram} and its kin report: this, or bits of the two below. */
export const INCOMPATIBLE = -1;
/** One side said that its counter was reset, the other that it was not. */
export const RESET_COLLISION = 1;
/** The custom bounds differed, so both sides were mapped to the bounds they share. */
export const BOUNDS_RECONCILED = 2;

/** In place. A negative factor makes a gauge. */
export function scaleHistogram(h: MutableHistogram, factor: number): MutableHistogram {
  h.zeroCount *= factor;
  h.count *= factor;
  h.sum *= factor;
  for (let i = 0; i < h.positiveBuckets.length; i++) h.positiveBuckets[i]! *= factor;
  for (let i = 0; i < h.negativeBuckets.length; i++) h.negativeBuckets[i]! *= factor;
  if (factor < 0) h.counterResetHint = 'gauge';
  return h;
}

/** In place. Division by zero leaves no buckets. */
export function divideHistogram(h: MutableHistogram, divisor: number): MutableHistogram {
  h.zeroCount /= divisor;
  h.count /= divisor;
  h.sum /= divisor;
  if (divisor === 0) {
    h.positiveBuckets = [];
    h.negativeBuckets = [];
    h.positiveSpans = [];
    h.negativeSpans = [];
    return h;
  }
  for (let i = 0; i < h.positiveBuckets.length; i++) h.positiveBuckets[i]! /= divisor;
  for (let i = 0; i < h.negativeBuckets.length; i++) h.negativeBuckets[i]! /= divisor;
  if (divisor < 0) h.counterResetHint = 'gauge';
  return h;
}

/** Adds `other` to `h` in place. */
export function addHistogram(h: MutableHistogram, other: FloatHistogram): number {
  return accumulate(h, other, 1, undefined);
}

/** Subtracts `other` from `h` in place. The hint is treated as in addition: callers decide what a difference is. */
export function subtractHistogram(h: MutableHistogram, other: FloatHistogram): number {
  return accumulate(h, other, -1, undefined);
}

/** A histogram that holds the compensation terms of a Kahan sum, laid out as `h`. */
export function newCompensation(h: FloatHistogram): MutableHistogram {
  const c = copyHistogram(h);
  c.zeroCount = 0;
  c.count = 0;
  c.sum = 0;
  c.positiveBuckets.fill(0);
  c.negativeBuckets.fill(0);
  return c;
}

/** Adds with compensation: `h` is the sum, `c` its compensation, both in place and of one layout. */
export function kahanAddHistogram(h: MutableHistogram, other: FloatHistogram, c: MutableHistogram): number {
  return accumulate(h, other, 1, c);
}

function accumulate(h: MutableHistogram, other: FloatHistogram, sign: 1 | -1, c: MutableHistogram | undefined): number {
  const custom = usesCustomBuckets(h);
  if (custom !== usesCustomBuckets(other)) return INCOMPATIBLE;
  let flags = adjustHint(h, other) ? RESET_COLLISION : 0;
  if (!custom) addTo(h, c, 'zeroCount', sign * reconcileZeroBuckets(h, other, c));
  addTo(h, c, 'count', sign * other.count);
  addTo(h, c, 'sum', sign * other.sum);
  if (custom) {
    if (boundsMatch(customBounds(h), customBounds(other))) {
      addSide(h, c, 'positive', other.positiveSpans, other.positiveBuckets, sign);
    } else {
      flags |= BOUNDS_RECONCILED;
      addOnSharedBounds(h, other, sign, c);
    }
    return flags;
  }
  const schema = Math.min(h.schema, other.schema);
  if (schema < h.schema) coarsen(h, c, schema);
  for (const side of SIDES) {
    let spans: readonly BucketSpan[] = other[`${side}Spans`];
    let buckets: readonly number[] = other[`${side}Buckets`];
    if (schema < other.schema) ({ spans, buckets } = reduceResolution(spans, buckets, other.schema, schema));
    addSide(h, c, side, spans, buckets, sign);
  }
  return flags;
}

const SIDES = ['positive', 'negative'] as const;
type Side = (typeof SIDES)[number];

function addTo(
  h: MutableHistogram,
  c: MutableHistogram | undefined,
  field: 'zeroCount' | 'count' | 'sum',
  x: number,
): void {
  if (!c) {
    h[field] += x;
    return;
  }
  const sum = h[field];
  const t = sum + x;
  if (t === Infinity || t === -Infinity) c[field] = 0;
  else c[field] += Math.abs(sum) >= Math.abs(x) ? sum - t + x : x - t + sum;
  h[field] = t;
}

function coarsen(h: MutableHistogram, c: MutableHistogram | undefined, schema: number): void {
  for (const side of SIDES) {
    const compensation = c && reduceResolution(h[`${side}Spans`], c[`${side}Buckets`], h.schema, schema);
    const layout = reduceResolution(h[`${side}Spans`], h[`${side}Buckets`], h.schema, schema);
    setSide(h, c, side, layout.spans, layout.buckets, compensation?.buckets);
  }
  h.schema = schema;
  if (c) c.schema = schema;
}

function setSide(
  h: MutableHistogram,
  c: MutableHistogram | undefined,
  side: Side,
  spans: { offset: number; length: number }[],
  buckets: number[],
  compensation: number[] | undefined,
): void {
  h[`${side}Spans`] = spans;
  h[`${side}Buckets`] = buckets;
  if (c && compensation) {
    c[`${side}Spans`] = spans;
    c[`${side}Buckets`] = compensation;
  }
}

/** Merges the buckets of `spansB` into one side of `h`; those within the zero bucket are counted there already. */
function addSide(
  h: MutableHistogram,
  c: MutableHistogram | undefined,
  side: Side,
  spansB: readonly BucketSpan[],
  bucketsB: readonly number[],
  sign: 1 | -1,
): void {
  const spansA = h[`${side}Spans`];
  const bucketsA = h[`${side}Buckets`];
  const first = firstOutsideZero(h, spansB);
  if (first === 0 && sameSpans(spansA, spansB)) {
    for (let i = 0; i < bucketsA.length; i++) kahanInto(bucketsA, c?.[`${side}Buckets`], i, sign * bucketsB[i]!);
    return;
  }
  const indexesA = indexesOf(spansA);
  const indexesB = indexesOf(spansB);
  const target = new LayoutBuilder();
  const compensationA = c?.[`${side}Buckets`];
  const compensation: number[] = [];
  let a = 0;
  let b = first;
  while (a < indexesA.length || b < indexesB.length) {
    const ia = a < indexesA.length ? indexesA[a]! : Infinity;
    const ib = b < indexesB.length ? indexesB[b]! : Infinity;
    target.push(Math.min(ia, ib), ia <= ib ? bucketsA[a]! : sign * bucketsB[b]!);
    compensation.push(ia <= ib && compensationA ? compensationA[a]! : 0);
    if (ia === ib) kahanInto(target.buckets, c && compensation, target.buckets.length - 1, sign * bucketsB[b]!);
    if (ia <= ib) a++;
    if (ib <= ia) b++;
  }
  setSide(h, c, side, target.spans, target.buckets, c && compensation);
}

function kahanInto(buckets: number[], compensation: number[] | undefined, i: number, x: number): void {
  const sum = buckets[i]!;
  const t = sum + x;
  if (compensation) {
    if (t === Infinity || t === -Infinity) compensation[i] = 0;
    else compensation[i]! += Math.abs(sum) >= Math.abs(x) ? sum - t + x : x - t + sum;
  }
  buckets[i] = t;
}

function sameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i]!.offset !== b[i]!.offset || a[i]!.length !== b[i]!.length) return false;
  return true;
}

function indexesOf(spans: readonly BucketSpan[]): number[] {
  const list: number[] = [];
  let index = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++) list.push(index++);
  }
  return list;
}

/** How many leading buckets of the spans lie wholly within the zero bucket of `h`. */
function firstOutsideZero(h: FloatHistogram, spans: readonly BucketSpan[]): number {
  if (usesCustomBuckets(h)) return 0;
  let index = 0;
  let n = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++, n++) {
      if (upperBound(index, h.schema, []) > h.zeroThreshold) return n;
    }
  }
  return n;
}

/** The hint of a sum. Returns whether the two collide. */
function adjustHint(h: MutableHistogram, other: FloatHistogram): boolean {
  const mine = h.counterResetHint;
  const theirs = other.counterResetHint;
  if (mine === theirs || mine === 'gauge') return false;
  if (theirs === 'gauge') h.counterResetHint = 'gauge';
  else if (mine === 'unknown') return false;
  else h.counterResetHint = 'unknown';
  return theirs !== 'gauge' && theirs !== 'unknown';
}

/** Widens the zero bucket of `h` to one that suits both; returns the count that `other` has in it. */
function reconcileZeroBuckets(h: MutableHistogram, other: FloatHistogram, c: MutableHistogram | undefined): number {
  let count = other.zeroCount;
  let threshold = other.zeroThreshold;
  while (threshold !== h.zeroThreshold) {
    if (h.zeroThreshold > threshold) ({ count, threshold } = zeroCountForThreshold(other, h.zeroThreshold));
    if (threshold > h.zeroThreshold) {
      const own = zeroCountForThreshold(h, threshold);
      if (c) c.zeroCount += zeroCountForThreshold(c, own.threshold, h).count - c.zeroCount;
      h.zeroCount = own.count;
      h.zeroThreshold = own.threshold;
      if (c) c.zeroThreshold = own.threshold;
      emptyWithinZero(h, c);
    }
  }
  return count;
}

/**
 * The zero count, were the threshold at least `larger`: raised further to a bound when it would cut a populated bucket
 * (of `populated`, which is the histogram itself but for compensations).
 */
export function zeroCountForThreshold(
  h: FloatHistogram,
  larger: number,
  populated: FloatHistogram = h,
): { count: number; threshold: number } {
  if (larger === h.zeroThreshold && populated === h) return { count: h.zeroCount, threshold: larger };
  let threshold = larger;
  for (;;) {
    let count = h.zeroCount;
    const positive = positiveBucketList(h);
    for (let i = 0; i < positive.length && positive[i]!.lower < threshold; i++) {
      const bucket = positive[i]!;
      count += bucket.count;
      if (bucket.upper > threshold) {
        if (populated.positiveBuckets[i] !== 0) threshold = bucket.upper;
        break;
      }
    }
    const negative = negativeBucketList(h);
    let again = false;
    for (let i = 0; i < negative.length && negative[i]!.upper > -threshold; i++) {
      const bucket = negative[i]!;
      count += bucket.count;
      if (bucket.lower < -threshold) {
        again = populated.negativeBuckets[i] !== 0;
        if (again) threshold = -bucket.lower;
        break;
      }
    }
    if (!again) return { count, threshold };
  }
}

/** Empties what the zero bucket has taken in; `c` has the layout of `h` before and after. */
function emptyWithinZero(h: MutableHistogram, c: MutableHistogram | undefined): void {
  for (const side of SIDES) {
    const list: Bucket[] = side === 'positive' ? positiveBucketList(h) : negativeBucketList(h);
    const kept = new LayoutBuilder();
    const compensation: number[] = [];
    list.forEach((bucket, i) => {
      const near = side === 'positive' ? bucket.lower : -bucket.upper;
      if (near < h.zeroThreshold || bucket.count === 0) return;
      kept.push(bucket.index, bucket.count);
      compensation.push(c ? c[`${side}Buckets`][i]! : 0);
    });
    setSide(h, c, side, kept.spans, kept.buckets, c && compensation);
  }
}

function sharedBounds(a: readonly number[], b: readonly number[]): number[] {
  const shared: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared.push(a[i]!);
      i++;
      j++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  return shared;
}

function addOnSharedBounds(
  h: MutableHistogram,
  other: FloatHistogram,
  sign: 1 | -1,
  c: MutableHistogram | undefined,
): void {
  const bounds = sharedBounds(customBounds(h), customBounds(other));
  const sums = new Array<number>(bounds.length + 1).fill(0);
  const compensations = new Array<number>(bounds.length + 1).fill(0);
  const spread = (from: FloatHistogram, buckets: readonly number[], factor: number) => {
    const source = customBounds(from);
    let target = 0;
    indexesOf(from.positiveSpans).forEach((index, i) => {
      if (index >= source.length) target = bounds.length;
      else while (target < bounds.length && bounds[target]! < source[index]!) target++;
      kahanInto(sums, compensations, target, factor * buckets[i]!);
    });
  };
  spread(h, h.positiveBuckets, 1);
  if (c) spread(h, c.positiveBuckets, 1);
  spread(other, other.positiveBuckets, sign);
  const layout = new LayoutBuilder();
  const kept: number[] = [];
  sums.forEach((sum, i) => {
    if (sum === 0 && compensations[i] === 0) return;
    layout.push(i, sum);
    kept.push(compensations[i]!);
  });
  setSide(h, c, 'positive', layout.spans, layout.buckets, c && kept);
  h.customValues = bounds;
  if (c) c.customValues = bounds;
}

/** Whether the counter of `h` was reset since `previous`: by its hint, else by what has shrunk or vanished. */
export function detectReset(h: FloatHistogram, previous: FloatHistogram): boolean {
  if (h.counterResetHint === 'reset') return true;
  if (h.counterResetHint === 'not_reset') return false;
  if (h.count < previous.count) return true;
  if (usesCustomBuckets(h)) {
    if (!usesCustomBuckets(previous)) return true;
    if (!boundsMatch(customBounds(h), customBounds(previous))) return resetOnSharedBounds(h, previous);
  }
  if (h.schema > previous.schema || h.zeroThreshold < previous.zeroThreshold) return true;
  const zero = zeroCountForThreshold(previous, h.zeroThreshold);
  if (zero.threshold !== h.zeroThreshold || h.zeroCount < zero.count) return true;
  return sideReset(h, previous, 'positive') || sideReset(h, previous, 'negative');
}

function sideReset(h: FloatHistogram, previous: FloatHistogram, side: Side): boolean {
  const now = countsOutsideZero(h, side, h.schema, h.zeroThreshold);
  const before = countsOutsideZero(previous, side, h.schema, h.zeroThreshold);
  for (const [index, count] of before) {
    if (count === 0) continue;
    const current = now.get(index);
    if (current === undefined || current < count) return true;
  }
  return false;
}

function countsOutsideZero(h: FloatHistogram, side: Side, schema: number, threshold: number): Map<number, number> {
  const counts = new Map<number, number>();
  const custom = usesCustomBuckets(h);
  indexesOf(h[`${side}Spans`]).forEach((index, i) => {
    if (!custom && upperBound(index, h.schema, []) <= threshold) return;
    const at = schema < h.schema ? coarserIndex(index, h.schema, schema) : index;
    counts.set(at, (counts.get(at) ?? 0) + h[`${side}Buckets`][i]!);
  });
  return counts;
}

function resetOnSharedBounds(h: FloatHistogram, previous: FloatHistogram): boolean {
  const bounds = sharedBounds(customBounds(h), customBounds(previous));
  const now = rollUp(h, bounds);
  const before = rollUp(previous, bounds);
  return before.some((count, i) => now[i]! < count);
}

function rollUp(h: FloatHistogram, bounds: readonly number[]): number[] {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let target = 0;
  for (const bucket of positiveBucketList(h)) {
    while (target < bounds.length && bounds[target]! < bucket.upper) target++;
    counts[target]! += bucket.count;
  }
  return counts;
}

/** Bit for bit the same, the cut of the spans apart. Sums that are NaN are equal. */
export function histogramsEqual(a: FloatHistogram, b: FloatHistogram): boolean {
  if (a.schema !== b.schema || !Object.is(a.count + 0, b.count + 0) || !Object.is(a.sum + 0, b.sum + 0)) return false;
  if (usesCustomBuckets(a) && !boundsMatch(customBounds(a), customBounds(b))) return false;
  if (a.zeroThreshold !== b.zeroThreshold || !Object.is(a.zeroCount + 0, b.zeroCount + 0)) return false;
  return (
    spansMatch(a.positiveSpans, b.positiveSpans) &&
    boundsMatch(a.positiveBuckets, b.positiveBuckets) &&
    spansMatch(a.negativeSpans, b.negativeSpans) &&
    boundsMatch(a.negativeBuckets, b.negativeBuckets)
  );
}

/** Whether a sum has left the range of floats. */
export function hasOverflow(h: FloatHistogram): boolean {
  const infinite = (x: number) => x === Infinity || x === -Infinity;
  return (
    infinite(h.zeroCount) ||
    infinite(h.count) ||
    infinite(h.sum) ||
    h.positiveBuckets.some(infinite) ||
    h.negativeBuckets.some(infinite)
  );
}
