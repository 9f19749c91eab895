import { defineCheck } from '../check.ts';
import { listed, ownMetrics } from '../naming.ts';

export const counterMissingTotal = defineCheck({
  name: 'counter-missing-total',
  finds: 'A counter that is not named `…_total`.',
  severity: 'warning',
  why: 'The ending tells a counter from a gauge. OpenMetrics demands it, so an exporter of that format adds it, and the name changes.',
  bad: listed('shop_requests', 'Counter'),
  good: listed('shop_requests_total', 'Counter'),
  run: (world, report) => {
    for (const { name, type, at } of ownMetrics(world)) {
      if (type === 'counter' && !name.endsWith('_total')) {
        report({ at, message: `${name} is a counter without _total`, suggestion: `${name}_total` });
      }
    }
  },
});
