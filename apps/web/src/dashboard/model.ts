/** Grafana's dashboard JSON, read leniently: what is missing gets Grafana's default, what is wrong is left out. */

import { isObject, type Json, type JsonObject, listOf, numberOf, objectOf, textOf } from './json.ts';
import { modernDashboard } from './old-dashboards.ts';

export { type Json, type JsonObject, listOf, numberOf, objectOf, textOf } from './json.ts';

export interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
  readonly range: boolean;
  readonly format: 'time_series' | 'table' | 'heatmap';
  readonly hide: boolean;
  /** The minimal step as the target writes it, with variables; empty when it has none. */
  readonly interval: string;
  readonly intervalFactor: number;
  /** The kind of data source that this query is for, when it is one that does not know PromQL; else empty. */
  readonly foreign: string;
}

export interface Transformation {
  readonly id: string;
  readonly options: JsonObject;
  readonly disabled: boolean;
}

export interface ThresholdStep {
  readonly color: string;
  /** Negative infinity is the base. */
  readonly value: number;
}

export interface Thresholds {
  readonly mode: 'absolute' | 'percentage';
  readonly steps: readonly ThresholdStep[];
}

export interface MappingResult {
  readonly text?: string;
  readonly color?: string;
}

export type ValueMapping =
  | { readonly kind: 'value'; readonly results: Readonly<Record<string, MappingResult>> }
  | { readonly kind: 'range'; readonly from: number; readonly to: number; readonly result: MappingResult }
  | { readonly kind: 'regex'; readonly pattern: string; readonly result: MappingResult }
  | { readonly kind: 'special'; readonly match: string; readonly result: MappingResult };

/** What a field looks like; every part may be missing and then has its panel's default. */
export interface FieldConfig {
  readonly displayName?: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly noValue?: string;
  readonly color?: { readonly mode: string; readonly fixedColor?: string };
  readonly thresholds?: Thresholds;
  readonly mappings?: readonly ValueMapping[];
  readonly links?: readonly DataLink[];
  readonly custom: JsonObject;
}

export interface DataLink {
  readonly title: string;
  readonly url: string;
  readonly newTab: boolean;
}

export interface FieldOverride {
  readonly matcher: { readonly id: string; readonly options: Json | undefined };
  readonly properties: readonly { readonly id: string; readonly value: Json | undefined }[];
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly gridPos: GridPos;
  readonly targets: readonly Target[];
  readonly transformations: readonly Transformation[];
  readonly fieldConfig: { readonly defaults: FieldConfig; readonly overrides: readonly FieldOverride[] };
  readonly options: JsonObject;
  readonly transparent: boolean;
  readonly collapsed: boolean;
  /** Panels of a collapsed row. */
  readonly panels: readonly Panel[];
  readonly repeat: string;
  readonly repeatDirection: 'h' | 'v';
  readonly maxPerRow: number;
  readonly maxDataPoints?: number;
  readonly interval: string;
  readonly timeFrom: string;
  readonly timeShift: string;
  /** The panel's own range is not mentioned beside its title. */
  readonly hideTimeOverride: boolean;
  readonly links: readonly DataLink[];
  /** As the file has it, for inspection. */
  readonly source: JsonObject;
}

export type VariableType = 'query' | 'custom' | 'constant' | 'interval' | 'textbox' | 'datasource' | 'adhoc' | 'other';

export interface VariableOption {
  readonly text: string;
  readonly value: string;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: VariableType;
  readonly typeName: string;
  readonly query: string;
  readonly regex: string;
  readonly multi: boolean;
  readonly includeAll: boolean;
  readonly allValue: string;
  readonly hide: 'no' | 'label' | 'variable';
  /** Grafana's numbers: 0 never, 1 on load, 2 when the time range changes. */
  readonly refresh: number;
  readonly sort: number;
  readonly current: readonly string[];
  readonly options: readonly VariableOption[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly timezone: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly refresh: string;
  readonly refreshIntervals: readonly string[];
  readonly graphTooltip: number;
  readonly panels: readonly Panel[];
  readonly variables: readonly Variable[];
  readonly links: readonly DataLink[];
  /** Names of annotations, which are not drawn. */
  readonly annotations: readonly string[];
  readonly source: JsonObject;
}

export const DEFAULT_REFRESH_INTERVALS = ['5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h'];
/** The value that means every option of a variable. */
export const ALL = '$__all';

/** Reads a dashboard, bare or in the API's `{dashboard: …}` envelope. */
export function parseDashboard(json: unknown): Dashboard {
  const outer = objectOf(json);
  const written = isObject(outer.dashboard) ? outer.dashboard : outer;
  const source = modernDashboard(written);
  const time = objectOf(source.time);
  const intervals = listOf(objectOf(source.timepicker).refresh_intervals).map((v) => textOf(v));
  return {
    uid: textOf(source.uid),
    title: textOf(source.title, 'Untitled dashboard'),
    description: textOf(source.description),
    tags: listOf(source.tags).map((t) => textOf(t)),
    schemaVersion: numberOf(source.schemaVersion) ?? 0,
    timezone: textOf(source.timezone),
    time: { from: textOf(time.from, 'now-6h'), to: textOf(time.to, 'now') },
    refresh: typeof source.refresh === 'string' ? source.refresh : '',
    refreshIntervals: intervals.length > 0 ? intervals : DEFAULT_REFRESH_INTERVALS,
    graphTooltip: numberOf(source.graphTooltip) ?? 0,
    panels: parsePanels(source.panels),
    variables: listOf(objectOf(source.templating).list).map(parseVariable),
    links: parseLinks(source.links),
    annotations: parseAnnotations(source.annotations),
    source: written,
  };
}

/** Names of the annotations that the file switches on; Grafana's own, of alerts, are in every file. */
function parseAnnotations(json: unknown): readonly string[] {
  return listOf(objectOf(json).list)
    .map((a) => objectOf(a))
    .filter((a) => a.builtIn !== 1 && a.enable !== false && a.hide !== true)
    .map((a) => textOf(a.name, 'unnamed'));
}

function parsePanels(json: unknown): readonly Panel[] {
  const seen = new Set<number>();
  let next = 10_000;
  return listOf(json).map((p) => {
    const panel = parsePanel(p);
    // Files made by hand have no ids, or the same twice; a panel's address needs one.
    const id = panel.id > 0 && !seen.has(panel.id) ? panel.id : next++;
    seen.add(id);
    return id === panel.id ? panel : { ...panel, id };
  });
}

function parsePanel(json: unknown): Panel {
  const source = objectOf(json);
  const grid = objectOf(source.gridPos);
  const config = objectOf(source.fieldConfig);
  const maxDataPoints = numberOf(source.maxDataPoints);
  const type = textOf(source.type, 'unknown');
  return {
    id: numberOf(source.id) ?? 0,
    type,
    title: textOf(source.title),
    description: textOf(source.description),
    gridPos: {
      x: numberOf(grid.x) ?? 0,
      y: numberOf(grid.y) ?? 0,
      w: numberOf(grid.w) ?? 12,
      h: numberOf(grid.h) ?? (type === 'row' ? 1 : 8),
    },
    targets: listOf(source.targets).map((t, i) => parseTarget(t, i, source.datasource)),
    transformations: listOf(source.transformations).map((t) => ({
      id: textOf(objectOf(t).id),
      options: objectOf(objectOf(t).options),
      disabled: objectOf(t).disabled === true,
    })),
    fieldConfig: {
      defaults: parseFieldConfig(config.defaults),
      overrides: listOf(config.overrides).map(parseOverride),
    },
    options: objectOf(source.options),
    transparent: source.transparent === true,
    collapsed: source.collapsed === true,
    panels: parsePanels(source.panels),
    repeat: textOf(source.repeat),
    repeatDirection: source.repeatDirection === 'v' ? 'v' : 'h',
    maxPerRow: numberOf(source.maxPerRow) ?? 4,
    ...(maxDataPoints ? { maxDataPoints } : {}),
    interval: textOf(source.interval),
    timeFrom: textOf(source.timeFrom),
    timeShift: textOf(source.timeShift),
    hideTimeOverride: source.hideTimeOverride === true,
    links: parseLinks(source.links),
    source: isObject(source.writtenAs) ? source.writtenAs : source,
  };
}

/** Data sources that are asked in PromQL, by their types. */
const PROMQL_SOURCES = /prometheus|victoriametrics|mimir|cortex|thanos|^$|^datasource$/i;

function foreignSource(own: unknown, panels: unknown): string {
  const type = textOf(objectOf(own).type) || textOf(objectOf(panels).type);
  return PROMQL_SOURCES.test(type) ? '' : type;
}

function parseTarget(json: unknown, index: number, panelSource: unknown): Target {
  const t = objectOf(json);
  const format = textOf(t.format);
  const instant = t.instant === true;
  return {
    refId: textOf(t.refId, String.fromCharCode(65 + (index % 26))),
    expr: textOf(t.expr),
    legendFormat: textOf(t.legendFormat),
    instant,
    range: t.range === true || !instant,
    format: format === 'table' || format === 'heatmap' ? format : 'time_series',
    hide: t.hide === true,
    interval: textOf(t.interval),
    intervalFactor: Math.max(numberOf(t.intervalFactor) ?? 1, 1),
    foreign: foreignSource(t.datasource, panelSource),
  };
}

function parseLinks(json: unknown): readonly DataLink[] {
  return listOf(json)
    .map((l) => objectOf(l))
    .map((l) => ({
      title: textOf(l.title) || textOf(l.dashboard) || textOf(l.url),
      url: textOf(l.url) || textOf(l.dashUri && `/dashboard/${textOf(l.dashUri)}`),
      newTab: l.targetBlank === true,
    }))
    .filter((l) => l.url !== '' && isSafeLink(l.url));
}

/** Files come from anyone; a link that runs a script is none. */
function isSafeLink(url: string): boolean {
  return !/^\s*(javascript|data|vbscript):/i.test(url);
}

/** Reads `fieldConfig.defaults`. */
export function parseFieldConfig(json: unknown): FieldConfig {
  const d = objectOf(json);
  const entries = Object.entries(d).map(([id, value]) => fieldProperty(id, value));
  return Object.assign({ custom: {} }, ...entries) as FieldConfig;
}

/** One property of a field, as `defaults` and the properties of overrides both name them. */
export function fieldProperty(id: string, value: unknown): Partial<FieldConfig> {
  switch (id) {
    case 'displayName':
    case 'unit':
    case 'noValue':
      return typeof value === 'string' ? { [id]: value } : {};
    case 'decimals':
    case 'min':
    case 'max': {
      const n = numberOf(value);
      return n === undefined ? {} : { [id]: n };
    }
    case 'color': {
      const { mode, fixedColor } = objectOf(value);
      return typeof mode === 'string'
        ? { color: { mode, ...(typeof fixedColor === 'string' ? { fixedColor } : {}) } }
        : {};
    }
    case 'thresholds':
      return { thresholds: parseThresholds(value) };
    case 'mappings':
      return { mappings: listOf(value).flatMap(parseMapping) };
    case 'links':
      return { links: parseLinks(value) };
    case 'custom':
      return { custom: objectOf(value) };
    default:
      return {};
  }
}

function parseThresholds(json: unknown): Thresholds {
  const t = objectOf(json);
  const steps = listOf(t.steps).map((s) => ({
    color: textOf(objectOf(s).color, 'green'),
    value: numberOf(objectOf(s).value) ?? Number.NEGATIVE_INFINITY,
  }));
  return {
    mode: t.mode === 'percentage' ? 'percentage' : 'absolute',
    steps: steps.toSorted((a, b) => a.value - b.value),
  };
}

function parseMapping(json: unknown): readonly ValueMapping[] {
  const m = objectOf(json);
  const options = objectOf(m.options);
  const result = resultOf(options.result);
  if (typeof m.type === 'number' || m.op !== undefined) return parseOldMapping(m);
  switch (m.type) {
    case 'value':
      return [
        {
          kind: 'value',
          results: Object.fromEntries(Object.entries(options).map(([k, v]) => [k, resultOf(v)])),
        },
      ];
    case 'range':
      return [
        {
          kind: 'range',
          from: numberOf(options.from) ?? Number.NEGATIVE_INFINITY,
          to: numberOf(options.to) ?? Number.POSITIVE_INFINITY,
          result,
        },
      ];
    case 'regex':
      return [{ kind: 'regex', pattern: textOf(options.pattern), result }];
    case 'special':
      return [{ kind: 'special', match: textOf(options.match), result }];
    default:
      return [];
  }
}

/** Before version 8: `{type: 1, value, text}` and `{type: 2, from, to, text}`. */
function parseOldMapping(m: JsonObject): readonly ValueMapping[] {
  const result = resultOf({ text: textOf(m.text) });
  const isNull = (v: unknown) => v === 'null' || v === null || v === undefined;
  if (m.type === 2) {
    if (isNull(m.from) && isNull(m.to)) return [{ kind: 'special', match: 'null+nan', result }];
    const from = numberOf(m.from) ?? Number.NEGATIVE_INFINITY;
    return [{ kind: 'range', from, to: numberOf(m.to) ?? Number.POSITIVE_INFINITY, result }];
  }
  if (isNull(m.value)) return [{ kind: 'special', match: 'null+nan', result }];
  return [{ kind: 'value', results: { [textOf(m.value)]: result } }];
}

function resultOf(json: unknown): MappingResult {
  const { text, color } = objectOf(json);
  return {
    ...(typeof text === 'string' && text !== '' ? { text } : {}),
    ...(typeof color === 'string' ? { color } : {}),
  };
}

function parseOverride(json: unknown): FieldOverride {
  const o = objectOf(json);
  const matcher = objectOf(o.matcher);
  return {
    matcher: { id: textOf(matcher.id), options: matcher.options },
    properties: listOf(o.properties).map((p) => ({ id: textOf(objectOf(p).id), value: objectOf(p).value })),
  };
}

const VARIABLE_TYPES: readonly VariableType[] = [
  'query',
  'custom',
  'constant',
  'interval',
  'textbox',
  'datasource',
  'adhoc',
];

function parseVariable(json: unknown): Variable {
  const v = objectOf(json);
  const current = objectOf(v.current).value;
  const values = Array.isArray(current) ? current.map((c) => textOf(c)) : [textOf(current)];
  const typeName = textOf(v.type);
  const query = isObject(v.query) ? textOf(v.query.query) : textOf(v.query);
  return {
    name: textOf(v.name),
    label: textOf(v.label),
    description: textOf(v.description),
    type: VARIABLE_TYPES.find((t) => t === typeName) ?? 'other',
    typeName,
    query: query || textOf(v.definition),
    regex: textOf(v.regex),
    multi: v.multi === true,
    includeAll: v.includeAll === true,
    allValue: textOf(v.allValue),
    hide: v.hide === 2 ? 'variable' : v.hide === 1 ? 'label' : 'no',
    refresh: numberOf(v.refresh) ?? 1,
    sort: numberOf(v.sort) ?? 0,
    current: values.filter((c) => c !== ''),
    options: listOf(v.options)
      .map((o) => ({ text: textOf(objectOf(o).text), value: textOf(objectOf(o).value) }))
      .filter((o) => o.value !== '' && o.value !== ALL),
  };
}
