import { describe, expect, it } from 'vitest';
import { alert, recording, ruleGroup } from './alert.ts';
import { build } from './build.ts';
import { anyValue, catalogue, counter, expectedSeries, gauge, histogram, oneOf, onlyWhen } from './catalogue.ts';
import { dashboard, labelVariable, panel, row, steps } from './dashboard.ts';
import { createRegistry, instruments } from './instruments.ts';
import { type PackOptions, pack, scrapeJob } from './pack.ts';
import { above, limit, promql, rate, select, sum } from './query.ts';
import { exprOf } from './query-expr.ts';
import { inhibition, pagerduty, receiver, route, routing, secret, slack, webhook } from './routing.ts';

const backend = oneOf('a', 'b');
const shop = catalogue('shop', {
  orders: counter({ name: 'orders_total', help: 'Orders.', labels: { backend } }),
  failures: counter({
    name: 'failures_total',
    help: 'Failures.',
    labels: { backend, customer: onlyWhen('a flag', anyValue('customer', 10)) },
  }),
  open: gauge({ name: 'open_orders', help: 'Open.' }),
  latency: histogram({ name: 'latency_seconds', help: 'Latency.', unit: 'seconds', buckets: [0.1, 1] }),
});
const m = shop.metrics;

describe('a catalogue', () => {
  it('gives each metric its owner', () => {
    expect(m.orders.job).toBe('shop');
    expect(expectedSeries(m.failures)).toBe(20);
    expect(expectedSeries(m.latency)).toBe(5);
  });
  it('refuses what cannot be served', () => {
    const again = gauge({ name: 'latency_seconds_sum', help: 'Clash.' });
    expect(() => catalogue('x', { latency: m.latency, again })).toThrow(
      'again and latency both export latency_seconds_sum',
    );
    expect(() => gauge({ name: '9lives', help: '' })).toThrow('metric name "9lives" is not valid');
    expect(() => histogram({ name: 'h', help: '', buckets: [1, 1] })).toThrow('must be finite and ascend: 1, 1');
  });
});

describe('instruments', () => {
  it('record under the declared names, closed combinations from the start', async () => {
    const registry = createRegistry();
    const to = instruments(shop, registry);
    to.orders.inc({ backend: 'a' });
    to.failures.add(2, { backend: 'b', customer: undefined });
    to.failures.inc({ backend: 'b', customer: 'acme' });
    to.open.set(3);
    to.latency.observe(0.5);
    const text = await registry.metrics();
    for (const line of [
      'orders_total{backend="a"} 1',
      'orders_total{backend="b"} 0',
      'failures_total{backend="a"} 0',
      'failures_total{backend="b"} 2',
      'failures_total{backend="b",customer="acme"} 1',
      'open_orders 3',
      'latency_seconds_bucket{le="1"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });
  it('are checked by TypeScript, and never fall', () => {
    const to = instruments(shop, createRegistry());
    // @ts-expect-error a value that the label cannot have
    to.orders.inc({ backend: 'c' });
    // @ts-expect-error a label that is missing
    expect(() => to.orders.inc()).not.toThrow(AggregateError);
    // @ts-expect-error a label that the metric does not have
    expect(() => to.open.set(1, { backend: 'a' })).toThrow();
    expect(() => to.orders.add(-1, { backend: 'a' })).toThrow('orders_total is a counter and cannot fall by -1');
  });
});

const busy = limit(10);
const tooMany = alert('TooManyOrders', {
  query: above(select(m.open), busy),
  for: '5m',
  severity: 'warning',
  summary: 'Too many open orders',
  description: '{{ $value }} orders are open',
});

describe('rules and panels', () => {
  it('refuse queries that Prometheus would refuse, with position', () => {
    expect(() => recording('job:x:rate5m', promql`sum(${m.open}`)).toThrow(
      /recording rule job:x:rate5m: 1:\d+: parse error: unclosed left parenthesis/,
    );
    expect(() => panel.stat('Broken', promql`rate(${m.open})`)).toThrow(/panel Broken: .*expected type range vector/);
  });
  it('refuse windows that only Grafana knows in rules', () => {
    expect(() => recording('job:x:rate5m', sum(rate(m.orders)))).toThrow(
      "$__rate_interval exists only in dashboards; name a window such as '5m'",
    );
    expect(exprOf(rate(m.orders), 'here')).toMatchObject({ kind: 'call', func: 'rate' });
  });
  it('refuse undeclared variables and thresholds that do not ascend', () => {
    const rows = [row('', [panel.stat('S', promql`open_orders{job="$job"}`)])];
    expect(() => dashboard('d', { title: 'D', rows })).toThrow('dashboard d, panel S: variable $job is not declared');
    expect(() => steps('green', [5, 'yellow'], [busy, 'red'], [7, 'blue'])).toThrow(
      'threshold 7 (blue) does not ascend',
    );
    expect(() => recording('plain', select(m.open))).toThrow('expected a name like level:metric:operations');
  });
});

const key = secret('KEY', 'a key');
const team = receiver('team', slack({ webhook: key, channel: '#x' }), webhook({ url: 'http://example.org/hook' }));
const pager = receiver('pager', pagerduty({ routingKey: key }));

function shopPack(extra: Partial<PackOptions> = {}) {
  return pack({
    name: 'shop',
    title: 'Shop',
    directory: import.meta.dirname,
    catalogues: [shop],
    scrape: [scrapeJob(shop, { targets: ['127.0.0.1:9100'], interval: '15s' })],
    rules: [ruleGroup('main', '1m', [tooMany])],
    routing: routing(
      route({
        receiver: team,
        groupBy: ['alertname'],
        routes: [route({ when: { severity: 'critical' }, receiver: pager })],
      }),
      [inhibition({ source: { severity: 'critical' }, target: { severity: 'warning' }, equal: ['job'] })],
    ),
    dashboards: [
      dashboard('shop', {
        title: 'Shop',
        variables: [labelVariable(m.orders, 'backend')],
        rows: [
          row('One', [
            panel.stat('Open', select(m.open), { thresholds: steps('green', [busy, 'red']) }),
            panel.timeseries('Orders', { Orders: sum(rate(m.orders)) }, { unit: 'ops', width: 18 }),
            panel.table('By backend', sum(rate(m.orders), ['backend']), { columns: { backend: 'Backend' }, width: 12 }),
          ]),
        ],
      }),
    ],
    ...extra,
  });
}

function fileOf(packs: Parameters<typeof build>[0], path: string, options: Parameters<typeof build>[1] = {}): string {
  return build(packs, options).find((f) => f.path === path)!.text;
}

describe('build', () => {
  it('lays panels out, and shares thresholds between alert and panel', () => {
    const json = JSON.parse(fileOf([shopPack()], 'grafana/dashboards/shop.json'));
    expect(json.panels.map((p: { gridPos: object }) => p.gridPos)).toEqual([
      { x: 0, y: 0, w: 24, h: 1 },
      { x: 0, y: 1, w: 8, h: 8 },
      { x: 0, y: 9, w: 18, h: 8 },
      { x: 0, y: 17, w: 12, h: 8 },
    ]);
    expect(json.panels[1].fieldConfig.defaults.thresholds.steps[1]).toEqual({ color: 'red', value: 10 });
    expect(fileOf([shopPack()], 'rules/shop-main.yml')).toContain('expr: open_orders > 10');
    expect(new Set(json.panels.map((p: { id: number }) => p.id)).size).toBe(4);
  });
  it('moves ports', () => {
    const text = fileOf([shopPack()], 'prometheus.yml', { portOffset: 100 });
    expect(text).toContain('127.0.0.1:9200');
    expect(text).toContain('127.0.0.1:9193');
  });
  it('never writes a secret, and says which is missing', () => {
    const without = fileOf([shopPack()], 'alertmanager.yml');
    expect(without).toContain('secret KEY (a key)');
    expect(without).not.toContain('slack_configs');
    expect(without).toContain('http://example.org/hook');
    const given = fileOf([shopPack()], 'alertmanager.yml', { secretFiles: { KEY: '/run/key' } });
    expect(given).toContain('api_url_file: /run/key');
    expect(given).toContain('routing_key_file: /run/key');
  });
  it('keeps several packs apart', () => {
    const other = shopPack({ name: 'other', scrape: [], dashboards: [] });
    const text = fileOf([shopPack(), other], 'alertmanager.yml', { inboxUrl: 'http://127.0.0.1:1/in' });
    for (const part of ['receiver: default', 'pack="shop"', 'pack="other"', 'name: shop/team', 'name: other/pager']) {
      expect(text).toContain(part);
    }
    expect(text.match(/http:\/\/127\.0\.0\.1:1\/in/g)).toHaveLength(5);
  });
  it('refuses what two packs share, and runbooks that are not there', () => {
    expect(() => build([shopPack(), shopPack()])).toThrow('these packs together: pack shop is there twice');
    expect(() => build([shopPack(), shopPack({ name: 'other' })])).toThrow('scrape job shop is there twice');
    const bare = ruleGroup('main', '1m', [{ ...tooMany, runbook: 'nowhere' }]);
    expect(() => build([shopPack({ rules: [bare] })])).toThrow('runbook nowhere of pack shop cannot be read');
  });
});
