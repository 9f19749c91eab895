import * as fs from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { BelfryError, seededRandom, systemClock } from '@belfry/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectDatabase, type RemoteDatabase, type ServeOptions, serveDatabase } from './remote.ts';
import { BASE_MS, equal, metric, open, temporaryDirectory } from './testing.ts';

let directory: string;
let ports: MessagePort[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => {
  for (const port of ports) port.close();
  ports = [];
  fs.rmSync(directory, { recursive: true, force: true });
});

function connect(more: Partial<ServeOptions> = {}): RemoteDatabase {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  serveDatabase(port1, { directory, clock: systemClock, random: seededRandom(1), ...more });
  return connectDatabase(port2);
}

const batch = (n: number, t = BASE_MS) => ({
  labels: Array.from({ length: n }, (_, i) => metric('m', { i: String(i) })),
  series: Uint32Array.from({ length: n }, (_, i) => i),
  timestamps: new Float64Array(n).fill(t),
  values: Float64Array.from({ length: n }, (_, i) => i),
});

const instant = (t: number) => ({
  matchers: [equal('__name__', 'm')],
  grid: { startMs: t, stepMs: 1000, count: 1 },
  offsetMs: 0,
  operation: { kind: 'instant' as const, lookbackMs: 300_000 },
  maxSamples: 1e6,
});

test('writes and queries over a port, label sets sent once', async () => {
  const db = connect();
  await db.ready;
  expect(await db.write(batch(3))).toEqual({ samples: 3, histograms: 0, exemplars: 0, refused: [] });
  const again = await db.write({ ...batch(3), values: new Float64Array(3).fill(9) });
  expect(again.refused).toMatchObject([{ reason: -2, count: 3 }]);
  for (let round = 0; round < 2; round++) {
    const { columns } = await db.leaf(instant(BASE_MS + 1000));
    expect(columns.labels.map((l) => l[3]).sort()).toEqual(['0', '1', '2']);
    expect([...columns.values].sort()).toEqual([0, 1, 2]);
  }
  expect(await db.labelValues('i', [], 0, 1e15)).toEqual(['0', '1', '2']);
  expect((await db.series([[equal('i', '1')]], 0, 1e15)).map((l) => [...l])).toEqual([['__name__', 'm', 'i', '1']]);
  const [raw] = await db.raw([equal('i', '1')], BASE_MS - 1, BASE_MS, 100);
  expect([...raw.values]).toEqual([1]);
  expect((await db.tsdbStatus(5)).headStats.numSeries).toBe(3);
  expect((await db.metrics()).find((m) => m.name === 'prometheus_tsdb_head_series')?.value).toBe(3);
  const name = await db.snapshot(false);
  const copy = open(`${directory}/snapshots/${name}`);
  expect(copy.series([[equal('__name__', 'm')]], 0, 1e15).length).toBe(3);
  copy.close();
  await db.close();
  open(directory).close();
});

test('errors arrive as they were thrown, and an abort with its own reason', async () => {
  const db = connect({
    handlers: () => ({
      wait: (_: never, signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      double: (n: number) => n * 2,
    }),
  });
  await db.ready;
  const bad = db.leaf({ ...instant(BASE_MS), matchers: [{ name: 'a', op: '=~', value: '(' }] });
  await expect(bad).rejects.toMatchObject({ code: 'regex_invalid' });
  await expect(bad).rejects.toBeInstanceOf(BelfryError);
  expect(await db.call('double', 21)).toBe(42);
  await expect(db.call('nothing', 0)).rejects.toMatchObject({ code: 'not_found' });
  const controller = new AbortController();
  const waiting = db.call('wait', 0, { signal: controller.signal });
  controller.abort(new BelfryError('query_timeout', 'too long'));
  await expect(waiting).rejects.toMatchObject({ code: 'query_timeout' });
  await db.close();
});

test('a directory that is in use refuses the connection', async () => {
  const holder = open(directory);
  await expect(connect().ready).rejects.toMatchObject({ code: 'data_locked' });
  holder.close();
});
