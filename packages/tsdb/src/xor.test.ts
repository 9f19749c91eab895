import fc from 'fast-check';
import { expect, test } from 'vitest';
import { appendXor, chunkSamples, DECODE_SLACK_BYTES, decodeXor, MAX_XOR_SAMPLE_BYTES, xorStates } from './xor.ts';

function encode(ts: readonly number[], values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 + ts.length * MAX_XOR_SAMPLE_BYTES);
  const states = xorStates(1);
  for (let i = 0; i < ts.length; i++) appendXor(bytes, 0, states, 0, ts[i], values[i]);
  return bytes.slice(0, (states.bits[0] + 7) >>> 3);
}

function decode(chunk: Uint8Array): { ts: number[]; bits: bigint[]; got: number; n: number } {
  const padded = new Uint8Array(chunk.length + DECODE_SLACK_BYTES);
  padded.set(chunk);
  const n = chunkSamples(padded, 0);
  const ts = new Float64Array(n);
  const values = new Float64Array(n);
  const got = decodeXor(padded, 0, chunk.length, n, ts, new Uint32Array(values.buffer), 0);
  return { ts: [...ts], bits: [...new BigUint64Array(values.buffer)], got, n };
}

const bitsOf = (values: readonly number[]) => [...new BigUint64Array(new Float64Array(values).buffer)];

const samples = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constant(15000), fc.integer({ min: 1, max: 20000 }), fc.integer({ min: 1, max: 2 ** 31 })),
      fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 1000 }), fc.double(), fc.constant(Number.NaN)),
    ),
    { minLength: 1, maxLength: 200 },
  )
  .map((steps) => {
    let t = 1_700_000_000_000;
    return { ts: steps.map(([d]) => (t += d)), values: steps.map(([, v]) => v) };
  });

test('what is encoded is decoded, to the bit', () => {
  fc.assert(
    fc.property(samples, ({ ts, values }) => {
      const out = decode(encode(ts, values));
      expect(out.got).toBe(ts.length);
      expect(out.ts).toEqual(ts);
      expect(out.bits).toEqual(bitsOf(values));
    }),
  );
});

test('a chunk that was cut short is noticed or decodes fewer samples, never reads beyond', () => {
  fc.assert(
    fc.property(samples, fc.nat(), ({ ts, values }, cut) => {
      const chunk = encode(ts, values);
      const short = chunk.slice(0, Math.max(2, cut % chunk.length));
      const out = decode(short);
      expect(out.got).toBeLessThan(ts.length);
    }),
  );
});

test('negative and zero timestamps', () => {
  const ts = [-62135596800000, -5, 0, 7, 2 ** 43];
  const out = decode(encode(ts, [1, 2, 3, 4, 5]));
  expect(out.ts).toEqual(ts);
});
