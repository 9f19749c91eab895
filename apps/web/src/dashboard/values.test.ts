import { describe, expect, test } from 'vitest';
import {
  axisLimits,
  type ChartAxis,
  type ChartSeries,
  drawable,
  stackBands,
  stackColumns,
  timeTicks,
} from '../chart/chart-data.ts';
import { paletteOf } from '../theme.ts';
import { csvOf } from './csv.ts';
import { applyFieldConfig, mappedValue, shownText, showValue, thresholdColor } from './field-config.ts';
import { alignFrames, type Frame, framesOf, type TargetAnswer } from './frames.ts';
import { compact, type PlacedPanel, sectionsOf } from './grid-layout.ts';
import { heatmapOf } from './heatmap.ts';
import { parseDashboard, parseFieldConfig } from './model.ts';
import { reduceValues } from './reduce.ts';
import { gaugeLimits, panelValues } from './shown-values.ts';
import { stateRuns } from './state-runs.ts';
import { sortedRows, transform } from './transformations.ts';

const palette = paletteOf('dark');
const extras = { warnings: [], infos: [], durationMs: 1 };

function answer(
  refId: string,
  format: string,
  series: readonly (readonly [Record<string, string>, readonly number[]])[],
): TargetAnswer {
  const { targets } = parseDashboard({ panels: [{ type: 'timeseries', targets: [{ refId, expr: 'x', format }] }] })
    .panels[0]!;
  return {
    target: targets[0]!,
    expr: 'x',
    legend: '__auto',
    range: { fromMs: 0, toMs: 3000 },
    stepMs: 1000,
    answer: {
      ...extras,
      kind: 'matrix',
      series: series.map(([labels, values]) => ({ labels, timesMs: values.map((_, i) => i * 1000), values })),
    },
  };
}

function instant(refId: string, rows: readonly (readonly [Record<string, string>, number])[]): TargetAnswer {
  return {
    ...answer(refId, 'table', []),
    answer: { ...extras, kind: 'vector', samples: rows.map(([labels, value]) => ({ labels, timeMs: 3000, value })) },
  };
}

describe('frames', () => {
  test('series stand on the whole grid, gaps are null', () => {
    const frames = framesOf([
      answer('A', 'time_series', [
        [{ job: 'a' }, [1, 2]],
        [{ job: 'b' }, [3, 4, 5, 6]],
      ]),
    ]);
    const { timesMs, fields, columns } = alignFrames(frames);
    expect(timesMs).toEqual([0, 1000, 2000, 3000]);
    expect(fields.map((f) => f.displayName)).toEqual(['a', 'b']);
    expect(columns).toEqual([
      [1, 2, null, null],
      [3, 4, 5, 6],
    ]);
  });

  test('different steps meet on the union of their times', () => {
    const fine = answer('A', 'time_series', [[{}, [1, 2, 3, 4]]]);
    const coarse = { ...answer('B', 'time_series', [[{}, [7]]]), range: { fromMs: 0, toMs: 4000 }, stepMs: 2000 };
    const { timesMs, columns } = alignFrames(framesOf([fine, coarse]));
    expect(timesMs).toEqual([0, 1000, 2000, 3000, 4000]);
    expect(columns[1]).toEqual([7, null, null, null, null]);
  });

  test('a table has a column a label, and several have numbered values', () => {
    const frames = framesOf([instant('A', [[{ job: 'a' }, 1]]), instant('B', [[{ job: 'a' }, 2]])]);
    expect(frames[0]!.fields.map((f) => f.name)).toEqual(['Time', 'job', 'Value #A']);
    expect(frames[1]!.fields.at(-1)!.name).toBe('Value #B');
  });

  test('as comma-separated values', () => {
    const frames = framesOf([
      answer('A', 'time_series', [
        [{ job: 'a,b' }, [1, 2]],
        [{ job: 'c' }, [3]],
      ]),
    ]);
    expect(csvOf(frames).split('\n').slice(0, 2)).toEqual(['Time,"a,b",c', '1970-01-01T00:00:00.000Z,1,3']);
  });
});

describe('transformations', () => {
  const frames = framesOf([
    instant('A', [
      [{ job: 'a' }, 1],
      [{ job: 'b' }, 2],
    ]),
    instant('B', [
      [{ job: 'b' }, 20],
      [{ job: 'c' }, 30],
    ]),
  ]);
  const rows = (frame: Frame) => frame.fields[0]!.values.map((_, i) => frame.fields.map((f) => f.values[i]));
  const step = (id: string, options = {}) => ({ id, options, disabled: false });

  test('merge, organize, sort: the table that dashboards make of two queries', () => {
    const { frames: out, unknown } = transform(frames, [
      step('merge'),
      step('organize', {
        excludeByName: { Time: true },
        renameByName: { 'Value #A': 'One' },
        indexByName: { 'Value #B': 0, job: 1, 'Value #A': 2 },
      }),
      step('sortBy', { sort: [{ field: 'One', desc: true }] }),
    ]);
    expect(unknown).toEqual([]);
    expect(out[0]!.fields.map((f) => f.displayName ?? f.name)).toEqual(['Value #B', 'job', 'One']);
    expect(rows(out[0]!)).toEqual([
      [20, 'b', 2],
      [null, 'a', 1],
      [30, 'c', null],
    ]);
  });

  test('filter by name and by pattern', () => {
    const [merged] = transform(frames, [
      step('merge'),
      step('filterFieldsByName', { include: { names: ['job'], pattern: 'B$' } }),
    ]).frames;
    expect(merged!.fields.map((f) => f.name)).toEqual(['job', 'Value #B']);
  });

  test('reduce, join, calculate, group, limit', () => {
    const series = framesOf([
      answer('A', 'time_series', [
        [{ job: 'a' }, [1, 5]],
        [{ job: 'b' }, [2, 4]],
      ]),
    ]);
    expect(rows(transform(series, [step('reduce', { reducers: ['max', 'mean'] })]).frames[0]!)).toEqual([
      ['a', 5, 3],
      ['b', 4, 3],
    ]);
    const joined = transform(series, [step('joinByField', { byField: 'Time' })]).frames;
    expect(joined[0]!.fields).toHaveLength(3);
    const total = transform(joined, [
      step('calculateField', { mode: 'reduceRow', reduce: { reducer: 'sum' }, alias: 'Both' }),
    ]).frames;
    expect(total[0]!.fields.at(-1)).toMatchObject({ name: 'Both', values: [3, 9, 0, 0] });
    const grouped = transform(frames.slice(0, 1), [
      step('groupBy', {
        fields: {
          job: { operation: 'groupby' },
          Value: { aggregations: [] },
          'Value #A': { operation: 'aggregate', aggregations: ['sum'] },
        },
      }),
    ]).frames;
    expect(rows(grouped[0]!)).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(rows(transform(frames, [step('limit', { limitField: 1 })]).frames[0]!)).toHaveLength(1);
  });

  test('an unknown one is told, a disabled one left out', () => {
    expect(transform(frames, [step('spatial'), { ...step('merge'), disabled: true }])).toEqual({
      frames,
      unknown: ['spatial'],
    });
  });

  test('rows sort with empty cells last', () => {
    expect(sortedRows([2, null, 1], false)).toEqual([2, 0, 1]);
    expect(sortedRows([2, null, 1], true)).toEqual([0, 2, 1]);
    expect(sortedRows(['b10', 'b9'], false)).toEqual([1, 0]);
  });
});

describe('what a field looks like', () => {
  const config = (defaults: object, overrides: object[] = []) =>
    parseDashboard({ panels: [{ type: 'table', fieldConfig: { defaults, overrides } }] }).panels[0]!.fieldConfig;

  test('thresholds', () => {
    const { thresholds } = parseFieldConfig({
      thresholds: {
        mode: 'absolute',
        steps: [
          { color: 'red', value: 90 },
          { color: 'green', value: null },
          { color: 'yellow', value: 70 },
        ],
      },
    });
    expect([-5, 70, 89.9, 90].map((v) => thresholdColor(v, thresholds!))).toEqual(['green', 'yellow', 'yellow', 'red']);
    const percentage = { ...thresholds!, mode: 'percentage' as const };
    expect(thresholdColor(150, percentage, { min: 100, max: 200 })).toBe('green');
    expect(thresholdColor(195, percentage, { min: 100, max: 200 })).toBe('red');
  });

  test('mappings', () => {
    const { mappings } = parseFieldConfig({
      mappings: [
        { type: 'value', options: { 0: { text: 'Down', color: 'red' } } },
        { type: 'range', options: { from: 1, to: 5, result: { text: 'Few' } } },
        { type: 'regex', options: { pattern: '^v\\d', result: { text: 'Version' } } },
        { type: 'special', options: { match: 'null+nan', result: { text: 'None' } } },
      ],
    });
    expect(mappedValue(0, mappings)).toEqual({ text: 'Down', color: 'red' });
    expect(mappedValue(3, mappings)?.text).toBe('Few');
    expect(mappedValue('v2', mappings)?.text).toBe('Version');
    expect(mappedValue(Number.NaN, mappings)?.text).toBe('None');
    expect(mappedValue(null, mappings)?.text).toBe('None');
    expect(mappedValue(9, mappings)).toBeUndefined();
  });

  test('overrides by name and pattern, also deep ones', () => {
    const frames = applyFieldConfig(
      framesOf([
        answer('A', 'time_series', [
          [{ job: 'a' }, [1]],
          [{ job: 'b' }, [2]],
        ]),
      ]),
      config({ unit: 's', custom: { lineWidth: 1 } }, [
        {
          matcher: { id: 'byName', options: 'a' },
          properties: [
            { id: 'unit', value: 'bytes' },
            { id: 'custom.lineStyle.fill', value: 'dash' },
          ],
        },
        {
          matcher: { id: 'byRegexp', options: '/B/i' },
          properties: [{ id: 'displayName', value: 'Bee ${__field.labels.job}' }],
        },
        { matcher: { id: 'byRegexp', options: '(' }, properties: [{ id: 'unit', value: 'never' }] },
      ]),
    );
    expect(frames[0]!.fields[1]!.config).toMatchObject({
      unit: 'bytes',
      custom: { lineWidth: 1, lineStyle: { fill: 'dash' } },
    });
    expect(frames[1]!.fields[1]!.config).toMatchObject({ unit: 's', displayName: 'Bee b' });
  });

  test('values as they are shown', () => {
    expect(shownText(showValue(2048, parseFieldConfig({ unit: 'bytes' }), palette))).toBe('2 KiB');
    expect(shownText(showValue(null, parseFieldConfig({ noValue: 'none' }), palette))).toBe('none');
    expect(showValue(5, parseFieldConfig({ color: { mode: 'fixed', fixedColor: 'red' } }), palette).color).toBe(
      palette.named.red,
    );
  });

  test('single values: the last of each series, or each row of a table', () => {
    const series = framesOf([
      answer('A', 'time_series', [
        [{ job: 'a' }, [1, 5]],
        [{ job: 'b' }, [2, 4]],
      ]),
    ]);
    expect(panelValues(series, {}, palette).map((v) => [v.title, v.value])).toEqual([
      ['a', 5],
      ['b', 4],
    ]);
    const [first, second] = panelValues(
      framesOf([
        instant('A', [
          [{ job: 'x' }, 7],
          [{ job: 'y' }, 9],
        ]),
      ]),
      {},
      palette,
    );
    expect([first!.title, first!.value, second!.title]).toEqual(['x', 7, 'y']);
    expect(gaugeLimits(first!, [first!, second!])).toEqual([0, 9]);
  });
});

test('calculations', () => {
  const values = [1, null, Number.NaN, 4, 1];
  expect(reduceValues('lastNotNull', values)).toBe(1);
  expect(reduceValues('max', values)).toBe(4);
  expect(reduceValues('mean', values)).toBe(2);
  expect(reduceValues('delta', [5, 7, 1, 2])).toBe(4);
  expect(reduceValues('p50', [3, 1, 2])).toBe(2);
  expect(reduceValues('last', [1, null])).toBeNull();
  expect(reduceValues('sum', [])).toBe(0);
  expect(reduceValues('mean', [])).toBeNull();
  expect(reduceValues('max', [Number.NaN])).toBeNaN();
  expect(reduceValues('nonsense', [1])).toBeNull();
});

describe('layout', () => {
  const { panels } = parseDashboard({
    panels: [
      { id: 1, type: 'stat', gridPos: { x: 0, y: 0, w: 12, h: 4 } },
      { id: 2, type: 'row', title: 'Open', gridPos: { x: 0, y: 4, w: 24, h: 1 } },
      { id: 3, type: 'stat', gridPos: { x: 0, y: 5, w: 12, h: 4 } },
      {
        id: 4,
        type: 'row',
        title: 'Closed',
        collapsed: true,
        gridPos: { x: 0, y: 9, w: 24, h: 1 },
        panels: [{ id: 5, type: 'stat', gridPos: { x: 0, y: 10, w: 6, h: 3 } }],
      },
    ],
  });

  test('rows hold what follows them, a collapsed row what is inside', () => {
    const sections = sectionsOf(panels, new Map(), new Set());
    expect(sections.map((s) => [s.row?.panel.title, s.collapsed, s.panels.map((p) => p.panel.id)])).toEqual([
      [undefined, false, [1]],
      ['Open', false, [3]],
      ['Closed', true, []],
    ]);
    expect(sections[1]!.panels[0]!.pos.y).toBe(0);
    const toggled = sectionsOf(panels, new Map(), new Set(['row-2', 'row-4']));
    expect(toggled.map((s) => s.panels.length)).toEqual([1, 0, 1]);
  });

  test('panels that overlap move down, holes close', () => {
    const place = (id: number, x: number, y: number, w: number, h: number): PlacedPanel => ({
      key: String(id),
      panel: panels[0]!,
      pos: { x, y, w, h },
    });
    const out = compact([place(1, 0, 0, 12, 4), place(2, 6, 2, 12, 4), place(3, 0, 40, 6, 2), place(4, 20, 0, 12, 2)]);
    expect(out.map((p) => [p.key, p.pos])).toEqual([
      ['1', { x: 0, y: 0, w: 12, h: 4 }],
      ['4', { x: 12, y: 0, w: 12, h: 2 }],
      ['2', { x: 6, y: 4, w: 12, h: 4 }],
      ['3', { x: 0, y: 4, w: 6, h: 2 }],
    ]);
  });

  test('a repeated panel stands once a value, four in a row', () => {
    const dashboard = parseDashboard({
      panels: [{ id: 1, type: 'stat', repeat: 'v', gridPos: { x: 0, y: 0, w: 6, h: 3 } }],
      templating: { list: [{ name: 'v', type: 'custom' }] },
    });
    const values = ['a', 'b', 'c', 'd', 'e'];
    const value = { variable: dashboard.variables[0]!, values, texts: values, all: false };
    const [section] = sectionsOf(dashboard.panels, new Map([['v', value]]), new Set());
    expect(section!.panels.map((p) => [p.scoped?.value, p.pos.x, p.pos.y])).toEqual([
      ['a', 0, 0],
      ['b', 6, 0],
      ['c', 12, 0],
      ['d', 18, 0],
      ['e', 0, 3],
    ]);
  });

  test('files made by hand: no ids, the same twice, the API envelope, nonsense', () => {
    const read = parseDashboard({
      dashboard: { title: 'T', panels: [{ type: 'stat' }, { id: 7, type: 'stat' }, { id: 7, type: 'graph' }] },
    });
    expect(new Set(read.panels.map((p) => p.id)).size).toBe(3);
    expect(read.panels[2]!.type).toBe('timeseries');
    expect(parseDashboard('nonsense').title).toBe('Untitled dashboard');
    expect(parseDashboard({ panels: [null, 5] }).panels).toHaveLength(2);
  });
});

describe('charts', () => {
  const series = (fields: Partial<ChartSeries>): ChartSeries =>
    ({ name: 's', hidden: false, stack: 'A', stackPercent: false, ...fields }) as ChartSeries;
  const axis = (fields: Partial<ChartAxis>): ChartAxis => ({ log: 0, ...fields }) as ChartAxis;

  test('stacks leave out hidden series and keep gaps', () => {
    const all = [series({}), series({ hidden: true }), series({}), series({ stack: undefined })];
    const out = stackColumns(all, [
      [1, 2],
      [9, 9],
      [10, null],
      [5, 5],
    ]);
    expect(out).toEqual([
      [1, 2],
      [9, 9],
      [11, null],
      [5, 5],
    ]);
    expect(stackBands(all)).toEqual([[2, 0]]);
    const percent = [series({ stackPercent: true }), series({ stackPercent: true })];
    expect(stackColumns(percent, [[1], [3]])).toEqual([[0.25], [1]]);
  });

  test('NaN and infinities are gaps, for one of them would empty the axis', () => {
    expect(drawable([1, Number.NaN, null, Number.POSITIVE_INFINITY, 2])).toEqual([1, null, null, null, 2]);
    const clean = [1, null];
    expect(drawable(clean)).toBe(clean);
  });

  test('limits: zero when it is near, soft ones as far as the data leaves them', () => {
    expect(axisLimits(axis({}), 1, 10)).toEqual([0, 10.72]);
    expect(axisLimits(axis({}), 100, 101)[0]).toBeGreaterThan(99);
    expect(axisLimits(axis({ min: 0, max: 100 }), 20, 300)).toEqual([0, 100]);
    expect(axisLimits(axis({ softMin: 0, softMax: 50 }), 20, 30)).toEqual([0, 50]);
    expect(axisLimits(axis({ softMin: 0 }), -5, 30)[0]).toBeLessThan(-5);
    expect(axisLimits(axis({}), 0, 0)).toEqual([0, 1]);
    expect(axisLimits(axis({}), null, null)[0]).toBeLessThan(axisLimits(axis({}), null, null)[1]);
    expect(axisLimits(axis({ log: 10 }), 3, 4000)).toEqual([1, 10_000]);
  });

  test('times on an axis', () => {
    const noon = new Date(2026, 0, 5, 12, 0, 0).getTime();
    expect(timeTicks([noon, noon + 30_000], 30_000)).toEqual(['12:00:00', '12:00:30']);
    expect(timeTicks([noon, noon + 12 * 3_600_000], 12 * 3_600_000)).toEqual(['12:00', 'Jan 6']);
    expect(timeTicks([noon], 86_400_000)).toEqual(['Jan 5']);
  });

  test('buckets of a heatmap are no longer cumulative, empty ends are left out', () => {
    const frames = framesOf([
      answer('A', 'heatmap', [
        [{ le: '+Inf' }, [9]],
        [{ le: '1' }, [0]],
        [{ le: '2' }, [0]],
        [{ le: '4' }, [3]],
        [{ le: '8' }, [9]],
      ]),
    ]);
    const map = heatmapOf(frames);
    expect(map.names).toEqual(['2', '4', '8', '+Inf']);
    expect(map.rows.map((r) => r[0])).toEqual([0, 3, 6, 0]);
  });

  test('runs of one state', () => {
    expect(stateRuns([0, 1, 2, 3, 4], [1, 1, 0, null, 1])).toEqual([
      { fromMs: 0, toMs: 2, value: 1 },
      { fromMs: 2, toMs: 3, value: 0 },
      { fromMs: 4, toMs: 4, value: 1 },
    ]);
  });
});
