import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { at, entriesOf } from '../tree.ts';

const config = (label: string) => ({
  'prometheus.yml': `global:\n  external_labels:\n    ${label}: a\nscrape_configs: []\n`,
});

export const labelConflictExternal = defineCheck({
  name: 'label-conflict-external',
  finds: 'A label of a rule that the configuration also sets as an external label.',
  severity: 'warning',
  why: 'External labels are added to alerts that lack them: of a label that both set, the rule’s stays, and the alert no longer says which Prometheus it is from.',
  bad: { ...config('cluster'), ...alertFile('up == 0', { labels: 'cluster: b' }) },
  good: { ...config('cluster'), ...alertFile('up == 0', { labels: 'severity: warning' }) },
  run: ({ prometheus, rules }, report) => {
    const external = new Set(
      prometheus.flatMap((p) => entriesOf(at(p.tree, 'global', 'external_labels')).map(([name]) => name)),
    );
    for (const rule of external.size > 0 ? rules : []) {
      for (const [name, { key }] of rule.labels) {
        if (external.has(name)) report({ at: key, message: `${name} is an external label of the configuration too` });
      }
    }
  },
});
