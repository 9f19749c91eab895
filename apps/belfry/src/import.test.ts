import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runCheck, sourceFile } from '@belfry/check';
import { build, type GeneratedFile, type Pack } from '@belfry/sdk';
import { importDifferences, importPack } from '@belfry/sdk/import';
import { afterAll, describe, expect, it } from 'vitest';
import metaldPack from '../../../packs/metald/pack.ts';
import { linkSdk, writeNew } from './new-pack.ts';
import { loadPacks } from './packs.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-import-'));
afterAll(() => rmSync(dir, { recursive: true }));

interface RoundTrip {
  readonly pack: Pack;
  readonly sources: readonly GeneratedFile[];
  readonly built: readonly GeneratedFile[];
  readonly differences: readonly string[];
  readonly notes: readonly string[];
  readonly out: string;
}

async function roundTrip(name: string, files: readonly GeneratedFile[]): Promise<RoundTrip> {
  const folder = join(dir, name);
  const { files: sources, notes } = importPack(files, { name, title: name });
  writeNew(folder, sources);
  linkSdk(folder);
  const [pack] = await loadPacks([join(folder, 'pack.ts')]);
  const built = build([pack!]);
  const out = join(folder, 'build');
  for (const { path, text } of built) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), text);
  }
  return { pack: pack!, sources, built, differences: importDifferences(files, built, name), notes, out };
}

/** Errors that the checker finds. */
async function errorsOf({ pack, sources }: RoundTrip): Promise<readonly string[]> {
  const files = [...sources].sort((a) => (a.path === 'pack.ts' ? -1 : 0)).map((f) => sourceFile(f.path, f.text));
  const { problems } = await runCheck({ files: [], packs: [{ pack, files }], minSeverity: 'error' });
  return problems.map((p) => `${p.path}:${p.line}: ${p.message} [${p.check}]`);
}

const has = (tool: string) => spawnSync(tool, ['--version']).status === 0;
function complaint(tool: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

const conformance = process.env.CONFORMANCE_DATA;
describe.skipIf(!conformance)('rules of other people (skipped without CONFORMANCE_DATA)', () => {
  it('mean the same after import and build, have no errors, and pass promtool', async () => {
    const folder = join(conformance!, 'rules');
    const files = readdirSync(folder).map((n) => ({ path: n, text: readFileSync(join(folder, n), 'utf8') }));
    const trip = await roundTrip('corpus', files);
    expect(trip.differences).toEqual([]);
    expect(await errorsOf(trip)).toEqual([]);
    const rules = trip.built.filter((f) => f.path.startsWith('rules/'));
    expect(rules).toHaveLength(files.length);
    if (has('promtool')) expect(complaint('promtool', 'check', 'config', join(trip.out, 'prometheus.yml'))).toBe('');
  });
});

const RULES = `groups:
  - name: shop
    interval: 1m
    limit: 10
    rules:
      # Orders, for the dashboards.
      - record: shop_orders_rate
        expr: |
          sum by (shop) (
            rate(shop_orders_total{path=~"/buy/\\\\d+", note="\\u00a3\`x\`"}[5m])
          )
        labels: { level: "1" }
      - alert: Slow
        expr: histogram_quantile(0.9, sum by (le) (rate(shop_seconds_bucket[5m]))) > 30
        for: 90s
        keep_firing_for: 5m
        labels: { severity: page }
        annotations: { summary: "It's \\"slow\\": \${x} {{ $labels.shop }}" }
      - alert: Slow
        expr: shop_rpc_seconds{quantile="0.99"} > 2 and shop_rpc_seconds_count > 0
      - alert: Constant
        expr: vector(1) > 0
  - name: empty
    rules: []
`;
const OPERATOR = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: x }
spec:
  groups:
    - name: shop
      rules:
        - alert: Gone
          expr: absent(up{job="shop"})
          for: 5m
`;
const DASHBOARD = {
  id: null,
  uid: 'shop-board',
  title: "The shop's board",
  schemaVersion: 39,
  __inputs: [],
  templating: {
    list: [
      { name: 'shop', type: 'query', query: { query: 'label_values(shop_orders_total{a="b"}, shop)', refId: 'X' } },
      { name: 'old', type: 'query', query: 'label_values(shop)', definition: 'label_values(shop)' },
      { name: 'plain', type: 'custom', query: 'a,b' },
    ],
  },
  panels: [
    {
      title: 'Orders',
      type: 'timeseries',
      targets: [
        { refId: 'A', expr: 'rate(shop_orders_total{shop=~"$shop"}[$__rate_interval])', legendFormat: '{{shop}}' },
        { refId: 'B', expr: 'sum(\n  shop_orders_total{a="${shop:regex}"}\n\n) / [[old]]' },
        { refId: 'C', expr: ' shop_stock ' },
        { refId: 'D', expr: '${metric}_total + (' },
      ],
    },
    { type: 'row', title: 'Folded', collapsed: true, panels: [{ title: 'L', targets: [{ expr: '{a="b"} |= `x`' }] }] },
  ],
};
const ALERTMANAGER = `global: { smtp_from: a@example.org, smtp_smarthost: "mail:25", smtp_require_tls: false }
route:
  receiver: team
  group_by: [alertname]
  routes:
    - matchers: ['severity=~"page|critical"']
      receiver: mail
      continue: true
      mute_time_intervals: [nights]
receivers:
  - name: team
    webhook_configs: [{ url: "http://127.0.0.1:9/x", http_config: { authorization: { credentials_file: /x } } }]
  - name: mail
    email_configs: [{ to: b@example.org, auth_password: "'s3cret'" , auth_username: u}]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [instance]
time_intervals:
  - name: nights
    time_intervals: [{ times: [{ start_time: "22:00", end_time: "24:00" }] }]
`;
const PROMETHEUS = `global: { scrape_interval: 20s, scrape_timeout: 10s }
rule_files: [shop.yml]
remote_write: [{ url: "http://127.0.0.1:9/write" }]
scrape_configs:
  - job_name: shop
    static_configs: [{ targets: ["shop:8080", "shop2:8080"] }]
  - job_name: kube
    scrape_interval: 1m
    kubernetes_sd_configs: [{ role: pod }]
    relabel_configs: [{ source_labels: [__meta_kubernetes_pod_name], regex: "a(.*)$1", target_label: pod }]
`;
const MINE: readonly GeneratedFile[] = [
  { path: 'a/shop.yml', text: RULES },
  { path: 'k8s/shop.yaml', text: OPERATOR },
  { path: 'board.json', text: JSON.stringify({ dashboard: DASHBOARD, overwrite: true }) },
  { path: 'second.json', text: JSON.stringify({ title: 'Second', panels: [] }) },
  { path: 'alertmanager.yml', text: ALERTMANAGER },
  { path: 'prometheus.yml', text: PROMETHEUS },
  { path: 'other.yml', text: 'a: 1\n' },
];

describe('files with a bit of everything', async () => {
  const trip = await roundTrip('mine', MINE);

  it('mean the same after import and build', () => {
    expect(trip.differences).toEqual([]);
    expect(trip.pack.dashboardsJson.map((d) => d.uid)).toEqual(['shop-board', 'second']);
  });
  it('become TypeScript that names metrics of a catalogue', () => {
    const text = (path: string) => trip.sources.find((f) => f.path === path)!.text;
    expect(text('rules/shop.ts')).toContain('// Orders, for the dashboards.');
    expect(text('rules/shop.ts')).toContain('rate(${m.shop_seconds}_bucket[5m])');
    expect(text('dashboards/shop-board.ts')).toContain('promql`label_values(${m.shop_orders_total}{a="b"}, shop)`');
    expect(text('dashboards/shop-board.ts')).toContain('[$__rate_interval]');
    expect(text('pack.ts')).toContain("scrapeJob('shop', { targets: ['shop:8080', 'shop2:8080'], interval: '20s' })");
    const kinds = Object.values(trip.pack.catalogues[0]!.metrics).map((m) => [m.name, m.kind, Object.keys(m.labels)]);
    expect(kinds).toEqual([
      ['shop_orders_total', 'counter', ['a', 'note', 'path', 'shop']],
      ['shop_rpc_seconds', 'summary', []],
      ['shop_seconds', 'histogram', ['shop']],
      ['shop_stock', 'gauge', []],
    ]);
  });
  it('say what was not taken over', () => {
    expect(trip.notes.join('\n')).toMatchInlineSnapshot(`
      "other.yml is not imported: it has no rules, dashboard, routes or scrape jobs
      prometheus.yml: only its scrape jobs are imported, not remote_write, global.scrape_timeout
      alertmanager.yml has secrets in the clear, and so has alertmanager.ts: receivers[1].email_configs[0].auth_password; use the fields that end in _file
      metrics.ts is inferred from 4 names in queries: correct it before you trust its checks"
    `);
  });
  it.skipIf(!has('promtool') || !has('amtool'))(
    'pass promtool and amtool (skipped where they are not installed)',
    () => {
      const rules = trip.built.filter((f) => f.path.startsWith('rules/')).map((f) => join(trip.out, f.path));
      expect(rules.map((r) => basename(r))).toEqual(['mine-shop-2.yml', 'mine-shop.yml']);
      expect(complaint('promtool', 'check', 'rules', ...rules)).toBe('');
      expect(complaint('amtool', 'check-config', join(trip.out, 'alertmanager.yml'))).toBe('');
    },
  );
  it('are told apart from files that mean something else', () => {
    const change = (path: string, from: string, to: string) => {
      const changed = MINE.map((f) => (f.path === path ? { path, text: f.text.replace(from, to) } : f));
      expect(changed, `${path}: ${from}`).not.toEqual(MINE);
      return importDifferences(changed, trip.built, 'mine').length;
    };
    expect(change('a/shop.yml', '> 30', '> 31')).toBe(1);
    expect(change('a/shop.yml', 'for: 90s', 'for: 91s')).toBe(1);
    expect(change('a/shop.yml', 'for: 90s', 'for: 1m30s')).toBe(0);
    expect(change('a/shop.yml', 'limit: 10', 'limit: 11')).toBe(1);
    expect(change('a/shop.yml', 'severity: page', 'severity: info')).toBe(1);
    expect(change('board.json', 'Folded', 'Unfolded')).toBe(1);
    expect(change('alertmanager.yml', 'continue: true', 'continue: false')).toBe(1);
    expect(change('prometheus.yml', 'shop2:8080', 'shop3:8080')).toBe(1);
  });
});

it("takes what the metald pack's own build made", async () => {
  const trip = await roundTrip('again', build([metaldPack], { inboxUrl: 'http://127.0.0.1:3000/api/inbox' }));
  expect(trip.differences).toEqual([]);
  expect(await errorsOf(trip)).toEqual([]);
  expect(trip.pack.dashboardsJson).toHaveLength(metaldPack.dashboards.length);
});

it('names the rule that it cannot read', () => {
  const bad = { path: 'r.yml', text: 'groups: [{name: a, rules: [{alert: B, expr: "sum("}]}]' };
  expect(() => importPack([bad], { name: 'a', title: 'A' })).toThrow(/rule B/);
  expect(() => importPack([{ path: 'r.yml', text: 'a: [' }], { name: 'a', title: 'A' })).toThrow();
  expect(() => importPack([{ path: 'r.yml', text: 'a: 1' }], { name: 'a', title: 'A' })).toThrow(/nothing|no rules/);
});
