import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, itemsOf, placeOf, type Tree, textOf } from '../tree.ts';

const provision =
  'apiVersion: 1\ndatasources:\n  - name: Prometheus\n    uid: prom\n    type: prometheus\n    url: http://127.0.0.1:9090\n';
const withUid = (uid: string) => ({
  'datasources.yml': provision,
  'dashboard.json': panelFile('up{job="a"}')['dashboard.json']!.replace('"$datasource"', JSON.stringify(uid)),
});

export const datasourceUidUnresolved = defineCheck({
  name: 'datasource-uid-unresolved',
  finds: 'A panel whose datasource is none of the provisioned ones, or is a variable that the dashboard does not have.',
  severity: 'warning',
  why: 'The panel shows «Datasource not found». A uid copied from another Grafana is the usual cause.',
  bad: withUid('PBFA97CFB590B2093'),
  good: withUid('prom'),
  run: ({ documents, dashboards }, report) => {
    const provisioned = documents.filter((d) => d.kind === 'datasources');
    const known = new Set(provisioned.flatMap((d) => [...d.uids, ...d.names]));
    // Without a uid in the file Grafana makes one up, so only where all have one is it known.
    const complete = provisioned.length > 0 && provisioned.every((d) => d.uids.length === d.names.length);
    for (const { panels, variables, tree, origin } of dashboards) {
      const sources = variables.filter((v) => v.type === 'datasource').map((v) => v.name);
      for (const source of origin === 'pack' ? [] : panels.flatMap((p) => sourcesOf(p.tree))) {
        const uid = textOf(at(source, 'uid')) ?? textOf(source);
        if (uid === undefined || uid === '' || /^(?:-- |grafana$|default$)/.test(uid)) continue;
        const variable = /^\$\{?(\w+)/.exec(uid)?.[1];
        if (variable !== undefined) {
          if (sources.includes(variable) || /^DS_/.test(variable) || at(tree, '__inputs')) continue;
          if (sources.length === 0 && variables.length === 0) continue;
          report({ at: placeOf(source), message: `the dashboard has no datasource variable ${variable}` });
        } else if (complete && !known.has(uid)) {
          report({
            at: placeOf(source),
            message: `no datasource ${uid} is provisioned`,
            suggestion: [...known].join(', '),
          });
        }
      }
    }
  },
});

function sourcesOf(panel: Tree): Tree[] {
  const all = [at(panel, 'datasource'), ...itemsOf(at(panel, 'targets')).map((t) => at(t, 'datasource'))];
  return all.filter((t): t is Tree => t !== undefined);
}
