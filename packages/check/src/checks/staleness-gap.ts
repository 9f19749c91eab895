import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';

const file = (interval: string) => ({
  'prometheus.yml': `scrape_configs:\n  - job_name: shop\n    scrape_interval: ${interval}\n    static_configs:\n      - targets: [shop:9100]\n`,
});
/** Prometheus looks back this far for a sample (`--query.lookback-delta`). */
const LOOKBACK_MS = 300_000;

export const stalenessGap = defineCheck({
  name: 'staleness-gap',
  finds: 'A scrape interval so long that series are missing between scrapes.',
  severity: 'warning',
  why: 'A query takes the newest sample of the last 5 minutes. With longer intervals series come and go: graphs have holes and alerts flap.',
  bad: file('10m'),
  good: file('1m'),
  run: ({ prometheus, monitors }, report) => {
    for (const job of prometheus.flatMap((p) => p.jobs)) {
      if (job.intervalMs === undefined || job.intervalMs < LOOKBACK_MS) continue;
      report({
        at: job.intervalAt ?? job.at,
        message: `scraped every ${formatDuration(job.intervalMs)}: queries look back only 5m`,
      });
    }
    for (const { endpoints } of monitors) {
      for (const { at, intervalMs } of endpoints) {
        if (intervalMs !== undefined && intervalMs >= LOOKBACK_MS) {
          report({ at, message: `scraped every ${formatDuration(intervalMs)}: queries look back only 5m` });
        }
      }
    }
  },
});
