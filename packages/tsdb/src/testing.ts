import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { type Labels, labelsFrom, type Matcher, seededRandom, systemClock } from '@belfry/model';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';

/** What the tests of this room share. */

export const BASE_MS = 1_700_000_000_000 - (1_700_000_000_000 % 7_200_000);

export function temporaryDirectory(): string {
  return fs.mkdtempSync(`${os.tmpdir()}/belfry-tsdb-`);
}

export function open(directory: string, more: Partial<DatabaseOptions> = {}): Database {
  return openDatabase({ directory, clock: systemClock, random: seededRandom(1), ...more });
}

export function metric(name: string, more: Record<string, string> = {}): Labels {
  return labelsFrom({ __name__: name, ...more });
}

export function equal(name: string, value: string): Matcher {
  return { name, op: '=', value };
}

/** `{labels: [[t, value]…]}` of everything a selection gives. */
export function contents(
  db: Database,
  matchers: readonly Matcher[] = [{ name: '__name__', op: '=~', value: '.+' }],
  minMs = -8e15,
  maxMs = 8e15,
): Record<string, (readonly [number, number])[]> {
  const out: Record<string, (readonly [number, number])[]> = {};
  for (const s of db.select(matchers, minMs, maxMs)) {
    const key = JSON.stringify(s.labels);
    out[key] = Array.from({ length: s.count }, (_, i) => [s.timestamps[i], s.values[i]] as const);
  }
  return out;
}

export const promtool = spawnSync('promtool', ['--version']).status === 0;

/** The lines that `promtool tsdb dump` prints: `labels value time`. Of a copy: promtool writes into what it reads. */
export function promtoolDump(source: string): string[] {
  const directory = temporaryDirectory();
  try {
    fs.cpSync(source, directory, { recursive: true });
    return dump(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function dump(directory: string): string[] {
  const run = spawnSync('promtool', ['tsdb', 'dump', directory], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout.split('\n').filter((line) => line !== '');
}
