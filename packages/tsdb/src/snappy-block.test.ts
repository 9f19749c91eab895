import fc from 'fast-check';
import { compressSync, uncompressSync } from 'snappy';
import { expect, test } from 'vitest';
import { compressSnappy, decompressSnappy } from './snappy-block.ts';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 5000 }),
  fc
    .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(300)), { maxLength: 20 })
    .map((parts) =>
      Uint8Array.from(parts.flatMap(([part, times]) => Array.from({ length: times }, () => [...part]).flat())),
    ),
);

test('decompresses what the native library compressed', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      expect(Buffer.compare(decompressSnappy(compressSync(data)), data)).toBe(0);
    }),
  );
});

test('the native library decompresses what we compress, also when it is long', () => {
  const check = (data: Uint8Array) => {
    const out = Buffer.from(compressSnappy(data));
    expect(Buffer.compare(uncompressSync(out, { asBuffer: true }) as Buffer, data)).toBe(0);
    expect(Buffer.compare(decompressSnappy(out), data)).toBe(0);
    return out.length;
  };
  fc.assert(fc.property(bytes, (data) => void check(data)));
  expect(check(new Uint8Array(300_000))).toBeLessThan(20_000);
  check(Uint8Array.from({ length: 200_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 0xff));
  check(Uint8Array.from({ length: 200_000 }, (_, i) => (i % 5000) >>> 3));
});

test('damaged input is refused or gives other bytes, and never reads or writes outside', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(255), (data, at, value) => {
      const damaged = Uint8Array.from(compressSync(data));
      damaged[at % damaged.length] = value;
      try {
        decompressSnappy(damaged);
      } catch (error) {
        expect((error as Error).name).toBe('Truncated');
      }
    }),
  );
});
