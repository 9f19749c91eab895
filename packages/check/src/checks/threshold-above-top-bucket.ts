import { type Expr, metricNameOf, selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import type { Condition } from '../conditions.ts';
import { conditionOf } from '../conditions.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { bare } from '../windows.ts';
import type { World } from '../world.ts';

export const thresholdAboveTopBucket = defineCheck({
  name: 'threshold-above-top-bucket',
  finds: 'A quantile compared with more than the histogram’s highest bound, which it can never exceed.',
  severity: 'warning',
  why: `\`histogram_quantile\` never answers more than the highest finite bound: what lies beyond it counts as that bound. An
alert above it cannot fire, however slow the service is. An error where the bounds are declared or dumped.`,
  bad: withMetrics(
    REQUESTS,
    alertFile('histogram_quantile(0.95, sum by (le) (rate(shop_request_duration_seconds_bucket[5m]))) > 5'),
  ),
  good: withMetrics(
    REQUESTS,
    alertFile('histogram_quantile(0.95, sum by (le) (rate(shop_request_duration_seconds_bucket[5m]))) > 0.5'),
  ),
  run: (world, report) => {
    for (const { node, expression } of world.nodes) {
      const found = quantileCondition(node, world);
      if (!found) continue;
      const { condition, buckets, name } = found;
      const top = buckets.at(-1)!;
      if (!/^>=?$/.test(condition.op) || condition.bound < top || (condition.op === '>=' && condition.bound === top))
        continue;
      const known = world.catalogue.find(name);
      report({
        at: placeOfSpan(expression, node.span),
        severity: known && known.metric.authority !== 'document' ? 'error' : 'warning',
        message: `this never holds: a quantile of ${name} is at most ${top}, its highest bucket, never above ${condition.bound}`,
        suggestion: 'lower the threshold, or give the histogram higher buckets',
      });
    }
  },
});

/** `histogram_quantile(…) op number` with the bounds of the histogram. */
export function quantileCondition(
  node: Expr,
  { catalogue }: World,
): { condition: Condition; buckets: readonly number[]; name: string } | undefined {
  const condition = conditionOf(node);
  const value = condition && bare(condition.value);
  if (value?.kind !== 'call' || value.func !== 'histogram_quantile') return undefined;
  const name = selectorsOf(value).map(metricNameOf)[0];
  const buckets = name === undefined ? undefined : catalogue.bucketsOf(name);
  return buckets && buckets.length > 0 ? { condition: condition!, buckets, name: name! } : undefined;
}
