import { assert, type Labels, labelsEqual } from '@belfry/model';
import { type Arena, newArena } from './arena.ts';
import { addPostings, intern, newPostings, type Postings, removePostings } from './postings.ts';
import { type XorStates, xorStates } from './xor.ts';

/** What the open chunk of a series is. */
export const OPEN = { none: 0, xor: 1, histogram: 2, floatHistogram: 3 } as const;

/** A ref is `generation · 2^24 + slot`, so that one of a series long gone is not taken for its successor in the slot. */
const SLOT_BITS = 24;
export const MAX_SERIES = 2 ** SLOT_BITS - 1;
const SLOT_MASK = MAX_SERIES;

/**
 * All series of the head, as columns over slots (slot 0 stays empty): typed arrays instead of an object a series, because
 * there are hundreds of thousands. What a chunk in work needs is in `xor` and the arena.
 */
export interface SeriesTable {
  capacity: number;
  /** Slots ever used. */
  used: number;
  live: number;
  readonly freeSlots: number[];
  readonly labels: Labels[];
  readonly postings: Postings;
  readonly arena: Arena;
  xor: XorStates;
  /** What appenders give out; 0: the slot is free. */
  refs: Float64Array;
  /** The number in the log, and in `chunks_head`. */
  walRefs: Float64Array;
  hashes: Int32Array;
  /** Whether the log of this run has the series. */
  logged: Uint8Array;
  open: Uint8Array;
  address: Uint32Array;
  sizeClass: Uint8Array;
  /** First time in the open chunk; when to cut it. */
  chunkMinT: Float64Array;
  nextAt: Float64Array;
  /** Newest sample including those not yet committed; `tipWords` is the memory of `tipV`. */
  tipT: Float64Array;
  tipV: Float64Array;
  tipWords: Uint32Array;
  /** How many chunks were completed. */
  completed: Uint32Array;
  /** Complete chunks: list in the chunk pool, 0: none. */
  firstChunk: Uint32Array;
  lastChunk: Uint32Array;
  /** The log segment in which a freed series was last needed is kept elsewhere; this is a hash table of slots, by labels. */
  table: Int32Array;
  tableUsed: number;
}

const FIRST_CAPACITY = 1024;

export function newSeriesTable(): SeriesTable {
  const labels: Labels[] = [[] as unknown as Labels];
  const tipV = new Float64Array(FIRST_CAPACITY);
  return {
    capacity: FIRST_CAPACITY,
    used: 1,
    live: 0,
    freeSlots: [],
    labels,
    postings: newPostings(labels),
    arena: newArena(),
    xor: xorStates(FIRST_CAPACITY),
    refs: new Float64Array(FIRST_CAPACITY),
    walRefs: new Float64Array(FIRST_CAPACITY),
    hashes: new Int32Array(FIRST_CAPACITY),
    logged: new Uint8Array(FIRST_CAPACITY),
    open: new Uint8Array(FIRST_CAPACITY),
    address: new Uint32Array(FIRST_CAPACITY),
    sizeClass: new Uint8Array(FIRST_CAPACITY),
    chunkMinT: new Float64Array(FIRST_CAPACITY),
    nextAt: new Float64Array(FIRST_CAPACITY),
    tipT: new Float64Array(FIRST_CAPACITY),
    tipV,
    tipWords: new Uint32Array(tipV.buffer),
    completed: new Uint32Array(FIRST_CAPACITY),
    firstChunk: new Uint32Array(FIRST_CAPACITY),
    lastChunk: new Uint32Array(FIRST_CAPACITY),
    table: new Int32Array(FIRST_CAPACITY * 2),
    tableUsed: 0,
  };
}

function growTable(s: SeriesTable): void {
  const capacity = Math.ceil(s.capacity * 1.5);
  const xor = xorStates(capacity);
  for (const key of ['samples', 'bits', 'lastT', 'delta', 'lastV', 'leading', 'trailing'] as const) {
    xor[key].set(s.xor[key]);
  }
  s.xor = xor;
  const keys = ['refs', 'walRefs', 'chunkMinT', 'nextAt', 'tipT', 'tipV'] as const;
  for (const key of keys) s[key] = grown(s[key], new Float64Array(capacity));
  s.tipWords = new Uint32Array(s.tipV.buffer);
  s.hashes = grown(s.hashes, new Int32Array(capacity));
  for (const key of ['logged', 'open', 'sizeClass'] as const) s[key] = grown(s[key], new Uint8Array(capacity));
  for (const key of ['address', 'completed', 'firstChunk', 'lastChunk'] as const) {
    s[key] = grown(s[key], new Uint32Array(capacity));
  }
  s.capacity = capacity;
}

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The slot that a ref stands for, or 0 when the series is gone. */
export function slotOfRef(s: SeriesTable, ref: number): number {
  const slot = ref < 0x80000000 ? ref & SLOT_MASK : ref % (SLOT_MASK + 1);
  return slot < s.used && s.refs[slot] === ref && ref > 0 ? slot : 0;
}

export function hashLabels(labels: Labels): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < labels.length; i++) {
    const text = labels[i];
    const n = text.length;
    let k = 0;
    // Two at a time: this is most of the cost of finding a series by its labels.
    for (; k + 1 < n; k += 2) {
      h = Math.imul(h ^ (text.charCodeAt(k) | (text.charCodeAt(k + 1) << 16)), 0x5bd1e995);
      h ^= h >>> 15;
    }
    if (k < n) h = Math.imul(h ^ text.charCodeAt(k), 0x5bd1e995);
    h = Math.imul(h ^ (n + 0xff00), 0x01000193);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/** The slot of a label set, or 0. */
export function findSeries(s: SeriesTable, labels: Labels, hash: number): number {
  const mask = s.table.length - 1;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = s.table[at];
    if (slot === 0) return 0;
    if (slot > 0 && s.hashes[slot] === hash && labelsEqual(s.labels[slot], labels)) return slot;
  }
}

/** Enters a label set that is not there yet; returns its slot, or 0 when the table is full. */
export function addSeries(s: SeriesTable, labels: Labels, hash: number, walRef: number): number {
  const reused = s.freeSlots.pop();
  const slot = reused ?? s.used;
  if (slot > MAX_SERIES) return 0;
  if (reused === undefined) {
    if (slot === s.capacity) growTable(s);
    s.used++;
  }
  const kept = intern(s.postings, labels);
  s.labels[slot] = kept;
  s.refs[slot] = Math.max(slot, nextRef(s, slot));
  s.walRefs[slot] = walRef;
  s.hashes[slot] = hash;
  s.logged[slot] = 0;
  s.open[slot] = OPEN.none;
  s.xor.samples[slot] = 0;
  s.xor.lastT[slot] = -Infinity;
  s.tipT[slot] = -Infinity;
  s.completed[slot] = 0;
  s.firstChunk[slot] = 0;
  s.lastChunk[slot] = 0;
  addPostings(s.postings, slot);
  insertHash(s, slot);
  s.live++;
  return slot;
}

/** Freed slots keep, negated, the ref that their next series gets. */
function nextRef(s: SeriesTable, slot: number): number {
  return s.refs[slot] < 0 ? -s.refs[slot] : slot;
}

const TOMB = -1;

function insertHash(s: SeriesTable, slot: number): void {
  if ((s.tableUsed + 1) * 2 > s.table.length) rehash(s);
  const mask = s.table.length - 1;
  let at = s.hashes[slot] & mask;
  while (s.table[at] > 0) at = (at + 1) & mask;
  if (s.table[at] === 0) s.tableUsed++;
  s.table[at] = slot;
}

function rehash(s: SeriesTable): void {
  let length = s.table.length;
  while (length < (s.live + 1) * 4) length *= 2;
  const old = s.table;
  s.table = new Int32Array(length);
  s.tableUsed = 0;
  const mask = length - 1;
  for (const slot of old) {
    if (slot <= 0) continue;
    let at = s.hashes[slot] & mask;
    while (s.table[at] !== 0) at = (at + 1) & mask;
    s.table[at] = slot;
    s.tableUsed++;
  }
}

/** Takes series out of the index; their slots stay as they are until {@link recycleSlots}, for readers still at work. */
export function removeSeries(s: SeriesTable, gone: ReadonlySet<number>): void {
  removePostings(s.postings, gone);
  const mask = s.table.length - 1;
  for (const slot of gone) {
    let at = s.hashes[slot] & mask;
    while (s.table[at] !== slot) {
      assert(s.table[at] !== 0, 'a series is missing from its hash table');
      at = (at + 1) & mask;
    }
    s.table[at] = TOMB;
    // The next generation, kept negative until the slot is used again, so that the old ref finds nothing.
    s.refs[slot] = -(s.refs[slot] + SLOT_MASK + 1);
  }
  s.live -= gone.size;
}

/** Gives removed slots free for new series. */
export function recycleSlots(s: SeriesTable, gone: Iterable<number>): void {
  for (const slot of gone) {
    s.labels[slot] = s.labels[0];
    s.freeSlots.push(slot);
  }
}
