import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { RATES } from '../metric-kind.ts';
import { scrapeIntervals } from '../scrape-interval.ts';
import { windowsOf } from '../windows.ts';

const CONFIG =
  'global:\n  scrape_interval: 30s\nscrape_configs:\n  - job_name: shop\n    static_configs:\n      - targets: [shop:9100]\n';

export const windowShorterThan4Scrapes = defineCheck({
  name: 'window-shorter-than-4-scrapes',
  finds: 'A rate over a window with fewer than four scrapes in it.',
  severity: 'warning',
  why: `\`rate\` needs two samples. In a window of two scrapes one lost scrape leaves a gap, and the alert’s \`for\` begins anew; four
survive that. Below two scrapes there is never a result: that is an error.`,
  bad: { 'prometheus.yml': CONFIG, ...alertFile('rate(shop_errors_total[1m]) > 1') },
  good: { 'prometheus.yml': CONFIG, ...alertFile('rate(shop_errors_total[5m]) > 1') },
  run: (world, report) => {
    const intervals = scrapeIntervals(world);
    if (!intervals) return;
    for (const expression of world.expressions) {
      for (const { ms, span, func } of windowsOf(expression)) {
        if (func === undefined || !RATES.has(func)) continue;
        // Which target a metric is from is not known, so only what holds for all of them is an error.
        const least = 4 * intervals.slowest;
        if (ms >= least) continue;
        const never = ms <= intervals.fastest;
        if (ms >= 4 * intervals.fastest && intervals.fastest !== intervals.slowest) continue;
        report({
          at: placeOfSpan(expression, span),
          severity: never ? 'error' : 'warning',
          message: `${formatDuration(ms)} holds ${never ? 'at most one scrape' : `${Math.floor(ms / intervals.slowest)} scrapes`} of ${formatDuration(never ? intervals.fastest : intervals.slowest)}${never ? ': never a result' : ''}`,
          suggestion: `at least ${formatDuration(4 * intervals.slowest)}`,
        });
      }
    }
  },
});
