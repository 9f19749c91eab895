import { metricNameOf, selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { placeOfSpan, textOfSpan } from '../expression.ts';
import { bare } from '../windows.ts';

const file = (expression: string) => ({ 'slos.yml': `slis:\n  - name: a\n    expression: ${expression}\nslos: []\n` });

export const sliEmptyBeforeFirstEvent = defineCheck({
  name: 'sli-empty-before-first-event',
  finds: 'An indicator made from a counter of failures, which is empty until the first failure.',
  severity: 'warning',
  why: `Many libraries export a counter with labels only after its first increment. Until something fails, \`1 - failed / all\` is
not 1 but nothing: the best of services has no data.`,
  bad: file('1 - sum(rate(shop_failures_total[5m])) / sum(rate(shop_requests_total[5m]))'),
  good: file('1 - (sum(rate(shop_failures_total[5m])) or vector(0)) / sum(rate(shop_requests_total[5m]))'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      if (expression.use !== 'indicator' || node.kind !== 'binary' || node.op !== '/') continue;
      const left = bare(node.left);
      if (left.kind === 'binary') continue;
      const failing = selectorsOf(left).some((s) => {
        const name = metricNameOf(s) ?? '';
        const matched = s.matchers.some(
          (m) => m.name !== '__name__' && /5\.\.|fail|error|denied/i.test(m.value) && (m.op === '=' || m.op === '=~'),
        );
        return /(?:fail|failures?|failed|errors?|denied|rejected|dropped)(?:_total|_count)?$/.test(name) || matched;
      });
      if (!failing) continue;
      const text = textOfSpan(expression, node.left.span).trim();
      report({
        at: placeOfSpan(expression, node.left.span),
        message: 'this is empty until the first failure, and so is the whole indicator',
        suggestion: `(${text} or vector(0))`,
      });
    }
  },
});
