import type { Matcher } from '@belfry/model';
import type { AtModifier, Binary, Call, Duration, Expr, VectorSelector } from './ast.ts';
import { FUNCTIONS } from './functions.ts';
import { formatNumberText } from './printer.ts';

/** A node of the answer of `/api/v1/parse_query`. */
export type ParseTree = { readonly type: string } & { readonly [field: string]: unknown };

/**
 * The expression as the JSON that Prometheus' `/api/v1/parse_query` answers, for its query tree view. Durations are
 * milliseconds; those that only a query settles (`[step()]`) are 0, as in Prometheus.
 */
export function toParseTree(expr: Expr): ParseTree {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatNumberText(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'paren':
      return { type: 'parenExpr', expr: toParseTree(expr.expr) };
    case 'unary':
      return { type: 'unaryExpr', op: expr.op, expr: toParseTree(expr.expr) };
    case 'binary':
      return binaryTree(expr);
    case 'aggregation':
      return {
        type: 'aggregation',
        op: expr.op,
        expr: toParseTree(expr.expr),
        param: expr.param ? toParseTree(expr.param) : null,
        grouping: expr.grouping,
        without: expr.without,
      };
    case 'call':
      return callTree(expr);
    case 'selector':
      return { type: 'vectorSelector', ...selectorFields(expr) };
    case 'range':
      return { type: 'matrixSelector', range: literalMs(expr.range), ...selectorFields(expr.selector) };
    case 'subquery':
      return {
        type: 'subquery',
        expr: toParseTree(expr.expr),
        range: literalMs(expr.range),
        offset: literalMs(expr.offset),
        step: literalMs(expr.step),
        ...atFields(expr.at),
      };
  }
}

function binaryTree(expr: Binary): ParseTree {
  const { matching } = expr;
  return {
    type: 'binaryExpr',
    op: expr.op,
    lhs: toParseTree(expr.left),
    rhs: toParseTree(expr.right),
    matching: matching
      ? {
          card: matching.cardinality,
          labels: matching.labels,
          on: matching.on,
          include: matching.include,
          fillValues: { lhs: matching.fillLeft ?? null, rhs: matching.fillRight ?? null },
        }
      : null,
    bool: expr.bool,
  };
}

function callTree(expr: Call): ParseTree {
  const signature = FUNCTIONS.get(expr.func)!;
  return {
    type: 'call',
    func: {
      name: signature.name,
      argTypes: signature.args,
      variadic: signature.variadic,
      returnType: signature.returns,
    },
    args: expr.args.map(toParseTree),
  };
}

function selectorFields(selector: VectorSelector) {
  return {
    name: selector.name ?? '',
    offset: literalMs(selector.offset),
    matchers: selector.matchers.map(matcherTree),
    ...atFields(selector.at),
    anchored: selector.extended === 'anchored',
    smoothed: selector.extended === 'smoothed',
  };
}

function matcherTree({ name, value, op }: Matcher) {
  return { name, value, type: op };
}

function atFields(at: AtModifier | undefined) {
  return {
    timestamp: at?.kind === 'timestamp' ? at.ms : null,
    startOrEnd: at && at.kind !== 'timestamp' ? at.kind : null,
  };
}

function literalMs(duration: Duration | undefined): number {
  return duration?.kind === 'duration' ? duration.ms : 0;
}
