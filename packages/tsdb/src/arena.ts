import { assert } from '@belfry/model';
import { DECODE_SLACK_BYTES } from './xor.ts';

const PAGE_BITS = 20;
const PAGE_BYTES = 1 << PAGE_BITS;
const OFFSET_MASK = PAGE_BYTES - 1;

/** The sizes that pieces come in. The largest holds a chunk at {@link MAX_OPEN_CHUNK_BYTES} and one more sample. */
const CLASS_BYTES = [48, 64, 96, 128, 192, 256, 384, 512, 768, 1056] as const;

/** A chunk that reached this is complete, however few samples it has. */
export const MAX_OPEN_CHUNK_BYTES = 1024;

/**
 * Memory for the open chunks of all series, in few large pages instead of one small buffer a series: no object, no header,
 * nothing for the garbage collector. An address is a number: page and offset. Pieces are zeroed when given out.
 */
export interface Arena {
  readonly pages: Uint8Array[];
  readonly free: number[][];
  /** Where the next new piece goes in the last page. */
  next: number;
}

export function newArena(): Arena {
  return { pages: [], free: CLASS_BYTES.map(() => []), next: PAGE_BYTES };
}

export function arenaPage(a: Arena, address: number): Uint8Array {
  return a.pages[address >>> PAGE_BITS];
}

export function arenaOffset(address: number): number {
  return address & OFFSET_MASK;
}

export function classBytes(sizeClass: number): number {
  return CLASS_BYTES[sizeClass];
}

export function allocate(a: Arena, sizeClass: number): number {
  const bytes = CLASS_BYTES[sizeClass];
  const reused = a.free[sizeClass].pop();
  if (reused !== undefined) {
    const offset = arenaOffset(reused);
    arenaPage(a, reused).fill(0, offset, offset + bytes);
    return reused;
  }
  if (a.next + bytes > PAGE_BYTES) {
    assert(a.pages.length < 4096, 'the arena is full');
    a.pages.push(new Uint8Array(PAGE_BYTES + DECODE_SLACK_BYTES));
    a.next = 0;
  }
  const address = ((a.pages.length - 1) * PAGE_BYTES + a.next) >>> 0;
  a.next += bytes;
  return address;
}

export function release(a: Arena, address: number, sizeClass: number): void {
  a.free[sizeClass].push(address);
}

/** Moves `used` bytes into a piece of the next class; returns its address. */
export function grow(a: Arena, address: number, sizeClass: number, used: number): number {
  assert(sizeClass + 1 < CLASS_BYTES.length, 'a chunk outgrew the arena');
  const next = allocate(a, sizeClass + 1);
  const from = arenaOffset(address);
  arenaPage(a, next).set(arenaPage(a, address).subarray(from, from + used), arenaOffset(next));
  release(a, address, sizeClass);
  return next;
}

export function arenaBytes(a: Arena): number {
  return a.pages.length * PAGE_BYTES;
}
