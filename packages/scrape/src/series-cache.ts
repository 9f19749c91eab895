import type { Labels, SeriesRef } from '@belfry/model';

const DROPPED = -1;

/**
 * What is remembered of a target's series between scrapes, by the bytes that expose them. Columns: a server remembers
 * hundreds of thousands. An entry is its index.
 */
export interface SeriesCache {
  /** The exposing bytes of all entries, one behind the other. */
  bytes: Uint8Array;
  bytesUsed: number;
  readonly starts: number[];
  readonly ends: number[];
  /** The store's reference, 0 when unknown, {@link isDropped} when relabelling drops the series. */
  readonly refs: SeriesRef[];
  readonly labels: Labels[];
  /** The scrape that last had the series, and the last after which it would need an end. */
  readonly seenIn: number[];
  readonly trackedIn: number[];
  readonly byKey: Map<string, number>;
  /** Entries in the order of the last scrape, and how many. */
  order: Int32Array;
  orderLength: number;
  /** Where in that order each entry stands. */
  readonly positions: number[];
}

export function newSeriesCache(): SeriesCache {
  return {
    bytes: new Uint8Array(1024),
    bytesUsed: 0,
    starts: [],
    ends: [],
    refs: [],
    labels: [],
    seenIn: [],
    trackedIn: [],
    byKey: new Map(),
    order: new Int32Array(64),
    orderLength: 0,
    positions: [],
  };
}

export function keyOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

export function addEntry(
  cache: SeriesCache,
  bytes: Uint8Array,
  start: number,
  end: number,
  key: string,
  labels: Labels | undefined,
): number {
  const length = end - start;
  if (cache.bytesUsed + length > cache.bytes.length) {
    const grown = new Uint8Array(Math.max(cache.bytes.length * 2, cache.bytesUsed + length));
    grown.set(cache.bytes.subarray(0, cache.bytesUsed));
    cache.bytes = grown;
  }
  cache.bytes.set(bytes.subarray(start, end), cache.bytesUsed);
  const entry = cache.starts.length;
  cache.starts.push(cache.bytesUsed);
  cache.bytesUsed += length;
  cache.ends.push(cache.bytesUsed);
  cache.refs.push(labels === undefined ? DROPPED : 0);
  cache.labels.push(labels ?? ([] as unknown as Labels));
  cache.seenIn.push(-1);
  cache.trackedIn.push(-1);
  cache.positions.push(0);
  cache.byKey.set(key, entry);
  return entry;
}

export function isDropped(cache: SeriesCache, entry: number): boolean {
  return cache.refs[entry] === DROPPED;
}

export function setOrder(cache: SeriesCache, position: number, entry: number): void {
  if (position >= cache.order.length) {
    const grown = new Int32Array(cache.order.length * 2);
    grown.set(cache.order);
    cache.order = grown;
  }
  cache.order[position] = entry;
  cache.positions[entry] = position;
}

/** Forgets the entries from `size` on: those that a rolled back scrape brought. */
export function truncateCache(cache: SeriesCache, size: number): void {
  if (size >= cache.starts.length) return;
  for (let entry = size; entry < cache.starts.length; entry++) {
    cache.byKey.delete(keyOf(cache.bytes, cache.starts[entry]!, cache.ends[entry]!));
  }
  cache.bytesUsed = cache.starts[size]!;
  for (const column of [
    cache.starts,
    cache.ends,
    cache.refs,
    cache.labels,
    cache.seenIn,
    cache.trackedIn,
    cache.positions,
  ]) {
    column.length = size;
  }
}

/** A cache of only what the last scrape had, once what it no longer has outweighs it. */
export function compacted(cache: SeriesCache, iteration: number): SeriesCache {
  const SLACK = 1000;
  if (cache.starts.length <= cache.orderLength * 2 + SLACK) return cache;
  const fresh = newSeriesCache();
  for (const [key, entry] of cache.byKey) {
    if (cache.seenIn[entry] !== iteration) continue;
    const copy = addEntry(fresh, cache.bytes, cache.starts[entry]!, cache.ends[entry]!, key, cache.labels[entry]!);
    fresh.refs[copy] = cache.refs[entry]!;
    fresh.seenIn[copy] = iteration;
    fresh.trackedIn[copy] = cache.trackedIn[entry]!;
  }
  for (let i = 0; i < cache.orderLength; i++) {
    const old = cache.order[i]!;
    const copy = fresh.byKey.get(keyOf(cache.bytes, cache.starts[old]!, cache.ends[old]!));
    if (copy !== undefined) setOrder(fresh, fresh.orderLength++, copy);
  }
  return fresh;
}
