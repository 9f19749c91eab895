/**
 * The records inside Prometheus' write-ahead log. Each begins with a byte that tells its type; refs are the series' numbers,
 * which live as long as the series is in the log. Big endian; `v` stands for a signed, `u` for an unsigned varint.
 *
 *     series (1)            (ref 8, labels)…                         labels: u count, (u length, UTF-8)…
 *     samples (2)           ref0 8, t0 8, (v ref−ref0, v t−t0, value 8)…
 *     tombstones (3)        (ref 8, v from, v until)…
 *     exemplars (4)         ref0 8, t0 8, (v ref−ref0, v t−t0, value 8, labels)…
 *     m-map markers (5)     (ref 8, chunk 8)…                        only in the log of out-of-order samples
 *     metadata (6)          (u ref, type 1, u fields, (name, text)…)…
 *     histograms (7, 9)     ref0 8, t0 8, (v ref−ref0, v t−t0, histogram)…          9 and 10: with custom buckets
 *     float histograms (8, 10)
 *     with start times (11 samples, 12 histograms, 13 float histograms), which newer versions of Prometheus can write:
 *                           v ref, v t, v start, value, (v ref−ref before, v t−t0, start, value)…
 *                           start: 0 none | 1 as before | 2, v start−start0
 *     oldest valid time (14) t 8                                     only in checkpoints
 */
import {
  type BucketSpan,
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
  type Labels,
  labelsFromSorted,
  type Metadata,
  type MetricType,
} from '@belfry/model';
import {
  type ByteBuffer,
  type Cursor,
  readF64,
  readI64,
  readText,
  readU8,
  readU32,
  readUvarint,
  readVarint,
  Truncated,
  writeVarint,
} from './bytes.ts';

export const RECORD = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  mmapMarkers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customHistograms: 9,
  customFloatHistograms: 10,
  samplesWithStart: 11,
  histogramsWithStart: 12,
  floatHistogramsWithStart: 13,
  minValidTime: 14,
} as const;

/** Float samples in columns; `words` is the memory of `values`. */
export interface SampleColumns {
  refs: Float64Array;
  ts: Float64Array;
  values: Float64Array;
  words: Uint32Array;
  count: number;
}

export function sampleColumns(capacity: number): SampleColumns {
  const values = new Float64Array(capacity);
  return {
    refs: new Float64Array(capacity),
    ts: new Float64Array(capacity),
    values,
    words: new Uint32Array(values.buffer),
    count: 0,
  };
}

export function growColumns(c: SampleColumns, least: number): void {
  const capacity = Math.max(least, c.refs.length * 2);
  const next = sampleColumns(capacity);
  next.refs.set(c.refs);
  next.ts.set(c.ts);
  next.values.set(c.values);
  c.refs = next.refs;
  c.ts = next.ts;
  c.values = next.values;
  c.words = next.words;
}

const MAX_SAMPLE_BYTES = 28;

export function encodeSamples(out: ByteBuffer, c: SampleColumns): void {
  if (c.count === 0) return;
  out.putByte(RECORD.samples);
  const ref0 = c.refs[0];
  const t0 = c.ts[0];
  out.putI64(ref0);
  out.putI64(t0);
  out.reserve(c.count * MAX_SAMPLE_BYTES);
  out.length = encodeSampleRows(out.bytes, out.length, c.count, c.refs, c.ts, c.words, ref0, t0);
}

function encodeSampleRows(
  bytes: Uint8Array,
  at: number,
  count: number,
  refs: Float64Array,
  ts: Float64Array,
  words: Uint32Array,
  ref0: number,
  t0: number,
): number {
  for (let i = 0; i < count; i++) {
    at = writeVarint(bytes, at, refs[i] - ref0);
    at = writeVarint(bytes, at, ts[i] - t0);
    const high = words[2 * i + 1];
    const low = words[2 * i];
    bytes[at] = high >>> 24;
    bytes[at + 1] = high >>> 16;
    bytes[at + 2] = high >>> 8;
    bytes[at + 3] = high;
    bytes[at + 4] = low >>> 24;
    bytes[at + 5] = low >>> 16;
    bytes[at + 6] = low >>> 8;
    bytes[at + 7] = low;
    at += 8;
  }
  return at;
}

/** Appends the record's samples to `into`. The cursor stands after the type byte. */
export function decodeSamples(c: Cursor, into: SampleColumns): void {
  if (c.at === c.end) return;
  const ref0 = readI64(c);
  const t0 = readI64(c);
  const most = into.count + Math.ceil((c.end - c.at) / 10);
  if (most > into.refs.length) growColumns(into, most);
  let n = into.count;
  while (c.at < c.end) {
    into.refs[n] = ref0 + readVarint(c);
    into.ts[n] = t0 + readVarint(c);
    const { bytes, at } = c;
    if (at + 8 > c.end) throw new Truncated('unexpected end of a sample');
    into.words[2 * n + 1] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    into.words[2 * n] = (bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7];
    c.at = at + 8;
    n++;
  }
  into.count = n;
}

/** As {@link decodeSamples}, for the type with start times, which are left out. */
export function decodeSamplesWithStart(c: Cursor, into: SampleColumns): void {
  const most = into.count + Math.ceil((c.end - c.at) / 10);
  if (most > into.refs.length) growColumns(into, most);
  let ref = 0;
  let t0 = 0;
  for (let i = 0; c.at < c.end; i++) {
    ref += readVarint(c);
    const t = readVarint(c) + t0;
    if (i === 0) {
      t0 = t;
      readVarint(c);
    } else skipStart(c);
    into.refs[into.count] = ref;
    into.ts[into.count] = t;
    into.words[2 * into.count + 1] = readU32(c);
    into.words[2 * into.count] = readU32(c);
    into.count++;
  }
}

function skipStart(c: Cursor): void {
  if (readU8(c) >= 2) readVarint(c);
}

function encodeLabels(out: ByteBuffer, labels: Labels): void {
  out.putUvarint(labels.length / 2);
  for (const text of labels) out.putText(text);
}

function decodeLabels(c: Cursor): Labels {
  const n = readUvarint(c) * 2;
  const flat: string[] = [];
  for (let i = 0; i < n; i++) flat.push(readText(c));
  return labelsFromSorted(flat);
}

export interface SeriesRecord {
  readonly ref: number;
  readonly labels: Labels;
}

export function encodeSeries(out: ByteBuffer, series: Iterable<SeriesRecord>): void {
  out.putByte(RECORD.series);
  for (const { ref, labels } of series) {
    out.putI64(ref);
    encodeLabels(out, labels);
  }
}

export function decodeSeries(c: Cursor): SeriesRecord[] {
  const out: SeriesRecord[] = [];
  while (c.at < c.end) out.push({ ref: readI64(c), labels: decodeLabels(c) });
  return out;
}

export interface Tombstone {
  readonly ref: number;
  /** Both inclusive. */
  readonly minMs: number;
  readonly maxMs: number;
}

export function encodeTombstones(out: ByteBuffer, stones: Iterable<Tombstone>): void {
  out.putByte(RECORD.tombstones);
  for (const s of stones) {
    out.putI64(s.ref);
    out.putVarint(s.minMs);
    out.putVarint(s.maxMs);
  }
}

export function decodeTombstones(c: Cursor): Tombstone[] {
  const out: Tombstone[] = [];
  while (c.at < c.end) out.push({ ref: readI64(c), minMs: readVarint(c), maxMs: readVarint(c) });
  return out;
}

export interface ExemplarRecord {
  readonly ref: number;
  readonly t: number;
  readonly value: number;
  readonly labels: Labels;
}

export function encodeExemplars(out: ByteBuffer, exemplars: readonly ExemplarRecord[]): void {
  out.putByte(RECORD.exemplars);
  const first = exemplars[0];
  out.putI64(first.ref);
  out.putI64(first.t);
  for (const e of exemplars) {
    out.putVarint(e.ref - first.ref);
    out.putVarint(e.t - first.t);
    out.putF64(e.value);
    encodeLabels(out, e.labels);
  }
}

export function decodeExemplars(c: Cursor): ExemplarRecord[] {
  const out: ExemplarRecord[] = [];
  if (c.at === c.end) return out;
  const ref0 = readI64(c);
  const t0 = readI64(c);
  while (c.at < c.end) {
    out.push({ ref: ref0 + readVarint(c), t: t0 + readVarint(c), value: readF64(c), labels: decodeLabels(c) });
  }
  return out;
}

/** That all samples of the series up to here are in a chunk on disk. */
export interface MmapMarker {
  readonly ref: number;
  readonly chunk: number;
}

export function encodeMmapMarkers(out: ByteBuffer, markers: Iterable<MmapMarker>): void {
  out.putByte(RECORD.mmapMarkers);
  for (const m of markers) {
    out.putI64(m.ref);
    out.putI64(m.chunk);
  }
}

export function decodeMmapMarkers(c: Cursor): MmapMarker[] {
  const out: MmapMarker[] = [];
  while (c.at < c.end) out.push({ ref: readI64(c), chunk: readI64(c) });
  return out;
}

const METRIC_TYPES: readonly MetricType[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

export interface MetadataRecord {
  readonly ref: number;
  readonly metadata: Metadata;
}

export function encodeMetadata(out: ByteBuffer, records: Iterable<MetadataRecord>): void {
  out.putByte(RECORD.metadata);
  for (const { ref, metadata } of records) {
    out.putUvarint(ref);
    out.putByte(Math.max(0, METRIC_TYPES.indexOf(metadata.type)));
    out.putUvarint(2);
    out.putText('UNIT');
    out.putText(metadata.unit);
    out.putText('HELP');
    out.putText(metadata.help);
  }
}

export function decodeMetadata(c: Cursor): MetadataRecord[] {
  const out: MetadataRecord[] = [];
  while (c.at < c.end) {
    const ref = readUvarint(c);
    const type = METRIC_TYPES[readU8(c)] ?? 'unknown';
    let unit = '';
    let help = '';
    for (let n = readUvarint(c); n > 0; n--) {
      const name = readText(c);
      const text = readText(c);
      if (name === 'UNIT') unit = text;
      else if (name === 'HELP') help = text;
    }
    out.push({ ref, metadata: { type, unit, help } });
  }
  return out;
}

export interface HistogramRecord {
  readonly ref: number;
  readonly t: number;
  readonly histogram: FloatHistogram;
}

const HINTS: readonly CounterResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

/** The type of the record that a histogram belongs into; those of one record are of one type. */
export function histogramRecordType(h: FloatHistogram): number {
  const custom = h.schema === CUSTOM_BUCKETS_SCHEMA;
  if (h.integer) return custom ? RECORD.customHistograms : RECORD.histograms;
  return custom ? RECORD.customFloatHistograms : RECORD.floatHistograms;
}

export function encodeHistograms(out: ByteBuffer, type: number, records: readonly HistogramRecord[]): void {
  out.putByte(type);
  const first = records[0];
  out.putI64(first.ref);
  out.putI64(first.t);
  for (const r of records) {
    out.putVarint(r.ref - first.ref);
    out.putVarint(r.t - first.t);
    encodeHistogram(out, r.histogram);
  }
}

function encodeHistogram(out: ByteBuffer, h: FloatHistogram): void {
  out.putByte(HINTS.indexOf(h.counterResetHint));
  out.putVarint(h.schema);
  out.putF64(h.zeroThreshold);
  if (h.integer) {
    out.putUvarint(h.zeroCount);
    out.putUvarint(h.count);
  } else {
    out.putF64(h.zeroCount);
    out.putF64(h.count);
  }
  out.putF64(h.sum);
  encodeSpans(out, h.positiveSpans);
  encodeSpans(out, h.negativeSpans);
  encodeBuckets(out, h.positiveBuckets, h.integer === true);
  encodeBuckets(out, h.negativeBuckets, h.integer === true);
  if (h.schema !== CUSTOM_BUCKETS_SCHEMA) return;
  const bounds = h.customValues ?? [];
  out.putUvarint(bounds.length);
  for (const bound of bounds) out.putF64(bound);
}

function encodeSpans(out: ByteBuffer, spans: readonly BucketSpan[]): void {
  out.putUvarint(spans.length);
  for (const s of spans) {
    out.putVarint(s.offset);
    out.putUvarint(s.length);
  }
}

/** Integer buckets are stored as the difference to the bucket before. */
function encodeBuckets(out: ByteBuffer, buckets: readonly number[], integer: boolean): void {
  out.putUvarint(buckets.length);
  let previous = 0;
  for (const count of buckets) {
    if (integer) out.putVarint(count - previous);
    else out.putF64(count);
    previous = count;
  }
}

export function decodeHistograms(c: Cursor, type: number): HistogramRecord[] {
  const out: HistogramRecord[] = [];
  if (c.at === c.end) return out;
  const withStart = type === RECORD.histogramsWithStart || type === RECORD.floatHistogramsWithStart;
  if (withStart) return decodeHistogramsWithStart(c, type === RECORD.histogramsWithStart);
  const integer = type === RECORD.histograms || type === RECORD.customHistograms;
  const ref0 = readI64(c);
  const t0 = readI64(c);
  while (c.at < c.end) {
    const ref = ref0 + readVarint(c);
    const t = t0 + readVarint(c);
    out.push({ ref, t, histogram: decodeHistogram(c, integer) });
  }
  return out;
}

function decodeHistogramsWithStart(c: Cursor, integer: boolean): HistogramRecord[] {
  const out: HistogramRecord[] = [];
  let ref = readVarint(c);
  const t0 = readVarint(c);
  readVarint(c);
  for (let t = t0; ; ) {
    out.push({ ref, t, histogram: decodeHistogram(c, integer) });
    if (c.at >= c.end) return out;
    ref += readVarint(c);
    t = t0 + readVarint(c);
    skipStart(c);
  }
}

function decodeHistogram(c: Cursor, integer: boolean): FloatHistogram {
  const counterResetHint = HINTS[readU8(c)] ?? 'unknown';
  const schema = readVarint(c);
  const zeroThreshold = readF64(c);
  const zeroCount = integer ? readUvarint(c) : readF64(c);
  const count = integer ? readUvarint(c) : readF64(c);
  const sum = readF64(c);
  const positiveSpans = decodeSpans(c);
  const negativeSpans = decodeSpans(c);
  const positiveBuckets = decodeBuckets(c, integer);
  const negativeBuckets = decodeBuckets(c, integer);
  const base = {
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans,
    negativeSpans,
    positiveBuckets,
    negativeBuckets,
    counterResetHint,
  };
  const flagged = integer ? { ...base, integer: true } : base;
  if (schema !== CUSTOM_BUCKETS_SCHEMA) return flagged;
  const customValues: number[] = [];
  for (let n = readUvarint(c); n > 0; n--) customValues.push(readF64(c));
  return { ...flagged, customValues };
}

function decodeSpans(c: Cursor): BucketSpan[] {
  const out: BucketSpan[] = [];
  for (let n = readUvarint(c); n > 0; n--) out.push({ offset: readVarint(c), length: readUvarint(c) });
  return out;
}

function decodeBuckets(c: Cursor, integer: boolean): number[] {
  const out: number[] = [];
  let previous = 0;
  for (let n = readUvarint(c); n > 0; n--) {
    previous = integer ? previous + readVarint(c) : readF64(c);
    out.push(previous);
  }
  return out;
}
