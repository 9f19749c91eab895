import { BelfryError } from '@belfry/model';

/** What a cleared {@link ByteBuffer} keeps at most. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/**
 * Bytes being put together: grows by doubling, is kept and cleared between uses. Integers are big endian, varints as Go's
 * `encoding/binary` (unsigned LEB128; signed zigzag). Numbers are JavaScript's: integers are exact below 2^53, and beyond,
 * where only sentinels such as the least and greatest int64 live, they saturate.
 */
export class ByteBuffer {
  bytes: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  clear(): void {
    this.length = 0;
    // One giant use must not keep its memory for ever.
    if (this.bytes.length > MAX_KEPT_BYTES) {
      this.bytes = new Uint8Array(MAX_KEPT_BYTES);
      this.#view = new DataView(this.bytes.buffer);
    }
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    if (this.length + more > this.bytes.length) this.#grow(this.length + more);
  }

  #grow(least: number): void {
    const next = new Uint8Array(Math.max(least, this.bytes.length * 2));
    next.set(this.bytes.subarray(0, this.length));
    this.bytes = next;
    this.#view = new DataView(next.buffer);
  }

  /** What was put so far: a view, valid until the next put. */
  view(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.length);
  }

  putByte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  putBytes(source: Uint8Array, start = 0, end = source.length): void {
    this.reserve(end - start);
    this.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.length);
    this.length += end - start;
  }

  putU16(value: number): void {
    this.reserve(2);
    this.#view.setUint16(this.length, value);
    this.length += 2;
  }

  putU32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value);
    this.length += 4;
  }

  /** An integer as 64 bits, two's complement. */
  putI64(value: number): void {
    this.reserve(8);
    if (Number.isSafeInteger(value)) {
      this.#view.setInt32(this.length, Math.floor(value / 4294967296));
      this.#view.setUint32(this.length + 4, value >>> 0);
    } else {
      this.#view.setBigInt64(this.length, saturate(value));
    }
    this.length += 8;
  }

  /** The bits of a float; NaN payloads survive. */
  putF64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value);
    this.length += 8;
  }

  putUvarint(value: number): void {
    this.reserve(10);
    this.length = writeUvarint(this.bytes, this.length, value);
  }

  putVarint(value: number): void {
    this.reserve(10);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  /** Length in bytes as uvarint, then UTF-8. */
  putText(text: string): void {
    const most = text.length * 3;
    this.reserve(most + 10);
    if (text.length < 128 / 3) {
      // The length takes one byte whatever the characters: write the text first, then its length before it.
      const n = writeText(this.bytes, this.length + 1, text);
      this.bytes[this.length] = n;
      this.length += n + 1;
      return;
    }
    const bytes = Buffer.from(text);
    this.putUvarint(bytes.length);
    this.putBytes(bytes);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }
}

function saturate(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x80) return encoder.encodeInto(text, bytes.subarray(at)).written;
    bytes[at + i] = c;
  }
  return text.length;
}

const encoder = new TextEncoder();

/** Returns the position after what it wrote. */
export function writeUvarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80000000) {
    bytes[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  if (value === (value | 0) && value < 0x3fffffff && value > -0x3fffffff) {
    let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
    while (zigzag >= 0x80) {
      bytes[at++] = (zigzag & 0x7f) | 0x80;
      zigzag >>>= 7;
    }
    bytes[at++] = zigzag;
    return at;
  }
  if (Math.abs(value) < 2 ** 52) return writeUvarint(bytes, at, value >= 0 ? value * 2 : -value * 2 - 1);
  const big = saturate(value);
  let zigzag = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
  while (zigzag >= 0x80n) {
    bytes[at++] = Number(zigzag & 0x7fn) | 0x80;
    zigzag >>= 7n;
  }
  bytes[at++] = Number(zigzag);
  return at;
}

/** A position in bytes being read. Reading past `end` throws {@link Truncated}. */
export interface Cursor {
  bytes: Uint8Array;
  at: number;
  end: number;
}

export function cursor(bytes: Uint8Array, at = 0, end = bytes.length): Cursor {
  return { bytes, at, end };
}

/** What was read is shorter than it says it is. Callers turn it into `data_corrupt` with file and position. */
export class Truncated extends Error {
  override readonly name = 'Truncated';
}

export function readU8(c: Cursor): number {
  if (c.at >= c.end) throw new Truncated('unexpected end of data');
  return c.bytes[c.at++];
}

export function readU32(c: Cursor): number {
  if (c.at + 4 > c.end) throw new Truncated('unexpected end of data');
  const value = u32At(c.bytes, c.at);
  c.at += 4;
  return value;
}

export function u32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** Two's complement. */
export function readI64(c: Cursor): number {
  const high = readU32(c) | 0;
  return high * 4294967296 + readU32(c);
}

export function i64At(bytes: Uint8Array, at: number): number {
  return (u32At(bytes, at) | 0) * 4294967296 + u32At(bytes, at + 4);
}

const floatWords = new Uint32Array(2);
const floatScratch = new Float64Array(floatWords.buffer);

export function readF64(c: Cursor): number {
  floatWords[1] = readU32(c);
  floatWords[0] = readU32(c);
  return floatScratch[0];
}

export function readUvarint(c: Cursor): number {
  const { bytes, end } = c;
  let at = c.at;
  let byte = at < end ? bytes[at++] : -1;
  if (byte >= 0 && byte < 0x80) {
    c.at = at;
    return byte;
  }
  let value = 0;
  let scale = 1;
  for (let n = 0; n < 10; n++) {
    if (byte < 0) throw new Truncated('unexpected end of data');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      c.at = at;
      return value;
    }
    scale *= 128;
    byte = at < end ? bytes[at++] : -1;
  }
  throw new Truncated('a variable-length integer of more than 10 bytes');
}

export function readVarint(c: Cursor): number {
  const zigzag = readUvarint(c);
  // Beyond 2^53 the lowest bit is lost; only sentinels live there, and for those the sign bit is what counts.
  if (zigzag > Number.MAX_SAFE_INTEGER) return lastVarintOdd(c) ? -(zigzag / 2) : zigzag / 2;
  return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
}

function lastVarintOdd(c: Cursor): boolean {
  let first = c.at - 2;
  while (first >= 0 && c.bytes[first] >= 0x80) first--;
  return (c.bytes[first + 1] & 1) === 1;
}

export function readText(c: Cursor): string {
  const length = readUvarint(c);
  const start = c.at;
  if (start + length > c.end) throw new Truncated('unexpected end of data');
  c.at = start + length;
  return textAt(c.bytes, start, start + length);
}

/** UTF-8 to a string that keeps nothing else alive. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('utf8', start, end);
}

/** Says that bytes on disk are not what was written: which file, where, what. */
export function corrupt(path: string, position: number, what: string, cause?: unknown): BelfryError {
  return new BelfryError('data_corrupt', `at byte ${position}: ${what}`, { file: path, cause });
}
