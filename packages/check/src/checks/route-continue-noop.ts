import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { allRoutes, contradiction } from '../routes.ts';

const file = (second: string, goOn: string) =>
  alertmanagerFile(`route:
  receiver: mail
  routes:
    - matchers: [severity="critical"]
      receiver: pager
      continue: ${goOn}
    - matchers: [${second}]
      receiver: chat
receivers:
  - name: mail
  - name: pager
  - name: chat
`);

export const routeContinueNoop = defineCheck({
  name: 'route-continue-noop',
  finds: '`continue: true` on a route after which no sibling can take the same alert.',
  severity: 'warning',
  why: `\`continue\` goes on to the siblings below; if none of them can match, it does nothing. It does not go on to the parent:
who expects the default receiver to be told as well is mistaken.`,
  bad: file('severity="warning"', 'true'),
  good: file('team="shop"', 'true'),
  run: ({ alertmanagers }, report) => {
    for (const route of alertmanagers.flatMap((a) => (a.root ? allRoutes(a.root) : []))) {
      if (!route.continue || !route.continueAt) continue;
      const siblings = route.parent?.routes ?? [];
      const after = siblings.slice(siblings.indexOf(route) + 1);
      if (route.parent && after.some((s) => !contradiction([...route.matchers, ...s.matchers]))) continue;
      const why = !route.parent
        ? 'the root has no siblings'
        : after.length === 0
          ? 'no sibling follows'
          : 'no sibling below can match the same alerts';
      report({
        at: route.continueAt,
        message: `continue does nothing here: ${why}; the parent’s receiver is not told either`,
        suggestion:
          'to tell two receivers, put a sibling with the same matchers after this one, or give one receiver both integrations',
      });
    }
  },
});
