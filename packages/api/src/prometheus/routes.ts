import { BelfryError, type Matcher, messageOf } from '@belfry/model';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { clientSignal, parametersOf } from '../http.ts';
import { federate } from './federate.ts';
import type { PrometheusHost } from './host.ts';
import { MAX_TIME_MS, MIN_TIME_MS, optionalTime, parseFlag, parseLimit } from './parameters.ts';
import { matcherSets, queryRoutes } from './query.ts';

/** Largest body of a remote write or read request, in bytes. */
const REMOTE_BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/** Prometheus' HTTP API, version 1, with `/-/…`, `/federate` and `/metrics`. */
export async function prometheusRoutes(app: FastifyInstance, host: PrometheusHost): Promise<void> {
  queryRoutes(app, host);
  metadataRoutes(app, host);
  statusRoutes(app, host);
  adminRoutes(app, host);
  remoteRoutes(app, host);
}

/** `/-/…`, `/metrics`, `/federate`: what lives at the root of Prometheus' own port. */
export async function prometheusRootRoutes(app: FastifyInstance, host: PrometheusHost): Promise<void> {
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await host.metrics()),
  );
  app.get('/federate', async (request, reply) => {
    assertReady(host);
    const parameters = parametersOf(request);
    const text = await federate(host, matcherSets(parameters.getAll('match[]'), true), clientSignal(reply));
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
  app.get('/-/healthy', async (_request, reply) => reply.type('text/plain').send('Belfry is Healthy.\n'));
  app.get('/-/ready', async (_request, reply) => {
    const why = host.notReady();
    reply.type('text/plain');
    return why ? reply.status(503).send(`Service Unavailable: ${why}\n`) : reply.send('Belfry is Ready.\n');
  });
  const lifecycle = async (request: FastifyRequest, act: () => Promise<void> | void, done: string) => {
    if (request.method === 'GET') return { status: 405, text: 'Only POST or PUT requests allowed' };
    if (!host.lifecycle.enabled) return { status: 403, text: 'Lifecycle API is not enabled.' };
    try {
      await act();
      return { status: 200, text: done };
    } catch (error) {
      return { status: 500, text: `failed to reload config: ${messageOf(error)}\n` };
    }
  };
  app.route({
    method: ['GET', 'POST', 'PUT'],
    url: '/-/reload',
    handler: async (request, reply) => {
      const { status, text } = await lifecycle(request, () => host.lifecycle.reload(), '');
      return reply.status(status).type('text/plain').send(text);
    },
  });
  app.route({
    method: ['GET', 'POST', 'PUT'],
    url: '/-/quit',
    handler: async (request, reply) => {
      const { status, text } = await lifecycle(
        request,
        () => host.lifecycle.quit(),
        'Requesting termination... Goodbye!',
      );
      return reply.status(status).type('text/plain').send(text);
    },
  });
}

export function assertReady(host: PrometheusHost): void {
  const why = host.notReady();
  if (why) throw new BelfryError('unavailable', `not ready: ${why}`);
}

function metadataRoutes(app: FastifyInstance, host: PrometheusHost): void {
  const { views } = host;
  app.get('/api/v1/targets', async (request) => {
    const parameters = parametersOf(request);
    const state = (parameters.get('state') ?? '').toLowerCase();
    return success(views.targets(state === '' ? 'any' : state, parameters.get('scrapePool') || undefined));
  });
  app.get('/api/v1/scrape_pools', async () => success({ scrapePools: views.scrapePools() }));
  app.get('/api/v1/targets/metadata', async (request) => {
    const parameters = parametersOf(request);
    const text = parameters.get('match_target');
    const matchers: readonly Matcher[] | undefined = text ? matcherSets([text], false)[0] : undefined;
    return success(views.targetMetadata(matchers, parameters.get('metric') ?? '', parseLimit(parameters)));
  });
  app.get('/api/v1/metadata', async (request) => {
    const parameters = parametersOf(request);
    const limit = parameters.has('limit') ? parseLimit(parameters) : Number.POSITIVE_INFINITY;
    const each = parseLimit(parameters, 'limit_per_metric') || Number.POSITIVE_INFINITY;
    const data: Record<string, unknown> = {};
    let count = 0;
    for (const [name, entries] of await views.metadata(parameters.get('metric') || undefined)) {
      if (count++ >= (limit === 0 ? Number.POSITIVE_INFINITY : limit)) break;
      data[name] = entries.slice(0, each).map(({ type, help, unit }) => ({ type, help, unit }));
    }
    return success(data);
  });
  app.get('/api/v1/rules', async (request) => success(views.rules(parametersOf(request))));
  app.get('/api/v1/alerts', async () => success(views.alerts()));
  app.get('/api/v1/alertmanagers', async () => success(views.alertmanagers()));
  app.get('/api/v1/notifications', async () => success(views.notifications()));
  if (views.features) app.get('/api/v1/features', async () => success(views.features!()));
}

function statusRoutes(app: FastifyInstance, host: PrometheusHost): void {
  const { views } = host;
  app.get('/api/v1/status/config', async () => success({ yaml: views.config() }));
  app.get('/api/v1/status/flags', async () => success(views.flags()));
  app.get('/api/v1/status/buildinfo', async () => success(views.buildInfo()));
  app.get('/api/v1/status/runtimeinfo', async () => success(await views.runtimeInfo()));
  app.get('/api/v1/status/tsdb', async (request) => {
    const limit = parseLimit(parametersOf(request));
    return success(await views.tsdbStatus(limit === 0 ? 10 : limit));
  });
  if (views.tsdbBlocks) app.get('/api/v1/status/tsdb/blocks', async () => success(await views.tsdbBlocks!()));
  app.get('/api/v1/status/walreplay', async () => success(await views.walReplay()));
}

function adminRoutes(app: FastifyInstance, host: PrometheusHost): void {
  const admin = (): NonNullable<PrometheusHost['admin']> => {
    if (!host.admin) {
      throw new BelfryError('unavailable', 'admin APIs disabled; start with --web.enable-admin-api to allow them');
    }
    return host.admin;
  };
  const method: ('POST' | 'PUT')[] = ['POST', 'PUT'];
  app.route({
    method,
    url: '/api/v1/admin/tsdb/delete_series',
    handler: async (request, reply) => {
      const tsdb = admin();
      const parameters = parametersOf(request);
      const sets = matcherSets(parameters.getAll('match[]'), true);
      const start = optionalTime(parameters, 'start', MIN_TIME_MS);
      await tsdb.deleteSeries(sets, start, optionalTime(parameters, 'end', MAX_TIME_MS));
      return reply.status(204).send();
    },
  });
  app.route({
    method,
    url: '/api/v1/admin/tsdb/clean_tombstones',
    handler: async (_request, reply) => {
      await admin().cleanTombstones();
      return reply.status(204).send();
    },
  });
  app.route({
    method,
    url: '/api/v1/admin/tsdb/snapshot',
    handler: async (request) => {
      const tsdb = admin();
      return success({ name: await tsdb.snapshot(parseFlag(parametersOf(request), 'skip_head')) });
    },
  });
}

function remoteRoutes(app: FastifyInstance, host: PrometheusHost): void {
  // Snappy is undone with the protobuf, not as an HTTP encoding.
  const raw = { bodyLimit: REMOTE_BODY_LIMIT_BYTES, decompress: false } as const;
  app.post('/api/v1/write', raw, async (request, reply) => {
    if (!host.receive) {
      const flag = 'remote write receiver needs to be enabled with --web.enable-remote-write-receiver';
      return reply.status(404).type('text/plain').send(`${flag}\n`);
    }
    assertReady(host);
    const result = await host.receive(bodyBytes(request), {
      contentType: request.headers['content-type'] ?? '',
      contentEncoding: request.headers['content-encoding'] ?? '',
      version: String(request.headers['x-prometheus-remote-write-version'] ?? ''),
    });
    if (result.written) {
      reply.header('X-Prometheus-Remote-Write-Samples-Written', result.written.samples);
      reply.header('X-Prometheus-Remote-Write-Histograms-Written', result.written.histograms);
      reply.header('X-Prometheus-Remote-Write-Exemplars-Written', result.written.exemplars);
    }
    reply.status(result.status);
    return result.message ? reply.type('text/plain').send(`${result.message}\n`) : reply.send();
  });
  app.post('/api/v1/read', raw, async (request, reply) => {
    if (!host.read) throw new BelfryError('not_found', 'remote read is not served here');
    assertReady(host);
    const body = await host.read(bodyBytes(request), clientSignal(reply));
    return reply.type('application/x-protobuf').header('Content-Encoding', 'snappy').send(body);
  });
}

function bodyBytes(request: FastifyRequest): Buffer {
  if (Buffer.isBuffer(request.body)) return request.body;
  throw new BelfryError('unsupported_media', 'expected a protobuf body (Content-Type: application/x-protobuf)');
}

export function success(data: unknown): { status: 'success'; data: unknown } {
  return { status: 'success', data };
}
