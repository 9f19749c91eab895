import { formatDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { scrapeIntervals } from '../scrape-interval.ts';
import { at, placeOf } from '../tree.ts';

const config = {
  'prometheus.yml':
    'scrape_configs:\n  - job_name: a\n    scrape_interval: 30s\n    static_configs:\n      - targets: [a:1]\n',
};

export const refreshFasterThanScrape = defineCheck({
  name: 'refresh-faster-than-scrape',
  finds: 'A dashboard that is refreshed more often than its data changes, or than every 10 seconds.',
  severity: 'info',
  why: 'Every refresh asks all queries again, of every viewer. Between two scrapes the answers are the same.',
  bad: { ...config, ...panelFile('up{job="a"}', { dashboard: { refresh: '5s' } }) },
  good: { ...config, ...panelFile('up{job="a"}', { dashboard: { refresh: '1m' } }) },
  run: (world, report) => {
    const fastest = scrapeIntervals(world)?.fastest ?? 10_000;
    for (const { refreshMs, tree, at: place } of world.dashboards) {
      if (refreshMs === undefined || refreshMs === 0 || refreshMs >= fastest) continue;
      const refresh = at(tree, 'refresh');
      report({
        at: refresh ? placeOf(refresh) : place,
        message: `refreshed every ${formatDuration(refreshMs)}, though data comes every ${formatDuration(fastest)}${world.prometheus.length + world.monitors.length > 0 ? '' : ' at best'}`,
        suggestion: formatDuration(Math.max(fastest, 30_000)),
      });
    }
  },
});
