import type { FloatHistogram, Labels } from '@belfry/model';
import type { SeriesSamples } from '@belfry/promql';
import { ENCODING, OUT_OF_ORDER_FLAG } from './head-chunks.ts';
import { decodeHistogramChunk } from './histogram-chunk.ts';
import { type Interval, within } from './intervals.ts';
import { chunkSamples, decodeXor } from './xor.ts';

/** The samples of one series being collected from its chunks. Reused from series to series. */
export interface SampleBuffer {
  capacity: number;
  count: number;
  ts: Float64Array;
  values: Float64Array;
  /** The memory of `values`. */
  words: Uint32Array;
  /** Sparse; only when `hasHistograms`. */
  histograms: (FloatHistogram | undefined)[];
  hasHistograms: boolean;
  /** Whether the times ascend strictly so far. */
  sorted: boolean;
}

export function newSampleBuffer(capacity = 1024): SampleBuffer {
  const values = new Float64Array(capacity);
  return {
    capacity,
    count: 0,
    ts: new Float64Array(capacity),
    values,
    words: new Uint32Array(values.buffer),
    histograms: [],
    hasHistograms: false,
    sorted: true,
  };
}

export function clearBuffer(b: SampleBuffer): void {
  b.count = 0;
  b.sorted = true;
  if (b.hasHistograms) b.histograms = [];
  b.hasHistograms = false;
}

function reserveSamples(b: SampleBuffer, more: number): void {
  const least = b.count + more;
  if (least <= b.capacity) return;
  const capacity = Math.max(least, b.capacity * 2);
  const ts = new Float64Array(capacity);
  ts.set(b.ts.subarray(0, b.count));
  const values = new Float64Array(capacity);
  const words = new Uint32Array(values.buffer);
  words.set(b.words.subarray(0, b.count * 2));
  b.ts = ts;
  b.values = values;
  b.words = words;
  b.capacity = capacity;
}

/**
 * Adds the first `count` samples of a chunk (all, when it has fewer). `false`: the chunk is damaged; what could be read of it
 * was added.
 */
export function pushChunk(
  b: SampleBuffer,
  encoding: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
): boolean {
  const n = Math.min(count, chunkSamples(bytes, start));
  if (n === 0) return true;
  reserveSamples(b, n);
  const from = b.count;
  const kind = encoding & ~OUT_OF_ORDER_FLAG;
  let got = 0;
  if (kind === ENCODING.xor) {
    got = decodeXor(bytes, start, end, n, b.ts, b.words, from);
    b.count += got;
  } else if (kind === ENCODING.histogram || kind === ENCODING.floatHistogram) {
    b.hasHistograms = true;
    const integer = kind === ENCODING.histogram;
    got = decodeHistogramChunk(bytes, start, end, integer, (t, h) => pushHistogram(b, t, h), n);
  }
  if (from > 0 && got > 0 && b.ts[from] <= b.ts[from - 1]) b.sorted = false;
  return got === n;
}

export function pushHistogram(b: SampleBuffer, t: number, h: FloatHistogram): void {
  reserveSamples(b, 1);
  b.hasHistograms = true;
  b.ts[b.count] = t;
  b.values[b.count] = h.sum;
  b.histograms[b.count] = h;
  b.count++;
}

export function pushFloat(b: SampleBuffer, t: number, low: number, high: number): void {
  reserveSamples(b, 1);
  if (b.count > 0 && t <= b.ts[b.count - 1]) b.sorted = false;
  b.ts[b.count] = t;
  b.words[b.count * 2] = low;
  b.words[b.count * 2 + 1] = high;
  b.count++;
}

/** Adds all samples of another buffer. */
export function pushAll(from: SampleBuffer, into: SampleBuffer): void {
  for (let i = 0; i < from.count; i++) {
    const h = from.hasHistograms ? from.histograms[i] : undefined;
    if (h) {
      if (into.count > 0 && from.ts[i] <= into.ts[into.count - 1]) into.sorted = false;
      pushHistogram(into, from.ts[i], h);
    } else pushFloat(into, from.ts[i], from.words[i * 2], from.words[i * 2 + 1]);
  }
}

/** Sorts by time; of samples at the same time the one that was added first stays. */
export function sortBuffer(b: SampleBuffer): void {
  if (b.sorted) return;
  const order = new Uint32Array(b.count);
  for (let i = 0; i < b.count; i++) order[i] = i;
  const { ts, words } = b;
  order.sort((x, y) => ts[x] - ts[y] || x - y);
  const oldTs = ts.slice(0, b.count);
  const oldWords = words.slice(0, b.count * 2);
  const oldHistograms = b.histograms;
  if (b.hasHistograms) b.histograms = [];
  let n = 0;
  for (const i of order) {
    if (n > 0 && oldTs[i] === ts[n - 1]) continue;
    ts[n] = oldTs[i];
    words[n * 2] = oldWords[i * 2];
    words[n * 2 + 1] = oldWords[i * 2 + 1];
    if (b.hasHistograms && oldHistograms[i]) b.histograms[n] = oldHistograms[i];
    n++;
  }
  b.count = n;
  b.sorted = true;
}

/** Takes out the samples at deleted times. */
export function dropDeleted(b: SampleBuffer, deleted: readonly Interval[]): void {
  let n = 0;
  const kept: (FloatHistogram | undefined)[] = [];
  for (let i = 0; i < b.count; i++) {
    if (within(deleted, b.ts[i])) continue;
    b.ts[n] = b.ts[i];
    b.words[n * 2] = b.words[i * 2];
    b.words[n * 2 + 1] = b.words[i * 2 + 1];
    if (b.hasHistograms) kept[n] = b.histograms[i];
    n++;
  }
  b.count = n;
  if (b.hasHistograms) b.histograms = kept;
}

/** The samples in `[minMs, maxMs]` as the query engine takes them: views of the buffer. Nothing when there are none. */
export function samplesBetween(
  b: SampleBuffer,
  labels: Labels,
  minMs: number,
  maxMs: number,
): SeriesSamples | undefined {
  const from = firstNotBefore(b.ts, b.count, minMs);
  let until = b.count;
  if (until > 0 && b.ts[until - 1] > maxMs) until = firstAfter(b.ts, b.count, maxMs);
  if (from >= until) return undefined;
  const whole = from === 0;
  const samples = {
    labels,
    count: until - from,
    timestamps: whole ? b.ts : b.ts.subarray(from, until),
    values: whole ? b.values : b.values.subarray(from, until),
  };
  if (!b.hasHistograms) return samples;
  b.histograms.length = b.count;
  return { ...samples, histograms: b.histograms.slice(from, until) };
}

function firstNotBefore(ts: Float64Array, count: number, t: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ts[middle] < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAfter(ts: Float64Array, count: number, t: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ts[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}
