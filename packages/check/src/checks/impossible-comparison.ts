import type { Expr } from '@belfry/promql';
import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { type Condition, conditionOf } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { unitOf } from '../units.ts';
import { bare } from '../windows.ts';
import type { World } from '../world.ts';

export const impossibleComparison = defineCheck({
  name: 'impossible-comparison',
  finds: 'A comparison that never holds, or always, because of what the value can be.',
  severity: 'error',
  why: '`up` is 0 or 1, a rate of a counter is never negative, a comparison with `bool` gives 0 or 1. What lies outside never happens.',
  bad: alertFile('up{job="shop"} > 1'),
  good: alertFile('up{job="shop"} < 1'),
  run: (world, report) => {
    for (const { node, expression } of world.nodes) {
      const condition = conditionOf(node);
      if (!condition || condition.node.bool) continue;
      const range = rangeOf(condition.value, world);
      const verdict = range && judge(condition, range);
      // `absent(x) > 0` says no more than `absent(x)`, and many write it.
      if (!verdict || (verdict === 'always' && range!.least === range!.most)) continue;
      report({
        at: placeOfSpan(expression, node.span),
        severity: verdict === 'never' ? 'error' : 'warning',
        message: `this ${verdict} holds: the value is ${range.words}`,
      });
    }
  },
});

interface Range {
  readonly least: number;
  readonly most: number;
  readonly words: string;
}

function rangeOf(expr: Expr, { catalogue }: World): Range | undefined {
  const node = bare(expr);
  if (node.kind === 'selector' && metricNameOf(node) === 'up') return { least: 0, most: 1, words: '0 or 1' };
  if (node.kind === 'binary' && node.bool) return { least: 0, most: 1, words: '0 or 1' };
  if (node.kind === 'call' && /^(?:absent|absent_over_time)$/.test(node.func))
    return { least: 1, most: 1, words: '1, or there is none' };
  if (node.kind === 'call' && /^(?:rate|irate|increase)$/.test(node.func)) {
    const of = unitOf(node, catalogue);
    return of ? { least: 0, most: Infinity, words: 'never negative' } : undefined;
  }
  return undefined;
}

function judge({ op, bound }: Condition, { least, most }: Range): 'never' | 'always' | undefined {
  if (op === '>') return bound >= most ? 'never' : bound < least ? 'always' : undefined;
  if (op === '>=') return bound > most ? 'never' : bound <= least ? 'always' : undefined;
  if (op === '<') return bound <= least ? 'never' : bound > most ? 'always' : undefined;
  if (op === '<=') return bound < least ? 'never' : bound >= most ? 'always' : undefined;
  if (op === '==') return bound < least || bound > most ? 'never' : undefined;
  return undefined;
}
