import type { FloatHistogram, Labels, Metadata } from '@belfry/model';
import { allocate, arenaOffset, arenaPage, classBytes, grow, MAX_OPEN_CHUNK_BYTES, release } from './arena.ts';
import { type ChunkPool, freeChunkNode, newChunkNode, newChunkPool } from './chunk-pool.ts';
import type { ExemplarStore } from './exemplars.ts';
import { ENCODING, type HeadChunks, writeHeadChunk } from './head-chunks.ts';
import { appendHistogram, type HistogramChunk, newHistogramChunk } from './histogram-chunk.ts';
import { addInterval, type Interval } from './intervals.ts';
import type { OutOfOrder } from './out-of-order.ts';
import { addSeries, findSeries, hashLabels, newSeriesTable, OPEN, type SeriesTable } from './series-table.ts';
import type { HeadStats } from './stats.ts';
import type { Wal } from './wal.ts';
import { appendXor, MAX_XOR_SAMPLE_BYTES } from './xor.ts';

/** A chunk is cut at about this many samples, evenly within the block range. As Prometheus. */
const SAMPLES_PER_CHUNK = 120;

/** The newest data: every series that is being written, its open chunk in memory, its complete ones in `chunks_head`. */
export interface Head {
  readonly series: SeriesTable;
  readonly pool: ChunkPool;
  readonly chunks: HeadChunks;
  /** Set once the log was read. */
  wal: Wal | undefined;
  /** The range of the smallest block. */
  readonly blockRangeMs: number;
  /** Times of the samples it has; `Infinity` and `-Infinity` when none. */
  minT: number;
  maxT: number;
  /** Nothing older is taken in order: it is in a block already. */
  minValidT: number;
  nextWalRef: number;
  /** The newest sample in each segment of the log. */
  readonly segmentMaxT: Map<number, number>;
  /** The newest sample when the segment being written was begun. */
  segmentBegunT: number;
  /** Open histogram chunks by slot. */
  readonly histograms: Map<number, HistogramChunk>;
  readonly metadata: Map<number, Metadata>;
  /** Deleted times by slot. */
  readonly tombstones: Map<number, Interval[]>;
  readonly exemplars: ExemplarStore;
  readonly outOfOrder: OutOfOrder;
  readonly stats: HeadStats;
  /** Called after every transaction; for whoever follows the log. */
  committed: () => void;
}

export interface HeadParts {
  readonly chunks: HeadChunks;
  readonly blockRangeMs: number;
  readonly exemplars: ExemplarStore;
  readonly outOfOrder: OutOfOrder;
  readonly stats: HeadStats;
}

export function newHead(parts: HeadParts): Head {
  return {
    ...parts,
    series: newSeriesTable(),
    pool: newChunkPool(),
    wal: undefined,
    minT: Infinity,
    maxT: -Infinity,
    minValidT: -Infinity,
    nextWalRef: 1,
    segmentMaxT: new Map(),
    segmentBegunT: -Infinity,
    histograms: new Map(),
    metadata: new Map(),
    tombstones: new Map(),
    committed: () => {},
  };
}

/** The slot of a label set, entered if it is new; 0 when there are too many series. */
export function getOrCreateSeries(h: Head, labels: Labels, walRef = 0): number {
  const hash = hashLabels(labels);
  const found = findSeries(h.series, labels, hash);
  if (found !== 0) return found;
  const slot = addSeries(h.series, labels, hash, walRef === 0 ? h.nextWalRef : walRef);
  if (slot === 0) return 0;
  if (walRef === 0) h.nextWalRef++;
  else if (walRef >= h.nextWalRef) h.nextWalRef = walRef + 1;
  h.stats.seriesCreated++;
  return slot;
}

/** The oldest time that an appender may still take in order: half a block range behind the newest sample. */
export function appendableMinT(h: Head): number {
  return Math.max(h.maxT - h.blockRangeMs / 2, h.minValidT);
}

/** Adds a sample that is newer than the newest of its series (`xor.lastT`), in memory only. */
export function appendFloat(h: Head, slot: number, t: number, v: number): void {
  const s = h.series;
  if (s.open[slot] !== OPEN.xor) beginXorChunk(h, slot);
  const x = s.xor;
  let n = x.samples[slot];
  let used = (x.bits[slot] + 7) >>> 3;
  if (n > 0) {
    if (n === SAMPLES_PER_CHUNK / 4) s.nextAt[slot] = chunkEnd(s.chunkMinT[slot], x.lastT[slot], s.nextAt[slot]);
    if (t >= s.nextAt[slot] || n >= SAMPLES_PER_CHUNK * 2 || used >= MAX_OPEN_CHUNK_BYTES) {
      completeChunk(h, slot);
      beginXorChunk(h, slot);
      n = 0;
    }
  }
  if (n === 0) {
    s.chunkMinT[slot] = t;
    s.nextAt[slot] = Math.floor(t / h.blockRangeMs) * h.blockRangeMs + h.blockRangeMs;
    used = 2;
  }
  if (used + MAX_XOR_SAMPLE_BYTES > classBytes(s.sizeClass[slot])) {
    s.address[slot] = grow(s.arena, s.address[slot], s.sizeClass[slot], used);
    s.sizeClass[slot]++;
  }
  const address = s.address[slot];
  appendXor(arenaPage(s.arena, address), arenaOffset(address), x, slot, t, v);
}

function beginXorChunk(h: Head, slot: number): void {
  const s = h.series;
  if (s.open[slot] === OPEN.xor && s.xor.samples[slot] > 0) return;
  if (s.open[slot] === OPEN.histogram || s.open[slot] === OPEN.floatHistogram) completeChunk(h, slot);
  // A series that had a chunk before will need about as much again; a new one may be short-lived.
  const sizeClass = s.completed[slot] > 0 ? s.sizeClass[slot] : 0;
  s.address[slot] = allocate(s.arena, sizeClass);
  s.sizeClass[slot] = sizeClass;
  s.open[slot] = OPEN.xor;
  s.xor.samples[slot] = 0;
  s.xor.bits[slot] = 0;
}

/** When to cut a chunk whose first quarter took from `start` to `current`, so that chunks up to `max` are about equal. */
function chunkEnd(start: number, current: number, max: number): number {
  const n = Math.floor((max - start) / ((current - start + 1) * 4));
  return n <= 1 ? max : start + Math.floor((max - start) / n);
}

/** Moves the open chunk of a series to `chunks_head`. */
function completeChunk(h: Head, slot: number): void {
  const s = h.series;
  const kind = s.open[slot];
  if (kind === OPEN.none) return;
  if (kind === OPEN.xor) {
    const address = s.address[slot];
    const start = arenaOffset(address);
    const end = start + ((s.xor.bits[slot] + 7) >>> 3);
    const page = arenaPage(s.arena, address);
    if (s.xor.samples[slot] > 0) storeChunk(h, slot, ENCODING.xor, s.xor.samples[slot], page, start, end);
    release(s.arena, address, s.sizeClass[slot]);
    // Start the next one a little smaller than this one became, so that a burst is forgotten in time.
    while (s.sizeClass[slot] > 0 && classBytes(s.sizeClass[slot] - 1) >= end - start) s.sizeClass[slot]--;
    s.xor.samples[slot] = 0;
  } else {
    const chunk = h.histograms.get(slot)!;
    const encoding = kind === OPEN.histogram ? ENCODING.histogram : ENCODING.floatHistogram;
    storeChunk(h, slot, encoding, chunk.samples, chunk.bytes, 0, chunk.length);
    h.histograms.delete(slot);
  }
  s.open[slot] = OPEN.none;
}

function storeChunk(
  h: Head,
  slot: number,
  encoding: number,
  samples: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const s = h.series;
  const minT = s.chunkMinT[slot];
  const maxT = s.xor.lastT[slot];
  const position = writeHeadChunk(h.chunks, s.walRefs[slot], minT, maxT, encoding, bytes, start, end);
  linkChunk(h, slot, newChunkNode(h.pool, minT, maxT, position, samples, encoding));
  h.stats.chunksCreated++;
}

/** Adds a complete chunk to its series, as the newest. */
export function linkChunk(h: Head, slot: number, node: number): void {
  const s = h.series;
  if (s.lastChunk[slot] === 0) s.firstChunk[slot] = node;
  else h.pool.next[s.lastChunk[slot]] = node;
  s.lastChunk[slot] = node;
  s.completed[slot]++;
}

/** Adds a histogram that is newer than the newest sample of its series, in memory only. */
export function appendHistogramSample(h: Head, slot: number, t: number, histogram: FloatHistogram): void {
  const s = h.series;
  const kind = histogram.integer ? OPEN.histogram : OPEN.floatHistogram;
  let chunk = h.histograms.get(slot);
  if (s.open[slot] !== kind || !chunk) {
    completeChunk(h, slot);
    chunk = undefined;
  } else {
    if (chunk.samples === SAMPLES_PER_CHUNK / 4) {
      s.nextAt[slot] = chunkEnd(s.chunkMinT[slot], s.xor.lastT[slot], s.nextAt[slot]);
    }
    if (t >= s.nextAt[slot] || chunk.samples >= SAMPLES_PER_CHUNK * 2) {
      completeChunk(h, slot);
    }
  }
  const previous = chunk;
  chunk = h.histograms.get(slot);
  if (!chunk || !appendHistogram(chunk, t, histogram)) {
    if (chunk) completeChunk(h, slot);
    chunk = newHistogramChunk(histogram.integer === true, histogram, previous);
    appendHistogram(chunk, t, histogram);
    h.histograms.set(slot, chunk);
    s.open[slot] = kind;
    s.chunkMinT[slot] = t;
    s.nextAt[slot] = Math.floor(t / h.blockRangeMs) * h.blockRangeMs + h.blockRangeMs;
  }
  s.xor.lastT[slot] = t;
}

/** Remembers that samples up to `t` went into the log, from segment `first` to the one being written. */
export function noteSegment(h: Head, first: number, t: number): void {
  const last = h.wal?.segment ?? first;
  for (let segment = first; segment <= last; segment++) {
    if (t > (h.segmentMaxT.get(segment) ?? -Infinity)) h.segmentMaxT.set(segment, t);
  }
}

/** Whether the newest sample of a series is a histogram: then its staleness marker is one too. */
export function endsInHistogram(h: Head, slot: number): 'none' | 'integer' | 'float' {
  const kind = h.series.open[slot];
  if (kind === OPEN.histogram) return 'integer';
  return kind === OPEN.floatHistogram ? 'float' : 'none';
}

/** Drops the complete chunks of a series that end before `minT`. */
export function dropChunksBefore(h: Head, slot: number, minT: number): number {
  const s = h.series;
  let dropped = 0;
  while (s.firstChunk[slot] !== 0 && h.pool.maxT[s.firstChunk[slot]] < minT) {
    const node = s.firstChunk[slot];
    s.firstChunk[slot] = h.pool.next[node];
    freeChunkNode(h.pool, node);
    dropped++;
  }
  if (s.firstChunk[slot] === 0) s.lastChunk[slot] = 0;
  return dropped;
}

/** Gives the open chunk of a series free without keeping it. */
export function dropOpenChunk(h: Head, slot: number): void {
  const s = h.series;
  if (s.open[slot] === OPEN.xor) release(s.arena, s.address[slot], s.sizeClass[slot]);
  h.histograms.delete(slot);
  s.open[slot] = OPEN.none;
  s.xor.samples[slot] = 0;
}

export function deleteInHead(h: Head, slot: number, interval: Interval): void {
  h.tombstones.set(slot, addInterval(h.tombstones.get(slot) ?? [], interval));
}
