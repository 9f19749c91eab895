import type { Indicator, Objective, Origin, SloDocument } from './documents.ts';
import type { ExpressionReader } from './expression.ts';
import type { Snippet } from './source.ts';
import { at, itemsOf, type ListTree, type MapTree, numberOf, placeOf, snippetOf, type Tree, textOf } from './tree.ts';

/** A list of `{name, expression}`. */
export function readIndicators(tree: ListTree, source: Snippet, origin: Origin, reader: ExpressionReader): SloDocument {
  return { kind: 'slos', origin, source, indicators: indicatorsOf(tree.items, reader), objectives: [] };
}

/** `slos:` (plain, or Sloth's), with `slis:` or `indicators:` beside it. */
export function readSlos(tree: MapTree, source: Snippet, origin: Origin, reader: ExpressionReader): SloDocument {
  const indicators = indicatorsOf([...itemsOf(at(tree, 'slis')), ...itemsOf(at(tree, 'indicators'))], reader);
  const objectives: Objective[] = [];
  for (const item of itemsOf(at(tree, 'slos'))) {
    const named = at(item, 'name');
    const name = textOf(named);
    if (!named || name === undefined) continue;
    const events = at(item, 'sli', 'events');
    for (const field of ['error_query', 'total_query']) {
      const query = at(events, field);
      if (query?.kind !== 'scalar') continue;
      const expression = slothQuery(query, reader);
      indicators.push({ name: `${name} ${field}`, at: placeOf(query), expression });
    }
    const reference = at(item, 'sli') ?? at(item, 'indicator');
    const target = at(item, 'objective') ?? at(item, 'target');
    const bound = at(item, 'objective_threshold') ?? at(item, 'threshold');
    objectives.push({
      name,
      at: placeOf(named),
      indicator: textOf(reference),
      indicatorAt: reference && placeOf(reference),
      target: numberOf(target),
      targetAt: target && placeOf(target),
      bound: numberOf(bound),
      window: textOf(at(item, 'window')),
      alerts: at(item, 'alerting') !== undefined,
    });
  }
  return { kind: 'slos', origin, source, indicators, objectives };
}

/** Sloth writes the window as `{{.window}}`. */
function slothQuery(tree: Tree & { kind: 'scalar' }, reader: ExpressionReader) {
  const snippet = snippetOf(tree);
  const text = snippet.text.replace(/\{\{\s*\.window\s*\}\}/g, (written) => '5m'.padEnd(written.length));
  return reader.read({ ...snippet, text }, 'indicator');
}

function indicatorsOf(items: readonly Tree[], reader: ExpressionReader): Indicator[] {
  return items.flatMap((item) => {
    const named = at(item, 'name');
    const name = textOf(named);
    const query = at(item, 'expression') ?? at(item, 'query') ?? at(item, 'expr');
    if (!named || name === undefined || query?.kind !== 'scalar') return [];
    return [{ name, at: placeOf(named), expression: reader.read(snippetOf(query), 'indicator') }];
  });
}
