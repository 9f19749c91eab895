import type { DashboardDocument, Origin, Panel, Target, Threshold, Variable } from './documents.ts';
import type { ExpressionReader } from './expression.ts';
import { durationOf, LOGQL } from './read-rules.ts';
import { type Snippet, slice } from './source.ts';
import { at, itemsOf, type MapTree, numberOf, placeOf, snippetOf, type Tree, textOf } from './tree.ts';

/** Reads a dashboard's model: Grafana's JSON without the envelope `{"dashboard": …}`. */
export function readDashboard(
  tree: MapTree,
  source: Snippet,
  origin: Origin,
  reader: ExpressionReader,
): DashboardDocument {
  const titled = at(tree, 'title');
  const title = textOf(titled) ?? '';
  const panels = [...panelsOf(tree), ...itemsOf(at(tree, 'rows')).flatMap(panelsOf)].map((p) =>
    readPanel(p, title, reader),
  );
  return {
    kind: 'dashboard',
    origin,
    source,
    tree,
    at: titled ? placeOf(titled) : { in: tree.in, start: tree.start, end: tree.start + 1 },
    title,
    uid: textOf(at(tree, 'uid')),
    panels,
    variables: itemsOf(at(tree, 'templating', 'list')).flatMap((v) => readVariable(v, reader)),
    refreshMs: durationOf(at(tree, 'refresh')),
  };
}

function panelsOf(tree: Tree): MapTree[] {
  return itemsOf(at(tree, 'panels')).flatMap((panel) => {
    if (panel.kind !== 'map') return [];
    return textOf(at(panel, 'type')) === 'row' ? panelsOf(panel) : [panel];
  });
}

function readPanel(tree: MapTree, dashboard: string, reader: ExpressionReader): Panel {
  const titled = at(tree, 'title');
  const unit = at(tree, 'fieldConfig', 'defaults', 'unit') ?? at(tree, 'yaxes', 0, 'format') ?? at(tree, 'format');
  const place = titled ? placeOf(titled) : { in: tree.in, start: tree.start, end: tree.start + 1 };
  const prometheus = isPrometheus(at(tree, 'datasource'));
  return {
    tree,
    at: place,
    type: textOf(at(tree, 'type')) ?? '',
    title: textOf(titled) ?? '',
    titleAt: place,
    unit: textOf(unit),
    unitAt: unit && placeOf(unit),
    thresholds: itemsOf(at(tree, 'fieldConfig', 'defaults', 'thresholds', 'steps')).map(readThreshold),
    targets: prometheus
      ? itemsOf(at(tree, 'targets')).flatMap((t) => (t.kind === 'map' ? readTarget(t, reader) : []))
      : [],
    dashboard: { title: dashboard },
  };
}

/** Whether a datasource reference may be a Prometheus. */
function isPrometheus(tree: Tree | undefined): boolean {
  const type = textOf(at(tree, 'type'));
  if (type !== undefined) return /prometheus|mimir|cortex|thanos|victoria|^(?:datasource|mixed)$|^-- |^\$/i.test(type);
  const name = textOf(tree);
  return name === undefined || !/loki|tempo|influx|elastic|cloudwatch|graphite|jaeger|mysql|postgres/i.test(name);
}

function readTarget(tree: MapTree, reader: ExpressionReader): Target[] {
  if (!isPrometheus(at(tree, 'datasource'))) return [];
  const expr = at(tree, 'expr');
  const legend = at(tree, 'legendFormat');
  const usable = expr?.kind === 'scalar' && expr.text.trim() !== '' && !LOGQL.test(expr.text);
  return [
    {
      tree,
      at: expr ? placeOf(expr) : { in: tree.in, start: tree.start, end: tree.start + 1 },
      expression: usable ? reader.read(snippetOf(expr), 'panel', true) : undefined,
      legend: legend?.kind === 'scalar' && legend.text !== '' ? snippetOf(legend) : undefined,
      refId: textOf(at(tree, 'refId')),
    },
  ];
}

function readThreshold(tree: Tree): Threshold {
  return { at: placeOf(tree), color: textOf(at(tree, 'color')) ?? '', value: numberOf(at(tree, 'value')) };
}

const LABEL_VALUES = /^\s*label_values\(\s*(?:([\s\S]+?)\s*,\s*)?"?([a-zA-Z_][\w.]*)"?\s*\)\s*$/;
const QUERY_RESULT = /^\s*query_result\(\s*([\s\S]+)\)\s*$/;

function readVariable(tree: Tree, reader: ExpressionReader): Variable[] {
  const named = at(tree, 'name');
  const name = textOf(named);
  if (tree.kind !== 'map' || !named || name === undefined) return [];
  const raw = at(tree, 'query', 'query') ?? at(tree, 'definition') ?? at(tree, 'query');
  const type = textOf(at(tree, 'type')) ?? '';
  const query = raw?.kind === 'scalar' && raw.text !== '' ? snippetOf(raw) : undefined;
  const usable = type === 'query' && query && isPrometheus(at(tree, 'datasource'));
  const values = usable ? LABEL_VALUES.exec(query.text) : null;
  const result = usable ? QUERY_RESULT.exec(query.text) : null;
  const inner = values?.[1] ?? result?.[1];
  let expression: Variable['expression'];
  if (usable && inner) {
    const start = query.text.indexOf(inner);
    expression = reader.read(slice(query, start, start + inner.length), 'variable', true);
  }
  return [{ name, at: placeOf(named), type, tree, label: values?.[2], expression, query }];
}
