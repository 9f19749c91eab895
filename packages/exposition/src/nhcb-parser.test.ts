import { labelsToObject } from '@belfry/model';
import { expect, test } from 'vitest';
import { customBucketsParser, ENTRY, openMetricsParser, textParser } from './index.ts';

const BODY = `# TYPE h histogram
h_bucket{x="1",le="1"} 2
h_bucket{x="1",le="2"} 2
h_bucket{x="1",le="+Inf"} 5
h_sum{x="1"} 7
h_count{x="1"} 5
h_bucket{x="2",le="+Inf"} 0
h_count{x="2"} 0
h_sum{x="2"} 0
# TYPE g gauge
g 1
`;

function read(body: string, keepClassic: boolean) {
  const parser = customBucketsParser(
    body.includes('# EOF') ? openMetricsParser(Buffer.from(body)) : textParser(Buffer.from(body)),
    keepClassic,
  );
  const out: unknown[] = [];
  const keys = new Set<string>();
  for (let entry = parser.next(); entry !== ENTRY.end; entry = parser.next()) {
    if (entry !== ENTRY.series && entry !== ENTRY.histogram) continue;
    keys.add(Buffer.from(parser.keyBytes.subarray(parser.keyStart, parser.keyEnd)).toString('latin1'));
    const { __name__: name, x } = labelsToObject(parser.labels());
    if (entry === ENTRY.series) out.push(`${name}${x ?? ''} ${parser.value}`);
    else {
      const { count, sum, positiveSpans, positiveBuckets, customValues } = parser.histogram();
      out.push([
        `${name}${x ?? ''}`,
        count,
        sum,
        positiveSpans.map((s) => [s.offset, s.length]),
        positiveBuckets,
        customValues,
        parser.exemplar()?.value,
      ]);
    }
  }
  expect(keys.size).toBe(out.length);
  return out;
}

test('a classic histogram becomes one with custom buckets', () => {
  const first = [
    'h1',
    5,
    7,
    [
      [0, 1],
      [1, 1],
    ],
    [2, 3],
    [1, 2],
    undefined,
  ];
  const second = ['h2', 0, 0, [], [], [], undefined];
  expect(read(BODY, false)).toEqual([first, second, 'g 1']);
  expect(read(BODY, true)).toEqual([
    'h_bucket1 2',
    'h_bucket1 2',
    'h_bucket1 5',
    'h_sum1 7',
    'h_count1 5',
    first,
    'h_bucket2 0',
    'h_count2 0',
    'h_sum2 0',
    second,
    'g 1',
  ]);
});

test('the last of a body, with its exemplar; one that contradicts itself is left out', () => {
  expect(
    read('# TYPE h histogram\nh_bucket{le="1"} 1 # {} 9 1\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 1\n# EOF\n', false),
  ).toEqual([['h', 1, 1, [[0, 1]], [1], [1], 9]]);
  expect(read('# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 1\n', false)).toEqual(
    [],
  );
});
