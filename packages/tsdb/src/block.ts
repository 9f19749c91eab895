import type { CompiledMatcher, Labels } from '@belfry/model';
import { type ChunkReader, closeChunkReader, findChunk, openChunkReader } from './block-chunks.ts';
import {
  allPostings,
  type BlockSeries,
  blockPostings,
  closeIndex,
  type IndexReader,
  openIndex,
  readSeries,
} from './block-index.ts';
import { type BlockMeta, readBlockMeta } from './block-meta.ts';
import { corrupt } from './bytes.ts';
import { directorySize, type Files } from './files.ts';
import type { PageCache, Range } from './page-cache.ts';
import { intersect, isExact, memoized, satisfies, union } from './postings.ts';
import { pushChunk, type SampleBuffer } from './sample-buffer.ts';
import { readTombstones, type Tombstones } from './tombstones.ts';

/** A block, open for reading. */
export interface Block {
  readonly directory: string;
  meta: BlockMeta;
  readonly index: IndexReader;
  readonly chunks: ChunkReader;
  tombstones: Tombstones;
  readonly bytes: number;
  /** Decoded series: those used recently, and those used before them. */
  recent: Map<number, BlockSeries>;
  older: Map<number, BlockSeries>;
}

/** A block keeps at most twice as many decoded series. */
const MAX_RECENT_SERIES = 20_000;

/** @throws BelfryError `data_corrupt` */
export function openBlock(
  files: Files,
  directory: string,
  cache: PageCache,
  share: (labels: Labels, hash: number) => Labels,
): Block {
  const meta = readBlockMeta(files, directory);
  const tombstones = readTombstones(files, directory);
  const index = openIndex(files, `${directory}/index`, cache, share);
  try {
    const chunks = openChunkReader(files, `${directory}/chunks`, cache);
    const bytes = directorySize(files, directory);
    return { directory, meta, index, chunks, tombstones, bytes, recent: new Map(), older: new Map() };
  } catch (error) {
    closeIndex(index);
    throw error;
  }
}

export function closeBlock(block: Block): void {
  closeIndex(block.index);
  closeChunkReader(block.chunks);
  block.recent.clear();
  block.older.clear();
}

/** Whether the block may have samples in `[minMs, maxMs]`. */
export function blockOverlaps(block: Block, minMs: number, maxMs: number): boolean {
  return block.meta.minTime <= maxMs && minMs < block.meta.maxTime;
}

export function blockSeries(block: Block, number: number): BlockSeries {
  let series = block.recent.get(number);
  if (series) return series;
  series = block.older.get(number) ?? readSeries(block.index, number);
  if (block.recent.size >= MAX_RECENT_SERIES) {
    block.older = block.recent;
    block.recent = new Map();
  }
  block.recent.set(number, series);
  return series;
}

/** The series that satisfy all matchers, in order of labels. @throws BelfryError `data_corrupt` */
export function selectBlock(block: Block, matchers: readonly CompiledMatcher[]): BlockSeries[] {
  const filters: CompiledMatcher[] = [];
  let candidates: Uint32Array | undefined;
  for (const m of matchers) {
    if (!isExact(m)) {
      filters.push(m);
      continue;
    }
    const list = union(m.values!.map((v) => blockPostings(block.index, m.matcher.name, v)));
    candidates = candidates ? intersect(candidates, list) : list;
    if (candidates.length === 0) return [];
  }
  if (!candidates) {
    const first = filters.findIndex((m) => !m.matchesEmpty);
    candidates = first === -1 ? allPostings(block.index) : matchingPostings(block, filters.splice(first, 1)[0]);
  }
  const tests = filters.map(memoized);
  const out: BlockSeries[] = [];
  for (let i = 0; i < candidates.length; i++) {
    const series = blockSeries(block, candidates[i]);
    if (tests.length === 0 || satisfies(series.labels, tests)) out.push(series);
  }
  return out;
}

function matchingPostings(block: Block, m: CompiledMatcher): Uint32Array {
  const values = block.index.names.get(m.matcher.name)?.values ?? [];
  return union(values.filter(m.matches).map((v) => blockPostings(block.index, m.matcher.name, v)));
}

const range: Range = { bytes: new Uint8Array(0), at: 0 };

/** Adds the samples of a series in chunks that touch `[minT, maxT]`. @throws BelfryError `data_corrupt` */
export function readBlockSeries(
  block: Block,
  series: BlockSeries,
  minT: number,
  maxT: number,
  into: SampleBuffer,
): void {
  const { chunks } = series;
  for (let i = 0; i < chunks.length; i += 3) {
    if (chunks[i] > maxT) break;
    if (chunks[i + 1] < minT) continue;
    const end = findChunk(block.chunks, chunks[i + 2], range);
    if (pushChunk(into, range.bytes[range.at - 1], range.bytes, range.at, end, 65535)) continue;
    const what = `series ${series.number}: a chunk does not decode, or has an encoding that is not known`;
    throw corrupt(`${block.directory}/chunks`, chunks[i + 2] % 4294967296, what);
  }
}
