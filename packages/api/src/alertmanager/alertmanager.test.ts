import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Alertmanager, createAlertmanager } from '@belfry/alerting';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpServer } from '../http.ts';
import { alertmanagerRoutes } from './routes.ts';

const amtoolThere = spawnSync('amtool', ['--version']).status === 0;
const directory = mkdtempSync(join(tmpdir(), 'belfry-am-api-'));
const CONFIG = `
route:
  receiver: team
  group_by: [alertname]
  routes:
  - matchers: [severity="page"]
    receiver: pager
receivers:
- name: team
  webhook_configs: [{url: "http://127.0.0.1:9/secret-path"}]
- name: pager
  pagerduty_configs: [{routing_key: secret-key}]
inhibit_rules:
- source_matchers: [alertname="Down"]
  target_matchers: [alertname="Slow"]
`;

let app: FastifyInstance;
let am: Alertmanager;
let base: string;
const reloads: string[] = [];

beforeAll(async () => {
  am = createAlertmanager({ config: CONFIG, version: '0.1.0' });
  app = await createHttpServer();
  await app.register(
    alertmanagerRoutes(am, {
      reload: async () => {
        reloads.push('reload');
        if (reloads.length > 1) throw new Error('bad file');
      },
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  await am.close();
  rmSync(directory, { recursive: true, force: true });
});

const call = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(base + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
  };
};

describe('API v2', () => {
  test('health, readiness, reload, and what is gone', async () => {
    expect(await call('GET', '/-/healthy')).toEqual({ status: 200, body: 'OK' });
    expect(await call('GET', '/-/ready')).toEqual({ status: 200, body: 'OK' });
    expect((await call('POST', '/-/reload')).status).toBe(200);
    expect(await call('POST', '/-/reload')).toEqual({ status: 500, body: 'failed to reload config: bad file\n' });
    const old = await call('GET', '/api/v1/alerts');
    expect(old.status).toBe(410);
    expect(old.body).toContain('/api/v2/alerts');
  });

  test('status shows the configuration without secrets', async () => {
    const { body } = await call('GET', '/api/v2/status');
    expect(body).toMatchObject({ cluster: { status: 'disabled', peers: [] }, versionInfo: { version: '0.1.0' } });
    expect(body.config.original).toContain('routing_key: <secret>');
    expect(body.config.original).not.toContain('secret-');
    expect(Object.keys(body.versionInfo).sort()).toEqual([
      'branch',
      'buildDate',
      'buildUser',
      'goVersion',
      'revision',
      'version',
    ]);
  });

  test('alerts: valid ones are taken, malformed ones named', async () => {
    const posted = await call('POST', '/api/v2/alerts', [
      {
        labels: { alertname: 'Down', severity: 'page', empty: '' },
        annotations: { summary: 'x' },
        generatorURL: 'http://x/graph',
      },
      { labels: {} },
      7,
      { labels: { alertname: 'Slow' } },
    ]);
    expect(posted).toEqual({
      status: 400,
      body: 'alert 1: at least one label pair required; alert 2: an alert must be an object with labels',
    });
    const { body } = await call('GET', '/api/v2/alerts');
    expect(body).toHaveLength(2);
    const down = body.find((a: { labels: { alertname: string } }) => a.labels.alertname === 'Down');
    expect(down).toEqual({
      annotations: { summary: 'x' },
      endsAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      receivers: [{ name: 'pager' }],
      startsAt: expect.any(String),
      status: { inhibitedBy: [], mutedBy: [], silencedBy: [], state: 'active' },
      updatedAt: expect.any(String),
      generatorURL: 'http://x/graph',
      labels: { alertname: 'Down', severity: 'page' },
    });
    const slow = await call('GET', '/api/v2/alerts?active=false');
    expect(slow.body.map((a: { labels: unknown }) => a.labels)).toEqual([{ alertname: 'Slow' }]);
    expect(slow.body[0].status).toMatchObject({ state: 'suppressed', inhibitedBy: [down.fingerprint] });
    expect((await call('GET', '/api/v2/alerts?filter=alertname%3D~D.*&filter=severity%3Dpage')).body).toHaveLength(1);
    expect((await call('GET', '/api/v2/alerts?receiver=te.m')).body).toHaveLength(1);
    expect(await call('GET', '/api/v2/alerts?filter=x')).toEqual({ status: 400, body: 'bad matcher format: x' });
    expect((await call('GET', '/api/v2/alerts?receiver=(')).body).toMatch(
      /^failed to parse receiver param: error parsing regexp: missing closing \)/,
    );
    const groups = (await call('GET', '/api/v2/alerts/groups')).body;
    expect(groups.map((g: { labels: object; receiver: object }) => [g.labels, g.receiver])).toEqual([
      [{ alertname: 'Down' }, { name: 'pager' }],
      [{ alertname: 'Slow' }, { name: 'team' }],
    ]);
    expect(await call('POST', '/api/v2/alerts', {})).toEqual({ status: 400, body: 'expected a list of alerts' });
  });

  test('silences: create, read, change, expire, and their errors', async () => {
    const silence = {
      matchers: [{ name: 'alertname', value: 'Do.*', isRegex: true, isEqual: true }],
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 3600_000).toISOString(),
      createdBy: 'me',
      comment: 'why',
    };
    const { silenceID } = (await call('POST', '/api/v2/silences', silence)).body;
    const read = (await call('GET', `/api/v2/silence/${silenceID}`)).body;
    expect(read).toMatchObject({
      id: silenceID,
      status: { state: 'active' },
      createdBy: 'me',
      comment: 'why',
      matchers: silence.matchers,
    });
    expect((await call('GET', '/api/v2/alerts?silenced=false')).body).toHaveLength(1);
    expect(
      (
        await call('POST', '/api/v2/silences', {
          ...silence,
          startsAt: read.startsAt,
          id: silenceID,
          comment: 'longer',
        })
      ).body,
    ).toEqual({ silenceID });
    expect((await call('GET', '/api/v2/silences?filter=alertname%3D~%22Do.*%22')).body).toHaveLength(1);
    expect((await call('GET', '/api/v2/silences?filter=a%3Db')).body).toEqual([]);
    expect((await call('DELETE', `/api/v2/silence/${silenceID}`)).status).toBe(200);
    expect((await call('GET', `/api/v2/silence/${silenceID}`)).body.status).toEqual({ state: 'expired' });
    const absent = '8d9e5b43-b2a9-4f6a-8c8e-6f4bd8ec4b84';
    expect((await call('GET', `/api/v2/silence/${absent}`)).status).toBe(404);
    expect((await call('GET', '/api/v2/silence/x')).status).toBe(422);
    expect((await call('POST', '/api/v2/silences', { ...silence, id: absent })).status).toBe(404);
    expect(await call('POST', '/api/v2/silences', { ...silence, endsAt: silence.startsAt })).toEqual({
      status: 400,
      body: 'Failed to create silence: start time must be before end time',
    });
    expect((await call('POST', '/api/v2/silences', { matchers: [] })).body).toMatch(
      /at least one matcher required|in body is required/,
    );
    expect(
      (await call('POST', '/api/v2/silences', { ...silence, matchers: [{ name: 'a', value: '(', isRegex: true }] }))
        .body,
    ).toMatch(/error parsing regexp/);
  });

  test('receivers, other origins, and a plain Fastify server too', async () => {
    expect((await call('GET', '/api/v2/receivers')).body).toEqual([{ name: 'team' }, { name: 'pager' }]);
    const options = await fetch(`${base}/api/v2/alerts`, {
      method: 'OPTIONS',
      headers: { origin: 'http://elsewhere' },
    });
    expect(options.headers.get('access-control-allow-origin')).toMatch(/^(\*|http:\/\/elsewhere)$/);
    const plain = fastify();
    await plain.register(alertmanagerRoutes(am, { prefix: '/am' }));
    expect((await plain.inject('/am/api/v2/receivers')).json()).toHaveLength(2);
    expect((await plain.inject({ method: 'POST', url: '/am/-/reload' })).statusCode).toBe(503);
    await plain.close();
  });
});

describe.skipIf(!amtoolThere)('amtool (skipped where it is not installed)', () => {
  const amtool = (...args: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      execFile('amtool', [`--alertmanager.url=${base}`, ...args], (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, out: error ? stdout + stderr : stdout });
      });
    });

  test('alert add and query', async () => {
    expect(await amtool('alert', 'add', 'Toolish', 'severity=info', '--annotation=summary=hello')).toMatchObject({
      code: 0,
    });
    expect((await amtool('alert', 'query', 'alertname=Toolish')).out).toMatch(/Toolish +\S+ \S+ UTC +hello +active/);
    expect((await amtool('alert', '-o', 'extended', 'query', '--receiver=team')).out).toContain('severity="info"');
    expect(JSON.parse((await amtool('alert', '-o', 'json', 'query', 'Toolish')).out)).toHaveLength(1);
  });

  test('silence add, query, update, expire, import', async () => {
    const added = await amtool(
      'silence',
      'add',
      'alertname=Toolish',
      'severity=~i.*',
      '--comment=testing',
      '--author=me',
      '--duration=1h',
    );
    const id = added.out.trim();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect((await amtool('silence', 'query')).out).toMatch(new RegExp(`${id} +alertname="Toolish" severity=~"i.\\*"`));
    expect((await amtool('alert', 'query', '--silenced', 'alertname=Toolish')).out).toContain('suppressed');
    expect((await amtool('silence', 'update', id, '--comment=longer', '--duration=2h')).code).toBe(0);
    expect((await amtool('silence', '-o', 'extended', 'query')).out).toContain('longer');
    const exported = JSON.parse((await amtool('silence', '-o', 'json', 'query')).out);
    expect((await amtool('silence', 'expire', id)).code).toBe(0);
    expect((await amtool('silence', 'query', 'alertname=Toolish')).out).not.toContain(id);
    const file = join(directory, 'silences.json');
    writeFileSync(file, JSON.stringify(exported.map((s: object) => ({ ...s, id: undefined }))));
    expect((await amtool('silence', 'import', '--force', file)).code).toBe(0);
    expect((await amtool('silence', 'query', 'alertname=Toolish')).out).toContain('longer');
  });

  test('config show, routes, cluster', async () => {
    expect((await amtool('config', 'show')).out).toContain('receiver: team');
    expect((await amtool('config', 'routes', 'show')).out).toMatch(/severity="page".*receiver: pager/);
    expect((await amtool('config', 'routes', 'test', '--verify.receivers=pager', 'severity=page')).out).toContain(
      'pager',
    );
    expect((await amtool('cluster', 'show')).out).toContain('disabled');
  });
});
