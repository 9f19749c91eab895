import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@belfry/model';
import { expect, test } from 'vitest';
import { createAlertmanager } from './alertmanager.ts';
import { loadHeartbeatsFile } from './heartbeat-file.ts';

const SECOND = 1000;

test('a heartbeat that stops is told, and its return too', async () => {
  const clock = new VirtualClock(Date.parse('2026-01-05T00:00:00Z'));
  const told: string[] = [];
  const am = createAlertmanager({
    config:
      'route: {receiver: r, group_wait: 1s, group_interval: 10s}\nreceivers: [{name: r, webhook_configs: [{url: "http://x"}]}]\n',
    clock,
    heartbeats: [{ name: 'backup', everyMs: 60 * SECOND, graceMs: 30 * SECOND, labels: { team: 'db' } }],
    httpClient: () => ({
      async request(request) {
        const body = JSON.parse(String(request.body));
        told.push(
          `${(clock.now() - Date.parse('2026-01-05T00:00:00Z')) / SECOND}s ${body.status} ${body.alerts[0].labels.heartbeat}`,
        );
        return { status: 200, headers: {}, body: new Uint8Array() };
      },
      stream: () => Promise.reject(new Error('not here')),
      close: async () => {},
    }),
  });
  const { heartbeats } = am;
  for (let i = 0; i < 3; i++) {
    await clock.advance(60 * SECOND);
    heartbeats.ping('backup');
  }
  expect(told).toEqual([]);
  await clock.advance(600 * SECOND);
  expect(heartbeats.list()[0]).toMatchObject({ missing: true, dueMs: clock.now() - 510 * SECOND });
  expect(am.getAlerts()[0]).toMatchObject({
    labels: { alertname: 'HeartbeatMissed', team: 'db', severity: 'critical' },
    annotations: { description: expect.stringContaining('last seen at 2026-01-05T00:03:00Z') },
  });
  heartbeats.ping('backup');
  await clock.advance(60 * SECOND);
  expect(told).toEqual(['271s firing backup', '781s resolved backup']);
  expect(() => heartbeats.ping('other')).toThrow('no heartbeat is called "other" (there are: backup)');
  await am.close();
});

test('heartbeats from a file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-heartbeats-'));
  const file = join(directory, 'heartbeats.yml');
  const load = (text: string) => {
    writeFileSync(file, text);
    return loadHeartbeatsFile(file);
  };
  expect(load('heartbeats:\n- {name: backup, every: 1d, grace: 2h, labels: {team: db}}\n')).toEqual([
    { name: 'backup', everyMs: 86_400_000, graceMs: 7_200_000, labels: { team: 'db' } },
  ]);
  expect(() => load('heartbeats:\n- {name: a, every: 1d}\n- {name: a, every: 1d}\n')).toThrow(
    'heartbeat "a" is not unique',
  );
  expect(() => load('heartbeats:\n- {name: a}\n')).toThrow('heartbeats[0].every is required');
  rmSync(directory, { recursive: true });
});
