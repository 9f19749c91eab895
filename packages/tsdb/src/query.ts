import {
  BelfryError,
  type CompiledMatcher,
  compareText,
  compileMatcher,
  type Labels,
  labelsEqual,
  labelValue,
  type Matcher,
} from '@belfry/model';
import type { SeriesExemplars, SeriesSamples } from '@belfry/promql';
import { type Block, blockOverlaps, readBlockSeries, selectBlock } from './block.ts';
import type { BlockSeries } from './block-index.ts';
import { selectExemplars } from './exemplars.ts';
import { type HeadSelection, readHeadSeries, readOutOfOrder, selectHead } from './head-source.ts';
import { selectSlots } from './postings.ts';
import {
  clearBuffer,
  dropDeleted,
  newSampleBuffer,
  type SampleBuffer,
  samplesBetween,
  sortBuffer,
} from './sample-buffer.ts';
import { beginReading, type DatabaseState, endReading, type Reader } from './state.ts';

const idleBuffers: SampleBuffer[] = [];
const MAX_IDLE_BUFFERS = 4;

/** One series, and which of the sources have it: by source, its place there, or −1. The head is the last source. */
interface MergedSeries {
  readonly labels: Labels;
  readonly places: number[];
  /** Another label set of the same hash. */
  readonly other: MergedSeries | undefined;
}

interface Selection {
  readonly blocks: readonly Block[];
  readonly blockSeries: readonly (readonly BlockSeries[])[];
  readonly head: HeadSelection;
}

/** See `SampleSource.select`. */
export function* selectSamples(
  state: DatabaseState,
  matchers: readonly Matcher[],
  minMs: number,
  maxMs: number,
): Generator<SeriesSamples, void, void> {
  const compiled = matchers.map(compileMatcher);
  const reader = beginReading(state);
  const buffer = idleBuffers.pop() ?? newSampleBuffer();
  try {
    const blocks = reader.blocks.filter((b) => blockOverlaps(b, minMs, maxMs));
    const blockSeries = blocks.map((b) => selectBlock(b, compiled));
    const selection: Selection = { blocks, blockSeries, head: headSelection(state, reader, compiled, maxMs) };
    const sources = blockSeries.filter((list) => list.length > 0).length + (selection.head.slots.length > 0 ? 1 : 0);
    if (sources <= 1) yield* readSingle(state, selection, reader, minMs, maxMs, buffer);
    else yield* readMerged(state, selection, reader, minMs, maxMs, buffer);
  } finally {
    endReading(state, reader);
    if (idleBuffers.length < MAX_IDLE_BUFFERS) idleBuffers.push(buffer);
  }
}

const NO_HEAD: HeadSelection = { slots: new Uint32Array(0), completed: new Uint32Array(0), open: new Uint16Array(0) };

function headSelection(
  state: DatabaseState,
  reader: Reader,
  matchers: readonly CompiledMatcher[],
  maxMs: number,
): HeadSelection {
  const oldest = Math.min(reader.headFrom, state.head.outOfOrder.minT);
  return maxMs < oldest ? NO_HEAD : selectHead(state.head, matchers);
}

function* readSingle(
  state: DatabaseState,
  selection: Selection,
  reader: Reader,
  minMs: number,
  maxMs: number,
  buffer: SampleBuffer,
): Generator<SeriesSamples, void, void> {
  for (const [b, list] of selection.blockSeries.entries()) {
    for (const series of list) {
      clearBuffer(buffer);
      readFromBlock(selection.blocks[b], series, minMs, maxMs, buffer);
      sortBuffer(buffer);
      const samples = samplesBetween(buffer, series.labels, minMs, maxMs);
      if (samples) yield samples;
    }
  }
  const { head } = selection;
  for (let i = 0; i < head.slots.length; i++) {
    clearBuffer(buffer);
    const labels = state.head.series.labels[head.slots[i]];
    readFromHead(state, selection.head, reader, i, minMs, maxMs, buffer);
    sortBuffer(buffer);
    const samples = samplesBetween(buffer, labels, minMs, maxMs);
    if (samples) yield samples;
  }
}

function* readMerged(
  state: DatabaseState,
  selection: Selection,
  reader: Reader,
  minMs: number,
  maxMs: number,
  buffer: SampleBuffer,
): Generator<SeriesSamples, void, void> {
  const { blocks, blockSeries, head } = selection;
  for (const first of mergeSeries(state, selection).values()) {
    for (let series: MergedSeries | undefined = first; series; series = series.other) {
      clearBuffer(buffer);
      for (let b = 0; b < blocks.length; b++) {
        const place = series.places[b];
        if (place >= 0) readFromBlock(blocks[b], blockSeries[b][place], minMs, maxMs, buffer);
      }
      const place = series.places[blocks.length];
      if (place >= 0) readFromHead(state, head, reader, place, minMs, maxMs, buffer);
      sortBuffer(buffer);
      const samples = samplesBetween(buffer, series.labels, minMs, maxMs);
      if (samples) yield samples;
    }
  }
}

/** In no source; of more sources than there will be blocks. */
const NOWHERE = new Array<number>(4096).fill(-1);

function mergeSeries(state: DatabaseState, selection: Selection): Map<number, MergedSeries> {
  const { blocks, blockSeries, head } = selection;
  const merged = new Map<number, MergedSeries>();
  const sources = blocks.length + 1;
  const enter = (labels: Labels, hash: number, source: number, place: number) => {
    const first = merged.get(hash);
    for (let s = first; s; s = s.other) {
      if (labelsEqual(s.labels, labels)) {
        s.places[source] = place;
        return;
      }
    }
    const places = NOWHERE.slice(0, sources);
    places[source] = place;
    merged.set(hash, { labels, places, other: first });
  };
  for (let b = 0; b < blocks.length; b++) {
    const list = blockSeries[b];
    for (let i = 0; i < list.length; i++) enter(list[i].labels, list[i].hash, b, i);
  }
  const { labels, hashes } = state.head.series;
  for (let i = 0; i < head.slots.length; i++) enter(labels[head.slots[i]], hashes[head.slots[i]], blocks.length, i);
  return merged;
}

function readFromBlock(block: Block, series: BlockSeries, minMs: number, maxMs: number, buffer: SampleBuffer): void {
  const before = buffer.count;
  const deleted = block.tombstones.get(series.number);
  readBlockSeries(block, series, minMs, maxMs, buffer);
  if (deleted && before === 0) dropDeleted(buffer, deleted);
  else if (deleted) dropDeletedFrom(buffer, before, deleted);
}

/** Deletions of one block say nothing about the samples of another. */
function dropDeletedFrom(buffer: SampleBuffer, from: number, deleted: Parameters<typeof dropDeleted>[1]): void {
  const part = newSampleBuffer();
  part.ts = buffer.ts.slice(from, buffer.count);
  part.values = buffer.values.slice(from, buffer.count);
  part.words = new Uint32Array(part.values.buffer);
  part.count = buffer.count - from;
  part.histograms = buffer.histograms.slice(from, buffer.count);
  part.hasHistograms = buffer.hasHistograms;
  dropDeleted(part, deleted);
  buffer.ts.set(part.ts.subarray(0, part.count), from);
  buffer.words.set(part.words.subarray(0, part.count * 2), from * 2);
  for (let i = 0; i < part.histograms.length; i++) buffer.histograms[from + i] = part.histograms[i];
  buffer.count = from + part.count;
}

function readFromHead(
  state: DatabaseState,
  selection: HeadSelection,
  reader: Reader,
  i: number,
  minMs: number,
  maxMs: number,
  buffer: SampleBuffer,
): void {
  const { head } = state;
  const from = Math.max(minMs, reader.headFrom);
  const before = buffer.count;
  if (!readHeadSeries(head, selection, i, from, maxMs, buffer)) {
    throw unreadableHead(state);
  }
  // A chunk may begin before what the blocks have. Where the question begins later than that, it is cut there anyway.
  if (reader.headFrom > minMs && buffer.count > before && buffer.ts[before] < from) {
    dropDeletedFrom(buffer, before, [{ minMs: -Infinity, maxMs: from - 1 }]);
  }
  const { outOfOrder } = head;
  if (outOfOrder.series.size > 0 && outOfOrder.minT <= maxMs && outOfOrder.maxT >= minMs) {
    if (!readOutOfOrder(head, selection.slots[i], minMs, maxMs, buffer)) throw unreadableHead(state);
  }
  const deleted = head.tombstones.get(selection.slots[i]);
  if (deleted) dropDeletedFrom(buffer, before, deleted);
}

function unreadableHead(state: DatabaseState): BelfryError {
  return new BelfryError('data_corrupt', 'a chunk of the head cannot be read', { file: state.head.chunks.directory });
}

/** See `SampleSource.series`. */
export function listSeries(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
  limit = 0,
): Labels[] {
  const seen = new Map<number, Labels[]>();
  const out: Labels[] = [];
  const enter = (labels: Labels, hash: number): boolean => {
    const same = seen.get(hash);
    if (same?.some((l) => labelsEqual(l, labels))) return true;
    if (same) same.push(labels);
    else seen.set(hash, [labels]);
    out.push(labels);
    return limit === 0 || out.length < limit;
  };
  visitSeries(state, sets, minMs, maxMs, enter);
  return out;
}

/** Gives every series that satisfies a set, some of them several times, until told to stop. */
function visitSeries(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
  visit: (labels: Labels, hash: number) => boolean,
): void {
  const { head } = state;
  const s = head.series;
  for (const set of sets) {
    const compiled = set.map(compileMatcher);
    if (headOverlaps(state, minMs, maxMs)) {
      for (const slot of selectSlots(s.postings, compiled)) {
        if (seriesOverlaps(state, slot, minMs, maxMs) && !visit(s.labels[slot], s.hashes[slot])) return;
      }
    }
    for (const block of state.blocks) {
      if (!blockOverlaps(block, minMs, maxMs)) continue;
      for (const series of selectBlock(block, compiled)) {
        const { chunks } = series;
        const overlaps = chunks[0] <= maxMs && chunks[chunks.length - 2] >= minMs;
        if (overlaps && !visit(series.labels, series.hash)) return;
      }
    }
  }
}

function headOverlaps(state: DatabaseState, minMs: number, maxMs: number): boolean {
  const { head } = state;
  return Math.min(head.minT, head.outOfOrder.minT) <= maxMs && Math.max(head.maxT, head.outOfOrder.maxT) >= minMs;
}

/** By the first and last sample of the series in the head; a gap between is not looked at. */
function seriesOverlaps(state: DatabaseState, slot: number, minMs: number, maxMs: number): boolean {
  const s = state.head.series;
  if (s.xor.lastT[slot] < minMs) return state.head.outOfOrder.series.has(slot);
  if (maxMs >= state.head.maxT) return true;
  const first = s.firstChunk[slot];
  const oldest = first !== 0 ? state.head.pool.minT[first] : s.chunkMinT[slot];
  return oldest <= maxMs || state.head.outOfOrder.series.has(slot);
}

/** See `SampleSource.labelNames`. */
export function listLabelNames(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
  limit = 0,
): string[] {
  const names = new Set<string>();
  if (sets.length === 0) {
    const { head } = state;
    if (headOverlaps(state, minMs, maxMs)) for (const n of head.series.postings.names.keys()) names.add(n);
    for (const b of state.blocks)
      if (blockOverlaps(b, minMs, maxMs)) for (const n of b.index.names.keys()) names.add(n);
  } else {
    visitSeries(state, sets, minMs, maxMs, (labels) => {
      for (let i = 0; i < labels.length; i += 2) names.add(labels[i]);
      return true;
    });
  }
  return sortedUpTo(names, limit);
}

/** See `SampleSource.labelValues`. */
export function listLabelValues(
  state: DatabaseState,
  name: string,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
  limit = 0,
): string[] {
  const values = new Set<string>();
  if (sets.length === 0) {
    const { head } = state;
    const inHead = headOverlaps(state, minMs, maxMs);
    if (inHead) for (const v of head.series.postings.names.get(name)?.values.keys() ?? []) values.add(v);
    for (const b of state.blocks) {
      if (blockOverlaps(b, minMs, maxMs)) for (const v of b.index.names.get(name)?.values ?? []) values.add(v);
    }
  } else {
    visitSeries(state, sets, minMs, maxMs, (labels) => {
      const value = labelValue(labels, name);
      if (value !== '') values.add(value);
      return true;
    });
  }
  return sortedUpTo(values, limit);
}

function sortedUpTo(texts: Set<string>, limit: number): string[] {
  const sorted = [...texts].sort(compareText);
  return limit > 0 ? sorted.slice(0, limit) : sorted;
}

/** See `SampleSource.exemplars`. */
export function listExemplars(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
): SeriesExemplars[] {
  const compiled = sets.map((set) => set.map(compileMatcher));
  return selectExemplars(state.head.exemplars, compiled, minMs, maxMs);
}
