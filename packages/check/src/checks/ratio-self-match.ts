import type { Binary, Expr, VectorSelector } from '@belfry/promql';
import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan, textOfSpan } from '../expression.ts';
import { RATES } from '../metric-kind.ts';
import { bare } from '../windows.ts';

export const ratioSelfMatch = defineCheck({
  name: 'ratio-self-match',
  finds:
    'A share whose numerator is a part of the series of the denominator, without aggregation: it divides series by themselves.',
  severity: 'error',
  why: `Vectors are matched series by series. \`rate(x{code="500"}) / rate(x)\` pairs the series with code 500 with the same
series in the denominator, so the result is always 1, or nothing: never a share of errors. Add both up first.`,
  bad: alertFile('rate(shop_requests_total{code="500"}[5m]) / rate(shop_requests_total[5m]) > 0.05'),
  good: alertFile('sum(rate(shop_requests_total{code="500"}[5m])) / sum(rate(shop_requests_total[5m])) > 0.05'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      const label = node.kind === 'binary' ? selfMatched(node) : undefined;
      if (label === undefined || node.kind !== 'binary') continue;
      const side = (expr: Expr) => `sum(${textOfSpan(expression, expr.span).replace(/\s+/g, ' ').trim()})`;
      report({
        at: placeOfSpan(expression, node.span),
        severity: expression.use === 'prose' ? 'warning' : 'error',
        message: `each series is divided by itself: the result is always 1, as both sides have the same ${label}`,
        suggestion: `${side(node.left)} / ${side(node.right)}`,
      });
    }
  },
});

/** The label that only the left asks for, when both sides are otherwise the same series. */
function selfMatched(node: Binary): string | undefined {
  if (node.op !== '/' || !node.matching || node.matching.cardinality !== 'one-to-one') return undefined;
  if (node.matching.on || node.matching.labels.length > 0) return undefined;
  const left = seriesOf(node.left);
  const right = seriesOf(node.right);
  if (!left || !right || left.shape !== right.shape) return undefined;
  const name = metricNameOf(left.selector);
  if (name === undefined || name !== metricNameOf(right.selector)) return undefined;
  const key = (m: { name: string; op: string; value: string }) => `${m.name}${m.op}${m.value}`;
  const common = new Set(right.selector.matchers.map(key));
  const more = left.selector.matchers.filter((m) => !common.has(key(m)));
  if (more.length === 0 || right.selector.matchers.length !== left.selector.matchers.length - more.length)
    return undefined;
  return more[0]!.name;
}

/** A selector, or a rate of one with its window. */
function seriesOf(expr: Expr): { selector: VectorSelector; shape: string } | undefined {
  const node = bare(expr);
  if (node.kind === 'selector') return node.offset || node.at ? undefined : { selector: node, shape: '' };
  if (node.kind !== 'call' || !RATES.has(node.func)) return undefined;
  const range = node.args[0];
  if (range?.kind !== 'range' || range.selector.offset || range.selector.at) return undefined;
  const ms = range.range.kind === 'duration' ? range.range.ms : -1;
  return { selector: range.selector, shape: `${node.func} ${ms}` };
}
