import type { CompiledMatcher } from '@belfry/model';
import { arenaOffset, arenaPage } from './arena.ts';
import type { Head } from './head.ts';
import { ENCODING, findHeadChunk } from './head-chunks.ts';
import type { Range } from './page-cache.ts';
import { selectSlots } from './postings.ts';
import { pushChunk, pushFloat, type SampleBuffer } from './sample-buffer.ts';
import { OPEN } from './series-table.ts';

/** Series of the head as they were at one moment: what is committed later is not read. */
export interface HeadSelection {
  readonly slots: Uint32Array;
  /** Per series: how many chunks were complete, and how many samples the open one had. */
  readonly completed: Uint32Array;
  readonly open: Uint16Array;
}

/** Adds the out-of-order samples of a series; its buffer is not sorted afterwards. `false`: a chunk could not be read wholly. */
export function readOutOfOrder(head: Head, slot: number, minT: number, maxT: number, into: SampleBuffer): boolean {
  const series = head.outOfOrder.series.get(slot);
  if (!series) return true;
  let whole = true;
  for (const c of series.chunks) {
    if (c.minT > maxT || c.maxT < minT) continue;
    const end = findHeadChunk(head.chunks, c.position, range);
    if (end < 0 || !pushChunk(into, ENCODING.xor, range.bytes, range.at, end, c.samples)) whole = false;
  }
  for (let i = 0; i < series.count; i++) {
    const t = series.ts[i];
    if (t >= minT && t <= maxT) pushFloat(into, t, series.words[2 * i], series.words[2 * i + 1]);
  }
  return whole;
}

export function selectHead(head: Head, matchers: readonly CompiledMatcher[]): HeadSelection {
  return freeze(head, selectSlots(head.series.postings, matchers));
}

function freeze(head: Head, slots: Uint32Array): HeadSelection {
  const s = head.series;
  const completed = new Uint32Array(slots.length);
  const open = new Uint16Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    completed[i] = s.completed[slot];
    open[i] = openSamples(head, slot);
  }
  return { slots, completed, open };
}

function openSamples(head: Head, slot: number): number {
  const kind = head.series.open[slot];
  if (kind === OPEN.none) return 0;
  return kind === OPEN.xor ? head.series.xor.samples[slot] : head.histograms.get(slot)!.samples;
}

const range: Range = { bytes: new Uint8Array(0), at: 0 };

/**
 * Adds the samples of series `i` of a selection that lie in chunks touching `[minT, maxT]`. Returns `false` when a chunk on
 * disk could not be read wholly.
 */
export function readHeadSeries(
  head: Head,
  selection: HeadSelection,
  i: number,
  minT: number,
  maxT: number,
  into: SampleBuffer,
): boolean {
  const s = head.series;
  const p = head.pool;
  const slot = selection.slots[i];
  let whole = true;
  // Chunks are counted from the series' first ever; those dropped since are not in the list.
  let node = s.firstChunk[slot];
  let number = s.completed[slot] - listLength(head, slot);
  const completed = selection.completed[i];
  for (; node !== 0 && number <= completed; node = p.next[node], number++) {
    if (p.minT[node] > maxT) return whole;
    const limit = number === completed ? selection.open[i] : p.samples[node];
    if (limit === 0 || p.maxT[node] < minT) continue;
    const end = findHeadChunk(head.chunks, p.position[node], range);
    if (end < 0 || !pushChunk(into, p.encoding[node], range.bytes, range.at, end, limit)) whole = false;
  }
  if (s.completed[slot] === completed && selection.open[i] > 0 && s.chunkMinT[slot] <= maxT) {
    pushOpenChunk(head, slot, selection.open[i], into);
  }
  return whole;
}

function listLength(head: Head, slot: number): number {
  let n = 0;
  for (let node = head.series.firstChunk[slot]; node !== 0; node = head.pool.next[node]) n++;
  return n;
}

/** Adds the first `count` samples of the chunk in work. */
function pushOpenChunk(head: Head, slot: number, count: number, into: SampleBuffer): void {
  const s = head.series;
  const kind = s.open[slot];
  if (kind === OPEN.xor) {
    const address = s.address[slot];
    const start = arenaOffset(address);
    const end = start + ((s.xor.bits[slot] + 7) >>> 3);
    pushChunk(into, kind, arenaPage(s.arena, address), start, end, count);
  } else if (kind !== OPEN.none) {
    const chunk = head.histograms.get(slot)!;
    pushChunk(into, kind, chunk.bytes, 0, chunk.length, count);
  }
}
