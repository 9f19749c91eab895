import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const metricNeverEmitted = defineCheck({
  name: 'metric-never-emitted',
  finds: 'A query of a metric that is declared but of which a dump of `/metrics` has no series.',
  severity: 'warning',
  why: `Libraries print the type of a metric as soon as it is declared. When no code path ever writes it, everything built
on it stays empty: an alert that never fires, a panel that says «No data».`,
  bad: withMetrics(
    '# TYPE shop_failures_total counter\n# TYPE shop_up gauge\nshop_up 1\n',
    alertFile('rate(shop_failures_total[5m]) > 0'),
  ),
  good: withMetrics(
    '# TYPE shop_failures_total counter\nshop_failures_total 0\n',
    alertFile('rate(shop_failures_total[5m]) > 0'),
  ),
  run: ({ nodes, found }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const known = found(node);
      if (!known?.metric.silent) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${metricNameOf(node)} is declared, but the dump has no series of it: nothing may ever write it`,
      });
    }
  },
});
