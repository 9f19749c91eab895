/**
 * The index of a block, version 2. Big endian; each section is followed by the CRC-32C of its content:
 *
 *     magic 0xBAAAD700 | version 2
 *     symbols:          length 4 | count 4 | (uvarint length, UTF-8)…            all label names and values, sorted
 *     series:           at multiples of 16, which divided by 16 are its number, sorted by labels:
 *                       uvarint length | uvarint labels | (uvarint name, uvarint value)… (numbers of symbols)
 *                       | uvarint chunks | varint min, uvarint max − min, uvarint ref
 *                       | (uvarint min − max before, uvarint max − min, varint ref − ref before)…
 *     label indices:    one a label name, no longer read by anyone but old versions
 *     postings:         at multiples of 4: length 4 | count 4 | (series 4)…      one a name and value, and one of all
 *     label table:      where the label indices are
 *     postings table:   length 4 | count 4 | (2, name, value, uvarint offset)…   sorted
 *     contents:         offsets of the six sections, 8 each
 */
import { assert, compareText, crc32c, type Labels, labelsFromSorted } from '@belfry/model';
import {
  ByteBuffer,
  type Cursor,
  corrupt,
  i64At,
  readText,
  readU8,
  readUvarint,
  readVarint,
  Truncated,
  textAt,
  u32At,
} from './bytes.ts';
import type { FileHandle, Files } from './files.ts';
import { type CachedFile, cachedFile, dropFile, type PageCache, type Range, readRange } from './page-cache.ts';
import { hashLabels } from './series-table.ts';

const MAGIC = 0xbaaad700;
const VERSION = 2;
const HEADER_BYTES = 5;
const CONTENTS_BYTES = 6 * 8 + 4;
const SERIES_ALIGN = 16;
const FLUSH_BYTES = 1024 * 1024;

/** Chunks of a series: `[min, max, ref]` each, one after the other. */
export type ChunkTable = readonly number[];

export interface IndexWriter {
  readonly file: FileHandle;
  readonly buffer: ByteBuffer;
  written: number;
  readonly symbols: Map<string, number>;
  /** Series numbers by name and value symbol. */
  readonly postings: Map<number, Map<number, number[]>>;
  readonly all: number[];
  readonly names: readonly string[];
  symbolsAt: number;
  seriesAt: number;
}

/** Begins an index. `symbols`: every label name and value of the series to come, sorted, each once. */
export function newIndexWriter(files: Files, path: string, symbols: readonly string[]): IndexWriter {
  const w: IndexWriter = {
    file: files.open(path, 'create'),
    buffer: new ByteBuffer(FLUSH_BYTES + 4096),
    written: 0,
    symbols: new Map(),
    postings: new Map(),
    all: [],
    names: symbols,
    symbolsAt: HEADER_BYTES,
    seriesAt: 0,
  };
  w.buffer.putU32(MAGIC);
  w.buffer.putByte(VERSION);
  section(w, () => {
    w.buffer.putU32(symbols.length);
    symbols.forEach((text, i) => {
      w.symbols.set(text, i);
      w.buffer.putText(text);
    });
  });
  pad(w, SERIES_ALIGN);
  w.seriesAt = position(w);
  return w;
}

function position(w: IndexWriter): number {
  return w.written + w.buffer.length;
}

function flush(w: IndexWriter): void {
  w.file.write(w.buffer.bytes, 0, w.buffer.length, w.written);
  w.written += w.buffer.length;
  w.buffer.clear();
}

function pad(w: IndexWriter, align: number): void {
  while (position(w) % align !== 0) w.buffer.putByte(0);
}

/** A length, the content, its checksum. */
function section(w: IndexWriter, content: () => void): void {
  const at = w.buffer.length;
  w.buffer.putU32(0);
  content();
  w.buffer.setU32(at, w.buffer.length - at - 4);
  w.buffer.putU32(crc32c(w.buffer.bytes, at + 4, w.buffer.length));
  if (w.buffer.length > FLUSH_BYTES) flush(w);
}

const entry = new ByteBuffer(4096);

/** Adds the next series in order of labels. */
export function writeSeries(w: IndexWriter, labels: Labels, chunks: ChunkTable): void {
  pad(w, SERIES_ALIGN);
  const number = position(w) / SERIES_ALIGN;
  entry.clear();
  entry.putUvarint(labels.length / 2);
  for (let i = 0; i < labels.length; i += 2) {
    const name = w.symbols.get(labels[i]);
    const value = w.symbols.get(labels[i + 1]);
    assert(name !== undefined && value !== undefined, 'a label is missing from the symbols of the block');
    entry.putUvarint(name);
    entry.putUvarint(value);
    let values = w.postings.get(name);
    if (!values) {
      values = new Map();
      w.postings.set(name, values);
    }
    const list = values.get(value);
    if (list) list.push(number);
    else values.set(value, [number]);
  }
  w.all.push(number);
  putChunkTable(entry, chunks);
  w.buffer.putUvarint(entry.length);
  w.buffer.putBytes(entry.bytes, 0, entry.length);
  w.buffer.putU32(crc32c(entry.bytes, 0, entry.length));
  if (w.buffer.length > FLUSH_BYTES) flush(w);
}

function putChunkTable(out: ByteBuffer, chunks: ChunkTable): void {
  out.putUvarint(chunks.length / 3);
  for (let i = 0; i < chunks.length; i += 3) {
    if (i === 0) out.putVarint(chunks[0]);
    else out.putUvarint(chunks[i] - chunks[i - 2]);
    out.putUvarint(chunks[i + 1] - chunks[i]);
    if (i === 0) out.putUvarint(chunks[2]);
    else out.putVarint(chunks[i + 2] - chunks[i - 1]);
  }
}

/** Writes what follows the series, and closes the file. */
export function finishIndex(w: IndexWriter): void {
  // Symbols are numbered in order, so ascending numbers are ascending texts.
  const names = [...w.postings.keys()].sort((a, b) => a - b);
  const sorted = names.map((name) => ({ name, values: [...w.postings.get(name)!.keys()].sort((a, b) => a - b) }));
  const labelIndicesAt = position(w);
  const labelOffsets = sorted.map(({ values }) => writeLabelIndex(w, values));
  pad(w, 4);
  const postingsAt = position(w);
  const offsets: number[] = [writePostings(w, w.all)];
  for (const { name, values } of sorted) {
    for (const value of values) offsets.push(writePostings(w, w.postings.get(name)!.get(value)!));
  }
  const labelTableAt = position(w);
  section(w, () => {
    w.buffer.putU32(sorted.length);
    sorted.forEach(({ name }, i) => {
      w.buffer.putUvarint(1);
      w.buffer.putText(w.names[name]);
      w.buffer.putUvarint(labelOffsets[i]);
    });
  });
  const postingsTableAt = position(w);
  section(w, () => writePostingsTable(w, sorted, offsets));
  const contentsAt = w.buffer.length;
  for (const at of [w.symbolsAt, w.seriesAt, labelIndicesAt, labelTableAt, postingsAt, postingsTableAt]) {
    w.buffer.putI64(at);
  }
  w.buffer.putU32(crc32c(w.buffer.bytes, contentsAt, w.buffer.length));
  flush(w);
  w.file.sync();
  w.file.close();
}

function writeLabelIndex(w: IndexWriter, values: readonly number[]): number {
  pad(w, 4);
  const at = position(w);
  section(w, () => {
    w.buffer.putU32(1);
    w.buffer.putU32(values.length);
    for (const value of values) w.buffer.putU32(value);
  });
  return at;
}

function writePostings(w: IndexWriter, list: readonly number[]): number {
  pad(w, 4);
  const at = position(w);
  section(w, () => {
    w.buffer.putU32(list.length);
    for (const number of list) w.buffer.putU32(number);
  });
  return at;
}

function writePostingsTable(
  w: IndexWriter,
  sorted: readonly { name: number; values: readonly number[] }[],
  offsets: readonly number[],
): void {
  w.buffer.putU32(offsets.length);
  let i = 0;
  const put = (name: string, value: string) => {
    w.buffer.putUvarint(2);
    w.buffer.putText(name);
    w.buffer.putText(value);
    w.buffer.putUvarint(offsets[i++]);
  };
  put('', '');
  for (const { name, values } of sorted) for (const value of values) put(w.names[name], w.names[value]);
}

interface NameEntry {
  /** Sorted. */
  readonly values: string[];
  readonly offsets: number[];
}

/** A series of a block. */
export interface BlockSeries {
  readonly number: number;
  readonly labels: Labels;
  readonly hash: number;
  readonly chunks: ChunkTable;
}

/** The index of a block, open for reading. Symbols and the postings table are in memory, the rest is read as needed. */
export interface IndexReader {
  readonly path: string;
  readonly cache: PageCache;
  readonly cached: CachedFile;
  readonly symbolBytes: Uint8Array;
  readonly symbolOffsets: Uint32Array;
  readonly symbols: (string | undefined)[];
  readonly names: Map<string, NameEntry>;
  readonly allAt: number;
  /** A known label set instead of a new one with the same content, to have each in memory once. */
  readonly share: (labels: Labels, hash: number) => Labels;
}

/** @throws BelfryError `data_corrupt` */
export function openIndex(
  files: Files,
  path: string,
  cache: PageCache,
  share: (labels: Labels, hash: number) => Labels,
): IndexReader {
  const file = files.open(path, 'read');
  try {
    const size = file.size();
    const contents = new Uint8Array(CONTENTS_BYTES);
    const header = new Uint8Array(HEADER_BYTES);
    file.read(header, 0, HEADER_BYTES, 0);
    if (size < HEADER_BYTES + CONTENTS_BYTES || u32At(header, 0) !== MAGIC) throw corrupt(path, 0, 'not an index');
    if (header[4] !== VERSION) throw corrupt(path, 4, `an index of version ${header[4]}, which is not supported`);
    file.read(contents, 0, CONTENTS_BYTES, size - CONTENTS_BYTES);
    if (crc32c(contents, 0, 48) !== u32At(contents, 48)) {
      throw corrupt(path, size - CONTENTS_BYTES, 'the table of contents does not have its checksum');
    }
    const symbolBytes = readSection(file, path, i64At(contents, 0), size);
    const table = readSection(file, path, i64At(contents, 40), size);
    const symbolOffsets = symbolPositions(symbolBytes, path);
    const { names, allAt } = parsePostingsTable(table, path);
    const symbols = new Array<string | undefined>(symbolOffsets.length).fill(undefined);
    const cached = cachedFile(cache, file);
    return { path, cache, cached, symbolBytes, symbolOffsets, symbols, names, allAt, share };
  } catch (error) {
    file.close();
    throw error;
  }
}

export function closeIndex(r: IndexReader): void {
  dropFile(r.cache, r.cached);
  r.cached.file.close();
}

function readSection(file: FileHandle, path: string, at: number, size: number): Uint8Array {
  const head = new Uint8Array(4);
  if (!(at >= HEADER_BYTES) || at + 8 > size) throw corrupt(path, at, 'a section lies outside of the file');
  file.read(head, 0, 4, at);
  const length = u32At(head, 0);
  if (at + 8 + length > size) throw corrupt(path, at, 'a section is longer than the file');
  const bytes = new Uint8Array(length + 4);
  file.read(bytes, 0, length + 4, at + 4);
  if (crc32c(bytes, 0, length) !== u32At(bytes, length))
    throw corrupt(path, at, 'a section does not have its checksum');
  return bytes.subarray(0, length);
}

function symbolPositions(bytes: Uint8Array, path: string): Uint32Array {
  const offsets = new Uint32Array(u32At(bytes, 0));
  const c: Cursor = { bytes, at: 4, end: bytes.length };
  try {
    for (let i = 0; i < offsets.length; i++) {
      offsets[i] = c.at;
      const length = readUvarint(c);
      c.at += length;
    }
  } catch {
    throw corrupt(path, HEADER_BYTES, 'the symbols end in the middle');
  }
  return offsets;
}

function parsePostingsTable(bytes: Uint8Array, path: string): { names: Map<string, NameEntry>; allAt: number } {
  const names = new Map<string, NameEntry>();
  let allAt = 0;
  let name = '';
  let current: NameEntry | undefined;
  const c: Cursor = { bytes, at: 4, end: bytes.length };
  try {
    for (let n = u32At(bytes, 0); n > 0; n--) {
      readU8(c);
      const next = readText(c);
      const value = readText(c);
      const offset = readUvarint(c);
      if (next === '' && value === '') {
        allAt = offset;
        continue;
      }
      if (!current || next !== name) {
        name = next;
        current = { values: [], offsets: [] };
        names.set(name, current);
      }
      current.values.push(value);
      current.offsets.push(offset);
    }
  } catch {
    throw corrupt(path, 0, 'the postings table ends in the middle');
  }
  return { names, allAt };
}

function symbol(r: IndexReader, i: number): string {
  const known = r.symbols[i];
  if (known !== undefined) return known;
  if (i >= r.symbolOffsets.length) throw new Truncated('a symbol that is not there');
  const c: Cursor = { bytes: r.symbolBytes, at: r.symbolOffsets[i], end: r.symbolBytes.length };
  const length = readUvarint(c);
  const text = textAt(r.symbolBytes, c.at, c.at + length);
  r.symbols[i] = text;
  return text;
}

const range: Range = { bytes: new Uint8Array(0), at: 0 };
const NO_POSTINGS = new Uint32Array(0);

function postingsAt(r: IndexReader, offset: number): Uint32Array {
  if (readRange(r.cache, r.cached, offset, 8, range) < 8) throw corrupt(r.path, offset, 'postings are cut off');
  const count = u32At(range.bytes, range.at + 4);
  const length = 8 + count * 4 + 4;
  if (readRange(r.cache, r.cached, offset, length, range) < length)
    throw corrupt(r.path, offset, 'postings are cut off');
  const { bytes, at } = range;
  const end = at + 8 + count * 4;
  if (crc32c(bytes, at + 4, end) !== u32At(bytes, end))
    throw corrupt(r.path, offset, 'postings do not have their checksum');
  const out = new Uint32Array(count);
  for (let i = 0, p = at + 8; i < count; i++, p += 4) out[i] = u32At(bytes, p);
  return out;
}

/** The numbers of all series, ascending, which is by labels. */
export function allPostings(r: IndexReader): Uint32Array {
  return r.allAt === 0 ? NO_POSTINGS : postingsAt(r, r.allAt);
}

export function blockPostings(r: IndexReader, name: string, value: string): Uint32Array {
  const entry = r.names.get(name);
  if (!entry) return NO_POSTINGS;
  const { values, offsets } = entry;
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareText(values[middle], value) < 0) low = middle + 1;
    else high = middle;
  }
  return values[low] === value ? postingsAt(r, offsets[low]) : NO_POSTINGS;
}

const LIKELY_SERIES_BYTES = 512;

/** @throws BelfryError `data_corrupt` */
export function readSeries(r: IndexReader, number: number): BlockSeries {
  const offset = number * SERIES_ALIGN;
  let got = readRange(r.cache, r.cached, offset, LIKELY_SERIES_BYTES, range);
  const c: Cursor = { bytes: range.bytes, at: range.at, end: range.at + got };
  try {
    const length = readUvarint(c);
    const needed = c.at - range.at + length + 4;
    if (needed > got) {
      got = readRange(r.cache, r.cached, offset, needed, range);
      if (got < needed) throw new Truncated('cut off');
      c.bytes = range.bytes;
      c.at = range.at + needed - length - 4;
    }
    const start = c.at;
    c.end = start + length;
    if (crc32c(c.bytes, start, c.end) !== u32At(c.bytes, c.end)) throw new Truncated('checksum mismatch');
    return decodeSeries(r, number, c);
  } catch (error) {
    if (error instanceof Truncated) throw corrupt(r.path, offset, `series ${number}: ${error.message}`);
    throw error;
  }
}

function decodeSeries(r: IndexReader, number: number, c: Cursor): BlockSeries {
  const n = readUvarint(c) * 2;
  const flat = new Array<string>(n);
  for (let i = 0; i < n; i++) flat[i] = symbol(r, readUvarint(c));
  const fresh = labelsFromSorted(flat);
  const hash = hashLabels(fresh);
  const count = readUvarint(c);
  const chunks = new Array<number>(count * 3);
  let max = 0;
  let ref = 0;
  for (let i = 0; i < count; i++) {
    const min = i === 0 ? readVarint(c) : max + readUvarint(c);
    max = min + readUvarint(c);
    ref = i === 0 ? readUvarint(c) : ref + readVarint(c);
    chunks[i * 3] = min;
    chunks[i * 3 + 1] = max;
    chunks[i * 3 + 2] = ref;
  }
  return { number, labels: r.share(fresh, hash), hash, chunks };
}
