import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHECKS, report, runCheck, sourceFile } from './index.ts';

/** The examples of all checks: every kind of file that there is. */
const SAMPLES = CHECKS.flatMap((c) => Object.entries({ ...c.bad, ...c.good })).filter(([name]) => name !== 'pack.ts');

describe('broken files', () => {
  test('whatever is cut out or put in, findings have places inside of the file and nothing is thrown', async () => {
    const junk = fc.constantFrom(
      '',
      '"',
      "'",
      '{',
      '}',
      '[',
      '\n',
      '  ',
      '- ',
      ': ',
      '{{',
      '}}',
      '`',
      '```',
      '|',
      'é',
      '$x',
      '\\',
      '(',
      ')',
    );
    const damage = fc.record({
      sample: fc.nat(SAMPLES.length - 1),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(40),
      junk,
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ sample, at, length, junk }) => {
        const [name, text] = SAMPLES[sample]!;
        const start = Math.floor(at * text.length);
        const file = sourceFile(name, text.slice(0, start) + junk + text.slice(start + length));
        const { problems } = await runCheck({ files: [file] });
        for (const p of problems) {
          expect(p.line).toBeGreaterThanOrEqual(1);
          expect(p.endLine).toBeLessThanOrEqual(file.lines.length);
          expect(p.endLine > p.line || p.endColumn >= p.column).toBe(true);
        }
        for (const format of ['text', 'sarif', 'junit', 'github']) report(format, problems, [file]);
      }),
      { numRuns: 400 },
    );
  });
});
