import { describe, expect, test } from 'vitest';
import { builtIns, interpolate, referencedNames, type Scope, type VariableValue } from './interpolate.ts';
import { alignRange, MAX_STEPS, niceInterval, queryStepMs, rateIntervalMs } from './interval.ts';
import { seriesNames, seriesText } from './legend.ts';
import { ALL, parseDashboard, type Variable } from './model.ts';
import {
  autoInterval,
  chooseValue,
  parseVariableQuery,
  queryOptions,
  queryResultText,
  staticOptions,
} from './variables.ts';

const variable = (fields: Record<string, unknown>): Variable =>
  parseDashboard({ templating: { list: [{ name: 'v', type: 'query', ...fields }] } }).variables[0]!;

function scopeOf(values: Record<string, VariableValue>): Scope {
  const range = { fromMs: 1_700_000_000_000, toMs: 1_700_000_900_000 };
  return { variables: new Map(Object.entries(values)), builtIns: builtIns(range, 15_000, 60_000) };
}
const chosen = (fields: Record<string, unknown>, values: string[], all = false): VariableValue => ({
  variable: variable(fields),
  values,
  texts: values,
  all,
});

describe('steps', () => {
  test('the rate interval holds four scrapes', () => {
    expect(rateIntervalMs(15_000, 15_000)).toBe(60_000);
    expect(rateIntervalMs(60_000, 15_000)).toBe(75_000);
    expect(rateIntervalMs(5_000, 5_000)).toBe(20_000);
  });

  test('a step is nice, not below the scrape interval, and never too small for the range', () => {
    const hour = { fromMs: 0, toMs: 3_600_000 };
    expect(queryStepMs({ range: hour, maxDataPoints: 600, scrapeIntervalMs: 15_000 })).toBe(15_000);
    expect(queryStepMs({ range: hour, maxDataPoints: 100, scrapeIntervalMs: 15_000 })).toBe(30_000);
    expect(queryStepMs({ range: hour, maxDataPoints: 600, scrapeIntervalMs: 15_000, minStepMs: 60_000 })).toBe(60_000);
    const year = { fromMs: 0, toMs: 365 * 86_400_000 };
    const step = queryStepMs({ range: year, maxDataPoints: 1_000_000, scrapeIntervalMs: 1000 });
    expect((year.toMs - year.fromMs) / step).toBeLessThanOrEqual(MAX_STEPS);
    expect(niceInterval(6_100)).toBe(5_000);
    expect(niceInterval(90_000)).toBe(120_000);
  });

  test('ranges are moved to multiples of the step', () => {
    expect(alignRange({ fromMs: 1_234, toMs: 9_876 }, 1000)).toEqual({ fromMs: 1000, toMs: 9000 });
  });
});

describe('variables in queries', () => {
  test('built-in names', () => {
    const scope = scopeOf({});
    expect(interpolate('rate(x[$__rate_interval])', scope, 'promql')).toBe('rate(x[1m])');
    expect(interpolate('x[${__range}] offset $__interval', scope, 'promql')).toBe('x[900s] offset 15s');
    expect(interpolate('$__interval_ms $__range_s $__range_ms', scope, 'promql')).toBe('15000 900 900000');
    expect(interpolate('${__from:date:seconds}', scope, 'text')).toBe('1700000000');
  });

  test('one value, several values, all values', () => {
    const multi = { multi: true, includeAll: true };
    expect(interpolate('{a=~"$v"}', scopeOf({ v: chosen(multi, ['x']) }), 'promql')).toBe('{a=~"x"}');
    expect(interpolate('{a=~"$v"}', scopeOf({ v: chosen(multi, ['x', 'y.z']) }), 'promql')).toBe('{a=~"(x|y\\\\.z)"}');
    const all = chosen({ ...multi, allValue: '.*' }, ['x', 'y'], true);
    expect(interpolate('{a=~"$v"}', scopeOf({ v: all }), 'promql')).toBe('{a=~".*"}');
    expect(interpolate('Load of $v', scopeOf({ v: all }), 'text')).toBe('Load of All');
  });

  test('all the ways to write a variable, and unknown ones stay', () => {
    const scope = scopeOf({ v: chosen({}, ['x']) });
    expect(interpolate('$v ${v} [[v]] ${v:raw} $w ${w:csv}', scope, 'promql')).toBe('x x x x $w ${w:csv}');
    expect([...referencedNames('$a ${b:regex} [[c]] $$')]).toEqual(['a', 'b', 'c']);
  });

  test.each([
    ['csv', 'a.b,c'],
    ['pipe', 'a.b|c'],
    ['regex', '(a\\.b|c)'],
    ['json', '["a.b","c"]'],
    ['glob', '{a.b,c}'],
    ['singlequote', "'a.b','c'"],
    ['doublequote', '"a.b","c"'],
    ['queryparam', 'var-v=a.b&var-v=c'],
    ['text', 'a.b + c'],
  ])('format %s', (format, expected) => {
    const scope = scopeOf({ v: chosen({ multi: true }, ['a.b', 'c']) });
    expect(interpolate(`\${v:${format}}`, scope, 'promql')).toBe(expected);
  });
});

describe('options of variables', () => {
  test.each([
    ['label_values(up, job)', { kind: 'label_values', match: 'up', label: 'job' }],
    ['label_values(job)', { kind: 'label_values', match: '', label: 'job' }],
    [
      'label_values(up{a="b, c", d=~"e.*"}, job)',
      { kind: 'label_values', match: 'up{a="b, c", d=~"e.*"}', label: 'job' },
    ],
    ['label_names()', { kind: 'label_names', match: '' }],
    ['metrics(go_.*)', { kind: 'metrics', pattern: 'go_.*' }],
    ['query_result(sum(up) by (job))', { kind: 'query_result', expr: 'sum(up) by (job)' }],
    ['up{job="x"}', { kind: 'series', match: 'up{job="x"}' }],
  ])('%s', (query, expected) => {
    expect(parseVariableQuery(query)).toEqual(expected);
  });

  test('a regex filters and cuts, named groups give text and value', () => {
    expect(queryOptions(['a1', 'b2', 'a3', 'a1'], variable({ regex: '/a(.)/' }))).toEqual([
      { text: '1', value: '1' },
      { text: '3', value: '3' },
    ]);
    const named = variable({ regex: '/(?<text>\\w+):(?<value>\\d+)/' });
    expect(queryOptions(['one:1'], named)).toEqual([{ text: 'one', value: '1' }]);
    expect(queryOptions(['x'], variable({ regex: '/(/' }))).toEqual([{ text: 'x', value: 'x' }]);
  });

  test('orders', () => {
    const values = ['b10', 'a2', 'C1'];
    expect(queryOptions(values, variable({ sort: 1 })).map((o) => o.value)).toEqual(['C1', 'a2', 'b10']);
    expect(queryOptions(values, variable({ sort: 4 })).map((o) => o.value)).toEqual(['b10', 'a2', 'C1']);
    expect(queryOptions(values, variable({ sort: 5 })).map((o) => o.value)).toEqual(['a2', 'b10', 'C1']);
  });

  test('variables that ask no server', () => {
    expect(staticOptions(variable({ type: 'custom', query: 'a, Bee : b, c\\,d' }))).toEqual([
      { text: 'a', value: 'a' },
      { text: 'Bee', value: 'b' },
      { text: 'c,d', value: 'c,d' },
    ]);
    expect(staticOptions(variable({ type: 'constant', query: 'x' }))).toEqual([{ text: 'x', value: 'x' }]);
    expect(staticOptions(variable({ type: 'query' }))).toBeUndefined();
    expect(autoInterval(3_600_000)).toBe('2m');
  });

  test('which value is chosen', () => {
    const options = ['a', 'b'].map((v) => ({ text: v, value: v }));
    expect(chooseValue(variable({}), options, [], true).values).toEqual(['a']);
    expect(chooseValue(variable({ current: { value: 'b' } }), options, [], true).values).toEqual(['b']);
    expect(chooseValue(variable({ current: { value: 'gone' } }), options, [], true).values).toEqual(['a']);
    expect(chooseValue(variable({ current: { value: 'b' } }), options, ['a'], true).values).toEqual(['a']);
    const all = chooseValue(variable({ includeAll: true, multi: true, current: { value: [ALL] } }), options, [], true);
    expect(all).toMatchObject({ all: true, values: ['a', 'b'], selected: [ALL], texts: ['All'] });
    expect(chooseValue(variable({ includeAll: true, current: {} }), options, [], true).all).toBe(true);
    expect(chooseValue(variable({ type: 'constant', query: 'k' }), [], ['x'], true).values).toEqual(['k']);
  });

  test('query_result gives texts that a regex can cut', () => {
    expect(queryResultText({ __name__: 'up', job: 'a' }, '1', 10)).toBe('up{job="a"} 1 10000');
  });
});

describe('names of series', () => {
  test('formats', () => {
    expect(seriesNames('{{job}}-{{ nope }}', [{ job: 'a' }], 'up')).toEqual(['a-']);
    expect(seriesText({ __name__: 'up', job: 'a', x: 'y' })).toBe('up{job="a", x="y"}');
    expect(seriesNames('', [{}], 'sum(up)')).toEqual(['sum(up)']);
  });

  test('__auto shows what differs', () => {
    const series = [
      { __name__: 'up', job: 'a', site: 'x' },
      { __name__: 'up', job: 'b', site: 'x' },
    ];
    expect(seriesNames('__auto', series, 'up')).toEqual(['a', 'b']);
    expect(seriesNames('__auto', [{ __name__: 'up' }], 'up')).toEqual(['up']);
    const two = [
      { a: '1', b: '1' },
      { a: '2', b: '2' },
    ];
    expect(seriesNames('__auto', two, 'x')).toEqual(['{a="1", b="1"}', '{a="2", b="2"}']);
  });
});
