import { BelfryError, type Clock, compareLabels, compareText, type Labels, type Random } from '@belfry/model';
import type { Block } from './block.ts';
import { blockSeries } from './block.ts';
import { type ChunkWriter, closeChunkWriter, findChunk, newChunkWriter, writeChunk } from './block-chunks.ts';
import { allPostings, finishIndex, type IndexWriter, newIndexWriter, writeSeries } from './block-index.ts';
import { type BlockCompaction, type BlockMeta, writeBlockMeta } from './block-meta.ts';
import type { Files } from './files.ts';
import { ENCODING, OUT_OF_ORDER_FLAG } from './head-chunks.ts';
import { appendHistogram, type HistogramChunk, newHistogramChunk } from './histogram-chunk.ts';
import { covers, type Interval, overlapsAny } from './intervals.ts';
import type { Range } from './page-cache.ts';
import {
  clearBuffer,
  dropDeleted,
  newSampleBuffer,
  pushAll,
  pushChunk,
  type SampleBuffer,
  sortBuffer,
} from './sample-buffer.ts';
import { writeTombstones } from './tombstones.ts';
import { newUlid } from './ulid.ts';
import { appendXor, chunkSamples, MAX_XOR_SAMPLE_BYTES, xorStates } from './xor.ts';

const SAMPLES_PER_CHUNK = 120;
const SERIES_PER_STEP = 64;
export const CREATING_SUFFIX = '.tmp-for-creation';
export const DELETING_SUFFIX = '.tmp-for-deletion';

/** A chunk to be taken into a block. */
export interface Piece {
  readonly minT: number;
  readonly maxT: number;
  /** Sets `out` to the data and returns its end. Valid until the next call of any. */
  readonly find: (out: Range) => number;
  readonly encoding: (found: Range) => number;
  /** Times at which its samples do not count. */
  readonly deleted: readonly Interval[];
}

export interface PiecesOfSeries {
  readonly labels: Labels;
  readonly pieces: readonly Piece[];
}

/** Where the content of a new block comes from. */
export interface BlockInput {
  /** Sorted; may hold more than the series use. */
  readonly symbols: readonly string[];
  /** In order of labels. */
  readonly series: Iterator<PiecesOfSeries>;
}

export interface BlockContext {
  readonly files: Files;
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
}

export interface BlockPlan {
  readonly minT: number;
  /** Exclusive. */
  readonly maxT: number;
  readonly compaction: (ulid: string) => BlockCompaction;
  /** All its samples were late. */
  readonly outOfOrder?: boolean;
}

interface Counts {
  series: number;
  chunks: number;
  samples: number;
  floatSamples: number;
  histogramSamples: number;
}

/**
 * Writes a block of all samples of the inputs in `[minT, maxT)`; of two at the same time the one of the later input stays.
 * Works in steps. It appears under its name only when it is whole. Nothing, when there would be no samples in it.
 */
export function* writeBlock(
  context: BlockContext,
  inputs: readonly BlockInput[],
  plan: BlockPlan,
): Generator<void, BlockMeta | undefined, void> {
  const { files } = context;
  const ulid = newUlid(context.clock, context.random);
  const target = `${context.directory}/${ulid}`;
  const temporary = `${target}${CREATING_SUFFIX}`;
  files.makeDirectory(temporary);
  const chunks = newChunkWriter(files, `${temporary}/chunks`);
  let index: IndexWriter | undefined;
  try {
    index = newIndexWriter(files, `${temporary}/index`, mergeSymbols(inputs));
    const counts: Counts = { series: 0, chunks: 0, samples: 0, floatSamples: 0, histogramSamples: 0 };
    let steps = 0;
    for (const series of mergeInputs(inputs)) {
      addSeriesToBlock(index, chunks, series, plan, counts);
      if (++steps % SERIES_PER_STEP === 0) yield;
    }
    closeChunkWriter(chunks);
    finishIndex(index);
    index = undefined;
    if (counts.samples === 0) {
      files.removeTree(temporary);
      return undefined;
    }
    const meta: BlockMeta = {
      ulid,
      minTime: plan.minT,
      maxTime: plan.maxT,
      stats: {
        numSamples: counts.samples,
        ...(counts.histogramSamples > 0
          ? { numFloatSamples: counts.floatSamples, numHistogramSamples: counts.histogramSamples }
          : {}),
        numSeries: counts.series,
        numChunks: counts.chunks,
      },
      compaction: plan.compaction(ulid),
      version: 1,
      ...(plan.outOfOrder ? { out_of_order: true } : {}),
    };
    writeBlockMeta(files, temporary, meta);
    writeTombstones(files, temporary, new Map());
    files.syncDirectory(`${temporary}/chunks`);
    files.syncDirectory(temporary);
    files.rename(temporary, target);
    files.syncDirectory(context.directory);
    return meta;
  } catch (error) {
    abandon(files, chunks, index, temporary);
    throw error;
  }
}

/** The first error counts; what is left is removed at the next start at the latest. */
function abandon(files: Files, chunks: ChunkWriter, index: IndexWriter | undefined, temporary: string): void {
  try {
    chunks.file?.close();
    chunks.file = undefined;
    index?.file.close();
    files.removeTree(temporary);
  } catch {}
}

/** In Prometheus' order of texts. */
export function sortTexts(texts: Iterable<string>): string[] {
  const sorted = [...texts].sort();
  const astral = sorted.some((t) => /[\ud800-\udfff]/.test(t));
  return astral ? sorted.sort(compareText) : sorted;
}

function mergeSymbols(inputs: readonly BlockInput[]): readonly string[] {
  if (inputs.length === 1) return inputs[0].symbols;
  const all = new Set<string>();
  for (const input of inputs) for (const symbol of input.symbols) all.add(symbol);
  return sortTexts(all);
}

/** Brings the same series of several inputs together. Pieces of later inputs come first: of equals the first stays. */
function* mergeInputs(inputs: readonly BlockInput[]): Generator<PiecesOfSeries, void, void> {
  const heads = inputs.map((input) => input.series.next());
  for (;;) {
    let least: Labels | undefined;
    for (const head of heads) {
      if (!head.done && (!least || compareLabels(head.value.labels, least) < 0)) least = head.value.labels;
    }
    if (!least) return;
    const pieces: Piece[] = [];
    for (let i = inputs.length - 1; i >= 0; i--) {
      const head = heads[i];
      if (head.done || compareLabels(head.value.labels, least) !== 0) continue;
      pieces.push(...head.value.pieces);
      heads[i] = inputs[i].series.next();
    }
    yield { labels: least, pieces };
  }
}

const range: Range = { bytes: new Uint8Array(0), at: 0 };
const buffer = newSampleBuffer();
const pieceBuffer = newSampleBuffer();

function addSeriesToBlock(
  index: IndexWriter,
  chunks: ChunkWriter,
  series: PiecesOfSeries,
  plan: BlockPlan,
  counts: Counts,
): void {
  const last = plan.maxT - 1;
  const pieces = series.pieces
    .filter((p) => p.maxT >= plan.minT && p.minT <= last && !covers(p.deleted, p.minT, p.maxT))
    .sort((a, b) => a.minT - b.minT);
  const table: number[] = [];
  for (let i = 0; i < pieces.length; ) {
    let end = i + 1;
    let maxT = pieces[i].maxT;
    for (; end < pieces.length && pieces[end].minT <= maxT; end++) maxT = Math.max(maxT, pieces[end].maxT);
    const p = pieces[i];
    const clean = end === i + 1 && p.minT >= plan.minT && p.maxT <= last && !overlapsAny(p.deleted, p.minT, p.maxT);
    if (clean) copyPiece(chunks, p, table, counts);
    else recodePieces(chunks, pieces.slice(i, end), plan, table, counts);
    i = end;
  }
  if (table.length === 0) return;
  writeSeries(index, series.labels, table);
  counts.series++;
  counts.chunks += table.length / 3;
}

function count(counts: Counts, encoding: number, samples: number): void {
  counts.samples += samples;
  if (encoding === ENCODING.xor) counts.floatSamples += samples;
  else counts.histogramSamples += samples;
}

function copyPiece(chunks: ChunkWriter, p: Piece, table: number[], counts: Counts): void {
  const end = p.find(range);
  const encoding = p.encoding(range) & ~OUT_OF_ORDER_FLAG;
  count(counts, encoding, chunkSamples(range.bytes, range.at));
  table.push(p.minT, p.maxT, writeChunk(chunks, encoding, range.bytes, range.at, end));
}

function recodePieces(
  chunks: ChunkWriter,
  pieces: readonly Piece[],
  plan: BlockPlan,
  table: number[],
  counts: Counts,
): void {
  clearBuffer(buffer);
  const outside: Interval[] = [
    { minMs: -Infinity, maxMs: plan.minT - 1 },
    { minMs: plan.maxT, maxMs: Infinity },
  ];
  for (const p of pieces) {
    clearBuffer(pieceBuffer);
    const end = p.find(range);
    if (!pushChunk(pieceBuffer, p.encoding(range), range.bytes, range.at, end, 65535)) {
      throw new BelfryError('data_corrupt', `a chunk from ${p.minT} to ${p.maxT} does not decode`);
    }
    sortBuffer(pieceBuffer);
    dropDeleted(pieceBuffer, [...outside, ...p.deleted]);
    pushAll(pieceBuffer, buffer);
  }
  sortBuffer(buffer);
  encodeSamples(chunks, buffer, table, counts);
}

/** Encodes what a buffer holds into chunks of the usual size. */
function encodeSamples(chunks: ChunkWriter, b: SampleBuffer, table: number[], counts: Counts): void {
  let i = 0;
  while (i < b.count) {
    const first = b.hasHistograms ? b.histograms[i] : undefined;
    i = first ? encodeHistograms(chunks, b, i, table, counts) : encodeFloats(chunks, b, i, table, counts);
  }
}

const floatBytes = new Uint8Array(2 + SAMPLES_PER_CHUNK * MAX_XOR_SAMPLE_BYTES);
const states = xorStates(1);

function encodeFloats(chunks: ChunkWriter, b: SampleBuffer, from: number, table: number[], counts: Counts): number {
  floatBytes.fill(0);
  states.samples[0] = 0;
  let i = from;
  for (; i < b.count && i - from < SAMPLES_PER_CHUNK; i++) {
    if (b.hasHistograms && b.histograms[i]) break;
    appendXor(floatBytes, 0, states, 0, b.ts[i], b.values[i]);
  }
  const ref = writeChunk(chunks, ENCODING.xor, floatBytes, 0, (states.bits[0] + 7) >>> 3);
  table.push(b.ts[from], b.ts[i - 1], ref);
  count(counts, ENCODING.xor, i - from);
  return i;
}

function encodeHistograms(chunks: ChunkWriter, b: SampleBuffer, from: number, table: number[], counts: Counts): number {
  const first = b.histograms[from]!;
  const integer = first.integer === true;
  const chunk: HistogramChunk = newHistogramChunk(integer, first, undefined);
  let i = from;
  for (; i < b.count && i - from < SAMPLES_PER_CHUNK; i++) {
    const h = b.histograms[i];
    if (!h || !appendHistogram(chunk, b.ts[i], h)) break;
  }
  const encoding = integer ? ENCODING.histogram : ENCODING.floatHistogram;
  table.push(b.ts[from], b.ts[i - 1], writeChunk(chunks, encoding, chunk.bytes, 0, chunk.length));
  count(counts, encoding, i - from);
  return i;
}

/** A block as input of another. */
export function blockInput(block: Block): BlockInput {
  const symbols: string[] = [];
  for (let i = 0; i < block.index.symbolOffsets.length; i++) symbols.push(blockSymbol(block, i));
  return { symbols, series: blockPieces(block) };
}

function blockSymbol(block: Block, i: number): string {
  const { symbolBytes, symbolOffsets } = block.index;
  const end = i + 1 < symbolOffsets.length ? symbolOffsets[i + 1] : symbolBytes.length;
  let at = symbolOffsets[i];
  while (symbolBytes[at] >= 0x80) at++;
  return Buffer.from(symbolBytes.buffer, symbolBytes.byteOffset + at + 1, end - at - 1).toString();
}

function* blockPieces(block: Block): Generator<PiecesOfSeries, void, void> {
  for (const number of allPostings(block.index)) {
    const series = blockSeries(block, number);
    const pieces: Piece[] = [];
    const deleted = block.tombstones.get(number) ?? [];
    for (let i = 0; i < series.chunks.length; i += 3) {
      const ref = series.chunks[i + 2];
      pieces.push({
        minT: series.chunks[i],
        maxT: series.chunks[i + 1],
        find: (out) => findChunk(block.chunks, ref, out),
        encoding: (found) => found.bytes[found.at - 1],
        deleted,
      });
    }
    yield { labels: series.labels, pieces };
  }
}

/** How a block made of others describes its origin. */
export function mergedCompaction(parents: readonly BlockMeta[]): BlockCompaction {
  const sources = new Set<string>();
  let level = 0;
  for (const p of parents) {
    level = Math.max(level, p.compaction.level);
    for (const s of p.compaction.sources ?? []) sources.add(s);
  }
  return {
    level: level + 1,
    sources: [...sources].sort(),
    parents: parents.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
  };
}

/** Removes a block's directory so that a crash in the middle does not leave half of it under its name. */
export function removeBlock(files: Files, directory: string): void {
  const doomed = `${directory}${DELETING_SUFFIX}`;
  files.removeTree(doomed);
  files.rename(directory, doomed);
  files.removeTree(doomed);
}
