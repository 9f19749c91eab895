import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type BelfryError, messageOf, systemClock } from '@belfry/model';
import { afterAll, expect, test } from 'vitest';
import { bypassesProxy, HttpConfig, httpClient, loadYaml, redactUrl } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function serve(handler: Handler, tls?: { key: string; cert: string; ca?: string; requestCert?: boolean }) {
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    handler(request, response, body);
  };
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(yaml: string, environment?: Record<string, string>) {
  const made = httpClient(loadYaml(HttpConfig, yaml).data, {
    clock: systemClock,
    userAgent: 'test/1',
    ...(environment ? { environment } : {}),
  });
  cleanups.push(() => made.close());
  return made;
}

const limits = { timeoutMs: 10_000, maxBodyBytes: 1000 };
const text = (body: Uint8Array) => Buffer.from(body).toString();
const failure = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'no failure',
    (e: unknown) => e as BelfryError,
  );

test('sends what is configured, and the request on top', async () => {
  const url = await serve((request, response) => response.end(JSON.stringify(request.headers)));
  const yaml = 'basic_auth: {username: me, password: "p w"}\nhttp_headers: {X-Tenant: {values: [a], secrets: [b]}}';
  const answer = await client(yaml).request({ url, headers: { accept: 'text/plain' }, ...limits });
  expect(JSON.parse(text(answer.body))).toMatchObject({
    authorization: `Basic ${Buffer.from('me:p w').toString('base64')}`,
    accept: 'text/plain',
    'x-tenant': 'a, b',
    'user-agent': 'test/1',
  });
});

test('a credentials file is read anew for each request', async () => {
  const url = await serve((request, response) => response.end(request.headers.authorization));
  const file = join(mkdtempSync(join(tmpdir(), 'belfry-')), 'token');
  writeFileSync(file, 'one\n');
  const http = client(`bearer_token_file: ${file}`);
  expect(text((await http.request({ url, ...limits })).body)).toBe('Bearer one');
  writeFileSync(file, 'two');
  expect(text((await http.request({ url, ...limits })).body)).toBe('Bearer two');
});

test('compressed bodies are undone, and their limit counts what they become', async () => {
  const bomb = gzipSync('x'.repeat(100_000));
  const url = await serve((request, response) => {
    const [encoding, body] =
      request.url === '/zstd'
        ? ['zstd', zstdCompressSync('hello')]
        : ['gzip', request.url === '/bomb' ? bomb : gzipSync('hi')];
    response.setHeader('content-encoding', encoding as string).end(body);
  });
  const http = client('{}');
  expect(text((await http.request({ url: `${url}/zstd`, ...limits })).body)).toBe('hello');
  expect(text((await http.request({ url, ...limits })).body)).toBe('hi');
  expect(await failure(http.request({ url: `${url}/bomb`, ...limits }))).toMatchObject({ code: 'body_too_large' });
  const plain = await serve((_, response) => response.end('x'.repeat(1001)));
  expect(await failure(http.request({ url: plain, ...limits }))).toMatchObject({ code: 'body_too_large' });
});

test('failures are told in known words and without secrets', async () => {
  const http = client('basic_auth: {username: me, password: hunter2}');
  const refused = await failure(http.request({ url: 'http://me:hunter2@127.0.0.1:1/metrics', ...limits }));
  expect(messageOf(refused)).toBe(
    'Get "http://me:xxxxx@127.0.0.1:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused',
  );
  const silent = await serve(() => {});
  const late = await failure(http.request({ url: silent, ...limits, timeoutMs: 50 }));
  expect(messageOf(late)).toMatch(/^Get ".*": context deadline exceeded$/);
  const missing = await failure(client('bearer_token_file: /nowhere/token').request({ url: silent, ...limits }));
  expect(messageOf(missing)).toContain('unable to read authorization credentials: unable to read file /nowhere/token');
  expect(redactUrl('http://a:b@c/d')).toBe('http://a:xxxxx@c/d');
});

test('redirects are followed, but not to tell another server the credentials', async () => {
  const other = await serve((request, response) => response.end(request.headers.authorization ?? 'none'));
  const url = await serve((_, response) => response.writeHead(302, { location: other }).end());
  expect(text((await client('bearer_token: x').request({ url, ...limits })).body)).toBe('none');
  expect((await client('follow_redirects: false').request({ url, ...limits })).status).toBe(302);
});

test('OAuth 2.0 client credentials: asked once, kept, put where the server takes them', async () => {
  let asked = 0;
  const issuer = await serve((request, response, body) => {
    asked++;
    if (request.headers.authorization) return response.writeHead(401).end();
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
      client_id: 'me',
      client_secret: 's',
      audience: 'x',
    });
    response.end(JSON.stringify({ access_token: 'T', token_type: 'bearer', expires_in: 3600 }));
  });
  const url = await serve((request, response) => response.end(request.headers.authorization));
  const http = client(
    `oauth2: {client_id: me, client_secret: s, scopes: [a, b], token_url: "${issuer}", endpoint_params: {audience: x}}`,
  );
  const answers = await Promise.all([1, 2, 3].map(() => http.request({ url, ...limits })));
  expect(answers.map((a) => text(a.body))).toEqual(['Bearer T', 'Bearer T', 'Bearer T']);
  expect(asked).toBe(2);
});

test('a proxy is used, from the section or the environment, except for hosts that need none', async () => {
  const proxy = await serve((request, response) => response.end(`proxied ${request.url}`));
  const url = 'http://metrics.example.org/x';
  const expected = 'proxied http://metrics.example.org/x';
  const noProxy = client(`proxy_url: ${proxy}\nno_proxy: 127.0.0.1`);
  expect(text((await client(`proxy_url: ${proxy}`).request({ url, ...limits })).body)).toBe(expected);
  const fromEnvironment = client('proxy_from_environment: true', { HTTP_PROXY: proxy });
  expect(text((await fromEnvironment.request({ url, ...limits })).body)).toBe(expected);
  expect(text((await noProxy.request({ url: proxy, ...limits })).body)).toBe('proxied /');
  const check = (target: string, noProxy: string) => bypassesProxy(new URL(target), noProxy);
  expect(check('http://a.example.org', 'example.org')).toBe(true);
  expect(check('http://example.org', '.example.org')).toBe(false);
  expect(check('http://10.1.2.3:9100', '10.0.0.0/8')).toBe(true);
  expect(check('http://a:9100', 'a:9101')).toBe(false);
  expect(check('http://anything', '*')).toBe(true);
});

test('TLS: a private authority, a client certificate, and names that must match', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-tls-'));
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  run(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    'key.pem',
    '-out',
    'cert.pem',
    '-days',
    '2',
    '-subj',
    '/CN=tower',
    '-addext',
    'subjectAltName=DNS:tower,IP:127.0.0.1',
  );
  const pem = (name: string) => readFileSync(join(directory, name), 'utf8');
  const tls = { key: pem('key.pem'), cert: pem('cert.pem'), ca: pem('cert.pem'), requestCert: true };
  const url = await serve((_, response) => response.end('secure'), tls);
  const own = `ca_file: ${directory}/cert.pem, cert_file: ${directory}/cert.pem, key_file: ${directory}/key.pem`;
  expect(text((await client(`tls_config: {${own}}`).request({ url, ...limits })).body)).toBe('secure');
  expect(
    messageOf(
      await failure(
        client(`tls_config: {cert_file: ${directory}/cert.pem, key_file: ${directory}/key.pem}`).request({
          url,
          ...limits,
        }),
      ),
    ),
  ).toMatch(/certificate/);
  expect(
    messageOf(await failure(client(`tls_config: {${own}, server_name: other}`).request({ url, ...limits }))),
  ).toMatch(/other/);
  expect(
    text(
      (
        await client(
          `tls_config: {insecure_skip_verify: true, cert_file: ${directory}/cert.pem, key_file: ${directory}/key.pem}`,
        ).request({ url, ...limits })
      ).body,
    ),
  ).toBe('secure');
});

test.each([
  ['bearer_token: a\nbearer_token_file: b', 'at most one of bearer_token & bearer_token_file must be configured'],
  [
    'bearer_token: a\nbasic_auth: {username: a}',
    'at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured',
  ],
  ['authorization: {type: Basic}', 'authorization type cannot be set to "basic", use "basic_auth" instead'],
  [
    'basic_auth: {username: a, password: b, password_file: c}',
    'at most one of basic_auth password, password_file & password_ref must be configured',
  ],
  ['no_proxy: a', 'if no_proxy is configured, proxy_url must also be configured'],
  [
    'tls_config: {cert_file: a}',
    'exactly one of key or key_file must be configured when a client certificate is configured',
  ],
  ['oauth2: {client_id: a}', 'oauth2 token_url must be configured'],
  ['http_headers: {Authorization: {values: [x]}}', 'setting header "Authorization" is not allowed'],
  ['bearer_tokn: a', 'field bearer_tokn not found, did you mean bearer_token?'],
])('%s is refused', (yaml, message) => {
  expect(() => loadYaml(HttpConfig, yaml)).toThrow(message);
});
