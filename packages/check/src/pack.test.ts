import {
  above,
  alert,
  anyValue,
  catalogue,
  counter,
  dashboard,
  gauge,
  histogram,
  oneOf,
  onlyWhen,
  pack,
  panel,
  promql,
  row,
  ruleGroup,
  scrapeJob,
  select,
} from '@belfry/sdk';
import { describe, expect, test } from 'vitest';
import { runCheck, sourceFile } from './index.ts';

const shop = catalogue('shop', {
  orders: counter({
    name: 'shop_orders_total',
    help: 'Orders.',
    labels: { outcome: oneOf('ok', 'failed'), user: onlyWhen('--detailed', anyValue('who', 100)) },
  }),
  depth: gauge({ name: 'shop_queue_depth', help: 'Waiting.', aliases: ['shop_queue_length'] }),
  old: counter({
    name: 'shop_sales_total',
    help: 'Old.',
    deprecated: { reason: 'counted twice', renamedTo: 'shop_orders_total' },
  }),
  duration: histogram({ name: 'shop_order_seconds', help: 'Time.', unit: 'seconds', buckets: [0.1, 1] }),
});

const made = (text: TemplateStringsArray) =>
  pack({
    name: 'shop',
    title: 'Shop',
    directory: '/nowhere',
    catalogues: [shop],
    scrape: [scrapeJob(shop, { targets: ['127.0.0.1:9100'], interval: '15s' })],
    rules: [
      ruleGroup('shop', '30s', [
        alert('Shop', { query: promql(text), for: '5m', severity: 'warning', summary: 'x', description: 'y' }),
      ]),
    ],
    dashboards: [
      dashboard('shop', {
        title: 'Shop',
        rows: [row('', [panel.timeseries('Waiting', above(select(shop.metrics.depth), 5), { unit: 'short' })])],
      }),
    ],
  });
const SOURCE = "import x from 'y';\n\nalert('Shop', {});\ncounter({ name: 'shop_orders_total' });\n";

async function check(text: TemplateStringsArray) {
  const files = [sourceFile('packs/shop/pack.ts', SOURCE)];
  const { problems } = await runCheck({ files: [], packs: [{ pack: made(text), files }], minSeverity: 'warning' });
  return problems.map((p) => `${p.line}:${p.column} ${p.severity} ${p.check}`);
}

describe('a pack knows all that its services export', () => {
  test('what is sound has no finding', async () => {
    expect(await check`sum by (outcome) (rate(shop_orders_total{outcome="failed"}[5m])) > 1`).toEqual([]);
  });
  test('an unknown metric is an error, at the place of the alert’s name', async () => {
    expect(await check`rate(shop_orderz_total[5m]) > 1`).toEqual(['3:8 error metric-unknown']);
  });
  test('metrics of others are not its business', async () => {
    expect(await check`rate(node_cpu_seconds_total[5m]) > 1`).toEqual([]);
  });
  test('an unknown label, an unknown value', async () => {
    expect(await check`rate(shop_orders_total{result="failed"}[5m]) > 1`).toEqual(['3:8 error label-unknown']);
    expect(await check`rate(shop_orders_total{outcome="broken"}[5m]) > 1`).toEqual(['3:8 error label-value-unknown']);
    expect(await check`rate(shop_orders_total{namespace="a"}[5m]) > 1`).toEqual([]);
  });
  test('rate of a gauge, an alias, a deprecated metric', async () => {
    expect(await check`rate(shop_queue_depth[5m]) > 1`).toEqual(['3:8 error rate-on-gauge']);
    expect(await check`shop_queue_length > 1`).toEqual(['3:8 warning metric-alias']);
    expect(await check`rate(shop_sales_total[5m]) > 1`).toEqual(['3:8 warning metric-deprecated']);
  });
  test('a label that only some installations have', async () => {
    expect(await check`sum by (user) (rate(shop_orders_total[5m])) > 1`).toEqual(['3:8 warning label-conditional']);
  });
  test('a quantile above the highest bucket never fires', async () => {
    expect(await check`histogram_quantile(0.9, sum by (le) (rate(shop_order_seconds_bucket[5m]))) > 2`).toEqual([
      '3:8 error threshold-above-top-bucket',
    ]);
  });
  test('nothing is repaired where the text is composed', async () => {
    const packs = [{ pack: made`rate(shop_sales_total[5m]) > 1`, files: [sourceFile('packs/shop/pack.ts', SOURCE)] }];
    const { problems } = await runCheck({ files: [], packs, only: ['metric-deprecated'] });
    expect(problems.map((p) => [p.suggestion, p.fix])).toEqual([['use `shop_orders_total`', undefined]]);
  });
  test('a metric that nothing uses is told where it is declared', async () => {
    const files = [sourceFile('packs/shop/pack.ts', SOURCE)];
    const packs = [{ pack: made`shop_queue_depth > 1`, files }];
    const { problems } = await runCheck({ files: [], packs, only: ['catalogue-never-used'] });
    expect(problems.map((p) => `${p.line} ${p.message}`)).toContain(
      '4 no rule, panel or indicator uses shop_orders_total',
    );
  });
  test('a comment disables, in TypeScript too', async () => {
    const files = [
      sourceFile(
        'packs/shop/pack.ts',
        SOURCE.replace('alert(', '// belfry:disable metric-unknown from another pack\nalert('),
      ),
    ];
    const packs = [{ pack: made`rate(shop_orderz_total[5m]) > 1`, files }];
    expect((await runCheck({ files: [], packs, minSeverity: 'warning' })).problems).toEqual([]);
  });
});
