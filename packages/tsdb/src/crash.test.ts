/**
 * Crash safety: seeded rounds of writing, compacting, failing and recovering on a simulated disk. `TSDB_CRASH_ROUNDS` sets how
 * many, `TSDB_CRASH_SEED` the first seed; a failure names its seed.
 */
import { BelfryError, type Random, seededRandom, VirtualClock } from '@belfry/model';
import { expect, test } from 'vitest';
import { type Database, type DatabaseEvent, openDatabase } from './database.ts';
import { Crash, type SimulatedDisk, simulatedDisk } from './simulated-disk.ts';
import { runSteps } from './steps.ts';
import { metric } from './testing.ts';

const ROUNDS = Number(process.env.TSDB_CRASH_ROUNDS ?? 50);
const FIRST_SEED = Number(process.env.TSDB_CRASH_SEED ?? 1);
const RANGE_MS = 60_000;
const STEP_MS = 1000;
const SERIES = 7;
const DIRECTORY = '/data';

/** What must be there (`acknowledged`), and what may be: its commit failed or was cut off by the crash. */
interface Expected {
  readonly acknowledged: Map<string, Map<number, number>>;
  readonly maybe: Map<string, Map<number, number>>;
}

interface Round {
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly expected: Expected;
  readonly events: DatabaseEvent[];
  t: number;
  /** Every second round takes late samples too. */
  readonly late: boolean;
}

const nameOf = (i: number) => metric('m', { i: String(i), churn: i > 4 ? 'yes' : 'no' });

function newRound(seed: number): Round {
  const random = seededRandom(seed);
  return {
    random,
    disk: simulatedDisk(random),
    expected: { acknowledged: new Map(), maybe: new Map() },
    events: [],
    t: 1_700_000_040_000,
    late: seed % 2 === 0,
  };
}

function openRound(r: Round): Database {
  return openDatabase({
    directory: DIRECTORY,
    clock: new VirtualClock(r.t),
    random: r.random,
    files: r.disk,
    blockRangeMs: RANGE_MS,
    maxBlockRangeMs: RANGE_MS * 9,
    retentionMs: 0,
    walSegmentBytes: 32 * 1024,
    outOfOrderWindowMs: r.late ? RANGE_MS * 1.5 : 0,
    cacheBytes: 1024 * 1024,
    onEvent: (e) => r.events.push(e),
  });
}

function note(into: Map<string, Map<number, number>>, key: string, t: number, v: number): void {
  let samples = into.get(key);
  if (!samples) {
    samples = new Map();
    into.set(key, samples);
  }
  samples.set(t, v);
}

function isWritten({ expected }: Round, key: string, t: number): boolean {
  return expected.acknowledged.get(key)?.has(t) === true || expected.maybe.get(key)?.has(t) === true;
}

function writeSome(r: Round, db: Database): void {
  const steps = 1 + Math.floor(r.random() * 20);
  for (let k = 0; k < steps; k++) {
    r.t += STEP_MS + Math.floor(r.random() * 5);
    const taken: [string, number, number][] = [];
    const appender = db.appender();
    for (let i = 0; i < SERIES; i++) {
      if (i > 4 && r.random() < 0.7) continue;
      const value = r.random() < 0.5 ? Math.floor(r.random() * 100) : r.random();
      if (appender.append(0, nameOf(i), r.t, value) > 0) taken.push([JSON.stringify(nameOf(i)), r.t, value]);
    }
    for (let n = r.late ? Math.floor(r.random() * 4) : 0; n > 0; n--) {
      const name = nameOf(Math.floor(r.random() * 4));
      const key = JSON.stringify(name);
      const t = r.t - Math.floor(r.random() * RANGE_MS * 1.4);
      if (taken.some(([k, u]) => k === key && u === t) || isWritten(r, key, t)) continue;
      const value = r.random();
      if (appender.append(0, name, t, value) > 0) taken.push([key, t, value]);
    }
    try {
      appender.commit();
      for (const [key, t, v] of taken) note(r.expected.acknowledged, key, t, v);
    } catch (error) {
      for (const [key, t, v] of taken) note(r.expected.maybe, key, t, v);
      if (error instanceof Crash || r.disk.faults.crashShare > 0) throw error;
      expect(error).toBeInstanceOf(BelfryError);
    }
  }
}

function readAll(db: Database): Map<string, Map<number, number>> {
  const out = new Map<string, Map<number, number>>();
  for (const s of db.select([{ name: '__name__', op: '=', value: 'm' }], 0, 1e15)) {
    const samples = new Map<number, number>();
    for (let i = 0; i < s.count; i++) {
      if (i > 0) expect(s.timestamps[i]).toBeGreaterThan(s.timestamps[i - 1]);
      samples.set(s.timestamps[i], s.values[i]);
    }
    out.set(JSON.stringify(s.labels), samples);
  }
  return out;
}

/** Nothing that was never written; and, unless losses are to be expected, everything that was acknowledged. */
function verify(r: Round, db: Database, lossAllowed = false): number {
  const found = readAll(db);
  let missing = 0;
  for (const [key, samples] of found) {
    for (const [t, v] of samples) {
      const known = r.expected.acknowledged.get(key)?.get(t) ?? r.expected.maybe.get(key)?.get(t);
      if (known !== v) throw new Error(`${key} at ${t} is ${v}, but ${known} was written`);
    }
  }
  for (const [key, samples] of r.expected.acknowledged) {
    for (const t of samples.keys()) if (!found.get(key)?.has(t)) missing++;
  }
  if (!lossAllowed && missing > 0) throw new Error(`${missing} acknowledged samples are missing`);
  return missing;
}

function adopt(r: Round, db: Database): void {
  r.expected.acknowledged.clear();
  for (const [key, samples] of readAll(db)) r.expected.acknowledged.set(key, samples);
}

/** Until something ends it: a crash, or the end of the round. */
function work(r: Round, db: Database): void {
  for (let n = 2 + Math.floor(r.random() * 8); n > 0; n--) {
    const dice = r.random();
    if (dice < 0.7) writeSome(r, db);
    else if (dice < 0.95) runSteps(db.maintain());
    else {
      // A compaction that is left in the middle, with more writing, as the worker does it.
      const steps = db.maintain();
      for (let i = Math.floor(r.random() * 30); i > 0; i--) steps.next();
      writeSome(r, db);
      runSteps(steps);
    }
    // A failure inside maintenance is told, not thrown; a crash must end the round all the same.
    r.disk.status(DIRECTORY);
  }
}

function workUntilCrash(r: Round, db: Database): void {
  try {
    work(r, db);
  } catch (error) {
    if (!isCrash(error)) throw error;
  }
}

function isCrash(error: unknown): boolean {
  if (error instanceof Crash) return true;
  return error instanceof Error && error.cause !== undefined && isCrash(error.cause);
}

function unlock(r: Round): void {
  if (r.disk.paths().includes(`${DIRECTORY}/lock`)) r.disk.remove(`${DIRECTORY}/lock`);
}

/** Opens until it succeeds: the machine may crash while it recovers. */
function recover(r: Round): Database {
  for (;;) {
    r.disk.kill();
    unlock(r);
    r.disk.faults.crashShare = r.random() < 0.3 ? 0.05 : 0;
    try {
      const db = openRound(r);
      r.disk.faults.crashShare = 0;
      return db;
    } catch (error) {
      if (!isCrash(error)) throw error;
    }
  }
}

/** `past`: seeds that found a mistake once. */
function rounds(kind: string, past: readonly number[], play: (r: Round) => void): void {
  test(`${ROUNDS} rounds: ${kind}`, () => {
    const seeds = [...past, ...Array.from({ length: ROUNDS }, (_, i) => FIRST_SEED + i)];
    for (const seed of seeds) {
      const r = newRound(seed);
      try {
        play(r);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}`, { cause: error });
      }
    }
  }, 120_000);
}

// 90030: a marker in the log of late samples whose chunk the crash took, and another chunk in its place.
rounds('killed at any moment, also while recovering: nothing acknowledged is lost', [90030], (r) => {
  let db = openRound(r);
  for (let life = 0; life < 4; life++) {
    r.disk.faults.crashShare = r.random() < 0.8 ? 0.002 + r.random() * 0.02 : 0;
    workUntilCrash(r, db);
    db = recover(r);
    verify(r, db);
    expect(r.events.filter((e) => e.level === 'error' && !isCrash(e.error))).toEqual([]);
  }
  db.close();
});

rounds('a full disk, and I/O errors: refused and told, queries go on, and writing recovers by itself', [], (r) => {
  let db = openRound(r);
  for (let life = 0; life < 3; life++) {
    writeSome(r, db);
    r.disk.faults.full = true;
    const before = db.appender();
    before.append(0, nameOf(0), r.t + 1, 1);
    expect(() => before.commit()).toThrow(expect.objectContaining({ code: 'storage_full' }));
    note(r.expected.maybe, JSON.stringify(nameOf(0)), r.t + 1, 1);
    work(r, db);
    r.disk.faults.full = false;
    verify(r, db);
    r.disk.faults.ioErrorShare = 0.02;
    try {
      work(r, db);
    } catch (error) {
      if (!(error instanceof BelfryError)) throw error;
    }
    r.disk.faults.ioErrorShare = 0;
    verify(r, db);
    const acknowledged = r.expected.acknowledged.get(JSON.stringify(nameOf(0)))!.size;
    writeSome(r, db);
    expect(r.expected.acknowledged.get(JSON.stringify(nameOf(0)))!.size).toBeGreaterThan(acknowledged);
    runSteps(db.maintain());
    verify(r, db);
    if (r.random() < 0.5) db.close();
    db = recover(r);
    verify(r, db);
  }
  db.close();
});

// 24: what was left of a series whose record was lost became another's.
rounds('power cuts: what was not synced may be gone, but nothing is invented and the rest is served', [24], (r) => {
  let db = openRound(r);
  for (let life = 0; life < 3; life++) {
    r.disk.faults.crashShare = r.random() < 0.5 ? 0.01 : 0;
    workUntilCrash(r, db);
    r.disk.cutPower();
    unlock(r);
    db = openRound(r);
    verify(r, db, true);
    adopt(r, db);
    writeSome(r, db);
    verify(r, db);
  }
  db.close();
});

// 200289: the flag that a record is compressed.
rounds('flipped bits: nothing wrong is served, and nothing is missing without a word', [200289], (r) => {
  let db = openRound(r);
  for (let n = 0; n < 4; n++) work(r, db);
  if (r.random() < 0.5) db.close();
  r.disk.kill();
  unlock(r);
  r.events.length = 0;
  // The description of a block has no checksum in Prometheus' format.
  const paths = r.disk.paths().filter((p) => !p.endsWith('/meta.json'));
  const path = paths[Math.floor(r.random() * paths.length)];
  if (r.disk.status(path)!.size === 0) return;
  r.disk.flipBit(path);
  db = openRound(r);
  let thrown = false;
  let missing = 0;
  try {
    missing = verify(r, db, true);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    expect(error.code).toBe('data_corrupt');
    thrown = true;
  }
  if (missing > 0 && !thrown)
    expect(
      r.events.some((e) => e.error?.code === 'data_corrupt'),
      path,
    ).toBe(true);
  writeSome(r, db);
  db.close();
});
