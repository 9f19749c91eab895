import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const fragileAlert = defineCheck({
  name: 'fragile-alert',
  finds:
    'An alert that depends on which series happen to be there: `topk`, `limitk`, or two sides aggregated by `without`.',
  severity: 'info',
  why: `\`topk\` picks other series at each evaluation, so alerts fire and resolve in turn. And two sides that are aggregated
\`without\` some labels match only while all their other labels are the same: a new label on one metric empties the result.`,
  bad: alertFile('topk(5, rate(errors_total[5m])) > 10'),
  good: alertFile('rate(errors_total[5m]) > 10'),
  run: ({ nodes }, report) => {
    for (const { node, expression, around } of nodes) {
      if (expression.use !== 'alert') continue;
      if (node.kind === 'aggregation' && /^(?:topk|bottomk|limitk|limit_ratio)$/.test(node.op)) {
        // Counted or added up it does not matter which they are.
        if (around.some((a) => a.kind === 'aggregation')) continue;
        report({
          at: placeOfSpan(expression, node.span),
          message: `${node.op} picks other series at each evaluation: the alerts change`,
        });
      } else if (node.kind === 'binary' && node.matching && !node.matching.on && !/^(?:and|or|unless)$/.test(node.op)) {
        const sides = [node.left, node.right];
        if (!sides.every((s) => s.kind === 'aggregation' && s.without) || node.matching.labels.length > 0) continue;
        report({
          at: placeOfSpan(expression, node.span),
          message: 'these sides match only while all their other labels are the same',
          suggestion: 'aggregate by (…) with the labels that are meant, or match on (…)',
        });
      }
    }
  },
});
