import type { Exemplar, FloatHistogram, Labels, MetricType } from '@belfry/model';

/** What {@link ExpositionParser.next} came upon. Numbers, because a scrape has hundreds of thousands. */
export const ENTRY = {
  /** Nothing more: the exposition was complete and well-formed. */
  end: 0,
  /** A float sample. */
  series: 1,
  /** A native histogram. */
  histogram: 2,
  type: 3,
  help: 4,
  unit: 5,
} as const;
export type Entry = (typeof ENTRY)[keyof typeof ENTRY];

/**
 * Reads an exposition entry by entry, without making an object of any of them: after `next` the fields and methods speak
 * of the current entry, until the next call.
 *
 * The bytes `keyBytes[keyStart, keyEnd)` identify the series of the entry: within one format, equal bytes are equal labels,
 * so a caller that remembers them (from an earlier body of the same target) need not ask for `labels()` again. Hand what
 * is expected to come next to `expect`: if it does, the labels are not even looked at, and `expected` is true.
 */
export interface ExpositionParser {
  /** @throws BelfryError `exposition_syntax` with line and column (for the protobuf format: column 1 + byte offset). */
  next(): Entry;
  /** Foretells the series key of the next entry that has one. */
  expect(bytes: Uint8Array, start: number, end: number): void;
  /** Whether the series of the current entry is the one foretold. */
  readonly expected: boolean;
  readonly keyBytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Of a float sample. */
  readonly value: number;
  /** Milliseconds; NaN when the exposition gives none. */
  readonly timestampMs: number;
  /** Of the current series, the metric's name among them, sorted, without empty values. */
  labels(): Labels;
  /** Of the last `labels()`: labels that were written with an empty value, so as to say that there is none. */
  readonly emptyNames: readonly string[];
  /** Of an `ENTRY.histogram`. */
  histogram(): FloatHistogram;
  /** The next exemplar of the current sample. */
  exemplar(): Exemplar | undefined;
  /** When the counter or histogram began (ms), 0 when it is not told. */
  startTimestampMs(): number;
  /** The family that metadata entries speak of, and what they say. */
  readonly familyName: string;
  readonly metricType: MetricType;
  /** Help or unit. */
  readonly text: string;
}

export interface ParserOptions {
  /** From the protobuf format: whether native histograms are given; without, their classic buckets are. */
  readonly nativeHistograms?: boolean;
  /** Whether the classic form of a histogram is given too where the native one is. */
  readonly alwaysClassic?: boolean;
  /** From OpenMetrics: whether `_created` series are taken as start timestamps instead of as series. */
  readonly startTimestamps?: boolean;
  /** Whether series get the labels `__type__` and `__unit__`. */
  readonly typeAndUnitLabels?: boolean;
  /** Whether bounds and quantiles stay as they are written, instead of being made the same. */
  readonly verbatim?: boolean;
}
