import { nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { hasVariable } from '../expression.ts';
import { isAbsent } from '../infer.ts';
import { placeIn } from '../source.ts';

export const legendLabelAbsent = defineCheck({
  name: 'legend-label-absent',
  finds: 'A legend with a label that the query’s series do not have.',
  severity: 'warning',
  why: 'All series are then named alike, or the name is left empty; which line is which cannot be told.',
  bad: panelFile('sum by (code) (rate(shop_requests_total[5m]))', { legend: '{{method}}' }),
  good: panelFile('sum by (code) (rate(shop_requests_total[5m]))', { legend: '{{code}}' }),
  run: ({ panels, labelsOf }, report) => {
    for (const { expression, legend } of panels.flatMap((p) => p.targets)) {
      if (!expression?.ast || !legend) continue;
      const labels = labelsOf(expression.ast);
      for (const m of legend.text.matchAll(/\{\{\s*([a-zA-Z_]\w*)\s*\}\}/g)) {
        const label = m[1]!;
        if (label === '__name__' || !isAbsent(labels, label) || [...labels.possible].some(hasVariable)) continue;
        const near = nearest(label, labels.possible);
        report({
          at: placeIn(legend, m.index, m.index + m[0].length),
          message: `the series have no label ${label}${labels.narrowed ? ': the query aggregates it away' : ''}`,
          suggestion: near ? `did you mean {{${near}}}?` : undefined,
        });
      }
    }
  },
});
