import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const quantileLabelOnHistogram = defineCheck({
  name: 'quantile-label-on-histogram',
  finds: 'A matcher on `quantile` for a histogram, which has buckets and no such label.',
  severity: 'warning',
  why: 'Only summaries export ready quantiles. A histogram’s are calculated from its buckets; by that label it has nothing.',
  bad: withMetrics(REQUESTS, alertFile('shop_request_duration_seconds{quantile="0.95"} > 1')),
  good: withMetrics(
    REQUESTS,
    alertFile('histogram_quantile(0.95, sum by (le) (rate(shop_request_duration_seconds_bucket[5m]))) > 1'),
  ),
  run: ({ nodes, found }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const metric = found(node)?.metric;
      if (metric?.type !== 'histogram' || !node.matchers.some((m) => m.name === 'quantile')) continue;
      const q = node.matchers.find((m) => m.name === 'quantile')!.value;
      report({
        at: placeOfSpan(expression, node.span),
        severity: /^(?:pack|dump)$/.test(metric.authority) ? 'error' : 'warning',
        message: `${metricNameOf(node)} is a histogram: no series has the label quantile`,
        suggestion: `histogram_quantile(${q}, sum by (le) (rate(${metric.name}_bucket[5m])))`,
      });
    }
  },
});
