import { type Expr, metricNameOf, walk } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { conditionOf } from '../conditions.ts';
import { placeOfSpan } from '../expression.ts';
import { bare } from '../windows.ts';

const file = (second: string) => ({
  'rules.yml': `groups:
  - name: example
    rules:
      - alert: ShopDown
        expr: up{job="shop"} == 0
        for: 5m
${second}`,
});

export const absentNotCovered = defineCheck({
  name: 'absent-not-covered',
  finds: 'An alert on `up == 0` that nothing accompanies for the case that the target is not there at all.',
  severity: 'info',
  why: `\`up\` exists only for targets that discovery finds. When the job is renamed, its pods are gone or its configuration is
lost, there is no \`up\` to be 0, and the alert for «down» is silent in the worst case. \`absent(up{job="…"})\` covers it.`,
  bad: file(''),
  good: file('      - alert: ShopAbsent\n        expr: absent(up{job="shop"})\n        for: 5m\n'),
  run: ({ alerts }, report) => {
    const covered = new Set<string>();
    for (const { expression } of alerts) {
      if (!expression?.ast) continue;
      walk(expression.ast, (node) => {
        if (node.kind === 'call' && /^absent/.test(node.func)) for (const job of jobsIn(node)) covered.add(job);
        if (node.kind === 'aggregation' && node.op === 'count') for (const job of jobsIn(node)) covered.add(job);
      });
    }
    for (const { expression } of alerts) {
      const top = expression?.ast && bare(expression.ast);
      const condition = top && conditionOf(top);
      const value = condition && bare(condition.value);
      if (value?.kind !== 'selector' || metricNameOf(value) !== 'up') continue;
      const down =
        (condition!.op === '==' && condition!.bound === 0) || (condition!.op === '<' && condition!.bound === 1);
      const missing = jobsIn(value).filter((job) => !covered.has(job));
      if (!down || missing.length === 0) continue;
      report({
        at: placeOfSpan(expression!, value.span),
        message: `silent when ${missing.join(' or ')} is not discovered at all: then there is no up to be 0`,
        suggestion: missing.map((job) => `absent(up{job="${job}"})`).join(' or '),
      });
    }
  },
});

/** The jobs that selectors in an expression name: by equality, or as a list of alternatives. */
function jobsIn(expr: Expr): string[] {
  const out: string[] = [];
  walk(expr, (node) => {
    for (const m of node.kind === 'selector' ? node.matchers : []) {
      if (m.name !== 'job' || (m.op !== '=' && m.op !== '=~')) continue;
      const names = m.value.split('|');
      if (m.op === '=' || names.every((n) => /^[\w-]+$/.test(n))) out.push(...(m.op === '=' ? [m.value] : names));
    }
  });
  return out;
}
