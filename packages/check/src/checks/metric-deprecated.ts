import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { placeIn } from '../source.ts';

export const metricDeprecated = defineCheck({
  name: 'metric-deprecated',
  finds: 'A query of a metric that its catalogue calls deprecated.',
  severity: 'warning',
  why: 'A deprecated metric is still served, or only by old versions: after the next upgrade the alert is silent.',
  bad: alertFile('go_memstats_gc_cpu_fraction > 0.1'),
  good: alertFile('go_goroutines > 10000'),
  run: ({ nodes, found }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const deprecated = found(node)?.metric.deprecated;
      if (!deprecated) continue;
      const name = metricNameOf(node)!;
      const at = placeIn(expression.snippet, node.span.start, node.span.start + name.length);
      report({
        at: node.name ? at : placeOfSpan(expression, node.span),
        message: `${name} is deprecated: ${deprecated.reason}`,
        suggestion: deprecated.renamedTo ? `use \`${deprecated.renamedTo}\`` : undefined,
        ...(deprecated.renamedTo && node.name ? { fix: [{ at, text: deprecated.renamedTo }] } : {}),
      });
    }
  },
});
