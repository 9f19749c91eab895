import { nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { wholeOf } from '../source.ts';

const variable = { name: 'region', type: 'custom', query: 'eu,us' };

export const variableUndefined = defineCheck({
  name: 'variable-undefined',
  finds: 'A query with a variable that the dashboard does not define.',
  severity: 'error',
  why: 'Grafana sends the text as it is: `region=~"$regoin"` selects nothing.',
  bad: panelFile('up{region=~"$regoin"}', { variables: [variable] }),
  good: panelFile('up{region=~"$region"}', { variables: [variable] }),
  run: ({ dashboards }, report) => {
    for (const { variables, panels, origin } of dashboards) {
      const known = new Set(variables.map((v) => v.name));
      for (const { expression } of [...panels.flatMap((p) => p.targets), ...variables]) {
        for (const name of new Set(expression?.variables)) {
          if (known.has(name) || name.startsWith('__') || /^\d+$/.test(name)) continue;
          const near = nearest(name, known);
          report({
            at: wholeOf(expression!.snippet),
            // In what label_replace writes, `$name` may be a group of its pattern; and prose shows parts of dashboards.
            severity: origin === 'markdown' || expression!.snippet.text.includes('label_replace') ? 'warning' : 'error',
            message: `the dashboard has no variable ${name}`,
            suggestion: near ? `did you mean $${near}?` : undefined,
          });
        }
      }
    }
  },
});
