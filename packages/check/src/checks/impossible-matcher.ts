import { compileMatcher, type Matcher } from '@belfry/model';
import type { VectorSelector } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';

export const impossibleMatcher = defineCheck({
  name: 'impossible-matcher',
  finds: 'Matchers of one label that no value fulfils together.',
  severity: 'error',
  why: 'All matchers of a selector must hold. Two that exclude each other select nothing, ever.',
  bad: alertFile('up{job="shop", job="mail"} == 0'),
  good: alertFile('up{job=~"shop|mail"} == 0'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      const pair = node.kind === 'selector' ? contradiction(node) : undefined;
      if (!pair) continue;
      const say = (m: Matcher) => `${m.name}${m.op}"${m.value}"`;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${say(pair[0])} and ${say(pair[1])} exclude each other: this selects nothing`,
      });
    }
  },
});

function contradiction({ matchers }: VectorSelector): readonly [Matcher, Matcher] | undefined {
  for (const fixed of matchers) {
    if (fixed.op !== '=' || hasVariable(fixed.value)) continue;
    for (const other of matchers) {
      if (other === fixed || other.name !== fixed.name || hasVariable(other.value)) continue;
      if (!compileMatcher(other).matches(fixed.value)) return [fixed, other];
    }
  }
  return undefined;
}
