import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { durationOf } from '../read-rules.ts';
import { allRoutes } from '../routes.ts';
import { at, placeOf } from '../tree.ts';

const file = (interval: string) =>
  alertmanagerFile(
    `route:\n  receiver: mail\n  group_wait: 30s\n  group_interval: ${interval}\n  repeat_interval: 4h\nreceivers:\n  - name: mail\n`,
  );
const SHORT_MS = 60_000;

export const groupIntervalShort = defineCheck({
  name: 'group-interval-short',
  finds: 'A `group_interval` of less than a minute, or a `repeat_interval` shorter than the `group_interval`.',
  severity: 'info',
  why: `With \`group_interval: 10s\` a group that is still growing sends a message every ten seconds: in an outage that is a flood.
And repetitions happen only at multiples of the group interval.`,
  bad: file('10s'),
  good: file('5m'),
  run: ({ alertmanagers }, report) => {
    for (const { tree } of alertmanagers.flatMap((a) => (a.root ? allRoutes(a.root) : []))) {
      const interval = at(tree, 'group_interval');
      const ms = durationOf(interval);
      const repeat = at(tree, 'repeat_interval');
      const repeatMs = durationOf(repeat);
      if (interval && ms !== undefined && ms < SHORT_MS) {
        report({
          at: placeOf(interval),
          message: `a growing group sends a message every ${formatDuration(ms)}`,
          suggestion: '5m is usual',
        });
      }
      if (repeat && repeatMs !== undefined && ms !== undefined && repeatMs < ms) {
        report({
          at: placeOf(repeat),
          severity: 'warning',
          message: `repeats at the earliest after the group interval, ${formatDuration(ms)}`,
        });
      }
    }
  },
});
