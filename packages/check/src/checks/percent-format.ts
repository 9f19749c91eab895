import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { unitOf } from '../units.ts';

const share = 'sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))';

export const percentFormat = defineCheck({
  name: 'percent-format',
  finds: 'A share of 0–1 in a panel of unit `percent` (0–100), or a percentage in one of unit `percentunit` (0–1).',
  severity: 'warning',
  why: 'Grafana’s `percent` prints the number with a %, `percentunit` multiplies by 100 first. Mixed up, 5 % reads 0.05 % or 500 %.',
  bad: panelFile(share, { unit: 'percent' }),
  good: panelFile(share, { unit: 'percentunit' }),
  run: ({ panels, catalogue }, report) => {
    for (const { unit, unitAt, targets } of panels) {
      if (!unitAt || (unit !== 'percent' && unit !== 'percentunit')) continue;
      for (const { expression } of targets) {
        const of = expression?.ast && unitOf(expression.ast, catalogue);
        if (!of) continue;
        const cores = of.base === 'seconds' && of.perSecond;
        const share =
          ((of.base === 'ratio' || cores) && of.factor === 1) || (of.base === 'percent' && of.factor === 0.01);
        const percent =
          ((of.base === 'ratio' || cores) && of.factor === 100) || (of.base === 'percent' && of.factor === 1);
        if (unit === 'percent' && share) {
          report({
            at: unitAt,
            message: 'the query gives a share of 0 to 1, the unit percent is for 0 to 100',
            suggestion: 'percentunit',
            fix: [{ at: unitAt, text: '"percentunit"' }],
          });
        } else if (unit === 'percentunit' && percent) {
          report({
            at: unitAt,
            message: 'the query gives 0 to 100, the unit percentunit is for 0 to 1',
            suggestion: 'percent',
            fix: [{ at: unitAt, text: '"percent"' }],
          });
        } else continue;
        break;
      }
    }
  },
});
