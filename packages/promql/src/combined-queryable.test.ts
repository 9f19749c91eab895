import { labelsFrom, VirtualClock } from '@belfry/model';
import { expect, test } from 'vitest';
import { combineQueryables } from './combined-queryable.ts';
import { createEngine, resultSeries } from './engine.ts';
import { queryable } from './leaf.ts';
import { createMemoryStore } from './memory-store.ts';
import { parseSeriesNotation } from './series-notation.ts';

/** The same series in one store, and dealt out to three. */
function stores() {
  const lines = [
    'x_total{i="0"} 0+1x20',
    'x_total{i="1"} 0+2x20',
    'x_total{i="2"} 0+3x20',
    'h{i="0"} {{count:1 sum:1 buckets:[1]}}x20',
    'h{i="1"} {{count:2 sum:2 buckets:[2]}}x20',
  ];
  const whole = createMemoryStore();
  const parts = [createMemoryStore(), createMemoryStore(), createMemoryStore()];
  lines.forEach((line, n) => {
    const { labels, values } = parseSeriesNotation(line);
    for (const store of [whole, parts[n % 3]!]) {
      const appender = store.appender();
      values.forEach((v, i) => {
        if (v.histogram) appender.appendHistogram(0, labels, i * 15_000, v.histogram);
        else appender.append(0, labels, i * 15_000, v.value);
      });
      appender.commit();
    }
  });
  return { whole, parts };
}

test('several stores answer as one', async () => {
  const clock = new VirtualClock();
  const { whole, parts } = stores();
  const one = queryable(whole, { clock });
  const all = combineQueryables(parts.map((part) => queryable(part, { clock })));
  const engine = createEngine({ clock });
  for (const query of [
    'sum(rate(x_total[1m]))',
    'h',
    'sum(h)',
    'x_total offset 1m',
    'count({__name__=~".+"})',
    'nothing',
  ]) {
    const range = { query, startMs: 60_000, endMs: 240_000, stepMs: 30_000 };
    const want = [...resultSeries((await engine.range({ ...range, queryable: one })).value)];
    expect([...resultSeries((await engine.range({ ...range, queryable: all })).value)]).toEqual(want);
  }
  expect(await all.labelNames([], 0, 1e6)).toEqual(['__name__', 'i']);
  expect(await all.labelValues('i', [], 0, 1e6, 2)).toEqual(['0', '1']);
  const series = await all.series([[{ name: '__name__', op: '=', value: 'h' }]], 0, 1e6);
  expect(series).toHaveLength(2);
  expect(series).toContainEqual(labelsFrom({ __name__: 'h', i: '1' }));
});
