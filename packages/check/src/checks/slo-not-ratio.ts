import { defineCheck } from '../check.ts';
import { isComparison } from '../conditions.ts';
import { placeOfSpan } from '../expression.ts';
import { unitOf } from '../units.ts';
import { bare } from '../windows.ts';

const file = (expression: string) => ({
  'slos.yml': `slis:
  - name: latency
    expression: ${expression}
slos:
  - name: Latency
    sli: latency
    objective: 99.9
    window: 30d
`,
});

export const sloNotRatio = defineCheck({
  name: 'slo-not-ratio',
  finds: 'An objective on something that is not a share of good events: a quantile, a rate, a sum.',
  severity: 'warning',
  why: `An error budget counts events: so many of all may be bad. A 99th percentile «at most 0.5 s» has no budget, and averages of
percentiles over 30 days mean nothing. The share of requests within 0.5 s does: the bucket’s rate by the count’s.`,
  bad: file('histogram_quantile(0.99, sum by (le) (rate(shop_duration_seconds_bucket[5m])))'),
  good: file('sum(rate(shop_duration_seconds_bucket{le="0.5"}[5m])) / sum(rate(shop_duration_seconds_count[5m]))'),
  run: ({ slos, indicators, catalogue }, report) => {
    for (const objective of slos.flatMap((s) => s.objectives)) {
      const indicator = indicators.find((i) => i.name === objective.indicator);
      const ast = indicator?.expression?.ast;
      if (!ast) continue;
      const of = unitOf(ast, catalogue);
      const top = bare(ast);
      const quantile = top.kind === 'call' && top.func === 'histogram_quantile';
      if (top.kind === 'binary' && isComparison(top.op)) continue;
      if (quantile || objective.bound !== undefined) {
        report({
          at: objective.at,
          message: `objective ${objective.name} is on ${quantile ? 'a quantile' : 'a value'}, not on a share of good events: it has no error budget`,
          suggestion:
            objective.bound === undefined
              ? 'the share of events within a bound'
              : `the share of events within ${objective.bound}: sum(rate(…_bucket{le="${objective.bound}"}[…])) / sum(rate(…_count[…]))`,
        });
      } else if (of && of.base !== 'ratio' && of.base !== 'percent') {
        report({
          at: placeOfSpan(indicator!.expression!, ast.span),
          message: `objective ${objective.name} needs a share; this is ${of.base}${of.perSecond ? ' a second' : ''}`,
        });
      }
    }
  },
});
