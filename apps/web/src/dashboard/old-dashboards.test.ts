import { describe, expect, test } from 'vitest';
import { sectionsOf } from './grid-layout.ts';
import { parseDashboard } from './model.ts';

const graph = (more: object = {}) => ({ type: 'graph', title: 'g', targets: [{ expr: 'up' }], ...more });
const first = (panel: object) => parseDashboard({ panels: [panel] }).panels[0]!;
const custom = (panel: object) => first(panel).fieldConfig.defaults.custom;

describe('rows of the first Grafanas', () => {
  test('panels get places from spans and heights', () => {
    const rows = [
      { height: '250px', panels: [graph({ id: 1, span: 8 }), graph({ id: 2, span: 4 }), graph({ id: 3, span: 12 })] },
      { height: 100, panels: [graph({ id: 4, span: 6 })] },
    ];
    const places = parseDashboard({ rows }).panels.map((p) => Object.values(p.gridPos).join());
    expect(places).toEqual(['0,0,16,7', '16,0,8,7', '0,7,24,7', '0,14,12,3']);
  });

  test('rows with a title, collapsed or repeated are row panels; panels before stay open', () => {
    const rows = [
      { title: 'Open', showTitle: true, panels: [graph({ id: 1 })] },
      { title: 'Closed', collapse: true, panels: [graph({ id: 2 })] },
    ];
    const sections = sectionsOf(parseDashboard({ rows }).panels, new Map(), new Set());
    expect(sections.map((s) => [s.row?.panel.title, s.collapsed, s.panels.length])).toEqual([
      ['Open', false, 1],
      ['Closed', true, 0],
    ]);
  });

  test('panels without a place do not lie on each other', () => {
    const { panels } = parseDashboard({ panels: [graph(), graph(), graph()] });
    expect(panels.map((p) => [p.gridPos.x, p.gridPos.y])).toEqual([
      [0, 0],
      [12, 0],
      [0, 8],
    ]);
  });
});

test('inputs of an exported file: constants are filled in, sources are this server', () => {
  const { panels } = parseDashboard({
    __inputs: [
      { name: 'DS_X', type: 'datasource' },
      { name: 'VAR_JOB', type: 'constant', value: 'node' },
    ],
    panels: [{ type: 'timeseries', targets: [{ expr: 'up{job="${VAR_JOB}"}', datasource: '${DS_X}' }] }],
  });
  expect(panels[0]!.targets[0]!.expr).toBe('up{job="node"}');
});

test('a panel over another panel asks its queries', () => {
  const shared = { type: 'stat', id: 2, datasource: '-- Dashboard --', targets: [{ panelId: 1 }] };
  const { panels } = parseDashboard({ panels: [graph({ id: 1 }), shared] });
  expect(panels[1]!.targets[0]!.expr).toBe('up');
});

test('queries for other kinds of sources are marked', () => {
  expect(
    first({ type: 'logs', datasource: { type: 'loki' }, targets: [{ expr: '{a="b"}' }] }).targets[0]!.foreign,
  ).toBe('loki');
  expect(
    first({ type: 'stat', datasource: { type: 'prometheus' }, targets: [{ expr: 'up' }] }).targets[0]!.foreign,
  ).toBe('');
});

describe('graph', () => {
  test('axes, stacks, gaps and fills', () => {
    const panel = graph({
      yaxes: [{ format: 'bytes', min: '0', logBase: 2, label: 'Memory' }],
      stack: true,
      percentage: true,
      fill: 3,
      linewidth: 2,
      nullPointMode: 'null as zero',
    });
    expect(first(panel).type).toBe('timeseries');
    expect(first(panel).fieldConfig.defaults).toMatchObject({ unit: 'bytes', min: 0 });
    expect(custom(panel)).toMatchObject({
      axisLabel: 'Memory',
      scaleDistribution: { type: 'log', log: 2 },
      stacking: { mode: 'percent' },
      fillOpacity: 30,
      lineWidth: 2,
      nullAsZero: true,
    });
    expect(first(panel).source.type).toBe('graph');
  });

  test('the first form of axes', () => {
    const panel = graph({ y_formats: ['percent', 'short'], grid: { leftMin: 0, leftMax: 100 } });
    expect(first(panel).fieldConfig.defaults).toMatchObject({ unit: 'percent', min: 0, max: 100 });
  });

  test('overrides of series', () => {
    const { overrides } = first(
      graph({
        aliasColors: { idle: '#052B51' },
        yaxes: [{ format: 'Bps' }, { format: 'percentunit', max: 1 }],
        seriesOverrides: [
          { alias: '/Trans.*/', transform: 'negative-Y' },
          { alias: 'util', yaxis: 2, fill: 0, stack: false },
        ],
      }),
    ).fieldConfig;
    expect(overrides.map((o) => [o.matcher.id, o.matcher.options])).toEqual([
      ['byName', 'idle'],
      ['byRegexp', '/Trans.*/'],
      ['byName', 'util'],
    ]);
    expect(overrides[1]!.properties).toEqual([{ id: 'custom.transform', value: 'negative-Y' }]);
    expect(Object.fromEntries(overrides[2]!.properties.map((p) => [p.id, p.value]))).toMatchObject({
      'custom.axisPlacement': 'right',
      unit: 'percentunit',
      max: 1,
      'custom.fillOpacity': 0,
    });
  });

  test('legend and thresholds', () => {
    const panel = first(
      graph({
        legend: { show: true, values: true, alignAsTable: true, rightSide: true, max: true, avg: true },
        thresholds: [{ value: 90, op: 'gt', colorMode: 'critical', fill: true, line: true }],
      }),
    );
    expect(panel.options.legend).toMatchObject({ displayMode: 'table', placement: 'right', calcs: ['max', 'avg'] });
    expect(panel.fieldConfig.defaults.thresholds!.steps.map((s) => [s.value, s.color])).toEqual([
      [Number.NEGATIVE_INFINITY, 'transparent'],
      [90, 'red'],
    ]);
  });
});

test('singlestat becomes a number or a gauge, with its texts', () => {
  const old = {
    type: 'singlestat',
    format: 'percent',
    thresholds: '80,90',
    colors: ['green', 'orange', 'red'],
    colorValue: true,
    valueName: 'current',
    postfix: ' used',
    valueMaps: [{ op: '=', value: 'null', text: 'N/A' }],
  };
  const stat = first(old);
  expect(stat.type).toBe('stat');
  expect(stat.fieldConfig.defaults).toMatchObject({
    unit: 'percent',
    mappings: [{ kind: 'special', match: 'null+nan', result: { text: 'N/A' } }],
    custom: { postfix: ' used' },
  });
  expect(stat.options).toMatchObject({ colorMode: 'value', reduceOptions: { calcs: ['lastNotNull'] } });
  expect(first({ ...old, gauge: { show: true, maxValue: 50 } })).toMatchObject({
    type: 'gauge',
    fieldConfig: { defaults: { min: 0, max: 50 } },
  });
});

test('tables with styles: the first style that matches wins', () => {
  const table = first({
    type: 'table',
    transform: 'table',
    styles: [
      { pattern: 'Time', type: 'hidden' },
      { pattern: 'Value #A', type: 'number', unit: 'bytes', alias: 'Used', colorMode: 'cell', thresholds: ['1', '2'] },
      { pattern: '/.*/', type: 'number', unit: 'short' },
    ],
  });
  expect(table.fieldConfig.overrides.map((o) => o.matcher.options)).toEqual(['/.*/', 'Value #A', 'Time']);
  expect(table.transformations.map((t) => t.id)).toEqual(['merge']);
});

test('gauges of version 6 kept their field in the options', () => {
  const gauge = first({
    type: 'gauge',
    options: {
      fieldOptions: {
        calcs: ['mean'],
        defaults: { unit: 's', max: 5, mappings: [{ type: 1, value: '0', text: 'none' }] },
      },
    },
  });
  expect(gauge.fieldConfig.defaults).toMatchObject({ unit: 's', max: 5, mappings: [{ kind: 'value' }] });
  expect(gauge.options.reduceOptions).toMatchObject({ calcs: ['mean'] });
});

test('links that run scripts are left out', () => {
  expect(first(graph({ links: [{ url: 'javascript:alert(1)' }, { url: '/d/x', title: 'X' }] })).links).toHaveLength(1);
});
