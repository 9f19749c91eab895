import { metricNameOf, selectorsOf, type VectorSelector } from '@belfry/promql';
import type { Expression } from './expression.ts';
import type { Edit } from './problem.ts';
import { fileSpan, isWritten, type Place, placeIn } from './source.ts';
import type { World } from './world.ts';

export type UseKind = 'recording' | 'alert' | 'panel' | 'variable' | 'indicator' | 'text';

/** Something that stands on a metric. */
export interface MetricUse {
  readonly kind: UseKind;
  /** Of the rule, of the dashboard and panel, of the variable or indicator; empty for a text. */
  readonly name: string;
  readonly at: Place;
  /** The recording rules between the metric and this, nearest to the metric first. */
  readonly through: readonly string[];
}

interface Owned {
  readonly kind: UseKind;
  readonly name: string;
  readonly expression: Expression;
}

function owners(world: World): readonly Owned[] {
  const own = (kind: UseKind, name: string, expression: Expression | undefined): Owned[] =>
    expression ? [{ kind, name, expression }] : [];
  return [
    ...world.rules.flatMap((r) => own(r.kind, r.name, r.expression)),
    ...world.panels.flatMap((p) =>
      p.targets.flatMap((t) => own('panel', `${p.dashboard.title}: ${p.title}`, t.expression)),
    ),
    ...world.dashboards.flatMap((d) =>
      d.variables.flatMap((v) => own('variable', `${d.title}: $${v.name}`, v.expression)),
    ),
    ...world.indicators.flatMap((i) => own('indicator', i.name, i.expression)),
    ...world.prose.flatMap((p) => p.expressions.flatMap((e) => own('text', '', e))),
  ];
}

/** Everything that asks for a metric (by its own name, or the names of a histogram’s series), also through recordings. */
export function usesOf(world: World, metric: string): readonly MetricUse[] {
  const all = owners(world);
  const out: MetricUse[] = [];
  const visited = new Set<string>();
  const visit = (name: string, through: readonly string[]) => {
    if (visited.has(name)) return;
    visited.add(name);
    for (const { kind, name: owner, expression } of all) {
      const selector = expression.ast && selectorsOf(expression.ast).find((s) => isNamed(metricNameOf(s), name));
      if (!selector) continue;
      out.push({ kind, name: owner, at: placeIn(expression.snippet, selector.span.start, selector.span.end), through });
      if (kind === 'recording') visit(owner, [...through, owner]);
    }
  };
  visit(metric, []);
  return out;
}

const SERIES = /_(?:bucket|sum|count)$/;

function isNamed(series: string | undefined, metric: string): boolean {
  return series === metric || (series !== undefined && SERIES.test(series) && series.replace(SERIES, '') === metric);
}

/**
 * The edits that rename a metric wherever it is asked for by name. Packs are left out: their queries are composed, and
 * the name stands in the catalogue.
 */
export function renameMetric(world: World, from: string, to: string): readonly Edit[] {
  const edits = new Map<string, Edit>();
  for (const { expression } of owners(world)) {
    for (const selector of expression.ast ? selectorsOf(expression.ast) : []) {
      const place = nameIn(expression, selector, from);
      if (!place || !isWritten(place)) continue;
      const path = place.in.file.path;
      const { start, end } = fileSpan(place);
      edits.set(`${path}:${start}`, { path, start, end, text: to });
    }
  }
  return [...edits.values()].sort((a, b) => (a.path === b.path ? a.start - b.start : a.path < b.path ? -1 : 1));
}

/** Where the metric’s name is written in a selector, without the ending of a histogram’s series. */
function nameIn({ snippet }: Expression, selector: VectorSelector, metric: string): Place | undefined {
  if (!isNamed(metricNameOf(selector), metric)) return undefined;
  const at = snippet.text.slice(selector.span.start, selector.span.end).indexOf(metric);
  const start = selector.span.start + at;
  return at < 0 ? undefined : placeIn(snippet, start, start + metric.length);
}
