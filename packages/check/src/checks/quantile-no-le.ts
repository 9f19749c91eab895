import { metricNameOf, selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan, textOfSpan } from '../expression.ts';
import { isAbsent } from '../infer.ts';
import { bare } from '../windows.ts';

export const quantileNoLe = defineCheck({
  name: 'quantile-no-le',
  finds: '`histogram_quantile` of classic buckets from which `le` was aggregated away.',
  severity: 'error',
  why: 'The label `le` is what makes buckets of series. Without it `histogram_quantile` answers nothing at all.',
  bad: alertFile('histogram_quantile(0.95, sum by (method) (rate(shop_duration_seconds_bucket[5m]))) > 1'),
  good: alertFile('histogram_quantile(0.95, sum by (method, le) (rate(shop_duration_seconds_bucket[5m]))) > 1'),
  run: ({ nodes, labelsOf }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'call' || node.func !== 'histogram_quantile') continue;
      const arg = bare(node.args[1]!);
      // Only for names of buckets: native histograms have no le.
      const classic = selectorsOf(arg).some((s) => metricNameOf(s)?.endsWith('_bucket'));
      if (!classic || !isAbsent(labelsOf(arg), 'le')) continue;
      const fix =
        arg.kind === 'aggregation' && !arg.without && arg.grouping.length > 0 ? textOfSpan(expression, arg.span) : '';
      report({
        at: placeOfSpan(expression, arg.span),
        message: 'the label le is aggregated away, so histogram_quantile answers nothing',
        suggestion: fix ? `keep it: ${fix.replace(/\bby\s*\(\s*/, 'by (le, ')}` : 'keep it: sum by (le, …) (…)',
      });
    }
  },
});
