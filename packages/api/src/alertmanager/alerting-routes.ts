import {
  type Alertmanager,
  formatTime,
  type Heartbeats,
  type NotificationQuery,
  parseMatchers,
  parseTime,
} from '@belfry/alerting';
import { BelfryError } from '@belfry/model';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { errorBody, parametersOf, toBelfryError } from '../http.ts';

const OUTCOMES = ['sent', 'failed', 'suppressed', 'withheld'] as const;

/**
 * What Alertmanager's interface does not have, under `/api/belfry/alerting`: the history of notifications, the reasons,
 * the groups with their timers, previews, drills, heartbeats.
 */
export function alertingRoutes(alertmanager: Alertmanager): FastifyPluginAsync {
  return async (app) => {
    await app.register(
      async (scope) => {
        scope.setErrorHandler((error, _request, reply) => {
          const known = toBelfryError(error);
          void reply.status(known.status).send(errorBody(known));
        });
        historyRoutes(scope, alertmanager);
        tryOutRoutes(scope, alertmanager);
        heartbeatRoutes(scope, alertmanager.heartbeats);
      },
      { prefix: '/api/belfry/alerting' },
    );
  };
}

function historyRoutes(scope: FastifyInstance, am: Alertmanager): void {
  scope.get('/notifications', async (request) => ({ notifications: am.notifications(queryOf(parametersOf(request))) }));
  scope.get<{ Params: { id: string } }>('/notifications/:id', async (request) => {
    const found = am.notification(Number(request.params.id));
    if (!found) throw new BelfryError('not_found', `no notification ${request.params.id} is kept`);
    return found;
  });
  scope.get('/in-flight', async () => ({ inFlight: am.inFlight() }));
  scope.get('/why', async (request) => {
    const parameters = parametersOf(request);
    const fingerprint = parameters.get('fingerprint');
    const filters = parameters.getAll('filter');
    if (!fingerprint && filters.length === 0)
      throw new BelfryError('bad_data', 'give a fingerprint, or filter=MATCHER');
    return { alerts: am.why(fingerprint ? { fingerprint } : { matchers: filters.flatMap(parseMatchers) }) };
  });
  scope.get('/groups', async () => ({
    groups: am.groups().map((g) => ({
      receiver: g.route.receiver,
      route: g.route.id,
      groupKey: g.groupKey,
      alerts: g.alerts.length,
      nextFlush: formatTime(g.nextFlushMs),
      ...(g.lastFlushMs === undefined ? {} : { lastFlush: formatTime(g.lastFlushMs) }),
    })),
  }));
}

function tryOutRoutes(scope: FastifyInstance, am: Alertmanager): void {
  scope.post<{ Params: { receiver: string } }>('/preview/:receiver', async (request) => ({
    previews: await am.renderNotification(request.params.receiver, request.body ?? undefined),
  }));
  scope.post<{ Params: { receiver: string } }>('/drill/:receiver', async (request) => ({
    notifications: await am.drill(request.params.receiver, request.body ?? undefined),
  }));
}

function heartbeatRoutes(scope: FastifyInstance, heartbeats: Heartbeats): void {
  scope.get('/heartbeats', async () => ({ heartbeats: heartbeats.list() }));
  // Any method, because what pings is often a webhook or a line of shell.
  scope.all<{ Params: { name: string } }>('/heartbeats/:name/ping', async (request) => {
    heartbeats.ping(request.params.name);
    return { ok: true };
  });
}

function queryOf(parameters: URLSearchParams): NotificationQuery {
  const text = (name: string) => parameters.get(name) || undefined;
  const number = (name: string) => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (!/^\d+$/.test(value))
      throw new BelfryError('bad_data', `${name} must be a whole number, got ${JSON.stringify(value)}`);
    return Number(value);
  };
  const time = (name: string) => (text(name) === undefined ? undefined : parseTime(text(name)!));
  const outcome = text('outcome') as NotificationQuery['outcome'];
  if (outcome && !OUTCOMES.includes(outcome)) {
    throw new BelfryError('bad_data', `outcome must be one of ${OUTCOMES.join(', ')}, got ${JSON.stringify(outcome)}`);
  }
  const query = {
    sinceMs: time('since'),
    untilMs: time('until'),
    beforeId: number('before'),
    receiver: text('receiver'),
    outcome,
    alertname: text('alertname'),
    fingerprint: text('fingerprint'),
    limit: number('limit'),
  };
  return Object.fromEntries(Object.entries(query).filter(([, v]) => v !== undefined)) as NotificationQuery;
}
