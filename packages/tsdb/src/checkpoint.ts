import { ByteBuffer, cursor } from './bytes.ts';
import type { Files } from './files.ts';
import { lastCheckpoint, listSegments, openWal, type SegmentDamage, segmentRecords, type Wal } from './wal.ts';
import {
  decodeExemplars,
  decodeHistograms,
  decodeMetadata,
  decodeSamples,
  decodeSeries,
  decodeTombstones,
  encodeExemplars,
  encodeHistograms,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  type MetadataRecord,
  RECORD,
  type SampleColumns,
  sampleColumns,
} from './wal-records.ts';

/** The first third of the log is left alone, so that checkpoints are not written too often. As Prometheus. */
const SHARE_TO_REPLACE = 2 / 3;
const COMMIT_BYTES = 1024 * 1024;

export interface CheckpointPlan {
  /** Whether series with this number in the log must be kept, seen from the last replaced segment. */
  readonly keep: (ref: number, last: number) => boolean;
  /** Samples older than this are in blocks. */
  readonly minT: number;
}

export interface CheckpointResult {
  /** All segments up to this are gone. */
  readonly last: number;
  readonly damages: readonly SegmentDamage[];
}

interface Filter {
  readonly plan: CheckpointPlan;
  readonly last: number;
  readonly wal: Wal;
  readonly out: ByteBuffer;
  readonly columns: SampleColumns;
  readonly metadata: Map<number, MetadataRecord>;
  pending: number;
}

/**
 * Replaces the older part of the log by a checkpoint with what is still needed of it. Begins a new segment, so that all
 * others are complete. Works in steps. Nothing when there is too little to gain.
 */
export function* writeCheckpoint(
  files: Files,
  directory: string,
  wal: Wal,
  plan: CheckpointPlan,
): Generator<void, CheckpointResult | undefined, void> {
  const first = listSegments(files, directory)[0]?.index ?? 0;
  const newest = wal.cut() - 2;
  const last = first + Math.floor((newest - first) * SHARE_TO_REPLACE);
  if (newest < 0 || last <= first) return undefined;
  const previous = lastCheckpoint(files, directory);
  const target = `${directory}/checkpoint.${String(last).padStart(8, '0')}`;
  const temporary = `${target}.tmp`;
  files.removeTree(temporary);
  const out = openWal({ files, directory: temporary, compression: 'snappy' });
  const filter: Filter = {
    plan,
    last,
    wal: out,
    out: new ByteBuffer(64 * 1024),
    columns: sampleColumns(4096),
    metadata: new Map(),
    pending: 0,
  };
  const damages: SegmentDamage[] = [];
  try {
    const sources = [
      ...(previous ? listSegments(files, previous.path) : []),
      ...listSegments(files, directory).filter((s) => s.index <= last && s.index > (previous?.index ?? -1)),
    ];
    for (const segment of sources) {
      const records = segmentRecords(files, segment.path);
      let next = records.next();
      for (; !next.done; next = records.next()) {
        filterRecord(filter, next.value);
        yield;
      }
      if (next.value) damages.push(next.value);
    }
    if (filter.metadata.size > 0) put(filter, () => encodeMetadata(filter.out, filter.metadata.values()));
    out.commit();
  } finally {
    out.close();
  }
  files.syncDirectory(temporary);
  files.removeTree(target);
  files.rename(temporary, target);
  files.syncDirectory(directory);
  for (const segment of listSegments(files, directory)) if (segment.index <= last) files.remove(segment.path);
  for (const name of files.list(directory)) {
    if (/^checkpoint\.\d+$/.test(name) && Number(name.slice(11)) < last) files.removeTree(`${directory}/${name}`);
  }
  return { last, damages };
}

function put(f: Filter, encode: () => void): void {
  f.out.clear();
  encode();
  f.wal.add(f.out.view());
  f.pending += f.out.length;
  if (f.pending < COMMIT_BYTES) return;
  f.wal.commit();
  f.pending = 0;
}

function filterRecord(f: Filter, record: Uint8Array): void {
  const c = cursor(record, 1);
  const type = record[0];
  const { minT } = f.plan;
  const keep = (ref: number) => f.plan.keep(ref, f.last);
  if (type === RECORD.series) {
    const kept = decodeSeries(c).filter((s) => keep(s.ref));
    if (kept.length > 0) put(f, () => encodeSeries(f.out, kept));
  } else if (type === RECORD.samples) {
    f.columns.count = 0;
    decodeSamples(c, f.columns);
    keepNewer(f.columns, minT);
    if (f.columns.count > 0) put(f, () => encodeSamples(f.out, f.columns));
  } else if (type === RECORD.tombstones) {
    const kept = decodeTombstones(c).filter((s) => s.maxMs >= minT && keep(s.ref));
    if (kept.length > 0) put(f, () => encodeTombstones(f.out, kept));
  } else if (type === RECORD.exemplars) {
    const kept = decodeExemplars(c).filter((e) => e.t >= minT);
    if (kept.length > 0) put(f, () => encodeExemplars(f.out, kept));
  } else if (type === RECORD.metadata) {
    for (const m of decodeMetadata(c)) if (keep(m.ref)) f.metadata.set(m.ref, m);
  } else if (
    type === RECORD.histograms ||
    type === RECORD.floatHistograms ||
    type === RECORD.customHistograms ||
    type === RECORD.customFloatHistograms
  ) {
    const kept = decodeHistograms(c, type).filter((h) => h.t >= minT);
    if (kept.length > 0) put(f, () => encodeHistograms(f.out, type, kept));
  } else {
    f.wal.add(record);
  }
}

function keepNewer(c: SampleColumns, minT: number): void {
  let n = 0;
  for (let i = 0; i < c.count; i++) {
    if (c.ts[i] < minT) continue;
    c.refs[n] = c.refs[i];
    c.ts[n] = c.ts[i];
    c.words[2 * n] = c.words[2 * i];
    c.words[2 * n + 1] = c.words[2 * i + 1];
    n++;
  }
  c.count = n;
}
