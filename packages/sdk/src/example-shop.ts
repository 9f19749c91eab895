/** A small pack with a little of everything, for tests of what is built. */
import { join } from 'node:path';
import { alert, recorded, recording, ruleGroup } from './alert.ts';
import { anyValue, catalogue, counter, gauge, histogram, oneOf } from './catalogue.ts';
import { dashboard, labelVariable, panel, row, steps } from './dashboard.ts';
import { pack, scrapeJob } from './pack.ts';
import { above, chosen, equals, like, limit, rate, ratio, select, sum, up } from './query.ts';
import { inhibition, pagerduty, receiver, route, routing, secret, slack, webhook } from './routing.ts';
import { scenario } from './scenario.ts';
import { eventRatio, latency, slo } from './slo.ts';
import { sloDashboard } from './slo-dashboard.ts';

const backend = oneOf('card', 'invoice');

export const shopCatalogue = catalogue('shop', {
  orders: counter({ name: 'shop_orders_total', help: 'Orders taken.', labels: { backend } }),
  failures: counter({
    name: 'shop_failures_total',
    help: 'Orders that failed.',
    labels: { backend, reason: anyValue('what the backend said', 10) },
  }),
  open: gauge({ name: 'shop_open_orders', help: 'Orders not yet sent.', stability: 'experimental' }),
  latency: histogram({
    name: 'shop_latency_seconds',
    help: 'From order to answer.',
    unit: 'seconds',
    buckets: [0.1, 0.5, 1],
    labels: { backend },
  }),
  legacy: gauge({
    name: 'shop_queue',
    help: 'Orders not yet sent.',
    deprecated: { reason: 'Its name said too little.', renamedTo: 'shop_open_orders' },
  }),
});
const shop = shopCatalogue.metrics;

const LIMITS = { failures: limit(0.05), open: limit(100) } as const;

const failureShare = recording(
  'job:shop_failures:ratio_rate5m',
  ratio(shop.failures, shop.orders, { by: ['job'], window: '5m' }),
);

export const shopDown = alert('ShopDown', {
  query: equals(up('shop'), 0),
  for: '2m',
  severity: 'critical',
  summary: '{{ $labels.instance }} is down',
  description: 'The shop at {{ $labels.instance }} cannot be scraped',
});

export const failingOrders = alert('FailingOrders', {
  query: above(recorded<'job'>(failureShare), LIMITS.failures),
  for: '5m',
  keepFiringFor: '10m',
  severity: 'warning',
  labels: { team: 'shop' },
  summary: 'Orders fail',
  description: '{{ $value | humanizePercentage }} of the orders fail; it may be 5 %',
  runbook: 'failing-orders',
});

const slackUrl = secret('SLACK_URL', 'URL of an incoming webhook of Slack');
const pagerKey = secret('PAGER_KEY', 'integration key of PagerDuty');
const hookUrl = secret('HOOK_URL', 'URL that is told everything');

const team = receiver('team', slack({ webhook: slackUrl, channel: '#shop', title: '{{ .GroupLabels.alertname }}' }));
const onCall = receiver(
  'on-call',
  pagerduty({ routingKey: pagerKey, severity: '{{ .CommonLabels.severity }}' }),
  webhook({ url: hookUrl }),
);
const audit = receiver('audit', webhook({ url: 'http://audit.example.org/alerts', sendResolved: false }));

export const shopSlos = [
  slo('shop_orders', {
    title: 'Orders succeed',
    indicator: eventRatio({ bad: shop.failures, total: shop.orders }),
    objective: 0.999,
    window: '30d',
    team: 'shop',
    leastEvents: 100,
  }),
  slo('shop_latency', {
    title: 'Orders are answered',
    indicator: latency({ histogram: shop.latency, within: 0.5 }),
    objective: 0.99,
    window: '30d',
  }),
];

const choice = labelVariable(shop.orders, 'backend');

export const shopPack = pack({
  name: 'shop',
  title: 'The shop',
  directory: join(import.meta.dirname, 'testdata/shop'),
  catalogues: [shopCatalogue],
  scrape: [
    scrapeJob(shopCatalogue, { targets: ['127.0.0.1:9500'], interval: '15s' }),
    scrapeJob('mailer', {
      targets: ['127.0.0.1:9501'],
      interval: '30s',
      kubernetes: { labels: { 'app.kubernetes.io/name': 'mailer' }, monitor: 'pod', namespace: 'mail' },
    }),
  ],
  rules: [ruleGroup('orders', '30s', [failureShare, shopDown, failingOrders])],
  routing: routing(
    route({
      receiver: team,
      groupBy: ['alertname', 'job'],
      groupWait: '30s',
      groupInterval: '5m',
      repeatInterval: '12h',
      routes: [
        route({ when: { severity: 'critical' }, receiver: onCall, continue: true }),
        route({ when: { team: like('shop|web'), severity: 'critical' }, receiver: audit }),
      ],
    }),
    [inhibition({ source: { alertname: 'ShopDown' }, target: { severity: 'warning' }, equal: ['job'] })],
  ),
  dashboards: [
    dashboard('shop-overview', {
      title: 'Shop: overview',
      description: 'Orders and how they fare.',
      tags: ['shop'],
      variables: [choice],
      rows: [
        row('Orders', [
          panel.timeseries(
            'Orders by Backend',
            {
              '{{backend}}': sum(rate(shop.orders, { window: '5m', where: { backend: chosen(choice) } }), ['backend']),
            },
            { unit: 'ops' },
          ),
          panel.stat('Open Orders', sum(select(shop.open), []), {
            thresholds: steps('green', [LIMITS.open, 'red']),
          }),
        ]),
      ],
    }),
    sloDashboard('shop-slos', { title: 'Shop: objectives', tags: ['shop'] }, shopSlos),
  ],
  slos: shopSlos,
  scenarios: [
    scenario('the shop stops', {
      story: 'The process of the shop ends.',
      breaks: [{ service: 'shop', incident: 'stopped' }],
      expects: [{ alert: shopDown, within: '5m' }],
      resolvesWithin: '5m',
    }),
  ],
});
