import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BASE_MS, metric, open, promtool, promtoolDump, temporaryDirectory } from './testing.ts';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

describe.skipIf(!promtool)('promtool reads what we wrote (skipped: promtool is not installed)', () => {
  test('the log of a store that was killed', () => {
    const db = open(directory);
    const expected: string[] = [];
    for (let k = 0; k < 300; k++) {
      const a = db.appender();
      for (let i = 0; i < 3; i++) {
        a.append(0, metric('m', { i: String(i) }), BASE_MS + k * 15_000, i + k);
        expected.push(`{__name__="m", i="${i}"} ${i + k} ${BASE_MS + k * 15_000}`);
      }
      a.commit();
    }
    expect(promtoolDump(directory).sort()).toEqual(expected.sort());
    db.close();
    expect(promtoolDump(directory).sort()).toEqual(expected.sort());
  });
});
