import { defineCheck } from '../check.ts';
import { recordFile } from '../examples.ts';

export const recordingName = defineCheck({
  name: 'recording-name',
  finds: 'A recording rule whose name is not like `level:metric:operations`.',
  severity: 'info',
  why: `The convention says in the name by which labels the result is aggregated, of which metric it is made, and how. Without a
colon it looks like something that a service exports.`,
  bad: recordFile('shop_error_rate', 'sum by (job) (rate(shop_errors_total[5m]))'),
  good: recordFile('job:shop_errors:rate5m', 'sum by (job) (rate(shop_errors_total[5m]))'),
  run: ({ recordings }, report) => {
    for (const rule of recordings) {
      if (rule.name.includes(':')) continue;
      report({
        at: rule.at,
        message: `${rule.name} looks like a metric of a service`,
        suggestion: 'name it level:metric:operations',
      });
    }
  },
});
