/**
 * Deleted times in a block, the file `tombstones`:
 *
 *     magic 0x0130BA30 | version 1 | (uvarint series | varint from | varint until)… | CRC-32C of the middle part
 */
import { BelfryError, crc32c } from '@belfry/model';
import { ByteBuffer, cursor, readUvarint, readVarint, Truncated, u32At } from './bytes.ts';
import { type Files, readWhole, writeWhole } from './files.ts';
import { addInterval, type Interval } from './intervals.ts';

const MAGIC = 0x0130ba30;
const HEADER_BYTES = 5;

/** By the series' number in the block. */
export type Tombstones = Map<number, Interval[]>;

/** @throws BelfryError `data_corrupt` */
export function readTombstones(files: Files, directory: string): Tombstones {
  const out: Tombstones = new Map();
  const path = `${directory}/tombstones`;
  if (!files.status(path)) return out;
  const bytes = readWhole(files, path);
  const end = bytes.length - 4;
  const bad = (what: string) => new BelfryError('data_corrupt', `the list of deletions ${what}`, { file: path });
  if (end < HEADER_BYTES || u32At(bytes, 0) !== MAGIC || bytes[4] !== 1) throw bad('has an unknown format');
  if (crc32c(bytes, HEADER_BYTES, end) !== u32At(bytes, end)) throw bad('does not have its checksum');
  const c = cursor(bytes, HEADER_BYTES, end);
  try {
    while (c.at < end) {
      const ref = readUvarint(c);
      out.set(ref, addInterval(out.get(ref) ?? [], { minMs: readVarint(c), maxMs: readVarint(c) }));
    }
  } catch (error) {
    if (error instanceof Truncated) throw bad('ends in the middle');
    throw error;
  }
  return out;
}

export function writeTombstones(files: Files, directory: string, tombstones: Tombstones): void {
  const out = new ByteBuffer();
  out.putU32(MAGIC);
  out.putByte(1);
  for (const [ref, intervals] of [...tombstones].sort((a, b) => a[0] - b[0])) {
    for (const { minMs, maxMs } of intervals) {
      out.putUvarint(ref);
      out.putVarint(minMs);
      out.putVarint(maxMs);
    }
  }
  out.putU32(crc32c(out.bytes, HEADER_BYTES, out.length));
  writeWhole(files, `${directory}/tombstones`, out.view());
}

export function countTombstones(tombstones: Tombstones): number {
  let n = 0;
  for (const intervals of tombstones.values()) n += intervals.length;
  return n;
}
