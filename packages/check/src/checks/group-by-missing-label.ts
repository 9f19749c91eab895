import { nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { allRoutes, conditionsOfRoute, mayMatch } from '../routes.ts';

const config = (label: string) => ({
  'alertmanager.yml': `route:\n  receiver: mail\n  group_by: [alertname, ${label}]\nreceivers:\n  - name: mail\n`,
});

export const groupByMissingLabel = defineCheck({
  name: 'group-by-missing-label',
  finds: 'Grouping of notifications by a label that none of the alerts has.',
  severity: 'info',
  why: `Alerts without the label share one group, so the grouping does less than it says: alerts of all clusters come in one
message, or a spelling is wrong. Told only when rules and routing are checked together.`,
  bad: { ...alertFile('sum by (job) (errors) > 1'), ...config('cluster') },
  good: { ...alertFile('sum by (job) (errors) > 1'), ...config('job') },
  run: ({ alertmanagers, alerts, prometheus, labelsOf }, report) => {
    if (alerts.length === 0) return;
    const external = new Set(prometheus.flatMap((p) => JSON.stringify(p.source.text).match(/external_labels/g) ?? []));
    for (const route of alertmanagers.flatMap((a) => (a.root ? allRoutes(a.root) : []))) {
      const mine = alerts.filter((alert) => mayMatch(alert, conditionsOfRoute(route)));
      if (mine.length === 0) continue;
      for (const { name, at } of route.groupBy) {
        if (name === '...' || name === 'alertname' || external.size > 0) continue;
        const known = new Set<string>();
        const has = mine.some((alert) => {
          const labels = alert.expression?.ast ? labelsOf(alert.expression.ast) : undefined;
          for (const l of [...alert.labels.keys(), ...(labels?.possible ?? [])]) known.add(l);
          // Where labels are open, somebody must write it for us to believe in it.
          return (
            alert.labels.has(name) || labels?.possible.has(name) || (labels?.open && /^(?:job|instance)$/.test(name))
          );
        });
        if (has) continue;
        const near = nearest(name, known);
        report({
          at,
          message: `none of the alerts that come here is known to have the label ${name}`,
          suggestion: near ? `did you mean ${near}?` : undefined,
        });
      }
    }
  },
});
