import { FUNCTIONS } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const experimentalFunction = defineCheck({
  name: 'experimental-function',
  finds: 'A function that Prometheus refuses unless experimental functions are switched on.',
  severity: 'info',
  why: 'Without `--enable-feature=promql-experimental-functions` the whole rule file is refused; and such functions may change or go.',
  bad: alertFile('mad_over_time(shop_queue_depth[5m]) > 1'),
  good: alertFile('stddev_over_time(shop_queue_depth[5m]) > 1'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      const experimental =
        (node.kind === 'call' && FUNCTIONS.get(node.func)?.experimental) ||
        (node.kind === 'aggregation' && /^limit/.test(node.op));
      if (!experimental) continue;
      const name = node.kind === 'call' ? node.func : node.kind === 'aggregation' ? node.op : '';
      report({
        at: placeOfSpan(expression, node.span),
        message: `${name} is experimental: it needs --enable-feature=promql-experimental-functions`,
      });
    }
  },
});
