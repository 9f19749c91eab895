import { defineCheck } from '../check.ts';

export const yamlSyntax = defineCheck({
  name: 'yaml-syntax',
  finds: 'YAML, JSON or a metrics dump that cannot be read.',
  severity: 'error',
  why: 'A file that cannot be read is refused as a whole: Prometheus keeps running on its old rules, and nobody notices.',
  bad: { 'rules.yml': 'groups:\n  - name: a\n   rules: []\n' },
  good: { 'rules.yml': 'groups:\n  - name: a\n    rules: []\n' },
  run: ({ faults }, report) => {
    for (const { place, message } of faults) {
      const helm = /\{\{-?\s*(?:\.|include|if|range|with|template)/.test(place.in.text);
      if (!helm) report({ at: place, message });
      else report({ at: place, severity: 'info', message: 'this is a template of Helm; check what it renders to' });
    }
  },
});
