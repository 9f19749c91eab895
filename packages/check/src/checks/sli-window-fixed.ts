import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { placeOfSpan } from '../expression.ts';
import { windowsOf } from '../windows.ts';

const file = (window: string) => ({
  'slos.yml': `slis:
  - name: availability
    expression: sum(rate(shop_good_total[${window}])) / sum(rate(shop_requests_total[${window}]))
slos:
  - name: Availability
    sli: availability
    objective: 99.9
    window: 30d
`,
});

export const sliWindowFixed = defineCheck({
  name: 'sli-window-fixed',
  finds: 'An indicator with a window of minutes under an objective over weeks.',
  severity: 'info',
  why: `The share of the last five minutes says nothing about 30 days, and its average over them weighs a quiet night as much as a
busy hour. Indicators are recorded for several windows, or given with the window left open.`,
  bad: file('5m'),
  good: file('30d'),
  run: ({ slos, indicators }, report) => {
    const seen = new Set<string>();
    for (const { indicator, window } of slos.flatMap((s) => s.objectives)) {
      const expression = indicators.find((i) => i.name === indicator)?.expression;
      const fixed = expression && windowsOf(expression)[0];
      if (!fixed || window === undefined || seen.has(indicator!)) continue;
      const days = /^(\d+)d$/.exec(window)?.[1];
      if (days === undefined || fixed.ms >= Number(days) * 86_400_000) continue;
      seen.add(indicator!);
      report({
        at: placeOfSpan(expression, fixed.span),
        message: `a window of ${formatDuration(fixed.ms)} under an objective over ${window}`,
      });
    }
  },
});
