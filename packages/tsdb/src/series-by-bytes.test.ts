import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seriesByBytes } from './series-by-bytes.ts';
import { BASE_MS, contents, metric, open, temporaryDirectory } from './testing.ts';
import { writeBatch } from './write.ts';

test('finds what was added, by all of its bytes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ maxLength: 40 }), { maxLength: 3000 }), (names) => {
      const cache = seriesByBytes();
      for (const name of names) {
        const bytes = Buffer.from(`..${name}.`);
        expect(cache.find(bytes, 2, bytes.length - 1)).toBe(-1);
        const entry = cache.add(bytes, 2, bytes.length - 1, metric(name));
        cache.setRef(entry, entry + 7);
      }
      for (const [i, name] of names.entries()) {
        const bytes = Buffer.from(name);
        const entry = cache.find(bytes, 0, bytes.length);
        expect([entry, cache.ref(entry), cache.labels(entry)]).toEqual([i, i + 7, metric(name)]);
      }
    }),
    { numRuns: 30 },
  );
});

test('begins anew when it is full', () => {
  const cache = seriesByBytes(10);
  for (let i = 0; i < 25; i++) cache.add(Buffer.from(`series ${i}`), 0, 8, metric('m'));
  expect(cache.size).toBe(5);
});

test('a batch written with references that are known, unknown or outdated', () => {
  const directory = temporaryDirectory();
  const db = open(directory);
  const refs = new Float64Array([0, 999]);
  const batch = (t: number) => ({
    labels: [metric('a'), metric('b')],
    series: Uint32Array.of(0, 1),
    timestamps: new Float64Array(2).fill(t),
    values: Float64Array.of(1, 2),
  });
  expect(writeBatch(db, batch(BASE_MS), refs).samples).toBe(2);
  const known = [...refs];
  expect(known.every((r) => r > 0 && r !== 999)).toBe(true);
  expect(writeBatch(db, batch(BASE_MS + 1), refs).samples).toBe(2);
  expect([...refs]).toEqual(known);
  expect(Object.values(contents(db)).map((s) => s.length)).toEqual([2, 2]);
  db.close();
});
