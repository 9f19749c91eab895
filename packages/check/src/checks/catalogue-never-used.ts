import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';

export const catalogueNeverUsed = defineCheck({
  name: 'catalogue-never-used',
  finds: 'A metric of the catalogue that no rule, panel or indicator asks for.',
  severity: 'info',
  why: `What nobody looks at costs storage and hides what matters; or it was meant to be watched and was forgotten. Told
only where there are rules or dashboards that use other metrics of the catalogue.`,
  bad: withMetrics(REQUESTS, alertFile('shop_queue_depth > 100')),
  good: withMetrics('# TYPE shop_queue_depth gauge\nshop_queue_depth 1\n', alertFile('shop_queue_depth > 100')),
  run: ({ nodes, catalogue }, report) => {
    const used = new Set<string>();
    for (const { node, expression } of nodes) {
      const name = node.kind === 'selector' && expression.use !== 'prose' ? metricNameOf(node) : undefined;
      const metric = name === undefined ? undefined : (catalogue.find(name)?.metric ?? catalogue.aliased(name));
      if (metric && metric.authority !== 'common') used.add(metric.name);
    }
    if (used.size === 0) return;
    for (const metric of catalogue.metrics) {
      if (used.has(metric.name) || !metric.at || metric.authority === 'common') continue;
      if (!/^(?:go|process|promhttp|python|nodejs|jvm)_|^target_info$|^up$|^scrape_/.test(metric.name)) {
        report({ at: metric.at, message: `no rule, panel or indicator uses ${metric.name}` });
      }
    }
  },
});
