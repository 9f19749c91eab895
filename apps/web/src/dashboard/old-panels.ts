/** Panels that Grafana has replaced, in the terms of their successors. */
import { isObject, type Json, type JsonObject, listOf, numberOf, objectOf, textOf } from './json.ts';
import { modernTable } from './old-tables.ts';

/** Plugins and older types whose panels another type draws well enough. */
const SUCCESSORS: Readonly<Record<string, string>> = {
  'grafana-piechart-panel': 'piechart',
  'grafana-singlestat-panel': 'singlestat',
  'natel-discrete-panel': 'state-timeline',
  'flant-statusmap-panel': 'status-history',
  'vonage-status-panel': 'stat',
  'grafana-polystat-panel': 'stat',
};

/** The panel, and the panels of a row, in today's form; what is in it already stays as it is. */
export function modernPanel(panel: JsonObject): JsonObject {
  const modern = modernKind(panel);
  return modern.type === panel.type ? modern : { ...modern, writtenAs: panel };
}

function modernKind(panel: JsonObject): JsonObject {
  const type = textOf(panel.type, 'unknown');
  const nested = listOf(panel.panels);
  const base: JsonObject = {
    ...panel,
    type: SUCCESSORS[type] ?? type,
    ...(nested.length > 0 ? { panels: nested.map((p) => modernPanel(objectOf(p))) } : {}),
  };
  switch (base.type) {
    case 'graph':
      return modernGraph(base);
    case 'singlestat':
      return modernSinglestat(base);
    case 'table':
    case 'table-old':
      return modernTable(base);
    case 'piechart':
      return type === 'piechart' ? base : modernPie(base);
    case 'heatmap':
      return modernHeatmap(base);
    case 'state-timeline':
    case 'status-history':
    case 'stat':
      return type === base.type ? withFieldOptions(base) : modernOther(base);
    default:
      return withFieldOptions(base);
  }
}

type Property = { readonly id: string; readonly value: Json };

/** Leaves out what is undefined, null or empty. */
export function given(object: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined && v !== null && v !== ''));
}

/** Merges what was made with what the file already has in the new form; the file wins. */
export function withDefaults(panel: JsonObject, defaults: JsonObject, overrides: readonly Json[] = []): JsonObject {
  const config = objectOf(panel.fieldConfig);
  const own = objectOf(config.defaults);
  return {
    ...config,
    defaults: { ...defaults, ...own, custom: { ...objectOf(defaults.custom), ...objectOf(own.custom) } },
    overrides: [...overrides, ...listOf(config.overrides)],
  };
}

function modernGraph(panel: JsonObject): JsonObject {
  const axes = axesOf(panel);
  const xaxis = objectOf(panel.xaxis);
  const defaults = {
    ...given(axisProperties(axes[0])),
    custom: graphCustom(panel, axes[0]),
    ...graphThresholds(panel),
  };
  const aliasColors = Object.entries(objectOf(panel.aliasColors)).map(
    ([name, color]): Json => override('byName', name, [fixedColor(textOf(color))]),
  );
  const overrides = listOf(panel.seriesOverrides).map((o) => seriesOverride(objectOf(o), axes[1]));
  const links = listOf(objectOf(panel.options).dataLinks);
  const withLinks = links.length > 0 ? { ...defaults, links } : defaults;
  const fieldConfig = withDefaults(panel, withLinks, [...aliasColors, ...overrides]);
  if (xaxis.mode === 'series') {
    const calc = textOf(listOf(xaxis.values)[0], 'total');
    const options = { reduceOptions: { calcs: [calc] }, orientation: 'auto', displayMode: 'basic' };
    return { ...panel, type: 'bargauge', fieldConfig, options };
  }
  return {
    ...panel,
    type: xaxis.mode === 'histogram' ? 'histogram' : 'timeseries',
    fieldConfig,
    options: { legend: legendOf(panel), tooltip: tooltipOf(panel), ...modernOnly(panel.options) },
  };
}

/** Options that the old panel kept under the same name are not those of the new one. */
function modernOnly(options: Json | undefined): JsonObject {
  const { legend, tooltip } = objectOf(options);
  return given({ legend, tooltip });
}

/** Left and right axis; before Grafana 2.5 they were scattered over `y_formats` and `grid`. */
function axesOf(panel: JsonObject): readonly [JsonObject, JsonObject] {
  const [left, right] = listOf(panel.yaxes);
  if (left !== undefined) return [objectOf(left), objectOf(right)];
  const formats = listOf(panel.y_formats);
  const grid = objectOf(panel.grid);
  const side = (i: number, name: 'left' | 'right'): JsonObject => ({
    format: textOf(formats[i]),
    min: grid[`${name}Min`],
    max: grid[`${name}Max`],
    logBase: grid[`${name}LogBase`],
    label: panel[`${name}YAxisLabel`],
    show: panel['y-axis'] ?? true,
  });
  return [side(0, 'left'), side(1, 'right')];
}

function axisProperties(axis: JsonObject): Readonly<Record<string, Json | undefined>> {
  return {
    unit: textOf(axis.format),
    min: numberOf(axis.min),
    max: numberOf(axis.max),
    decimals: numberOf(axis.decimals),
  };
}

function axisCustom(axis: JsonObject): JsonObject {
  const base = numberOf(axis.logBase) ?? 1;
  return given({
    axisLabel: textOf(axis.label),
    ...(base > 1 ? { scaleDistribution: { type: 'log', log: base } } : {}),
    ...(axis.show === false ? { axisPlacement: 'hidden' } : {}),
  });
}

function graphCustom(panel: JsonObject, left: JsonObject): JsonObject {
  const stacking =
    panel.stack === true ? { mode: panel.percentage === true ? 'percent' : 'normal', group: 'A' } : undefined;
  return {
    drawStyle: panel.bars === true ? 'bars' : panel.lines === false && panel.points === true ? 'points' : 'line',
    ...given({
      lineWidth: numberOf(panel.linewidth),
      fillOpacity: Math.min((numberOf(panel.fill) ?? 0) * 10, 100) * (panel.bars === true ? 0.8 : 1),
      gradientMode: (numberOf(panel.fillGradient) ?? 0) > 0 ? 'opacity' : undefined,
      lineInterpolation: panel.steppedLine === true ? 'stepAfter' : undefined,
      showPoints: panel.points === true ? 'always' : undefined,
      pointSize: numberOf(panel.pointradius) === undefined ? undefined : numberOf(panel.pointradius)! * 2,
      stacking,
      ...nullMode(textOf(panel.nullPointMode)),
      ...dashes(panel),
    }),
    ...axisCustom(left),
  };
}

function nullMode(mode: string): Readonly<Record<string, Json | undefined>> {
  return { spanNulls: mode === 'connected' ? true : undefined, nullAsZero: mode === 'null as zero' ? true : undefined };
}

function dashes(from: JsonObject): Readonly<Record<string, Json | undefined>> {
  if (from.dashes !== true) return {};
  return { lineStyle: { fill: 'dash', dash: [numberOf(from.dashLength) ?? 10, numberOf(from.spaceLength) ?? 10] } };
}

/** Alert levels drawn into the chart: lines, or bands from a value upwards or downwards. */
function graphThresholds(panel: JsonObject): JsonObject {
  const thresholds = listOf(panel.thresholds)
    .map((t) => objectOf(t))
    .filter((t) => numberOf(t.value) !== undefined);
  if (thresholds.length === 0) return {};
  const sorted = thresholds.toSorted((a, b) => numberOf(a.value)! - numberOf(b.value)!);
  const below = sorted.find((t) => t.op === 'lt');
  const steps: Json[] = [{ color: below ? levelColor(below) : 'transparent', value: null }];
  for (const [i, t] of sorted.entries()) {
    const next = sorted[i + 1];
    // Above a lower bound all is well, unless the next bound is a lower one too.
    const color = t.op === 'lt' ? (next?.op === 'lt' ? levelColor(next) : 'transparent') : levelColor(t);
    steps.push({ color, value: numberOf(t.value)! });
  }
  const filled = thresholds.some((t) => t.fill === true);
  const lined = thresholds.some((t) => t.line === true);
  const mode = filled ? (lined ? 'line+area' : 'area') : lined ? 'line' : 'off';
  return {
    thresholds: { mode: 'absolute', steps },
    custom: { ...graphCustom(panel, axesOf(panel)[0]), thresholdsStyle: { mode } },
  };
}

function levelColor(t: JsonObject): string {
  const named: Readonly<Record<string, string>> = { critical: 'red', warning: 'orange', ok: 'green' };
  return named[textOf(t.colorMode)] ?? textOf(t.lineColor ?? t.fillColor, 'red');
}

function override(id: string, options: string, properties: readonly Property[]): Json {
  return { matcher: { id, options }, properties };
}

const fixedColor = (color: string): Property => ({ id: 'color', value: { mode: 'fixed', fixedColor: color } });

/** `/regex/` or a series' name, and how those series differ. */
function seriesOverride(o: JsonObject, right: JsonObject): Json {
  const alias = textOf(o.alias);
  const properties: Property[] = [];
  const add = (id: string, value: Json | undefined) => {
    if (value !== undefined) properties.push({ id, value });
  };
  if (typeof o.color === 'string') properties.push(fixedColor(o.color));
  if (numberOf(o.yaxis) === 2) {
    add('custom.axisPlacement', right.show === false ? 'hidden-right' : 'right');
    for (const [id, value] of Object.entries(given(axisProperties(right)))) add(id, value);
    for (const [id, value] of Object.entries(axisCustom({ ...right, show: true }))) add(`custom.${id}`, value);
  }
  if (typeof o.stack === 'string') add('custom.stacking', { mode: 'normal', group: o.stack });
  else if (typeof o.stack === 'boolean') add('custom.stacking', { mode: o.stack ? 'normal' : 'none', group: 'A' });
  if (o.bars === true) add('custom.drawStyle', 'bars');
  else if (o.lines === true) add('custom.drawStyle', 'line');
  else if (o.lines === false) add('custom.lineWidth', 0);
  if (o.points === true) add('custom.showPoints', 'always');
  if (o.fill !== undefined) add('custom.fillOpacity', Math.min((numberOf(o.fill) ?? 0) * 10, 100));
  if (o.linewidth !== undefined && o.lines !== false) add('custom.lineWidth', numberOf(o.linewidth));
  if (o.steppedLine === true) add('custom.lineInterpolation', 'stepAfter');
  if (o.dashes === true) add('custom.lineStyle', dashes(o).lineStyle);
  if (o.transform === 'negative-Y') add('custom.transform', 'negative-Y');
  if (typeof o.nullPointMode === 'string')
    for (const [id, value] of Object.entries(given(nullMode(o.nullPointMode)))) add(`custom.${id}`, value);
  if (o.legend === false || o.hiddenSeries === true)
    add('custom.hideFrom', { legend: o.legend === false, viz: o.hiddenSeries === true, tooltip: false });
  return override(/^\/.*\/[a-z]*$/.test(alias) ? 'byRegexp' : 'byName', alias, properties);
}

const LEGEND_CALCS = ['min', 'max', 'avg', 'current', 'total'];

function legendOf(panel: JsonObject): JsonObject {
  const legend = objectOf(panel.legend);
  const calcs = legend.values === true ? LEGEND_CALCS.filter((c) => legend[c] === true) : [];
  return given({
    showLegend: legend.show !== false,
    displayMode: legend.alignAsTable === true ? 'table' : 'list',
    placement: legend.rightSide === true ? 'right' : 'bottom',
    calcs,
    width: legend.rightSide === true ? numberOf(legend.sideWidth) : undefined,
    hideZero: legend.hideZero === true ? true : undefined,
    hideEmpty: legend.hideEmpty === true ? true : undefined,
    sortBy: textOf(legend.sort),
    sortDesc: legend.sortDesc === true ? true : undefined,
  });
}

function tooltipOf(panel: JsonObject): JsonObject {
  const tooltip = objectOf(panel.tooltip);
  return {
    mode: tooltip.shared === false ? 'single' : 'multi',
    sort: ['none', 'asc', 'desc'][numberOf(tooltip.sort) ?? 0] ?? 'none',
  };
}

const OLD_CALCS: Readonly<Record<string, string>> = {
  current: 'lastNotNull',
  avg: 'mean',
  total: 'sum',
  name: 'lastNotNull',
  last_time: 'lastNotNull',
};

export const modernCalc = (id: string): string => OLD_CALCS[id] ?? id;

/** One number, or one gauge. */
function modernSinglestat(panel: JsonObject): JsonObject {
  const gauge = objectOf(panel.gauge);
  const isGauge = gauge.show === true;
  const valueName = textOf(panel.valueName, 'avg');
  const colored = panel.colorBackground === true || panel.colorValue === true;
  const defaults = {
    ...given({
      unit: textOf(panel.format),
      decimals: numberOf(panel.decimals),
      min: isGauge ? (numberOf(gauge.minValue) ?? 0) : undefined,
      max: isGauge ? (numberOf(gauge.maxValue) ?? 100) : undefined,
      noValue: textOf(panel.nullText),
    }),
    mappings: oldMappings(panel),
    thresholds: stepsOf(textOf(panel.thresholds), listOf(panel.colors)),
    color: { mode: 'thresholds' },
    custom: given({ prefix: textOf(panel.prefix), postfix: textOf(panel.postfix) }),
  };
  const column = textOf(panel.tableColumn);
  const options = {
    reduceOptions: {
      calcs: [modernCalc(valueName)],
      fields: column === '' || column === 'Value' ? '' : column,
      values: false,
    },
    colorMode: panel.colorBackground === true ? 'background' : colored ? 'value' : 'none',
    graphMode: objectOf(panel.sparkline).show === true ? 'area' : 'none',
    textMode: valueName === 'name' ? 'name' : 'value',
    justifyMode: 'center',
    showThresholdMarkers: gauge.thresholdMarkers !== false,
    ...objectOf(panel.options),
  };
  return { ...panel, type: isGauge ? 'gauge' : 'stat', fieldConfig: withDefaults(panel, defaults), options };
}

/** `"80,90"` and three colours. */
export function stepsOf(thresholds: string, colors: readonly Json[]): JsonObject {
  const bounds = thresholds
    .split(',')
    .map((t) => numberOf(t))
    .filter((n) => n !== undefined);
  const usual = ['green', 'orange', 'red'];
  const color = (i: number) => textOf(colors[i], usual[i] ?? 'red');
  return {
    mode: 'absolute',
    steps: [{ color: color(0), value: null }, ...bounds.map((value, i) => ({ color: color(i + 1), value }))],
  };
}

/** `valueMaps` or `rangeMaps`, whichever `mappingType` says. */
export function oldMappings(from: JsonObject): readonly Json[] {
  if (numberOf(from.mappingType) === 2) {
    return listOf(from.rangeMaps).map((m): Json => ({ type: 2, ...objectOf(m) }));
  }
  return listOf(from.valueMaps).map((m): Json => ({ type: 1, ...objectOf(m) }));
}

/** Grafana 6 kept a field's configuration in the options of gauges. */
function withFieldOptions(panel: JsonObject): JsonObject {
  const options = objectOf(panel.options);
  const field = objectOf(options.fieldOptions);
  const value = objectOf(options.valueOptions);
  if (!isObject(options.fieldOptions) && !isObject(options.valueOptions)) return panel;
  const own = objectOf(field.defaults);
  const thresholds = listOf(own.thresholds ?? field.thresholds ?? options.thresholds);
  const defaults: JsonObject = {
    ...given({
      unit: textOf(value.unit),
      decimals: numberOf(value.decimals),
      min: numberOf(options.minValue),
      max: numberOf(options.maxValue),
      mappings: field.mappings ?? options.valueMappings,
    }),
    ...own,
    ...(typeof own.title === 'string' && own.title !== '' ? { displayName: own.title } : {}),
    custom: given({ prefix: textOf(value.prefix), postfix: textOf(value.suffix) }),
  };
  const steps = thresholds
    .map((t) => objectOf(t))
    .map((t): Json => ({ color: textOf(t.color, 'green'), value: numberOf(t.value) ?? null }));
  const withSteps = steps.length > 0 ? { ...defaults, thresholds: { mode: 'absolute', steps } } : defaults;
  const calcs = listOf(field.calcs).length > 0 ? listOf(field.calcs) : [modernCalc(textOf(value.stat, 'lastNotNull'))];
  return {
    ...panel,
    fieldConfig: withDefaults(panel, withSteps, listOf(field.overrides)),
    options: { ...options, reduceOptions: { calcs, values: field.values === true, ...given({ limit: field.limit }) } },
  };
}

function modernPie(panel: JsonObject): JsonObject {
  const colors = Object.entries(objectOf(panel.aliasColors)).map(
    ([name, color]): Json => override('byName', name, [fixedColor(textOf(color))]),
  );
  const legend = objectOf(panel.legend);
  const values = [...(legend.values === true ? ['value'] : []), ...(legend.percentage === true ? ['percent'] : [])];
  return {
    ...panel,
    fieldConfig: withDefaults(panel, given({ unit: textOf(panel.format), decimals: numberOf(panel.decimals) }), colors),
    options: {
      reduceOptions: { calcs: [modernCalc(textOf(panel.valueName, 'current'))], values: false, fields: '' },
      pieType: textOf(panel.pieType, 'pie') === 'donut' ? 'donut' : 'pie',
      legend: {
        showLegend: legend.show !== false,
        placement: textOf(panel.legendType).startsWith('Right') ? 'right' : 'bottom',
        displayMode: 'table',
        values,
      },
    },
  };
}

function modernHeatmap(panel: JsonObject): JsonObject {
  if (panel.dataFormat === undefined) return panel;
  const y = objectOf(panel.yAxis);
  return {
    ...panel,
    options: {
      calculate: panel.dataFormat === 'timeseries',
      yAxis: given({ unit: textOf(y.format), decimals: numberOf(y.decimals), reverse: panel.reverseYBuckets }),
      ...objectOf(panel.options),
    },
  };
}

/** Other people's plugins: their value mappings and units are what matters. */
function modernOther(panel: JsonObject): JsonObject {
  const maps = listOf(panel.colorMaps)
    .map((m) => objectOf(m))
    .map((m): Json => ({ type: 'value', options: { [textOf(m.text)]: { color: textOf(m.color) } } }));
  const defaults = {
    ...given({ unit: textOf(panel.units ?? panel.format) }),
    mappings: [...oldMappings(panel), ...maps],
  };
  return { ...panel, fieldConfig: withDefaults(panel, defaults) };
}
