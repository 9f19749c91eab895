import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Alertmanager, createAlertmanager } from './alertmanager.ts';
import { parseMatchers } from './matchers.ts';

const BINARY = 'prometheus-alertmanager';
const there = spawnSync(BINARY, ['--version']).status === 0;
const directory = mkdtempSync(join(tmpdir(), 'belfry-parity-'));

interface Payload {
  readonly receiver: string;
  readonly status: string;
  readonly groupKey: string;
  readonly alerts: readonly object[];
  readonly [key: string]: unknown;
}
const heard: Record<'real' | 'ours', Payload[]> = { real: [], ours: [] };
let sink: Server;
let real: ChildProcess;
let realUrl: string;
let ours: Alertmanager;

const configFor = (side: string, port: number) => `
route:
  receiver: all.things
  group_by: [alertname]
  group_wait: 1s
  group_interval: 3s
  repeat_interval: 1h
  routes:
  - match: {team: db}
    receiver: db
    group_by: ['...']
    continue: true
  - matchers: ['severity=~"page|wake"', 'team!=""']
    receiver: quiet
    group_by: [team]
  - matchers: [alertname="Muted"]
    mute_time_intervals: [always]
inhibit_rules:
- source_matchers: [alertname="Down"]
  target_matchers: [alertname="Slow"]
  equal: [instance]
time_intervals:
- name: always
  time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}]}]
receivers:
- name: all.things
  webhook_configs: [{url: "http://127.0.0.1:${port}/${side}", max_alerts: 3}]
- name: db
  webhook_configs: [{url: "http://127.0.0.1:${port}/${side}"}]
- name: quiet
  webhook_configs: [{url: "http://127.0.0.1:${port}/${side}", send_resolved: false}]
`;

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  if (!there) return;
  sink = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      heard[request.url!.slice(1) as 'real' | 'ours'].push(JSON.parse(body));
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => sink.once('listening', resolve));
  const { port } = sink.address() as AddressInfo;
  const file = join(directory, 'am.yml');
  writeFileSync(file, configFor('real', port));
  const amPort = await freePort();
  realUrl = `http://127.0.0.1:${amPort}`;
  real = spawn(
    BINARY,
    [
      `--config.file=${file}`,
      `--storage.path=${directory}`,
      `--web.listen-address=127.0.0.1:${amPort}`,
      '--cluster.listen-address=',
      '--web.external-url=http://am.example',
    ],
    { stdio: 'ignore' },
  );
  for (let i = 0; i < 100; i++) {
    if (
      await fetch(`${realUrl}/-/ready`).then(
        (r) => r.ok,
        () => false,
      )
    )
      break;
    await wait(100);
  }
  ours = createAlertmanager({ config: configFor('ours', port), externalUrl: 'http://am.example' });
});
afterAll(async () => {
  await ours?.close();
  if (real) {
    const gone = new Promise((resolve) => real.once('exit', resolve));
    real.kill();
    await gone;
  }
  sink?.close();
  rmSync(directory, { recursive: true, force: true });
});

const toBoth = async (alerts: object[]) => {
  const body = JSON.stringify(alerts);
  await fetch(`${realUrl}/api/v2/alerts`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  ours.putAlerts(JSON.parse(body));
};

/** Messages of different groups may cross; within a group the order counts. */
const byGroup = (payloads: readonly Payload[]) => {
  const groups: Record<string, Payload[]> = {};
  for (const p of payloads) {
    const key = `${p.receiver} ${p.groupKey}`;
    groups[key] = [...(groups[key] ?? []), p];
  }
  return groups;
};

describe.skipIf(!there)(`parity with a real Alertmanager (skipped where ${BINARY} is not installed)`, () => {
  test('the same alerts give the same notifications', { timeout: 60_000 }, async () => {
    const started = Date.now();
    const time = (seconds: number) => new Date(started + seconds * 1000).toISOString();
    const later = time(3600);
    const alert = (labels: Record<string, string>, more: object = {}) => ({
      labels,
      annotations: { summary: `about ${labels.alertname}` },
      startsAt: time(0),
      endsAt: later,
      generatorURL: 'http://prometheus/graph',
      ...more,
    });
    const until = (seconds: number) => wait(Math.max(0, started + seconds * 1000 - Date.now()));
    const silence = {
      matchers: parseMatchers('alertname=Hushed'),
      startsAtMs: started,
      endsAtMs: started + 3600_000,
      createdBy: 'me',
      comment: 'c',
    };
    ours.setSilence(silence);
    await fetch(`${realUrl}/api/v2/silences`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        matchers: [{ name: 'alertname', value: 'Hushed', isRegex: false }],
        startsAt: time(0),
        endsAt: later,
        createdBy: 'me',
        comment: 'c',
      }),
    });
    await toBoth([
      alert({ alertname: 'Cpu', job: 'b', instance: '2' }),
      alert({ alertname: 'Cpu', job: 'a', instance: '9' }),
      alert({ alertname: 'Cpu', job: 'b', instance: '1' }),
      alert({ alertname: 'Cpu', zone: 'z' }),
      alert({ alertname: 'Down', instance: 'i1' }),
      alert({ alertname: 'Slow', instance: 'i1' }),
      alert({ alertname: 'Slow', instance: 'i2' }),
      alert({ alertname: 'Hushed' }),
      alert({ alertname: 'Muted' }),
      alert({ alertname: 'Query <&> "quotes"\n', team: 'db', severity: 'page' }),
      alert({ alertname: 'Old', x: 'y' }, { startsAt: time(-600) }),
    ]);
    await until(2.3);
    await toBoth([
      alert({ alertname: 'Cpu', job: 'b', instance: '3' }),
      alert({ alertname: 'Cpu', job: 'a', instance: '9' }, { endsAt: time(2) }),
      alert({ alertname: 'Blip' }, { endsAt: time(2) }),
      alert({ alertname: 'Down', instance: 'i1' }, { endsAt: time(2) }),
    ]);
    await until(5.5);
    await toBoth([
      alert({ alertname: 'Query <&> "quotes"\n', team: 'db', severity: 'page' }, { endsAt: time(5) }),
      ...['1', '2', '3'].map((instance) => alert({ alertname: 'Cpu', job: 'b', instance }, { endsAt: time(5) })),
      alert({ alertname: 'Cpu', zone: 'z' }, { endsAt: time(5) }),
    ]);
    await until(9);
    // Ours may be slower on a busy machine, but not different.
    for (let i = 0; i < 50 && heard.ours.length < heard.real.length; i++) await wait(100);
    expect(heard.real.length).toBeGreaterThan(8);
    expect(byGroup(heard.ours)).toEqual(byGroup(heard.real));
  });

  test('the same fingerprints, groups and states in API v2', async () => {
    const shown = async (path: string) =>
      (await fetch(`${realUrl}/api/v2/${path}`)).json() as Promise<Record<string, unknown>[]>;
    const bare = (alert: object) => {
      const { updatedAt: _, ...rest } = alert as Record<string, unknown> & {
        status: { silencedBy: string[]; mutedBy?: string[] };
      };
      return { ...rest, status: { ...rest.status, mutedBy: [], silencedBy: rest.status.silencedBy.length } };
    };
    expect(ours.getAlerts().map(bare)).toEqual((await shown('alerts')).map(bare));
    // The release of Debian does not know muted groups as suppressed.
    const groups = (list: readonly { alerts: readonly object[] }[]) =>
      list.map((g) => ({
        ...g,
        alerts: g.alerts.map(bare).map((a) => ({ ...a, status: { ...a.status, state: '' } })),
      }));
    expect(groups(ours.getGroups())).toEqual(groups((await shown('alerts/groups')) as never));
  });
});
