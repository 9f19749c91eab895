import { selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { numberIn, unitOf } from '../units.ts';
import { bare } from '../windows.ts';

export const clampDenominator = defineCheck({
  name: 'clamp-denominator',
  finds: 'A rate in a denominator that is raised to 1 or more, which makes shares of little traffic too small.',
  severity: 'warning',
  why: `\`clamp_min(rate, 1)\` is meant against a division by zero, but 1 a second is a lot for many services: with one request in
ten seconds a share of 50 % errors reads 5 %, and the alert never fires. \`/ (total > 0)\` avoids both.`,
  bad: alertFile('sum(rate(bad_total[5m])) / clamp_min(sum(rate(all_total[5m])), 1) > 0.02'),
  good: alertFile('sum(rate(bad_total[5m])) / (sum(rate(all_total[5m])) > 0) > 0.02'),
  run: ({ nodes, catalogue }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'binary' || node.op !== '/') continue;
      const right = bare(node.right);
      if (right.kind !== 'call' || right.func !== 'clamp_min') continue;
      const least = numberIn(right.args[1]!);
      const perSecond = unitOf(right.args[0]!, catalogue)?.perSecond ?? false;
      if (least === undefined || least < 0.1 || !perSecond || selectorsOf(right).length === 0) continue;
      report({
        at: placeOfSpan(expression, right.span),
        message: `below ${least} a second this makes the share too small: with less traffic an alert on it stays silent`,
        suggestion: '/ (… > 0)',
      });
    }
  },
});
