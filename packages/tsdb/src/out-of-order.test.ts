import * as fs from 'node:fs';
import { REFUSED, seededRandom } from '@belfry/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from './database.ts';
import { runSteps } from './steps.ts';
import { BASE_MS, contents, metric, open, prometheus, startPrometheus, temporaryDirectory } from './testing.ts';

const HOUR = 3600_000;
const more = { outOfOrderWindowMs: 3 * HOUR };

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** Writes `hours` of minutes, a random part of them late, in random order; gives all that was taken. */
function fillLate(db: Database, hours: number): Record<string, (readonly [number, number])[]> {
  const random = seededRandom(5);
  const expected: Record<string, Map<number, number>> = {};
  const late: [number, number][] = [];
  const write = (list: readonly (readonly [number, number])[]) => {
    const a = db.appender();
    for (const [i, t] of list) {
      const labels = metric('m', { i: String(i) });
      expect(a.append(0, labels, t, i * 1000 + t / 60_000)).toBeGreaterThan(0);
      const key = JSON.stringify(labels);
      expected[key] ??= new Map();
      expected[key].set(t, i * 1000 + t / 60_000);
    }
    a.commit();
  };
  for (let t = BASE_MS; t < BASE_MS + hours * HOUR; t += 60_000) {
    const now: [number, number][] = [];
    for (let i = 0; i < 3; i++) (random() < 0.5 && t > BASE_MS ? late : now).push([i, t]);
    write(now);
    if (random() < 0.1) write(late.splice(0, late.length).sort(() => random() - 0.5));
  }
  write(late);
  const sorted = Object.entries(expected).map(([k, v]) => [k, [...v].sort((a, b) => a[0] - b[0])] as const);
  return Object.fromEntries(sorted);
}

test('late samples within the window are taken, read in order, and survive kill, restart and compaction', () => {
  const db = open(directory, more);
  const all = fillLate(db, 9);
  expect(db.state.head.stats.outOfOrderAppended).toBeGreaterThan(300);
  expect(contents(db)).toEqual(all);
  fs.rmSync(`${directory}/lock`);
  const killed = open(directory, more);
  expect(contents(killed)).toEqual(all);
  runSteps(killed.maintain());
  expect(contents(killed)).toEqual(all);
  expect(killed.state.head.outOfOrder.series.size).toBe(0);
  killed.close();
  const again = open(directory, more);
  expect(contents(again)).toEqual(all);
  const name = `${directory}/snapshots/s`;
  fillOne(again);
  runSteps(again.snapshot(name, false));
  const withLate = contents(again);
  again.close();
  const copy = open(name);
  expect(contents(copy)).toEqual(withLate);
  copy.close();
});

function fillOne(db: Database): void {
  const a = db.appender();
  a.append(0, metric('late'), BASE_MS + 8 * HOUR, 1);
  a.commit();
}

test('the window can be changed while the store is open', () => {
  const db = open(directory);
  const a = db.appender();
  const ref = a.append(0, metric('m'), BASE_MS + HOUR, 1) as number;
  a.commit();
  const late = () => {
    const b = db.appender();
    const result = b.append(ref, metric('m'), BASE_MS + HOUR - 1, 2);
    b.commit();
    return result;
  };
  expect(late()).toBe(REFUSED.outOfOrder);
  db.configure({ outOfOrderWindowMs: HOUR });
  expect(late()).toBe(ref);
  db.close();
});

test('too late is refused as such; the same time twice keeps the first', () => {
  const db = open(directory, more);
  const a = db.appender();
  const ref = a.append(0, metric('m'), BASE_MS + 10 * HOUR, 1) as number;
  a.commit();
  const b = db.appender();
  expect(b.append(ref, metric('m'), BASE_MS + 7 * HOUR - 1, 1)).toBe(REFUSED.tooOld);
  expect(b.append(ref, metric('m'), BASE_MS + 7 * HOUR, 2)).toBe(ref);
  expect(b.append(ref, metric('m'), BASE_MS + 7 * HOUR, 3)).toBe(ref);
  expect(b.append(0, metric('n'), BASE_MS + 8 * HOUR, 4)).toBeGreaterThan(0);
  b.commit();
  expect(Object.values(contents(db))).toEqual([
    [
      [BASE_MS + 7 * HOUR, 2],
      [BASE_MS + 10 * HOUR, 1],
    ],
    [[BASE_MS + 8 * HOUR, 4]],
  ]);
  db.close();
});

describe.skipIf(!prometheus)('Prometheus and late samples (skipped: prometheus is not installed)', () => {
  test.each(['before', 'after'])(
    'it finds them in our log of late samples and in our blocks: %s compaction',
    async (when) => {
      const db = open(directory, more);
      const all = fillLate(db, 9);
      if (when === 'after') runSteps(db.maintain());
      db.close();
      const other = await startPrometheus(directory, [], () => ['storage: {tsdb: {out_of_order_time_window: 3h}}']);
      try {
        const at = (BASE_MS + 9 * HOUR) / 1000;
        const { result } = (await other.get(`/api/v1/query?query=m[20h]&time=${at}`)) as {
          result: { metric: { i: string }; values: [number, string][] }[];
        };
        const found = result.map(({ metric: { i }, values }) => [
          JSON.stringify(metric('m', { i })),
          values.map(([t, v]) => [t * 1000, Number(v)]),
        ]);
        expect(Object.fromEntries(found)).toEqual(all);
      } finally {
        await other.stop('SIGKILL');
      }
      const again = open(directory, more);
      expect(contents(again)).toEqual(all);
      again.close();
    },
  );
});
