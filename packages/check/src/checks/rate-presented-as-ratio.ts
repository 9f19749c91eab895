import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import type { Text } from '../documents.ts';
import { alertFile } from '../examples.ts';
import { type Place, placeIn } from '../source.ts';
import { actionsOf, valueFormatters } from '../template-text.ts';
import { unitOf } from '../units.ts';

export const ratePresentedAsRatio = defineCheck({
  name: 'rate-presented-as-ratio',
  finds: 'A rate (events a second) that the text shows as a percentage.',
  severity: 'warning',
  why: `\`rate(failures_total[5m])\` is failures a second, whatever share of the whole they are: 2 a second of 1000 requests shows
as «200 %». A share needs a division by the rate of all.`,
  bad: alertFile('rate(errors_total[5m]) > 0.05', { description: 'Error rate is {{ $value | humanizePercentage }}' }),
  good: alertFile('sum(rate(errors_total[5m])) / sum(rate(requests_total[5m])) > 0.05', {
    description: 'Error rate is {{ $value | humanizePercentage }}',
  }),
  run: ({ alerts, catalogue }, report) => {
    for (const { expression, annotations } of alerts) {
      if (!expression?.ast) continue;
      const conditions = conditionsOf(expression.ast);
      const units = (conditions.length > 0 ? conditions.map((c) => c.value) : [expression.ast]).map((e) =>
        unitOf(e, catalogue),
      );
      // CPU seconds a second are a share of one processor.
      const rates = units.filter((u) => u?.perSecond && u.base !== 'seconds');
      if (rates.length === 0 || rates.length < units.length) continue;
      for (const at of percentages(annotations)) {
        report({
          ...at,
          message: 'this is a rate in events a second, not a share of a whole',
          suggestion:
            'divide by the rate of all: sum(rate(failed[5m])) / sum(rate(all[5m])), or show it as {{ $value | humanize }}/s',
        });
      }
    }
  },
});

function percentages(annotations: ReadonlyMap<string, Text>): { at: Place }[] {
  const out: { at: Place }[] = [];
  for (const { value } of annotations.values()) {
    const formatted = valueFormatters(value.text).filter((f) => f.func === 'humanizePercentage');
    for (const { start, end } of formatted) out.push({ at: placeIn(value, start, end) });
    for (const { start, end, text } of actionsOf(value.text)) {
      const percent = /\$value|\.Value/.test(text) && /^\s?%/.test(value.text.slice(end));
      if (percent && !formatted.some((f) => f.start === start)) out.push({ at: placeIn(value, start, end + 1) });
    }
  }
  return out;
}
