import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { allRoutes } from '../routes.ts';

export const receiverUnreachable = defineCheck({
  name: 'receiver-unreachable',
  finds: 'A receiver that no route sends to.',
  severity: 'warning',
  why: 'It looks as if somebody were told; nobody is. Often the route for it was forgotten.',
  bad: alertmanagerFile('route:\n  receiver: mail\nreceivers:\n  - name: mail\n  - name: pager\n'),
  good: alertmanagerFile(
    'route:\n  receiver: mail\n  routes:\n    - matchers: [severity="critical"]\n      receiver: pager\nreceivers:\n  - name: mail\n  - name: pager\n',
  ),
  run: ({ alertmanagers }, report) => {
    for (const { root, receivers } of alertmanagers) {
      if (!root) continue;
      const used = new Set(allRoutes(root).map((r) => r.receiver));
      for (const { name, at } of receivers) {
        if (!used.has(name)) report({ at, message: `no route sends to receiver ${name}` });
      }
    }
  },
});
