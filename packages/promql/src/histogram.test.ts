import type { FloatHistogram } from '@belfry/model';
import { labelsFrom, labelsHash, xxhash64 } from '@belfry/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addHistogram,
  detectReset,
  histogramsEqual,
  kahanAddHistogram,
  newCompensation,
  subtractHistogram,
} from './histogram-arithmetic.ts';
import { allBuckets, compact, copyHistogram, copyToSchema, exponentialBound } from './histogram-buckets.ts';
import { formatHistogram, formatHistogramNotation } from './histogram-format.ts';
import { histogramFraction, histogramQuantile } from './histogram-quantile.ts';
import { trimHistogram } from './histogram-trim.ts';
import { parseSequence } from './series-notation.ts';

const side = fc.record({
  offset: fc.integer({ min: -8, max: 8 }),
  counts: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }),
});
const exponential: fc.Arbitrary<FloatHistogram> = fc
  .record({
    schema: fc.integer({ min: -2, max: 3 }),
    positive: side,
    negative: side,
    zero: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ schema, positive, negative, zero }) => ({
    schema,
    zeroThreshold: 2 ** -60,
    zeroCount: zero,
    count: zero + [...positive.counts, ...negative.counts].reduce((a, b) => a + b, 0),
    sum: 1,
    positiveSpans: positive.counts.length ? [{ offset: positive.offset, length: positive.counts.length }] : [],
    negativeSpans: negative.counts.length ? [{ offset: negative.offset, length: negative.counts.length }] : [],
    positiveBuckets: positive.counts,
    negativeBuckets: negative.counts,
    counterResetHint: 'unknown',
  }));

const total = (h: FloatHistogram) => allBuckets(h).reduce((n, b) => n + b.count, 0);

describe('native histograms', () => {
  test('sums do not depend on the order, and lose no observation', () => {
    fc.assert(
      fc.property(exponential, exponential, (a, b) => {
        const ab = copyHistogram(a);
        addHistogram(ab, b);
        const ba = copyHistogram(b);
        addHistogram(ba, a);
        expect(histogramsEqual(compact(ab), compact(ba))).toBe(true);
        expect(total(ab)).toBe(a.count + b.count);
      }),
    );
  });

  test('what was added can be taken away again', () => {
    fc.assert(
      fc.property(exponential, exponential, (a, b) => {
        const sum = copyHistogram(a);
        addHistogram(sum, b);
        const rest = copyHistogram(sum);
        subtractHistogram(rest, b);
        const want = copyToSchema(a, Math.min(a.schema, b.schema));
        expect(histogramsEqual(compact(rest), compact({ ...want, sum: rest.sum }))).toBe(true);
        expect(detectReset(sum, a)).toBe(false);
      }),
    );
  });

  test('compensated sums of whole counts are the plain ones', () => {
    fc.assert(
      fc.property(fc.array(exponential, { minLength: 1, maxLength: 5 }), (list) => {
        const plain = copyHistogram(list[0]!);
        const sum = copyHistogram(list[0]!);
        const c = newCompensation(sum);
        for (const h of list.slice(1)) {
          addHistogram(plain, h);
          kahanAddHistogram(sum, h, c);
        }
        addHistogram(sum, c);
        expect(histogramsEqual(compact(plain), compact(sum))).toBe(true);
      }),
    );
  });

  test('trimming below and above a bound parts the observations', () => {
    fc.assert(
      fc.property(exponential, fc.double({ min: -300, max: 300, noNaN: true }), (h, bound) => {
        const below = trimHistogram(h, bound, true);
        const above = trimHistogram(h, bound, false);
        expect(total(below) + total(above)).toBeCloseTo(h.count, 6);
      }),
    );
  });

  test('fraction is the inverse of quantile', () => {
    fc.assert(
      fc.property(exponential, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (h, q) => {
        fc.pre(h.count > 0);
        const v = histogramQuantile(q, h);
        expect(histogramFraction(-Infinity, v, h)).toBeCloseTo(q, 6);
      }),
    );
  });

  test('bounds are powers of the base, exact where they are powers of two', () => {
    expect([0, 1, 2, -1].map((i) => exponentialBound(i, 0))).toEqual([1, 2, 4, 0.5]);
    expect([1, 2].map((i) => exponentialBound(i, -1))).toEqual([4, 16]);
    expect(exponentialBound(1, 1)).toBeCloseTo(Math.SQRT2, 15);
    expect(exponentialBound(1024, 0)).toBe(Number.MAX_VALUE);
  });

  test('print as Prometheus does', () => {
    const [value] = parseSequence(
      '{{schema:0 count:20 sum:10 z_bucket:2 z_bucket_w:0.001 buckets:[1 2] n_buckets:[1 2]}}',
    );
    expect(formatHistogram(value!.histogram!)).toBe(
      '{count:20, sum:10, [-2,-1):2, [-1,-0.5):1, [-0.001,0.001]:2, (0.5,1]:1, (1,2]:2}',
    );
    expect(formatHistogramNotation(value!.histogram!)).toBe(
      '{{count:20 sum:10 z_bucket:2 z_bucket_w:0.001 buckets:[1 2] n_buckets:[1 2]}}',
    );
  });
});

test('xxhash64 of known texts, and the hash of a label set', () => {
  const hash = (text: string) => xxhash64(new TextEncoder().encode(text)).toString(16);
  expect(hash('')).toBe('ef46db3751d8e999');
  expect(hash('a')).toBe('d24ec4f1a98c6e5b');
  expect(hash('abc')).toBe('44bc2cf5ad770999');
  expect(hash('Nobody inspects the spammish repetition')).toBe('fbcea83c8a378bf1');
  expect(labelsHash(labelsFrom({ a: '1' }))).toBe(xxhash64(Uint8Array.of(1, 97, 1, 49)));
});
