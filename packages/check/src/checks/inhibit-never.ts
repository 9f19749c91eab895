import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { contradiction, implies } from '../routes.ts';

const file = (equal: string, target = 'severity="warning"') =>
  alertmanagerFile(`route:
  receiver: mail
receivers:
  - name: mail
inhibit_rules:
  - source_matchers: [alertname="HostDown", severity="critical"]
    target_matchers: [${target}]
    equal: [${equal}]
`);

export const inhibitNever = defineCheck({
  name: 'inhibit-never',
  finds: 'An inhibition that can never mute anything.',
  severity: 'warning',
  why: `Source and target must have equal values of every label in \`equal\`. With \`alertname\` among them an alert mutes only
alerts of its own name: those of another name never, and where each name has one severity, none at all.`,
  bad: file('alertname, instance'),
  good: file('instance'),
  run: ({ alertmanagers, alerts }, report) => {
    for (const { inhibitions } of alertmanagers) {
      for (const { source, target, equal, at } of inhibitions) {
        const place = { ...at, end: Math.min(at.end, at.start + 30) };
        const pair = contradiction(source) ?? contradiction(target);
        if (pair) {
          report({
            at: place,
            message: `${pair[0].name}="${pair[0].value}" and ${pair[1].name}${pair[1].op}"${pair[1].value}" exclude each other`,
          });
          continue;
        }
        for (const label of equal) {
          const s = source.find((m) => m.name === label && m.op === '=');
          const t = target.find((m) => m.name === label && m.op === '=');
          if (s && t && s.value !== t.value) {
            report({
              at: place,
              message: `${label} must be equal, but the source has ${s.value} and the target ${t.value}`,
            });
          }
        }
        if (!equal.includes('alertname')) continue;
        if (source.some((m) => m.name === 'alertname' && m.op === '=') && !target.some((m) => m.name === 'alertname')) {
          report({ at: place, message: 'alertname must be equal, so this mutes only alerts named as the source' });
          continue;
        }
        const severities = (m: readonly { name: string; value: string }[]) =>
          m.find((x) => x.name === 'severity')?.value;
        const [from, to] = [severities(source), severities(target)];
        if (from === undefined || to === undefined || from === to || alerts.length === 0) continue;
        const names = new Set(alerts.filter((a) => a.labels.get('severity')?.value.text === from).map((a) => a.name));
        const both = alerts.some((a) => a.labels.get('severity')?.value.text === to && names.has(a.name));
        if (!both && !implies(source, target)) {
          report({
            at: place,
            message: `alertname must be equal, but no alert exists with severity ${from} and ${to}`,
          });
        }
      }
    }
  },
});
