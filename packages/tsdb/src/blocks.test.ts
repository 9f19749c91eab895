import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database, DatabaseEvent } from './database.ts';
import { runSteps } from './steps.ts';
import { BASE_MS, contents, equal, metric, open, promtool, promtoolDump, temporaryDirectory } from './testing.ts';

const HOUR = 3600_000;

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

function fill(db: Database, hours: number, from = BASE_MS, series = 5, stepMs = 60_000): void {
  for (let t = from; t < from + hours * HOUR; t += stepMs) {
    const a = db.appender();
    for (let i = 0; i < series; i++) {
      a.append(0, metric('m', { i: String(i), kind: i % 2 ? 'odd' : 'even' }), t, i * 1e6 + (t - BASE_MS) / stepMs);
    }
    a.commit();
  }
}

const blocksOf = (dir: string) => fs.readdirSync(dir).filter((name) => /^[0-9A-Z]{26}$/.test(name));

/** Nothing that happens on disk may change what a query gives. */
function expectUnchanged(db: Database, action: () => void): void {
  const before = contents(db);
  action();
  expect(contents(db)).toEqual(before);
}

test('the head becomes blocks, blocks become larger ones, and every query gives the same as before', () => {
  const db = open(directory);
  fill(db, 11);
  expectUnchanged(db, () => runSteps(db.maintain()));
  expect(blocksOf(directory).length).toBe(4);
  expect(db.state.head.minT).toBe(BASE_MS + 8 * HOUR);
  fill(db, 12, BASE_MS + 11 * HOUR);
  expectUnchanged(db, () => runSteps(db.maintain()));
  const levels = db.state.blocks.map((b) => b.meta.compaction.level);
  expect(Math.max(...levels)).toBeGreaterThan(1);
  expect(db.state.blocks.length).toBeLessThan(10);
  const all = contents(db);
  db.close();
  const again = open(directory);
  expect(contents(again)).toEqual(all);
  expect(Object.keys(all).length).toBe(5);
  expect(all['["__name__","m","i","0","kind","even"]'].length).toBe(23 * 60);
  again.close();
});

test('selections work across blocks and head, by labels and by time', () => {
  const db = open(directory);
  fill(db, 7);
  runSteps(db.maintain());
  expect(Object.keys(contents(db, [{ name: 'kind', op: '=~', value: 'o.*' }])).length).toBe(2);
  expect(Object.keys(contents(db, [equal('__name__', 'm'), { name: 'i', op: '!=', value: '3' }])).length).toBe(4);
  const some = contents(db, [equal('i', '1')], BASE_MS + HOUR, BASE_MS + 5 * HOUR);
  const [samples] = Object.values(some);
  expect(samples[0][0]).toBe(BASE_MS + HOUR);
  expect(samples.at(-1)![0]).toBe(BASE_MS + 5 * HOUR);
  expect(samples.length).toBe(4 * 60 + 1);
  expect(db.labelNames([], 0, 1e15)).toEqual(['__name__', 'i', 'kind']);
  expect(db.labelValues('kind', [], 0, 1e15)).toEqual(['even', 'odd']);
  expect(db.labelValues('i', [[equal('kind', 'odd')]], BASE_MS, BASE_MS + HOUR)).toEqual(['1', '3']);
  expect(db.series([[equal('kind', 'odd')], [equal('i', '1')]], 0, 1e15).length).toBe(2);
  expect(db.series([[equal('kind', 'odd')]], 0, 1e15, 1).length).toBe(1);
  expect(db.series([[equal('kind', 'odd')]], BASE_MS - 2 * HOUR, BASE_MS - 1)).toEqual([]);
  db.close();
});

test('the log is shortened by checkpoints, and a restart from one loses nothing', () => {
  const db = open(directory, { walSegmentBytes: 32 * 1024 });
  fill(db, 11, BASE_MS, 20, 15_000);
  const before = fs.readdirSync(`${directory}/wal`).length;
  runSteps(db.maintain());
  const files = fs.readdirSync(`${directory}/wal`);
  expect(files.length).toBeLessThan(before);
  expect(files.filter((f) => f.startsWith('checkpoint.')).length).toBe(1);
  const all = contents(db);
  fs.rmSync(`${directory}/lock`);
  const again = open(directory);
  expect(contents(again)).toEqual(all);
  again.close();
  db.close();
});

test('series that are gone leave the head, and come back under a new number', () => {
  const db = open(directory);
  const a = db.appender();
  const old = a.append(0, metric('old'), BASE_MS, 1) as number;
  a.commit();
  fill(db, 7);
  runSteps(db.maintain());
  expect(db.state.head.series.live).toBe(5);
  const b = db.appender();
  const t = BASE_MS + 7 * HOUR;
  const fresh = b.append(old, metric('old'), t, 2);
  expect(fresh).not.toBe(old);
  b.commit();
  expect(contents(db, [equal('__name__', 'old')])).toEqual({
    '["__name__","old"]': [
      [BASE_MS, 1],
      [t, 2],
    ],
  });
  fs.rmSync(`${directory}/lock`);
  const again = open(directory);
  expect(contents(again, [equal('__name__', 'old')])).toEqual({
    '["__name__","old"]': [
      [BASE_MS, 1],
      [t, 2],
    ],
  });
  again.close();
  db.close();
});

test('a reader that began before a compaction finishes on what it began with', () => {
  const db = open(directory);
  fill(db, 7);
  const expected = contents(db);
  const reading = db.select([equal('__name__', 'm')], 0, 1e15)[Symbol.iterator]();
  const got: Record<string, number> = {};
  const first = reading.next().value!;
  got[JSON.stringify(first.labels)] = first.count;
  const maintenance = db.maintain();
  for (let i = 0; i < 200; i++) maintenance.next();
  for (let next = reading.next(); !next.done; next = reading.next()) {
    got[JSON.stringify(next.value.labels)] = next.value.count;
  }
  runSteps(maintenance);
  expect(got).toEqual(Object.fromEntries(Object.entries(expected).map(([k, v]) => [k, v.length])));
  expect(contents(db)).toEqual(expected);
  db.close();
});

test('deleted samples are gone, from head and blocks, for good', () => {
  const db = open(directory);
  fill(db, 7);
  runSteps(db.maintain());
  db.deleteSamples([[equal('i', '1')]], BASE_MS + HOUR, BASE_MS + 6.5 * HOUR);
  const check = (d: Database) => {
    const [samples] = Object.values(contents(d, [equal('i', '1')]));
    expect(samples.length).toBe(60 + 29);
    expect(Object.values(contents(d, [equal('i', '2')]))[0].length).toBe(7 * 60);
  };
  check(db);
  runSteps(db.cleanTombstones());
  check(db);
  expect(db.state.blocks.every((b) => b.tombstones.size === 0)).toBe(true);
  db.close();
  const again = open(directory);
  check(again);
  fill(again, 5, BASE_MS + 7 * HOUR);
  runSteps(again.maintain());
  expect(Object.values(contents(again, [equal('i', '1')]))[0].length).toBe(60 + 29 + 5 * 60);
  again.close();
});

test('old blocks go by age and by size', () => {
  const db = open(directory, { retentionMs: 6 * HOUR, maxBlockRangeMs: 2 * HOUR });
  fill(db, 15);
  runSteps(db.maintain());
  const end = db.state.blocks.at(-1)!.meta.maxTime;
  expect(Math.min(...db.state.blocks.map((b) => b.meta.minTime))).toBe(end - 8 * HOUR);
  expect(blocksOf(directory).length).toBe(db.state.blocks.length);
  db.close();
  const small = open(directory, { retentionMs: 0, retentionBytes: 1 });
  runSteps(small.maintain());
  expect(small.state.blocks).toEqual([]);
  small.close();
});

test('a snapshot is a data directory of its own', () => {
  const db = open(directory);
  fill(db, 7);
  runSteps(db.maintain());
  const target = `${directory}/snapshots/one`;
  runSteps(db.snapshot(target, false));
  const all = contents(db);
  db.close();
  const copy = open(target);
  expect(contents(copy)).toEqual(all);
  copy.close();
});

describe('damage', () => {
  const damage = (path: string, at: number) => {
    const bytes = fs.readFileSync(path);
    bytes[at < 0 ? bytes.length + at : at] ^= 0xff;
    fs.writeFileSync(path, bytes);
  };

  test('a block whose index is damaged is set aside and told; the rest is served', () => {
    const db = open(directory);
    fill(db, 9);
    runSteps(db.maintain());
    const victim = db.state.blocks[0].meta.ulid;
    const rest = contents(db, undefined, db.state.blocks[0].meta.maxTime);
    db.close();
    damage(`${directory}/${victim}/index`, -3);
    const events: DatabaseEvent[] = [];
    const again = open(directory, { onEvent: (e) => events.push(e) });
    expect(events.map((e) => [e.level, e.error?.code])).toEqual([['error', 'data_corrupt']]);
    expect(fs.existsSync(`${directory}/corrupt/${victim}`)).toBe(true);
    expect(contents(again)).toEqual(rest);
    again.close();
  });

  test('a damaged chunk is told by the query that meets it, naming the file', () => {
    const db = open(directory);
    fill(db, 7);
    runSteps(db.maintain());
    const path = `${directory}/${db.state.blocks[0].meta.ulid}/chunks/000001`;
    db.close();
    damage(path, 100);
    const again = open(directory);
    expect(() => contents(again)).toThrow(/checksum mismatch/);
    expect(Object.keys(contents(again, undefined, BASE_MS + 2 * HOUR)).length).toBe(5);
    again.close();
  });

  test('a damaged head chunk file costs nothing: its samples are in the log', () => {
    const db = open(directory);
    fill(db, 6);
    const all = contents(db);
    db.close();
    damage(`${directory}/chunks_head/000001`, 200);
    const events: DatabaseEvent[] = [];
    const again = open(directory, { onEvent: (e) => events.push(e) });
    expect(events.map((e) => [e.level, e.error?.code])).toEqual([['warn', 'data_corrupt']]);
    expect(contents(again)).toEqual(all);
    again.close();
  });
});

describe.skipIf(!promtool)('promtool and our blocks (skipped: promtool is not installed)', () => {
  test('dumps the same samples from blocks, merged blocks and the rest of the log', () => {
    const db = open(directory);
    fill(db, 23);
    const before = promtoolDump(directory).sort();
    runSteps(db.maintain());
    expect(promtoolDump(directory).sort()).toEqual(before);
    expect(before.length).toBe(23 * 60 * 5);
    db.deleteSamples([[equal('i', '1')]], BASE_MS, BASE_MS + 24 * HOUR);
    expect(promtoolDump(directory).length).toBe(23 * 60 * 4);
    db.close();
  });
});
