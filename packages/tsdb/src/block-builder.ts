import { assert, compareLabels, type FloatHistogram, type Labels, labelsKey } from '@belfry/model';
import type { BlockMeta } from './block-meta.ts';
import { type BlockContext, type BlockInput, type Piece, sortTexts, writeBlock } from './block-writer.ts';
import { ENCODING } from './head-chunks.ts';
import { appendHistogram, newHistogramChunk } from './histogram-chunk.ts';
import { newSampleBuffer, pushFloat, pushHistogram, type SampleBuffer, sortBuffer } from './sample-buffer.ts';
import { runSteps } from './steps.ts';
import { appendXor, MAX_XOR_SAMPLE_BYTES, xorStates } from './xor.ts';

/** Makes blocks of samples in any order, for backfilling. What is added is in blocks after `finish`, one or more a range. */
export interface BlockBuilder {
  add(labels: Labels, timestampMs: number, value: number): void;
  addHistogram(labels: Labels, timestampMs: number, histogram: FloatHistogram): void;
  finish(): BlockMeta[];
}

/** So many samples are gathered in memory before blocks are written of them. */
const MAX_SAMPLES_IN_MEMORY = 5_000_000;
const SAMPLES_PER_CHUNK = 120;

interface Gathered {
  readonly labels: Labels;
  readonly buffer: SampleBuffer;
}

/**
 * @param context where the blocks go; the directory of an open database sees them at its next start, and merges those that overlap
 * @param blockRangeMs the span of the blocks
 */
export function blockBuilder(context: BlockContext, blockRangeMs: number): BlockBuilder {
  const series = new Map<string, Gathered>();
  const written: BlockMeta[] = [];
  let samples = 0;
  const bufferOf = (labels: Labels): SampleBuffer => {
    if (samples++ >= MAX_SAMPLES_IN_MEMORY) flush();
    const key = labelsKey(labels);
    let entry = series.get(key);
    if (!entry) {
      entry = { labels, buffer: newSampleBuffer(16) };
      series.set(key, entry);
    }
    return entry.buffer;
  };
  const flush = () => {
    written.push(...writeGathered(context, blockRangeMs, [...series.values()]));
    series.clear();
    samples = 1;
  };
  return {
    add: (labels, t, value) => {
      scratch[0] = value;
      pushFloat(bufferOf(labels), t, words[0], words[1]);
    },
    addHistogram: (labels, t, histogram) => {
      const buffer = bufferOf(labels);
      if (buffer.count > 0 && t <= buffer.ts[buffer.count - 1]) buffer.sorted = false;
      pushHistogram(buffer, t, histogram);
    },
    finish: () => {
      flush();
      return written;
    },
  };
}

const scratch = new Float64Array(1);
const words = new Uint32Array(scratch.buffer);

function writeGathered(context: BlockContext, rangeMs: number, series: Gathered[]): BlockMeta[] {
  series.sort((a, b) => compareLabels(a.labels, b.labels));
  let minT = Infinity;
  let maxT = -Infinity;
  for (const { buffer } of series) {
    sortBuffer(buffer);
    minT = Math.min(minT, buffer.ts[0]);
    maxT = Math.max(maxT, buffer.ts[buffer.count - 1]);
  }
  const metas: BlockMeta[] = [];
  for (let t = Math.floor(minT / rangeMs) * rangeMs; t <= maxT; t += rangeMs) {
    const within = series.filter((s) => s.buffer.ts[0] < t + rangeMs && s.buffer.ts[s.buffer.count - 1] >= t);
    if (within.length === 0) continue;
    const plan = { minT: t, maxT: t + rangeMs, compaction: (ulid: string) => ({ level: 1, sources: [ulid] }) };
    const meta = runSteps(writeBlock(context, [inputOf(within, t, t + rangeMs)], plan));
    if (meta) metas.push(meta);
  }
  return metas;
}

function inputOf(series: readonly Gathered[], minT: number, maxT: number): BlockInput {
  const symbols = new Set<string>();
  for (const { labels } of series) for (const text of labels) symbols.add(text);
  const pieces = (function* () {
    for (const { labels, buffer } of series) yield { labels, pieces: encodePieces(buffer, minT, maxT) };
  })();
  return { symbols: sortTexts(symbols), series: pieces };
}

function encodePieces(b: SampleBuffer, minT: number, maxT: number): Piece[] {
  const pieces: Piece[] = [];
  let i = 0;
  while (i < b.count && b.ts[i] < minT) i++;
  while (i < b.count && b.ts[i] < maxT) {
    const from = i;
    const first = b.hasHistograms ? b.histograms[i] : undefined;
    const { bytes, end, encoding, until } = first ? histogramChunk(b, i, maxT) : floatChunk(b, i, maxT);
    assert(until > from, 'a chunk takes at least one sample');
    i = until;
    pieces.push({
      minT: b.ts[from],
      maxT: b.ts[until - 1],
      find: (out) => {
        out.bytes = bytes;
        out.at = 0;
        return end;
      },
      encoding: () => encoding,
      deleted: [],
    });
  }
  return pieces;
}

interface Encoded {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly encoding: number;
  readonly until: number;
}

function floatChunk(b: SampleBuffer, from: number, maxT: number): Encoded {
  const bytes = new Uint8Array(2 + SAMPLES_PER_CHUNK * MAX_XOR_SAMPLE_BYTES);
  const state = xorStates(1);
  let i = from;
  for (; i < b.count && i - from < SAMPLES_PER_CHUNK && b.ts[i] < maxT; i++) {
    if (b.hasHistograms && b.histograms[i]) break;
    appendXor(bytes, 0, state, 0, b.ts[i], b.values[i]);
  }
  return { bytes, end: (state.bits[0] + 7) >>> 3, encoding: ENCODING.xor, until: i };
}

function histogramChunk(b: SampleBuffer, from: number, maxT: number): Encoded {
  const first = b.histograms[from]!;
  const integer = first.integer === true;
  const chunk = newHistogramChunk(integer, first, undefined);
  let i = from;
  for (; i < b.count && i - from < SAMPLES_PER_CHUNK && b.ts[i] < maxT; i++) {
    const h = b.histograms[i];
    if (!h || !appendHistogram(chunk, b.ts[i], h)) break;
  }
  const encoding = integer ? ENCODING.histogram : ENCODING.floatHistogram;
  return { bytes: chunk.bytes, end: chunk.length, encoding, until: i };
}
