import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, itemsOf, placeOf, type Tree, textOf } from '../tree.ts';

const file = (uid: string) => ({
  'dashboard.json': panelFile('up{job="a"}', {
    variables: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }],
  })['dashboard.json']!.replace('$datasource', uid),
});

export const datasourceHardcoded = defineCheck({
  name: 'datasource-hardcoded',
  finds: 'A dashboard whose panels name one datasource, in place of a variable.',
  severity: 'info',
  why: 'Imported into another Grafana, or used with a second Prometheus, none of its panels works until each is edited.',
  bad: file('PBFA97CFB590B2093'),
  good: file('$datasource'),
  run: ({ dashboards }, report) => {
    for (const { panels, origin, tree } of dashboards) {
      if (origin === 'pack' || at(tree, '__inputs')) continue;
      for (const { tree: panel } of panels) {
        const all = [at(panel, 'datasource'), ...itemsOf(at(panel, 'targets')).map((t) => at(t, 'datasource'))];
        const fixed = all.find((d): d is Tree => {
          const uid = textOf(at(d, 'uid')) ?? textOf(d);
          return uid !== undefined && uid !== '' && !/^(?:\$|-- |grafana$|default$|\[\[)/.test(uid);
        });
        if (!fixed) continue;
        report({
          at: placeOf(fixed),
          message: 'panels of this dashboard work with this one datasource only',
          suggestion: '"uid": "$datasource", with a variable of type datasource',
        });
        break;
      }
    }
  },
});
