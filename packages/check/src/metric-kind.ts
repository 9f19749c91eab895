import { type Expr, metricNameOf, type VectorSelector } from '@belfry/promql';
import type { Catalogue, Found } from './catalogue.ts';

/** What a selector's series are to a rate: `histogram` is a native one, or the bare name of a classic one. */
export interface Kind {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'unknown';
  /** Known from a catalogue, not guessed by name. */
  readonly sure: boolean;
  readonly found: Found | undefined;
}

export function kindOf(catalogue: Catalogue, selector: VectorSelector): Kind {
  const name = metricNameOf(selector);
  if (name === undefined) return { type: 'unknown', sure: false, found: undefined };
  return kindOfName(catalogue, name);
}

export function kindOfName(catalogue: Catalogue, name: string): Kind {
  const found = catalogue.find(name);
  const type = found?.metric.type ?? 'unknown';
  if (found && (found.part !== 'value' || type === 'counter'))
    return { type: 'counter', sure: type !== 'unknown', found };
  if (type === 'gauge' || type === 'info' || type === 'summary') return { type: 'gauge', sure: true, found };
  if (type === 'histogram') return { type: 'histogram', sure: true, found };
  if (name.includes(':')) return { type: 'unknown', sure: false, found };
  return { type: /_(?:total|bucket)$/.test(name) ? 'counter' : 'unknown', sure: false, found };
}

/** Functions of a range that only make sense for counters. */
export const RATES = new Set(['rate', 'irate', 'increase']);
/** Functions of a range that only make sense for gauges. */
export const DELTAS = new Set(['delta', 'deriv', 'idelta', 'predict_linear']);

/** The innermost call around a node, of those given to `walk`. */
export function callAround(around: readonly Expr[]): string | undefined {
  for (let i = around.length - 1; i >= 0; i--) {
    const node = around[i]!;
    if (node.kind === 'call') return node.func;
    if (node.kind !== 'range' && node.kind !== 'paren' && node.kind !== 'subquery') return undefined;
  }
  return undefined;
}
