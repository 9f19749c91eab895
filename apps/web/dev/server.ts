/**
 * A stand-in for the server while only the pages are worked on: the built pages, dashboards and records from testdata,
 * and a real Prometheus behind /api/v1. Usage: node dev/server.ts [port] [prometheus address]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';

const port = Number(process.argv[2] ?? 3000);
const prometheus = process.argv[3] ?? 'http://127.0.0.1:9090';
const root = join(import.meta.dirname, '..');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const read = (name: string) => JSON.parse(readFileSync(join(root, 'testdata', name), 'utf8'));
const dashboards = readdirSync(join(root, 'testdata'))
  .map(read)
  .filter((d) => d.panels);
const fleet = read('fleet.json');
let silences: { id: string; status: { state: string }; [field: string]: unknown }[] = [];

const notifications = () =>
  read('notifications.json').map((n: { agoS: number; attempts: object[] }) => {
    const at = new Date(Date.now() - n.agoS * 1000).toISOString();
    return { ...n, at, attempts: n.attempts.map((a) => ({ at, ...a })) };
  });

function send(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

async function proxy(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = request.method === 'POST' ? await bodyOf(request) : undefined;
  const answer = await fetch(prometheus + request.url, {
    method: request.method ?? 'GET',
    headers: { 'Content-Type': request.headers['content-type'] ?? 'text/plain' },
    ...(body === undefined ? {} : { body }),
  });
  response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? 'application/json' });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

function serveFleet(path: string, response: ServerResponse): void {
  const [, name, what, breakage, state] = /^\/api\/belfry\/fleet\/(\w+)\/(\w+)(?:\/([\w-]+)\/(\w+))?/.exec(path) ?? [];
  const service = fleet.find((s: { name: string }) => s.name === name);
  if (what === 'start' || what === 'stop') service.state = what === 'start' ? 'running' : 'stopped';
  for (const b of service?.breakages ?? []) if (b.name === breakage) b.active = state === 'on';
  send(response, { services: fleet });
}

async function serveSilences(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') {
    const silence = {
      ...JSON.parse(await bodyOf(request)),
      id: String(silences.length + 1),
      status: { state: 'active' },
    };
    silences = [...silences, silence];
    return send(response, { silenceID: silence.id });
  }
  if (request.method === 'DELETE') {
    silences = silences.map((s) => (path.endsWith(`/${s.id}`) ? { ...s, status: { state: 'expired' } } : s));
    return send(response, {});
  }
  send(response, silences);
}

function serveFile(path: string, response: ServerResponse): void {
  const dist = join(root, 'dist');
  const file = extname(path) && !path.includes('..') ? join(dist, path) : join(dist, 'index.html');
  try {
    const content = readFileSync(file);
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(content);
  } catch {
    response.writeHead(404).end();
  }
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  if (path.startsWith('/api/v1/')) return proxy(request, response);
  if (path === '/api/search') {
    return send(
      response,
      dashboards.map((d) => ({
        uid: d.uid,
        title: d.title,
        tags: d.tags,
        url: `/d/${d.uid}`,
        type: 'dash-db',
        folderTitle: 'Belfry',
      })),
    );
  }
  if (path.startsWith('/api/dashboards/uid/')) {
    const dashboard = dashboards.find((d) => d.uid === path.split('/').at(-1));
    return dashboard
      ? send(response, { meta: { folderTitle: 'Belfry' }, dashboard })
      : send(response, { message: 'Dashboard not found' }, 404);
  }
  if (path === '/api/belfry/notifications') return send(response, { notifications: notifications() });
  if (path.startsWith('/api/belfry/fleet')) return serveFleet(path, response);
  if (path.startsWith('/api/v2/silence')) return serveSilences(path, request, response);
  if (path === '/api/v2/alerts') return send(response, []);
  if (path.startsWith('/api/')) return send(response, { status: 'error', error: `nothing at ${path}` }, 404);
  serveFile(path, response);
}

createServer((request, response) => {
  handle(request, response).catch((error) => send(response, { status: 'error', error: String(error) }, 502));
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
