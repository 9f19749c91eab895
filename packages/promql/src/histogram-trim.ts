/** `histogram </ bound` and `histogram >/ bound`: the observations on one side of a bound. */
import type { FloatHistogram } from '@belfry/model';
import {
  type Bucket,
  compact,
  copyHistogram,
  negativeBucketList,
  positiveBucketList,
  usesCustomBuckets,
} from './histogram-buckets.ts';

interface Kept {
  readonly count: number;
  readonly midpoint: number;
}

/** A copy with only the observations below `bound` (`below`) or above it. The sum is estimated anew from midpoints. */
export function trimHistogram(h: FloatHistogram, bound: number, below: boolean): FloatHistogram {
  const copy = copyHistogram(h);
  const linear = usesCustomBuckets(h);
  let count = 0;
  let sum = 0;
  let trimmed = false;
  const populated = { positive: false, negative: false };
  for (const side of ['positive', 'negative'] as const) {
    const list = side === 'positive' ? positiveBucketList(h) : negativeBucketList(h);
    list.forEach((bucket, i) => {
      if (bucket.count === 0) return;
      populated[side] = true;
      const kept = keptOf(bucket, bound, below, side === 'positive', linear);
      count += kept.count;
      sum += kept.midpoint * kept.count;
      if (kept.count === bucket.count) return;
      copy[`${side}Buckets`][i] = kept.count;
      trimmed = true;
    });
  }
  if (h.zeroCount > 0) {
    const kept = keptOfZero(h, bound, below, populated.negative, populated.positive);
    if (kept.count !== h.zeroCount) trimmed = true;
    copy.zeroCount = kept.count;
    count += kept.count;
    sum += kept.midpoint * kept.count;
  }
  if (!trimmed) return copy;
  copy.count = count;
  copy.sum = sum;
  return compact(copy);
}

const NOTHING: Kept = { count: 0, midpoint: 0 };

function keptOf(b: Bucket, bound: number, below: boolean, positive: boolean, linear: boolean): Kept {
  if (below ? b.upper <= bound : b.lower >= bound) {
    return { count: b.count, midpoint: midpointOf(b.lower, b.upper, positive, linear) };
  }
  if (below ? b.lower >= bound : b.upper <= bound) return NOTHING;
  if (b.lower === -Infinity || b.upper === Infinity) return keptOfInfinite(b, bound, below);
  const under = countBelow(b, bound, positive, linear);
  return below
    ? { count: under, midpoint: midpointOf(b.lower, bound, positive, linear) }
    : { count: b.count - under, midpoint: midpointOf(bound, b.upper, positive, linear) };
}

/** How observations lie in a bucket without an end is unknown, so it is mostly dropped as a whole. */
function keptOfInfinite(b: Bucket, bound: number, below: boolean): Kept {
  if (b.lower === -Infinity) {
    if (below) {
      if (bound >= b.upper) return { count: b.count, midpoint: 0 };
      if (bound > 0 && b.upper > 0 && b.upper !== Infinity) {
        return { count: (b.count * bound) / b.upper, midpoint: bound / 2 };
      }
      return b.upper <= 0 ? { count: b.count, midpoint: bound } : NOTHING;
    }
    if (bound <= b.lower) return { count: b.count, midpoint: 0 };
    if (bound >= 0 && b.upper > bound && b.upper !== Infinity) {
      return { count: b.count * (1 - bound / b.upper), midpoint: (bound + b.upper) / 2 };
    }
    return NOTHING;
  }
  return !below && bound >= b.lower ? { count: b.count, midpoint: bound } : NOTHING;
}

function countBelow(b: Bucket, bound: number, positive: boolean, linear: boolean): number {
  if (bound <= b.lower) return 0;
  if (bound >= b.upper) return b.count;
  if (linear) return b.count * ((bound - b.lower) / (b.upper - b.lower));
  const lower = Math.log2(Math.abs(b.lower));
  const upper = Math.log2(Math.abs(b.upper));
  const at = Math.log2(Math.abs(bound));
  return b.count * (positive ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper));
}

function keptOfZero(h: FloatHistogram, bound: number, below: boolean, negative: boolean, positive: boolean): Kept {
  const upper = negative && !positive ? 0 : h.zeroThreshold;
  const lower = positive && !negative ? 0 : -h.zeroThreshold;
  const whole = { count: h.zeroCount, midpoint: (lower + upper) / 2 };
  if (bound <= lower) return below ? NOTHING : whole;
  if (bound >= upper) return below ? whole : NOTHING;
  return below
    ? { count: (h.zeroCount * (bound - lower)) / (upper - lower), midpoint: (lower + bound) / 2 }
    : { count: (h.zeroCount * (upper - bound)) / (upper - lower), midpoint: (bound + upper) / 2 };
}

function midpointOf(lower: number, upper: number, positive: boolean, linear: boolean): number {
  const open = (x: number) => x === Infinity || x === -Infinity;
  if (open(lower)) {
    if (open(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (open(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const mean = Math.sqrt(Math.abs(lower * upper));
  return positive ? mean : -mean;
}
