/**
 * Forms for what was written elsewhere, in the files of Prometheus, Alertmanager and Grafana, and is built as it stands:
 * no label or annotation is added, no field is left out. `belfry import` writes them; they can be replaced by the forms
 * that check more, one at a time.
 */
import { BelfryError } from '@belfry/model';
import type { Alert, Recording, RuleGroup } from './alert.ts';
import type { AnyMetric } from './catalogue.ts';
import { checkedDuration } from './duration-text.ts';
import type { ScrapeJob } from './pack.ts';
import type { Query } from './query.ts';
import { exprOf } from './query-expr.ts';

export interface ExactAlertOptions {
  readonly query: Query;
  readonly for?: string;
  readonly keepFiringFor?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * An alert with these labels and annotations and no others (not even `pack`).
 * @throws BelfryError `bad_data` for a duration that is none, `query_syntax` or `query_type` for the query
 */
export function exactAlert(name: string, options: ExactAlertOptions): Alert {
  exprOf(options.query, `alert ${name}`);
  const { keepFiringFor, labels = {}, annotations = {} } = options;
  return Object.freeze({
    kind: 'alert',
    name,
    query: options.query,
    for: checkedDuration(options.for ?? '0s', `alert ${name}: for`),
    ...(keepFiringFor ? { keepFiringFor: checkedDuration(keepFiringFor, `alert ${name}: keepFiringFor`) } : {}),
    labels,
    annotations,
    exact: true,
  });
}

/** A recording rule of any name. @throws BelfryError `query_syntax` or `query_type` for the query */
export function exactRecording(name: string, query: Query, labels: Readonly<Record<string, string>> = {}): Recording {
  exprOf(query, `recording rule ${name}`);
  return Object.freeze({ kind: 'recording', name, query, labels, exact: true });
}

/** Prometheus' own default, where neither the group nor its configuration names an interval. */
const DEFAULT_INTERVAL = '1m';

export interface ExactGroupOptions {
  /** Groups of one file are built into one file, `rules/<pack>-<file>.yml`. */
  readonly file: string;
  /** Every field but `name` and `rules`, as rule files write them: `interval`, `limit`, `query_offset` … */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A rule group that may be empty, and hold several alerts of one name. */
export function exactGroup(name: string, options: ExactGroupOptions, rules: readonly (Alert | Recording)[]): RuleGroup {
  const { file, fields = {} } = options;
  const interval = checkedDuration(String(fields.interval ?? DEFAULT_INTERVAL), `rule group ${name}`);
  return Object.freeze({ kind: 'rule-group', name, interval, rules, exact: Object.freeze({ file, fields }) });
}

/** A job of `scrape_configs`, whole. @throws BelfryError `bad_data` without `job_name` */
export function exactScrapeJob(config: Readonly<Record<string, unknown>> & { readonly job_name: string }): ScrapeJob {
  if (!config.job_name) throw new BelfryError('bad_data', 'a scrape job needs a job_name');
  const statics = (config.static_configs ?? []) as readonly { readonly targets?: readonly string[] }[];
  return Object.freeze({
    kind: 'scrape-job',
    job: config.job_name,
    targets: statics.flatMap((s) => s.targets ?? []),
    interval: String(config.scrape_interval ?? DEFAULT_INTERVAL),
    path: String(config.metrics_path ?? '/metrics'),
    exact: config,
  });
}

/** A whole alertmanager.yml. A pack that has one is built alone, or with packs that route nothing. */
export interface ExactAlertmanager {
  readonly kind: 'exact-alertmanager';
  readonly config: Readonly<Record<string, unknown>>;
}

/** @throws BelfryError `bad_data` without `route` or `receivers` */
export function exactAlertmanager(config: Readonly<Record<string, unknown>>): ExactAlertmanager {
  if (!config.route || !Array.isArray(config.receivers)) {
    throw new BelfryError('bad_data', 'an Alertmanager configuration needs a route and receivers');
  }
  return Object.freeze({ kind: 'exact-alertmanager', config });
}

/** A dashboard in Grafana's own JSON model. */
export interface DashboardJson {
  readonly kind: 'dashboard-json';
  readonly uid: string;
  readonly title: string;
  /** With texts in the place of queries. */
  readonly model: Readonly<Record<string, unknown>>;
  /** Metrics that its queries name. */
  readonly metrics: readonly AnyMetric[];
}

const UID = /^[a-zA-Z0-9_-]{1,40}$/;

/**
 * A dashboard from its JSON model, in which a {@link Query} may stand wherever a text may.
 * @throws BelfryError `bad_data` for a uid that Grafana refuses, or a model without title
 */
export function dashboardJson(uid: string, model: Readonly<Record<string, unknown>>): DashboardJson {
  if (!UID.test(uid)) {
    throw new BelfryError('bad_data', `dashboard uid ${JSON.stringify(uid)}: at most 40 of letters, digits, - and _`);
  }
  if (typeof model.title !== 'string') throw new BelfryError('bad_data', `dashboard ${uid} has no title`);
  const metrics = new Set<AnyMetric>();
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    if (isQuery(value)) {
      for (const metric of value.metrics) metrics.add(metric);
      return value.text;
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  };
  const { title } = model;
  const texts = plain(model) as Readonly<Record<string, unknown>>;
  return Object.freeze({ kind: 'dashboard-json', uid, title, model: texts, metrics: [...metrics] });
}

function isQuery(value: object): value is Query {
  const { kind, text, metrics } = value as Partial<Query>;
  return kind === 'query' && typeof text === 'string' && Array.isArray(metrics);
}
