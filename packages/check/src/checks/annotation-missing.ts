import { defineCheck } from '../check.ts';

const file = (annotations: string) => ({
  'rules.yml': `groups:
  - name: example
    rules:
      - alert: Down
        expr: up == 0
        labels: { severity: critical }
${annotations}`,
});

export const annotationMissing = defineCheck({
  name: 'annotation-missing',
  finds: 'An alert that says in no annotation what is wrong.',
  severity: 'warning',
  why: 'The name of an alert and its labels are all that the notification then has.',
  bad: file(''),
  good: file('        annotations: { summary: "{{ $labels.job }} is down" }\n'),
  run: ({ alerts }, report) => {
    for (const alert of alerts) {
      const says = [...alert.annotations.keys()].some((k) => /^(?:summary|description|message|title)$/i.test(k));
      if (!says) report({ at: alert.at, message: `alert ${alert.name} has neither summary nor description` });
    }
  },
});
