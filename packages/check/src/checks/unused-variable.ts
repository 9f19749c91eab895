import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';

const variable = {
  name: 'region',
  type: 'query',
  query: 'label_values(up, region)',
  datasource: { type: 'prometheus', uid: 'p' },
};

export const unusedVariable = defineCheck({
  name: 'unused-variable',
  finds: 'A dashboard variable that no panel uses.',
  severity: 'warning',
  why: 'The reader chooses a value and nothing changes: the numbers look filtered, and are not.',
  bad: panelFile('up{job="a"}', { variables: [variable] }),
  good: panelFile('up{job="a",region=~"$region"}', { variables: [variable] }),
  run: ({ dashboards }, report) => {
    for (const { tree, variables, origin, panels } of dashboards) {
      // By text: also titles, links, repeats and other variables use them.
      const text = origin === 'pack' ? '' : tree.in.text.slice(tree.start, tree.end);
      const inQueries = new Set(
        [...panels.flatMap((p) => p.targets), ...variables].flatMap((t) => t.expression?.variables ?? []),
      );
      for (const { name, at, type } of variables) {
        if (/^(?:adhoc|datasource)$/.test(type) || inQueries.has(name)) continue;
        const mention = new RegExp(`\\$${name}\\b|\\$\\{${name}\\b|\\[\\[${name}\\b|"repeat"\\s*:\\s*"${name}"`);
        if (!mention.test(text)) report({ at, message: `nothing uses the variable ${name}` });
      }
    }
  },
});
