import { type Expr, metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { kindOf } from '../metric-kind.ts';

export const counterNoRate = defineCheck({
  name: 'counter-no-rate',
  finds: 'A counter shown or compared as it is, without `rate` or `increase`.',
  severity: 'warning',
  why: `The value of a counter is what happened since the process began: it only rises, and falls to zero at a restart. What
matters is how fast it rises. (Whether one exists at all may be asked without.)`,
  bad: panelFile('shop_requests_total'),
  good: panelFile('rate(shop_requests_total[5m])'),
  run: ({ nodes, catalogue }, report) => {
    for (const { node, expression, around } of nodes) {
      if (node.kind !== 'selector' || !/^(?:panel|alert|indicator|recording)$/.test(expression.use)) continue;
      const kind = kindOf(catalogue, node);
      const name = metricNameOf(node) ?? '';
      // Without a catalogue only what is named as a counter; sums and counts may be anything.
      if (kind.type !== 'counter' || (!kind.sure && !name.endsWith('_total'))) continue;
      if (!bareUse(around) || (expression.use === 'alert' && isCompared(around))) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${name} is a counter: its value since the start of the process says little`,
        suggestion: `rate(${expression.snippet.text.slice(node.span.start, node.span.end)}[5m])`,
      });
    }
  },
});

const HARMLESS_CALLS = new Set([
  'absent',
  'timestamp',
  'count_values',
  'histogram_quantile',
  'changes',
  'resets',
  'vector',
]);

/** Whether the value itself is used: not in a range, nor only for being there. */
function bareUse(around: readonly Expr[]): boolean {
  for (let i = around.length - 1; i >= 0; i--) {
    const parent = around[i]!;
    if (parent.kind === 'range' || parent.kind === 'subquery') return false;
    if (parent.kind === 'call' && HARMLESS_CALLS.has(parent.func)) return false;
    if (parent.kind === 'aggregation' && /^(?:count|group)$/.test(parent.op)) return false;
    if (parent.kind === 'binary') {
      const child = around[i + 1];
      // What comes after `unless` or `and` only filters, and a shared divisor or offset makes its own difference.
      if ((parent.op === 'unless' || parent.op === 'and') && child === parent.right) return false;
      if (parent.op === '-' || parent.op === '/') return false;
    }
  }
  return true;
}

/** What an alert compares as it is, is what `alert-latch` tells. */
function isCompared(around: readonly Expr[]): boolean {
  const parent = around.findLast((a) => a.kind !== 'paren' && a.kind !== 'aggregation');
  return parent?.kind === 'binary' && /^[<>=!]/.test(parent.op);
}
