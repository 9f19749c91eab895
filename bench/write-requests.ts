/** The data set as remote write 1.0 requests, made before anything is measured and kept in a file. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { seededRandom } from '@belfry/model';
import { compressSync } from 'snappy';
import { type Dataset, SCRAPE_INTERVAL_MS, type Target } from './dataset.ts';

/** Senders that work side by side, each with targets of its own, as the shards of a Prometheus do. */
export const SHARDS = 4;
/** Prometheus' own `max_samples_per_send` since 2.50. */
const SAMPLES_PER_REQUEST = 2_000;
const MAX_JITTER_MS = 40;
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;

/** The requests of a data set: where each lies in the file. */
export interface WriteRequests {
  readonly file: string;
  /** Per shard, offset and length of one request after the other. */
  readonly shards: readonly (readonly { readonly offset: number; readonly bytes: number }[])[];
  readonly samples: number;
  readonly bytes: number;
  /** The newest sample's time, and a series that has it. */
  readonly lastMs: number;
  readonly lastSeries: readonly string[];
}

/** Writes all requests to `file`. */
export function encodeDataset(dataset: Dataset, file: string, seed: number): WriteRequests {
  const random = seededRandom(seed);
  const handle = openSync(file, 'w');
  const shards: { offset: number; bytes: number }[][] = Array.from({ length: SHARDS }, () => []);
  const writers = Array.from({ length: SHARDS }, () => requestWriter());
  let offset = 0;
  const flush = (shard: number) => {
    const compressed = compressSync(writers[shard]!.take()) as Buffer;
    writeSync(handle, compressed);
    shards[shard]!.push({ offset, bytes: compressed.length });
    offset += compressed.length;
  };
  const plans = dataset.targets.map((target, i) => ({
    target,
    shard: i % SHARDS,
    labels: target.series.map(encodeLabels),
  }));
  plans.sort((a, b) => a.target.offsetMs - b.target.offsetMs);
  const values = new Float64Array(4096);
  let samples = 0;
  let lastMs = 0;
  let lastSeries: readonly string[] = [];
  for (let slotMs = dataset.startMs; slotMs < dataset.endMs; slotMs += SCRAPE_INTERVAL_MS) {
    for (const { target, shard, labels } of plans) {
      const moment = slotMs + target.offsetMs;
      const gone = isGone(target, moment, dataset.endMs);
      if (moment < target.fromMs || (moment >= target.untilMs && !gone)) continue;
      const timestampMs = offTheGrid(moment + Math.floor(random() * MAX_JITTER_MS));
      target.next(SCRAPE_INTERVAL_MS / 1000, values);
      const writer = writers[shard]!;
      for (let i = 0; i < labels.length; i++) writer.add(labels[i]!, timestampMs, values[i]!, gone);
      samples += labels.length;
      if (timestampMs > lastMs && !gone) {
        lastMs = timestampMs;
        lastSeries = target.series[0]!;
      }
      if (writer.samples() >= SAMPLES_PER_REQUEST) flush(shard);
    }
  }
  for (let shard = 0; shard < SHARDS; shard++) if (writers[shard]!.samples() > 0) flush(shard);
  closeSync(handle);
  return { file, shards, samples, bytes: offset, lastMs, lastSeries };
}

/**
 * Never on a whole second, where queries stand: whether a sample at the very start of a range belongs to it changed between
 * Prometheus 2 and 3.
 */
function offTheGrid(timestampMs: number): number {
  return timestampMs % 1_000 === 0 ? timestampMs + 1 : timestampMs;
}

/** The one moment after its end at which a target that was replaced gets its staleness markers. */
function isGone(target: Target, moment: number, endMs: number): boolean {
  return target.untilMs < endMs && moment >= target.untilMs && moment < target.untilMs + SCRAPE_INTERVAL_MS;
}

/** Reads one request back. */
export function readRequest(handle: number, place: { readonly offset: number; readonly bytes: number }): Buffer {
  const buffer = Buffer.allocUnsafeSlow(place.bytes);
  readSync(handle, buffer, 0, place.bytes, place.offset);
  return buffer;
}

/** One small request: one sample of each series. For tests of what survives. */
export function encodeSamples(series: readonly (readonly string[])[], timestampMs: number, value: number): Buffer {
  const writer = requestWriter();
  for (const labels of series) writer.add(encodeLabels(labels), timestampMs, value, false);
  return compressSync(writer.take()) as Buffer;
}

function encodeLabels(pairs: readonly string[]): Uint8Array {
  const parts: Buffer[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = Buffer.from(pairs[i]!);
    const value = Buffer.from(pairs[i + 1]!);
    parts.push(Buffer.from([0x0a, name.length + value.length + 4, 0x0a, name.length]), name);
    parts.push(Buffer.from([0x12, value.length]), value);
  }
  const all = Buffer.concat(parts);
  if (parts.some((p) => p.length > 120)) throw new Error('labels here are short, so that their lengths take one byte');
  return all;
}

/** tag, length, tag, 8 bytes of value, tag, 6 bytes of time */
const SAMPLE_BYTES = 18;

function requestWriter() {
  let buffer = Buffer.alloc(1024 * 1024);
  let at = 0;
  let count = 0;
  const varint = (value: number) => {
    while (value >= 128) {
      buffer[at++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    buffer[at++] = value;
  };
  return {
    samples: () => count,
    add(labels: Uint8Array, timestampMs: number, value: number, stale: boolean) {
      if (at + labels.length + SAMPLE_BYTES + 16 > buffer.length) {
        const larger = Buffer.alloc(buffer.length * 2);
        larger.set(buffer);
        buffer = larger;
      }
      buffer[at++] = 0x0a;
      varint(labels.length + SAMPLE_BYTES);
      buffer.set(labels, at);
      at += labels.length;
      buffer[at++] = 0x12;
      buffer[at++] = SAMPLE_BYTES - 2;
      buffer[at++] = 0x09;
      if (stale) {
        buffer.writeUInt32LE(STALE_LOW, at);
        buffer.writeUInt32LE(STALE_HIGH, at + 4);
      } else buffer.writeDoubleLE(value, at);
      at += 8;
      buffer[at++] = 0x10;
      varint(timestampMs);
      count++;
    },
    take(): Buffer {
      const bytes = Buffer.from(buffer.subarray(0, at));
      at = 0;
      count = 0;
      return bytes;
    },
  };
}
