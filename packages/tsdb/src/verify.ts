import { BelfryError, compareLabels, EMPTY_LABELS, type Labels, messageOf } from '@belfry/model';
import { type Block, blockSeries, closeBlock, openBlock } from './block.ts';
import { findChunk } from './block-chunks.ts';
import { allPostings, blockPostings } from './block-index.ts';
import { errorCode, type Files } from './files.ts';
import { closeHeadChunks, openHeadChunks } from './head-chunks.ts';
import { newPageCache, type Range } from './page-cache.ts';
import { setAside } from './quarantine.ts';
import { replaySources } from './replay.ts';
import { clearBuffer, newSampleBuffer, pushChunk } from './sample-buffer.ts';
import { isUlid } from './ulid.ts';
import { readSegment } from './wal.ts';

/** Something wrong in a data directory. */
export interface StoreProblem {
  readonly path: string;
  readonly message: string;
  /** Lost already (a torn tail after a crash), rather than damaged: nothing to worry about. */
  readonly harmless: boolean;
  /** The block that it is in. */
  readonly block?: string;
}

/** Reads everything in a data directory that no process has open, against every checksum, and tells what is wrong. Changes nothing. */
export function verifyDirectory(files: Files, directory: string): StoreProblem[] {
  const problems: StoreProblem[] = [];
  for (const name of files.list(directory)) {
    if (isUlid(name)) problems.push(...verifyBlock(files, `${directory}/${name}`, name));
  }
  for (const log of ['wal', 'wbl']) {
    for (const segment of replaySources(files, `${directory}/${log}`)) {
      const damage = readSegment(files, segment.path, () => {});
      if (!damage) continue;
      const message = `at byte ${damage.position}: ${damage.reason}`;
      problems.push({ path: damage.path, message, harmless: damage.tail });
    }
  }
  problems.push(...verifyHeadChunks(files, `${directory}/chunks_head`));
  return problems;
}

function verifyHeadChunks(files: Files, directory: string): StoreProblem[] {
  if (!files.status(directory)) return [];
  const { chunks, damage } = openHeadChunks(files, directory, newPageCache(), () => {}, true);
  closeHeadChunks(chunks);
  if (!damage) return [];
  const message = `at byte ${damage.position}: ${damage.reason}; its samples are in the log`;
  return [{ path: damage.paths[0], message, harmless: true }];
}

/** Checks one block: description, index, order of series, postings, every chunk and its times. */
export function verifyBlock(files: Files, directory: string, name: string): StoreProblem[] {
  const problems: StoreProblem[] = [];
  const tell = (message: string, path = directory) => problems.push({ path, message, harmless: false, block: name });
  let block: Block | undefined;
  try {
    block = openBlock(files, directory, newPageCache(), (labels) => labels);
    checkBlock(block, tell);
  } catch (error) {
    if (!(error instanceof BelfryError) && errorCode(error) === '') throw error;
    tell(messageOf(error), error instanceof BelfryError ? (error.file ?? directory) : directory);
  } finally {
    if (block) closeBlock(block);
  }
  return problems;
}

const range: Range = { bytes: new Uint8Array(0), at: 0 };

function checkBlock(block: Block, tell: (message: string) => void): void {
  const buffer = newSampleBuffer();
  const { stats, minTime, maxTime } = block.meta;
  let previous: Labels = EMPTY_LABELS;
  let samples = 0;
  let chunks = 0;
  const numbers = allPostings(block.index);
  for (const number of numbers) {
    const series = blockSeries(block, number);
    if (compareLabels(series.labels, previous) <= 0) tell(`series ${number} is out of order`);
    previous = series.labels;
    for (let i = 0; i < series.chunks.length; i += 3) {
      clearBuffer(buffer);
      const end = findChunk(block.chunks, series.chunks[i + 2], range);
      const whole = pushChunk(buffer, range.bytes[range.at - 1], range.bytes, range.at, end, 65535);
      if (!whole || !buffer.sorted) tell(`series ${number}: a chunk does not decode`);
      const [from, until] = [series.chunks[i], series.chunks[i + 1]];
      if (buffer.ts[0] !== from || buffer.ts[buffer.count - 1] !== until) {
        tell(`series ${number}: a chunk does not have the times that the index says`);
      }
      if (from < minTime || until >= maxTime) tell(`series ${number}: a chunk lies outside of the block's time`);
      samples += buffer.count;
      chunks++;
    }
  }
  for (const [name, { values }] of block.index.names) for (const v of values) blockPostings(block.index, name, v);
  if (stats.numSeries !== undefined && stats.numSeries !== numbers.length)
    tell(`${numbers.length} series, not ${stats.numSeries}`);
  if (stats.numChunks !== undefined && stats.numChunks !== chunks) tell(`${chunks} chunks, not ${stats.numChunks}`);
  if (stats.numSamples !== undefined && stats.numSamples !== samples)
    tell(`${samples} samples, not ${stats.numSamples}`);
}

/**
 * Sets damaged blocks aside, so that the rest can be served and compacted. (The log mends itself when the directory is opened.)
 * Returns where they went. The directory must not be open.
 */
export function setDamagedBlocksAside(files: Files, directory: string, problems: readonly StoreProblem[]): string[] {
  const blocks = new Set(problems.flatMap((p) => (p.block === undefined ? [] : [p.block])));
  return [...blocks].map((name) => setAside(files, directory, `${directory}/${name}`));
}

/** What `belfry tsdb analyze` prints of a block. */
export interface BlockAnalysis {
  readonly block: Block['meta'];
  readonly series: number;
  readonly labelNames: number;
  readonly labelPairs: number;
  /** The greatest, descending. */
  readonly seriesByMetric: readonly NamedTotal[];
  readonly seriesByLabelName: readonly NamedTotal[];
  readonly valuesByLabelName: readonly NamedTotal[];
  readonly seriesByLabelPair: readonly NamedTotal[];
}

export interface NamedTotal {
  readonly name: string;
  readonly count: number;
}

/** @throws BelfryError `data_corrupt` */
export function analyzeBlock(files: Files, directory: string, limit: number): BlockAnalysis {
  const block = openBlock(files, directory, newPageCache(), (labels) => labels);
  try {
    const byName: NamedTotal[] = [];
    const values: NamedTotal[] = [];
    const byPair: NamedTotal[] = [];
    const byMetric: NamedTotal[] = [];
    for (const [name, entry] of block.index.names) {
      let total = 0;
      for (const value of entry.values) {
        const count = blockPostings(block.index, name, value).length;
        total += count;
        byPair.push({ name: `${name}=${value}`, count });
        if (name === '__name__') byMetric.push({ name: value, count });
      }
      byName.push({ name, count: total });
      values.push({ name, count: entry.values.length });
    }
    const top = (list: NamedTotal[]) => list.sort((a, b) => b.count - a.count).slice(0, limit);
    return {
      block: block.meta,
      series: allPostings(block.index).length,
      labelNames: block.index.names.size,
      labelPairs: byPair.length,
      seriesByMetric: top(byMetric),
      seriesByLabelName: top(byName),
      valuesByLabelName: top(values),
      seriesByLabelPair: top(byPair),
    };
  } finally {
    closeBlock(block);
  }
}
