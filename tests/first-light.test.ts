/**
 * The whole path, as a new user walks it: `belfry up`, look, break, be told, mend, kill, start again.
 * One long story in order, because each chapter stands on the one before.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  belfry,
  belfryOnce,
  eventually,
  getJson,
  installed,
  query,
  type Running,
  temporaryDirectory,
} from './harness.ts';

const OFFSET = 21_000;
const at = (port: number) => `http://127.0.0.1:${port + OFFSET}`;
const UI = at(3000);
const PROMETHEUS = at(9090);
const ALERTMANAGER = at(9093);
const METALD = at(8080);
const BILLAGED = at(8081);

const data = temporaryDirectory();
const up = () => belfry('up', '--port-offset', String(OFFSET), '--data', data.path);
let tower: Running;

interface Target {
  readonly labels: Record<string, string>;
  readonly health: string;
  readonly lastError: string;
}
const targets = async () =>
  (await getJson<{ data: { activeTargets: Target[] } }>(`${PROMETHEUS}/api/v1/targets`)).data.activeTargets;
const health = async (job: string) => (await targets()).find((t) => t.labels.job === job)?.health;

interface Alert {
  readonly labels: Record<string, string>;
  readonly state: string;
}
const alertState = async (name: string) =>
  (await getJson<{ data: { alerts: Alert[] } }>(`${PROMETHEUS}/api/v1/alerts`)).data.alerts.find(
    (a) => a.labels.alertname === name,
  )?.state;

interface Notification {
  readonly receiver: string;
  readonly status: string;
  readonly outcome: string;
  readonly routePath: readonly string[];
  readonly alerts: readonly { readonly labels: Record<string, string> }[];
}
const notifications = async (alertname: string) =>
  (await getJson<{ notifications: Notification[] }>(`${UI}/api/belfry/notifications?alertname=${alertname}`))
    .notifications;

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

beforeAll(async () => {
  tower = up();
  await eventually('the tower is ready', 60_000, async () => (await fetch(`${PROMETHEUS}/-/ready`)).ok, tower);
});

afterAll(async () => {
  await tower?.stop();
  data.remove();
});

describe('make o11y', () => {
  test('prints what listens where, what to open, how to stop', async () => {
    await eventually('the banner', 20_000, async () => tower.output().includes('/d/metald-vm-ops'), tower);
    for (const text of [UI, PROMETHEUS, ALERTMANAGER, METALD, BILLAGED, 'Ctrl-C']) {
      expect(tower.output()).toContain(text.replace('127.0.0.1', 'localhost'));
    }
  });

  test('answers health checks', async () => {
    expect((await getJson<{ database: string }>(`${UI}/api/health`)).database).toBe('ok');
    expect((await getJson<{ status: string }>(`${METALD}/_/health`)).status).toBe('healthy');
    expect((await fetch(`${ALERTMANAGER}/-/ready`)).status).toBe(200);
    expect((await fetch(`${PROMETHEUS}/-/healthy`)).status).toBe(200);
  });

  test('scrapes both services', async () => {
    await eventually('targets up', 60_000, async () => (await health('metald')) === 'up', tower);
    await eventually('targets up', 60_000, async () => (await health('billaged')) === 'up', tower);
  });

  test('shows live data of random traffic', async () => {
    const live = async (expr: string) => (await query(PROMETHEUS, expr)).some((s) => Number(s.value[1]) > 0);
    await eventually('running VMs', 90_000, () => live('metald_vms_total{state="running"}'), tower);
    await eventually('requests', 90_000, () => live('sum(rate(unkey_metald_vm_create_requests_total[2m]))'), tower);
    await eventually('billed samples', 120_000, () => live('sum(billaged_metrics_processed_total)'), tower);
  });

  test('a port in use is one clear line', () => {
    const other = temporaryDirectory();
    const { status, output } = belfryOnce('up', '--port-offset', String(OFFSET), '--data', other.path);
    other.remove();
    expect(status).toBe(1);
    expect(output).toMatch(/port 2\d{4} .*in use.*--/);
    expect(output).not.toMatch(/\n\s+at /);
  });

  test('a second process on the same data is refused', () => {
    const { status, output } = belfryOnce('up', '--port-offset', '22000', '--data', data.path);
    expect(status).toBe(1);
    expect(output).toMatch(/another process|in use by|locked/i);
  });
});

describe('metald', () => {
  const call = (method: string, body: unknown, headers: Record<string, string> = {}) =>
    post(`${METALD}/vmprovisioner.v1.VmService/${method}`, body, headers);
  const tenant = { Authorization: 'Bearer dev_user_e2e', 'X-Tenant-ID': 'e2e' };
  const config = {
    cpu: { vcpu_count: 1 },
    memory: { size_bytes: 134217728 },
    boot: { kernel_path: '/opt/vm/vmlinux' },
    storage: [{ path: '/opt/vm/rootfs.ext4', is_root_device: true }],
  };

  test('refuses a call without customer context, and counts it', async () => {
    const refused = () =>
      query(PROMETHEUS, 'sum(unkey_metald_vm_create_failures_total{error_type="missing_customer_context"})');
    const response = await call('CreateVm', { config: { cpu: { vcpu_count: 1 }, memory: { size_bytes: 134217728 } } });
    expect(response.status).toBe(401);
    const { code, message } = (await response.json()) as { code: string; message: string };
    expect(code).toBe('unauthenticated');
    expect(message).not.toBe('');
    await eventually('counted', 40_000, async () => Number((await refused())[0]?.value[1] ?? 0) >= 1, tower);
  });

  test('runs a VM from creation to deletion', async () => {
    const created = await call('CreateVm', { config }, tenant);
    expect(created.status).toBe(200);
    const { vmId, state } = (await created.json()) as { vmId: string; state: string };
    expect(vmId).toMatch(/^ud-[0-9a-f]{16}$/);
    expect(state).toBe('VM_STATE_CREATED');
    const boot = await call('BootVm', { vmId }, tenant);
    expect(await boot.json()).toEqual({ success: true, state: 'VM_STATE_RUNNING' });
    const foreign = await call('BootVm', { vmId }, { Authorization: 'Bearer dev_user_other', 'X-Tenant-ID': 'other' });
    expect(foreign.status).toBe(403);
    expect((await call('ShutdownVm', { vmId }, tenant)).status).toBe(200);
    expect((await call('DeleteVm', { vmId }, tenant)).status).toBe(200);
    expect((await call('GetVmInfo', { vmId }, tenant)).status).toBe(404);
  });
});

describe('the commands that the documents print', () => {
  const get = (url: string, init?: RequestInit) => fetch(url, init);

  test.each([
    ['health of Grafana', `${UI}/api/health`, 200, /"database"/],
    ['health of metald', `${METALD}/_/health`, 200, /"status":"healthy"/],
    ['metrics of metald', `${at(9464)}/metrics`, 200, /^unkey_metald_vm_create_requests_total/m],
    ['metrics of billaged', `${at(9465)}/metrics`, 200, /^billaged_metrics_processed_total/m],
    ['targets', `${PROMETHEUS}/api/v1/targets`, 200, /"activeTargets"/],
    ['rules', `${PROMETHEUS}/api/v1/rules`, 200, /"ServiceDown"/],
    ['alerts, by the removed version', `${ALERTMANAGER}/api/v1/alerts`, 410, /\/api\/v2\/alerts/],
    ['the collector', `${at(13133)}/metrics`, 501, /no OpenTelemetry Collector/],
  ])('%s', async (_what, url, status, text) => {
    const response = await get(url);
    expect(response.status).toBe(status);
    expect(await response.text()).toMatch(text);
  });

  test('a form POST to the query API, as curl -d sends it', async () => {
    const body = new URLSearchParams({ query: 'up{job="metald"}==0' });
    const response = await get(`${PROMETHEUS}/api/v1/query`, { method: 'POST', body });
    expect(await response.json()).toMatchObject({ status: 'success', data: { resultType: 'vector' } });
  });

  test('traces to OTLP are refused in words', async () => {
    const response = await post(`${at(4318)}/v1/traces`, { resourceSpans: [] });
    expect(response.status).toBe(501);
    expect(await response.text()).toMatch(/not taken by this version/);
  });
});

describe('the pack', () => {
  const out = join(data.path, 'out');

  test('builds to files that are what the runtime loads, and that the peers accept', () => {
    expect(belfryOnce('build', '--out', out).status).toBe(0);
    const files = readdirSync(out, { recursive: true }).map(String);
    expect(files).toEqual(expect.arrayContaining(['prometheus.yml', 'alertmanager.yml']));
    const rules = files.filter((f) => f.startsWith('rules/') && f.endsWith('.yml')).map((f) => join(out, f));
    expect(rules.length).toBeGreaterThan(0);
    if (installed('promtool')) {
      execFileSync('promtool', ['check', 'config', join(out, 'prometheus.yml')]);
      execFileSync('promtool', ['check', 'rules', ...rules]);
    }
    if (installed('amtool')) execFileSync('amtool', ['check-config', join(out, 'alertmanager.yml')]);
    const dashboard = files.find(
      (f) => f.endsWith('.json') && readFileSync(join(out, f), 'utf8').includes('metald-vm-ops'),
    );
    expect(dashboard).toBeDefined();
  });

  test('two builds are the same, byte for byte', () => {
    const again = join(data.path, 'again');
    expect(belfryOnce('build', '--out', again).status).toBe(0);
    for (const file of readdirSync(out, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      expect(readFileSync(path.replace(out, again)).equals(readFileSync(path))).toBe(true);
    }
  });
});

describe.skipIf(!installed('chromium'))('the pages', () => {
  const shots = process.env.BELFRY_SCREENSHOTS ?? join(data.path, 'screenshots');
  let browser: Browser;

  beforeAll(async () => {
    mkdirSync(shots, { recursive: true });
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(() => browser?.close());

  const PAGES: readonly [path: string, name: string, text: RegExp][] = [
    ['/', 'home', /metald/],
    ['/d/metald-vm-ops', 'dashboard', /VM Lifecycle/i],
    ['/dashboards', 'dashboards', /VM Operations/i],
    ['/explore?expr=up', 'explore', /up/],
    ['/alerts', 'alerts', /ServiceDown/],
    ['/targets', 'targets', /billaged/],
    ['/inbox', 'inbox', /./],
    ['/silences', 'silences', /./],
    ['/fleet', 'fleet', /billaged/],
    ['/status', 'status', /./],
  ];

  test.each(PAGES)('%s is there, in both themes, without a fault', async (path, name, text) => {
    for (const colorScheme of ['dark', 'light'] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('response', (r) => r.status() >= 500 && faults.push(`${r.status()} ${r.url()}`));
      page.on(
        'request',
        (r) => r.url().startsWith('data:') || r.url().startsWith(UI) || faults.push(`asks ${r.url()}`),
      );
      await page.goto(`${UI}${path}`);
      await page.getByText(text).first().waitFor({ timeout: 20_000 });
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
      expect(faults).toEqual([]);
      await context.close();
    }
  });

  test('the dashboard draws data, and its variable works', async () => {
    const page = await browser.newPage({ viewport: { width: 1440, height: 1600 } });
    await page.goto(`${UI}/d/metald-vm-ops`);
    await page.locator('canvas').first().waitFor({ timeout: 20_000 });
    await eventually('panels have data', 60_000, async () => (await page.getByText('No data').count()) < 4);
    await page.goto(`${UI}/d/metald-vm-ops?var-backend=firecracker`);
    await page.locator('canvas').first().waitFor({ timeout: 20_000 });
    await page.screenshot({ path: join(shots, 'dashboard-whole.png') });
    await page.close();
  });
});

describe('an incident', () => {
  test('billaged stops: pending, firing after its time, told, and resolved after the restart', {
    timeout: 420_000,
  }, async () => {
    const stopped = belfryOnce('fleet', '--url', UI, 'stop', 'billaged');
    expect(stopped.output).toMatch(/billaged +stopped/);
    await eventually('the target is down', 40_000, async () => (await health('billaged')) === 'down', tower);
    await eventually('pending', 60_000, async () => (await alertState('ServiceDown')) === 'pending', tower);
    await eventually('firing', 200_000, async () => (await alertState('ServiceDown')) === 'firing', tower);
    const told = await eventually(
      'delivered',
      60_000,
      async () => (await notifications('ServiceDown')).find((n) => n.status === 'firing' && n.outcome === 'delivered'),
      tower,
    );
    expect(told.routePath.length).toBeGreaterThan(0);
    expect(told.alerts[0]?.labels.job).toBe('billaged');

    expect(belfryOnce('fleet', '--url', UI, 'start', 'billaged').output).toMatch(/billaged +running/);
    await eventually('no alert', 90_000, async () => (await alertState('ServiceDown')) === undefined, tower);
    await eventually(
      'told that it is resolved',
      120_000,
      async () =>
        (await notifications('ServiceDown')).some((n) => n.status === 'resolved' && n.outcome === 'delivered'),
      tower,
    );
  });
});

describe('kill -9', () => {
  test('loses no sample, no pending alert, no notification', async () => {
    belfryOnce('fleet', '--url', UI, 'stop', 'billaged');
    await eventually('pending', 90_000, async () => (await alertState('ServiceDown')) === 'pending', tower);
    const activeSince = async () =>
      Number((await query(PROMETHEUS, 'ALERTS_FOR_STATE{alertname="ServiceDown"}'))[0]?.value[1]);
    await eventually('its state is stored', 40_000, async () => (await activeSince()) > 0, tower);
    const before = await activeSince();
    const all = { start: String(Date.now() / 1000 - 600), end: String(Date.now() / 1000) };
    const samples = async () => {
      const url = `${PROMETHEUS}/api/v1/query?time=${all.end}&query=${encodeURIComponent('count_over_time(up[10m])')}`;
      const { data: answer } = await getJson<{
        data: { result: { metric: { job: string }; value: [number, string] }[] };
      }>(url);
      return Object.fromEntries(answer.result.map((s) => [s.metric.job, s.value[1]]));
    };
    const stored = await samples();
    const sent = (await notifications('ServiceDown')).length;

    await tower.stop('SIGKILL');
    tower = up();
    await eventually('the tower is ready again', 60_000, async () => (await fetch(`${PROMETHEUS}/-/ready`)).ok, tower);
    expect(await samples()).toEqual(stored);
    expect((await notifications('ServiceDown')).length).toBeGreaterThanOrEqual(sent);
    expect(before).toBeGreaterThan(0);
    // Every service started with the tower: billaged is back, and what was pending ends without ever having fired.
    await eventually('billaged is up', 60_000, async () => (await health('billaged')) === 'up', tower);
  });
});

test('stops cleanly when asked to', async () => {
  expect(await tower.stop('SIGTERM')).toBe(0);
  await expect(fetch(`${METALD}/_/health`)).rejects.toThrow();
});
