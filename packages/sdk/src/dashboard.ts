import { BelfryError } from '@belfry/model';
import type { AnyMetric, LabelName, LabelSet, Metric } from './catalogue.ts';
import type { Limit, Query, VariableReference } from './query.ts';
import { exprOf } from './query-expr.ts';

/** Grafana's names of the units in use. `percentunit` shows 0 to 1 as percent, `reqps` and the like are rates. */
export type PanelUnit =
  | 'short'
  | 'none'
  | 'percentunit'
  | 'percent'
  | 's'
  | 'ms'
  | 'bytes'
  | 'Bps'
  | 'reqps'
  | 'ops'
  | 'cps'
  | 'bool'
  | 'dateTimeFromNow'
  | 'currencyUSD';

export interface Target {
  readonly kind: 'target';
  readonly query: Query;
  /** Grafana's legend with `{{label}}`; empty for the series' own labels. */
  readonly legend: string;
}

/** From `value` upwards this colour; the first step of a list has none. */
export interface Step {
  readonly color: string;
  readonly value?: number;
}

/** Colours by value: the colour below the first bound, then pairs of bound and colour, ascending. */
export function steps(
  base: string,
  ...bounds: readonly (readonly [at: number | Limit, color: string])[]
): readonly Step[] {
  const out: Step[] = [{ color: base }];
  for (const [at, color] of bounds) out.push({ color, value: typeof at === 'number' ? at : at.value });
  for (let i = 2; i < out.length; i++) {
    if (!(out[i]!.value! > out[i - 1]!.value!)) {
      throw new BelfryError('bad_data', `threshold ${out[i]!.value} (${out[i]!.color}) does not ascend`);
    }
  }
  return out;
}

export type PanelType = 'timeseries' | 'stat' | 'gauge' | 'table' | 'bargauge';

export interface Panel {
  readonly kind: 'panel';
  readonly type: PanelType;
  readonly title: string;
  readonly targets: readonly Target[];
  readonly unit: PanelUnit;
  readonly description?: string;
  readonly thresholds?: readonly Step[];
  /** Draw the thresholds as lines into a time series. */
  readonly showThresholds?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  /** Of 24. Default: the row's width shared equally. */
  readonly width?: number;
  readonly stacked?: boolean;
  /** Words for values: `{0: 'down', 1: 'up'}`. */
  readonly words?: Readonly<Record<number, { readonly text: string; readonly color?: string }>>;
  /** Of a table: headings of columns by label name, in order; other labels are hidden. */
  readonly columns?: Readonly<Record<string, string>>;
}

export interface PanelOptions {
  readonly unit?: PanelUnit;
  readonly description?: string;
  readonly thresholds?: readonly Step[];
  readonly showThresholds?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  readonly width?: number;
  readonly stacked?: boolean;
  readonly words?: NonNullable<Panel['words']>;
  readonly columns?: NonNullable<Panel['columns']>;
}

/** One query, or several by their legends. */
export type PanelQueries = Query | Readonly<Record<string, Query>>;

function panelOf(type: PanelType) {
  return (title: string, queries: PanelQueries, options: PanelOptions = {}): Panel => {
    const targets = targetsOf(queries);
    if (targets.length === 0) throw new BelfryError('bad_data', `panel ${title} has no queries`);
    for (const { query } of targets) exprOf(query, `panel ${title}`);
    const { unit = 'short', ...rest } = options;
    return Object.freeze({ kind: 'panel', type, title, targets, unit, ...rest });
  };
}

function targetsOf(queries: PanelQueries): readonly Target[] {
  if (isQuery(queries)) return [{ kind: 'target', query: queries, legend: '' }];
  return Object.entries(queries).map(([legend, query]) => ({ kind: 'target', query, legend }));
}

function isQuery(queries: PanelQueries): queries is Query {
  return (queries as Query).kind === 'query' && typeof (queries as Query).text === 'string';
}

/**
 * Panels by their kind: title, queries, and what differs from the defaults.
 * Each throws BelfryError `query_syntax` or `query_type` for a query that Prometheus would refuse.
 */
export const panel = {
  timeseries: panelOf('timeseries'),
  stat: panelOf('stat'),
  gauge: panelOf('gauge'),
  table: panelOf('table'),
  bargauge: panelOf('bargauge'),
} as const;

export interface Row {
  readonly kind: 'row';
  /** Empty: no heading. */
  readonly title: string;
  readonly panels: readonly Panel[];
  /** In units of Grafana's grid (30 px). */
  readonly height: number;
}

const DEFAULT_ROW_HEIGHT = 8;

/** Panels beside each other, sharing the width; those that do not fit begin another line. */
export function row(title: string, panels: readonly Panel[], options: { readonly height?: number } = {}): Row {
  return Object.freeze({ kind: 'row', title, panels, height: options.height ?? DEFAULT_ROW_HEIGHT });
}

/** A choice that the reader makes among the values of a label. */
export interface LabelVariable extends VariableReference {
  readonly metric: AnyMetric;
  readonly label: string;
  readonly title: string;
  readonly multi: boolean;
  /** The pattern that «All» stands for. */
  readonly all: string;
}

/**
 * A variable over the values that `label` has in `metric`; «All» also takes series without the label, so that a label
 * which is switched off does not empty the dashboard, unless it is `required`.
 */
export function labelVariable<L extends LabelSet>(
  metric: Metric<L>,
  label: LabelName<L>,
  options: {
    readonly name?: string;
    readonly title?: string;
    readonly multi?: boolean;
    readonly required?: boolean;
  } = {},
): LabelVariable {
  const { name = label, title = label.replaceAll('_', ' '), multi = true, required = false } = options;
  return Object.freeze({ kind: 'variable', name, metric, label, title, multi, all: required ? '.+' : '.*' });
}

export interface Dashboard {
  readonly kind: 'dashboard';
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly refresh: string;
  readonly from: string;
  readonly variables: readonly LabelVariable[];
  readonly rows: readonly Row[];
}

export interface DashboardOptions {
  readonly title: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Default 30s. */
  readonly refresh?: string;
  /** Default `now-1h`. */
  readonly from?: string;
  readonly variables?: readonly LabelVariable[];
  readonly rows: readonly Row[];
}

const UID = /^[a-zA-Z0-9_-]{1,40}$/;

/** @throws BelfryError `bad_data` for a uid that Grafana refuses, or a `$variable` in a query that is not declared */
export function dashboard(uid: string, options: DashboardOptions): Dashboard {
  if (!UID.test(uid)) {
    throw new BelfryError('bad_data', `dashboard uid ${JSON.stringify(uid)}: at most 40 of letters, digits, - and _`);
  }
  const { title, description = '', tags = [], refresh = '30s', from = 'now-1h', variables = [], rows } = options;
  const known = new Set(variables.map((v) => v.name));
  for (const { targets, title: where } of rows.flatMap((r) => r.panels)) {
    for (const { query } of targets) {
      for (const [, name] of query.text.matchAll(/\$(\w+)/g)) {
        if (name!.startsWith('__') || known.has(name!)) continue;
        throw new BelfryError('bad_data', `dashboard ${uid}, panel ${where}: variable $${name} is not declared`);
      }
    }
  }
  return Object.freeze({ kind: 'dashboard', uid, title, description, tags, refresh, from, variables, rows });
}
