/** What `belfry up` knows about its own alerting: the dead man's switch, previews, drills, failed reloads. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { belfry, belfryOnce, eventually, getJson, type Running, temporaryDirectory } from './harness.ts';

const OFFSET = 15_300;
const pages = `http://127.0.0.1:${3000 + OFFSET}`;
const api = `http://127.0.0.1:${9090 + OFFSET}`;
const router = `http://127.0.0.1:${9093 + OFFSET}`;

describe('belfry up', () => {
  const directory = temporaryDirectory();
  let tower: Running;
  beforeAll(() => {
    tower = belfry('up', '--no-fleet', '--port-offset', String(OFFSET), '--data', directory.path);
  });
  afterAll(async () => {
    await tower.stop();
    directory.remove();
  });

  test('the watchdog fires and pings through rules, notifier, route and webhook', async () => {
    const beat = await eventually(
      'a ping',
      60_000,
      async () => {
        const { heartbeats } = await getJson<{ heartbeats: { name: string; lastMs?: number; missing: boolean }[] }>(
          `${router}/api/belfry/alerting/heartbeats`,
        );
        return heartbeats[0]?.lastMs ? heartbeats[0] : undefined;
      },
      tower,
    );
    expect(beat).toMatchObject({ name: 'watchdog', missing: false });
    const story = belfryOnce('why', 'Watchdog', '--url', pages).stdout;
    expect(story).toContain('Told to watchdog');
    expect(story).toContain('vector(1) = 1');
    const metrics = await (await fetch(`${api}/metrics`)).text();
    expect(metrics).toContain('belfry_heartbeat_missing{heartbeat="watchdog"} 0');
    expect(metrics).toMatch(/prometheus_notifications_sent_total\{alertmanager="[^"]+"\} [1-9]/);
    expect(metrics).toContain('alertmanager_notifications_total{integration="webhook"}');
    const { notifications } = await getJson<{
      notifications: { alerts: { origin?: object }[]; decisions: { stage: string; outcome: string }[] }[];
    }>(`${pages}/api/belfry/notifications`);
    expect(notifications[0]!.alerts[0]!.origin).toMatchObject({ kind: 'rule', alert: 'Watchdog', group: 'watchdog' });
    expect(notifications[0]!.decisions).toContainEqual(expect.objectContaining({ stage: 'rule', outcome: 'firing' }));
  });

  test('previews and drills', async () => {
    const live = belfryOnce('preview', 'default', '--live', 'Watchdog', '--url', pages);
    expect([live.status, live.stdout]).toEqual([0, expect.stringContaining('"alertname": "Watchdog"')]);
    const drill = belfryOnce('drill', 'default', '--url', pages);
    expect([drill.status, drill.stdout]).toEqual([0, expect.stringContaining('sent to default by webhook')]);
    const { received } = await getJson<{ received: { payload: unknown }[] }>(`${pages}/api/belfry/inbox`);
    expect(JSON.stringify(received[0])).toContain('[DRILL]');
    const unknown = belfryOnce('drill', 'nobody', '--url', pages);
    expect([unknown.status, unknown.output]).toEqual([1, expect.stringContaining('there are: default')]);
    const idle = belfryOnce('why', 'NoSuchAlert', '--url', pages);
    expect(idle.stdout).toContain('No alerting rule of this server has that name.');
  });

  test('a broken alertmanager.yml is told everywhere, and the old one goes on', async () => {
    const file = join(directory.path, 'build/alertmanager.yml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, 'route:\n  receiver: nobody\nreceivers: []\n');
    const answer = await fetch(`${api}/-/reload`, { method: 'POST' });
    expect(answer.status).toBe(500);
    expect(await answer.text()).toContain('alertmanager.yml:');
    const { data } = await getJson<{ data: { text: string }[] }>(`${pages}/api/v1/notifications`);
    expect(data[0]!.text).toMatch(/reload has failed: .*alertmanager\.yml:\d+:\d+/);
    const metrics = await (await fetch(`${api}/metrics`)).text();
    expect(metrics).toContain('\nalertmanager_config_last_reload_successful 0');
    expect(metrics).toContain('\nprometheus_config_last_reload_successful 0');
    expect(await getJson<unknown[]>(`${router}/api/v2/receivers`)).not.toEqual([]);
    const refused = belfryOnce('alertmanager', `--config.file=${file}`, `--storage.path=${directory.path}/other`);
    expect([refused.status, refused.output]).toEqual([
      1,
      expect.stringMatching(/alertmanager\.yml:\d+:\d+.*\n.*\n\s*\^/),
    ]);
    writeFileSync(file, good);
    expect((await fetch(`${api}/-/reload`, { method: 'POST' })).status).toBe(200);
    expect((await getJson<{ data: unknown[] }>(`${pages}/api/v1/notifications`)).data).toEqual([]);
  });
});
