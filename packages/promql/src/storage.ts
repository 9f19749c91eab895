/**
 * What the engine asks of a store. A store in the same thread is a {@link SampleSource}; `queryable()` in leaf.ts makes a
 * {@link Queryable} of it. A store behind a thread border or a network implements Queryable itself, evaluating leaves
 * where the data lies, so that samples need not travel: only columns do.
 */
import type { Exemplar, FloatHistogram, Labels, Matcher } from '@belfry/model';
import type { Columns, StepGrid } from './columns.ts';

/**
 * Raw samples of one series, ascending in time. The arrays are borrowed: valid until the next series is taken from the
 * iterator, and never to be written to or kept. `values[i]` may be the staleness marker (check the bits). Where
 * `histograms` has an entry at `i`, sample `i` is a histogram and `values[i]` is unspecified.
 */
export interface SeriesSamples {
  readonly labels: Labels;
  readonly count: number;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (FloatHistogram | undefined)[];
  /** Start timestamps (ms), 0 where unknown; only when the store keeps them. */
  readonly startTimestamps?: Float64Array;
}

export interface SelectHints {
  /** The grid step, range and function of the leaf, for stores that can use them. Never needed for correctness. */
  readonly stepMs?: number;
  readonly rangeMs?: number;
  readonly func?: string;
  /** The result will be grouped by these labels; the rest need not be given. */
  readonly limit?: number;
}

/** A store in this thread. */
export interface SampleSource {
  /**
   * Series that satisfy all matchers, with samples at `minMs <= t <= maxMs` (both inclusive); a series without one in
   * the range may be left out. Order is unspecified. One snapshot: what is committed later is not seen. Call `return()`
   * on the iterator (for…of does) to release it early.
   * @throws BelfryError `data_corrupt` while iterating, naming file and position.
   */
  select(matchers: readonly Matcher[], minMs: number, maxMs: number, hints?: SelectHints): Iterable<SeriesSamples>;
  series(matcherSets: readonly (readonly Matcher[])[], minMs: number, maxMs: number, limit?: number): Labels[];
  /** Sorted. With matchers: only of series that satisfy any one set. */
  labelNames(matcherSets: readonly (readonly Matcher[])[], minMs: number, maxMs: number, limit?: number): string[];
  labelValues(
    name: string,
    matcherSets: readonly (readonly Matcher[])[],
    minMs: number,
    maxMs: number,
    limit?: number,
  ): string[];
  exemplars?(matcherSets: readonly (readonly Matcher[])[], minMs: number, maxMs: number): SeriesExemplars[];
}

export interface SeriesExemplars {
  readonly labels: Labels;
  readonly exemplars: readonly Exemplar[];
}

/**
 * A selector with everything settled to numbers, and the function applied to it, to be evaluated beside the data.
 * Plain data: it crosses worker borders.
 */
export interface LeafPlan {
  readonly matchers: readonly Matcher[];
  readonly grid: StepGrid;
  /** Subtracted from each step's time before looking. */
  readonly offsetMs: number;
  /** `@`: look at this time at every step instead of the step's own. */
  readonly atMs?: number;
  readonly operation: LeafOperation;
  /** Refuse beyond this many samples. */
  readonly maxSamples: number;
}

export type LeafOperation =
  /** The newest sample in `(t − lookback, t]`, none when it is the staleness marker. */
  | {
      readonly kind: 'instant';
      readonly lookbackMs: number;
      readonly smoothed?: boolean;
      /**
       * Instead of the sample's value, when it was taken or when its counter began (absent if the store keeps none).
       * Seconds. `float-timestamp` leaves histograms as they are.
       */
      readonly emit?: 'timestamp' | 'float-timestamp' | 'start-timestamp';
      readonly histogramStats?: boolean;
    }
  /** `func` over the samples in `(t − range, t]`: `rate`, `sum_over_time`, … `params` are its scalar arguments, one a step. */
  | {
      readonly kind: 'over-time';
      readonly func: string;
      readonly rangeMs: number;
      readonly params: readonly Float64Array[];
      readonly extended?: 'anchored' | 'smoothed';
      readonly lookbackMs: number;
      /** Heed start timestamps, where the store keeps them, in what counts resets. */
      readonly useStartTimestamps?: boolean;
      /** Only counts and sums of histograms will be looked at: whether each is a counter reset is then found out. */
      readonly histogramStats?: boolean;
    };

export interface LeafResult {
  readonly columns: Columns;
  /** Samples read, for limits and statistics. */
  readonly samples: number;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** The samples of a range, per series: what a bare `metric[5m]` asked as an instant query gives. */
export interface RawSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (FloatHistogram | undefined)[];
}

/** A store wherever it is. Every call rejects with BelfryError `query_canceled` or the signal's reason once it aborts. */
export interface Queryable {
  leaf(plan: LeafPlan, signal?: AbortSignal): Promise<LeafResult>;
  raw(
    matchers: readonly Matcher[],
    afterMs: number,
    untilMs: number,
    maxSamples: number,
    signal?: AbortSignal,
  ): Promise<RawSeries[]>;
  series(
    matcherSets: readonly (readonly Matcher[])[],
    minMs: number,
    maxMs: number,
    limit?: number,
    signal?: AbortSignal,
  ): Promise<Labels[]>;
  labelNames(
    matcherSets: readonly (readonly Matcher[])[],
    minMs: number,
    maxMs: number,
    limit?: number,
    signal?: AbortSignal,
  ): Promise<string[]>;
  labelValues(
    name: string,
    matcherSets: readonly (readonly Matcher[])[],
    minMs: number,
    maxMs: number,
    limit?: number,
    signal?: AbortSignal,
  ): Promise<string[]>;
  exemplars(
    matcherSets: readonly (readonly Matcher[])[],
    minMs: number,
    maxMs: number,
    signal?: AbortSignal,
  ): Promise<SeriesExemplars[]>;
}
