import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';

export const runbookMissing = defineCheck({
  name: 'runbook-missing',
  finds: 'An alert without a link to what to do about it.',
  severity: 'info',
  why: `Whoever is woken wants to know what to look at first. Told only of alerts of severity critical or page, and of others
where some alerts of the same file have a runbook.`,
  bad: alertFile('up == 0', { labels: 'severity: critical' }),
  good: {
    'rules.yml': `${alertFile('up == 0', { labels: 'severity: critical' })['rules.yml']}          runbook_url: https://example.org/runbooks/down\n`,
  },
  run: ({ alerts }, report) => {
    const has = (alert: (typeof alerts)[number]) =>
      [...alert.annotations.keys()].some((k) => /runbook|playbook/i.test(k));
    const files = new Set(alerts.filter(has).map((a) => a.document.path));
    for (const alert of alerts) {
      const urgent = /^(?:critical|page|emergency)$/i.test(alert.labels.get('severity')?.value.text ?? '');
      if (has(alert) || (!urgent && !files.has(alert.document.path))) continue;
      report({
        at: alert.at,
        message: `alert ${alert.name} has no runbook`,
        suggestion: 'annotations: { runbook_url: … }',
      });
    }
  },
});
