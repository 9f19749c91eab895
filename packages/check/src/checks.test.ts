import { describe, expect, test } from 'vitest';
import { CHECKS, type Example, runCheck, sourceFile } from './index.ts';

const findings = async (name: string, example: Example) => {
  const files = Object.entries(example).map(([path, text]) => sourceFile(path, text));
  return (await runCheck({ files, only: [name] })).problems;
};

describe('every check finds its bad example and not its good one', () => {
  test.each(CHECKS.map((c) => [c.name, c] as const))('%s', async (name, check) => {
    const bad = await findings(name, check.bad);
    expect(bad.length).toBeGreaterThan(0);
    expect(bad.map((p) => p.check)).toContain(name);
    for (const p of bad) {
      expect(p.line).toBeGreaterThan(0);
      expect(p.endLine > p.line || p.endColumn >= p.column).toBe(true);
    }
    expect(await findings(name, check.good)).toEqual([]);
  });
});
