import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeIn } from '../source.ts';
import { valueFormatters } from '../template-text.ts';
import { unitOf } from '../units.ts';

export const valueFormat = defineCheck({
  name: 'value-format',
  finds: 'A value that the text shows in another unit than it has: a 0–100 number as percentage, seconds as bytes.',
  severity: 'warning',
  why: `\`humanizePercentage\` multiplies by 100: of an expression that did so already it shows 8500 %. \`humanizeDuration\` wants
seconds.`,
  bad: alertFile('sum(rate(bad_total[5m])) / sum(rate(all_total[5m])) * 100 > 5', {
    description: '{{ $value | humanizePercentage }} fail',
  }),
  good: alertFile('sum(rate(bad_total[5m])) / sum(rate(all_total[5m])) > 0.05', {
    description: '{{ $value | humanizePercentage }} fail',
  }),
  run: ({ alerts, catalogue }, report) => {
    for (const { expression, annotations } of alerts) {
      if (!expression?.ast) continue;
      const condition = conditionsOf(expression.ast);
      const unit = condition.length === 1 ? unitOf(condition[0]!.value, catalogue) : undefined;
      if (!unit) continue;
      for (const { value } of annotations.values()) {
        for (const { func, start, end } of valueFormatters(value.text)) {
          const at = placeIn(value, start, end);
          const hundred =
            (unit.base === 'ratio' && unit.factor === 100) || (unit.base === 'percent' && unit.factor === 1);
          if (func === 'humanizePercentage' && hundred) {
            report({
              at,
              message: 'the value is a percentage already; this multiplies it by 100 again',
              suggestion: '{{ $value | humanize }}%',
            });
          } else if (func === 'humanizeDuration' && /^(?:bytes|ratio|count|milliseconds)$/.test(unit.base)) {
            report({ at, message: `humanizeDuration wants seconds, the value is in ${unit.base}` });
          } else if (func === 'humanize1024' && /^(?:seconds|ratio)$/.test(unit.base)) {
            report({ at, message: `humanize1024 is for bytes, the value is in ${unit.base}` });
          }
        }
      }
    }
  },
});
