import { dirname } from 'node:path';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';

const two = (uid: string) => ({
  'a.json': panelFile('up{job="a"}')['dashboard.json']!,
  'b.json': panelFile('up{job="b"}', { dashboard: { uid } })['dashboard.json']!,
});

export const duplicateUid = defineCheck({
  name: 'duplicate-uid',
  finds: 'Two dashboards with one uid.',
  severity: 'error',
  why: 'Grafana keeps one dashboard for a uid: the second overwrites the first, or provisioning refuses both.',
  bad: two('example'),
  good: two('other'),
  run: ({ dashboards }, report) => {
    const seen = new Map<string, string>();
    for (const { uid, at, title, origin } of dashboards) {
      if (uid === undefined || uid === '' || origin === 'markdown') continue;
      const path = at.in.file.path;
      const other = seen.get(uid);
      if (other !== undefined)
        report({
          at,
          severity: dirname(other) === dirname(path) ? 'error' : 'warning',
          message: `dashboard ${JSON.stringify(title)} has the uid ${uid}, as has ${other}`,
        });
      else seen.set(uid, path);
    }
  },
});
