import type { Labels, SeriesRef } from '@belfry/model';

/**
 * Series known by the bytes that name them in a protocol (the labels of a remote write's time series, as they came): a sender
 * repeats the same bytes with every request, so that neither strings need be made nor labels looked up again. Bounded: when it
 * is full it begins anew.
 */
export interface SeriesByBytes {
  /** The entry of `bytes[start, end)`, or −1. Entries are valid until the next {@link add}. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /** Enters a series; returns its entry. */
  add(bytes: Uint8Array, start: number, end: number, labels: Labels): number;
  labels(entry: number): Labels;
  /** The store's reference, 0 while it is not known. */
  ref(entry: number): SeriesRef;
  setRef(entry: number, ref: SeriesRef): void;
  readonly size: number;
}

export const DEFAULT_MAX_SERIES_BY_BYTES = 200_000;
/** Of all keys together. */
const MAX_KEY_BYTES = 128 * 1024 * 1024;

interface State {
  table: Int32Array;
  hashes: Int32Array;
  starts: Int32Array;
  ends: Int32Array;
  refs: Float64Array;
  labels: Labels[];
  keys: Uint8Array;
  keysUsed: number;
}

function emptyState(): State {
  return {
    // Entries plus one; zero: free.
    table: new Int32Array(4096),
    hashes: new Int32Array(1024),
    starts: new Int32Array(1024),
    ends: new Int32Array(1024),
    refs: new Float64Array(1024),
    labels: [],
    keys: new Uint8Array(64 * 1024),
    keysUsed: 0,
  };
}

export function seriesByBytes(maxSeries = DEFAULT_MAX_SERIES_BY_BYTES): SeriesByBytes {
  let s = emptyState();
  return {
    find: (bytes, start, end) => findEntry(s, bytes, start, end, hashBytes(bytes, start, end)),
    add: (bytes, start, end, labels) => {
      if (s.labels.length >= maxSeries || s.keysUsed + end - start > MAX_KEY_BYTES) s = emptyState();
      return addEntry(s, bytes, start, end, labels);
    },
    labels: (entry) => s.labels[entry],
    ref: (entry) => s.refs[entry],
    setRef: (entry, ref) => {
      s.refs[entry] = ref;
    },
    get size() {
      return s.labels.length;
    },
  };
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    h = Math.imul(h ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)), 0x5bd1e995);
    h ^= h >>> 15;
  }
  for (; i < end; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  h ^= h >>> 13;
  return Math.imul(h, 0x5bd1e995) | 0;
}

function findEntry(s: State, bytes: Uint8Array, start: number, end: number, hash: number): number {
  const mask = s.table.length - 1;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const entry = s.table[at] - 1;
    if (entry < 0) return -1;
    if (s.hashes[entry] === hash && sameBytes(s.keys, s.starts[entry], s.ends[entry], bytes, start, end)) return entry;
  }
}

function sameBytes(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false;
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}

function addEntry(s: State, bytes: Uint8Array, start: number, end: number, labels: Labels): number {
  const entry = s.labels.length;
  if (entry === s.hashes.length) growEntries(s);
  if ((entry + 1) * 2 > s.table.length) growHashTable(s);
  const length = end - start;
  if (s.keysUsed + length > s.keys.length) {
    const keys = new Uint8Array(Math.max(s.keys.length * 2, s.keysUsed + length));
    keys.set(s.keys);
    s.keys = keys;
  }
  s.keys.set(bytes.subarray(start, end), s.keysUsed);
  s.starts[entry] = s.keysUsed;
  s.keysUsed += length;
  s.ends[entry] = s.keysUsed;
  s.hashes[entry] = hashBytes(bytes, start, end);
  s.refs[entry] = 0;
  s.labels.push(labels);
  enter(s.table, s.hashes[entry], entry);
  return entry;
}

function enter(table: Int32Array, hash: number, entry: number): void {
  const mask = table.length - 1;
  let at = hash & mask;
  while (table[at] !== 0) at = (at + 1) & mask;
  table[at] = entry + 1;
}

function growEntries(s: State): void {
  const capacity = s.hashes.length * 2;
  for (const key of ['hashes', 'starts', 'ends'] as const) {
    const next = new Int32Array(capacity);
    next.set(s[key]);
    s[key] = next;
  }
  const refs = new Float64Array(capacity);
  refs.set(s.refs);
  s.refs = refs;
}

function growHashTable(s: State): void {
  s.table = new Int32Array(s.table.length * 2);
  for (let entry = 0; entry < s.labels.length; entry++) enter(s.table, s.hashes[entry], entry);
}
