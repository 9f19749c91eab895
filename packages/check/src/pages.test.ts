import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CHECK_PAGES, CHECKS, checkPages } from './index.ts';

const folder = join(import.meta.dirname, '../../..', CHECK_PAGES);

describe('docs/checks is made from the checks (vitest -u writes it)', () => {
  test.each(checkPages().map((p) => [p.path, p.text] as const))('%s', async (path, text) => {
    await expect(text).toMatchFileSnapshot(join(folder, path));
  });

  test('there is no page of a check that is gone', () => {
    expect(readdirSync(folder).sort()).toEqual(
      checkPages()
        .map((p) => p.path)
        .sort(),
    );
  });
});

test('every check says what it finds and why, and its name is its file’s', () => {
  const files = readdirSync(join(import.meta.dirname, 'checks')).filter((f) => f !== 'index.ts');
  expect(CHECKS.map((c) => `${c.name}.ts`).sort()).toEqual(files.sort());
  for (const check of CHECKS) {
    expect(check.finds).toMatch(/^[^a-z].*\.$/s);
    expect(check.why.length).toBeGreaterThan(30);
    expect(check.name).toMatch(/^[a-z][a-z0-9-]*$/);
  }
});
