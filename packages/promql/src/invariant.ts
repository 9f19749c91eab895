import type { Expr } from './ast.ts';

/** Functions whose result changes with the time of evaluation though their arguments do not. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'time',
  'timestamp',
  'year',
]);

const known = new WeakMap<Expr, boolean>();

/** Whether an expression has the same value at every step, so that evaluating it at one suffices. */
export function isStepInvariant(expr: Expr): boolean {
  let answer = known.get(expr);
  if (answer === undefined) {
    answer = decide(expr);
    known.set(expr, answer);
  }
  return answer;
}

function decide(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return true;
    case 'paren':
    case 'unary':
      return isStepInvariant(expr.expr);
    case 'binary':
      return isStepInvariant(expr.left) && isStepInvariant(expr.right);
    case 'aggregation':
      return isStepInvariant(expr.expr) && (!expr.param || isStepInvariant(expr.param));
    case 'call':
      return !TIME_DEPENDENT.has(expr.func) && expr.args.every(isStepInvariant);
    case 'selector':
    case 'subquery':
      return expr.at !== undefined;
    case 'range':
      return expr.selector.at !== undefined;
  }
}
