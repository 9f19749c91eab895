import { BelfryError, type SourceRange } from '@belfry/model';
import { type Expr, formatParseError, parseExpr } from '@belfry/promql';
import type { Query } from './query.ts';

/** Stands for the windows that only Grafana knows, so that the rest can be parsed. */
const SOME_WINDOW = '1m';
const GRAFANA_WINDOW = /\$__(?:rate_interval|interval|range)\b/g;

const parsed = new WeakMap<Query, Expr>();

/**
 * The syntax tree of a query; windows that only Grafana knows stand there as one minute.
 * @throws BelfryError `query_syntax`, `query_type`, naming `where`, with the expression and a caret
 */
export function exprOf(query: Query, where: string): Expr {
  const known = parsed.get(query);
  if (known) return known;
  const text = query.text.replace(GRAFANA_WINDOW, SOME_WINDOW);
  try {
    const expr = parseExpr(text);
    parsed.set(query, expr);
    return expr;
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    const range: { range?: SourceRange } = error.range ? { range: error.range } : {};
    throw new BelfryError(error.code, `${where}: ${formatParseError(error, text)}`, { cause: error, ...range });
  }
}
