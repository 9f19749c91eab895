import type { FloatHistogram, Labels } from '@belfry/model';

/** The times a query is evaluated at: `count` of them, `stepMs` apart. An instant query has one. Milliseconds. */
export interface StepGrid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** What a cell of {@link Columns} holds. */
export const ABSENT = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

/**
 * The value of an instant-vector expression over a grid: a table of series (rows) × steps. Cell `(i, j)` stands at
 * `i * grid.count + j` in `present` and `values`. A cell that is not FLOAT has an unspecified number in `values`; a cell
 * that is HISTOGRAM has its histogram in `histograms` at the same index. Series that are absent at every step may or may
 * not be there: readers must not depend on either. Buffers belong to the receiver, who may write into them.
 * Series order has no meaning unless the operator says so (sort, topk of an instant query).
 */
export interface Columns {
  readonly grid: StepGrid;
  readonly labels: readonly Labels[];
  readonly values: Float64Array;
  readonly present: Uint8Array;
  /** Absent when no cell is a histogram. */
  readonly histograms?: Map<number, FloatHistogram>;
  /**
   * Rows whose metric name is to be dropped at the end (delayed name removal), one flag a row; absent: none.
   */
  readonly dropName?: Uint8Array;
}

/** One value a step: what scalar expressions give. */
export interface ScalarColumn {
  readonly grid: StepGrid;
  readonly values: Float64Array;
}
