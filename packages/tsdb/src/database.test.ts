import * as fs from 'node:fs';
import { BelfryError, REFUSED, STALE_NAN, STALE_NAN_BITS } from '@belfry/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Database, DatabaseEvent } from './database.ts';
import { BASE_MS, contents, equal, metric, open, temporaryDirectory } from './testing.ts';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** As after kill -9: nothing is written out, only the lock is let go. */
function abandon(): void {
  fs.rmSync(`${directory}/lock`);
}

function fill(db: Database, series: number, samples: number, from = BASE_MS): void {
  for (let k = 0; k < samples; k++) {
    const a = db.appender();
    for (let i = 0; i < series; i++) a.append(0, metric('m', { i: String(i) }), from + k * 15_000, i * 1000 + k);
    a.commit();
  }
}

describe('the head', () => {
  test('gives back what was committed, and nothing before', () => {
    const db = open(directory);
    const a = db.appender();
    const ref = a.append(0, metric('up', { job: 'x' }), BASE_MS, 1);
    expect(ref).toBeGreaterThan(0);
    expect(contents(db)).toEqual({});
    a.commit();
    const b = db.appender();
    expect(b.append(ref, metric('up', { job: 'x' }), BASE_MS + 1000, 2)).toBe(ref);
    b.rollback();
    expect(contents(db)).toEqual({ '["__name__","up","job","x"]': [[BASE_MS, 1]] });
    db.close();
  });

  test('refuses what Prometheus refuses, and says why', () => {
    const db = open(directory);
    const up = metric('up');
    const a = db.appender();
    const ref = a.append(0, up, BASE_MS + 3_600_000, 1);
    expect(a.append(ref, up, BASE_MS + 3_600_000, 1)).toBe(ref);
    expect(a.append(ref, up, BASE_MS + 3_600_000, 2)).toBe(REFUSED.duplicate);
    expect(a.append(ref, up, BASE_MS + 3_599_999, 2)).toBe(REFUSED.outOfOrder);
    a.commit();
    const b = db.appender();
    expect(b.append(0, metric('old'), BASE_MS - 1, 1)).toBe(REFUSED.outOfBounds);
    expect(b.append(0, metric('old'), BASE_MS, 1)).toBeGreaterThan(0);
    b.commit();
    db.close();
  });

  test('staleness markers keep their bits, other NaNs theirs', () => {
    const db = open(directory);
    const a = db.appender();
    const ref = a.append(0, metric('m'), BASE_MS, Number.NaN) as number;
    a.append(ref, metric('m'), BASE_MS + 1, STALE_NAN);
    a.commit();
    const bits = [...db.select([equal('__name__', 'm')], 0, 1e15)].flatMap((s) => [
      ...new BigUint64Array(s.values.slice(0, s.count).buffer),
    ]);
    expect(bits[1]).toBe(STALE_NAN_BITS);
    expect(bits[0]).not.toBe(STALE_NAN_BITS);
    db.close();
  });

  test('a reader sees one moment, also while chunks are completed under it', () => {
    const db = open(directory);
    fill(db, 2, 100);
    const reading = db.select([equal('__name__', 'm')], 0, 1e15)[Symbol.iterator]();
    expect(reading.next().value!.count).toBe(100);
    fill(db, 2, 300, BASE_MS + 100 * 15_000);
    expect(reading.next().value!.count).toBe(100);
    expect(reading.next().done).toBe(true);
    db.close();
  });
});

describe('matchers', () => {
  const cases: [string, Parameters<Database['select']>[0], string[]][] = [
    ['equal', [equal('a', '1')], ['x1', 'x12']],
    ['equal to nothing', [equal('__name__', 'm'), equal('b', '')], ['x1']],
    ['not equal', [equal('__name__', 'm'), { name: 'a', op: '!=', value: '1' }], ['x2', 'none']],
    ['regex of values', [{ name: 'a', op: '=~', value: '1|2' }], ['x1', 'x12', 'x2']],
    [
      'regex that matches the empty value',
      [equal('__name__', 'm'), { name: 'a', op: '=~', value: '1?' }],
      ['x1', 'x12', 'none'],
    ],
    ['negative regex', [equal('__name__', 'm'), { name: 'b', op: '!~', value: '.+' }], ['x1']],
    ['only empty-matching', [{ name: 'zz', op: '=', value: '' }], ['x1', 'x12', 'x2', 'none']],
    ['prefix', [{ name: 'id', op: '=~', value: 'x.*' }], ['x1', 'x12', 'x2']],
  ];
  test.each(cases)('%s', (_, matchers, expected) => {
    const db = open(directory);
    const a = db.appender();
    a.append(0, metric('m', { a: '1', id: 'x1' }), BASE_MS, 1);
    a.append(0, metric('m', { a: '1', b: '2', id: 'x12' }), BASE_MS, 1);
    a.append(0, metric('m', { a: '2', b: '2', id: 'x2' }), BASE_MS, 1);
    a.append(0, metric('m', { b: '3', id: 'none' }), BASE_MS, 1);
    a.commit();
    const ids = [...db.select(matchers, 0, 1e15)].map((s) => s.labels[s.labels.indexOf('id') + 1]);
    expect(ids.sort()).toEqual([...expected].sort());
    db.close();
  });
});

describe('after a crash', () => {
  test('everything committed is there, and the store goes on', () => {
    const db = open(directory);
    fill(db, 5, 400);
    const before = contents(db);
    abandon();
    const again = open(directory);
    expect(contents(again)).toEqual(before);
    fill(again, 5, 10, BASE_MS + 400 * 15_000);
    again.close();
    const third = open(directory);
    expect(contents(third)['["__name__","m","i","0"]'].length).toBe(410);
    third.close();
  });

  test('a torn tail of the log is cut off and told', () => {
    const db = open(directory);
    fill(db, 3, 10);
    abandon();
    const path = `${directory}/wal/00000000`;
    fs.truncateSync(path, fs.statSync(path).size - 3);
    const events: DatabaseEvent[] = [];
    const again = open(directory, { onEvent: (e) => events.push(e) });
    expect(events.map((e) => e.level)).toEqual(['info']);
    expect(contents(again)['["__name__","m","i","0"]'].length).toBe(9);
    again.close();
  });

  test('a damaged log segment is set aside, told, and the rest served, once and for all', () => {
    const db = open(directory);
    for (let k = 0; k < 4000; k++) {
      const a = db.appender();
      a.append(0, metric('m', { i: String(k), padding: 'x'.repeat(50) + k }), BASE_MS, k);
      a.commit();
    }
    abandon();
    const path = `${directory}/wal/00000000`;
    const bytes = fs.readFileSync(path);
    bytes[70_000] ^= 0xff;
    fs.writeFileSync(path, bytes);
    const events: DatabaseEvent[] = [];
    const again = open(directory, { onEvent: (e) => events.push(e) });
    // The second: samples whose series record was lost with it.
    expect(events.map((e) => e.level)).toEqual(['error', 'warn']);
    expect(events[0].error).toBeInstanceOf(BelfryError);
    expect(events[0].error!.code).toBe('data_corrupt');
    const left = Object.keys(contents(again)).length;
    expect(left).toBeGreaterThan(3000);
    expect(left).toBeLessThan(4000);
    again.close();
    expect(fs.readdirSync(`${directory}/corrupt`)).toEqual(['wal-00000000']);
    const events2: DatabaseEvent[] = [];
    const third = open(directory, { onEvent: (e) => events2.push(e) });
    expect(events2.map((e) => e.level)).toEqual(['warn']);
    expect(Object.keys(contents(third)).length).toBe(left);
    third.close();
  });
});

describe('the lock', () => {
  test('a second store on the directory is refused, naming the holder', () => {
    const db = open(directory);
    expect(() => open(directory)).toThrow(/in use by this process/);
    db.close();
    open(directory).close();
  });

  test('a lock left by a process that is gone is taken over', () => {
    fs.writeFileSync(`${directory}/lock`, JSON.stringify({ pid: 2 ** 22 + 1, started: 'x' }));
    open(directory).close();
    fs.writeFileSync(`${directory}/lock`, '');
    open(directory).close();
  });
});
