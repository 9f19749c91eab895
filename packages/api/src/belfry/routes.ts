import { BelfryError } from '@belfry/model';
import type { FastifyInstance } from 'fastify';
import { parametersOf } from '../http.ts';
import { parseLimit } from '../prometheus/parameters.ts';

/** Newest notifications shown when the caller sets no limit. */
const DEFAULT_NOTIFICATIONS = 100;

export interface BelfryHost {
  /** Absent when no alert router runs in this process. */
  readonly notifications?: (filter: NotificationFilter) => readonly unknown[];
  readonly why?: (alertname: string) => unknown;
  readonly fleet?: FleetHost;
}

export interface NotificationFilter {
  readonly limit: number;
  readonly receiver?: string;
  readonly alertname?: string;
}

export interface FleetHost {
  list(): readonly unknown[];
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
  app.get<{ Params: { alertname: string } }>('/api/belfry/why/:alertname', async (request) => {
    if (!host.why) throw new BelfryError('not_found', 'no alert router runs in this process');
    return host.why(request.params.alertname);
  });
  fleetRoutes(app, host.fleet);
}

function fleetRoutes(app: FastifyInstance, fleet: FleetHost | undefined): void {
  const present = (): FleetHost => {
    if (fleet) return fleet;
    throw new BelfryError('not_found', 'no fleet runs in this process; `belfry up` runs one');
  };
  app.get('/api/belfry/fleet', async () => ({ services: present().list() }));
  app.post<{ Params: { name: string; action: string } }>('/api/belfry/fleet/:name/:action', async (request) => {
    const { name, action } = request.params;
    if (action === 'start') await present().start(name);
    else if (action === 'stop') await present().stop(name);
    else throw new BelfryError('not_found', `a service can be told start or stop, not ${action}`);
    return { services: present().list() };
  });
  app.post<{ Params: { name: string; breakage: string; state: string } }>(
    '/api/belfry/fleet/:name/breakages/:breakage/:state',
    async (request) => {
      const { name, breakage, state } = request.params;
      if (state !== 'on' && state !== 'off') throw new BelfryError('not_found', `a failure is on or off, not ${state}`);
      await present().setBreakage(name, breakage, state === 'on');
      return { services: present().list() };
    },
  );
}
