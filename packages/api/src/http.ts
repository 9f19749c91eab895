import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { BelfryError, messageOf } from '@belfry/model';
import fastifyCompress from '@fastify/compress';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** Largest request body taken, in bytes, where a route sets none of its own. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
/** Below this many bytes a response is not worth compressing. */
const COMPRESS_THRESHOLD_BYTES = 1024;

export interface HttpOptions {
  /** Origins allowed to read answers from a browser, as `--web.cors.origin`: a fully anchored pattern. */
  readonly corsOrigin?: RegExp;
  readonly bodyLimitBytes?: number;
  /** Told of faults of ours: the client only learns that there was one. */
  readonly onInternalError?: (error: unknown, request: { method: string; url: string }) => void;
}

/** An HTTP server with the habits all our ports share: form bodies, raw bodies, gzip, CORS, errors as JSON. */
export async function createHttpServer(options: HttpOptions = {}): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: options.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    // What is no URL never gets as far as a route.
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      void reply.status(400).send(errorBody(new BelfryError('bad_data', messageOf(error))));
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body as string));
    } catch (error) {
      done(new BelfryError('bad_data', `request body is not JSON: ${messageOf(error)}`));
    }
  });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, new URLSearchParams(body as string));
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  await app.register(fastifyCompress, {
    global: true,
    threshold: COMPRESS_THRESHOLD_BYTES,
    encodings: ['gzip', 'deflate'],
    zlibOptions: { level: 1 },
  });
  // JSON is UTF-8: Prometheus says no charset.
  app.addHook('onSend', async (_request, reply) => {
    const type = reply.getHeader('content-type');
    if (type === 'application/json; charset=utf-8') reply.header('content-type', 'application/json');
  });
  allowOrigins(app, options.corsOrigin ?? EVERY_ORIGIN);
  app.setErrorHandler((error, request, reply) => {
    const known = toBelfryError(error);
    if (known.code === 'internal') options.onInternalError?.(error, { method: request.method, url: request.url });
    void reply.status(known.status).send(errorBody(known));
  });
  return app;
}

/** For a server without pages: an unknown path is an error in JSON. */
export function refuseUnknownPaths(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const known = new BelfryError('not_found', `nothing at ${request.method} ${request.url.split('?')[0]}`);
    void reply.status(404).send(errorBody(known));
  });
}

const EVERY_ORIGIN = /^.*$/;
/** The patterns that leave nobody out; then the answer does not depend on who asks. */
const ANY: ReadonlySet<string> = new Set([EVERY_ORIGIN.source, '^(?:.*)$']);

/** Answers browsers' cross-origin questions as Prometheus does. */
function allowOrigins(app: FastifyInstance, allowed: RegExp): void {
  app.addHook('onRequest', async (request, reply) => {
    const origin = request.headers.origin;
    if (!origin) return;
    if (ANY.has(allowed.source)) reply.header('Access-Control-Allow-Origin', '*');
    else if (allowed.test(origin)) reply.header('Access-Control-Allow-Origin', origin);
    reply.header('Vary', 'Origin');
    reply.header('Access-Control-Allow-Headers', 'Accept, Authorization, Content-Type, Origin');
    reply.header('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE, OPTIONS');
    reply.header('Access-Control-Expose-Headers', 'Date');
    if (request.method === 'OPTIONS') return reply.status(204).send();
  });
}

/** Prometheus' names of error classes, which its clients look at. */
const ERROR_TYPE: Partial<Record<BelfryError['code'], string>> = {
  query_execution: 'execution',
  query_unsupported: 'execution',
  query_too_many_samples: 'execution',
  limit_exceeded: 'execution',
  query_timeout: 'timeout',
  query_canceled: 'canceled',
  internal: 'internal',
  unavailable: 'unavailable',
  storage_full: 'unavailable',
  not_found: 'not_found',
};

export function errorBody(error: BelfryError): { status: 'error'; errorType: string; error: string } {
  return { status: 'error', errorType: ERROR_TYPE[error.code] ?? 'bad_data', error: error.message };
}

export function toBelfryError(error: unknown): BelfryError {
  if (error instanceof BelfryError) return error;
  const status = (error as { statusCode?: number }).statusCode;
  if (status === 413) return new BelfryError('body_too_large', 'the request body is larger than this endpoint takes');
  if (status === 415) return new BelfryError('unsupported_media', 'this content type is not understood here');
  if (status !== undefined && status < 500) return new BelfryError('bad_data', messageOf(error));
  return new BelfryError('internal', 'something went wrong inside; the log has the details', { cause: error });
}

/** Parameters of the query string and, for a form POST, of the body, which come first as in Go. */
export function parametersOf(request: FastifyRequest): URLSearchParams {
  const url = request.raw.url ?? '';
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  if (!(request.body instanceof URLSearchParams)) return query;
  const all = new URLSearchParams(request.body);
  for (const [name, value] of query) all.append(name, value);
  return all;
}

/** Aborts when the client goes away before it has its answer. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // Of the response, not of the socket: that one lives on and would gather listeners.
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) return;
    controller.abort(new BelfryError('query_canceled', 'the client closed the connection'));
  });
  return controller.signal;
}

/**
 * Listens, or says in one line which port is taken and which flag moves it.
 * @throws BelfryError `port_in_use`, `usage`
 */
export async function listen(app: FastifyInstance, host: string, port: number, flag: string): Promise<AddressInfo> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'EADDRINUSE') {
      throw new BelfryError('port_in_use', `port ${port} on ${host} is in use; choose another with ${flag}`);
    }
    if (code === 'EACCES') throw new BelfryError('usage', `port ${port} may not be opened by this user (${flag})`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new BelfryError('usage', `${host} is not an address of this machine (${flag})`);
    }
    throw error;
  }
  return app.server.address() as AddressInfo;
}

export function readIfExists(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT' || (error as { code?: string }).code === 'EISDIR')
      return undefined;
    throw error;
  }
}
