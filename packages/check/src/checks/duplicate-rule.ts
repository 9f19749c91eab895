import { formatExpr } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import type { Rule } from '../documents.ts';

const file = (second: string) => ({
  'rules.yml': `groups:
  - name: example
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - record: ${second}
        expr: sum by (job) (up)
`,
});

export const duplicateRule = defineCheck({
  name: 'duplicate-rule',
  finds: 'The same rule twice, or two alerts of one name and severity with different conditions.',
  severity: 'warning',
  why: `Two equal rules are evaluated twice, and two recording rules of one name and labels overwrite each other. Two alerts of
one name cannot be told apart in a notification, in a silence or in an inhibition.`,
  bad: file('job:up:sum'),
  good: file('job:up:total'),
  run: ({ rules }, report) => {
    const seen = new Map<string, Rule>();
    for (const rule of rules) {
      const labels = [...rule.labels].map(([k, v]) => `${k}=${v.value.text}`).sort();
      const severity = rule.kind === 'alert' ? [`severity=${rule.labels.get('severity')?.value.text ?? ''}`] : labels;
      const key = [rule.kind, rule.name, ...severity].join('\n');
      const other = seen.get(key);
      if (!other) {
        seen.set(key, rule);
        continue;
      }
      // In prose the same rule may be shown twice on purpose.
      if (rule.document.origin === 'markdown' && rule.document.path === other.document.path) continue;
      const text = (r: Rule) => (r.expression?.ast ? formatExpr(r.expression.ast) : '');
      const same = text(rule) === text(other);
      if (rule.kind === 'alert' && !same && rule.document.path === other.document.path) continue;
      const where = other.document.path === rule.document.path ? '' : ` of ${other.document.path}`;
      report({
        at: rule.at,
        message: same
          ? `${rule.name} is the same rule as in group ${other.group}${where}`
          : `group ${other.group}${where} has another ${rule.kind === 'alert' ? 'alert' : 'recording rule'} of this name`,
      });
    }
  },
});
