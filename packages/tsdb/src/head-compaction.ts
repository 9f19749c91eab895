import { compareLabels } from '@belfry/model';
import { arenaOffset, arenaPage } from './arena.ts';
import { type BlockInput, type Piece, type PiecesOfSeries, sortTexts } from './block-writer.ts';
import { corrupt } from './bytes.ts';
import { dropChunksBefore, dropOpenChunk, type Head } from './head.ts';
import { ENCODING, findHeadChunk, truncateHeadChunks } from './head-chunks.ts';
import { overlapsAny } from './intervals.ts';
import { type OutOfOrderChunk, oldestOutOfOrderFile } from './out-of-order.ts';
import type { Range } from './page-cache.ts';
import { OPEN, recycleSlots, removeSeries } from './series-table.ts';
import { sortSlowly } from './slow-sort.ts';

const STEP_SLOTS = 2048;

/** The head's samples in `[minT, maxT)` as input of a block. Works in steps. */
export function* headInput(head: Head, minT: number, maxT: number): Generator<void, BlockInput, void> {
  const s = head.series;
  const slots: number[] = [];
  const symbols = new Set<string>();
  const all = s.postings.all.slots.slice(0, s.postings.all.count);
  for (let i = 0; i < all.length; i++) {
    const slot = all[i];
    if (i % STEP_SLOTS === 0) yield;
    if (!hasSamplesIn(head, slot, minT, maxT)) continue;
    slots.push(slot);
    for (const text of s.labels[slot]) symbols.add(text);
  }
  const sorted = yield* sortSlowly(slots, (a, b) => compareLabels(s.labels[a], s.labels[b]));
  return { symbols: sortTexts(symbols), series: headPieces(head, sorted, minT, maxT) };
}

/** Out-of-order chunks by slot as input of a block. Works in steps. */
export function* outOfOrderInput(
  head: Head,
  chunks: ReadonlyMap<number, ReadonlySet<OutOfOrderChunk>>,
): Generator<void, BlockInput, void> {
  const { labels } = head.series;
  const symbols = new Set<string>();
  for (const slot of chunks.keys()) for (const text of labels[slot]) symbols.add(text);
  const sorted = yield* sortSlowly([...chunks.keys()], (a, b) => compareLabels(labels[a], labels[b]));
  const pieces = (slot: number) =>
    [...chunks.get(slot)!].map(({ minT, maxT, position }) => ({
      minT,
      maxT,
      find: (out: Range) => findOrFail(head, position, out),
      encoding: () => ENCODING.xor,
      deleted: head.tombstones.get(slot) ?? [],
    }));
  const series = (function* () {
    for (const slot of sorted) yield { labels: labels[slot], pieces: pieces(slot) };
  })();
  return { symbols: sortTexts(symbols), series };
}

function findOrFail(head: Head, position: number, out: Range): number {
  const end = findHeadChunk(head.chunks, position, out);
  if (end < 0) throw corrupt(head.chunks.directory, position % 4294967296, 'a chunk of the head cannot be read');
  return end;
}

function hasSamplesIn(head: Head, slot: number, minT: number, maxT: number): boolean {
  const s = head.series;
  if (s.open[slot] !== OPEN.none && s.chunkMinT[slot] < maxT && s.xor.lastT[slot] >= minT) return true;
  for (let node = s.firstChunk[slot]; node !== 0; node = head.pool.next[node]) {
    if (head.pool.minT[node] < maxT && head.pool.maxT[node] >= minT) return true;
  }
  return false;
}

function* headPieces(
  head: Head,
  slots: readonly number[],
  minT: number,
  maxT: number,
): Generator<PiecesOfSeries, void, void> {
  for (const slot of slots) yield { labels: head.series.labels[slot], pieces: piecesOf(head, slot, minT, maxT) };
}

function piecesOf(head: Head, slot: number, minT: number, maxT: number): Piece[] {
  const s = head.series;
  const p = head.pool;
  const deleted = head.tombstones.get(slot) ?? [];
  const pieces: Piece[] = [];
  for (let node = s.firstChunk[slot]; node !== 0; node = p.next[node]) {
    if (p.minT[node] >= maxT || p.maxT[node] < minT) continue;
    const position = p.position[node];
    const encoding = p.encoding[node];
    pieces.push({
      minT: p.minT[node],
      maxT: p.maxT[node],
      find: (out) => findOrFail(head, position, out),
      encoding: () => encoding,
      deleted,
    });
  }
  const open = openPiece(head, slot);
  if (open && open.minT < maxT && open.maxT >= minT) pieces.push({ ...open, deleted });
  return pieces;
}

function openPiece(head: Head, slot: number): Omit<Piece, 'deleted'> | undefined {
  const s = head.series;
  const kind = s.open[slot];
  if (kind === OPEN.none || (kind === OPEN.xor && s.xor.samples[slot] === 0)) return undefined;
  const span = { minT: s.chunkMinT[slot], maxT: s.xor.lastT[slot], encoding: () => kind };
  if (kind !== OPEN.xor) {
    const chunk = head.histograms.get(slot)!;
    return {
      ...span,
      find: (out) => {
        out.bytes = chunk.bytes;
        out.at = 0;
        return chunk.length;
      },
    };
  }
  return {
    ...span,
    find: (out) => {
      const address = s.address[slot];
      out.bytes = arenaPage(s.arena, address);
      out.at = arenaOffset(address);
      return out.at + ((s.xor.bits[slot] + 7) >>> 3);
    },
  };
}

/**
 * Forgets what is older than `minT`, which is in blocks by now: chunks, and series that have nothing newer. `later` is called
 * with what may only be done when no reader can know of the removed series any more.
 */
export function truncateHead(head: Head, minT: number, later: (recycle: () => void) => void): void {
  const s = head.series;
  const gone = new Set<number>();
  let least = Infinity;
  for (let i = 0; i < s.postings.all.count; i++) {
    const slot = s.postings.all.slots[i];
    head.stats.chunksRemoved += dropChunksBefore(head, slot, minT);
    const first = oldestTime(head, slot);
    const idle = s.xor.lastT[slot] < minT && s.tipT[slot] < minT && !head.outOfOrder.series.has(slot);
    if (idle) gone.add(slot);
    else if (first < least) least = first;
  }
  for (const slot of gone) {
    dropOpenChunk(head, slot);
    head.metadata.delete(slot);
    head.tombstones.delete(slot);
  }
  if (gone.size > 0) {
    removeSeries(s, gone);
    later(() => recycleSlots(s, gone));
  }
  for (const [slot, intervals] of head.tombstones) {
    if (!overlapsAny(intervals, minT, Infinity)) head.tombstones.delete(slot);
  }
  truncateHeadChunks(head.chunks, minT, oldestOutOfOrderFile(head.outOfOrder));
  if (least === Infinity) head.minT = Math.min(Math.max(minT, head.minT), head.maxT);
  else head.minT = Math.max(least, minT);
  head.minValidT = Math.max(head.minValidT, minT);
  head.stats.seriesRemoved += gone.size;
  head.stats.truncations++;
}

function oldestTime(head: Head, slot: number): number {
  const s = head.series;
  if (s.firstChunk[slot] !== 0) return head.pool.minT[s.firstChunk[slot]];
  return s.open[slot] === OPEN.none ? Infinity : s.chunkMinT[slot];
}
