import { createAlertmanager } from '@belfry/alerting';
import { expect, test } from 'vitest';
import { createHttpServer } from '../http.ts';
import { alertingRoutes } from './alerting-routes.ts';

test('history, reasons, groups, previews, drills and heartbeats over HTTP', async () => {
  const am = createAlertmanager({
    config:
      'route: {receiver: team}\nreceivers: [{name: team, webhook_configs: [{url: "http://127.0.0.1:9/very-secret-path"}]}]\n',
    heartbeats: [{ name: 'backup', everyMs: 60_000, graceMs: 0 }],
    httpClient: () => ({
      request: async () => ({ status: 200, headers: {}, body: new Uint8Array() }),
      stream: () => Promise.reject(new Error('not here')),
      close: async () => {},
    }),
  });
  const app = await createHttpServer();
  await app.register(alertingRoutes(am));
  const call = async (method: 'GET' | 'POST', path: string, payload?: object) => {
    const response = await app.inject({ method, url: `/api/belfry/alerting${path}`, ...(payload ? { payload } : {}) });
    return { status: response.statusCode, body: response.json() };
  };
  am.putAlerts([{ labels: { alertname: 'A' } }]);
  const { fingerprint } = am.getAlerts()[0]!;
  expect((await call('GET', `/why?fingerprint=${fingerprint}`)).body.alerts[0].summary).toMatch(
    /^to be told to team at/,
  );
  expect((await call('GET', '/why?filter=alertname%3DA')).body.alerts).toHaveLength(1);
  expect((await call('GET', '/why')).status).toBe(400);
  expect((await call('GET', '/groups')).body.groups).toMatchObject([
    { receiver: 'team', groupKey: '{}:{}', alerts: 1 },
  ]);
  const preview = await call('POST', '/preview/team', [{ labels: { alertname: 'X' } }]);
  expect(preview.body.previews[0].payloads[0]).toMatchObject({
    to: 'POST <secret>',
    body: expect.stringContaining('"alertname":"X"'),
  });
  const drill = await call('POST', '/drill/team');
  expect(drill.body.notifications[0]).toMatchObject({ outcome: 'sent', drill: true });
  expect((await call('POST', '/drill/nobody')).status).toBe(404);
  const list = await call('GET', '/notifications?receiver=team&outcome=sent&limit=5&since=2026-01-01T00:00:00Z');
  expect(list.body.notifications).toHaveLength(1);
  expect(JSON.stringify(list.body)).not.toContain('very-secret');
  expect((await call('GET', `/notifications/${list.body.notifications[0].id}`)).body.drill).toBe(true);
  expect((await call('GET', '/notifications/77')).status).toBe(404);
  expect((await call('GET', '/notifications?limit=x')).body).toMatchObject({ status: 'error', errorType: 'bad_data' });
  expect((await call('POST', '/heartbeats/backup/ping')).body).toEqual({ ok: true });
  expect((await call('GET', '/heartbeats')).body.heartbeats).toMatchObject([{ name: 'backup', missing: false }]);
  await app.close();
  await am.close();
});
