import { BelfryError, type Matcher, messageOf } from '@belfry/model';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { clientSignal, parametersOf } from '../http.ts';
import { type Doors, openDoors } from './doors.ts';
import { federate } from './federate.ts';
import type { PrometheusHost } from './host.ts';
import {
  MAX_TIME_MS,
  MIN_TIME_MS,
  optionalTime,
  parseFlag,
  parseMetadataLimit,
  parsePositiveLimit,
} from './parameters.ts';
import { naming, queryRoutes, selectorOf, someMatches } from './query.ts';

/** Largest body of a remote write or read request, in bytes. */
const REMOTE_BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** Entries of each statistic of `/status/tsdb`, where the client sets no limit. */
const DEFAULT_TSDB_STATISTICS = 10;
const PLAIN_TEXT = 'text/plain; charset=utf-8';

/** Prometheus' HTTP API, version 1, with `/-/…`, `/federate` and `/metrics`. */
export async function prometheusRoutes(app: FastifyInstance, host: PrometheusHost): Promise<void> {
  const doors = openDoors(app);
  queryRoutes(doors, host);
  metadataRoutes(doors, host);
  statusRoutes(doors, host);
  adminRoutes(doors, host);
  remoteRoutes(doors, host);
  doors.refuseOtherMethods(204);
}

/** `/-/…`, `/metrics`, `/federate`: what lives at the root of Prometheus' own port. */
export async function prometheusRootRoutes(app: FastifyInstance, host: PrometheusHost): Promise<void> {
  const doors = openDoors(app);
  doors.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await host.metrics()),
  );
  doors.get('/federate', async (request, reply) => {
    assertReady(host);
    const sets = federated(parametersOf(request));
    if (typeof sets === 'string') {
      return reply.status(400).type(PLAIN_TEXT).header('X-Content-Type-Options', 'nosniff').send(`${sets}\n`);
    }
    const text = await federate(host, sets, clientSignal(reply));
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
  doors.route({
    method: ['GET', 'HEAD'],
    url: '/-/healthy',
    handler: async (_request, reply) => reply.type(PLAIN_TEXT).send('Belfry is Healthy.\n'),
  });
  doors.route({
    method: ['GET', 'HEAD'],
    url: '/-/ready',
    handler: async (_request, reply) => {
      const why = host.notReady();
      reply.type(PLAIN_TEXT);
      return why ? reply.status(503).send(`Service Unavailable: ${why}\n`) : reply.send('Belfry is Ready.\n');
    },
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
  doors.route({
    method: ['GET', 'POST', 'PUT'],
    url: '/-/reload',
    handler: async (request, reply) => {
      const { status, text } = await lifecycle(request, () => host.lifecycle.reload(), '');
      return reply.status(status).type(PLAIN_TEXT).send(text);
    },
  });
  doors.route({
    method: ['GET', 'POST', 'PUT'],
    url: '/-/quit',
    handler: async (request, reply) => {
      const { status, text } = await lifecycle(
        request,
        () => host.lifecycle.quit(),
        'Requesting termination... Goodbye!',
      );
      return reply.status(status).type(PLAIN_TEXT).send(text);
    },
  });
  doors.refuseOtherMethods(200);
}

/** What `match[]` selects, or what is wrong with it. An empty selector selects nothing here. */
function federated(parameters: URLSearchParams): (readonly Matcher[])[] | string {
  try {
    return parameters
      .getAll('match[]')
      .map(selectorOf)
      .filter((matchers) => matchers.length > 0);
  } catch (error) {
    if (error instanceof BelfryError && error.code === 'bad_data') return error.message;
    throw error;
  }
}

export function assertReady(host: PrometheusHost): void {
  const why = host.notReady();
  if (why) throw new BelfryError('unavailable', `not ready: ${why}`);
}

function metadataRoutes(doors: Doors, host: PrometheusHost): void {
  const { views } = host;
  doors.get('/api/v1/targets', async (request) => {
    const parameters = parametersOf(request);
    const state = (parameters.get('state') ?? '').toLowerCase();
    return success(views.targets(state === '' ? 'any' : state, parameters.get('scrapePool') || undefined));
  });
  doors.get('/api/v1/scrape_pools', async () => success({ scrapePools: views.scrapePools() }));
  doors.get('/api/v1/targets/metadata', async (request) => {
    const parameters = parametersOf(request);
    const limit = parseMetadataLimit(parameters, 'limit');
    const text = parameters.get('match_target');
    const matchers: readonly Matcher[] | undefined = text ? naming('match_target', () => selectorOf(text)) : undefined;
    return success(
      limit === 0
        ? []
        : views.targetMetadata(matchers, parameters.get('metric') ?? '', Number.isFinite(limit) ? limit : 0),
    );
  });
  doors.get('/api/v1/metadata', async (request) => {
    const parameters = parametersOf(request);
    const limit = parseMetadataLimit(parameters, 'limit');
    const each = parseMetadataLimit(parameters, 'limit_per_metric') || Number.POSITIVE_INFINITY;
    const data: Record<string, unknown> = {};
    let count = 0;
    for (const [name, entries] of await views.metadata(parameters.get('metric') || undefined)) {
      if (count++ >= limit) break;
      data[name] = entries.slice(0, each).map(({ type, help, unit }) => ({ type, help, unit }));
    }
    return success(data);
  });
  doors.get('/api/v1/rules', async (request) => success(views.rules(parametersOf(request))));
  doors.get('/api/v1/alerts', async () => success(views.alerts()));
  doors.get('/api/v1/alertmanagers', async () => success(views.alertmanagers()));
  doors.get('/api/v1/notifications', async () => success(views.notifications()));
  if (views.features) doors.get('/api/v1/features', async () => success(views.features!()));
}

function statusRoutes(doors: Doors, host: PrometheusHost): void {
  const { views } = host;
  doors.get('/api/v1/status/config', async () => success({ yaml: views.config() }));
  doors.get('/api/v1/status/flags', async () => success(views.flags()));
  doors.get('/api/v1/status/buildinfo', async () => success(views.buildInfo()));
  doors.get('/api/v1/status/runtimeinfo', async () => success(await views.runtimeInfo()));
  doors.get('/api/v1/status/tsdb', async (request) => {
    return success(await views.tsdbStatus(parsePositiveLimit(parametersOf(request), DEFAULT_TSDB_STATISTICS)));
  });
  if (views.tsdbBlocks) doors.get('/api/v1/status/tsdb/blocks', async () => success(await views.tsdbBlocks!()));
  doors.get('/api/v1/status/walreplay', async () => success(await views.walReplay()));
}

function adminRoutes(doors: Doors, host: PrometheusHost): void {
  const admin = (): NonNullable<PrometheusHost['admin']> => {
    if (!host.admin) {
      throw new BelfryError('unavailable', 'admin APIs disabled; start with --web.enable-admin-api to allow them');
    }
    return host.admin;
  };
  const method: ('POST' | 'PUT')[] = ['POST', 'PUT'];
  doors.route({
    method,
    url: '/api/v1/admin/tsdb/delete_series',
    handler: async (request, reply) => {
      const tsdb = admin();
      const parameters = parametersOf(request);
      const texts = someMatches(parameters);
      const start = optionalTime(parameters, 'start', MIN_TIME_MS);
      const end = optionalTime(parameters, 'end', MAX_TIME_MS);
      await tsdb.deleteSeries(
        naming('match[]', () => texts.map(selectorOf)),
        start,
        end,
      );
      return reply.status(204).send();
    },
  });
  doors.route({
    method,
    url: '/api/v1/admin/tsdb/clean_tombstones',
    handler: async (_request, reply) => {
      await admin().cleanTombstones();
      return reply.status(204).send();
    },
  });
  doors.route({
    method,
    url: '/api/v1/admin/tsdb/snapshot',
    handler: async (request) => {
      const tsdb = admin();
      return success({ name: await tsdb.snapshot(parseFlag(parametersOf(request), 'skip_head')) });
    },
  });
}

function remoteRoutes(doors: Doors, host: PrometheusHost): void {
  // Snappy is undone with the protobuf, not as an HTTP encoding.
  const raw = { bodyLimit: REMOTE_BODY_LIMIT_BYTES, decompress: false } as const;
  doors.post('/api/v1/write', raw, async (request, reply) => {
    if (!host.receive) {
      const flag = 'remote write receiver needs to be enabled with --web.enable-remote-write-receiver';
      return reply.status(404).type(PLAIN_TEXT).send(`${flag}\n`);
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
    return result.message ? reply.type(PLAIN_TEXT).send(`${result.message}\n`) : reply.send();
  });
  doors.post('/api/v1/read', raw, async (request, reply) => {
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
