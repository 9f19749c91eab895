import { type Matcher, METRIC_NAME } from '@belfry/model';
import type { Expr, VectorSelector } from './ast.ts';

/** The expressions directly below, in the order they are written; a range has its selector. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return [];
    case 'paren':
    case 'unary':
    case 'subquery':
      return [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'aggregation':
      return expr.param ? [expr.param, expr.expr] : [expr.expr];
    case 'call':
      return expr.args;
    case 'range':
      return [expr.selector];
  }
}

/**
 * Visits every expression, outer ones first, with those around it (outermost first; the array is reused: copy it to
 * keep it). A visit that returns `false` leaves out what is below.
 */
export function walk(expr: Expr, visit: (expr: Expr, around: readonly Expr[]) => unknown): void {
  const around: Expr[] = [];
  const step = (node: Expr) => {
    if (visit(node, around) === false) return;
    around.push(node);
    for (const child of childrenOf(node)) step(child);
    around.pop();
  };
  step(expr);
}

/**
 * A tree with every expression replaced by what `replace` makes of it, inner ones first. What does not change is shared
 * with the old tree. The selector of a range is not offered by itself: replace the range.
 */
export function mapExpr(expr: Expr, replace: (expr: Expr) => Expr): Expr {
  return replace(mapChildren(expr, (child) => mapExpr(child, replace)));
}

function mapChildren(expr: Expr, map: (expr: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'paren':
    case 'unary':
    case 'subquery': {
      const inner = map(expr.expr);
      return inner === expr.expr ? expr : Object.freeze({ ...expr, expr: inner });
    }
    case 'binary': {
      const left = map(expr.left);
      const right = map(expr.right);
      return left === expr.left && right === expr.right ? expr : Object.freeze({ ...expr, left, right });
    }
    case 'aggregation': {
      const inner = map(expr.expr);
      const param = expr.param && map(expr.param);
      if (inner === expr.expr && param === expr.param) return expr;
      return Object.freeze({ ...expr, expr: inner, ...(param ? { param } : {}) });
    }
    case 'call': {
      const args = expr.args.map(map);
      return args.every((arg, i) => arg === expr.args[i])
        ? expr
        : Object.freeze({ ...expr, args: Object.freeze(args) });
    }
    default:
      return expr;
  }
}

/** All series selectors, also those of ranges and inside of subqueries, as written. */
export function selectorsOf(expr: Expr): VectorSelector[] {
  const out: VectorSelector[] = [];
  walk(expr, (node) => {
    if (node.kind === 'selector') out.push(node);
  });
  return out;
}

/** The one metric name that a selector asks for, however it was written; nothing when it asks by pattern or for any. */
export function metricNameOf(selector: { readonly matchers: readonly Matcher[] }): string | undefined {
  const matcher = selector.matchers.find((m) => m.name === METRIC_NAME && m.op === '=' && m.value !== '');
  return matcher?.value;
}

/** The metric names that an expression asks for by name, each once, in the order they are first written. */
export function metricNamesOf(expr: Expr): string[] {
  const names = new Set<string>();
  for (const selector of selectorsOf(expr)) {
    const name = metricNameOf(selector);
    if (name !== undefined) names.add(name);
  }
  return [...names];
}
