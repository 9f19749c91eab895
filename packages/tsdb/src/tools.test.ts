import * as fs from 'node:fs';
import { seededRandom, systemClock } from '@belfry/model';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blockBuilder } from './block-builder.ts';
import { nodeFiles } from './files.ts';
import { runSteps } from './steps.ts';
import { BASE_MS, contents, equal, metric, open, promtool, promtoolDump, temporaryDirectory } from './testing.ts';
import { analyzeBlock, setDamagedBlocksAside, verifyDirectory } from './verify.ts';

const HOUR = 3600_000;

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

function backfill(): number {
  const random = seededRandom(4);
  const context = { files: nodeFiles, directory, clock: systemClock, random };
  const builder = blockBuilder(context, 2 * HOUR);
  const times = Array.from({ length: 600 }, (_, k) => BASE_MS + k * 60_000).sort(() => random() - 0.5);
  for (const t of times) for (let i = 0; i < 4; i++) builder.add(metric('m', { i: String(i) }), t, t % 1000);
  builder.finish();
  return 600 * 4;
}

test('backfilled blocks are served, verified, analyzed, and dumped by promtool', () => {
  const count = backfill();
  expect(verifyDirectory(nodeFiles, directory)).toEqual([]);
  const db = open(directory);
  expect(db.state.blocks.length).toBe(5);
  expect(Object.values(contents(db)).flat().length).toBe(count);
  const analysis = analyzeBlock(nodeFiles, db.state.blocks[0].directory, 2);
  expect(analysis).toMatchObject({
    series: 4,
    labelNames: 2,
    labelPairs: 5,
    seriesByMetric: [{ name: 'm', count: 4 }],
  });
  db.close();
  if (promtool) expect(promtoolDump(directory).length).toBe(count);
});

test('verify finds damage in any file, and the damaged block can be set aside', () => {
  backfill();
  const block = fs.readdirSync(directory).find((name) => name.length === 26)!;
  const path = `${directory}/${block}/chunks/000001`;
  const bytes = fs.readFileSync(path);
  bytes[bytes.length - 10] ^= 4;
  fs.writeFileSync(path, bytes);
  const problems = verifyDirectory(nodeFiles, directory);
  expect(problems).toMatchObject([{ path, block, harmless: false }]);
  setDamagedBlocksAside(nodeFiles, directory, problems);
  expect(verifyDirectory(nodeFiles, directory)).toEqual([]);
});

test('a directory can be read while another process writes to it, and nothing of it changes', () => {
  const db = open(directory);
  for (let k = 0; k < 500; k++) {
    const a = db.appender();
    a.append(0, metric('m'), BASE_MS + k * 60_000, k);
    a.commit();
  }
  runSteps(db.maintain());
  const before = fs.readdirSync(directory, { recursive: true }).sort();
  const reader = open(directory, { readOnly: true });
  expect(contents(reader)).toEqual(contents(db));
  expect(() => reader.appender()).toThrow(/reading only/);
  expect(() => reader.deleteSamples([[equal('a', 'b')]], 0, 1)).toThrow(/reading only/);
  reader.close();
  expect(fs.readdirSync(directory, { recursive: true }).sort()).toEqual(before);
  db.close();
});
