import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';

const file = (interval: string) => ({
  'rules.yml': `groups:
  - name: example
    interval: ${interval}
    rules:
      - alert: Down
        expr: up == 0
        for: 1m
`,
});

export const forShorterThanInterval = defineCheck({
  name: 'for-shorter-than-interval',
  finds:
    'An alert that waits less than the time between two evaluations of its group, or a window that evaluations leave gaps in.',
  severity: 'warning',
  why: `Between two evaluations nothing is looked at: \`for: 1m\` in a group of every 5 minutes waits 5 minutes. And an \`increase\`
over a window shorter than the interval misses what happens between the windows.`,
  bad: file('5m'),
  good: file('30s'),
  run: ({ alerts }, report) => {
    for (const { at, name, forMs, intervalMs } of alerts) {
      if (intervalMs === undefined || forMs === 0 || forMs >= intervalMs) continue;
      report({
        at,
        message: `${name} waits ${formatDuration(forMs)}, but is evaluated only every ${formatDuration(intervalMs)}`,
      });
    }
  },
});
