import { CUSTOM_BUCKETS_SCHEMA, type FloatHistogram, isStaleNaN } from '@belfry/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  appendHistogram,
  bucketIndices,
  decodeHistogramChunk,
  type HistogramChunk,
  newHistogramChunk,
  sameHistogram,
  staleHistogram,
} from './histogram-chunk.ts';

const spans = fc
  .array(fc.record({ offset: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 4 }) }), {
    maxLength: 3,
  })
  .map((list) => list.map((s, i) => (i === 0 ? { ...s, offset: s.offset - 5 } : s)));

const anyHistogram = (integer: boolean): fc.Arbitrary<FloatHistogram> =>
  fc
    .record({
      positiveSpans: spans,
      negativeSpans: spans,
      seed: fc.array(integer ? fc.nat(1_000_000) : fc.double({ min: 0, max: 1e9, noNaN: true }), {
        minLength: 30,
        maxLength: 30,
      }),
      custom: fc.boolean(),
      zeroThreshold: fc.constantFrom(0, 2 ** -128, 0.001, 2 ** 10),
      hint: fc.constantFrom('unknown' as const, 'gauge' as const, 'reset' as const),
      sum: fc.double({ noNaN: true }),
    })
    .map(({ positiveSpans, negativeSpans, seed, custom, zeroThreshold, hint, sum }) => ({
      schema: custom ? CUSTOM_BUCKETS_SCHEMA : 3,
      zeroThreshold: custom ? 0 : zeroThreshold,
      zeroCount: custom ? 0 : seed[29],
      count: seed[28] + seed[27],
      sum,
      positiveSpans,
      negativeSpans: custom ? [] : negativeSpans,
      positiveBuckets: bucketIndices(positiveSpans).map((_, i) => seed[i]),
      negativeBuckets: custom ? [] : bucketIndices(negativeSpans).map((_, i) => seed[i + 13]),
      counterResetHint: hint,
      ...(integer ? { integer: true } : {}),
      ...(custom ? { customValues: [0.005, 1, 2.5, Math.PI, 1e9] } : {}),
    }));

function encodeAll(integer: boolean, histograms: readonly FloatHistogram[]): HistogramChunk[] {
  const chunks: HistogramChunk[] = [];
  let chunk: HistogramChunk | undefined;
  histograms.forEach((h, i) => {
    const t = 1_700_000_000_000 + i * 15_000 + (i % 3);
    if (!chunk || !appendHistogram(chunk, t, h)) {
      chunk = newHistogramChunk(integer, h, chunk);
      expect(appendHistogram(chunk, t, h)).toBe(true);
      chunks.push(chunk);
    }
  });
  return chunks;
}

for (const integer of [true, false]) {
  test(`what is encoded is decoded: ${integer ? 'integer' : 'float'} histograms of changing layouts, with stale markers`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 6, arbitrary: anyHistogram(integer) }, fc.constant(staleHistogram(integer))), {
          minLength: 1,
          maxLength: 30,
        }),
        (histograms) => {
          const out: [number, FloatHistogram][] = [];
          for (const c of encodeAll(integer, histograms)) {
            const n = decodeHistogramChunk(c.bytes, 0, c.length, integer, (t, h) => out.push([t, h]));
            expect(n).toBe(c.samples);
          }
          expect(out.length).toBe(histograms.length);
          for (const [i, [t, h]] of out.entries()) {
            expect(t).toBe(1_700_000_000_000 + i * 15_000 + (i % 3));
            expect(sameHistogram(h, histograms[i])).toBe(true);
            if (!isStaleNaN(h.sum))
              expect(h.counterResetHint === 'gauge').toBe(histograms[i].counterResetHint === 'gauge');
          }
        },
      ),
      { numRuns: 200 },
    );
  });
}

test('a counter that grows stays in one chunk even when buckets appear; one that shrinks begins another', () => {
  const h = (count: number, length: number): FloatHistogram => ({
    schema: 1,
    zeroThreshold: 0,
    zeroCount: 0,
    count: count * length,
    sum: count,
    positiveSpans: [{ offset: 0, length }],
    negativeSpans: [],
    positiveBuckets: Array.from({ length }, () => count),
    negativeBuckets: [],
    counterResetHint: 'unknown',
    integer: true,
  });
  expect(encodeAll(true, [h(1, 1), h(2, 2), h(3, 2), h(3, 5)]).length).toBe(1);
  const chunks = encodeAll(true, [h(1, 1), h(5, 2), h(3, 2)]);
  expect(chunks.length).toBe(2);
  const hints: string[] = [];
  for (const c of chunks) decodeHistogramChunk(c.bytes, 0, c.length, true, (_, x) => hints.push(x.counterResetHint));
  expect(hints).toEqual(['unknown', 'not_reset', 'reset']);
});
