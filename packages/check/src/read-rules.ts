import { BelfryError, parseDuration } from '@belfry/model';
import type { AlertRule, Origin, Rule, RuleGroup, RulesDocument, Text } from './documents.ts';
import type { ExpressionReader } from './expression.ts';
import type { Snippet } from './source.ts';
import { at, entriesOf, itemsOf, type MapTree, placeOf, snippetOf, type Tree, textOf } from './tree.ts';

/** The groups of a rule file, or of a PrometheusRule's `spec`. What is malformed is left out; a check tells of it. */
export function readRules(tree: MapTree, source: Snippet, origin: Origin, reader: ExpressionReader): RulesDocument {
  const groups = itemsOf(at(tree, 'groups')).flatMap((g) => (g.kind === 'map' ? [readGroup(g, origin, reader)] : []));
  return { kind: 'rules', origin, source, tree, groups };
}

function readGroup(tree: MapTree, origin: Origin, reader: ExpressionReader): RuleGroup {
  const name = textOf(at(tree, 'name')) ?? '';
  const intervalMs = durationOf(at(tree, 'interval'));
  const named = at(tree, 'name');
  const rules = itemsOf(at(tree, 'rules')).flatMap((r) => readRule(r, name, intervalMs, origin, reader));
  return { name, at: named ? placeOf(named) : placeOf(tree), intervalMs, rules, tree };
}

function readRule(
  tree: Tree,
  group: string,
  intervalMs: number | undefined,
  origin: Origin,
  reader: ExpressionReader,
): Rule[] {
  if (tree.kind !== 'map') return [];
  const alert = at(tree, 'alert');
  const record = at(tree, 'record');
  const named = alert ?? record;
  const name = textOf(named);
  if (!named || name === undefined) return [];
  const expr = at(tree, 'expr');
  const common = {
    name,
    at: placeOf(named),
    expression: exprOf(expr, alert ? 'alert' : 'recording', reader),
    labels: textsOf(at(tree, 'labels')),
    group,
    intervalMs,
    document: { origin, path: tree.in.file.path },
    tree,
  };
  if (!alert) return [{ kind: 'recording', ...common }];
  const rule: AlertRule = {
    kind: 'alert',
    ...common,
    forMs: durationOf(at(tree, 'for')) ?? 0,
    annotations: textsOf(at(tree, 'annotations')),
  };
  return [rule];
}

/** What only LogQL has: Loki's rule files look like Prometheus'. */
export const LOGQL = /\|[=~]|\|\s*(?:json|logfmt|line_format|unwrap|pattern)\b|!~?\s*`/;

function exprOf(tree: Tree | undefined, use: 'alert' | 'recording', reader: ExpressionReader) {
  const usable = tree?.kind === 'scalar' && tree.text.trim() !== '' && !LOGQL.test(tree.text);
  return usable ? reader.read(snippetOf(tree), use) : undefined;
}

/** A map of texts. */
export function textsOf(tree: Tree | undefined): ReadonlyMap<string, Text> {
  const out = new Map<string, Text>();
  for (const [name, { key, value }] of entriesOf(tree)) {
    if (value.kind === 'scalar') out.set(name, { key, value: snippetOf(value) });
  }
  return out;
}

/** Milliseconds; nothing when it is not a duration. */
export function durationOf(tree: Tree | undefined): number | undefined {
  const text = textOf(tree);
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof BelfryError) return undefined;
    throw error;
  }
}
