import type { Expr } from '@belfry/promql';
import { metricNameOf, selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { unitOf } from '../units.ts';
import { bare } from '../windows.ts';

export const alertFiresIdle = defineCheck({
  name: 'alert-fires-idle',
  finds: 'An alert on a rate that is too low, which also fires when there is simply nothing to do.',
  severity: 'warning',
  why: `\`rate(bytes_total[5m]) < x\` holds at night, when no transfer runs, as it does when one is slow. Unless nothing to do is
itself the fault, it needs a second condition: that something is going on.`,
  bad: alertFile('rate(shop_transferred_bytes_total[5m]) < 1e6'),
  good: alertFile('rate(shop_transferred_bytes_total[5m]) < 1e6 and rate(shop_transferred_bytes_total[5m]) > 0'),
  run: ({ alerts, catalogue }, report) => {
    for (const { expression } of alerts) {
      if (!expression?.ast) continue;
      const top = bare(expression.ast);
      // A second condition, of whatever kind, may be the one that is asked for.
      if (top.kind === 'binary' && (top.op === 'and' || top.op === 'unless')) continue;
      for (const condition of conditionsOf(top)) {
        if (condition.op !== '<' && condition.op !== '<=') continue;
        const of = unitOf(condition.value, catalogue);
        if (condition.bound <= 0 || !of?.perSecond || of.base === 'seconds' || !isRate(condition.value)) continue;
        if (selectorsOf(condition.value).some((s) => /heartbeat|keepalive|watchdog/i.test(metricNameOf(s) ?? '')))
          continue;
        report({
          at: placeOfSpan(expression, condition.node.span),
          message: 'this also fires when there is nothing to do: an idle rate is 0',
          suggestion: 'add `and` with a condition that something is going on, such as … > 0',
        });
      }
    }
  },
});

function isRate(expr: Expr): boolean {
  const node = bare(expr);
  if (node.kind === 'aggregation') return isRate(node.expr);
  return node.kind === 'call' && /^i?rate$/.test(node.func);
}
