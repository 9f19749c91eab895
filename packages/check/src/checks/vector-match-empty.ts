import type { Binary } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { isAbsent, type LabelSet } from '../infer.ts';

export const vectorMatchEmpty = defineCheck({
  name: 'vector-match-empty',
  finds:
    'An operation between two vectors of which no series can match, as one side always has a label that the other never has.',
  severity: 'error',
  why: `Series of two sides match when all their labels are equal (but for \`on\` and \`ignoring\`). If one side carries a label
that the other surely lacks, nothing ever matches and the result is empty.`,
  bad: withMetrics(
    REQUESTS,
    alertFile('sum by (code) (rate(shop_requests_total{code=~"5.."}[5m])) / sum(rate(shop_requests_total[5m])) > 1'),
  ),
  good: alertFile(
    'sum by (code) (rate(shop_requests_total{code=~"5.."}[5m])) / on () group_left () sum(rate(shop_requests_total[5m])) > 1',
  ),
  run: ({ nodes, labelsOf }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'binary' || !node.matching || /^(?:or|and|unless)$/.test(node.op)) continue;
      const label = unmatched(node, labelsOf(node.left), labelsOf(node.right));
      if (label === undefined) continue;
      const [has, lacks] = label.side === 'left' ? ['left', 'right'] : ['right', 'left'];
      report({
        at: placeOfSpan(expression, node.span),
        severity: label.sure ? 'error' : 'warning',
        message: `nothing can match: the ${has} side always has the label ${label.name}, the ${lacks} side never`,
        suggestion: `aggregate both sides to the same labels, or match with on (…) or ignoring (${label.name})`,
      });
    }
  },
});

/** A label that is compared, surely on one side and surely not on the other. */
export function unmatched(
  { matching }: Binary,
  left: LabelSet,
  right: LabelSet,
): { name: string; side: 'left' | 'right'; sure: boolean } | undefined {
  const compared = (label: string) => matching!.on === matching!.labels.includes(label);
  const sides = [
    ['left', left, right],
    ['right', right, left],
  ] as const;
  for (const [side, one, other] of sides) {
    for (const name of one.present) {
      if (compared(name) && isAbsent(other, name)) return { name, side, sure: other.narrowed };
    }
  }
  return undefined;
}
