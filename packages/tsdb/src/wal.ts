/**
 * Prometheus' write-ahead log: segments `00000000`, `00000001`, … of 128 MiB, in pages of 32 KiB. A record is cut into
 * fragments so that none crosses a page:
 *
 *     type and flags 1 | length 2 | CRC-32C of the data 4 | data
 *
 * Types: 0 the rest of the page is empty; 1 a whole record; 2 its first, 3 a middle, 4 its last fragment. Flag 8: the record
 * is compressed with snappy; 16: with zstd. A checkpoint has the same form, in a directory `checkpoint.00000007` that stands
 * for all segments up to that number.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { assert, crc32c } from '@belfry/model';
import { ByteBuffer } from './bytes.ts';
import type { FileHandle, Files } from './files.ts';
import { compressSnappy, decompressSnappy } from './snappy-block.ts';

export const WAL_PAGE_BYTES = 32 * 1024;
export const WAL_SEGMENT_BYTES = 128 * 1024 * 1024;
const FRAGMENT_HEADER_BYTES = 7;
const FLAG_SNAPPY = 8;
const FLAG_ZSTD = 16;
const READ_BYTES = 32 * WAL_PAGE_BYTES;

export type WalCompression = 'none' | 'snappy' | 'zstd';

export interface Segment {
  readonly index: number;
  readonly path: string;
}

/** The segments of a log directory, ascending. */
export function listSegments(files: Files, directory: string): Segment[] {
  const out: Segment[] = [];
  for (const name of files.list(directory)) {
    if (/^\d+$/.test(name)) out.push({ index: Number(name), path: `${directory}/${name}` });
  }
  return out.sort((a, b) => a.index - b.index);
}

function segmentPath(directory: string, index: number): string {
  return `${directory}/${String(index).padStart(8, '0')}`;
}

/** The newest checkpoint of a log directory: `index` is the last segment that it stands for. */
export function lastCheckpoint(files: Files, directory: string): Segment | undefined {
  let found: Segment | undefined;
  for (const name of files.list(directory)) {
    const match = /^checkpoint\.(\d+)$/.exec(name);
    if (match && (!found || Number(match[1]) > found.index)) {
      found = { index: Number(match[1]), path: `${directory}/${name}` };
    }
  }
  return found;
}

/** A log open for writing. Belongs to one thread. */
export interface Wal {
  /** Takes a record into the batch. Copies it. */
  add(record: Uint8Array): void;
  /** Writes the batch with one write(2) a segment; throws the platform's error, and then nothing of the batch is in the log. */
  commit(): void;
  /** Forgets the batch. */
  discard(): void;
  /** Begins a new segment and returns its number. */
  cut(): number;
  /** The segment being written. */
  readonly segment: number;
  /** Where the next record of that segment will begin: all before is written. */
  readonly size: number;
  readonly bytesWritten: number;
  sync(): void;
  close(): void;
}

export interface WalOptions {
  readonly files: Files;
  readonly directory: string;
  readonly compression: WalCompression;
  readonly segmentBytes?: number;
  /** A segment that is complete could not be synced: it is there, but may not survive a power cut. */
  readonly failedToSync?: (error: unknown) => void;
}

interface WalState {
  readonly files: Files;
  readonly directory: string;
  readonly compression: WalCompression;
  readonly segmentBytes: number;
  readonly failedToSync: (error: unknown) => void;
  /** The batch, cut into fragments as it will lie in the segment from `size` on. */
  readonly pending: ByteBuffer;
  file: FileHandle | undefined;
  segment: number;
  /** What is surely and wholly written of the segment. */
  size: number;
  /** A failed write may have left bytes behind `size`. */
  dirtyTail: boolean;
  bytesWritten: number;
}

/** Begins a new segment after those that are there, as Prometheus does at each start. */
export function openWal(options: WalOptions): Wal {
  const { files, directory } = options;
  files.makeDirectory(directory);
  const segments = listSegments(files, directory);
  const last = segments.at(-1)?.index ?? lastCheckpoint(files, directory)?.index ?? -1;
  const s: WalState = {
    files,
    directory,
    compression: options.compression,
    segmentBytes: options.segmentBytes ?? WAL_SEGMENT_BYTES,
    failedToSync: options.failedToSync ?? (() => {}),
    pending: new ByteBuffer(64 * 1024),
    file: undefined,
    segment: last + 1,
    size: 0,
    dirtyTail: false,
    bytesWritten: 0,
  };
  assert(s.segmentBytes % WAL_PAGE_BYTES === 0, 'a segment is a whole number of pages');
  startSegment(s, last + 1);
  return {
    add: (record) => addRecord(s, record),
    commit: () => commitBatch(s),
    discard: () => s.pending.clear(),
    cut: () => {
      assert(s.pending.length === 0, 'no cut inside a batch');
      finishSegment(s);
      startSegment(s, s.segment + 1);
      return s.segment;
    },
    get segment() {
      return s.segment;
    },
    get size() {
      return s.size;
    },
    get bytesWritten() {
      return s.bytesWritten;
    },
    sync: () => s.file?.sync(),
    close: () => {
      repairTail(s);
      s.file?.sync();
      s.file?.close();
      s.file = undefined;
    },
  };
}

/** Opens the next segment before it lets go of this one, so that after a failure writing goes on where it was. */
function startSegment(s: WalState, index: number): void {
  const file = s.files.open(segmentPath(s.directory, index), 'create');
  const before = s.file;
  s.file = file;
  s.segment = index;
  s.size = 0;
  s.dirtyTail = false;
  before?.finish(s.failedToSync);
}

const ZERO_PAGE = new Uint8Array(WAL_PAGE_BYTES);

function finishSegment(s: WalState): void {
  repairTail(s);
  const used = s.size % WAL_PAGE_BYTES;
  if (used !== 0) {
    s.dirtyTail = true;
    s.file!.write(ZERO_PAGE, 0, WAL_PAGE_BYTES - used, s.size);
    s.size += WAL_PAGE_BYTES - used;
    s.dirtyTail = false;
  }
}

function repairTail(s: WalState): void {
  if (!s.dirtyTail) return;
  s.file!.truncate(s.size);
  s.dirtyTail = false;
}

function commitBatch(s: WalState): void {
  if (s.pending.length > 0) flush(s);
}

function flush(s: WalState): void {
  const { pending } = s;
  try {
    repairTail(s);
    s.dirtyTail = true;
    s.file!.write(pending.bytes, 0, pending.length, s.size);
    s.dirtyTail = false;
    s.size += pending.length;
    s.bytesWritten += pending.length;
  } catch (error) {
    // Best effort now; if it fails, the next commit tries again before it writes.
    try {
      repairTail(s);
    } catch {}
    throw error;
  } finally {
    pending.clear();
  }
}

function addRecord(s: WalState, record: Uint8Array): void {
  if (record.length === 0) return;
  const { data, flags } = compress(record, s.compression);
  makeRoom(s, data.length);
  const { pending } = s;
  let from = 0;
  do {
    const used = (s.size + pending.length) % WAL_PAGE_BYTES;
    const take = Math.min(data.length - from, WAL_PAGE_BYTES - used - FRAGMENT_HEADER_BYTES);
    const until = from + take;
    const type = from === 0 ? (until === data.length ? 1 : 2) : until === data.length ? 4 : 3;
    pending.putByte(type | flags);
    pending.putU16(take);
    pending.putU32(crc32c(data, from, until));
    pending.putBytes(data, from, until);
    from = until;
    padPage(s);
  } while (from < data.length);
}

/** A page whose rest cannot hold a fragment's header with data is filled with zeros. */
function padPage(s: WalState): void {
  const rest = WAL_PAGE_BYTES - ((s.size + s.pending.length) % WAL_PAGE_BYTES);
  if (rest <= FRAGMENT_HEADER_BYTES) s.pending.putBytes(ZERO_PAGE, 0, rest);
}

/** Goes to a new segment when the record does not fit into this one. What is pending goes out before. */
function makeRoom(s: WalState, length: number): void {
  const end = s.size + s.pending.length;
  const pages = Math.ceil(length / (WAL_PAGE_BYTES - FRAGMENT_HEADER_BYTES)) + 1;
  if (end === 0 || end + length + pages * FRAGMENT_HEADER_BYTES <= s.segmentBytes) return;
  commitBatch(s);
  finishSegment(s);
  startSegment(s, s.segment + 1);
}

function compress(record: Uint8Array, compression: WalCompression): { data: Uint8Array; flags: number } {
  if (compression === 'none') return { data: record, flags: 0 };
  const data = compression === 'snappy' ? compressSnappy(record) : zstdCompressSync(record);
  if (data.length >= record.length) return { data: record, flags: 0 };
  return { data, flags: compression === 'snappy' ? FLAG_SNAPPY : FLAG_ZSTD };
}

/** Where and why reading a segment stopped being possible. */
export interface SegmentDamage {
  readonly path: string;
  /** Where the first unreadable record begins. */
  readonly position: number;
  readonly reason: string;
  /** Nothing readable follows: the mark of a write that was cut off by a crash. */
  readonly tail: boolean;
}

/**
 * Gives every readable record of a segment, in order; the bytes are valid during the call only. After damage it goes on at
 * the next page where a record begins. Returns the first damage, if any.
 */
export function readSegment(
  files: Files,
  path: string,
  each: (record: Uint8Array, position: number) => void,
): SegmentDamage | undefined {
  const file = files.open(path, 'read');
  try {
    return scanSegment(file, path, each);
  } finally {
    file.close();
  }
}

/**
 * Gives the records of a segment from byte `from` on, where one begins, and before `until`, page by page as long as `wanted`.
 * Says where to go on; after damage that is behind it.
 */
export function readSegmentOn(
  files: Files,
  path: string,
  from: number,
  until: number,
  each: (record: Uint8Array) => void,
  wanted: () => boolean,
): { readonly next: number; readonly damage: SegmentDamage | undefined } {
  const scan = newScan(WAL_PAGE_BYTES);
  const file = files.open(path, 'read');
  try {
    let at = from;
    while (at < until) {
      const page = at - (at % WAL_PAGE_BYTES);
      const got = file.read(scan.buffer, 0, Math.min(WAL_PAGE_BYTES, until - page), page);
      if (page + got <= at) break;
      scanPage(scan, scan.buffer, at - page, got, page, each);
      at = page + got;
      if (wanted()) continue;
      if (!scan.inRecord) return { next: at, damage: damageOf(scan, path) };
      return { next: scan.position, damage: damageOf(scan, path) };
    }
    return { next: at, damage: endScan(scan, path) };
  } finally {
    file.close();
  }
}

interface Scan {
  readonly buffer: Uint8Array;
  damage: { position: number; reason: string; recordsAfter: number } | undefined;
  /** Fragments of the record being put together, its flags, and where it began. */
  readonly parts: ByteBuffer;
  flags: number;
  position: number;
  inRecord: boolean;
}

function scanSegment(
  file: FileHandle,
  path: string,
  each: (record: Uint8Array, position: number) => void,
): SegmentDamage | undefined {
  const scan = newScan();
  for (let position = 0; ; position += READ_BYTES) if (!scanBlock(scan, file, position, each)) break;
  return endScan(scan, path);
}

function newScan(bytes = READ_BYTES): Scan {
  const buffer = new Uint8Array(bytes);
  return { buffer, damage: undefined, parts: new ByteBuffer(64 * 1024), flags: 0, position: 0, inRecord: false };
}

/** Reads some pages; whether there may be more. */
function scanBlock(
  scan: Scan,
  file: FileHandle,
  position: number,
  each: (record: Uint8Array, position: number) => void,
): boolean {
  const got = file.read(scan.buffer, 0, READ_BYTES, position);
  for (let start = 0; start < got; start += WAL_PAGE_BYTES) {
    scanPage(scan, scan.buffer, start, Math.min(start + WAL_PAGE_BYTES, got), position, each);
  }
  return got === READ_BYTES;
}

function endScan(scan: Scan, path: string): SegmentDamage | undefined {
  if (scan.inRecord) damaged(scan, scan.position, 'the record ends in the middle');
  return damageOf(scan, path);
}

function damageOf({ damage }: Scan, path: string): SegmentDamage | undefined {
  return damage && { path, position: damage.position, reason: damage.reason, tail: damage.recordsAfter === 0 };
}

function damaged(scan: Scan, position: number, reason: string): void {
  scan.damage ??= { position: scan.inRecord ? scan.position : position, reason, recordsAfter: 0 };
  scan.inRecord = false;
}

function scanPage(
  scan: Scan,
  buffer: Uint8Array,
  start: number,
  end: number,
  base: number,
  each: (record: Uint8Array, position: number) => void,
): void {
  let at = start;
  while (at < end) {
    const type = buffer[at] & 7;
    const position = base + at;
    if (type === 0) {
      for (let i = at; i < end; i++) {
        if (buffer[i] !== 0) {
          damaged(scan, position, 'a page is not zero where it should be empty');
          return;
        }
      }
      return;
    }
    if (at + FRAGMENT_HEADER_BYTES > end) {
      damaged(scan, position, 'the fragment header is cut off');
      return;
    }
    const length = (buffer[at + 1] << 8) | buffer[at + 2];
    const from = at + FRAGMENT_HEADER_BYTES;
    const until = from + length;
    if (until > end) {
      damaged(scan, position, `a fragment of ${length} bytes is cut off`);
      return;
    }
    const expected = ((buffer[at + 3] << 24) | (buffer[at + 4] << 16) | (buffer[at + 5] << 8) | buffer[at + 6]) >>> 0;
    if (crc32c(buffer, from, until) !== expected) {
      damaged(scan, position, 'checksum mismatch');
      return;
    }
    takeFragment(scan, type, buffer[at], buffer, from, until, position, each);
    at = until;
  }
}

function takeFragment(
  scan: Scan,
  type: number,
  header: number,
  buffer: Uint8Array,
  from: number,
  until: number,
  position: number,
  each: (record: Uint8Array, position: number) => void,
): void {
  if (type > 4) {
    damaged(scan, position, `unknown fragment type ${type}`);
    return;
  }
  const begins = type === 1 || type === 2;
  if (begins) {
    if (scan.inRecord) damaged(scan, scan.position, 'the record ends in the middle');
    scan.parts.clear();
    scan.position = position;
    scan.flags = header & (FLAG_SNAPPY | FLAG_ZSTD);
    scan.inRecord = true;
  } else if (!scan.inRecord) {
    // After damage the rest of a record is expected; else it is damage itself.
    if (!scan.damage) damaged(scan, position, 'a record begins in the middle');
    return;
  }
  scan.parts.putBytes(buffer, from, until);
  if (type === 2 || type === 3) return;
  scan.inRecord = false;
  let record: Uint8Array;
  try {
    record = decompress(scan.parts.view(), scan.flags);
  } catch {
    scan.damage ??= { position: scan.position, reason: 'the record does not decompress', recordsAfter: 0 };
    return;
  }
  if (scan.damage) scan.damage.recordsAfter++;
  each(record, scan.position);
}

function decompress(data: Uint8Array, flags: number): Uint8Array {
  if (flags === 0) return data;
  if (flags === FLAG_SNAPPY) return decompressSnappy(data);
  return zstdDecompressSync(data);
}
