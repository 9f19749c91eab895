import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeIn } from '../source.ts';
import { actionsOf } from '../template-text.ts';
import { unitOf } from '../units.ts';

const share = 'sum(rate(bad_total[5m])) / sum(rate(all_total[5m])) > 0.05';

export const valueUnformatted = defineCheck({
  name: 'value-unformatted',
  finds: 'A quotient or rate that the text shows with all its digits.',
  severity: 'info',
  why: '«Error rate is 0.05263157894736842»: nobody reads that at night. humanize, humanizePercentage, humanizeDuration or printf shorten it.',
  bad: alertFile(share, { description: 'error rate is {{ $value }}' }),
  good: alertFile(share, { description: 'error rate is {{ $value | humanizePercentage }}' }),
  run: ({ alerts, catalogue }, report) => {
    for (const { expression, annotations } of alerts) {
      if (!expression?.ast) continue;
      const of = conditionsOf(expression.ast).map((c) => unitOf(c.value, catalogue))[0];
      if (!of || (of.base !== 'ratio' && of.base !== 'bytes' && !of.perSecond)) continue;
      for (const { value } of annotations.values()) {
        for (const { start, end, text } of actionsOf(value.text)) {
          if (!/^\s*(?:\$value|\.Value)\s*$/.test(text)) continue;
          const format = of.base === 'ratio' ? 'humanizePercentage' : of.base === 'bytes' ? 'humanize1024' : 'humanize';
          report({
            at: placeIn(value, start, end),
            message: `shows all digits of a ${of.base === 'ratio' ? 'share' : of.perSecond ? 'rate' : 'number of bytes'}`,
            suggestion: `{{ $value | ${format} }}`,
          });
        }
      }
    }
  },
});
