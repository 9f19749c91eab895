import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { panelFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const histogramBaseName = defineCheck({
  name: 'histogram-base-name',
  finds: 'A query of a classic histogram by its own name, under which it has no series.',
  severity: 'warning',
  why: `A classic histogram is exported as \`…_bucket\`, \`…_sum\` and \`…_count\`. By the name alone there is nothing (only a native
histogram would be there), so the panel stays empty. The mean is the rate of the sum by the rate of the count.`,
  bad: withMetrics(REQUESTS, panelFile('avg(shop_request_duration_seconds)')),
  good: withMetrics(
    REQUESTS,
    panelFile('rate(shop_request_duration_seconds_sum[5m]) / rate(shop_request_duration_seconds_count[5m])'),
  ),
  run: ({ nodes, found }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector' || expression.use === 'prose') continue;
      const known = found(node);
      if (known?.part !== 'value' || known.metric.type !== 'histogram' || !known.metric.buckets) continue;
      // One asks for a quantile by label: that is told elsewhere.
      if (node.matchers.some((m) => m.name === 'quantile')) continue;
      const name = metricNameOf(node)!;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${name} is a histogram with buckets: there is no series of this name`,
        suggestion: `rate(${name}_sum[5m]) / rate(${name}_count[5m]), or histogram_quantile over ${name}_bucket`,
      });
    }
  },
});
