import { pack, scrapeJob } from '@belfry/sdk';
import { critical, warnings } from './alerts.ts';
import { vmOperations } from './dashboards/vm-operations.ts';
import { billagedCatalogue, metaldCatalogue } from './metrics.ts';
import { metaldRouting } from './routing.ts';
import { scenarios } from './scenarios.ts';
import { indicators, slos } from './slos.ts';

/** The monitoring of metald and billaged. */
export default pack({
  name: 'metald',
  title: 'metald and billaged',
  directory: import.meta.dirname,
  catalogues: [metaldCatalogue, billagedCatalogue],
  scrape: [
    // Both documents' dashboards refresh every 5 s and draw rates of minutes; one of them scrapes every 30 s, which is too coarse.
    scrapeJob(metaldCatalogue, { targets: ['127.0.0.1:9464'], interval: '10s' }),
    scrapeJob(billagedCatalogue, { targets: ['127.0.0.1:9465'], interval: '15s' }),
  ],
  rules: [indicators, critical, warnings],
  routing: metaldRouting,
  dashboards: [vmOperations],
  slos,
  scenarios,
});
