import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grafanaRoutes } from '@belfry/api';
import { parseYamlText } from '@belfry/sdk';
import fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './root.ts';

/** As Grafana, Mimir and Loki document their interfaces; what was stored is kept as they would. */
interface Stored {
  readonly folders: { uid: string; title: string }[];
  readonly dashboards: Map<string, Record<string, unknown>>;
  readonly sources: Map<string, unknown>;
  /** `api namespace` → groups. */
  readonly rules: Map<string, Record<string, unknown>[]>;
  alertmanager: string | undefined;
  readonly writes: string[];
  readonly tenants: Set<string | undefined>;
}
let stored: Stored;
const SECRET = 'glsa_very-secret';

type Reply = [status: number, body: unknown];

function grafana(method: string, path: string, body: string): Reply | undefined {
  const at = `${method} ${path}`;
  if (at === 'GET /api/health') return [200, { database: 'ok' }];
  if (at === 'GET /api/folders') return [200, stored.folders];
  if (at === 'POST /api/folders') {
    const folder = { uid: `f${stored.folders.length}`, title: JSON.parse(body).title as string };
    stored.folders.push(folder);
    return [200, folder];
  }
  if (at === 'POST /api/datasources') {
    stored.sources.set(JSON.parse(body).uid, JSON.parse(body));
    return [200, { message: 'Datasource added' }];
  }
  if (path.startsWith('/api/datasources/uid/')) {
    const source = stored.sources.get(path.split('/').at(-1)!);
    return source ? [200, source] : [404, { message: 'Data source not found' }];
  }
  if (at === 'POST /api/dashboards/db') {
    const { dashboard, folderUid, overwrite } = JSON.parse(body);
    if (!stored.folders.some((f) => f.uid === folderUid)) return [400, { message: 'folder not found' }];
    const old = stored.dashboards.get(dashboard.uid);
    if (old && !overwrite) return [412, { message: 'The dashboard has been changed by someone else' }];
    const version = Number(old?.version ?? 0) + 1;
    stored.dashboards.set(dashboard.uid, { ...dashboard, id: 7, version });
    return [200, { status: 'success', uid: dashboard.uid, url: `/d/${dashboard.uid}`, version }];
  }
  if (path.startsWith('/api/dashboards/uid/')) {
    const dashboard = stored.dashboards.get(path.split('/').at(-1)!);
    return dashboard ? [200, { meta: {}, dashboard }] : [404, { message: 'Dashboard not found' }];
  }
  return undefined;
}

function ruler(method: string, path: string, body: string): Reply | undefined {
  if (path === '/api/v1/alerts') {
    if (method === 'GET') return stored.alertmanager ? [200, stored.alertmanager] : [404, 'not found'];
    stored.alertmanager = body;
    return [201, ''];
  }
  const match = /^(\/prometheus\/config\/v1\/rules|\/loki\/api\/v1\/rules)\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (!match) return undefined;
  const key = `${match[1]} ${match[2]}`;
  const groups = stored.rules.get(key) ?? [];
  if (method === 'GET') return groups.length > 0 ? [200, { [match[2]!]: groups }] : [404, 'no rule groups found'];
  if (method === 'DELETE') {
    stored.rules.set(
      key,
      groups.filter((g) => g.name !== match[3]),
    );
    return [202, ''];
  }
  const group = parseYamlText(body, 'body') as Record<string, unknown>;
  stored.rules.set(key, [...groups.filter((g) => g.name !== group.name), group]);
  return [202, ''];
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

const ALLOWED = new Set([`Bearer ${SECRET}`, `Basic ${Buffer.from(`admin:${SECRET}`).toString('base64')}`]);
const server = createServer(async (request, response) => {
  const body = await textOf(request);
  const path = request.url!.split('?')[0]!;
  const send = ([status, value]: Reply) =>
    response.writeHead(status).end(typeof value === 'string' ? value : JSON.stringify(value));
  if (!ALLOWED.has(request.headers.authorization ?? '')) return send([401, { message: 'Unauthorized' }]);
  if (request.method !== 'GET') stored.writes.push(`${request.method} ${path}`);
  stored.tenants.add(request.headers['x-scope-orgid'] as string | undefined);
  return send(
    grafana(request.method!, path, body) ?? ruler(request.method!, path, body) ?? [404, { message: 'Not found' }],
  );
});

const dir = mkdtempSync(join(tmpdir(), 'belfry-push-'));
const pack = join(dir, 'shop');
let url = '';
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(spawnSync(join(ROOT, 'belfry'), ['init', pack], { cwd: ROOT }).status).toBe(0);
});
beforeEach(() => {
  stored = {
    folders: [{ uid: 'other', title: 'Other' }],
    dashboards: new Map(),
    sources: new Map(),
    rules: new Map(),
    alertmanager: undefined,
    writes: [],
    tenants: new Set(),
  };
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

/** Not synchronously: the server answers in this process. */
async function run(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env } });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  const status = await new Promise<number | null>((done) => child.on('close', done));
  expect(text).not.toContain(SECRET);
  return { status, text };
}
const token = { BELFRY_PUSH_TOKEN: SECRET };
const push = (service: string, ...args: readonly string[]) =>
  run(join(ROOT, 'belfry'), ['push', service, url, ...args], token);

describe('belfry push', () => {
  it('shows what it would deliver to Grafana, delivers it when told, and then has nothing to do', async () => {
    const plan = await push('grafana', join(pack, 'pack.ts'));
    expect(plan.status).toBe(0);
    expect(plan.text).toContain('+ folder Belfry');
    expect(plan.text).toContain('+ dashboard shop-overview (Shop: overview)');
    expect(plan.text).toContain('Nothing is delivered yet');
    expect(stored.writes).toEqual([]);
    expect(await push('grafana', join(pack, 'pack.ts'), '--yes')).toMatchObject({ status: 0 });
    expect(stored.writes).toEqual(['POST /api/folders', 'POST /api/datasources', 'POST /api/dashboards/db']);
    expect((await push('grafana', join(pack, 'pack.ts'), '--yes')).text).toContain('Nothing to deliver.');
    stored.dashboards.get('shop-overview')!.title = 'Changed by hand';
    expect((await push('grafana', join(pack, 'pack.ts'))).text).toContain('~ dashboard shop-overview');
  });
  it('makes the groups of a namespace in Mimir those of the pack', async () => {
    stored.rules.set('/prometheus/config/v1/rules shop', [{ name: 'gone', rules: [] }]);
    stored.rules.set('/prometheus/config/v1/rules others', [{ name: 'kept', rules: [] }]);
    const done = await push('mimir', join(pack, 'pack.ts'), '--yes', '--tenant', 'acme', '--alertmanager');
    expect(done).toMatchObject({ status: 0 });
    expect(done.text).toContain('+ rule group shop/alerts');
    expect(done.text).toContain('- rule group shop/gone');
    expect([...stored.rules].map(([key, groups]) => [key.split(' ')[1], groups.map((g) => g.name)])).toEqual([
      ['shop', ['alerts']],
      ['others', ['kept']],
    ]);
    expect([...stored.tenants]).toEqual(['acme']);
    expect(JSON.parse(stored.alertmanager!).alertmanager_config).toContain('receiver: team');
    const again = await push('mimir', join(pack, 'pack.ts'), '--alertmanager');
    expect(again.text).toContain('Nothing to deliver.');
  });
  it('delivers files of rules on logs to Loki', async () => {
    const rules = join(dir, 'log-rules.yml');
    writeFileSync(rules, 'groups: [{name: a, rules: [{alert: B, expr: "sum(rate({a=\\"b\\"} |= `x` [1m])) > 1"}]}]');
    expect(await push('loki', rules, '--yes')).toMatchObject({ status: 0 });
    expect([...stored.rules.keys()]).toEqual(['/loki/api/v1/rules log-rules']);
    expect(await push('loki')).toMatchObject({ status: 2, text: expect.stringContaining('no rules on logs') });
  });
  it('says plainly what is wrong, and no secret', async () => {
    const wrong = await run(join(ROOT, 'belfry'), ['push', 'grafana', url, join(pack, 'pack.ts')], {
      BELFRY_PUSH_TOKEN: 'x',
    });
    expect(wrong).toMatchObject({ status: 1, text: expect.stringContaining('401: Unauthorized') });
    const inUrl = await run(join(ROOT, 'belfry'), ['push', 'grafana', url.replace('//', '//admin:pw@')]);
    expect(inUrl.text).toContain('--basic-auth-file');
    expect(await run(join(ROOT, 'belfry'), ['push', 'grafana', 'http://127.0.0.1:1'])).toMatchObject({ status: 1 });
    const file = join(dir, 'basic');
    writeFileSync(file, `admin:${SECRET}\n`);
    const basic = await run(join(ROOT, 'belfry'), [
      'push',
      'grafana',
      url,
      join(pack, 'pack.ts'),
      '--basic-auth-file',
      file,
    ]);
    expect(basic).toMatchObject({ status: 0 });
  });
});

const tools = ['curl', 'jq'].every((tool) => spawnSync(tool, ['--version']).status === 0);
describe.skipIf(!tools)('scripts/import-dashboards.sh (skipped without curl and jq)', () => {
  const script = join(ROOT, 'scripts/import-dashboards.sh');
  it('imports the dashboards of the packs, also a second time', async () => {
    const env = { GRAFANA_URL: url, GRAFANA_PASSWORD: SECRET };
    const first = await run(script, [], env);
    expect(first).toMatchObject({ status: 0, text: expect.stringContaining('imported: ') });
    expect(stored.dashboards.has('metald-vm-ops')).toBe(true);
    const board = join(pack, 'build/grafana/dashboards', readdirSync(join(pack, 'build/grafana/dashboards'))[0]!);
    expect(await run(script, [board], env)).toMatchObject({ status: 0 });
    expect(stored.folders.map((f) => f.title)).toEqual(['Other', 'Belfry']);
  });
  it('says when nothing answers, or the credentials are wrong', async () => {
    expect((await run(script, [], { GRAFANA_URL: 'http://127.0.0.1:1' })).text).toContain('nothing answers at');
    const refused = await run(script, [], { GRAFANA_URL: url, GRAFANA_TOKEN: 'x' });
    expect(refused).toMatchObject({ status: 1, text: expect.stringContaining('401') });
  });
  it('is told by Belfry itself that its dashboards are there already', async () => {
    const app = fastify();
    const board = { uid: 'shop-overview', title: 'Shop: overview' };
    await grafanaRoutes(app, { version: 'x', dashboards: () => [{ dashboard: board, folder: 'Belfry' }] });
    const own = await app.listen({ port: 0, host: '127.0.0.1' });
    const file = join(pack, 'build/grafana/dashboards/shop-overview.json');
    const said = await run(script, [file], { GRAFANA_URL: own });
    await app.close();
    expect(said).toMatchObject({ status: 1, text: expect.stringContaining('Cannot save provisioned dashboard') });
  });
});
