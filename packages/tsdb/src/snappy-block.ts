/**
 * Snappy's block format, from and to buffers that are used again and again: the native library gives a new buffer for each
 * record, and their memory comes back only when the event loop turns after a garbage collection.
 *
 *     uvarint length | (tag, …)…     tag & 3: 0 literal; 1, 2, 3 a copy with 11, 16, 32 bits of offset
 */
import { Truncated, writeUvarint } from './bytes.ts';

let output = new Uint8Array(256 * 1024);

/** The decompressed bytes: valid until the next call. @throws Truncated when they are not what was compressed */
export function decompressSnappy(input: Uint8Array): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 1; ; shift *= 128) {
    if (at >= input.length || at > 4) throw new Truncated('a compressed record without its length');
    const byte = input[at++];
    length += (byte & 0x7f) * shift;
    if (byte < 0x80) break;
  }
  if (length > MAX_RECORD_BYTES) throw new Truncated('a compressed record that says it is too long');
  if (length > output.length) output = new Uint8Array(Math.max(length, output.length * 2));
  if (decode(input, at, output, length) !== length) throw new Truncated('a compressed record that does not decompress');
  return output.subarray(0, length);
}

/** No record is longer: a segment is not. */
const MAX_RECORD_BYTES = 1024 * 1024 * 1024;

function decode(input: Uint8Array, at: number, out: Uint8Array, length: number): number {
  const end = input.length;
  let to = 0;
  while (at < end) {
    const tag = input[at++];
    if ((tag & 3) === 0) {
      let n = tag >>> 2;
      if (n >= 60) {
        const bytes = n - 59;
        n = 0;
        for (let i = 0; i < bytes; i++) n += input[at + i] * 2 ** (8 * i);
        at += bytes;
      }
      n++;
      if (at + n > end || to + n > length) return -1;
      if (n < 24) for (let i = 0; i < n; i++) out[to + i] = input[at + i];
      else out.set(input.subarray(at, at + n), to);
      at += n;
      to += n;
      continue;
    }
    let n: number;
    let offset: number;
    if ((tag & 3) === 1) {
      n = ((tag >>> 2) & 7) + 4;
      offset = ((tag & 0xe0) << 3) | input[at++];
    } else {
      n = (tag >>> 2) + 1;
      offset = input[at] | (input[at + 1] << 8);
      at += 2;
      if ((tag & 3) === 3) {
        offset += (input[at] | (input[at + 1] << 8)) * 65536;
        at += 2;
      }
    }
    if (offset === 0 || offset > to || to + n > length || at > end) return -1;
    for (let i = 0; i < n; i++) out[to + i] = out[to + i - offset];
    to += n;
  }
  return to;
}

const HASH_BITS = 12;
const hashTable = new Uint16Array(1 << HASH_BITS);
/** Matches are looked for within blocks of this size, so that positions fit into 16 bits. */
const BLOCK_BYTES = 65536;
/** So near to the end of a block no match is begun. */
const MARGIN_BYTES = 15;

let compressed = new Uint8Array(64 * 1024);

/** The compressed bytes: valid until the next call. */
export function compressSnappy(input: Uint8Array): Uint8Array {
  const most = 32 + input.length + Math.ceil(input.length / 6);
  if (compressed.length < most) compressed = new Uint8Array(most * 2);
  let to = writeUvarint(compressed, 0, input.length);
  for (let start = 0; start < input.length; start += BLOCK_BYTES) {
    to = compressBlock(input, start, Math.min(start + BLOCK_BYTES, input.length), compressed, to);
  }
  return compressed.subarray(0, to);
}

function compressBlock(input: Uint8Array, start: number, end: number, out: Uint8Array, to: number): number {
  const limit = end - MARGIN_BYTES;
  let literal = start;
  if (limit > start) {
    hashTable.fill(0);
    let at = start + 1;
    // The longer nothing matches, the larger the steps.
    let skip = 32;
    while (at < limit) {
      const word = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16) | (input[at + 3] << 24);
      const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
      const candidate = start + hashTable[hash];
      hashTable[hash] = at - start;
      if (
        candidate >= at ||
        input[candidate] !== input[at] ||
        input[candidate + 1] !== input[at + 1] ||
        input[candidate + 2] !== input[at + 2] ||
        input[candidate + 3] !== input[at + 3]
      ) {
        at += skip++ >>> 5;
        continue;
      }
      if (at > literal) to = putLiteral(input, literal, at, out, to);
      let length = 4;
      while (at + length < end && input[candidate + length] === input[at + length]) length++;
      to = putCopy(at - candidate, length, out, to);
      at += length;
      literal = at;
      skip = 32;
    }
  }
  return literal < end ? putLiteral(input, literal, end, out, to) : to;
}

function putLiteral(input: Uint8Array, from: number, until: number, out: Uint8Array, to: number): number {
  const n = until - from - 1;
  if (n < 60) out[to++] = n << 2;
  else if (n < 256) {
    out[to++] = 60 << 2;
    out[to++] = n;
  } else {
    out[to++] = 61 << 2;
    out[to++] = n & 0xff;
    out[to++] = n >>> 8;
  }
  if (n < 32) for (let i = from; i < until; i++) out[to++] = input[i];
  else {
    out.set(input.subarray(from, until), to);
    to += until - from;
  }
  return to;
}

function putCopy(offset: number, length: number, out: Uint8Array, to: number): number {
  while (length >= 68) {
    to = putLongCopy(offset, 64, out, to);
    length -= 64;
  }
  if (length > 64) {
    to = putLongCopy(offset, 60, out, to);
    length -= 60;
  }
  if (length >= 12 || offset >= 2048) return putLongCopy(offset, length, out, to);
  out[to] = ((offset >>> 8) << 5) | ((length - 4) << 2) | 1;
  out[to + 1] = offset & 0xff;
  return to + 2;
}

function putLongCopy(offset: number, length: number, out: Uint8Array, to: number): number {
  out[to] = ((length - 1) << 2) | 2;
  out[to + 1] = offset & 0xff;
  out[to + 2] = offset >>> 8;
  return to + 3;
}
