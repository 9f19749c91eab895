/** Consecutive buckets: `offset` from the end of the previous span (the first: from index 0), then `length` buckets. */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

/** What is known about whether the histogram's counts were reset before it. */
export type CounterResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

/** The schema of a native histogram with custom bucket bounds. Exponential schemas are −4 to 8: base 2^(2^−schema). */
export const CUSTOM_BUCKETS_SCHEMA = -53;

/**
 * A native histogram with absolute, floating-point bucket counts; what PromQL computes with. Integer histograms are
 * this too: their counts are exact below 2^53. Immutable by convention: operators make new ones.
 *
 * Positive bucket `i` of an exponential schema covers (base^(i−1), base^i]; of the custom schema (custom[i−1], custom[i]],
 * the first from −Inf, one past the last to +Inf. The zero bucket covers [−zeroThreshold, zeroThreshold].
 */
export interface FloatHistogram {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  /** One count a bucket of the spans, absolute (not deltas). */
  readonly positiveBuckets: readonly number[];
  readonly negativeBuckets: readonly number[];
  /** Upper bounds, ascending, without +Inf; only with {@link CUSTOM_BUCKETS_SCHEMA}. */
  readonly customValues?: readonly number[];
  readonly counterResetHint: CounterResetHint;
  /** Whether it came with integer counts: decides the encoding in chunks and on the wire, never a result. */
  readonly integer?: boolean;
}
