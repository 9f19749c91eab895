import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { mayMatch } from '../routes.ts';

const routes = (value: string) => `route:
  receiver: mail
  routes:
    - matchers: [severity="critical"]
      receiver: pager
    - matchers: [severity="${value}"]
      receiver: chat
receivers:
  - name: mail
  - name: pager
  - name: chat
`;

export const alertNoRoute = defineCheck({
  name: 'alert-no-route',
  finds: 'An alert that no route but the default takes, where the routes go by severity.',
  severity: 'info',
  why: `The default receiver is for what was forgotten. An alert that only ever goes there probably was. Told where rules and
routing are checked together.`,
  bad: { ...alertFile('up == 0'), 'alertmanager.yml': routes('info') },
  good: { ...alertFile('up == 0'), 'alertmanager.yml': routes('warning') },
  run: ({ alertmanagers, alerts }, report) => {
    const roots = alertmanagers.flatMap((a) => (a.root && a.root.routes.length > 0 ? [a.root] : []));
    if (roots.length === 0) return;
    for (const alert of alerts) {
      const taken = roots.some((root) => root.routes.some((r) => mayMatch(alert, r.matchers)));
      if (!taken)
        report({
          at: alert.at,
          message: `only the default route takes alert ${alert.name} (receiver ${roots[0]!.receiver})`,
        });
    }
  },
});
