import { cursor, Truncated } from './bytes.ts';
import { newChunkNode } from './chunk-pool.ts';
import { addExemplar } from './exemplars.ts';
import type { Files } from './files.ts';
import { appendFloat, appendHistogramSample, deleteInHead, getOrCreateSeries, type Head, linkChunk } from './head.ts';
import { OUT_OF_ORDER_FLAG, type StoredChunk } from './head-chunks.ts';
import { insertOutOfOrder, noteOutOfOrderTime, type OutOfOrderSeries, outOfOrderSeries } from './out-of-order.ts';
import { lastCheckpoint, listSegments, readSegment, type Segment, type SegmentDamage } from './wal.ts';
import {
  decodeExemplars,
  decodeHistograms,
  decodeMetadata,
  decodeMmapMarkers,
  decodeSamples,
  decodeSamplesWithStart,
  decodeSeries,
  decodeTombstones,
  RECORD,
  type SampleColumns,
  sampleColumns,
} from './wal-records.ts';

/** How far reading the log at start is. */
export interface ReplayProgress {
  /** First and last segment to read, and the one being read. */
  min: number;
  max: number;
  current: number;
  state: 'waiting' | 'running' | 'done';
}

export interface ReplayResult {
  readonly damages: readonly SegmentDamage[];
  readonly samples: number;
  /** Samples and histograms of series that no record introduces. */
  readonly unknownRefs: number;
  /** Types of records that are not known; they were left out. */
  readonly unknownTypes: readonly number[];
  /** Slots by further numbers of series that have one already. */
  readonly aliases: Map<number, number>;
}

const MIN_VALID_TIME_BYTES = 9;

interface Replay {
  readonly head: Head;
  /** Slots by their number in the log. Several numbers may stand for one series. */
  readonly slots: RefIndex;
  readonly stored: Map<number, StoredChunk[]>;
  readonly columns: SampleColumns;
  samples: number;
  unknownRefs: number;
  /** Of records that only a newer Prometheus understands. */
  readonly unknownTypes: Set<number>;
  /** The newest sample of the segment being read. */
  segmentMaxT: number;
}

/**
 * Fills the head from the newest checkpoint and the segments after it. `stored` are the complete chunks by series number as
 * found in `chunks_head`: samples of the log that they have already are skipped.
 */
export function* replayWal(
  head: Head,
  files: Files,
  directory: string,
  stored: Map<number, StoredChunk[]>,
  progress: ReplayProgress,
  outOfOrderDirectory: string,
): Generator<void, ReplayResult, void> {
  const r: Replay = {
    head,
    slots: newRefIndex(),
    stored,
    columns: sampleColumns(4096),
    samples: 0,
    unknownRefs: 0,
    segmentMaxT: -Infinity,
    unknownTypes: new Set(),
  };
  const damages: SegmentDamage[] = [];
  for (const ref of stored.keys()) if (ref >= head.nextWalRef) head.nextWalRef = ref + 1;
  const sources = replaySources(files, directory);
  const numbers = sources.map((s) => s.index);
  progress.min = numbers[0] ?? 0;
  progress.max = numbers.at(-1) ?? 0;
  progress.state = 'running';
  for (const segment of sources) {
    progress.current = segment.index;
    r.segmentMaxT = -Infinity;
    let bad: SegmentDamage | undefined;
    const damage = readSegment(files, segment.path, (record, position) => {
      try {
        replayRecord(r, record);
      } catch (error) {
        if (!(error instanceof Truncated)) throw error;
        bad ??= { path: segment.path, position, reason: `a record does not decode: ${error.message}`, tail: false };
      }
    });
    if (!segment.path.includes('/checkpoint.')) head.segmentMaxT.set(segment.index, r.segmentMaxT);
    if (damage) damages.push(damage);
    if (bad) damages.push(bad);
    yield;
  }
  for (const segment of listSegments(files, outOfOrderDirectory)) {
    const damage = readSegment(files, segment.path, (record) => replayOutOfOrder(r, record));
    if (damage) damages.push(damage);
    yield;
  }
  progress.state = 'done';
  const aliases = new Map<number, number>();
  for (const [ref, slot] of refsOf(r.slots)) if (head.series.walRefs[slot] !== ref) aliases.set(ref, slot);
  return { damages, samples: r.samples, unknownRefs: r.unknownRefs, unknownTypes: [...r.unknownTypes], aliases };
}

function replayOutOfOrder(r: Replay, record: Uint8Array): void {
  const c = cursor(record, 1);
  const { outOfOrder } = r.head;
  if (record[0] === RECORD.mmapMarkers) {
    for (const { ref, chunk } of decodeMmapMarkers(c)) {
      const slot = findRef(r.slots, ref);
      if (slot === 0) continue;
      const late = outOfOrderSeries(outOfOrder, slot);
      // A marker of a chunk that is gone means nothing: the samples are here.
      if (r.stored.get(ref)?.some((s) => s.position === chunk && holds(s, late))) late.count = 0;
    }
  } else if (record[0] === RECORD.samples) {
    r.columns.count = 0;
    decodeSamples(c, r.columns);
    const { refs, ts, words, count } = r.columns;
    for (let i = 0; i < count; i++) {
      const slot = findRef(r.slots, refs[i]);
      if (slot === 0) noteUnknown(r, refs[i], Infinity);
      else if (insertOutOfOrder(outOfOrder, slot, ts[i], words[2 * i], words[2 * i + 1])) r.samples++;
    }
  }
}

/** Whether a chunk can be the one that the samples in memory went into. */
function holds(c: StoredChunk, late: OutOfOrderSeries): boolean {
  if (late.count === 0) return true;
  const enough = (c.encoding & OUT_OF_ORDER_FLAG) !== 0 && c.samples >= late.count;
  return enough && c.minT <= late.ts[0] && c.maxT >= late.ts[late.count - 1];
}

/** Its number must not be given to another series: what is left of it would become that one's. */
function noteUnknown(r: Replay, ref: number, t: number): void {
  // A series that left the head is not in the checkpoint any more; its samples are in blocks.
  if (t >= r.head.minValidT) r.unknownRefs++;
  if (ref >= r.head.nextWalRef) r.head.nextWalRef = ref + 1;
}

/** The segments of the newest checkpoint, then those that it does not stand for. */
export function replaySources(files: Files, directory: string): Segment[] {
  const checkpoint = lastCheckpoint(files, directory);
  const segments = listSegments(files, directory);
  if (!checkpoint) return segments;
  return [...listSegments(files, checkpoint.path), ...segments.filter((s) => s.index > checkpoint.index)];
}

function replayRecord(r: Replay, record: Uint8Array): void {
  const c = cursor(record, 1);
  const type = record[0];
  if (type === RECORD.samples || type === RECORD.samplesWithStart) {
    r.columns.count = 0;
    if (type === RECORD.samples) decodeSamples(c, r.columns);
    else decodeSamplesWithStart(c, r.columns);
    replaySamples(r);
  } else if (type === RECORD.series) {
    for (const { ref, labels } of decodeSeries(c)) replaySeries(r, ref, labels);
  } else if (
    type === RECORD.histograms ||
    type === RECORD.floatHistograms ||
    type === RECORD.customHistograms ||
    type === RECORD.customFloatHistograms ||
    type === RECORD.histogramsWithStart ||
    type === RECORD.floatHistogramsWithStart
  ) {
    for (const { ref, t, histogram } of decodeHistograms(c, type)) {
      const slot = findRef(r.slots, ref);
      if (t > r.segmentMaxT) r.segmentMaxT = t;
      if (slot === 0) noteUnknown(r, ref, t);
      else if (t >= r.head.minValidT && t > r.head.series.xor.lastT[slot]) {
        appendHistogramSample(r.head, slot, t, histogram);
        noteTime(r.head, t);
        r.samples++;
      }
    }
  } else if (type === RECORD.tombstones) {
    for (const stone of decodeTombstones(c)) {
      const slot = findRef(r.slots, stone.ref);
      if (slot !== 0 && stone.maxMs >= r.head.minValidT) deleteInHead(r.head, slot, stone);
    }
  } else if (type === RECORD.exemplars) {
    for (const e of decodeExemplars(c)) {
      const slot = findRef(r.slots, e.ref);
      if (slot !== 0) addExemplar(r.head.exemplars, r.head.series.labels[slot], e.labels, e.value, e.t);
    }
  } else if (type === RECORD.metadata) {
    for (const { ref, metadata } of decodeMetadata(c)) {
      const slot = findRef(r.slots, ref);
      if (slot !== 0) r.head.metadata.set(slot, metadata);
    }
  } else if (type !== RECORD.minValidTime || record.length !== MIN_VALID_TIME_BYTES) {
    // The flag that a record is compressed has no checksum: without it, the record looks like one of another type.
    r.unknownTypes.add(type);
  }
}

function replaySeries(r: Replay, ref: number, labels: Parameters<typeof getOrCreateSeries>[1]): void {
  if (findRef(r.slots, ref) !== 0) return;
  const { head } = r;
  const slot = getOrCreateSeries(head, labels, ref);
  if (slot === 0) return;
  if (ref >= head.nextWalRef) head.nextWalRef = ref + 1;
  head.series.logged[slot] = 1;
  setRef(r.slots, ref, slot);
  const chunks = r.stored.get(ref);
  if (chunks) adoptChunks(head, slot, chunks);
}

/** Links the chunks that are on disk already. */
function adoptChunks(head: Head, slot: number, chunks: readonly StoredChunk[]): void {
  const s = head.series;
  for (const c of chunks) {
    if (c.encoding & OUT_OF_ORDER_FLAG) {
      const { minT, maxT, position, samples } = c;
      const late = outOfOrderSeries(head.outOfOrder, slot);
      late.chunks = [...late.chunks, { minT, maxT, position, samples }];
      noteOutOfOrderTime(head.outOfOrder, minT);
      noteOutOfOrderTime(head.outOfOrder, maxT);
      continue;
    }
    if (c.minT <= s.xor.lastT[slot] || c.maxT < head.minValidT) continue;
    if (s.open[slot] !== 0) continue;
    linkChunk(head, slot, newChunkNode(head.pool, c.minT, c.maxT, c.position, c.samples, c.encoding));
    head.stats.chunksAdopted++;
    s.xor.lastT[slot] = c.maxT;
    noteTime(head, c.minT);
    noteTime(head, c.maxT);
  }
}

function noteTime(head: Head, t: number): void {
  if (t > head.maxT) head.maxT = t;
  if (t < head.minT) head.minT = t;
}

function replaySamples(r: Replay): void {
  const { head, columns: c, slots } = r;
  const { minValidT } = head;
  let { minT, maxT } = head;
  for (let i = 0; i < c.count; i++) {
    const t = c.ts[i];
    if (t > r.segmentMaxT) r.segmentMaxT = t;
    const slot = findRef(slots, c.refs[i]);
    if (slot === 0) {
      noteUnknown(r, c.refs[i], t);
      continue;
    }
    if (t < minValidT || t <= head.series.xor.lastT[slot]) continue;
    appendFloat(head, slot, t, c.values[i]);
    if (t > maxT) maxT = t;
    if (t < minT) minT = t;
    r.samples++;
  }
  head.minT = minT;
  head.maxT = maxT;
}

/** Slots by number: numbers are dense, as series come one after the other, so mostly an array; a map beyond. */
interface RefIndex {
  dense: Int32Array;
  readonly sparse: Map<number, number>;
}

/** The array has at most this many elements. */
const MAX_DENSE_REFS = 2 ** 25;

function newRefIndex(): RefIndex {
  return { dense: new Int32Array(1024), sparse: new Map() };
}

/** The slot, or 0. */
function findRef(index: RefIndex, ref: number): number {
  if (ref < index.dense.length) return index.dense[ref];
  return index.sparse.get(ref) ?? 0;
}

function setRef(index: RefIndex, ref: number, slot: number): void {
  if (ref >= MAX_DENSE_REFS) {
    index.sparse.set(ref, slot);
    return;
  }
  if (ref >= index.dense.length) {
    const dense = new Int32Array(Math.min(MAX_DENSE_REFS, Math.max(ref + 1, index.dense.length * 2)));
    dense.set(index.dense);
    index.dense = dense;
  }
  index.dense[ref] = slot;
}

function* refsOf(index: RefIndex): Generator<[ref: number, slot: number], void, void> {
  for (let ref = 0; ref < index.dense.length; ref++) if (index.dense[ref] !== 0) yield [ref, index.dense[ref]];
  yield* index.sparse;
}

/** After reading the log: what appenders compare with. */
export function settleTips(head: Head): void {
  const s = head.series;
  for (let slot = 1; slot < s.used; slot++) {
    s.tipT[slot] = s.xor.lastT[slot];
    s.tipWords[slot * 2] = s.xor.lastVWords[slot * 2];
    s.tipWords[slot * 2 + 1] = s.xor.lastVWords[slot * 2 + 1];
  }
}
