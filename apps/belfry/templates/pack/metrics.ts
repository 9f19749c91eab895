/** What acme-shop exports. The service makes its instruments from this too: `instruments(acmeShopCatalogue, registry)`. */
import { anyValue, catalogue, counter, gauge, histogram, oneOf } from '@belfry/sdk/catalogue';

export const acmeShopCatalogue = catalogue('acme-shop', {
  requests: counter({
    name: 'acme_shop_requests_total',
    help: 'Requests that were answered.',
    labels: {
      method: anyValue('procedure or route, without its parameters', 20),
      outcome: oneOf('ok', 'refused', 'failed'),
    },
  }),
  requestDuration: histogram({
    name: 'acme_shop_request_duration_seconds',
    help: 'Time from request to answer.',
    unit: 'seconds',
    labels: { method: anyValue('procedure or route, without its parameters', 20) },
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  }),
  inFlight: gauge({ name: 'acme_shop_requests_in_flight', help: 'Requests that wait for their answer.' }),
});

/** For queries: `acmeShop.requests` and so on. */
export const acmeShop = acmeShopCatalogue.metrics;
