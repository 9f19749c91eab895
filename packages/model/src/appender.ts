import type { FloatHistogram } from './histogram.ts';
import type { Labels } from './labels.ts';

/** The reference of a series in one open store: a positive integer. Refs die with the store and may be dropped by it. */
export type SeriesRef = number;

/** Instead of a ref, for a sample that was not taken. Negative, so that `ref > 0` means success on the hot path. */
export const REFUSED = {
  /** Older than the newest sample of its series, outside of the out-of-order window. */
  outOfOrder: -1,
  /** Same time as the newest sample, other value. (Same time and same value is success, and stores nothing.) */
  duplicate: -2,
  /** Older than anything the store still accepts. */
  outOfBounds: -3,
  /** Beyond the out-of-order window. */
  tooOld: -4,
} as const;

export type Refusal = (typeof REFUSED)[keyof typeof REFUSED];

export type MetricType =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'gaugehistogram'
  | 'summary'
  | 'info'
  | 'stateset'
  | 'unknown';

export interface Metadata {
  readonly type: MetricType;
  readonly unit: string;
  readonly help: string;
}

export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds; absent when the exposition gave none. */
  readonly timestampMs?: number;
}

/**
 * One transaction of writes against a store in the same thread.
 *
 * `append*` takes a ref that an earlier append for the same labels returned, or 0; it returns the ref to use next time,
 * or a {@link Refusal}, which affects that sample only. A ref that the store no longer knows is looked up anew by labels.
 * Nothing is visible to readers, nor durable, before `commit`. When `commit` returns, every accepted sample survives
 * kill -9 (its log record was handed to the operating system); survival of a power cut is a matter of `fsync` policy.
 * `commit` throws BelfryError `storage_full` or `internal`, and then nothing of the transaction is kept.
 * After `commit` or `rollback` the appender is spent.
 */
export interface Appender {
  append(ref: SeriesRef, labels: Labels, timestampMs: number, value: number): SeriesRef | Refusal;
  /** `stale` markers for histogram series are appended as the float {@link STALE_NAN}; the store encodes them. */
  appendHistogram(ref: SeriesRef, labels: Labels, timestampMs: number, histogram: FloatHistogram): SeriesRef | Refusal;
  /** The time at which the counter or histogram began; stored only where the start-timestamp feature is on. */
  appendStartTimestamp?(ref: SeriesRef, timestampMs: number, startMs: number): void;
  appendExemplar(ref: SeriesRef, exemplar: Exemplar): void;
  updateMetadata(ref: SeriesRef, labels: Labels, metadata: Metadata): void;
  commit(): void;
  rollback(): void;
}

export interface Appendable {
  appender(): Appender;
}

/**
 * Samples on their way between threads: columns, `series[i]` being the index in `labels` that sample `i` belongs to.
 * Order within a series is the order of the samples here. `histograms` has entries only where sample `i` is one.
 */
export interface WriteBatch {
  readonly labels: readonly Labels[];
  readonly series: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: ReadonlyMap<number, FloatHistogram>;
  readonly exemplars?: readonly { readonly series: number; readonly exemplar: Exemplar }[];
  readonly metadata?: readonly { readonly series: number; readonly metadata: Metadata }[];
}

/** What became of a {@link WriteBatch}: everything not refused is durable. `first` tells one refused sample for the message. */
export interface WriteReport {
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  readonly refused: readonly { readonly reason: Refusal; readonly count: number; readonly first: string }[];
}

/** A store in whichever thread: answers when the batch is durable. */
export interface Writer {
  write(batch: WriteBatch): Promise<WriteReport>;
}
