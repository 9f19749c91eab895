import type { Alertmanager, AlertQuery } from '@belfry/alerting';
import { BelfryError, type Clock, messageOf, systemClock } from '@belfry/model';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { parametersOf, toBelfryError } from '../http.ts';
import { readSilence } from './silence-body.ts';

/** Largest POST of alerts, in bytes. */
const ALERTS_BODY_LIMIT_BYTES = 64 * 1024 * 1024;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const UNPROCESSABLE = 422;

export interface AlertmanagerRoutesOptions {
  readonly clock?: Clock;
  /** Whether to answer `/-/…` and `/metrics`; true unless told. False where another server's are at the same port. */
  readonly management?: boolean;
  /** Before every path, as `--web.route-prefix`; without a slash at the end. */
  readonly prefix?: string;
  /** Reads the configuration anew; absent: `/-/reload` says that it cannot. */
  readonly reload?: () => Promise<void>;
  /** The text of `/metrics`; absent: there is none. */
  readonly metrics?: () => string | Promise<string>;
}

/** The HTTP interface of an Alertmanager: API v2, health, readiness, reload. Register it on a server of its own port. */
export function alertmanagerRoutes(
  alertmanager: Alertmanager,
  options: AlertmanagerRoutesOptions = {},
): FastifyPluginAsync {
  return async (app) => {
    await app.register(
      async (scope) => {
        sayErrorsAsAlertmanager(scope);
        if (options.management ?? true) managementRoutes(scope, options);
        const nowMs = () => (options.clock ?? systemClock).now();
        await scope.register(async (api) => apiRoutes(api, alertmanager, nowMs), { prefix: '/api/v2' });
        scope.all('/api/v1/*', () => {
          throw gone();
        });
        scope.all('/api/v1', () => {
          throw gone();
        });
      },
      { prefix: options.prefix ?? '' },
    );
  };
}

function gone(): BelfryError {
  return new BelfryError(
    'gone',
    'API v1 was removed in Alertmanager 0.27; use the same path under /api/v2 (/api/v2/alerts, /api/v2/silences, /api/v2/status)',
  );
}

/** API v2 says errors as a JSON text. */
function sayErrorsAsAlertmanager(scope: FastifyInstance): void {
  scope.setErrorHandler((error, _request, reply) => {
    const known = toBelfryError(error);
    void reply.status(known.status).type('application/json').send(JSON.stringify(known.message));
  });
}

function managementRoutes(scope: FastifyInstance, options: AlertmanagerRoutesOptions): void {
  const ok = async () => 'OK';
  scope.get('/-/healthy', ok);
  scope.get('/-/ready', ok);
  scope.post('/-/reload', async (_request, reply) => {
    if (!options.reload)
      throw new BelfryError('unavailable', 'this server was started without a configuration file to read anew');
    try {
      await options.reload();
      return '';
    } catch (error) {
      return reply
        .status(500)
        .type('text/plain')
        .send(`failed to reload config: ${messageOf(error)}\n`);
    }
  });
  if (options.metrics) {
    const { metrics } = options;
    scope.get('/metrics', async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics()),
    );
  }
}

function apiRoutes(api: FastifyInstance, am: Alertmanager, nowMs: () => number): void {
  api.get('/status', async () => am.status());
  api.get('/receivers', async () => am.receivers());
  api.get('/alerts', async (request) => am.getAlerts(alertQuery(parametersOf(request))));
  api.post('/alerts', { bodyLimit: ALERTS_BODY_LIMIT_BYTES }, async (request) => {
    const { refused } = am.putAlerts(request.body);
    if (refused.length === 0) return '';
    // The valid ones are taken; the sender learns which were not.
    const only = refused.length === 1 && (request.body as unknown[]).length === 1;
    throw new BelfryError(
      'bad_data',
      only ? refused[0]!.reason : refused.map((r) => `alert ${r.index}: ${r.reason}`).join('; '),
    );
  });
  api.get('/alerts/groups', async (request) => am.getGroups(alertQuery(parametersOf(request))));
  silenceRoutes(api, am, nowMs);
}

function silenceRoutes(api: FastifyInstance, am: Alertmanager, nowMs: () => number): void {
  api.get('/silences', async (request) => {
    const parameters = parametersOf(request);
    return am.silences({ filter: parameters.getAll('filter'), createdBy: parameters.getAll('creator') });
  });
  api.post('/silences', async (request) => ({ silenceID: am.setSilence(readSilence(request.body, nowMs())) }));
  api.get<{ Params: { id: string } }>('/silence/:id', async (request, reply) => {
    const problem = idProblem(request.params.id);
    return problem ? reply.status(UNPROCESSABLE).send(problem) : am.silence(request.params.id);
  });
  api.delete<{ Params: { id: string } }>('/silence/:id', async (request, reply) => {
    const problem = idProblem(request.params.id);
    if (problem) return reply.status(UNPROCESSABLE).send(problem);
    am.expireSilence(request.params.id);
    return '';
  });
}

function idProblem(id: string): { code: number; message: string } | undefined {
  if (UUID.test(id)) return undefined;
  return { code: 601, message: `silenceID in path must be of type uuid: ${JSON.stringify(id)}` };
}

function alertQuery(parameters: URLSearchParams): AlertQuery {
  const flag = (name: string) => parameters.get(name)?.toLowerCase() !== 'false';
  const receiver = parameters.get('receiver');
  return {
    filter: parameters.getAll('filter'),
    active: flag('active'),
    silenced: flag('silenced'),
    inhibited: flag('inhibited'),
    unprocessed: flag('unprocessed'),
    muted: flag('muted'),
    ...(receiver === null ? {} : { receiver }),
  };
}
