import { expect, test } from 'vitest';
import { buildWorld, renameMetric, sourceFile, usesOf } from './index.ts';
import { rangeOf } from './source.ts';

const rules = sourceFile(
  'rules.yml',
  `groups:
  - name: a
    rules:
      - record: job:shop_orders:rate5m
        expr: sum by (job) (rate(shop_orders_total[5m]))
      - alert: NoOrders
        expr: job:shop_orders:rate5m == 0 and on (job) shop_open == 1
      - alert: Slow
        expr: histogram_quantile(0.9, sum by (le) (rate(shop_order_seconds_bucket[5m]))) > 1
`,
);
const board = sourceFile(
  'd.json',
  '{"title": "Shop", "panels": [{"title": "Orders", "targets": [{"expr": "shop_orders_total{a=\\"b\\"} / shop_orders_total"}]}]}',
);
const world = buildWorld([rules, board], []);

test('what stands on a metric, also through what is recorded of it', () => {
  const uses = usesOf(world, 'shop_orders_total').map((u) => [u.kind, u.name, rangeOf(u.at).line, u.through.join()]);
  expect(uses).toEqual([
    ['recording', 'job:shop_orders:rate5m', 5, ''],
    ['alert', 'NoOrders', 7, 'job:shop_orders:rate5m'],
    ['panel', 'Shop: Orders', 1, ''],
  ]);
  expect(usesOf(world, 'shop_order_seconds').map((u) => u.name)).toEqual(['Slow']);
  expect(usesOf(world, 'other')).toEqual([]);
});

test('renaming changes the name wherever it is asked for, and nothing else', () => {
  const apply = (file: typeof rules, from: string, to: string) =>
    renameMetric(world, from, to)
      .filter((e) => e.path === file.path)
      .reduceRight((text, e) => text.slice(0, e.start) + e.text + text.slice(e.end), file.text);
  expect(apply(board, 'shop_orders_total', 'orders_total')).toContain('"orders_total{a=\\"b\\"} / orders_total"');
  expect(apply(rules, 'shop_order_seconds', 'order_seconds')).toContain('rate(order_seconds_bucket[5m])');
  expect(apply(rules, 'shop_orders_total', 'x_total')).toBe(rules.text.replace('shop_orders_total', 'x_total'));
});
