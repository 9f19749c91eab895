import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { unmatched } from './vector-match-empty.ts';

export const setOpLabelMismatch = defineCheck({
  name: 'set-op-label-mismatch',
  finds: '`and` or `unless` between sides whose labels can never be equal, so that it removes everything or nothing.',
  severity: 'warning',
  why: `\`and\` keeps a series if the other side has one with the same labels, \`unless\` drops it then. When one side surely has a
label that the other lacks, \`and\` is always empty and \`unless\` never does anything.`,
  bad: alertFile('rate(shop_failures_total{code="500"}[5m]) > 0 and sum(rate(shop_requests_total[5m])) > 100'),
  good: alertFile('rate(shop_failures_total{code="500"}[5m]) > 0 and on () sum(rate(shop_requests_total[5m])) > 100'),
  run: ({ nodes, labelsOf }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'binary' || !node.matching || (node.op !== 'and' && node.op !== 'unless')) continue;
      const label = unmatched(node, labelsOf(node.left), labelsOf(node.right));
      if (!label) continue;
      const other = label.side === 'left' ? 'right' : 'left';
      const effect = node.op === 'and' ? 'this is always empty' : 'unless never removes anything';
      report({
        at: placeOfSpan(expression, node.span),
        message: `${effect}: the ${label.side} side always has the label ${label.name}, the ${other} side never`,
        suggestion: `${node.op} on (…) with the labels that both sides share`,
      });
    }
  },
});
