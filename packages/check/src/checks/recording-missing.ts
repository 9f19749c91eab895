import { nearest } from '@belfry/model';
import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { placeOfSpan } from '../expression.ts';

const file = (name: string) => ({
  'rules.yml': `groups:
  - name: example
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: ${name} == 0
`,
});

export const recordingMissing = defineCheck({
  name: 'recording-missing',
  finds: 'A query of a recorded series that no rule records.',
  severity: 'warning',
  why: `A name with a colon is a recording rule’s. If no rule of that name is among the files, the alert is on nothing. Told only
where the files record others of the same level or metric.`,
  bad: file('job:up:summ'),
  good: file('job:up:sum'),
  run: ({ nodes, recorded }, report) => {
    const levels = new Set([...recorded.keys()].map((name) => name.split(':')[0]));
    for (const { node, expression } of nodes) {
      const name = node.kind === 'selector' ? metricNameOf(node) : undefined;
      if (name === undefined || !name.includes(':') || recorded.has(name)) continue;
      const near = nearest(name, recorded.keys());
      if (near === undefined || !levels.has(name.split(':')[0])) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `no rule records ${name}`,
        suggestion: `did you mean ${near}?`,
      });
    }
  },
});
