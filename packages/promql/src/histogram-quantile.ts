/** Quantiles and fractions of classic and native histograms, interpolated as Prometheus does. */
import type { FloatHistogram } from '@belfry/model';
import { allBuckets, usesCustomBuckets } from './histogram-buckets.ts';

/** What can be said about the data beside the number; see annotations.ts. */
export type HistogramRemark = 'none' | 'nan-result' | 'nan-skew' | 'fraction-nan';

/** The remark of the last call of {@link histogramQuantile} or {@link histogramFraction}. */
export let lastRemark: HistogramRemark = 'none';

const NO_BUCKET = { lower: 0, upper: 0, count: 0 };

export function histogramQuantile(q: number, h: FloatHistogram): number {
  lastRemark = 'none';
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  if (h.count === 0 || Number.isNaN(q)) return NaN;
  const list = allBuckets(h);
  // NaN observations are in no bucket, so counting must start from below when there may be some.
  const forward = Number.isNaN(h.sum) || q < 0.5;
  let rank = (forward ? q : 1 - q) * h.count;
  let count = 0;
  let at = -1;
  for (let n = 0; n < list.length; n++) {
    at = forward ? n : list.length - 1 - n;
    const { count: own } = list[at]!;
    if (own === 0) continue;
    count += own;
    if (count >= rank) break;
  }
  const bucket = at < 0 ? NO_BUCKET : list[at]!;
  let { lower, upper } = bucket;
  const custom = usesCustomBuckets(h);
  if (!custom && lower < 0 && upper > 0) {
    if (h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0) lower = 0;
    else if (h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0) upper = 0;
  } else if (custom) {
    if (lower === -Infinity) {
      if (upper <= 0) return upper;
      lower = 0;
    } else if (upper === Infinity) return lower;
  }
  if (count > h.count) count = h.count;
  if (count < rank) {
    if (!Number.isNaN(h.sum)) return upper;
    lastRemark = 'nan-result';
    return NaN;
  }
  rank = forward ? rank - (count - bucket.count) : count - rank;
  if (Number.isNaN(h.sum)) {
    for (let n = at + 1; n < list.length; n++) count += list[n]!.count;
    if (count < h.count) lastRemark = 'nan-skew';
  }
  const fraction = rank / bucket.count;
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * fraction);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
}

/** The share of observations between two values. */
export function histogramFraction(lower: number, upper: number, h: FloatHistogram): number {
  lastRemark = 'none';
  if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
  if (lower >= upper) return 0;
  const custom = usesCustomBuckets(h);
  const list = allBuckets(h);
  let count = 0;
  let rank = 0;
  let lowerRank = -1;
  let upperRank = -1;
  let n = 0;
  for (; n < list.length; n++) {
    const own = list[n]!.count;
    let { lower: from, upper: to } = list[n]!;
    count += own;
    const zero = from <= 0 && to >= 0;
    if (zero) {
      if (h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0) from = 0;
      else if (h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0) to = 0;
    }
    if (lowerRank < 0 && from >= lower) lowerRank = rank;
    if (upperRank < 0 && from >= upper) upperRank = rank;
    if (lowerRank >= 0 && upperRank >= 0) break;
    const linear = custom || zero;
    if (lowerRank < 0 && from < lower && to > lower) lowerRank = rankWithin(lower, from, to, own, rank, linear);
    if (upperRank < 0 && from < upper && to > upper) upperRank = rankWithin(upper, from, to, own, rank, linear);
    if (lowerRank >= 0 && upperRank >= 0) break;
    rank += own;
  }
  if (Number.isNaN(h.sum)) {
    for (n++; n < list.length; n++) count += list[n]!.count;
    if (count < h.count) lastRemark = 'fraction-nan';
  } else count = h.count;
  if (lowerRank < 0 || lowerRank > count) lowerRank = count;
  if (upperRank < 0 || upperRank > count) upperRank = count;
  return (upperRank - lowerRank) / h.count;
}

function rankWithin(v: number, from: number, to: number, count: number, rank: number, linear: boolean): number {
  if (linear) return from === -Infinity ? count : rank + (count * (v - from)) / (to - from);
  const logFrom = Math.log2(Math.abs(from));
  const logTo = Math.log2(Math.abs(to));
  const logV = Math.log2(Math.abs(v));
  const fraction = v > 0 ? (logV - logFrom) / (logTo - logFrom) : 1 - (logV - logTo) / (logFrom - logTo);
  return rank + count * fraction;
}

/** The buckets of a classic histogram at one time: upper bounds ascending without doubles, cumulative counts. */
export interface ClassicBuckets {
  bounds: Float64Array;
  counts: Float64Array;
  length: number;
}

/** How far {@link classicQuantile} had to bend the counts of its last call. */
export const monotonicity = { forced: false, minBound: 0, maxBound: 0, maxDifference: 0 };

/** Relative difference between buckets that is taken for rounding. */
const SMALL_DELTA_TOLERANCE = 1e-12;

export function almostEqual(a: number, b: number, epsilon: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const absSum = Math.abs(a) + Math.abs(b);
  const diff = Math.abs(a - b);
  // Near zero, relative error means little.
  if (a === 0 || b === 0 || absSum < 2.2250738585072014e-308) return diff < epsilon * 2.2250738585072014e-308;
  return diff / Math.min(absSum, Number.MAX_VALUE) < epsilon;
}

/** Bends `buckets.counts` to rise monotonically. */
export function classicQuantile(q: number, buckets: ClassicBuckets): number {
  monotonicity.forced = false;
  if (Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const { bounds, counts, length } = buckets;
  if (length === 0 || bounds[length - 1] !== Infinity) return NaN;
  forceMonotonic(buckets);
  if (length < 2) return NaN;
  const observations = counts[length - 1]!;
  if (observations === 0) return NaN;
  let rank = q * observations;
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (counts[middle]! >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === length - 1) return bounds[length - 2]!;
  if (low === 0 && bounds[0]! <= 0) return bounds[0]!;
  let from = 0;
  let count = counts[low]!;
  if (low > 0) {
    from = bounds[low - 1]!;
    count -= counts[low - 1]!;
    rank -= counts[low - 1]!;
  }
  return from + (bounds[low]! - from) * (rank / count);
}

function forceMonotonic({ bounds, counts, length }: ClassicBuckets): void {
  monotonicity.minBound = Infinity;
  monotonicity.maxBound = -Infinity;
  monotonicity.maxDifference = 0;
  let previous = counts[0]!;
  for (let i = 1; i < length; i++) {
    const current = counts[i]!;
    if (current === previous) continue;
    if (almostEqual(previous, current, SMALL_DELTA_TOLERANCE)) {
      counts[i] = previous;
    } else if (current < previous) {
      counts[i] = previous;
      monotonicity.forced = true;
      monotonicity.minBound = Math.min(monotonicity.minBound, bounds[i]!);
      monotonicity.maxBound = Math.max(monotonicity.maxBound, bounds[i]!);
      monotonicity.maxDifference = Math.max(monotonicity.maxDifference, previous - current);
    } else previous = current;
  }
}

export function classicFraction(lower: number, upper: number, { bounds, counts, length }: ClassicBuckets): number {
  if (length === 0 || bounds[length - 1] !== Infinity) return NaN;
  const count = counts[length - 1]!;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
  if (lower >= upper) return 0;
  let rank = 0;
  let lowerRank = -1;
  let upperRank = -1;
  let from = bounds[0]! <= 0 ? -Infinity : 0;
  for (let i = 0; i < length; i++) {
    if (i > 0) from = bounds[i - 1]!;
    const to = bounds[i]!;
    const own = counts[i]!;
    const within = (v: number) => (from === -Infinity ? own : rank + ((own - rank) * (v - from)) / (to - from));
    if (lowerRank < 0 && from >= lower) lowerRank = rank;
    if (upperRank < 0 && from >= upper) upperRank = rank;
    if (lowerRank >= 0 && upperRank >= 0) break;
    if (lowerRank < 0 && from < lower && to > lower) lowerRank = within(lower);
    if (upperRank < 0 && from < upper && to > upper) upperRank = within(upper);
    if (lowerRank >= 0 && upperRank >= 0) break;
    rank = own;
  }
  if (lowerRank < 0 || lowerRank > count) lowerRank = count;
  if (upperRank < 0 || upperRank > count) upperRank = count;
  return (upperRank - lowerRank) / count;
}

/** The q-quantile of the first `length` numbers, which are sorted and none of them NaN. */
export function quantileOfSorted(q: number, sorted: Float64Array, length: number): number {
  if (Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const rank = q * (length - 1);
  const low = Math.max(0, Math.floor(rank));
  const high = Math.min(length - 1, low + 1);
  const weight = rank - Math.floor(rank);
  return sorted[low]! * (1 - weight) + sorted[high]! * weight;
}

/** The q-quantile of `length` numbers, which are sorted in place: NaN first. */
export function quantileOf(q: number, values: Float64Array, length: number): number {
  if (length === 0 || Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const sorted = values.subarray(0, length).sort();
  // Typed arrays sort NaN to the end; here it is the smallest.
  let nans = 0;
  while (nans < length && Number.isNaN(sorted[length - 1 - nans]!)) nans++;
  const at = (i: number) => (i < nans ? NaN : sorted[i - nans]!);
  const rank = q * (length - 1);
  const low = Math.max(0, Math.floor(rank));
  const high = Math.min(length - 1, low + 1);
  const weight = rank - Math.floor(rank);
  return at(low) * (1 - weight) + at(high) * weight;
}
