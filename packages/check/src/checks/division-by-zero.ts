import type { Expr } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { conditionOf } from '../conditions.ts';
import { recordFile } from '../examples.ts';
import { placeOfSpan, textOfSpan } from '../expression.ts';
import { isScalar } from '../infer.ts';
import { RATES } from '../metric-kind.ts';
import { numberIn } from '../units.ts';
import { bare } from '../windows.ts';

export const divisionByZero = defineCheck({
  name: 'division-by-zero',
  finds: 'A division by a number that is 0, or an indicator or recording that is NaN whenever nothing happens.',
  severity: 'info',
  why: `0/0 is NaN. A comparison with NaN never holds, so an alert is silent while there is no traffic (often right); but a
recorded NaN spreads: averages and sums over time of it are NaN too, and an objective counts hours without traffic as
unknown. \`/ (total > 0)\` leaves those moments out.`,
  bad: recordFile('shop:errors:ratio_rate5m', 'sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))'),
  good: recordFile('shop:errors:ratio_rate5m', 'sum(rate(bad_total[5m])) / (sum(rate(all_total[5m])) > 0)'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'binary' || (node.op !== '/' && node.op !== '%')) continue;
      if (numberIn(node.right) === 0) {
        report({ at: placeOfSpan(expression, node.right.span), severity: 'warning', message: 'division by zero' });
        continue;
      }
      if (!/^(?:recording|indicator)$/.test(expression.use) || isScalar(node.right) || !mayBeZero(node.right)) continue;
      report({
        at: placeOfSpan(expression, node.right.span),
        message: 'this is 0 while nothing happens, and 0/0 is NaN',
        suggestion: `(${textOfSpan(expression, node.right.span).trim()} > 0)`,
      });
    }
  },
});

/** A rate, or sums of rates: zero in idle times. */
function mayBeZero(expr: Expr): boolean {
  const node = bare(expr);
  if (conditionOf(node)) return false;
  if (node.kind === 'aggregation') return mayBeZero(node.expr);
  if (node.kind === 'binary' && node.op === '+') return mayBeZero(node.left) && mayBeZero(node.right);
  return node.kind === 'call' && RATES.has(node.func);
}
