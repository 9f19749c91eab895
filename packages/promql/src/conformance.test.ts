import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KNOWN_DIVERGENCES } from './known-divergences.ts';
import { runPromqlTest } from './promqltest.ts';

const folder = process.env.CONFORMANCE_DATA;

describe.skipIf(!folder)('Prometheus’ PromQL tests (set CONFORMANCE_DATA to the folder that has promqltest/)', () => {
  const scripts = join(folder ?? '.', 'promqltest');
  const files = folder ? readdirSync(scripts).filter((name) => name.endsWith('.test')) : [];

  test.each(files)('%s', async (name) => {
    const result = await runPromqlTest(readFileSync(join(scripts, name), 'utf8'));
    const known = new Set(KNOWN_DIVERGENCES.filter((d) => d.file === name).map((d) => d.line));
    const failed = new Set(result.failures.map((f) => f.line));
    console.log(`${name}: ${result.evals - failed.size} of ${result.evals} evaluations pass`);
    expect(result.failures.filter((f) => !known.has(f.line))).toEqual([]);
    // The list may only shrink: what passes now must leave it.
    expect([...known].filter((line) => !failed.has(line))).toEqual([]);
  });
});
