import type { FileHandle } from './files.ts';
import { DECODE_SLACK_BYTES } from './xor.ts';

/** Small enough that a chunk of a series here and there does not cost much more than its own bytes. */
const PAGE_BITS = 14;
const PAGE_BYTES = 1 << PAGE_BITS;

/** The cache's own limit unless told otherwise. */
export const DEFAULT_CACHE_BYTES = 48 * 1024 * 1024;

interface Page {
  key: number;
  readonly bytes: Uint8Array;
  /** How much of it is from the file. */
  length: number;
  used: boolean;
}

/** A file read through a {@link PageCache}. */
export interface CachedFile {
  readonly id: number;
  readonly file: FileHandle;
}

/**
 * Pages of files read with pread, at most so many bytes of them, the ones not used for longest given up first (by second
 * chance). Stands in for mmap, which Node does not have; and unlike it keeps to its limit.
 */
export interface PageCache {
  readonly maxPages: number;
  readonly pages: Page[];
  readonly byKey: Map<number, Page>;
  hand: number;
  nextId: number;
  reads: number;
}

export function newPageCache(maxBytes = DEFAULT_CACHE_BYTES): PageCache {
  const maxPages = Math.max(4, Math.floor(maxBytes / PAGE_BYTES));
  return { maxPages, pages: [], byKey: new Map(), hand: 0, nextId: 1, reads: 0 };
}

export function cachedFile(cache: PageCache, file: FileHandle): CachedFile {
  return { id: cache.nextId++, file };
}

/** Pages a file can have: keys are `id * 2^18 + page`, so files up to 4 GiB. */
const PAGES_PER_FILE = 2 ** 18;

/** Where bytes lie: valid until the next call to {@link readRange}. `DECODE_SLACK_BYTES` behind them may be looked at. */
export interface Range {
  bytes: Uint8Array;
  at: number;
}

let assembled = new Uint8Array(2 * PAGE_BYTES);

/** Finds `[start, start+length)` of the file; returns how many of those bytes exist. */
export function readRange(cache: PageCache, f: CachedFile, start: number, length: number, out: Range): number {
  const number = Math.floor(start / PAGE_BYTES);
  const offset = start - number * PAGE_BYTES;
  const page = getPage(cache, f, number, Math.min(offset + length, PAGE_BYTES));
  if (offset + length <= PAGE_BYTES) {
    out.bytes = page.bytes;
    out.at = offset;
    return Math.max(0, Math.min(length, page.length - offset));
  }
  if (assembled.length < length + DECODE_SLACK_BYTES) assembled = new Uint8Array(2 * length + DECODE_SLACK_BYTES);
  out.bytes = assembled;
  out.at = 0;
  let done = Math.max(0, page.length - offset);
  assembled.set(page.bytes.subarray(offset, page.length), 0);
  if (page.length < PAGE_BYTES) return done;
  for (let k = number + 1; done < length; k++) {
    const next = getPage(cache, f, k, Math.min(length - done, PAGE_BYTES));
    const take = Math.min(length - done, next.length);
    assembled.set(next.bytes.subarray(0, take), done);
    done += take;
    if (next.length < PAGE_BYTES) break;
  }
  return done;
}

/** A page with at least `need` bytes, if the file has them: a file that grows is read again. */
function getPage(cache: PageCache, f: CachedFile, number: number, need: number): Page {
  const key = f.id * PAGES_PER_FILE + number;
  let page = cache.byKey.get(key);
  if (page && page.length >= need) {
    page.used = true;
    return page;
  }
  page ??= freePage(cache);
  cache.byKey.delete(page.key);
  page.key = -1;
  page.length = f.file.read(page.bytes, 0, PAGE_BYTES, number * PAGE_BYTES);
  cache.reads++;
  page.key = key;
  page.used = true;
  cache.byKey.set(key, page);
  return page;
}

function freePage(cache: PageCache): Page {
  if (cache.pages.length < cache.maxPages) {
    const page: Page = { key: -1, bytes: new Uint8Array(PAGE_BYTES + DECODE_SLACK_BYTES), length: 0, used: false };
    cache.pages.push(page);
    return page;
  }
  for (;;) {
    const page = cache.pages[cache.hand];
    cache.hand = (cache.hand + 1) % cache.pages.length;
    if (!page.used) return page;
    page.used = false;
  }
}

/** Forgets the pages of a file that is being closed. */
export function dropFile(cache: PageCache, f: CachedFile): void {
  for (const page of cache.pages) {
    if (page.key >= 0 && Math.floor(page.key / PAGES_PER_FILE) === f.id) {
      cache.byKey.delete(page.key);
      page.key = -1;
      page.used = false;
      page.length = 0;
    }
  }
}
