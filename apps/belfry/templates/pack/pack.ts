import { pack, scrapeJob } from '@belfry/sdk';
import { alerts } from './alerts.ts';
import { overview } from './dashboards/overview.ts';
import { acmeShopCatalogue } from './metrics.ts';
import { acmeShopRouting } from './routing.ts';
import { scenarios } from './scenarios.ts';

/** The monitoring of acme-shop. */
export default pack({
  name: 'acme-shop',
  title: 'Acme shop',
  directory: import.meta.dirname,
  catalogues: [acmeShopCatalogue],
  scrape: [scrapeJob(acmeShopCatalogue, { targets: ['127.0.0.1:8080'], interval: '15s' })],
  rules: [alerts],
  routing: acmeShopRouting,
  dashboards: [overview],
  scenarios,
});
