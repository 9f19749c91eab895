/** `belfry serve` and `belfry alertmanager` on configurations of anybody, beside the real programs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  belfry,
  belfryOnce,
  eventually,
  freePort,
  getJson,
  installed,
  query,
  type Running,
  start,
  temporaryDirectory,
} from './harness.ts';

const peers = ['prometheus', 'promtool', 'prometheus-node-exporter'].every(installed);

describe.skipIf(!peers)('serve, beside a real Prometheus on the same configuration', () => {
  const directory = temporaryDirectory();
  const config = join(directory.path, 'prometheus.yml');
  const running: Running[] = [];
  let ours: string;
  let theirs: string;
  let tower: Running;
  let serveTower: () => Running;

  beforeAll(async () => {
    const [node, real, own] = [await freePort(), await freePort(), await freePort()];
    ours = `http://127.0.0.1:${own}`;
    theirs = `http://127.0.0.1:${real}`;
    const job = (name: string, port: number) =>
      `  - job_name: ${name}\n    static_configs:\n      - targets: ['127.0.0.1:${port}']\n`;
    writeFileSync(
      config,
      `global:\n  scrape_interval: 1s\nscrape_configs:\n${job('node', node)}${job('prometheus', real)}${job('belfry', own)}`,
    );
    running.push(start('prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${node}`]));
    running.push(
      start('prometheus', [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory.path, 'theirs')}`,
        `--web.listen-address=127.0.0.1:${real}`,
      ]),
    );
    serveTower = () =>
      belfry(
        'serve',
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory.path, 'ours')}`,
        '--storage.tsdb.retention.time=15d',
        `--web.listen-address=127.0.0.1:${own}`,
        '--web.enable-lifecycle',
        '--web.enable-remote-write-receiver',
        '--enable-feature=promql-experimental-functions',
      );
    tower = serveTower();
    await eventually('ready', 30_000, async () => (await fetch(`${ours}/-/ready`)).ok, tower);
  });

  afterAll(async () => {
    await tower?.stop();
    for (const r of running) await r.stop();
    directory.remove();
  });

  test('scrapes the same series from the same targets', async () => {
    const up = async (base: string) => (await query(base, 'sum(up)'))[0]?.value[1];
    await eventually('all up here', 30_000, async () => (await up(ours)) === '3', tower);
    await eventually('all up there', 30_000, async () => (await up(theirs)) === '3');
    // By name and number, in whatever order.
    const counts = async (base: string) =>
      (await query(base, 'count by (__name__) ({job="node", __name__=~"node_.*"})'))
        .map((sample) => `${sample.metric.__name__} ${sample.value[1]}`)
        .sort()
        .join('\n');
    await eventually('same series', 30_000, async () => {
      const [a, b] = [await counts(ours), await counts(theirs)];
      return a !== '' && a === b;
    });
  });

  test('answers promtool', () => {
    const out = execFileSync('promtool', ['query', 'instant', ours, 'up{job="node"}'], { encoding: 'utf8' });
    expect(out).toMatch(/^up\{.*job="node".*\} => 1 @/);
    const labels = execFileSync('promtool', ['query', 'labels', ours, 'job'], { encoding: 'utf8' });
    expect(labels.trim().split('\n')).toEqual(['belfry', 'node', 'prometheus']);
  });

  test('reloads a good configuration and keeps the old one when the new is wrong', async () => {
    expect((await fetch(`${ours}/-/reload`, { method: 'POST' })).status).toBe(200);
    const good = readFileSync(config);
    appendFileSync(config, 'scrape_confgs: []\n');
    const refused = await fetch(`${ours}/-/reload`, { method: 'POST' });
    writeFileSync(config, good);
    expect(refused.status).toBe(500);
    expect(await refused.text()).toMatch(/prometheus\.yml:\d+:1: field scrape_confgs not found.*scrape_configs/s);
    const { data } = await getJson<{ data: { reloadConfigSuccess: boolean } }>(`${ours}/api/v1/status/runtimeinfo`);
    expect(data.reloadConfigSuccess).toBe(false);
    expect(await query(ours, 'up')).toHaveLength(3);
  });

  test('after kill -9 a real Prometheus finds every sample, and so do we', async () => {
    const end = Date.now() / 1000;
    const at = async (base: string) => {
      const expr = encodeURIComponent('sum by (job) (count_over_time(node_cpu_seconds_total[5m]))');
      return (await getJson<{ data: { result: unknown[] } }>(`${base}/api/v1/query?time=${end}&query=${expr}`)).data
        .result;
    };
    const before = await at(ours);
    expect(before).toHaveLength(1);
    await tower.stop('SIGKILL');
    const port = await freePort();
    const empty = join(directory.path, 'empty.yml');
    writeFileSync(empty, '{}\n');
    const heir = start('prometheus', [
      `--config.file=${empty}`,
      `--storage.tsdb.path=${join(directory.path, 'ours')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const base = `http://127.0.0.1:${port}`;
    try {
      await eventually('the heir is ready', 30_000, async () => (await fetch(`${base}/-/ready`)).ok, heir);
      expect(await at(base)).toEqual(before);
    } finally {
      await heir.stop();
    }
    writeFileSync(config, 'scrape_configs: []\n');
    tower = serveTower();
    await eventually('ready again', 30_000, async () => (await fetch(`${ours}/-/ready`)).ok, tower);
    expect(await at(ours)).toEqual(before);
  });

  test('the directory is locked while it runs', () => {
    const { status, output } = belfryOnce(
      'serve',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory.path, 'ours')}`,
      '--web.listen-address=127.0.0.1:0',
    );
    expect(status).toBe(1);
    expect(output).toMatch(/belfry: .*(pid|process) \d+/);
  });

  test('quits when asked over HTTP, and stops cleanly on SIGTERM', async () => {
    expect((await fetch(`${ours}/-/quit`, { method: 'POST' })).status).toBe(200);
    expect(await tower.exited).toBe(0);
    tower = serveTower();
    await eventually('ready', 30_000, async () => (await fetch(`${ours}/-/ready`)).ok, tower);
    expect(await tower.stop('SIGTERM')).toBe(0);
  });
});

describe('serve, told wrong things', () => {
  const directory = temporaryDirectory();
  afterAll(() => directory.remove());

  test.each([
    [
      ['serve', '--storage.tsdb.pth=x'],
      /unknown flag --storage\.tsdb\.pth \(did you mean --storage\.tsdb\.path\?\)/,
      2,
    ],
    [['serve', '--query.timeout=soon'], /--query\.timeout=soon: expected a duration/, 2],
    [['serve', '--web.listen-address=0.0.0.0:19999'], /without authentication.*--web\.allow-unauthenticated/s, 2],
    [['serve', '--config.file=/nowhere/prometheus.yml'], /\/nowhere\/prometheus\.yml/, 1],
    [['alertmanager', '--config.file=/nowhere/alertmanager.yml'], /\/nowhere\/alertmanager\.yml/, 1],
  ])('%j: one clear line', (args, message, code) => {
    const { status, output } = belfryOnce(...args);
    expect(output).toMatch(message);
    expect(output).not.toMatch(/\n\s+at /);
    expect(status).toBe(code);
  });

  test('a wrong rule file is shown with its place', () => {
    const rules = join(directory.path, 'rules.yml');
    writeFileSync(rules, 'groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(\n');
    const config = join(directory.path, 'prometheus.yml');
    writeFileSync(config, 'rule_files: [rules.yml]\n');
    const { status, output } = belfryOnce(
      'serve',
      `--config.file=${config}`,
      `--storage.tsdb.path=${directory.path}/d`,
    );
    expect(status).toBe(1);
    expect(output).toMatch(/rules\.yml:5:\d+: .*\n +expr: sum\(\n +\^/);
  });
});

describe.skipIf(!installed('amtool'))('the alert router alone, told by amtool', () => {
  const directory = temporaryDirectory();
  let router: Running;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const config = join(directory.path, 'alertmanager.yml');
    writeFileSync(config, 'route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n');
    router = belfry(
      'alertmanager',
      `--config.file=${config}`,
      `--storage.path=${join(directory.path, 'state')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    );
    await eventually('ready', 30_000, async () => (await fetch(`${url}/-/ready`)).ok, router);
  });

  afterAll(async () => {
    await router?.stop();
    directory.remove();
  });

  const amtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('amtool', [`--alertmanager.url=${url}`, ...args], {
      encoding: 'utf8',
    });
    expect(stderr.replace(/^Warning: amtool version .* are different\.\n/, '')).toBe('');
    expect(status).toBe(0);
    return stdout;
  };

  test('takes alerts, silences them, shows both', () => {
    amtool('alert', 'add', 'DiskFull', 'host=a');
    expect(amtool('alert', 'query', 'alertname=DiskFull')).toContain('DiskFull');
    const id = amtool('silence', 'add', 'alertname=DiskFull', '--comment=known', '--author=e2e').trim();
    expect(amtool('silence', 'query')).toContain(id);
    expect(amtool('alert', 'query')).not.toContain('DiskFull');
    amtool('silence', 'expire', id);
    expect(amtool('alert', 'query')).toContain('DiskFull');
  });

  test('says that version 1 of the API is gone, and where the second is', async () => {
    const response = await fetch(`${url}/api/v1/alerts`);
    expect(response.status).toBe(410);
    expect(await response.text()).toContain('/api/v2');
  });

  test('stops cleanly', async () => {
    expect(await router.stop('SIGTERM')).toBe(0);
  });
});
