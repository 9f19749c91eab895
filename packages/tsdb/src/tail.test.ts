import * as fs from 'node:fs';
import { type FloatHistogram, isStaleNaNAt, STALE_NAN } from '@belfry/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from './database.ts';
import { runSteps } from './steps.ts';
import { type StoreTail, storeTail, type TailBatch } from './tail.ts';
import { BASE_MS, metric, open, temporaryDirectory } from './testing.ts';
import { WAL_PAGE_BYTES } from './wal.ts';
import { writeBatch } from './write.ts';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const never = new AbortController().signal;
const options = { maxSamples: 1000, metadata: false };

function put(db: Database, name: string, t: number, value: number): void {
  const one = { labels: [metric(name)], series: new Uint32Array(1), timestamps: Float64Array.of(t) };
  writeBatch(db, { ...one, values: Float64Array.of(value) });
}

function shown({ batch }: TailBatch): string[] {
  return Array.from(batch.series, (series, i) => {
    const value = isStaleNaNAt(batch.values, i) ? 'stale' : batch.values[i];
    return `${batch.labels[series][1]} ${batch.timestamps[i] - BASE_MS} ${value}`;
  });
}

/** Everything from a position until the log as it is now ends. */
async function drain(tail: StoreTail, from: string, more: Partial<typeof options> = {}) {
  const samples: string[] = [];
  const gaps: string[] = [];
  let reads = 0;
  let position = from;
  const end = new AbortController();
  for (;;) {
    const waiting = tail.read('r', position, { ...options, ...more }, end.signal).catch(() => undefined);
    const idle = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 50));
    const got = await Promise.race([waiting, idle]);
    if (!got) {
      end.abort(new Error('enough'));
      await waiting;
      return { samples, gaps, position, reads };
    }
    reads++;
    samples.push(...shown(got));
    if (got.gap) gaps.push(got.gap);
    position = got.next;
  }
}

test('gives what comes after a position, and wakes up when something comes', async () => {
  const db = open(directory);
  put(db, 'before', BASE_MS, 1);
  const tail = storeTail(db.state, nextTurn);
  const start = tail.position();
  const waiting = tail.read('r', start, options, never);
  put(db, 'before', BASE_MS + 1, 2);
  const first = await waiting;
  expect(shown(first)).toEqual(['before 1 2']);
  put(db, 'new', BASE_MS + 2, 3);
  put(db, 'new', BASE_MS + 3, STALE_NAN);
  expect(shown(await tail.read('r', first.next, options, never))).toEqual(['new 2 3', 'new 3 stale']);
  db.close();
});

test('an abort ends the waiting with its reason; nobody reading costs nothing', async () => {
  const db = open(directory);
  const tail = storeTail(db.state, nextTurn);
  const controller = new AbortController();
  const waiting = tail.read('r', tail.position(), options, controller.signal);
  await nextTurn();
  const { committed } = db.state.head;
  controller.abort(new Error('stop'));
  await expect(waiting).rejects.toThrow('stop');
  tail.forget('r');
  expect(db.state.head.committed).not.toBe(committed);
  await expect(tail.read('r', 'nonsense', options, never)).rejects.toMatchObject({ code: 'bad_data' });
  db.close();
});

test('across segments and restarts, with and without closing, in small pieces: every sample once', async () => {
  const written: string[] = [];
  let db = open(directory, { walSegmentBytes: 2 * WAL_PAGE_BYTES, walCompression: 'none' });
  let tail = storeTail(db.state, nextTurn);
  const start = tail.position();
  let position = start;
  const read: string[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3000; i++) {
      put(db, `m${i % 50}`, BASE_MS + round * 10_000 + i, i);
      written.push(`m${i % 50} ${round * 10_000 + i} ${i}`);
    }
    if (round === 1) {
      const part = await tail.read('r', position, { ...options, maxSamples: 700 }, never);
      expect(part.batch.series.length).toBeGreaterThanOrEqual(700);
      expect(part.batch.series.length).toBeLessThan(2000);
      read.push(...shown(part));
      position = part.next;
    }
    // Closing takes the lock away; all else is as after a kill.
    db.close();
    db = open(directory, { walSegmentBytes: 2 * WAL_PAGE_BYTES, walCompression: 'none' });
    tail = storeTail(db.state, nextTurn);
  }
  expect(db.state.head.wal!.segment).toBeGreaterThan(5);
  const rest = await drain(tail, position, { maxSamples: 500 });
  expect(rest.gaps).toEqual([]);
  expect(rest.reads).toBeGreaterThan(5);
  expect([...read, ...rest.samples]).toEqual(written);
  db.close();
});

test('segments that were dropped are told as a gap; series that left the head are still known', async () => {
  const hour = 3600_000;
  const db = open(directory);
  const tail = storeTail(db.state, nextTurn);
  put(db, 'gone', BASE_MS, 1);
  const start = tail.position();
  put(db, 'gone', BASE_MS + 1, 2);
  const { next } = await tail.read('slow', start, options, never);
  put(db, 'gone', BASE_MS + 2, 3);
  for (let h = 0; h <= 4; h++) put(db, 'stays', BASE_MS + h * hour, h);
  runSteps(db.maintain());
  expect(db.state.head.stats.seriesRemoved).toBe(1);
  const late = await drain(tail, next);
  expect(late.gaps).toEqual([]);
  expect(late.samples).toEqual(['gone 2 3', ...[0, 1, 2, 3, 4].map((h) => `stays ${h * hour} ${h}`)]);
  for (let h = 5; h <= 9; h++) put(db, 'stays', BASE_MS + h * hour, h);
  runSteps(db.maintain());
  for (let h = 10; h <= 12; h++) put(db, 'stays', BASE_MS + h * hour, h);
  runSteps(db.maintain());
  const after = await drain(tail, start);
  expect(after.gaps).toEqual([
    expect.stringMatching(/^segments 0 to \d+ of the log were dropped before they were read$/),
  ]);
  expect(after.samples.at(-1)).toBe(`stays ${12 * hour} 12`);
  db.close();
});

test('a position of another log goes on from now, and says so', async () => {
  const db = open(directory);
  put(db, 'a', BASE_MS, 1);
  const { gaps, samples } = await drain(storeTail(db.state, nextTurn), '99:5;0:0');
  expect(gaps).toEqual(['segment 99 of the log is not there yet: this is another log, or an older copy']);
  expect(samples).toEqual([]);
  db.close();
});

test('late samples, histograms, exemplars and metadata come too', async () => {
  const db = open(directory, { outOfOrderWindowMs: 600_000 });
  const tail = storeTail(db.state, nextTurn);
  const start = tail.position();
  put(db, 'a', BASE_MS + 60_000, 2);
  put(db, 'a', BASE_MS, 1);
  const histogram: FloatHistogram = {
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 0,
    count: 3,
    sum: 4,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [],
    positiveBuckets: [1, 2],
    negativeBuckets: [],
    counterResetHint: 'unknown',
    integer: true,
  };
  const metadata = { type: 'histogram', unit: 'seconds', help: 'How long.' } as const;
  const exemplar = { labels: metric('x'), value: 3, timestampMs: BASE_MS + 1 };
  writeBatch(db, {
    labels: [metric('h')],
    series: new Uint32Array(1),
    timestamps: Float64Array.of(BASE_MS + 1),
    values: new Float64Array(1),
    histograms: new Map([[0, histogram]]),
    exemplars: [{ series: 0, exemplar }],
    metadata: [{ series: 0, metadata }],
  });
  const all = await tail.read('r', start, { maxSamples: 100, metadata: true }, never);
  expect(shown(all)).toEqual(['a 60000 2', 'h 1 4', 'a 0 1']);
  expect(all.batch.histograms?.get(1)).toEqual(histogram);
  expect(all.batch.exemplars).toEqual([{ series: 1, exemplar }]);
  expect(all.batch.metadata).toEqual([{ series: 1, metadata }]);
  db.close();
});

test('late samples that were dropped before they were read are told as a gap, and those that were read are not', async () => {
  const hour = 3600_000;
  const db = open(directory, { outOfOrderWindowMs: 600_000 });
  const tail = storeTail(db.state, nextTurn);
  const start = tail.position();
  const quick = await tail.read('quick', start, options, AbortSignal.timeout(20)).catch(() => undefined);
  expect(quick).toBeUndefined();
  put(db, 'a', BASE_MS + 60_000, 2);
  put(db, 'a', BASE_MS, 1);
  const read = await drain(tail, start);
  expect(read.samples).toEqual(['a 60000 2', 'a 0 1']);
  for (let h = 1; h <= 4; h++) put(db, 'a', BASE_MS + h * hour, h);
  runSteps(db.maintain());
  put(db, 'a', BASE_MS + 4 * hour - 1000, 5);
  const after = await drain(tail, read.position);
  expect([after.gaps, after.samples.at(-1)]).toEqual([[], `a ${4 * hour - 1000} 5`]);
  const slow = await drain(tail, `${read.position.split(';')[0]};0:0`);
  expect(slow.gaps).toEqual([expect.stringMatching(/^\d+ bytes of late samples were dropped/)]);
  db.close();
});
