import { BelfryError } from '@belfry/model';
import { type Expr, formatExpr, parseExpr, valueTypeOf } from '@belfry/promql';

/**
 * What an alert does about series that it measured and that give no data any more:
 * - `resolve`: it ends, as Prometheus does it;
 * - `keep`: the last measured value counts, so an alert that fires goes on, and one that does not begins not;
 * - `alert`: the absence itself is a reason to alert.
 */
export type OnMissing = 'resolve' | 'keep' | 'alert';

/** How far back a series counts as one that was measured, unless told. After that, its absence is taken for its end. */
export const MISSING_FOR = '1h';
/** In how fine steps that time is looked at. A series that lived for less may be overlooked. */
const STEP = '1m';

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '>', '<', '>=', '<=']);

/**
 * The condition of an alert in plain PromQL, with what it does about missing data. A comparison with a number or scalar
 * compares the last measured value; one between two vectors counts as measured where both sides were there.
 * @throws BelfryError `bad_data`, naming `where`, when the condition is not a comparison: then nothing says what was
 * measured and what was asked of it
 */
export function withMissing(expr: Expr, mode: OnMissing, missingFor: string, where: string): Expr {
  if (mode === 'resolve') return expr;
  const comparison = stripParentheses(expr);
  if (comparison.kind !== 'binary' || !COMPARISONS.has(comparison.op) || comparison.bool) {
    throw new BelfryError(
      'bad_data',
      `${where}: onMissing: '${mode}' needs a comparison such as \`x > 5\` as its condition, ` +
        `which ${formatExpr(expr)} is not; compare last, or leave onMissing out`,
    );
  }
  const { left, right, op } = comparison;
  const [a, b] = [formatExpr(left), formatExpr(right)];
  const scalarRight = valueTypeOf(right) === 'scalar';
  if (!scalarRight && valueTypeOf(left) !== 'scalar') return between(comparison, mode, missingFor);
  const measured = scalarRight ? a : b;
  const last = `last_over_time((${measured})[${missingFor}:${STEP}])`;
  if (mode === 'alert') return parseExpr(`(${formatExpr(comparison)}) or (${last} unless (${measured}))`);
  const known = `((${measured}) or ${last})`;
  return parseExpr(scalarRight ? `${known} ${op} ${b}` : `${a} ${op} ${known}`);
}

/** Of two vectors: whether the comparison held is itself the measurement, 1 or 0. */
function between(comparison: Expr & { kind: 'binary' }, mode: OnMissing, missingFor: string): Expr {
  const measured = formatExpr({ ...comparison, bool: true });
  const last = `last_over_time((${measured})[${missingFor}:${STEP}])`;
  const held = mode === 'alert' ? last : `(${last} == 1)`;
  return parseExpr(`(${formatExpr(comparison)}) or (${held} unless (${measured}))`);
}

function stripParentheses(expr: Expr): Expr {
  return expr.kind === 'paren' ? stripParentheses(expr.expr) : expr;
}
