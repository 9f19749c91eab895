import type { Expr } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { isComparison } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { bare } from '../windows.ts';

export const alertNoCondition = defineCheck({
  name: 'alert-no-condition',
  finds: 'An alert whose expression compares nothing, or compares with `bool`: it fires whenever the series exist.',
  severity: 'warning',
  why: `Every series of the result fires, whatever its value. Without a comparison that is every series there is; with \`bool\` a
comparison that does not hold gives 0, which is a series too.`,
  bad: alertFile('rate(shop_failures_total[5m])'),
  good: alertFile('rate(shop_failures_total[5m]) > 0'),
  run: ({ alerts }, report) => {
    for (const { expression } of alerts) {
      if (!expression?.ast || filters(expression.ast)) continue;
      report({
        at: placeOfSpan(expression, expression.ast.span),
        message: 'this fires for every series that exists, whatever its value',
        suggestion: 'compare with something, such as > 0',
      });
    }
  },
});

/** Whether what the expression gives depends on values, or it asks for existence on purpose. */
function filters(expr: Expr): boolean {
  const node = bare(expr);
  switch (node.kind) {
    case 'binary':
      if (isComparison(node.op)) return !node.bool;
      if (node.op === 'and' || node.op === 'or')
        return filters(node.left) || (node.op === 'and' && filters(node.right));
      return node.op === 'unless' || filters(node.left) || filters(node.right);
    case 'call':
      if (/^(?:absent|absent_over_time|vector|changes|resets|present_over_time)$/.test(node.func)) return true;
      return node.args.some(filters);
    case 'aggregation':
      return filters(node.expr);
    case 'unary':
    case 'subquery':
      return filters(node.expr);
    case 'selector':
      // Series that exist only while something is wrong: ALERTS, and what a rule records.
      return node.name === undefined || node.name === 'ALERTS' || node.name.includes(':');
    default:
      return false;
  }
}
