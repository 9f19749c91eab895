import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { quantileCondition } from './threshold-above-top-bucket.ts';

export const thresholdBelowFirstBucket = defineCheck({
  name: 'threshold-below-first-bucket',
  finds: 'A quantile compared with less than the histogram’s lowest bound, where it is only an interpolation.',
  severity: 'warning',
  why: `Below the lowest bound \`histogram_quantile\` interpolates from zero: if all observations are in the first bucket, the
95th percentile is 0.95 of its bound, whatever they were. A threshold there measures the bucket, not the service.`,
  bad: withMetrics(
    REQUESTS,
    alertFile('histogram_quantile(0.95, sum by (le) (rate(shop_request_duration_seconds_bucket[5m]))) > 0.05'),
  ),
  good: withMetrics(
    REQUESTS,
    alertFile('histogram_quantile(0.95, sum by (le) (rate(shop_request_duration_seconds_bucket[5m]))) > 0.5'),
  ),
  run: (world, report) => {
    for (const { node, expression } of world.nodes) {
      const found = quantileCondition(node, world);
      if (!found || found.condition.bound >= found.buckets[0]! || found.condition.bound <= 0) continue;
      const { condition, buckets, name } = found;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${condition.bound} is below the lowest bucket of ${name} (${buckets[0]}): the quantile there is made up by interpolation`,
        suggestion: 'give the histogram lower buckets, or compare with one of its bounds',
      });
    }
  },
});
