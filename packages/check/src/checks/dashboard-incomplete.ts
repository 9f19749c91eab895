import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, itemsOf, textOf } from '../tree.ts';

export const dashboardIncomplete = defineCheck({
  name: 'dashboard-incomplete',
  finds:
    'A dashboard without uid, title or time range, or with panels without id, title or datasource and targets without refId.',
  severity: 'info',
  why: `Grafana fills in what is missing, differently at each import: without a uid a dashboard gets a new address each time and
links break; two panels without id, or two targets of one refId, show only one of them.`,
  bad: panelFile('up{job="a"}', { dashboard: { uid: null } }),
  good: panelFile('up{job="a"}'),
  run: ({ dashboards }, report) => {
    for (const { tree, at: place, uid, title, panels, origin } of dashboards) {
      if (origin === 'pack') continue;
      const missing = [
        ...(uid === undefined ? ['uid'] : []),
        ...(title === '' ? ['title'] : []),
        ...(at(tree, 'time') ? [] : ['time']),
        ...(panels.some((p) => !at(p.tree, 'id')) ? ['id of panels'] : []),
        ...(panels.some((p) => !at(p.tree, 'type')) ? ['type of panels'] : []),
        ...(panels.some((p) => p.targets.some((t) => t.refId === undefined)) ? ['refId of targets'] : []),
        ...(panels.some((p) => p.targets.length > 0 && noSource(p.tree)) ? ['datasource of panels'] : []),
        ...(panels.some((p) => p.targets.length > 0 && p.unit === undefined) ? ['unit of panels'] : []),
      ];
      const before = tree.in.text.slice(0, tree.start);
      if (origin === 'file' && /"dashboard"\s*:\s*$/.test(before)) {
        report({
          at: place,
          message: 'this is the envelope of Grafana’s API; provisioning from files wants the dashboard alone',
        });
      }
      if (missing.length > 0) report({ at: place, message: `the dashboard leaves out ${missing.join(', ')}` });
      for (const panel of panels) {
        const refs = panel.targets.map((t) => t.refId).filter((r) => r !== undefined);
        const twice = refs.find((r, i) => refs.indexOf(r) !== i);
        if (twice !== undefined)
          report({
            at: panel.at,
            severity: 'warning',
            message: `two targets have the refId ${twice}: one of them is not shown`,
          });
      }
      const ids = itemsOf(at(tree, 'panels')).map((p) => textOf(at(p, 'id')));
      const sameId = ids.find((id, i) => id !== undefined && ids.indexOf(id) !== i);
      if (sameId !== undefined) report({ at: place, severity: 'warning', message: `two panels have the id ${sameId}` });
    }
  },
});

function noSource(panel: Parameters<typeof at>[0]): boolean {
  return !at(panel, 'datasource') && itemsOf(at(panel, 'targets')).some((t) => !at(t, 'datasource'));
}
