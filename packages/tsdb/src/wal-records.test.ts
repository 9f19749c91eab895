import { expect, test } from 'vitest';
import { ByteBuffer, cursor } from './bytes.ts';
import { metric } from './testing.ts';
import {
  decodeExemplars,
  decodeHistograms,
  decodeMetadata,
  decodeMmapMarkers,
  decodeSamples,
  decodeSamplesWithStart,
  decodeSeries,
  decodeTombstones,
  encodeExemplars,
  encodeHistograms,
  encodeMetadata,
  encodeMmapMarkers,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  histogramRecordType,
  RECORD,
  sampleColumns,
} from './wal-records.ts';

function written(encode: (out: ByteBuffer) => void) {
  const out = new ByteBuffer(8);
  encode(out);
  return { type: out.bytes[0], c: cursor(out.view().slice(), 1) };
}

const T = 1_700_000_000_000;

test('every record comes back as it was written', () => {
  const series = [{ ref: 2 ** 40, labels: metric('m', { long: 'ü'.repeat(200), plain: 'x' }) }];
  expect(decodeSeries(written((o) => encodeSeries(o, series)).c)).toEqual(series);
  const stones = [
    { ref: 7, minMs: -(2 ** 63), maxMs: 2 ** 63 - 1025 },
    { ref: 8, minMs: T, maxMs: T + 1 },
  ];
  const back = decodeTombstones(written((o) => encodeTombstones(o, stones)).c);
  expect(back[1]).toEqual(stones[1]);
  expect(back[0].minMs).toBeLessThan(-(2 ** 62));
  expect(back[0].maxMs).toBeGreaterThan(2 ** 62);
  const exemplars = [3, 1].map((ref) => ({ ref, t: T - ref, value: 0.5, labels: metric('', { trace_id: 'abc' }) }));
  expect(decodeExemplars(written((o) => encodeExemplars(o, exemplars)).c)).toEqual(exemplars);
  const metadata = [{ ref: 300, metadata: { type: 'counter' as const, unit: 'seconds', help: 'Für alle.' } }];
  expect(decodeMetadata(written((o) => encodeMetadata(o, metadata)).c)).toEqual(metadata);
  const markers = [{ ref: 5, chunk: 3 * 2 ** 32 + 8 }];
  expect(decodeMmapMarkers(written((o) => encodeMmapMarkers(o, markers)).c)).toEqual(markers);
  const histogram = {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 6,
    sum: 3.25,
    positiveSpans: [{ offset: 0, length: 3 }],
    negativeSpans: [],
    positiveBuckets: [1, 3, 2],
    negativeBuckets: [],
    customValues: [0.5, 1],
    counterResetHint: 'unknown' as const,
    integer: true,
  };
  const type = histogramRecordType(histogram);
  expect(type).toBe(RECORD.customHistograms);
  const histograms = [{ ref: 9, t: T, histogram }];
  expect(decodeHistograms(written((o) => encodeHistograms(o, type, histograms)).c, type)).toEqual(histograms);
});

test('samples keep their refs, times and bits', () => {
  const columns = sampleColumns(3);
  columns.refs.set([10, 2 ** 33, 1]);
  columns.ts.set([T, T - 86_400_000, T + 15_000]);
  columns.values.set([1.5, Number.NaN, -0]);
  columns.count = 3;
  const into = sampleColumns(1);
  decodeSamples(written((o) => encodeSamples(o, columns)).c, into);
  expect(into.count).toBe(3);
  expect([...into.refs.subarray(0, 3)]).toEqual([...columns.refs]);
  expect([...into.ts.subarray(0, 3)]).toEqual([...columns.ts]);
  expect([...into.words.subarray(0, 6)]).toEqual([...columns.words]);
});

test('samples with start times, as newer versions of Prometheus write them', () => {
  const { c } = written((o) => {
    o.putByte(RECORD.samplesWithStart);
    for (const n of [10, T, T - 1000]) o.putVarint(n);
    o.putF64(1);
    const rest: [number, number, number[], number][] = [
      [1, 5, [0], 2],
      [-3, 7, [1], 3],
      [2, 9, [2, -500], 4],
    ];
    for (const [ref, t, [marker, ...start], value] of rest) {
      o.putVarint(ref);
      o.putVarint(t);
      o.putByte(marker);
      for (const n of start) o.putVarint(n);
      o.putF64(value);
    }
  });
  const into = sampleColumns(1);
  decodeSamplesWithStart(c, into);
  expect([...into.refs.subarray(0, 4)]).toEqual([10, 11, 8, 10]);
  expect([...into.ts.subarray(0, 4)]).toEqual([T, T + 5, T + 7, T + 9]);
  expect([...into.values.subarray(0, 4)]).toEqual([1, 2, 3, 4]);
});
