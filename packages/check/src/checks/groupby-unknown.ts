import { nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { panelFile, REQUESTS, withMetrics } from '../examples.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';
import { isAbsent } from '../infer.ts';

export const groupbyUnknown = defineCheck({
  name: 'groupby-unknown',
  finds: 'Grouping by a label that the series surely do not have.',
  severity: 'warning',
  why: `\`by (label)\` with a label that no series has puts everything into one group without a name: the table has one row
where it should have one for each user. It is an error where a pack declares the labels.`,
  bad: withMetrics(REQUESTS, panelFile('sum by (user) (rate(shop_requests_total[5m]))')),
  good: withMetrics(REQUESTS, panelFile('sum by (code) (rate(shop_requests_total[5m]))')),
  run: ({ nodes, labelsOf, found }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'aggregation' || node.without) continue;
      const labels = labelsOf(node.expr);
      for (const label of node.grouping) {
        if (hasVariable(label) || !isAbsent(labels, label)) continue;
        const inner = node.expr;
        const metric = inner.kind === 'selector' ? found(inner)?.metric : undefined;
        const near = nearest(label, labels.possible);
        report({
          at: placeOfSpan(expression, node.span),
          severity: metric?.authority === 'pack' && !labels.narrowed ? 'error' : 'warning',
          message: `by (${label}): ${labels.narrowed ? 'an inner aggregation removed this label' : 'no series here has this label'}`,
          suggestion: near ? `did you mean ${near}?` : undefined,
        });
      }
    }
  },
});
