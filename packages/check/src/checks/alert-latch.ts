import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { kindOf } from '../metric-kind.ts';
import { bare } from '../windows.ts';

export const alertLatch = defineCheck({
  name: 'alert-latch',
  finds: 'An alert that compares a raw counter with a threshold: once above, it fires until the process restarts.',
  severity: 'warning',
  why: `A counter never falls while the process lives. After ten failures in three months the alert fires and cannot resolve;
people silence it, and then it is worth nothing.`,
  bad: alertFile('shop_connection_errors_total > 10'),
  good: alertFile('increase(shop_connection_errors_total[15m]) > 10'),
  run: ({ alerts, catalogue }, report) => {
    for (const { expression } of alerts) {
      for (const condition of expression?.ast ? conditionsOf(expression.ast) : []) {
        if (condition.op !== '>' && condition.op !== '>=') continue;
        let inner = bare(condition.value);
        while (inner.kind === 'aggregation' && inner.op !== 'count' && inner.op !== 'group') inner = bare(inner.expr);
        if (inner.kind !== 'selector') continue;
        const name = metricNameOf(inner) ?? '';
        const kind = kindOf(catalogue, inner);
        if (kind.type !== 'counter' || (!kind.sure && !name.endsWith('_total'))) continue;
        report({
          at: placeOfSpan(expression!, condition.node.span),
          message: `${name} is a counter: once above ${condition.bound}, this fires until the process restarts`,
          suggestion: `increase(${name}[15m]) ${condition.op} …`,
        });
      }
    }
  },
});
