import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const nameRegexRate = defineCheck({
  name: 'name-regex-rate',
  finds: 'A function over several metrics at once, which fails as soon as two of them have the same labels.',
  severity: 'warning',
  why: `Functions drop the metric’s name. Of \`rate({__name__=~"a|b"}[5m])\` the series of \`a\` and \`b\` with otherwise equal labels
become the same series, and Prometheus refuses the query: «vector cannot contain metrics with the same labelset». It works
on the day it is written and breaks when the second metric appears.`,
  bad: panelFile('rate({__name__=~"shop_.*_total"}[5m])'),
  good: panelFile('sum by (__name__) ({__name__=~"shop_.*_total"})'),
  run: ({ nodes }, report) => {
    for (const { node, expression, around } of nodes) {
      if (node.kind !== 'selector' || metricNameOf(node) !== undefined) continue;
      if (!node.matchers.some((m) => m.name === '__name__' && m.op === '=~')) continue;
      const call = around.at(-2);
      if (around.at(-1)?.kind !== 'range' || call?.kind !== 'call') continue;
      if (/^(?:last_over_time|first_over_time|absent_over_time)$/.test(call.func)) continue;
      report({
        at: placeOfSpan(expression, call.span),
        message: `${call.func} drops the names of these metrics: two with the same labels make the query fail`,
        suggestion: 'ask each metric by itself and join them with or, or keep the names with label_replace',
      });
    }
  },
});
