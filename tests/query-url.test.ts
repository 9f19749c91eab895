/** `belfry serve --query.url`: rules over a real Prometheus, reasons and restored state included. */
import { writeFileSync } from 'node:fs';
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

describe.skipIf(!installed('prometheus'))('rules over a real Prometheus', () => {
  const directory = temporaryDirectory();
  const running: Running[] = [];
  let ours = '';
  let router = '';
  let serve: () => Running;
  let tower: Running;

  beforeAll(async () => {
    const [real, own, alerts] = [await freePort(), await freePort(), await freePort()];
    ours = `http://127.0.0.1:${own}`;
    router = `http://127.0.0.1:${alerts}`;
    const file = (name: string, text: string) => {
      const path = join(directory.path, name);
      writeFileSync(path, text);
      return path;
    };
    const theirs = file(
      'theirs.yml',
      `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: prometheus, static_configs: [{targets: ['127.0.0.1:${real}']}]}]\n`,
    );
    file(
      'rules.yml',
      `groups:
- name: there
  interval: 1s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Scraped
    expr: up{job="prometheus"} + 0 == 1
    for: 1s
    labels: {severity: info}
    annotations: {summary: '{{ $labels.instance }} is {{ $value }}'}
  - alert: Broken
    expr: up * on () group_left () prometheus_http_requests_total
`,
    );
    const config = file(
      'prometheus.yml',
      `global: {external_labels: {cluster: eu}}
rule_files: [rules.yml]
alerting:
  alertmanagers: [{static_configs: [{targets: ['127.0.0.1:${alerts}']}]}]
  alert_relabel_configs: [{action: labeldrop, regex: severity}]
`,
    );
    const alertmanager = file('alertmanager.yml', 'route: {receiver: r, group_wait: 0s}\nreceivers: [{name: r}]\n');
    const heartbeats = file('heartbeats.yml', 'heartbeats: [{name: backup, every: 1h}]\n');
    running.push(
      start('prometheus', [
        `--config.file=${theirs}`,
        `--storage.tsdb.path=${join(directory.path, 'theirs')}`,
        `--web.listen-address=127.0.0.1:${real}`,
      ]),
    );
    serve = () =>
      belfry(
        'serve',
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory.path, 'ours')}`,
        `--web.listen-address=127.0.0.1:${own}`,
        `--alertmanager.config.file=${alertmanager}`,
        `--alertmanager.listen-address=127.0.0.1:${alerts}`,
        `--heartbeats.file=${heartbeats}`,
        `--query.url=http://somebody:hunter22@127.0.0.1:${real}/`,
      );
    tower = serve();
  });
  afterAll(async () => {
    await Promise.all([...running, tower].map((r) => r.stop()));
    directory.remove();
  });

  test('what rules give is in the own store', async () => {
    const result = await eventually(
      'a recorded sample',
      60_000,
      async () => (await query(ours, 'job:up:sum'))[0],
      tower,
    );
    expect(result.metric).toEqual({ __name__: 'job:up:sum', job: 'prometheus' });
    expect(result.value[1]).toBe('1');
    expect(await query(ours, 'up')).toEqual([]);
    const lastError = async () => {
      const { data } = await getJson<{ data: { groups: { rules: { lastError?: string }[] }[] } }>(
        `${ours}/api/v1/rules?rule_name[]=Broken`,
      );
      return data.groups[0]!.rules[0]!.lastError;
    };
    expect(await eventually('the error', 60_000, lastError, tower)).toContain('many-to-many matching not allowed');
  });

  test('the password is shown nowhere', async () => {
    expect(await (await fetch(`${ours}/api/v1/status/flags`)).text()).not.toContain('hunter22');
    expect(tower.output()).not.toContain('hunter22');
  });

  const story = () => belfryOnce('why', 'Scraped', '--url', ours).stdout;

  test('why tells rule, values and states, over relabelling and over a kill', async () => {
    await eventually('the alert', 60_000, async () => story().includes('pending → firing'), tower);
    expect(story()).toMatch(/^Scraped\{cluster="eu", instance="[^"]+", job="prometheus"\} is firing since/);
    expect(story()).toContain('up{job="prometheus"} = 1');
    tower.process.kill('SIGKILL');
    await tower.exited;
    tower = serve();
    await eventually('the router', 60_000, async () => (await fetch(`${router}/-/ready`)).ok, tower);
    const again = await eventually('the reason', 60_000, async () => story().includes('How it came') && story(), tower);
    expect(again).toContain('pending → firing: it held for as long as `for` asks, value 1');
    expect(again).toContain('Rule Scraped of group there in');
  });

  test('heartbeats of the file', async () => {
    const { heartbeats } = await getJson<{ heartbeats: { name: string; lastMs?: number }[] }>(
      `${ours}/api/belfry/alerting/heartbeats`,
    );
    expect(heartbeats).toMatchObject([{ name: 'backup', everyMs: 3600_000, missing: false }]);
    expect((await fetch(`${router}/api/belfry/alerting/heartbeats/backup/ping`, { method: 'POST' })).status).toBe(200);
    const after = await getJson<{ heartbeats: { lastMs?: number }[] }>(`${ours}/api/belfry/alerting/heartbeats`);
    expect(after.heartbeats[0]!.lastMs).toBeGreaterThan(0);
  });

  test('a URL that is none is refused', () => {
    const { status, output } = belfryOnce('serve', '--query.url=ftp://x:secret1@y');
    expect([status, output.includes('secret1')]).toEqual([expect.any(Number), false]);
  });
});
