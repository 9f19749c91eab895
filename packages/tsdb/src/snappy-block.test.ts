import fc from 'fast-check';
import { compressSync } from 'snappy';
import { expect, test } from 'vitest';
import { decompressSnappy } from './snappy-block.ts';

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
