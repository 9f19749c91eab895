/**
 * Complete chunks of the head, out of memory: Prometheus' `chunks_head/`. Files `000001`, `000002`, … of up to 128 MiB:
 *
 *     magic 0x0130BC91 | version 1 | 3 zero bytes | chunk…
 *     chunk: series ref 8 | min time 8 | max time 8 | encoding 1 | uvarint length | data | CRC-32C of all before
 *
 * A chunk is known by file number · 2^32 + offset. Everything here is also in the log, so damage costs only a slower start.
 */

import { crc32c } from '@belfry/model';
import { ByteBuffer, i64At, readUvarint, u32At } from './bytes.ts';
import type { FileHandle, Files } from './files.ts';
import { type CachedFile, cachedFile, dropFile, type PageCache, type Range, readRange } from './page-cache.ts';
import { chunkSamples, DECODE_SLACK_BYTES } from './xor.ts';

const MAGIC = 0x0130bc91;
const HEADER_BYTES = 8;
const MAX_FILE_BYTES = 128 * 1024 * 1024;
const FLUSH_BYTES = 256 * 1024;
const CHUNK_HEAD_BYTES = 25;
/** Files are read back in pieces of this size at start. */
const SCAN_BYTES = 4 * 1024 * 1024;

export const ENCODING = { xor: 1, histogram: 2, floatHistogram: 3 } as const;
/** Set in the encoding of a chunk of out-of-order samples. */
export const OUT_OF_ORDER_FLAG = 0x80;

interface ChunkFile {
  readonly number: number;
  /** Not there before the first flush: a disk that is full must not stop a chunk from being taken over. */
  cached: CachedFile | undefined;
  /** Newest time in it, for truncation. */
  maxT: number;
}

export interface HeadChunks {
  readonly files: Files;
  /** Nothing is written: new chunks stay in memory. */
  readonly readOnly: boolean;
  readonly directory: string;
  readonly cache: PageCache;
  readonly opened: Map<number, ChunkFile>;
  /** Not yet written; lies in the current file from `written` on. */
  readonly buffer: ByteBuffer;
  current: ChunkFile | undefined;
  written: number;
  nextNumber: number;
}

/** A chunk as found in the files at start. */
export interface StoredChunk {
  readonly ref: number;
  readonly minT: number;
  readonly maxT: number;
  readonly encoding: number;
  readonly samples: number;
  readonly position: number;
}

export interface HeadChunkDamage {
  /** The damaged file, and those after it, which are not used either. */
  readonly paths: string[];
  readonly position: number;
  readonly reason: string;
}

/** Opens the directory and gives every chunk in it, oldest file first. Damaged files, and those after them, are told and left out. */
export function openHeadChunks(
  files: Files,
  directory: string,
  cache: PageCache,
  each: (chunk: StoredChunk) => void,
  readOnly = false,
): { chunks: HeadChunks; damage: HeadChunkDamage | undefined } {
  if (!readOnly) files.makeDirectory(directory);
  const chunks: HeadChunks = {
    files,
    readOnly,
    directory,
    cache,
    opened: new Map(),
    buffer: new ByteBuffer(FLUSH_BYTES + 4096),
    current: undefined,
    written: 0,
    nextNumber: 1,
  };
  let damage: HeadChunkDamage | undefined;
  for (const number of fileNumbers(files, directory)) {
    if (damage) {
      damage.paths.push(filePath(directory, number));
      continue;
    }
    chunks.nextNumber = number + 1;
    const path = filePath(directory, number);
    const file = files.open(path, 'read');
    if (file.size() === 0) {
      // A crash came between creating it and writing to it. Prometheus stumbles over one that is not the last.
      file.close();
      if (readOnly) continue;
      files.remove(path);
      chunks.nextNumber = number;
      continue;
    }
    const entry: ChunkFile = { number, cached: cachedFile(cache, file), maxT: -Infinity };
    const content: StoredChunk[] = [];
    const found = scanFile(file, number, (chunk) => {
      entry.maxT = Math.max(entry.maxT, chunk.maxT);
      content.push(chunk);
    });
    if (found) {
      file.close();
      chunks.nextNumber = number;
      damage = { paths: [path], ...found };
      continue;
    }
    for (const chunk of content) each(chunk);
    chunks.opened.set(number, entry);
  }
  return { chunks, damage };
}

function fileNumbers(files: Files, directory: string): number[] {
  const names = files.list(directory).filter((name) => /^\d+$/.test(name));
  return names.map(Number).sort((a, b) => a - b);
}

function filePath(directory: string, number: number): string {
  return `${directory}/${String(number).padStart(6, '0')}`;
}

function scanFile(
  file: FileHandle,
  number: number,
  each: (chunk: StoredChunk) => void,
): { position: number; reason: string } | undefined {
  const size = file.size();
  let bytes = new Uint8Array(Math.min(size, SCAN_BYTES));
  let base = 0;
  let got = file.read(bytes, 0, bytes.length, 0);
  if (got < HEADER_BYTES || u32At(bytes, 0) !== MAGIC || bytes[4] !== 1) {
    return { position: 0, reason: 'not a head chunk file' };
  }
  let at = HEADER_BYTES;
  while (base + at < size) {
    const needed = chunkLength(bytes, at, got);
    if (at + needed > got && base + got < size) {
      base += at;
      if (needed > bytes.length) bytes = new Uint8Array(needed * 2);
      got = file.read(bytes, 0, bytes.length, base);
      at = 0;
      continue;
    }
    if (allZero(bytes, at, got)) return undefined;
    if (at + needed > got) return { position: base + at, reason: 'the chunk is cut off' };
    const end = at + needed - 4;
    if (crc32c(bytes, at, end) !== u32At(bytes, end)) return { position: base + at, reason: 'checksum mismatch' };
    const c = { bytes, at: at + CHUNK_HEAD_BYTES, end };
    readUvarint(c);
    each({
      ref: i64At(bytes, at),
      minT: i64At(bytes, at + 8),
      maxT: i64At(bytes, at + 16),
      encoding: bytes[at + 24],
      samples: chunkSamples(bytes, c.at),
      position: number * 4294967296 + base + at,
    });
    at += needed;
  }
  return undefined;
}

/** The length of the chunk at `at` with all that belongs to it; a guess that is too long when its head is cut off. */
function chunkLength(bytes: Uint8Array, at: number, end: number): number {
  const MOST = CHUNK_HEAD_BYTES + 5;
  if (at + MOST > end) return MOST + 4;
  const c = { bytes, at: at + CHUNK_HEAD_BYTES, end: at + MOST };
  const length = readLength(c);
  return c.at - at + length + 4;
}

function readLength(c: { bytes: Uint8Array; at: number; end: number }): number {
  try {
    return readUvarint(c);
  } catch {
    // Not a length: the checksum will say so.
    return 0;
  }
}

/** Prometheus leaves preallocated zeros behind the last chunk: a series ref is never 0. */
function allZero(bytes: Uint8Array, from: number, to: number): boolean {
  const until = Math.min(to, from + 24);
  for (let i = from; i < until; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Takes a chunk over and returns its position. It is in the file at the latest after {@link flushHeadChunks}. */
export function writeHeadChunk(
  h: HeadChunks,
  ref: number,
  minT: number,
  maxT: number,
  encoding: number,
  data: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  if (h.buffer.length > FLUSH_BYTES) flushQuietly(h);
  const full = h.written + h.buffer.length + length + 40 > MAX_FILE_BYTES;
  if (!h.current || (full && flushQuietly(h))) startFile(h);
  const { buffer } = h;
  const at = buffer.length;
  buffer.putI64(ref);
  buffer.putI64(minT);
  buffer.putI64(maxT);
  buffer.putByte(encoding);
  buffer.putUvarint(length);
  buffer.putBytes(data, start, end);
  buffer.putU32(crc32c(buffer.bytes, at, buffer.length));
  const current = h.current!;
  if (maxT > current.maxT) current.maxT = maxT;
  return current.number * 4294967296 + h.written + at;
}

/** A full disk must not lose a chunk that only memory has: it stays in the buffer, and the next flush tries again. */
function flushQuietly(h: HeadChunks): boolean {
  try {
    flushHeadChunks(h);
    return true;
  } catch {
    // The log's own writes fail too then, and tell.
    return false;
  }
}

export function flushHeadChunks(h: HeadChunks): void {
  if (h.buffer.length === 0 || !h.current || h.readOnly) return;
  h.current.cached ??= cachedFile(h.cache, h.files.open(filePath(h.directory, h.current.number), 'create'));
  h.current.cached.file.write(h.buffer.bytes, 0, h.buffer.length, h.written);
  h.written += h.buffer.length;
  h.buffer.clear();
}

/** Nothing of the file before is in the buffer any more. */
function startFile(h: HeadChunks): void {
  const number = h.nextNumber++;
  h.current = { number, cached: undefined, maxT: -Infinity };
  h.opened.set(number, h.current);
  h.written = 0;
  h.buffer.putU32(MAGIC);
  h.buffer.putU32(1 << 24);
}

const range: Range = { bytes: new Uint8Array(0), at: 0 };
/** Most chunks are shorter; longer ones are read again with their true length. */
const LIKELY_CHUNK_BYTES = 500;

/** Finds the data of a chunk: sets `out` to where it begins and returns where it ends, or −1 when the file is damaged. */
export function findHeadChunk(h: HeadChunks, position: number, out: Range): number {
  const number = Math.floor(position / 4294967296);
  const offset = position - number * 4294967296;
  if (h.current?.number === number && offset >= h.written) {
    h.buffer.reserve(DECODE_SLACK_BYTES);
    return locate(h.buffer.bytes, offset - h.written, h.buffer.length, out);
  }
  const file = h.opened.get(number);
  if (!file?.cached) return -1;
  const got = readRange(h.cache, file.cached, offset, LIKELY_CHUNK_BYTES, range);
  const needed = chunkLength(range.bytes, range.at, range.at + got);
  if (needed <= got) return locate(range.bytes, range.at, range.at + got, out);
  const all = readRange(h.cache, file.cached, offset, needed, range);
  return all < needed ? -1 : locate(range.bytes, range.at, range.at + all, out);
}

function locate(bytes: Uint8Array, at: number, end: number, out: Range): number {
  const c = { bytes, at: at + CHUNK_HEAD_BYTES, end };
  const length = readLength(c);
  if (c.at + length > end) return -1;
  out.bytes = bytes;
  out.at = c.at;
  return c.at + length;
}

/** Removes the files whose samples are all older than `minT`, but none from number `keepFrom` on. */
export function truncateHeadChunks(h: HeadChunks, minT: number, keepFrom = Infinity): void {
  for (const [number, file] of [...h.opened].sort((a, b) => a[0] - b[0])) {
    if (file === h.current || file.maxT >= minT || number >= keepFrom) break;
    closeFile(h, file);
    h.opened.delete(number);
    if (file.cached) h.files.remove(filePath(h.directory, number));
  }
}

function closeFile(h: HeadChunks, file: ChunkFile): void {
  if (!file.cached) return;
  dropFile(h.cache, file.cached);
  file.cached.file.close();
}

export function headChunkBytes(h: HeadChunks): number {
  let total = h.buffer.length;
  for (const file of h.opened.values()) total += file.cached?.file.size() ?? 0;
  return total;
}

export function closeHeadChunks(h: HeadChunks): void {
  try {
    flushHeadChunks(h);
    h.current?.cached?.file.sync();
  } finally {
    for (const file of h.opened.values()) closeFile(h, file);
    h.opened.clear();
    h.current = undefined;
  }
}
