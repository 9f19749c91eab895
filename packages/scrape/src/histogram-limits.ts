import { type BucketSpan, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from '@belfry/model';

const MIN_SCHEMA = -4;
const MAX_SCHEMA = 8;

/** The finest schema whose buckets grow by at least `factor`. */
export function schemaForFactor(factor: number): number {
  if (factor <= 1) return MAX_SCHEMA;
  // Adding zero makes of −0, which floor gives for 2, the 0 it is.
  const schema = Math.floor(-Math.log2(Math.log2(factor))) + 0;
  return Math.min(MAX_SCHEMA, Math.max(MIN_SCHEMA, schema));
}

/**
 * A histogram coarse enough: at most `bucketLimit` buckets (0: any number) and no schema above `maxSchema`. Nothing when
 * the coarsest has too many buckets still.
 */
export function limited(h: FloatHistogram, bucketLimit: number, maxSchema: number): FloatHistogram | undefined {
  let out = h;
  const exponential = h.schema !== CUSTOM_BUCKETS_SCHEMA;
  if (exponential && out.schema > maxSchema) out = coarser(out, maxSchema);
  if (bucketLimit <= 0) return out;
  while (out.positiveBuckets.length + out.negativeBuckets.length > bucketLimit) {
    if (!exponential || out.schema <= MIN_SCHEMA) return undefined;
    out = coarser(out, out.schema - 1);
  }
  return out;
}

/** The same observations in the buckets of a lower schema. */
export function coarser(h: FloatHistogram, schema: number): FloatHistogram {
  const shift = h.schema - schema;
  const positive = merge(h.positiveSpans, h.positiveBuckets, shift);
  const negative = merge(h.negativeSpans, h.negativeBuckets, shift);
  return {
    ...h,
    schema,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  };
}

function merge(spans: readonly BucketSpan[], buckets: readonly number[], shift: number) {
  const merged: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let index = 0;
  let at = 0;
  let last: number | undefined;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++) {
      // Bucket i has the upper bound base^i, and base is the 2^shift-th root of the coarser base.
      const target = Math.ceil(index / 2 ** shift);
      const count = buckets[at++]!;
      if (target === last) counts[counts.length - 1]! += count;
      else {
        if (last !== undefined && target === last + 1) merged.at(-1)!.length++;
        else merged.push({ offset: last === undefined ? target : target - last - 1, length: 1 });
        counts.push(count);
        last = target;
      }
    }
  }
  return { spans: merged as readonly BucketSpan[], buckets: counts as readonly number[] };
}
