import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeIn } from '../source.ts';
import { actionsOf } from '../template-text.ts';

export const valueInLabels = defineCheck({
  name: 'value-in-labels',
  finds: 'A label of an alert made from its value.',
  severity: 'warning',
  why: `Labels are the identity of an alert. With the value among them it is a new alert at each evaluation: its \`for\` begins anew
and never passes, or a notification is sent each time.`,
  bad: alertFile('up == 0', { labels: 'current: "{{ $value }}"' }),
  good: alertFile('up == 0', { labels: 'severity: warning' }),
  run: ({ alerts }, report) => {
    for (const { labels } of alerts) {
      for (const [name, { value }] of labels) {
        for (const action of actionsOf(value.text)) {
          if (!/\$value|\.Value\b/.test(action.text) || /\b(?:if|else)\b/.test(action.text)) continue;
          report({
            at: placeIn(value, action.start, action.end),
            message: `label ${name} changes with the value, so the alert is a new one at each evaluation`,
            suggestion: 'move it into an annotation',
          });
        }
      }
    }
  },
});
