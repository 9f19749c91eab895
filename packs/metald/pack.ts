import { pack, scrapeJob, sloDashboard } from '@belfry/sdk';
import { critical, further, warnings } from './alerts.ts';
import { billagedOverview } from './dashboards/billaged-overview.ts';
import { billingMetrics } from './dashboards/billing-metrics.ts';
import { multiTenantBilling } from './dashboards/multi-tenant-billing.ts';
import { securityOperations } from './dashboards/security-operations.ts';
import { systemHealth } from './dashboards/system-health.ts';
import { systemResources } from './dashboards/system-resources.ts';
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
    // The dashboards' README scrapes metald every 10 s, the monitoring guide every 30 s: too coarse for panels that refresh every 5 s.
    scrapeJob(metaldCatalogue, { targets: ['127.0.0.1:9464'], interval: '10s' }),
    scrapeJob(billagedCatalogue, { targets: ['127.0.0.1:9465'], interval: '15s' }),
  ],
  rules: [indicators, critical, warnings, further],
  routing: metaldRouting,
  dashboards: [
    vmOperations,
    securityOperations,
    billingMetrics,
    multiTenantBilling,
    systemHealth,
    billagedOverview,
    systemResources,
    sloDashboard('metald-slos', { title: 'metald and billaged: objectives', tags: ['metald', 'billaged'] }, slos),
  ],
  slos,
  scenarios,
});
