import { defineCheck } from '../check.ts';
import { ownMetrics } from '../naming.ts';

export const helpMissing = defineCheck({
  name: 'help-missing',
  finds: 'A metric that nobody says what it is.',
  severity: 'info',
  why: 'The help text is what people see when they choose a metric. It is asked of dumps of `/metrics` and of packs.',
  bad: { 'metrics.txt': '# TYPE shop_orders_total counter\nshop_orders_total 1\n' },
  good: {
    'metrics.txt': '# HELP shop_orders_total Orders placed.\n# TYPE shop_orders_total counter\nshop_orders_total 1\n',
  },
  run: (world, report) => {
    for (const { name, help, at, authority } of ownMetrics(world)) {
      if (help === '' && authority !== 'document') report({ at, message: `${name} has no help text` });
    }
  },
});
