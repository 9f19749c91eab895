import { BelfryError } from '@belfry/model';
import type { FastifyInstance } from 'fastify';
import { parametersOf } from '../http.ts';
import { parseLimit } from '../prometheus/parameters.ts';

/** Newest notifications shown when the caller sets no limit. */
const DEFAULT_NOTIFICATIONS = 100;

export interface BelfryHost {
  /** Absent when no alert router runs in this process. */
  readonly notifications?: (filter: NotificationFilter) => readonly unknown[];
  readonly fleet?: FleetHost;
  readonly inbox?: InboxHost;
}

/** A webhook receiver inside of Belfry. */
export interface InboxHost {
  receive(payload: unknown): void;
  received(limit: number): readonly unknown[];
}

export interface NotificationFilter {
  readonly limit: number;
  readonly receiver?: string;
  readonly alertname?: string;
}

export interface FleetHost {
  list(): Promise<readonly unknown[]>;
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  setBreakage(name: string, breakage: string, active: boolean): Promise<void>;
}

/** What no other system's API has: notifications with their reasons, and the fleet of reference services. */
export async function belfryRoutes(app: FastifyInstance, host: BelfryHost): Promise<void> {
  app.get('/api/belfry/notifications', async (request) => {
    if (!host.notifications) throw new BelfryError('not_found', 'no alert router runs in this process');
    const parameters = parametersOf(request);
    const receiver = parameters.get('receiver');
    const alertname = parameters.get('alertname');
    return {
      notifications: host.notifications({
        limit: parseLimit(parameters) || DEFAULT_NOTIFICATIONS,
        ...(receiver ? { receiver } : {}),
        ...(alertname ? { alertname } : {}),
      }),
    };
  });
  fleetRoutes(app, host.fleet);
  inboxRoutes(app, host.inbox);
}

function inboxRoutes(app: FastifyInstance, inbox: InboxHost | undefined): void {
  const present = (): InboxHost => {
    if (inbox) return inbox;
    throw new BelfryError('not_found', 'no inbox is kept in this process');
  };
  app.get('/api/belfry/inbox', async (request) => {
    const limit = parseLimit(parametersOf(request)) || DEFAULT_NOTIFICATIONS;
    return { received: present().received(limit) };
  });
  app.post('/api/belfry/inbox', async (request) => {
    const payload = request.body as { alerts?: unknown } | undefined;
    if (!Array.isArray(payload?.alerts)) {
      throw new BelfryError('bad_data', 'expected the JSON that Alertmanager sends to webhooks, with a list `alerts`');
    }
    present().receive(payload);
    return { received: payload.alerts.length };
  });
}

function fleetRoutes(app: FastifyInstance, fleet: FleetHost | undefined): void {
  const present = (): FleetHost => {
    if (fleet) return fleet;
    throw new BelfryError('not_found', 'no fleet runs in this process; `belfry up` runs one');
  };
  app.get('/api/belfry/fleet', async () => ({ services: await present().list() }));
  app.post<{ Params: { name: string; action: string } }>('/api/belfry/fleet/:name/:action', async (request) => {
    const { name, action } = request.params;
    if (action === 'start') await present().start(name);
    else if (action === 'stop') await present().stop(name);
    else throw new BelfryError('not_found', `a service can be told start or stop, not ${action}`);
    return { services: await present().list() };
  });
  app.post<{ Params: { name: string; breakage: string; state: string } }>(
    '/api/belfry/fleet/:name/breakages/:breakage/:state',
    async (request) => {
      const { name, breakage, state } = request.params;
      if (state !== 'on' && state !== 'off') throw new BelfryError('not_found', `a failure is on or off, not ${state}`);
      await present().setBreakage(name, breakage, state === 'on');
      return { services: await present().list() };
    },
  );
}
