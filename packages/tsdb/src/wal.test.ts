import * as fs from 'node:fs';
import * as os from 'node:os';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFiles } from './files.ts';
import { listSegments, openWal, readSegment, WAL_PAGE_BYTES } from './wal.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(`${os.tmpdir()}/belfry-wal-`);
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

function readAll(): { records: Uint8Array[]; damages: unknown[] } {
  const records: Uint8Array[] = [];
  const damages: unknown[] = [];
  for (const s of listSegments(nodeFiles, directory)) {
    const damage = readSegment(nodeFiles, s.path, (r) => records.push(Uint8Array.from(r)));
    if (damage) damages.push(damage);
  }
  return { records, damages };
}

test('records of any size come back, over pages and segments, with each compression', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.nat(255), fc.boolean()), { maxLength: 40 }),
      fc.constantFrom('none' as const, 'snappy' as const, 'zstd' as const),
      (specs, compression) => {
        fs.rmSync(directory, { recursive: true });
        const wal = openWal({ files: nodeFiles, directory, compression, segmentBytes: 8 * WAL_PAGE_BYTES });
        const records = specs.map(([length, seed]) => Uint8Array.from({ length }, (_, i) => (i * i * 31 + seed) >>> 3));
        records.forEach((r, i) => {
          wal.add(r);
          if (specs[i][2]) wal.commit();
        });
        wal.commit();
        wal.close();
        const out = readAll();
        expect(out.damages).toEqual([]);
        expect(out.records.length).toBe(records.length);
        for (const [i, r] of out.records.entries()) expect(Buffer.compare(r, records[i])).toBe(0);
      },
    ),
    { numRuns: 30 },
  );
});

test('a torn tail is told with its position, and damage in the middle costs only what it hit', () => {
  const wal = openWal({ files: nodeFiles, directory, compression: 'none' });
  for (let i = 0; i < 100; i++) wal.add(new Uint8Array(1000).fill(i + 1));
  wal.commit();
  wal.close();
  const path = listSegments(nodeFiles, directory)[0].path;
  const whole = fs.readFileSync(path);
  fs.writeFileSync(path, whole.subarray(0, whole.length - 5));
  const torn = readAll();
  expect(torn.records.length).toBe(99);
  expect(torn.damages).toMatchObject([{ tail: true }]);

  const flipped = Buffer.from(whole);
  flipped[40_000] ^= 1;
  fs.writeFileSync(path, flipped);
  const hit = readAll();
  expect(hit.damages).toMatchObject([{ tail: false, reason: 'checksum mismatch' }]);
  expect(hit.records.length).toBeGreaterThan(60);
  expect(hit.records.at(-1)![0]).toBe(100);
});
