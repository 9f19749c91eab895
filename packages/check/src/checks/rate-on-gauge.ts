import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { callAround, DELTAS, kindOf, RATES } from '../metric-kind.ts';

export const rateOnGauge = defineCheck({
  name: 'rate-on-gauge',
  finds: '`rate`, `irate` or `increase` of a gauge, or `delta` and `deriv` of a counter.',
  severity: 'warning',
  why: `\`rate\` takes every fall for a restart of the counter and adds what was before it: over a gauge that goes up and down
the result is nonsense, and large. \`delta\` in turn does not know of restarts, so it is wrong for counters. It is an error
where a pack or a dump says what the metric is.`,
  bad: withMetrics(REQUESTS, alertFile('rate(shop_queue_depth[5m]) > 1')),
  good: withMetrics(REQUESTS, alertFile('deriv(shop_queue_depth[5m]) > 1')),
  run: ({ nodes, catalogue }, report) => {
    for (const { node, expression, around } of nodes) {
      if (node.kind !== 'selector') continue;
      const func = callAround(around);
      if (func === undefined || around.some((a) => a.kind === 'subquery')) continue;
      const kind = kindOf(catalogue, node);
      if (!kind.sure || !kind.found) continue;
      const { metric } = kind.found;
      const severity = /^(?:pack|dump)$/.test(metric.authority) ? 'error' : 'warning';
      const at = placeOfSpan(expression, node.span);
      const name = metricNameOf(node);
      if (RATES.has(func) && kind.type === 'gauge') {
        report({
          at,
          severity,
          message: `${func} of ${name}, which is a ${metric.type === 'gauge' ? 'gauge' : metric.type}: falls are taken for restarts`,
          suggestion: `use deriv or delta, or avg_over_time for its level`,
        });
      } else if (DELTAS.has(func) && kind.type === 'counter' && func !== 'predict_linear') {
        report({
          at,
          severity: 'warning',
          message: `${func} of ${name}, which is a counter: a restart makes it negative`,
          suggestion: 'use rate or increase',
        });
      }
    }
  },
});
