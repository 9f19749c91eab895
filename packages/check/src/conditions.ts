import type { Binary, ComparisonOperator, Expr } from '@belfry/promql';
import { isScalar } from './infer.ts';
import { numberIn } from './units.ts';
import { bare } from './windows.ts';

export interface Condition {
  readonly node: Binary;
  /** What is compared; on the left, as if it had been written so. */
  readonly value: Expr;
  readonly op: ComparisonOperator;
  readonly bound: number;
}

const FLIPPED: Readonly<Record<string, ComparisonOperator>> = {
  '>': '<',
  '<': '>',
  '>=': '<=',
  '<=': '>=',
  '==': '==',
  '!=': '!=',
};

export function isComparison(op: string): op is ComparisonOperator {
  return op in FLIPPED;
}

/** A comparison of series with a number. */
export function conditionOf(node: Expr): Condition | undefined {
  if (node.kind !== 'binary' || !isComparison(node.op)) return undefined;
  const right = numberIn(node.right);
  if (right !== undefined && !isScalar(node.left)) return { node, value: node.left, op: node.op, bound: right };
  const left = numberIn(node.left);
  if (left !== undefined && !isScalar(node.right))
    return { node, value: node.right, op: FLIPPED[node.op]!, bound: left };
  return undefined;
}

/** The comparisons that decide whether an alert fires: the top, and both sides of `and`, `or`, the left of `unless`. */
export function conditionsOf(expr: Expr): readonly Condition[] {
  const node = bare(expr);
  const one = conditionOf(node);
  if (one) return [one];
  if (node.kind !== 'binary') return [];
  if (node.op === 'and' || node.op === 'or') return [...conditionsOf(node.left), ...conditionsOf(node.right)];
  return node.op === 'unless' ? conditionsOf(node.left) : [];
}
