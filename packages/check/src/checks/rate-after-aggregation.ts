import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { RATES } from '../metric-kind.ts';
import { bare } from '../windows.ts';

export const rateAfterAggregation = defineCheck({
  name: 'rate-after-aggregation',
  finds: '`rate` over a sum of counters, in place of a sum of rates.',
  severity: 'warning',
  why: `When one process restarts, the sum of the counters falls, and \`rate\` takes that for a restart of everything: the result
jumps by the whole sum. Take the rate of each series first, then add.`,
  bad: alertFile('rate(sum(shop_requests_total)[5m:1m]) > 10'),
  good: alertFile('sum(rate(shop_requests_total[5m])) > 10'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'call' || !RATES.has(node.func)) continue;
      const arg = node.args[0];
      const inner = arg?.kind === 'subquery' ? bare(arg.expr) : undefined;
      if (inner?.kind !== 'aggregation' || !/^(?:sum|avg|min|max|count)$/.test(inner.op)) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${node.func} of a ${inner.op}: when one series restarts or goes, this jumps by the whole ${inner.op}`,
        suggestion: `${inner.op}(${node.func}(…[window]))`,
      });
    }
  },
});
