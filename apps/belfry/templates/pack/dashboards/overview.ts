/** acme-shop at a glance: is it there, how much, how many fail, how long. */
import { dashboard, panel, quantile, rate, ratio, row, select, steps, sum, up } from '@belfry/sdk';
import { LIMITS } from '../alerts.ts';
import { acmeShop, acmeShopCatalogue } from '../metrics.ts';

export const overview = dashboard('acme-shop-overview', {
  title: 'Acme shop: overview',
  description: 'Requests of acme-shop: how many, how many fail, how long they take.',
  tags: ['acme-shop'],
  rows: [
    row(
      'Now',
      [
        panel.stat('Status', up(acmeShopCatalogue.job), {
          words: { 0: { text: 'Down', color: 'red' }, 1: { text: 'Up', color: 'green' } },
          description: 'Whether each instance answers when it is scraped.',
        }),
        panel.stat(
          'Failures',
          ratio(acmeShop.requests, acmeShop.requests, { window: '5m', wherePart: { outcome: 'failed' } }),
          {
            unit: 'percentunit',
            thresholds: steps('green', [LIMITS.failureRatio, 'red']),
            description: 'Share of the requests that failed within five minutes; red: AcmeShopFailures.',
          },
        ),
        panel.stat('In flight', sum(select(acmeShop.inFlight)), {
          description: 'Requests that wait for their answer now.',
        }),
      ],
      { height: 5 },
    ),
    row('Requests', [
      panel.timeseries(
        'Requests by outcome',
        { '{{outcome}}': sum(rate(acmeShop.requests), ['outcome']) },
        { unit: 'reqps', stacked: true, description: 'Requests a second.' },
      ),
      panel.timeseries(
        'Duration',
        {
          p50: quantile(0.5, acmeShop.requestDuration),
          p95: quantile(0.95, acmeShop.requestDuration),
        },
        {
          unit: 's',
          thresholds: steps('green', [LIMITS.slowSeconds, 'red']),
          showThresholds: true,
          description: 'p95 above the line for ten minutes: AcmeShopSlow.',
        },
      ),
    ]),
  ],
});
