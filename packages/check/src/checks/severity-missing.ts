import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';

export const severityMissing = defineCheck({
  name: 'severity-missing',
  finds: 'An alert without the label `severity`.',
  severity: 'warning',
  why: 'Routing goes by `severity` nearly everywhere: an alert without it falls to the default receiver, which often nobody watches.',
  bad: alertFile('up == 0', { labels: 'team: shop' }),
  good: alertFile('up == 0', { labels: 'severity: critical' }),
  run: ({ alerts, rulesDocuments }, report) => {
    const grouped = new Set(
      rulesDocuments.flatMap((d) => d.groups.filter((g) => g.tree?.entries.get('labels')).map((g) => g.name)),
    );
    for (const alert of alerts) {
      if (alert.labels.has('severity') || grouped.has(alert.group)) continue;
      report({
        at: alert.at,
        message: `alert ${alert.name} has no severity`,
        suggestion: 'labels: { severity: warning }',
      });
    }
  },
});
