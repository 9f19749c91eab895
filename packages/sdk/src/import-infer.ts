/** A catalogue from how metrics are asked for: their kind by name and function, their labels by matchers and groupings. */
import { isLegacyMetricName } from '@belfry/model';
import { type Expr, metricNameOf, type VectorSelector, walk } from '@belfry/promql';
import type { Unit } from './catalogue.ts';
import type { ImportedQuery } from './import-queries.ts';

export interface InferredMetric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'info' | 'summary';
  readonly unit: Unit;
  readonly labels: readonly string[];
  /** Bounds or quantiles that queries name. */
  readonly bounds: readonly number[];
}

interface Seen {
  readonly labels: Set<string>;
  readonly bounds: Set<number>;
  readonly quantiles: Set<number>;
  rated: boolean;
  bucketed: boolean;
}

const RATES = new Set(['rate', 'irate', 'increase']);
/** Added by scraping, or part of how histograms and summaries are written. */
const KNOWN_LABELS = new Set(['job', 'instance', 'le', 'quantile', '__name__']);
/** Made by Prometheus itself. */
const SYNTHETIC = /^(?:up|ALERTS|ALERTS_FOR_STATE|scrape_\w+)$/;
const SERIES = /_(?:bucket|sum|count)$/;
const MOST_BOUNDS = 40;

/**
 * The metrics that queries ask for by name, sorted. `recorded` are names that recording rules make; `mentioned` are
 * labels that the texts around a query name, such as annotations.
 */
export function inferMetrics(
  queries: readonly { readonly query: ImportedQuery; readonly mentioned: readonly string[] }[],
  recorded: ReadonlySet<string>,
): readonly InferredMetric[] {
  const seen = new Map<string, Seen>();
  for (const { query, mentioned } of queries) {
    observe(query, mentioned, seen, recorded);
  }
  const bases = new Map<string, Seen[]>();
  for (const [name, what] of seen) {
    const base = baseOf(name, seen);
    bases.set(base, [...(bases.get(base) ?? []), what]);
  }
  return [...bases].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => merged(name, all));
}

/** The metric's name behind that of a series. */
function baseOf(name: string, seen: ReadonlyMap<string, Seen>): string {
  const base = name.replace(SERIES, '');
  if (base === name) return name;
  const isHistogram = name.endsWith('_bucket') || seen.has(`${base}_bucket`);
  return isHistogram || (seen.get(base)?.quantiles.size ?? 0) > 0 ? base : name;
}

function observe(
  { expr, text, offset }: ImportedQuery,
  mentioned: readonly string[],
  seen: Map<string, Seen>,
  recorded: ReadonlySet<string>,
): void {
  if (!expr) return;
  walk(expr, (node, around) => {
    if (node.kind !== 'selector') return;
    const name = metricNameOf(node);
    // What stands for a variable is no metric.
    if (node.name !== undefined && !text.startsWith(node.name, node.span.start + offset)) return;
    if (name === undefined || !isLegacyMetricName(name) || name.includes(':')) return;
    if (SYNTHETIC.test(name) || recorded.has(name)) return;
    const what = seen.get(name) ?? fresh();
    seen.set(name, what);
    for (const label of [...mentioned, ...labelsAround(node, around)]) {
      if (!KNOWN_LABELS.has(label) && /^[a-zA-Z_]\w*$/.test(label) && !label.startsWith('__')) what.labels.add(label);
    }
    const caller = around.findLast((e) => e.kind !== 'range' && e.kind !== 'paren');
    if (caller?.kind === 'call' && RATES.has(caller.func)) what.rated = true;
    if (name.endsWith('_bucket')) what.bucketed = true;
    for (const { name: label, op, value } of node.matchers) {
      if (op !== '=' || !Number.isFinite(Number(value)) || value === '') continue;
      if (label === 'le') what.bounds.add(Number(value));
      if (label === 'quantile') what.quantiles.add(Number(value));
    }
  });
}

function fresh(): Seen {
  return { labels: new Set(), bounds: new Set(), quantiles: new Set(), rated: false, bucketed: false };
}

/** Labels that a selector's matchers, and the groupings and matchings around it, name. */
function labelsAround(node: VectorSelector, around: readonly Expr[]): readonly string[] {
  const out = node.matchers.map((m) => m.name);
  for (const outer of around) {
    if (outer.kind === 'aggregation') out.push(...outer.grouping);
    if (outer.kind === 'binary' && outer.matching) out.push(...outer.matching.labels, ...outer.matching.include);
  }
  return out;
}

function merged(name: string, all: readonly Seen[]): InferredMetric {
  const union = <T>(pick: (seen: Seen) => Iterable<T>) => [...new Set(all.flatMap((seen) => [...pick(seen)]))];
  const quantiles = union((s) => s.quantiles);
  const kind = all.some((s) => s.bucketed)
    ? 'histogram'
    : quantiles.length > 0
      ? 'summary'
      : name.endsWith('_total') || all.some((s) => s.rated)
        ? 'counter'
        : name.endsWith('_info')
          ? 'info'
          : 'gauge';
  const bounds = (kind === 'summary' ? quantiles : union((s) => s.bounds)).sort((a, b) => a - b).slice(0, MOST_BOUNDS);
  return { name, kind, unit: unitOf(name), labels: union((s) => s.labels).sort(), bounds };
}

const UNITS: readonly (readonly [RegExp, Unit])[] = [
  [/_timestamp_seconds$|_timestamp$/, 'timestamp'],
  [/_seconds$/, 'seconds'],
  [/_milliseconds$/, 'milliseconds'],
  [/_bytes$/, 'bytes'],
  [/_ratio$/, 'ratio'],
  [/_percent$/, 'percent'],
  [/_celsius$/, 'celsius'],
];

function unitOf(name: string): Unit {
  const stem = name.replace(/_total$/, '');
  return UNITS.find(([ending]) => ending.test(stem))?.[1] ?? 'count';
}
