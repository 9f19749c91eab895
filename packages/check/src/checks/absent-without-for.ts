import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { bare } from '../windows.ts';

export const absentWithoutFor = defineCheck({
  name: 'absent-without-for',
  finds: 'An alert on `absent` that fires at once.',
  severity: 'warning',
  why: 'After each start of Prometheus nothing has been scraped yet, so everything is absent. `for` of a few scrapes waits until it has.',
  bad: alertFile('absent(up{job="shop"})', { for: '0s' }),
  good: alertFile('absent(up{job="shop"})', { for: '5m' }),
  run: ({ alerts }, report) => {
    for (const { expression, forMs } of alerts) {
      const top = expression?.ast && bare(expression.ast);
      if (forMs > 0 || top?.kind !== 'call' || top.func !== 'absent') continue;
      report({
        at: placeOfSpan(expression!, top.span),
        message: 'fires at every start of Prometheus, before the first scrape',
        suggestion: 'for: 5m',
      });
    }
  },
});
