import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { callAround, kindOf, RATES } from '../metric-kind.ts';

/** Endings of names that only gauges have. */
const GAUGE_NAME =
  /_(?:ratio|percent|percentage|fraction|utilization|usage|celsius|temperature|in_use|inflight|in_flight|goroutines|threads|queue_length|queue_depth)$/;

export const rateOnRatioSuffix = defineCheck({
  name: 'rate-on-ratio-suffix',
  finds: '`rate` of a metric whose name says that it is a share or a level.',
  severity: 'warning',
  why: 'A share, a percentage or a temperature is a gauge: the rate at which it rises, with falls taken for restarts, is no number that means anything.',
  bad: alertFile('rate(shop_cache_hit_ratio[5m]) < 0.5'),
  good: alertFile('avg_over_time(shop_cache_hit_ratio[5m]) < 0.5'),
  run: ({ nodes, catalogue }, report) => {
    for (const { node, expression, around } of nodes) {
      const name = node.kind === 'selector' ? metricNameOf(node) : undefined;
      if (node.kind !== 'selector' || name === undefined) continue;
      if (/_ratio_total$/.test(name)) {
        report({
          at: placeOfSpan(expression, node.span),
          severity: 'info',
          message: `${name}: OpenTelemetry’s exporter adds _ratio to counters of unit "1"; other versions serve ${name.replace('_ratio', '')}`,
          suggestion: `${name} or ${name.replace('_ratio', '')}`,
        });
        continue;
      }
      if (!GAUGE_NAME.test(name)) continue;
      const func = callAround(around);
      if (func === undefined || !RATES.has(func) || kindOf(catalogue, node).sure) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${func} of ${name}: by its name this is a gauge`,
        suggestion: 'use avg_over_time for its level, or deriv for its slope',
      });
    }
  },
});
