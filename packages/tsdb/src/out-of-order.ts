/**
 * Samples older than the newest of their series, within a window. A series' newest are in memory, sorted; when there are many
 * they become a chunk in `chunks_head`, with the out-of-order flag in its encoding. They have a log of their own, `wbl/`, with
 * the same records; a marker in it says that what came before for a series is in a chunk.
 */
import { ENCODING, type HeadChunks, OUT_OF_ORDER_FLAG, writeHeadChunk } from './head-chunks.ts';
import type { Wal } from './wal.ts';
import { appendXor, MAX_XOR_SAMPLE_BYTES, xorStates } from './xor.ts';

/** With more in memory, those of a series become a chunk. As Prometheus' default. */
export const MAX_OUT_OF_ORDER_SAMPLES = 32;

export interface OutOfOrderChunk {
  readonly minT: number;
  readonly maxT: number;
  readonly position: number;
  readonly samples: number;
}

export interface OutOfOrderSeries {
  ts: Float64Array;
  values: Float64Array;
  /** The memory of `values`. */
  words: Uint32Array;
  count: number;
  chunks: readonly OutOfOrderChunk[];
}

export interface OutOfOrder {
  /** How far behind the newest sample of the head one may be; 0: not at all. Milliseconds. */
  windowMs: number;
  /** By slot. */
  readonly series: Map<number, OutOfOrderSeries>;
  /** Opened with the first sample. */
  wal: Wal | undefined;
  readonly openWal: () => Wal;
  /** The span of all of them. */
  minT: number;
  maxT: number;
}

export function newOutOfOrder(windowMs: number, openWal: () => Wal): OutOfOrder {
  return { windowMs, series: new Map(), wal: undefined, openWal, minT: Infinity, maxT: -Infinity };
}

export function outOfOrderSeries(o: OutOfOrder, slot: number): OutOfOrderSeries {
  let series = o.series.get(slot);
  if (!series) {
    const values = new Float64Array(8);
    series = { ts: new Float64Array(8), values, words: new Uint32Array(values.buffer), count: 0, chunks: [] };
    o.series.set(slot, series);
  }
  return series;
}

export function noteOutOfOrderTime(o: OutOfOrder, t: number): void {
  if (t < o.minT) o.minT = t;
  if (t > o.maxT) o.maxT = t;
}

/** Puts a sample in its place; `false` when there is one at that time already. */
export function insertOutOfOrder(o: OutOfOrder, slot: number, t: number, low: number, high: number): boolean {
  const s = outOfOrderSeries(o, slot);
  let at = s.count;
  while (at > 0 && s.ts[at - 1] > t) at--;
  if (at > 0 && s.ts[at - 1] === t) return false;
  if (s.count === s.ts.length) growSeries(s);
  s.ts.copyWithin(at + 1, at, s.count);
  s.words.copyWithin(2 * at + 2, 2 * at, 2 * s.count);
  s.ts[at] = t;
  s.words[2 * at] = low;
  s.words[2 * at + 1] = high;
  s.count++;
  noteOutOfOrderTime(o, t);
  return true;
}

function growSeries(s: OutOfOrderSeries): void {
  const ts = new Float64Array(s.ts.length * 2);
  ts.set(s.ts);
  const values = new Float64Array(ts.length);
  const words = new Uint32Array(values.buffer);
  words.set(s.words);
  s.ts = ts;
  s.values = values;
  s.words = words;
}

const state = xorStates(1);
const MAX_CHUNK_SAMPLES = 2000;

/** Moves a series' samples out of memory; returns where the last of the new chunks lies, 0 when there were none. */
export function spillOutOfOrder(s: OutOfOrderSeries, chunks: HeadChunks, walRef: number): number {
  let position = 0;
  const added: OutOfOrderChunk[] = [];
  for (let from = 0; from < s.count; from += MAX_CHUNK_SAMPLES) {
    const until = Math.min(s.count, from + MAX_CHUNK_SAMPLES);
    const bytes = new Uint8Array(2 + (until - from) * MAX_XOR_SAMPLE_BYTES);
    state.samples[0] = 0;
    for (let i = from; i < until; i++) appendXor(bytes, 0, state, 0, s.ts[i], s.values[i]);
    const end = (state.bits[0] + 7) >>> 3;
    const [minT, maxT] = [s.ts[from], s.ts[until - 1]];
    position = writeHeadChunk(chunks, walRef, minT, maxT, ENCODING.xor | OUT_OF_ORDER_FLAG, bytes, 0, end);
    added.push({ minT, maxT, position, samples: until - from });
  }
  if (added.length > 0) s.chunks = [...s.chunks, ...added];
  s.count = 0;
  return position;
}

/** The number of the oldest head chunk file that is still needed. */
export function oldestOutOfOrderFile(o: OutOfOrder): number {
  let oldest = Infinity;
  for (const s of o.series.values()) {
    for (const c of s.chunks) oldest = Math.min(oldest, Math.floor(c.position / 4294967296));
  }
  return oldest;
}

/** Forgets these chunks, which are in blocks now; series that have nothing left go. */
export function forgetOutOfOrder(o: OutOfOrder, gone: ReadonlyMap<number, ReadonlySet<OutOfOrderChunk>>): void {
  for (const [slot, chunks] of gone) {
    const s = o.series.get(slot);
    if (!s) continue;
    s.chunks = s.chunks.filter((c) => !chunks.has(c));
    if (s.chunks.length === 0 && s.count === 0) o.series.delete(slot);
  }
  o.minT = Infinity;
  o.maxT = -Infinity;
  for (const s of o.series.values()) {
    for (const c of s.chunks) {
      noteOutOfOrderTime(o, c.minT);
      noteOutOfOrderTime(o, c.maxT);
    }
    for (let i = 0; i < s.count; i++) noteOutOfOrderTime(o, s.ts[i]);
  }
}
