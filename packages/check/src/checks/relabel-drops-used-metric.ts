import { compilePattern } from '@belfry/model';
import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import type { Relabeling } from '../documents.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

const config = (regex: string) => ({
  'prometheus.yml': `scrape_configs:
  - job_name: shop
    static_configs:
      - targets: [shop:9100]
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: ${regex}
        action: drop
`,
});

export const relabelDropsUsedMetric = defineCheck({
  name: 'relabel-drops-used-metric',
  finds: 'A query of a metric that the scrape configuration drops.',
  severity: 'warning',
  why: 'What metric relabelling drops is never stored. An alert on it is silent, and the rule and the drop are usually in different files.',
  bad: { ...config('go_.*'), ...alertFile('go_goroutines{job="shop"} > 1000') },
  good: { ...config('go_gc_.*'), ...alertFile('go_goroutines{job="shop"} > 1000') },
  run: ({ prometheus, monitors, nodes }, report) => {
    // Only what every scrape drops is surely not there.
    const scrapes = [
      ...prometheus.flatMap((p) => p.jobs.map((j) => ({ who: `job ${j.name}`, rules: j.metricRelabeling }))),
      ...monitors.flatMap((m) => m.endpoints.map((e) => ({ who: `monitor ${m.name}`, rules: e.metricRelabeling }))),
    ];
    if (!scrapes.some((s) => s.rules.length > 0)) return;
    for (const { node, expression } of nodes) {
      const name = node.kind === 'selector' ? metricNameOf(node) : undefined;
      if (node.kind !== 'selector' || name === undefined || name.includes(':') || /^(?:up|ALERTS)/.test(name)) continue;
      const job = node.matchers.find((m) => m.name === 'job' && m.op === '=')?.value;
      const mine = scrapes.filter((s) => job === undefined || s.who === `job ${job}` || s.who.startsWith('monitor'));
      if (mine.length === 0 || !mine.every((s) => drops(s.rules, name))) continue;
      report({
        at: placeOfSpan(expression, node.span),
        message: `${name} is dropped by the metric relabelling of ${mine.map((s) => s.who).join(', ')}`,
      });
    }
  },
});

function drops(rules: readonly Relabeling[], name: string): boolean {
  return rules.some(({ action, sourceLabels, regex }) => {
    if (sourceLabels.length !== 1 || sourceLabels[0] !== '__name__' || regex === undefined) return false;
    try {
      const matches = compilePattern(regex).matches(name);
      return action.toLowerCase() === 'drop' ? matches : action.toLowerCase() === 'keep' && !matches;
    } catch {
      return false;
    }
  });
}
