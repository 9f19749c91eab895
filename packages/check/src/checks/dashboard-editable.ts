import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, isTrue, placeOf } from '../tree.ts';

export const dashboardEditable = defineCheck({
  name: 'dashboard-editable',
  finds: 'A dashboard in a file that may be edited in Grafana.',
  severity: 'info',
  why: 'What somebody changes in the browser is overwritten by the file at the next provisioning.',
  bad: panelFile('up{job="a"}', { dashboard: { editable: true } }),
  good: panelFile('up{job="a"}', { dashboard: { editable: false } }),
  run: ({ dashboards }, report) => {
    for (const { tree, origin } of dashboards) {
      const editable = at(tree, 'editable');
      if (editable && isTrue(editable) && origin !== 'markdown') {
        report({
          at: placeOf(editable),
          message: 'changes made in Grafana are lost at the next provisioning',
          suggestion: '"editable": false',
        });
      }
    }
  },
});
