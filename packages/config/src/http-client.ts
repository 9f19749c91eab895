import { readFile as readFileFromDisk } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { BelfryError, type Clock, deadline, messageOf } from '@belfry/model';
import { Agent, type Dispatcher, interceptors, ProxyAgent, request as send } from 'undici';
import type { HttpConfig, TlsConfig } from './http-config.ts';
import type { Secret } from './secret.ts';

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** For everything: connecting, sending, and the whole answer. */
  readonly timeoutMs: number;
  /** More than this many bytes of answer, decompressed, is a failure. */
  readonly maxBodyBytes: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; of a header sent several times, the values joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed, and alone in its memory: it may be transferred to another thread. */
  readonly body: Uint8Array;
}

/** An answer whose body is still arriving. Read it to its end, or abort the request's signal. */
export interface HttpStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Speaks HTTP as a configuration says. An answer of any status is an answer; what throws is BelfryError
 * `delivery_failed` (no connection, time out, unreadable credentials file) or `body_too_large`. No message holds a secret.
 */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** For answers without an end. The timeout covers the time until the headers are there. */
  stream(request: HttpRequest): Promise<HttpStream>;
  close(): Promise<void>;
}

export interface HttpClientDependencies {
  readonly clock: Clock;
  readonly userAgent?: string;
  readonly readFile?: (path: string) => Promise<string>;
  /** For `proxy_from_environment`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A socket in the file system to speak to, whatever host URLs name. */
  readonly socketPath?: string;
}

const MAX_REDIRECTIONS = 10;
const CONNECT_TIMEOUT_MS = 30_000;
/** Longer than any usual scrape interval, so that connections are reused. */
const IDLE_TIMEOUT_MS = 5 * 60_000;
const MAX_TOKEN_BYTES = 1 << 20;
/** A token is renewed this long before it ends. */
const TOKEN_MARGIN_MS = 10_000;

/** Makes a client. Files that the configuration names are read at each request, so a renewed credential is used at once. */
export function httpClient(config: HttpConfig, dependencies: HttpClientDependencies): HttpClient {
  refuseReferences(config);
  const context: Context = {
    clock: dependencies.clock,
    userAgent: dependencies.userAgent ?? 'Belfry',
    readFile: dependencies.readFile ?? ((path) => readFileFromDisk(path, 'utf8')),
    environment: dependencies.environment ?? process.env,
    socketPath: dependencies.socketPath,
  };
  const connections = connectionsOf(config, context);
  const tokens = config.oauth2 ? tokenSource(config.oauth2, context) : undefined;

  const open = async (request: HttpRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> => {
    const headers = await headersOf(config, request, context, tokens);
    const dispatcher = await connections.dispatcherFor(new URL(request.url));
    return send(request.url, {
      dispatcher,
      method: request.method ?? 'GET',
      headers,
      body: request.body ?? null,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  };

  return {
    async request(request) {
      const limit = deadline(context.clock, request.timeoutMs, () => timedOut(request), request.signal);
      try {
        const response = await open(request, limit.signal);
        const raw = await collect(response.body, request.maxBodyBytes, limit.signal);
        const headers = plainHeaders(response.headers);
        const body = await decompress(raw, headers['content-encoding'], request.maxBodyBytes);
        return { status: response.statusCode, headers, body };
      } catch (error) {
        throw explain(error, request, limit.signal);
      } finally {
        limit.done();
      }
    },
    async stream(request) {
      const limit = deadline(context.clock, request.timeoutMs, () => timedOut(request), request.signal);
      try {
        const response = await open(
          request,
          request.signal ? AbortSignal.any([limit.signal, request.signal]) : limit.signal,
        );
        return {
          status: response.statusCode,
          headers: plainHeaders(response.headers),
          chunks: response.body as AsyncIterable<Uint8Array>,
        };
      } catch (error) {
        throw explain(error, request, limit.signal);
      } finally {
        limit.done();
      }
    },
    async close() {
      await Promise.all([connections.close(), tokens?.close()]);
    },
  };
}

interface Context {
  readonly clock: Clock;
  readonly userAgent: string;
  readonly readFile: (path: string) => Promise<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly socketPath: string | undefined;
}

function refuseReferences(config: HttpConfig): void {
  const refs = [
    config.basic_auth?.username_ref,
    config.basic_auth?.password_ref,
    config.authorization?.credentials_ref,
    config.oauth2?.client_secret_ref,
    config.tls_config?.ca_ref,
    config.tls_config?.cert_ref,
    config.tls_config?.key_ref,
  ];
  if (refs.some(Boolean)) throw new BelfryError('config_invalid', 'cannot use secret ref without manager');
}

async function headersOf(
  config: HttpConfig,
  request: HttpRequest,
  context: Context,
  tokens: TokenSource | undefined,
): Promise<Record<string, string | string[]>> {
  const headers: Record<string, string | string[]> = { 'user-agent': context.userAgent };
  for (const [name, given] of Object.entries(config.http_headers ?? {})) {
    const files = await Promise.all(given.files.map((f) => readSecretFile(f, `header ${name}`, context)));
    headers[name.toLowerCase()] = [...given.values, ...given.secrets.map((s) => s.reveal()), ...files];
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value;
  if (headers.authorization === undefined) {
    const authorization = await authorizationOf(config, context, tokens);
    if (authorization !== undefined) headers.authorization = authorization;
  }
  return headers;
}

async function authorizationOf(
  config: HttpConfig,
  context: Context,
  tokens: TokenSource | undefined,
): Promise<string | undefined> {
  const { basic_auth: basic, authorization } = config;
  if (basic) {
    const username = basic.username_file
      ? await readSecretFile(basic.username_file, 'basic auth username', context)
      : basic.username;
    const password = await secretOf(basic.password, basic.password_file, 'basic auth password', context);
    return basicCredentials(username, password);
  }
  if (authorization) {
    const credentials = await secretOf(
      authorization.credentials,
      authorization.credentials_file,
      'authorization credentials',
      context,
    );
    return `${authorization.type} ${credentials}`;
  }
  return tokens ? await tokens.authorization() : undefined;
}

function basicCredentials(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function secretOf(
  text: Secret | undefined,
  file: string | undefined,
  what: string,
  context: Context,
): Promise<string> {
  if (text && text.reveal() !== '') return text.reveal();
  return file ? readSecretFile(file, what, context) : '';
}

async function readSecretFile(file: string, what: string, context: Context): Promise<string> {
  return (await readNamedFile(file, what, context)).trim();
}

async function readNamedFile(file: string, what: string, context: Context): Promise<string> {
  try {
    return await context.readFile(file);
  } catch (error) {
    throw new BelfryError(
      'delivery_failed',
      `unable to read ${what}: unable to read file ${file}: ${messageOf(error)}`,
    );
  }
}

interface Connections {
  dispatcherFor(url: URL): Promise<Dispatcher>;
  close(): Promise<void>;
}

type ConnectionConfig = Pick<
  HttpConfig,
  | 'tls_config'
  | 'follow_redirects'
  | 'enable_http2'
  | 'proxy_url'
  | 'no_proxy'
  | 'proxy_from_environment'
  | 'proxy_connect_header'
>;

/** Connection pools, one a proxy; made anew when a certificate file has changed. */
function connectionsOf(config: ConnectionConfig, context: Context): Connections {
  let made:
    | { readonly tlsKey: string; readonly byProxy: Map<string, Dispatcher>; readonly pools: Dispatcher[] }
    | undefined;
  const closeMade = async (old: typeof made) => {
    await Promise.all((old?.pools ?? []).map((pool) => pool.close().catch(() => undefined)));
  };
  return {
    async dispatcherFor(url) {
      const tls =
        url.protocol === 'https:' || config.follow_redirects ? await tlsOptions(config.tls_config, context) : {};
      const tlsKey = JSON.stringify(tls);
      if (made?.tlsKey !== tlsKey) {
        void closeMade(made);
        made = { tlsKey, byProxy: new Map(), pools: [] };
      }
      const proxy = proxyFor(url, config, context.environment) ?? '';
      let dispatcher = made.byProxy.get(proxy);
      if (!dispatcher) {
        const pool = openPool(proxy, tls, config, context.socketPath);
        made.pools.push(pool);
        dispatcher = config.follow_redirects
          ? pool.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTIONS }))
          : pool;
        made.byProxy.set(proxy, dispatcher);
      }
      return dispatcher;
    },
    close: () => closeMade(made),
  };
}

type TlsOptions = Readonly<Record<string, string | boolean>>;

function openPool(
  proxy: string,
  tls: TlsOptions,
  config: ConnectionConfig,
  socketPath: string | undefined,
): Dispatcher {
  const common = { keepAliveTimeout: IDLE_TIMEOUT_MS, allowH2: config.enable_http2 };
  if (proxy === '') {
    const socket = socketPath === undefined ? {} : { socketPath };
    return new Agent({ ...common, connect: { ...tls, ...socket, timeout: CONNECT_TIMEOUT_MS } });
  }
  const headers = Object.fromEntries(
    Object.entries(config.proxy_connect_header ?? {}).map(([k, v]) => [k, v.map((s) => s.reveal()).join(', ')]),
  );
  const at = new URL(proxy);
  const token =
    at.username === ''
      ? {}
      : { token: basicCredentials(decodeURIComponent(at.username), decodeURIComponent(at.password)) };
  at.username = '';
  at.password = '';
  return new ProxyAgent({ ...common, uri: at.href, headers, requestTls: { ...tls }, ...token });
}

const NODE_TLS_VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

async function tlsOptions(tls: TlsConfig | undefined, context: Context): Promise<TlsOptions> {
  if (!tls) return {};
  const pem = async (text: string | undefined, file: string | undefined, what: string) =>
    text || (file ? await readNamedFile(file, what, context) : undefined);
  const [ca, cert, key] = await Promise.all([
    pem(tls.ca, tls.ca_file, 'CA certificate'),
    pem(tls.cert, tls.cert_file, 'client certificate'),
    pem(tls.key?.reveal(), tls.key_file, 'client key'),
  ]);
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(tls.server_name ? { servername: tls.server_name } : {}),
    ...(tls.insecure_skip_verify ? { rejectUnauthorized: false } : {}),
    ...(tls.min_version ? { minVersion: NODE_TLS_VERSIONS[tls.min_version] } : {}),
    ...(tls.max_version ? { maxVersion: NODE_TLS_VERSIONS[tls.max_version] } : {}),
  };
}

function proxyFor(
  url: URL,
  config: ConnectionConfig,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (config.proxy_url) return bypassesProxy(url, config.no_proxy ?? '') ? undefined : config.proxy_url;
  if (!config.proxy_from_environment) return undefined;
  const variable = (name: string) => environment[name.toUpperCase()] || environment[name] || '';
  const proxy = variable(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (proxy === '' || isLoopback(url.hostname) || bypassesProxy(url, variable('no_proxy'))) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

/** Whether `no_proxy` names the host: by `*`, name, domain suffix, address, or IPv4 network; each with an optional port. */
export function bypassesProxy(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => {
      if (entry === '') return false;
      if (entry === '*') return true;
      if (/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(entry)) return inNetwork(host, entry);
      const withPort = /^(.*[^:]):(\d+)$/.exec(entry);
      if (withPort && withPort[2] !== port) return false;
      const name = (withPort ? withPort[1]! : entry).replace(/^\[|\]$/g, '').replace(/^\*/, '');
      if (name.startsWith('.')) return host.endsWith(name);
      return host === name || host.endsWith(`.${name}`);
    });
}

function inNetwork(host: string, network: string): boolean {
  const [base, bits] = network.split('/') as [string, string];
  const number = (text: string) => {
    const parts = text.split('.').map(Number);
    if (parts.length !== 4 || parts.some((p) => !(p >= 0 && p <= 255))) return undefined;
    return ((parts[0]! << 24) | (parts[1]! << 16) | (parts[2]! << 8) | parts[3]!) >>> 0;
  };
  const a = number(host);
  const b = number(base);
  if (a === undefined || b === undefined) return false;
  const shift = 32 - Number(bits);
  return shift >= 32 || a >>> shift === b >>> shift;
}

interface TokenSource {
  authorization(): Promise<string>;
  close(): Promise<void>;
}

/** OAuth 2.0 client credentials (RFC 6749, section 4.4): a token, kept until shortly before it ends. */
function tokenSource(oauth2: NonNullable<HttpConfig['oauth2']>, context: Context): TokenSource {
  const connections = connectionsOf({ ...oauth2, follow_redirects: true, enable_http2: true }, context);
  let token: { readonly authorization: string; readonly untilMs: number; readonly secret: string } | undefined;
  let pending: Promise<string> | undefined;
  /** Servers differ in where they take the credentials; the way that worked is remembered. */
  let inBody = false;

  const ask = async (clientSecret: string): Promise<Response> => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...oauth2.endpoint_params });
    if (oauth2.scopes.length > 0) form.set('scope', oauth2.scopes.join(' '));
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': context.userAgent,
    };
    if (inBody) {
      form.set('client_id', oauth2.client_id);
      if (clientSecret !== '') form.set('client_secret', clientSecret);
    } else {
      headers.authorization = basicCredentials(encodeURIComponent(oauth2.client_id), encodeURIComponent(clientSecret));
    }
    const dispatcher = await connections.dispatcherFor(new URL(oauth2.token_url));
    const limit = deadline(context.clock, CONNECT_TIMEOUT_MS, () => new Error('context deadline exceeded'));
    try {
      const options = { dispatcher, method: 'POST', headers, body: form.toString(), signal: limit.signal } as const;
      const response = await send(oauth2.token_url, options);
      const body = await collect(response.body, MAX_TOKEN_BYTES, limit.signal);
      return { status: response.statusCode, text: Buffer.from(body).toString() };
    } finally {
      limit.done();
    }
  };
  interface Response {
    readonly status: number;
    readonly text: string;
  }
  const fetchToken = async (clientSecret: string): Promise<string> => {
    let response = await ask(clientSecret);
    if (response.status >= 400 && response.status < 500 && !token) {
      inBody = !inBody;
      const second = await ask(clientSecret);
      if (second.status < 300) response = second;
      else inBody = !inBody;
    }
    if (response.status >= 300) {
      throw new BelfryError(
        'delivery_failed',
        `oauth2: cannot fetch token: server returned HTTP status ${response.status}`,
      );
    }
    const { authorization, lifetimeMs } = readToken(response.text);
    token = { authorization, untilMs: context.clock.now() + lifetimeMs - TOKEN_MARGIN_MS, secret: clientSecret };
    return authorization;
  };
  return {
    async authorization() {
      const clientSecret = await secretOf(
        oauth2.client_secret,
        oauth2.client_secret_file,
        'oauth2 client secret',
        context,
      );
      if (token && token.secret === clientSecret && context.clock.now() < token.untilMs) return token.authorization;
      pending ??= fetchToken(clientSecret).finally(() => {
        pending = undefined;
      });
      return pending;
    },
    close: () => connections.close(),
  };
}

function readToken(text: string): { authorization: string; lifetimeMs: number } {
  let parsed: { access_token?: unknown; token_type?: unknown; expires_in?: unknown };
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new BelfryError('delivery_failed', 'oauth2: cannot parse token: the answer is not JSON');
  }
  if (typeof parsed.access_token !== 'string' || parsed.access_token === '') {
    throw new BelfryError('delivery_failed', 'oauth2: server response missing access_token');
  }
  const type =
    typeof parsed.token_type === 'string' && !/^bearer$/i.test(parsed.token_type) ? parsed.token_type : 'Bearer';
  const seconds = Number(parsed.expires_in);
  return {
    authorization: `${type} ${parsed.access_token}`,
    lifetimeMs: seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY,
  };
}

async function collect(body: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    signal.throwIfAborted();
    size += chunk.length;
    if (size > maxBytes) throw new BelfryError('body_too_large', 'body size limit exceeded');
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const DECOMPRESSORS: Readonly<
  Record<string, (data: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/** What `Accept-Encoding` may offer, since this client undoes it. */
export const ACCEPTED_ENCODINGS = 'zstd, gzip';

async function decompress(body: Uint8Array, encoding: string | undefined, maxBytes: number): Promise<Uint8Array> {
  if (!encoding || encoding === 'identity' || body.length === 0) return body;
  const undo = DECOMPRESSORS[encoding.trim().toLowerCase()];
  if (!undo) throw new BelfryError('delivery_failed', `unsupported content encoding ${JSON.stringify(encoding)}`);
  try {
    const plain = await undo(body, { maxOutputLength: Math.min(maxBytes, 2 ** 31 - 1) });
    return plain.byteLength === plain.buffer.byteLength ? plain : new Uint8Array(plain);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new BelfryError('body_too_large', 'body size limit exceeded');
    }
    throw new BelfryError('delivery_failed', `cannot decompress the ${encoding} body: ${messageOf(error)}`);
  }
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

function timedOut(request: HttpRequest): BelfryError {
  return new BelfryError('delivery_failed', `${describe(request)}: context deadline exceeded`);
}

function describe(request: HttpRequest): string {
  const method = request.method ?? 'GET';
  return `${method[0]}${method.slice(1).toLowerCase()} ${JSON.stringify(redactUrl(request.url))}`;
}

/** A URL fit to be shown: its password, if any, as `xxxxx`. */
export function redactUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#]*@/i, '$1:xxxxx@');
}

function explain(error: unknown, request: HttpRequest, signal: AbortSignal): unknown {
  if (error instanceof BelfryError) return error;
  if (signal.aborted) return signal.reason;
  return new BelfryError('delivery_failed', `${describe(request)}: ${describeFailure(error)}`);
}

interface SystemFailure {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  readonly errors?: readonly SystemFailure[];
  readonly cause?: unknown;
}

/** In the words that operators know from Go's network stack. */
function describeFailure(error: unknown): string {
  const failure = error as SystemFailure;
  const first = failure.errors?.[0] ?? failure;
  const dial = first.address
    ? `dial tcp ${first.address.includes(':') ? `[${first.address}]` : first.address}:${first.port}: `
    : '';
  switch (first.code) {
    case 'ECONNREFUSED':
      return `${dial}connect: connection refused`;
    case 'ENOTFOUND':
      return `dial tcp: lookup ${first.hostname}: no such host`;
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${first.hostname}: temporary failure in name resolution`;
    case 'EHOSTUNREACH':
      return `${dial}connect: no route to host`;
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'the connection was closed before the answer was complete';
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `${dial}i/o timeout`;
  }
  return error instanceof Error ? error.message : String(error);
}
