import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pack } from '@belfry/sdk';
import { afterAll, describe, expect, test } from 'vitest';
import { CHECKS, type Example, type PackSource, runCheck, sourceFile } from './index.ts';

// Inside of the room, so that a pack finds the SDK.
const folder = join(import.meta.dirname, '../node_modules/.examples');
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function packsOf(example: Example): Promise<PackSource[]> {
  const text = example['pack.ts'];
  if (text === undefined) return [];
  const path = join(mkdtempSync(join(folder, 'pack-')), 'pack.ts');
  writeFileSync(path, text);
  const loaded = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { default: Pack };
  return [{ pack: loaded.default, files: [sourceFile('pack.ts', text)] }];
}

async function findings(name: string, example: Example) {
  const files = Object.entries(example).flatMap(([path, text]) => (path === 'pack.ts' ? [] : [sourceFile(path, text)]));
  return (await runCheck({ files, packs: await packsOf(example), only: [name] })).problems;
}

describe('every check finds its bad example and not its good one', () => {
  test.each(CHECKS.map((c) => [c.name, c] as const))('%s', async (name, check) => {
    const bad = await findings(name, check.bad);
    expect(bad.map((p) => p.check)).toContain(name);
    for (const p of bad) {
      expect(p.line).toBeGreaterThan(0);
      expect(p.endLine > p.line || p.endColumn >= p.column).toBe(true);
    }
    expect(await findings(name, check.good)).toEqual([]);
  });
});
