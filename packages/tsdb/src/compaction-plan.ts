import type { BlockMeta } from './block-meta.ts';

/** Each level of blocks spans this many times the one below. */
const LEVEL_FACTOR = 3;
const MAX_LEVELS = 10;
/** A large block is rewritten when this share of its series has deletions. */
const MAX_DELETED_SHARE = 0.05;

/** The spans that blocks are merged to: the smallest, three times that, and so on up to `maxMs`. */
export function blockRanges(minMs: number, maxMs: number): number[] {
  const out = [minMs];
  for (let range = minMs * LEVEL_FACTOR; range <= maxMs && out.length < MAX_LEVELS; range *= LEVEL_FACTOR)
    out.push(range);
  return out;
}

/**
 * Which blocks to merge into one next: those that overlap first; then those that together fill a span of the next level; then
 * a large one with many deletions. The newest block is left alone for a while, so that it can be shipped as it is.
 */
export function planCompaction(blocks: readonly BlockMeta[], ranges: readonly number[]): BlockMeta[] {
  const sorted = [...blocks].sort((a, b) => a.minTime - b.minTime);
  const overlapping = firstOverlap(sorted);
  if (overlapping.length > 0) return overlapping;
  const settled = sorted.slice(0, -1);
  const filled = firstFilledSpan(settled, ranges);
  if (filled.length > 0) return filled;
  const large = ranges[Math.floor(ranges.length / 2)];
  for (const block of settled.toReversed()) {
    const { numTombstones = 0, numSeries = 0 } = block.stats;
    if (block.maxTime - block.minTime < large) continue;
    if (numTombstones / (numSeries + 1) > MAX_DELETED_SHARE) return [block];
  }
  return [];
}

function firstOverlap(sorted: readonly BlockMeta[]): BlockMeta[] {
  let out: BlockMeta[] = [];
  let maxT = -Infinity;
  for (const [i, block] of sorted.entries()) {
    if (block.minTime < maxT) {
      if (out.length === 0) out = [sorted[i - 1]];
      out.push(block);
    } else if (out.length > 0) {
      break;
    }
    maxT = Math.max(maxT, block.maxTime);
  }
  return out;
}

function firstFilledSpan(settled: readonly BlockMeta[], ranges: readonly number[]): BlockMeta[] {
  if (settled.length === 0) return [];
  const newest = settled[settled.length - 1].minTime;
  for (const range of ranges.slice(1)) {
    for (const group of splitBySpan(settled, range)) {
      if (group.some((b) => b.compaction.failed)) continue;
      const minT = group[0].minTime;
      const maxT = group[group.length - 1].maxTime;
      if (group.length > 1 && (maxT - minT === range || maxT <= newest)) return group;
    }
  }
  return [];
}

function splitBySpan(sorted: readonly BlockMeta[], range: number): BlockMeta[][] {
  const groups = new Map<number, BlockMeta[]>();
  for (const block of sorted) {
    const start = Math.floor(block.minTime / range) * range;
    if (block.maxTime > start + range) continue;
    const group = groups.get(start);
    if (group) group.push(block);
    else groups.set(start, [block]);
  }
  return [...groups.values()];
}

/** The blocks that retention gives up, the oldest: by their distance from the newest, and by the size of all together. */
export function expiredBlocks(
  blocks: readonly { readonly meta: BlockMeta; readonly bytes: number }[],
  retentionMs: number,
  retentionBytes: number,
  headBytes: number,
): BlockMeta[] {
  const newestFirst = [...blocks].sort((a, b) => b.meta.maxTime - a.meta.maxTime);
  let bytes = headBytes;
  const out: BlockMeta[] = [];
  for (const { meta, bytes: own } of newestFirst) {
    bytes += own;
    const tooOld = retentionMs > 0 && newestFirst[0].meta.maxTime - meta.maxTime > retentionMs;
    const tooMuch = retentionBytes > 0 && bytes > retentionBytes;
    if (tooOld || tooMuch || out.length > 0) out.push(meta);
  }
  return out;
}
