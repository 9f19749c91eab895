import { mkdirSync } from 'node:fs';
import { type Alertmanager, createAlertmanager, loadConfigFile, loadHeartbeatsFile } from '@belfry/alerting';
import { alertingRoutes, alertmanagerRoutes, createHttpServer, listen, refuseUnknownPaths } from '@belfry/api';
import { type Clock, parseDuration } from '@belfry/model';
import type { FastifyInstance } from 'fastify';
import type { Logger } from './log.ts';
import { metricsText } from './metrics-text.ts';
import { VERSION } from './version.ts';

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** What moves it, for messages. */
  readonly flag: string;
}

/** A running alert router with its HTTP interface. */
export interface Router {
  readonly alertmanager: Alertmanager;
  /** Reads the configuration file again. A bad one changes nothing. @throws BelfryError `config_invalid` */
  reload(): Promise<void>;
  close(): Promise<void>;
}

export interface RouterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly configFile: string;
  readonly statePath: string;
  /** Empty: that of the first listener. */
  readonly externalUrl: string;
  readonly retention: string;
  readonly listeners: readonly Listener[];
  /** Of expected signs of life; empty: none. */
  readonly heartbeatsFile: string;
  /** How alerts of rules in this process came to be. */
  readonly originOf?: (fingerprint: string) => unknown;
}

/** @throws BelfryError `config_invalid`, `file_unreadable`, `port_in_use`, `data_locked` */
export async function startRouter(options: RouterOptions): Promise<Router> {
  const { clock, log, configFile, listeners } = options;
  const first = listeners[0]!;
  const config = loadConfigFile(configFile);
  const heartbeats = options.heartbeatsFile === '' ? [] : loadHeartbeatsFile(options.heartbeatsFile);
  mkdirSync(options.statePath, { recursive: true });
  const alertmanager = createAlertmanager({
    config,
    clock,
    statePath: options.statePath,
    externalUrl: options.externalUrl || `http://${first.host === '0.0.0.0' ? 'localhost' : first.host}:${first.port}`,
    version: VERSION,
    retentionMs: parseDuration(options.retention),
    logger: log.child({ room: 'alerting' }),
    heartbeats,
    ...(options.originOf ? { originOf: options.originOf } : {}),
  });
  const reload = () => alertmanager.reload(() => loadConfigFile(configFile));
  const apps: FastifyInstance[] = [];
  const close = async () => {
    await Promise.all(apps.map((app) => app.close()));
    await alertmanager.close();
  };
  try {
    for (const { host, port, flag } of listeners) {
      const app = await createHttpServer({
        onInternalError: (error, request) => log.error({ err: error, ...request }, 'internal error'),
      });
      apps.push(app);
      refuseUnknownPaths(app);
      await app.register(
        alertmanagerRoutes(alertmanager, { clock, reload, metrics: () => metricsText(alertmanager.metrics()) }),
      );
      await app.register(alertingRoutes(alertmanager));
      await listen(app, host, port, flag);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { alertmanager, reload, close };
}
