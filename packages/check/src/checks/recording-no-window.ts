import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { recordFile } from '../examples.ts';
import { windowsOf } from '../windows.ts';

export const recordingNoWindow = defineCheck({
  name: 'recording-no-window',
  finds: 'A recording rule over a window that its name does not say, or says differently.',
  severity: 'info',
  why: 'The window is a part of what was recorded: a rate over 5 minutes and one over an hour are different series and must not be compared.',
  bad: recordFile('job:shop_requests:rate1h', 'sum by (job) (rate(shop_requests_total[5m]))'),
  good: recordFile('job:shop_requests:rate5m', 'sum by (job) (rate(shop_requests_total[5m]))'),
  run: ({ recordings }, report) => {
    for (const { name, at, expression } of recordings) {
      const lengths = new Set(expression ? windowsOf(expression).map((w) => formatDuration(w.ms)) : []);
      if (lengths.size !== 1 || !name.includes(':')) continue;
      const window = [...lengths][0]!;
      const said = /(\d+(?:ms|[smhdwy]))+$/.exec(name)?.[0];
      if (said === window) continue;
      report({
        at,
        severity: said ? 'warning' : 'info',
        message: said
          ? `the name says ${said}, the window is ${window}`
          : `the name does not say the window, ${window}`,
        suggestion:
          `${name.replace(/(\d+(?:ms|[smhdwy]))+$/, '').replace(/([a-z])$/, '$1')}${/:rate$|:increase$|\d/.test(name) ? window : `_${window}`}`.replace(
            '__',
            '_',
          ),
      });
    }
  },
});
