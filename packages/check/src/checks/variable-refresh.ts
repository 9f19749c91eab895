import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, numberOf } from '../tree.ts';

const of = (refresh: number) =>
  panelFile('up{job=~"$job"}', {
    variables: [{ name: 'job', type: 'query', query: 'label_values(up, job)', refresh }],
  });

export const variableRefresh = defineCheck({
  name: 'variable-refresh',
  finds: 'A variable whose values are not asked again when the time range changes.',
  severity: 'info',
  why: 'Values are those of the time at which the dashboard was opened (or saved). Whoever goes back to yesterday misses what existed then.',
  bad: of(1),
  good: of(2),
  run: ({ dashboards }, report) => {
    for (const { variables, origin } of dashboards) {
      for (const { type, tree, name, at: place } of origin === 'pack' ? [] : variables) {
        const refresh = numberOf(at(tree, 'refresh'));
        if (type === 'query' && refresh !== undefined && refresh !== 2) {
          report({
            at: place,
            message: `the values of ${name} are not asked again for another time range`,
            suggestion: '"refresh": 2',
          });
        }
      }
    }
  },
});
