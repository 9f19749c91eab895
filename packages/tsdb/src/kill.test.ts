import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { sleep, systemClock } from '@belfry/model';
import { expect, test } from 'vitest';
import { runSteps } from './steps.ts';
import { BASE_MS, contents, open, promtool, promtoolDump, temporaryDirectory } from './testing.ts';

/** Writes without end; the number of each transaction goes to a file after its commit. */
const WRITER = `
import { openDatabase, runSteps } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
import { labelsFrom, systemClock, seededRandom } from '@belfry/model';
import { openSync, writeSync } from 'node:fs';
const told = openSync(process.argv[3], 'w');
const db = openDatabase({ directory: process.argv[1], clock: systemClock, random: seededRandom(1), walSegmentBytes: 1 << 20 });
const series = Array.from({ length: 50 }, (_, i) => labelsFrom({ __name__: 'm', i: String(i) }));
let steps = db.maintain();
for (let k = Number(process.argv[2]); ; k++) {
  const a = db.appender();
  for (const labels of series) a.append(0, labels, ${BASE_MS} + k * 15000, k);
  a.commit();
  writeSync(told, k + '\\n');
  for (let i = 0; i < 3; i++) if (steps.next().done) steps = db.maintain();
}
`;

async function writeAndKill(directory: string, from: number, transactions: number): Promise<number> {
  const told = `${directory}.told`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, directory, String(from), told], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  while (lastTold(told) < from + transactions && child.exitCode === null) await sleep(systemClock, 5);
  child.kill('SIGKILL');
  await ended;
  const last = lastTold(told);
  fs.rmSync(told);
  return last;
}

function lastTold(path: string): number {
  if (!fs.existsSync(path)) return -1;
  // What follows the last line end is not whole yet.
  return Number(fs.readFileSync(path, 'utf8').split('\n').at(-2) ?? -1);
}

test('a process killed while it writes and compacts has lost nothing that it acknowledged, three times over', async () => {
  const directory = temporaryDirectory();
  let acknowledged = -1;
  for (const transactions of [700, 1500, 400]) {
    acknowledged = await writeAndKill(directory, acknowledged + 1, transactions);
    const db = open(directory);
    const found = Object.values(contents(db));
    expect(found.length).toBe(50);
    for (const samples of found) {
      // One more may have been written than could be told.
      expect(samples.length - (acknowledged + 1)).toBeOneOf([0, 1]);
      expect(samples.every(([t, v], i) => v === i && t === BASE_MS + i * 15_000)).toBe(true);
    }
    acknowledged = found[0].length - 1;
    if (promtool) expect(promtoolDump(directory).length).toBe(found.flat().length);
    runSteps(db.maintain());
    db.close();
  }
  fs.rmSync(directory, { recursive: true });
});
