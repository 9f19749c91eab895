import { metricNameOf, selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { panelFile, REQUESTS, withMetrics } from '../examples.ts';
import { isAbsent } from '../infer.ts';

const of = (label: string) =>
  withMetrics(
    REQUESTS,
    panelFile('shop_queue_depth{queue=~"$queue"}', {
      variables: [{ name: 'queue', type: 'query', query: `label_values(shop_queue_depth, ${label})` }],
    }),
  );

export const variableEmpty = defineCheck({
  name: 'variable-empty',
  finds: 'A variable over a label that its metric does not have, or has only when configured so.',
  severity: 'warning',
  why: 'The list is empty, so no panel that filters by it shows anything.',
  bad: of('name'),
  good: of('queue'),
  run: ({ dashboards, labelsOf, found }, report) => {
    for (const { name, at, label, expression } of dashboards.flatMap((d) => d.variables)) {
      const ast = expression?.ast;
      if (!ast || label === undefined || label === '__name__') continue;
      const metric = selectorsOf(ast).map((s) => ({ name: metricNameOf(s), metric: found(s)?.metric }))[0];
      const conditional = metric?.metric?.labels.get(label)?.conditional;
      if (isAbsent(labelsOf(ast), label)) {
        report({ at, message: `variable ${name} is empty: ${metric?.name ?? 'this'} has no label ${label}` });
      } else if (conditional !== undefined) {
        report({ at, severity: 'info', message: `variable ${name} is empty unless: ${conditional}` });
      }
    }
  },
});
