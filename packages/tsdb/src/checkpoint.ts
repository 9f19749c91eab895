/**
 * A checkpoint stands for the segments of the log up to its number. Ours is written from memory instead of from those segments:
 * they are dropped only when all their samples are in blocks, so all that must outlive them are the series (and the little that
 * belongs to them).
 */
import { ByteBuffer } from './bytes.ts';
import type { Files } from './files.ts';
import type { Head } from './head.ts';
import { findSeries, hashLabels } from './series-table.ts';
import { listSegments, openWal, type Wal } from './wal.ts';
import {
  type ExemplarRecord,
  encodeExemplars,
  encodeMetadata,
  encodeSeries,
  encodeTombstones,
  type MetadataRecord,
  type SeriesRecord,
  type Tombstone,
} from './wal-records.ts';

const RECORDS_PER_STEP = 500;

/** A further number of a series in the log. */
export interface Alias {
  readonly slot: number;
  /** The last segment that may use it. */
  readonly segment: number;
}

/**
 * Drops the segments whose samples are all older than `minT`, having written what else they hold to a checkpoint. Works in
 * steps. Returns the last segment dropped; nothing when there is none.
 */
export function* writeCheckpoint(
  files: Files,
  directory: string,
  head: Head,
  minT: number,
  aliases: ReadonlyMap<number, Alias>,
): Generator<void, number | undefined, void> {
  const last = lastDroppable(files, directory, head, minT);
  if (last === undefined) return undefined;
  const target = `${directory}/checkpoint.${String(last).padStart(8, '0')}`;
  const temporary = `${target}.tmp`;
  files.removeTree(temporary);
  const wal = openWal({ files, directory: temporary, compression: 'snappy' });
  try {
    yield* putAll(wal, seriesRecords(head, aliases, last), encodeSeries);
    yield* putAll(wal, metadataRecords(head), encodeMetadata);
    yield* putAll(wal, tombstoneRecords(head, minT), encodeTombstones);
    yield* putAll(wal, exemplarRecords(head, minT), encodeExemplars);
  } finally {
    wal.close();
  }
  files.syncDirectory(temporary);
  files.removeTree(target);
  files.rename(temporary, target);
  files.syncDirectory(directory);
  for (const segment of listSegments(files, directory)) {
    if (segment.index > last) break;
    files.remove(segment.path);
    head.segmentMaxT.delete(segment.index);
  }
  for (const name of files.list(directory)) {
    if (/^checkpoint\.\d+$/.test(name) && Number(name.slice(11)) < last) files.removeTree(`${directory}/${name}`);
  }
  return last;
}

function lastDroppable(files: Files, directory: string, head: Head, minT: number): number | undefined {
  let last: number | undefined;
  for (const { index } of listSegments(files, directory)) {
    if (index >= head.wal!.segment || (head.segmentMaxT.get(index) ?? -Infinity) >= minT) break;
    last = index;
  }
  return last;
}

function* putAll<T>(
  wal: Wal,
  records: Iterable<T>,
  encode: (out: ByteBuffer, records: readonly T[]) => void,
): Generator<void, void, void> {
  const out = new ByteBuffer(64 * 1024);
  let batch: T[] = [];
  const put = () => {
    if (batch.length === 0) return;
    out.clear();
    encode(out, batch);
    wal.add(out.view());
    wal.commit();
    batch = [];
  };
  for (const record of records) {
    batch.push(record);
    if (batch.length < RECORDS_PER_STEP) continue;
    put();
    yield;
  }
  put();
}

function* seriesRecords(head: Head, aliases: ReadonlyMap<number, Alias>, last: number): Generator<SeriesRecord> {
  const s = head.series;
  // What comes while this is being written is in the segments that stay.
  for (const slot of s.postings.all.slots.slice(0, s.postings.all.count)) {
    if (s.logged[slot] === 1) yield { ref: s.walRefs[slot], labels: s.labels[slot] };
  }
  for (const [ref, { slot, segment }] of aliases) if (segment > last) yield { ref, labels: s.labels[slot] };
}

function* metadataRecords(head: Head): Generator<MetadataRecord> {
  for (const [slot, metadata] of [...head.metadata]) yield { ref: head.series.walRefs[slot], metadata };
}

function* tombstoneRecords(head: Head, minT: number): Generator<Tombstone> {
  for (const [slot, intervals] of [...head.tombstones]) {
    for (const { minMs, maxMs } of intervals) if (maxMs >= minT) yield { ref: head.series.walRefs[slot], minMs, maxMs };
  }
}

function* exemplarRecords(head: Head, minT: number): Generator<ExemplarRecord> {
  for (const { labels: seriesLabels, items } of [...head.exemplars.series.values()]) {
    const slot = findSeries(head.series, seriesLabels, hashLabels(seriesLabels));
    if (slot === 0) continue;
    const ref = head.series.walRefs[slot];
    for (const { timestampMs, value, labels } of items)
      if (timestampMs >= minT) yield { ref, t: timestampMs, value, labels };
  }
}
