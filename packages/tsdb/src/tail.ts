/**
 * Follows the write-ahead log, for those who send on what the store takes in. Works in the thread of the store, so all that is
 * read is whole. A position names the next record of each of the two logs, in order and out of order, as
 * `segment:byte;segment:byte`; it outlives the process.
 */
import {
  BelfryError,
  type Exemplar,
  type FloatHistogram,
  type Labels,
  type Metadata,
  type WriteBatch,
} from '@belfry/model';
import { cursor, Truncated } from './bytes.ts';
import { fileFault } from './files.ts';
import type { Head } from './head.ts';
import { findSeries, hashLabels } from './series-table.ts';
import type { DatabaseState } from './state.ts';
import { listSegments, readSegmentOn, type SegmentDamage, type Wal } from './wal.ts';
import {
  decodeExemplars,
  decodeHistograms,
  decodeSamples,
  decodeSeries,
  growColumns,
  RECORD,
  type SampleColumns,
  sampleColumns,
} from './wal-records.ts';

/** One read gives about this many samples at most, whatever is asked for: it holds the thread meanwhile. */
const MAX_READ_SAMPLES = 20_000;
/** Series of the head entered, or looked after, before other work gets its turn. */
const SERIES_PER_TURN = 20_000;
const MAX_READERS = 100;
const MAX_LATE_ENDS = 1000;

/** What was written between two positions. */
export interface TailBatch {
  readonly batch: WriteBatch;
  readonly next: string;
  /** What of the log is gone or unreadable, in words: those samples are not in any batch. */
  readonly gap?: string;
}

export interface TailOptions {
  readonly maxSamples: number;
  /** With every series in a batch also what is known of its metric. */
  readonly metadata: boolean;
}

/** The log as readers see it, each under a name of its own. Nobody reading costs nothing. */
export interface StoreTail {
  /** The position of now. */
  position(): string;
  /**
   * What came after a position, in the order of the log: about `maxSamples`, and whole transactions' records. Waits until there
   * is something. Rejects with the signal's reason once it aborts.
   * @throws BelfryError `bad_data` for a position that is none; `file_unreadable`; `limit_exceeded` beyond 100 readers.
   */
  read(reader: string, position: string, options: TailOptions, signal: AbortSignal): Promise<TailBatch>;
  /** A reader that will not come back. What is remembered for reading goes with the last. */
  forget(reader: string): void;
}

interface LogPosition {
  readonly segment: number;
  readonly byte: number;
}

interface Position {
  readonly inOrder: LogPosition;
  readonly late: LogPosition;
}

/** What samples of the log belong to, by their series' number. */
interface SeriesIndex {
  readonly labels: Map<number, Labels>;
  /** Numbers that left the head while `segment` was written; needed until every reader is behind it. */
  leaving: { readonly refs: readonly number[]; readonly segment: number } | undefined;
  /** `stats.seriesRemoved` when the head was last compared. */
  removedSeen: number;
  comparing: boolean;
}

interface Tail {
  readonly state: DatabaseState;
  readonly nextTurn: () => Promise<void>;
  /** The segment each reader is at. */
  readonly readers: Map<string, number>;
  readonly waiting: Set<() => void>;
  /** Where the newest segments of late samples end: they are dropped whole, read or not. */
  readonly lateEnds: Map<number, number>;
  index: Promise<SeriesIndex> | undefined;
}

/** `nextTurn` resolves when other work had its turn. */
export function storeTail(state: DatabaseState, nextTurn: () => Promise<void>): StoreTail {
  const tail: Tail = { state, nextTurn, readers: new Map(), waiting: new Set(), lateEnds: new Map(), index: undefined };
  return {
    position: () => formatPosition(positionOfNow(state)),
    read: async (reader, position, options, signal) => readTail(tail, reader, parsePosition(position), options, signal),
    forget: (reader) => {
      tail.readers.delete(reader);
      if (tail.readers.size > 0) return;
      tail.index = undefined;
      state.head.committed = () => {};
    },
  };
}

function positionOfNow({ head, files, directory }: DatabaseState): Position {
  // A log is made when the first sample comes for it.
  const next = (name: string) => (listSegments(files, `${directory}/${name}`).at(-1)?.index ?? -1) + 1;
  const end = (wal: Wal | undefined, name: string): LogPosition =>
    wal ? { segment: wal.segment, byte: wal.size } : { segment: next(name), byte: 0 };
  return { inOrder: end(head.wal, 'wal'), late: end(head.outOfOrder.wal, 'wbl') };
}

function formatPosition({ inOrder, late }: Position): string {
  return `${inOrder.segment}:${inOrder.byte};${late.segment}:${late.byte}`;
}

function parsePosition(text: string): Position {
  const match = /^(\d{1,15}):(\d{1,15});(\d{1,15}):(\d{1,15})$/.exec(text);
  if (!match) throw new BelfryError('bad_data', `${JSON.stringify(text)} is not a position of the log`);
  const [a, b, c, d] = match.slice(1).map(Number);
  return { inOrder: { segment: a, byte: b }, late: { segment: c, byte: d } };
}

async function readTail(
  tail: Tail,
  reader: string,
  from: Position,
  options: TailOptions,
  signal: AbortSignal,
): Promise<TailBatch> {
  if (!tail.readers.has(reader) && tail.readers.size >= MAX_READERS) {
    throw new BelfryError('limit_exceeded', `more than ${MAX_READERS} readers of the log`);
  }
  tail.readers.set(reader, from.inOrder.segment);
  tail.state.head.committed = () => afterCommit(tail);
  tail.index ??= seriesOfHead(tail);
  const index = await tail.index;
  let position = from;
  for (;;) {
    signal.throwIfAborted();
    const batch = newBatch(index, options);
    const next = readLogs(tail.state, position, batch);
    tellLateGap(tail, position.late, next.late, batch);
    tail.readers.set(reader, next.inOrder.segment);
    if (next.inOrder.segment > position.inOrder.segment) void forgetSeries(tail, index);
    position = next;
    if (batch.gaps.length > 0 || batch.columns.count > 0 || batch.exemplars.length > 0) {
      return { ...finishBatch(tail.state.head, batch), next: formatPosition(next) };
    }
    const { wal, outOfOrder } = tail.state.head;
    if (isEnd(wal, next.inOrder) && isEnd(outOfOrder.wal, next.late)) await commitAfter(tail, signal);
    else await tail.nextTurn();
  }
}

function isEnd(wal: Wal | undefined, at: LogPosition): boolean {
  return !wal || (at.segment === wal.segment && at.byte >= wal.size);
}

function afterCommit(tail: Tail): void {
  const { wal } = tail.state.head.outOfOrder;
  if (wal) {
    tail.lateEnds.set(wal.segment, wal.size);
    if (tail.lateEnds.size > MAX_LATE_ENDS) tail.lateEnds.delete(tail.lateEnds.keys().next().value!);
  }
  wake(tail);
}

function wake(tail: Tail): void {
  if (tail.waiting.size === 0) return;
  const waiting = [...tail.waiting];
  tail.waiting.clear();
  for (const resolve of waiting) resolve();
}

function commitAfter(tail: Tail, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      tail.waiting.delete(wakeUp);
      reject(signal.reason);
    };
    const wakeUp = () => {
      signal.removeEventListener('abort', abort);
      resolve();
    };
    tail.waiting.add(wakeUp);
    signal.addEventListener('abort', abort, { once: true });
  });
}

/** The series that the head knows. Those that come later are in the log behind every position that was given until now. */
async function seriesOfHead({ state, nextTurn }: Tail): Promise<SeriesIndex> {
  const { head } = state;
  const s = head.series;
  const index: SeriesIndex = {
    labels: new Map(),
    leaving: undefined,
    removedSeen: head.stats.seriesRemoved,
    comparing: false,
  };
  const enter = (ref: number, slot: number) => {
    const labels = s.labels[slot];
    // Slots of removed series are without.
    if (labels.length > 0) index.labels.set(ref, labels);
  };
  for (const [ref, { slot }] of state.aliases) enter(ref, slot);
  const slots = s.postings.all.slots.slice(0, s.postings.all.count);
  for (let i = 0; i < slots.length; i++) {
    if (i % SERIES_PER_TURN === SERIES_PER_TURN - 1) await nextTurn();
    enter(s.walRefs[slots[i]], slots[i]);
  }
  return index;
}

/**
 * Series that left the head are needed until every reader has read the segment in which that was noticed: what the log has of
 * them is in it or before.
 */
async function forgetSeries(tail: Tail, index: SeriesIndex): Promise<void> {
  const { leaving } = index;
  if (leaving) {
    for (const segment of tail.readers.values()) if (segment <= leaving.segment) return;
    for (const ref of leaving.refs) index.labels.delete(ref);
    index.leaving = undefined;
  }
  const { head, aliases } = tail.state;
  if (index.comparing || head.stats.seriesRemoved === index.removedSeen) return;
  index.comparing = true;
  index.removedSeen = head.stats.seriesRemoved;
  const refs: number[] = [];
  let n = 0;
  for (const [ref, labels] of index.labels) {
    if (++n % SERIES_PER_TURN === 0) await tail.nextTurn();
    const slot = findSeries(head.series, labels, hashLabels(labels));
    if (slot === 0 || (head.series.walRefs[slot] !== ref && !aliases.has(ref))) refs.push(ref);
  }
  index.leaving = { refs, segment: head.wal?.segment ?? 0 };
  index.comparing = false;
}

/** A batch being put together. `series` are places in `labels` by the series' number in the log. */
interface Batch {
  readonly index: SeriesIndex;
  readonly maxSamples: number;
  readonly withMetadata: boolean;
  readonly labels: Labels[];
  readonly places: Map<number, number>;
  readonly columns: SampleColumns;
  readonly histograms: Map<number, FloatHistogram>;
  readonly exemplars: { series: number; exemplar: Exemplar }[];
  readonly gaps: string[];
  unknown: number;
}

function newBatch(index: SeriesIndex, { maxSamples, metadata }: TailOptions): Batch {
  return {
    index,
    maxSamples: Math.max(1, Math.min(maxSamples, MAX_READ_SAMPLES)),
    withMetadata: metadata,
    labels: [],
    places: new Map(),
    columns: sampleColumns(1024),
    histograms: new Map(),
    exemplars: [],
    gaps: [],
    unknown: 0,
  };
}

function finishBatch(head: Head, b: Batch): Omit<TailBatch, 'next'> {
  const { refs, ts, values, count } = b.columns;
  if (b.unknown > 0) b.gaps.push(`${b.unknown} samples belong to series that the log does not introduce`);
  const metadata = b.withMetadata ? metadataOf(head, b.labels) : [];
  const batch: WriteBatch = {
    labels: b.labels,
    series: Uint32Array.from(refs.subarray(0, count)),
    timestamps: ts.slice(0, count),
    values: values.slice(0, count),
    ...(b.histograms.size > 0 ? { histograms: b.histograms } : {}),
    ...(b.exemplars.length > 0 ? { exemplars: b.exemplars } : {}),
    ...(metadata.length > 0 ? { metadata } : {}),
  };
  return { batch, ...(b.gaps.length > 0 ? { gap: b.gaps.join('; ') } : {}) };
}

function metadataOf(head: Head, all: readonly Labels[]): { series: number; metadata: Metadata }[] {
  const out: { series: number; metadata: Metadata }[] = [];
  all.forEach((labels, series) => {
    const slot = findSeries(head.series, labels, hashLabels(labels));
    const metadata = slot === 0 ? undefined : head.metadata.get(slot);
    if (metadata) out.push({ series, metadata });
  });
  return out;
}

function readLogs(state: DatabaseState, from: Position, batch: Batch): Position {
  const { head, directory } = state;
  const inOrder = readLog(state, `${directory}/wal`, head.wal, from.inOrder, batch);
  const late = readLog(state, `${directory}/wbl`, head.outOfOrder.wal, from.late, batch);
  return { inOrder, late };
}

/** Reads on from a position until the batch is full or the log ends. Segments that are gone are skipped, and told. */
function readLog(
  state: DatabaseState,
  directory: string,
  wal: Wal | undefined,
  from: LogPosition,
  batch: Batch,
): LogPosition {
  if (!wal || isEnd(wal, from)) return from;
  let at = from;
  if (at.segment > wal.segment) {
    // The log of late samples begins anew when all of it went into blocks.
    if (isLate(directory)) at = { segment: 0, byte: 0 };
    else {
      batch.gaps.push(`segment ${at.segment} of the log is not there yet: this is another log, or an older copy`);
      return { segment: wal.segment, byte: wal.size };
    }
  }
  while (batch.columns.count < batch.maxSamples) {
    const path = `${directory}/${String(at.segment).padStart(8, '0')}`;
    const size = at.segment === wal.segment ? wal.size : state.files.status(path)?.size;
    if (size !== undefined && at.byte < size) {
      at = { segment: at.segment, byte: readSegmentInto(state, path, at.byte, size, batch) };
      if (at.byte < size) break;
    }
    if (at.segment === wal.segment) break;
    at = nextSegment(state, directory, wal, at.segment, size === undefined, batch);
  }
  return at;
}

/** Whether late samples between two positions were dropped with their segments. */
function tellLateGap({ state, lateEnds }: Tail, from: LogPosition, to: LogPosition, batch: Batch): void {
  if (to.segment === from.segment) return;
  let dropped = 0;
  for (const [segment, end] of lateEnds) {
    if (segment < from.segment || segment >= to.segment) continue;
    const unread = end - (segment === from.segment ? from.byte : 0);
    const gone = !state.files.status(`${state.directory}/wbl/${String(segment).padStart(8, '0')}`);
    if (unread > 0 && gone) dropped += unread;
  }
  if (dropped > 0) batch.gaps.push(`${dropped} bytes of late samples were dropped from the log before they were read`);
}

function isLate(directory: string): boolean {
  return directory.endsWith('/wbl');
}

function nextSegment(
  state: DatabaseState,
  directory: string,
  wal: Wal,
  segment: number,
  gone: boolean,
  batch: Batch,
): LogPosition {
  const there = listSegments(state.files, directory).find((s) => s.index > segment)?.index ?? wal.segment;
  const missing = gone ? segment : segment + 1;
  // What came late is dropped with its segment when it is in blocks, which is what happens to every such segment.
  if (there > missing && !isLate(directory)) {
    batch.gaps.push(`segments ${missing} to ${there - 1} of the log were dropped before they were read`);
  }
  return { segment: there, byte: 0 };
}

function readSegmentInto(state: DatabaseState, path: string, from: number, until: number, batch: Batch): number {
  try {
    let bad: SegmentDamage | undefined;
    const { next, damage } = readSegmentOn(
      state.files,
      path,
      from,
      until,
      (record) => {
        try {
          takeRecord(state.head, record, batch);
        } catch (error) {
          if (!(error instanceof Truncated)) throw error;
          bad ??= { path, position: from, reason: `a record does not decode: ${error.message}`, tail: false };
        }
      },
      () => batch.columns.count < batch.maxSamples,
    );
    const told = damage ?? bad;
    if (told) batch.gaps.push(`${path} is damaged at byte ${told.position}: ${told.reason}`);
    // A segment may be shorter than it was: nothing more will come of it.
    return next === from ? until : next;
  } catch (error) {
    throw fileFault(error, path);
  }
}

function takeRecord(head: Head, record: Uint8Array, batch: Batch): void {
  const c = cursor(record, 1);
  const type = record[0];
  const { index, columns } = batch;
  if (type === RECORD.samples) {
    const first = columns.count;
    decodeSamples(c, columns);
    placeSamples(batch, first);
  } else if (type === RECORD.series) {
    for (const { ref, labels } of decodeSeries(c)) {
      if (index.labels.has(ref)) continue;
      const slot = findSeries(head.series, labels, hashLabels(labels));
      index.labels.set(ref, slot === 0 ? labels : head.series.labels[slot]);
    }
  } else if (
    type === RECORD.histograms ||
    type === RECORD.floatHistograms ||
    type === RECORD.customHistograms ||
    type === RECORD.customFloatHistograms
  ) {
    for (const { ref, t, histogram } of decodeHistograms(c, type)) placeHistogram(batch, ref, t, histogram);
  } else if (type === RECORD.exemplars) {
    for (const { ref, t, value, labels } of decodeExemplars(c)) {
      const series = placeOf(batch, ref);
      if (series >= 0) batch.exemplars.push({ series, exemplar: { labels, value, timestampMs: t } });
    }
  }
}

/** The place of a series in the batch; −1 when nothing introduces it. */
function placeOf(batch: Batch, ref: number): number {
  let place = batch.places.get(ref);
  if (place === undefined) {
    const labels = batch.index.labels.get(ref);
    if (!labels) return -1;
    place = batch.labels.push(labels) - 1;
    batch.places.set(ref, place);
  }
  return place;
}

/** Puts places where the numbers of the log are, and leaves out what has none. */
function placeSamples(batch: Batch, first: number): void {
  const { refs, ts, words, count } = batch.columns;
  let to = first;
  for (let i = first; i < count; i++) {
    const place = placeOf(batch, refs[i]);
    if (place < 0) {
      batch.unknown++;
      continue;
    }
    refs[to] = place;
    ts[to] = ts[i];
    words[2 * to] = words[2 * i];
    words[2 * to + 1] = words[2 * i + 1];
    to++;
  }
  batch.columns.count = to;
}

function placeHistogram(batch: Batch, ref: number, t: number, histogram: FloatHistogram): void {
  const place = placeOf(batch, ref);
  if (place < 0) {
    batch.unknown++;
    return;
  }
  const { columns } = batch;
  const i = columns.count;
  if (i === columns.refs.length) growColumns(columns, i + 1);
  columns.refs[i] = place;
  columns.ts[i] = t;
  columns.values[i] = histogram.sum;
  columns.count = i + 1;
  batch.histograms.set(i, histogram);
}
