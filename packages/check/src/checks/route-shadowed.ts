import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { allRoutes, conditionsOfRoute, contradiction, implies } from '../routes.ts';

const file = (first: string) =>
  alertmanagerFile(`route:
  receiver: mail
  routes:
    - matchers: [${first}]
      receiver: chat
    - matchers: [severity="critical", team="shop"]
      receiver: pager
receivers:
  - name: mail
  - name: chat
  - name: pager
`);

export const routeShadowed = defineCheck({
  name: 'route-shadowed',
  finds: 'A route that no alert reaches: one before it takes them all, or its matchers contradict those above.',
  severity: 'error',
  why: 'The first sibling that matches takes the alert, unless it says `continue`. A special route behind a general one is never asked.',
  bad: file('severity="critical"'),
  good: file('severity="warning"'),
  run: ({ alertmanagers }, report) => {
    for (const route of alertmanagers.flatMap((a) => (a.root ? allRoutes(a.root) : []))) {
      if (!route.parent) continue;
      const at = route.receiverAt ?? { ...route.at, end: route.at.start + 1 };
      const pair = contradiction(conditionsOfRoute(route));
      if (pair) {
        report({
          at,
          message: `no alert reaches this route: ${pair[0].name}="${pair[0].value}" and ${pair[1].name}${pair[1].op}"${pair[1].value}" exclude each other`,
        });
        continue;
      }
      const before = route.parent.routes.slice(0, route.parent.routes.indexOf(route));
      const taker = before.find((b) => !b.continue && implies(route.matchers, b.matchers));
      if (taker) {
        report({
          at,
          message: `no alert reaches this route: an earlier sibling (receiver ${taker.receiver}) takes all that it would match`,
          suggestion: 'put it before that one, or give that one continue: true',
        });
      }
    }
  },
});
