import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';

const file = (used: string) => ({
  'rules.yml': `groups:
  - name: example
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
      - alert: Down
        expr: job:up:sum == 0 ${used}
`,
});

export const recordingUnused = defineCheck({
  name: 'recording-unused',
  finds: 'A recording rule whose result nothing asks for.',
  severity: 'info',
  why: `It is evaluated and stored for nobody, or what was meant to use it asks the raw metric instead. Told only where some
recorded series are used, as the users may be in files that were not given.`,
  bad: file(''),
  good: file('or job:errors:rate5m > 1'),
  run: ({ nodes, recordings, recorded }, report) => {
    const used = new Set<string>();
    for (const { node } of nodes) if (node.kind === 'selector') used.add(metricNameOf(node) ?? '');
    if (![...recorded.keys()].some((name) => used.has(name))) return;
    for (const rule of recordings) {
      if (!used.has(rule.name)) report({ at: rule.at, message: `nothing that was checked asks for ${rule.name}` });
    }
  },
});
