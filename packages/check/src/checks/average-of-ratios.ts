import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { placeOfSpan, textOfSpan } from '../expression.ts';
import { isScalar } from '../infer.ts';
import { bare } from '../windows.ts';

export const averageOfRatios = defineCheck({
  name: 'average-of-ratios',
  finds: 'An average of quotients, in place of the quotient of sums.',
  severity: 'info',
  why: `In an average of shares each series counts alike: one idle instance with 1 of 2 requests failed weighs as much as one with
millions. A series with a senseless divisor (a limit of −1) spoils all of it. Divide sums.`,
  bad: panelFile('avg(shop_used_bytes / shop_max_bytes)'),
  good: panelFile('sum(shop_used_bytes) / sum(shop_max_bytes)'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'aggregation' || node.op !== 'avg') continue;
      const inner = bare(node.expr);
      if (inner.kind !== 'binary' || inner.op !== '/' || isScalar(inner.left) || isScalar(inner.right)) continue;
      const by = node.grouping.length > 0 ? ` ${node.without ? 'without' : 'by'} (${node.grouping.join(', ')}) ` : '';
      const side = (e: typeof inner.left) => `sum${by}(${textOfSpan(expression, e.span).replace(/\s+/g, ' ').trim()})`;
      report({
        at: placeOfSpan(expression, node.span),
        message: 'each series’ share counts alike here, however much it is a share of',
        suggestion: `${side(inner.left)} / ${side(inner.right)}`,
      });
    }
  },
});
