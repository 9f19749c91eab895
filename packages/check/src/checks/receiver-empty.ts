import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { allRoutes } from '../routes.ts';

/** Names by which people say that silence is meant. */
const ON_PURPOSE =
  /^(?:null|none|blackhole|black-hole|devnull|dev-null|drop|void|noop|ignore|silent|empty|discard|watchdog)s?$/i;

export const receiverEmpty = defineCheck({
  name: 'receiver-empty',
  finds: 'A receiver without any integration that alerts are sent to.',
  severity: 'warning',
  why: 'Alertmanager takes the alerts and tells nobody. Who means it names the receiver `null` or `blackhole`.',
  bad: alertmanagerFile('route:\n  receiver: team\nreceivers:\n  - name: team\n'),
  good: alertmanagerFile('route:\n  receiver: blackhole\nreceivers:\n  - name: blackhole\n'),
  run: ({ alertmanagers }, report) => {
    for (const { root, receivers } of alertmanagers) {
      const used = new Set(root ? allRoutes(root).map((r) => r.receiver) : []);
      for (const { name, at, integrations } of receivers) {
        if (integrations.length > 0 || ON_PURPOSE.test(name) || !used.has(name)) continue;
        report({ at, message: `receiver ${name} tells nobody: it has no integration` });
      }
    }
  },
});
