import { defineCheck, type Replacement } from '../check.ts';
import { alertFile } from '../examples.ts';
import type { Expression } from '../expression.ts';
import { placeIn, placeOfRange } from '../source.ts';

export const parseError = defineCheck({
  name: 'parse-error',
  finds: 'PromQL that Prometheus refuses.',
  severity: 'error',
  why: 'A rule file with one such expression is not loaded at all; a panel with one shows nothing.',
  bad: alertFile('rate(shop_requests_total[5m]) by (code) > 1'),
  good: alertFile('sum by (code) (rate(shop_requests_total[5m])) > 1'),
  run: ({ expressions }, report) => {
    for (const expression of expressions) {
      const { fault, snippet } = expression;
      if (!fault) continue;
      const at = fault.range ? placeOfRange(snippet, fault.range) : placeIn(snippet, 0, snippet.text.length);
      const grouping = trailingGrouping(expression);
      report({
        at,
        message: fault.message,
        suggestion: grouping?.suggestion,
        ...(grouping?.fix ? { fix: grouping.fix } : {}),
      });
    }
  },
});

/** `rate(…) by (label)`: a grouping belongs to an aggregation. */
function trailingGrouping({ snippet }: Expression): { suggestion: string; fix?: readonly Replacement[] } | undefined {
  const match = /^([\s\S]*\S)\s+(by|without)\s*(\([^()]*\))([\s\S]*)$/.exec(snippet.text);
  if (!match) return undefined;
  const [, inner, word, labels, rest] = match as unknown as [string, string, string, string, string];
  const shown = `sum ${word} ${labels} (${inner.trim().replace(/\s+/g, ' ')})${rest}`;
  return { suggestion: `${word} ${labels} belongs to an aggregation, such as \`${shown.trim()}\`` };
}
