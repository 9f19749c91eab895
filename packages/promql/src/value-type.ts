import type { Expr, ValueType } from './ast.ts';
import { FUNCTIONS } from './functions.ts';

/** What the expression gives when evaluated. Total on trees that `parseExpr` made. */
export function valueTypeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'paren':
    case 'unary':
      return valueTypeOf(expr.expr);
    case 'binary':
      return valueTypeOf(expr.left) === 'scalar' && valueTypeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
    case 'call':
      return FUNCTIONS.get(expr.func)?.returns ?? 'vector';
    case 'aggregation':
    case 'selector':
      return 'vector';
    case 'range':
    case 'subquery':
      return 'matrix';
  }
}

const DOCUMENTED: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
};

/** The name of the type in the documentation and in messages: `instant vector`, `range vector`. */
export function documentedType(type: ValueType): string {
  return DOCUMENTED[type];
}
