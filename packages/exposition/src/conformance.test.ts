import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import { checkOpenMetrics, ENTRY, openMetricsParser, textParser } from './index.ts';

interface Vector {
  readonly id: string;
  readonly format: 'text' | 'openmetrics';
  readonly expect: 'accept' | 'reject';
  readonly input: string;
  /** From the suite of the specification, which is stricter than Prometheus is when it scrapes. */
  readonly spec?: boolean;
}

const root = process.env.CONFORMANCE_DATA;
const file = root ? join(root, 'exposition', 'vectors.json') : '';

function verdict(vector: Vector): string {
  const bytes = Buffer.from(vector.input, 'base64');
  const parser = vector.format === 'text' ? textParser(bytes) : openMetricsParser(bytes);
  try {
    for (let entry = parser.next(); entry !== ENTRY.end; entry = parser.next()) {
      if (entry === ENTRY.series) parser.labels();
      if (entry === ENTRY.series) parser.exemplar();
    }
    return 'accept';
  } catch (error) {
    expect(messageOf(error)).toMatch(/^\d+:\d+: /);
    return 'reject';
  }
}

describe.skipIf(!existsSync(file))('vectors of Prometheus (skipped unless CONFORMANCE_DATA names their folder)', () => {
  const vectors: Vector[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  test.each(vectors.filter((v) => !v.spec).map((v) => [v.id, v] as const))('%s', (_, vector) => {
    expect(verdict(vector)).toBe(vector.expect);
  });
  test.each(vectors.filter((v) => v.spec).map((v) => [v.id, v] as const))('%s', (_, vector) => {
    const problems = checkOpenMetrics(Buffer.from(vector.input, 'base64'));
    expect(problems.map((p) => p.located)).toEqual(
      vector.expect === 'accept' ? [] : expect.arrayContaining([expect.any(String)]),
    );
    // What the specification takes, scraping takes.
    if (vector.expect === 'accept') expect(verdict(vector)).toBe('accept');
  });
});
