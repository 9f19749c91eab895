import type { Binary, BinaryOperator, Expr, NumberLiteral, Span } from './ast.ts';
import { formatExpr } from './printer.ts';
import { childrenOf, mapExpr } from './walk.ts';

/**
 * The same expression with everything calculated that is numbers only (`2 * 60`, `-(1)`, `1 == bool 2`, `pi()`), and
 * without parentheses around numbers. The result of evaluating is bit for bit the same.
 */
export function simplify(expr: Expr): Expr {
  return mapExpr(expr, fold);
}

function numberAt(value: number, span: Span): NumberLiteral {
  return Object.freeze({ kind: 'number', value, duration: false, span });
}

function fold(expr: Expr): Expr {
  if (expr.kind === 'paren') return expr.expr.kind === 'number' ? expr.expr : expr;
  if (expr.kind === 'unary' && expr.expr.kind === 'number') {
    return numberAt(expr.op === '-' ? -expr.expr.value : expr.expr.value, expr.span);
  }
  if (expr.kind === 'call' && expr.func === 'pi') return numberAt(Math.PI, expr.span);
  return expr.kind === 'binary' ? foldBinary(expr) : expr;
}

function foldBinary(expr: Binary): Expr {
  if (expr.left.kind !== 'number' || expr.right.kind !== 'number') return expr;
  const value = calculate(expr.op, expr.left.value, expr.right.value);
  return value === undefined ? expr : numberAt(value, expr.span);
}

/** The value of an operator between two scalars (comparisons as with `bool`); nothing for operators that have none. */
export function calculate(op: BinaryOperator, left: number, right: number): number | undefined {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return power(left, right);
    case 'atan2':
      return Math.atan2(left, right);
    case '==':
      return left === right ? 1 : 0;
    case '!=':
      return left !== right ? 1 : 0;
    case '<':
      return left < right ? 1 : 0;
    case '<=':
      return left <= right ? 1 : 0;
    case '>':
      return left > right ? 1 : 0;
    case '>=':
      return left >= right ? 1 : 0;
    default:
      return undefined;
  }
}

/** As C and Go have it: 1 to any power is 1, also to NaN, and −1 to an infinite one. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}

/** A subtree that stands more than once in an expression. */
export interface SharedSubtree {
  /** Equal for equal subtrees that are evaluated at the same times. */
  readonly key: string;
  readonly nodes: readonly Expr[];
}

/**
 * The subtrees that occur more than once and are worth calculating once: all but literals, and of nested ones only those
 * that also occur outside of a greater shared one. What is inside of a subquery is evaluated at the subquery's times, and
 * so is shared only with the inside of an equal subquery. The keys are printed text, so spans do not matter.
 */
export function sharedSubtrees(expr: Expr): SharedSubtree[] {
  const groups = new Map<string, Expr[]>();
  collect(expr, '', groups);
  const out: SharedSubtree[] = [];
  const covered = new Set<Expr>();
  // A Map keeps the order of insertion, and outer subtrees were inserted first.
  for (const [key, nodes] of groups) {
    if (nodes.length < 2 || nodes.every((node) => covered.has(node))) continue;
    out.push({ key, nodes });
    for (const node of nodes) cover(node, covered);
  }
  return out;
}

function cover(node: Expr, covered: Set<Expr>): void {
  for (const child of childrenOf(node)) {
    covered.add(child);
    cover(child, covered);
  }
}

function collect(expr: Expr, context: string, groups: Map<string, Expr[]>): void {
  if (expr.kind === 'number' || expr.kind === 'string') return;
  if (expr.kind !== 'paren') {
    const key = `${context}${formatExpr(expr)}`;
    const nodes = groups.get(key);
    if (nodes) nodes.push(expr);
    else groups.set(key, [expr]);
  }
  if (expr.kind === 'range') return;
  const inner = expr.kind === 'subquery' ? `${context}${formatExpr(expr)}\n` : context;
  for (const child of childrenOf(expr)) collect(child, inner, groups);
}
