import { isLegacyLabelName, isLegacyMetricName } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { ownMetrics } from '../naming.ts';

const dump = (name: string) => ({ 'metrics.txt': `# TYPE ${name} gauge\n${name} 1\n` });

export const nameInvalid = defineCheck({
  name: 'name-invalid',
  finds: 'A metric name in camelCase, with a colon, or a label that is reserved or in camelCase.',
  severity: 'warning',
  why: 'Names are lower case with underscores; a colon is for recording rules; `le` and `quantile` belong to histograms and summaries.',
  bad: dump('shop_queueDepth'),
  good: dump('shop_queue_depth'),
  run: (world, report) => {
    for (const { name, type, labels, at, authority } of ownMetrics(world)) {
      if (/[a-z][A-Z]/.test(name)) report({ at, message: `${name} is in camelCase`, suggestion: snake(name) });
      if (name.includes(':')) report({ at, message: `${name} has a colon, which is for recording rules` });
      if (!isLegacyMetricName(name)) report({ at, severity: 'info', message: `${name} must be quoted in every query` });
      const part = /_(bucket|sum|count)$/.exec(name)?.[1];
      if (part && (type === 'counter' || type === 'gauge')) {
        report({ at, severity: 'info', message: `${name} is a ${type}; _${part} is for histograms and summaries` });
      }
      for (const label of labels.keys()) {
        if (label === 'le' && type !== 'histogram' && authority === 'dump')
          report({ at, message: `label le of ${name}, which is no histogram` });
        if (label === 'quantile' && type !== 'summary')
          report({ at, message: `label quantile of ${name}, which is no summary` });
        if (/[a-z][A-Z]/.test(label))
          report({
            at,
            severity: 'info',
            message: `label ${label} of ${name} is in camelCase`,
            suggestion: snake(label),
          });
        if (!isLegacyLabelName(label))
          report({ at, severity: 'info', message: `label ${label} of ${name} must be quoted in every query` });
      }
    }
  },
});

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
