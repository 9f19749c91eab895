import { defineCheck } from '../check.ts';
import { listed, ownMetrics } from '../naming.ts';

export const gaugeNamedTotal = defineCheck({
  name: 'gauge-named-total',
  finds: 'A metric that is no counter, but is named `…_total`.',
  severity: 'warning',
  why: 'Everybody, tools included, takes `_total` for a counter and puts `rate` around it. Over a gauge that is nonsense.',
  bad: listed('shop_sessions_total', 'Gauge'),
  good: listed('shop_sessions', 'Gauge'),
  run: (world, report) => {
    for (const { name, type, at } of ownMetrics(world)) {
      if (!name.endsWith('_total') || type === 'counter' || type === 'unknown') continue;
      report({
        at,
        message: `${name} is a ${type}, but its name says counter`,
        suggestion: name.slice(0, -'_total'.length),
      });
    }
  },
});
