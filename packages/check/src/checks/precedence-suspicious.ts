import { formatExpr } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { recordFile } from '../examples.ts';
import { placeOfSpan, textOfSpan } from '../expression.ts';
import { bare } from '../windows.ts';

export const precedenceSuspicious = defineCheck({
  name: 'precedence-suspicious',
  finds: '`a / b + c` where `a` is `b` (or `b` and `c` make the whole of `a`), which surely means `a / (b + c)`.',
  severity: 'error',
  why: `Division binds more tightly than addition: \`good / good + bad\` is 1 plus the bad ones, not a share. A share of something
in itself is 1, so nobody writes it on purpose. In an indicator it is an error: such a one is never below 1.`,
  bad: recordFile(
    'shop:availability:ratio',
    'sum(rate(good_total[5m])) / sum(rate(good_total[5m])) + sum(rate(bad_total[5m]))',
  ),
  good: recordFile(
    'shop:availability:ratio',
    'sum(rate(good_total[5m])) / (sum(rate(good_total[5m])) + sum(rate(bad_total[5m])))',
  ),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'binary' || (node.op !== '+' && node.op !== '-')) continue;
      const quotient = node.left;
      if (quotient.kind !== 'binary' || quotient.op !== '/') continue;
      if (formatExpr(bare(quotient.left)) !== formatExpr(bare(quotient.right))) continue;
      const text = (span: { start: number; end: number }) => textOfSpan(expression, span).replace(/\s+/g, ' ').trim();
      const share = `${text(quotient.left.span)} / (${text(quotient.right.span)} ${node.op} ${text(node.right.span)})`;
      const before = placeOfSpan(expression, { start: quotient.right.span.start, end: quotient.right.span.start });
      const after = placeOfSpan(expression, { start: node.right.span.end, end: node.right.span.end });
      report({
        at: placeOfSpan(expression, node.span),
        severity: 'error',
        message: `/ binds more tightly than ${node.op}: this is 1 ${node.op} the rest, not a share`,
        suggestion: share,
        fix: [
          { at: before, text: '(' },
          { at: after, text: ')' },
        ],
      });
    }
  },
});
