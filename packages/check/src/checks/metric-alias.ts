import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const metricAlias = defineCheck({
  name: 'metric-alias',
  finds: 'A query of a metric by a name that only some exporters serve, in place of the catalogue’s own.',
  severity: 'warning',
  why: `Exporters rename metrics (OpenTelemetry adds units, versions differ), so a catalogue has aliases. A query of an alias
works only with those exporters.`,
  bad: {
    'rules.yml': alertFile('rate(shop_requests_ratio_total[5m]) > 1')['rules.yml']!,
    'metrics.txt': '# TYPE shop_requests_total counter\nshop_requests_total 1\n',
  },
  good: {
    'rules.yml': alertFile('rate(shop_requests_total[5m]) > 1')['rules.yml']!,
    'metrics.txt': '# TYPE shop_requests_total counter\nshop_requests_total 1\n',
  },
  run: ({ nodes, catalogue }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const name = metricNameOf(node);
      if (name === undefined || catalogue.find(name)) continue;
      // The OpenTelemetry exporter gave `_ratio` to everything with the unit "1".
      const plain = catalogue.find(name.replace(/_ratio(?=_total$|$)/, ''))?.metric;
      const metric = catalogue.aliased(name) ?? (/_ratio(?:_total)?$/.test(name) ? plain : undefined);
      if (!metric) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${name} is another name of ${metric.name}, which only some exporters use`,
        suggestion: `use \`${metric.name}\`, or ask for both with \`or\``,
      });
    }
  },
});
