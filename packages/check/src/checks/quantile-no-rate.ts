import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const quantileNoRate = defineCheck({
  name: 'quantile-no-rate',
  finds: '`histogram_quantile` of raw buckets, without `rate` or `increase`.',
  severity: 'warning',
  why: `Buckets are counters since the start of the process, so this is the quantile of everything that ever happened: it
hardly moves when the service becomes slow now.`,
  bad: alertFile('histogram_quantile(0.95, sum by (le) (shop_duration_seconds_bucket)) > 1'),
  good: alertFile('histogram_quantile(0.95, sum by (le) (rate(shop_duration_seconds_bucket[5m]))) > 1'),
  run: ({ nodes }, report) => {
    for (const { node, expression, around } of nodes) {
      if (node.kind !== 'selector' || !metricNameOf(node)?.endsWith('_bucket')) continue;
      const quantile = around.findLast((a) => a.kind === 'call' && a.func === 'histogram_quantile');
      if (!quantile || around.slice(around.indexOf(quantile)).some((a) => a.kind === 'range')) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: 'these buckets count since the start of the process; the quantile of a time needs their rate',
        suggestion: `rate(${metricNameOf(node)}[5m])`,
      });
    }
  },
});
