import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { allRoutes, conditionsOfRoute, mayMatch } from '../routes.ts';

const routes = (value: string) => `route:
  receiver: mail
  routes:
    - matchers: [severity="${value}"]
      receiver: pager
receivers:
  - name: mail
  - name: pager
`;

export const routeNoAlert = defineCheck({
  name: 'route-no-alert',
  finds: 'A route that none of the given alerts can take.',
  severity: 'info',
  why: `A matcher on another spelling (\`severity: page\` where the rules say \`critical\`) never matches, and the alerts go to the
default. Told only when rules and routing are checked together; rules elsewhere may use the route.`,
  bad: { ...alertFile('up == 0'), 'alertmanager.yml': routes('page') },
  good: { ...alertFile('up == 0'), 'alertmanager.yml': routes('warning') },
  run: ({ alertmanagers, alerts }, report) => {
    if (alerts.length === 0) return;
    for (const route of alertmanagers.flatMap((a) => (a.root ? allRoutes(a.root) : []))) {
      if (!route.parent || alerts.some((alert) => mayMatch(alert, conditionsOfRoute(route)))) continue;
      report({
        at: route.receiverAt ?? { ...route.at, end: route.at.start + 1 },
        message: `none of the ${alerts.length} alerts that were checked with it can take this route`,
      });
    }
  },
});
