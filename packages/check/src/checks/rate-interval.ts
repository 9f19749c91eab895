import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { RATES } from '../metric-kind.ts';
import { windowsOf } from '../windows.ts';

export const rateInterval = defineCheck({
  name: 'rate-interval',
  finds: 'A graph whose rate has a fixed window, in place of `$__rate_interval`.',
  severity: 'info',
  why: `Zoomed out, a step of the graph is longer than the window: what happens between the windows is left out. Zoomed in, the
window smooths what one wanted to see. \`$__rate_interval\` is at least four scrapes and never shorter than a step.`,
  bad: panelFile('sum(rate(shop_requests_total[1m]))'),
  good: panelFile('sum(rate(shop_requests_total[$__rate_interval]))'),
  run: ({ panels }, report) => {
    for (const { type, targets } of panels) {
      if (!/^(?:timeseries|graph|heatmap|barchart|state-timeline|)$/.test(type)) continue;
      for (const { expression } of targets) {
        for (const { func, span, ms } of expression ? windowsOf(expression) : []) {
          if (func === undefined || !RATES.has(func) || func === 'increase' || ms > 600_000) continue;
          const at = placeOfSpan(expression!, span);
          report({ at, message: `a fixed window of ${formatDuration(ms)} in a graph`, suggestion: '$__rate_interval' });
        }
      }
    }
  },
});
