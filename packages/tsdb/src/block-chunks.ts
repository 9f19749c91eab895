/**
 * The chunks of a block: files `chunks/000001`, … of up to 512 MiB:
 *
 *     magic 0x85BD40DD | version 1 | 3 zero bytes | (uvarint length | encoding 1 | data | CRC-32C of encoding and data)…
 *
 * The index refers to a chunk by (file number − 1) · 2^32 + offset.
 */

import { crc32c } from '@belfry/model';
import { ByteBuffer, corrupt, readUvarint, u32At } from './bytes.ts';
import type { FileHandle, Files } from './files.ts';
import { type CachedFile, cachedFile, dropFile, type PageCache, type Range, readRange } from './page-cache.ts';

const MAGIC = 0x85bd40dd;
const HEADER_BYTES = 8;
const MAX_SEGMENT_BYTES = 512 * 1024 * 1024;
const FLUSH_BYTES = 1024 * 1024;
/** Syncing in between keeps the last sync short, which otherwise holds the thread. */
const SYNC_BYTES = 4 * 1024 * 1024;
/** Most chunks are shorter; longer ones are read again with their true length. */
const LIKELY_CHUNK_BYTES = 500;

export interface ChunkWriter {
  readonly files: Files;
  readonly directory: string;
  readonly buffer: ByteBuffer;
  file: FileHandle | undefined;
  /** Number of the file, from 0. */
  number: number;
  written: number;
  synced: number;
}

export function newChunkWriter(files: Files, directory: string): ChunkWriter {
  files.makeDirectory(directory);
  return {
    files,
    directory,
    buffer: new ByteBuffer(FLUSH_BYTES + 4096),
    file: undefined,
    number: -1,
    written: 0,
    synced: 0,
  };
}

/** Writes a chunk; returns its reference. */
export function writeChunk(w: ChunkWriter, encoding: number, data: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (!w.file || w.written + w.buffer.length + length + 10 > MAX_SEGMENT_BYTES) nextFile(w);
  else if (w.buffer.length > FLUSH_BYTES) flushChunks(w);
  const { buffer } = w;
  const ref = w.number * 4294967296 + w.written + buffer.length;
  buffer.putUvarint(length);
  const from = buffer.length;
  buffer.putByte(encoding);
  buffer.putBytes(data, start, end);
  buffer.putU32(crc32c(buffer.bytes, from, buffer.length));
  return ref;
}

function nextFile(w: ChunkWriter): void {
  closeChunkWriter(w);
  w.number++;
  w.file = w.files.open(segmentPath(w.directory, w.number), 'create');
  w.written = 0;
  w.synced = 0;
  w.buffer.putU32(MAGIC);
  w.buffer.putU32(1 << 24);
}

function segmentPath(directory: string, number: number): string {
  return `${directory}/${String(number + 1).padStart(6, '0')}`;
}

function flushChunks(w: ChunkWriter): void {
  w.file!.write(w.buffer.bytes, 0, w.buffer.length, w.written);
  w.written += w.buffer.length;
  w.buffer.clear();
  if (w.written - w.synced < SYNC_BYTES) return;
  w.file!.sync();
  w.synced = w.written;
}

export function closeChunkWriter(w: ChunkWriter): void {
  if (!w.file) return;
  const { file } = w;
  w.file = undefined;
  try {
    w.file = file;
    flushChunks(w);
    file.sync();
  } finally {
    w.file = undefined;
    file.close();
  }
}

interface ChunkSegment {
  readonly path: string;
  readonly cached: CachedFile;
  /** One bit for 16 bytes of the file: the chunk that begins there was checked against its checksum. No two begin in the same. */
  readonly checked: Uint8Array;
}

/** The chunk files of a block, open for reading. */
export interface ChunkReader {
  readonly cache: PageCache;
  readonly segments: ChunkSegment[];
}

/** @throws BelfryError `data_corrupt` */
export function openChunkReader(files: Files, directory: string, cache: PageCache): ChunkReader {
  const segments: ChunkSegment[] = [];
  for (const name of files.list(directory)) {
    if (!/^\d+$/.test(name)) continue;
    const path = `${directory}/${name}`;
    const file = files.open(path, 'read');
    const size = file.size();
    const cached = cachedFile(cache, file);
    segments.push({ path, cached, checked: new Uint8Array(Math.ceil(size / 128) + 1) });
    const header = new Uint8Array(HEADER_BYTES);
    const got = file.read(header, 0, HEADER_BYTES, 0);
    if (got < HEADER_BYTES || u32At(header, 0) !== MAGIC || header[4] !== 1) {
      closeChunkReader({ cache, segments });
      throw corrupt(path, 0, 'not a file of chunks');
    }
  }
  return { cache, segments };
}

export function closeChunkReader(r: ChunkReader): void {
  for (const s of r.segments) {
    dropFile(r.cache, s.cached);
    s.cached.file.close();
  }
  r.segments.length = 0;
}

/**
 * Finds a chunk: sets `out` to where its data begins, and returns where it ends; its encoding is the byte before. Valid until
 * the cache is used again.
 * @throws BelfryError `data_corrupt`, naming file and position
 */
export function findChunk(r: ChunkReader, ref: number, out: Range): number {
  const number = Math.floor(ref / 4294967296);
  const offset = ref - number * 4294967296;
  const segment = r.segments[number];
  if (!segment) throw corrupt(`chunks/${number + 1}`, offset, 'the index refers to a chunk file that is not there');
  let got = readRange(r.cache, segment.cached, offset, LIKELY_CHUNK_BYTES, out);
  let length = lengthAt(out, got);
  if (length < 0) throw corrupt(segment.path, offset, 'the chunk is cut off');
  const needed = uvarintBytes(length) + 1 + length + 4;
  if (needed > got) {
    got = readRange(r.cache, segment.cached, offset, needed, out);
    if (got < needed) throw corrupt(segment.path, offset, 'the chunk is cut off');
    length = lengthAt(out, got);
  }
  const from = out.at + uvarintBytes(length);
  const end = from + 1 + length;
  const cell = Math.floor(offset / 16);
  if ((segment.checked[cell >>> 3] & (1 << (cell & 7))) === 0) {
    if (crc32c(out.bytes, from, end) !== u32At(out.bytes, end))
      throw corrupt(segment.path, offset, 'checksum mismatch');
    segment.checked[cell >>> 3] |= 1 << (cell & 7);
  }
  out.at = from + 1;
  return end;
}

function lengthAt(range: Range, got: number): number {
  const c = { bytes: range.bytes, at: range.at, end: range.at + got };
  try {
    return readUvarint(c);
  } catch {
    return -1;
  }
}

function uvarintBytes(value: number): number {
  let n = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    n++;
  }
  return n;
}
