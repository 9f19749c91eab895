/** The common body of a reference service: two HTTP listeners, telemetry about itself, incidents, and a graceful end. */
import { BelfryError, type Clock, messageOf, systemClock } from '@belfry/model';
import { createRegistry, type InstrumentRegistry } from '@belfry/sdk/instruments';
import { type FastifyInstance, fastify } from 'fastify';
import type { Breakages } from './breakages.ts';
import { type ConnectCode, connectErrors } from './connect.ts';
import { chooseFormat, expose } from './exposition.ts';
import { createLogger, type Logger, type LogSink } from './log.ts';
import { type RuntimeInstruments, type RuntimeNumbers, recordRuntime } from './runtime.ts';

export interface ServiceOptions {
  readonly name: string;
  readonly version: string;
  /** As `target_info` tells it. Default: the name. */
  readonly resourceName?: string | undefined;
  readonly clock?: Clock;
  readonly api: Listener;
  /** Absent: metrics are served with the API only. */
  readonly metrics?: Listener | undefined;
  readonly logLevel?: string;
  /** Where log lines go. Default: standard output. */
  readonly logSink?: LogSink;
}

export interface Listener {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** How the user chooses another port, for the message when this one is taken. */
  readonly chosenBy: string;
}

export interface ServiceParts {
  readonly instruments: RuntimeInstruments;
  readonly breakages: Breakages;
  /** Called before each scrape is answered, with the process' numbers. */
  readonly beforeScrape?: (numbers: RuntimeNumbers) => void;
  readonly extraMemoryBytes?: () => number;
  /** A request was refused before it reached a procedure. */
  readonly refused?: (path: string, code: ConnectCode) => void;
}

export interface Service {
  readonly clock: Clock;
  readonly registry: InstrumentRegistry;
  readonly log: Logger;
  /** The API's server; add routes before {@link Service.listen}. */
  readonly app: FastifyInstance;
  /** Installs what every service serves: `/metrics`, `/health`, `/_/breakages`. */
  install(parts: ServiceParts): void;
  /** @throws BelfryError `port_in_use`, naming the port and how to choose another */
  listen(): Promise<Ports>;
  /** Refuses new connections, lets running requests end, and frees the ports. */
  close(): Promise<void>;
}

export interface Ports {
  readonly api: number;
  /** Of the metrics; that of the API where they have no port of their own. */
  readonly metrics: number;
}

const MAX_BODY_BYTES = 4 << 20;
const MILLISECONDS_PER_SECOND = 1000;

export function createService(options: ServiceOptions): Service {
  const clock = options.clock ?? systemClock;
  const registry = createRegistry();
  let instruments: RuntimeInstruments | undefined;
  const log = createLogger(options.name, {
    level: options.logLevel ?? 'info',
    sink: options.logSink ?? process.stdout,
    count: (level) => instruments?.logEntries.inc({ level }),
  });
  const app = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true });
  const metricsApp = options.metrics ? fastify({ forceCloseConnections: true }) : undefined;
  let stop = () => {};
  return {
    clock,
    registry,
    log,
    app,
    install(parts) {
      instruments = parts.instruments;
      const runtime = recordRuntime(clock, parts.instruments, parts.extraMemoryBytes ?? (() => 0));
      stop = runtime.close;
      const scrape = () => parts.beforeScrape?.(runtime.record());
      parts.instruments.targetInfo.set({
        service_name: options.resourceName ?? options.name,
        service_namespace: 'unkey',
        service_version: options.version,
      });
      connectErrors(app, parts.refused ?? (() => {}));
      serveMetrics(app, registry, parts.instruments, scrape);
      serveBreakages(app, parts.breakages, log);
      observeRequests(app, clock, parts.instruments);
      if (metricsApp) {
        serveMetrics(metricsApp, registry, parts.instruments, scrape);
        serveHealth(metricsApp, options, clock);
      }
    },
    async listen() {
      try {
        const api = await bind(app, options.name, options.api);
        const metrics = metricsApp && options.metrics ? await bind(metricsApp, options.name, options.metrics) : api;
        return { api, metrics };
      } catch (error) {
        await this.close();
        throw error;
      }
    },
    async close() {
      stop();
      await Promise.all([app.close(), metricsApp?.close()]);
    },
  };
}

async function bind(app: FastifyInstance, service: string, { address, port, chosenBy }: Listener): Promise<number> {
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    throw new BelfryError(
      'port_in_use',
      `${service}: port ${port} on ${address} is in use; choose another with ${chosenBy}`,
      {
        cause: error,
      },
    );
  }
  return (app.server.address() as { port: number }).port;
}

function serveMetrics(
  app: FastifyInstance,
  registry: InstrumentRegistry,
  instruments: RuntimeInstruments,
  scrape: () => void,
): void {
  app.get('/metrics', async (request, reply) => {
    const format = chooseFormat(request.headers.accept);
    scrape();
    const text = await expose(registry, format);
    instruments.metricsRequests.inc({ code: '200' });
    return reply.header('content-type', format).send(text);
  });
}

function serveHealth(app: FastifyInstance, options: ServiceOptions, clock: Clock): void {
  const startedMs = clock.monotonic();
  app.get('/health', () => ({
    status: 'ok',
    service: options.name,
    version: options.version,
    uptime_seconds: (clock.monotonic() - startedMs) / MILLISECONDS_PER_SECOND,
  }));
}

/** `GET` lists the incidents; `POST {"name", "on"}` switches one. */
function serveBreakages(app: FastifyInstance, breakages: Breakages, log: Logger): void {
  app.get('/_/breakages', () => ({ incidents: breakages.list() }));
  app.post('/_/breakages', (request, reply) => {
    const { name, on } = (request.body ?? {}) as { name?: unknown; on?: unknown };
    if (typeof name !== 'string' || typeof on !== 'boolean') {
      return reply
        .code(400)
        .send({ code: 'invalid_argument', message: 'send {"name": "<incident>", "on": true or false}' });
    }
    try {
      breakages.set(name, on);
    } catch (error) {
      return reply.code(404).send({ code: 'not_found', message: messageOf(error) });
    }
    log.warn({ incident: name, on }, on ? 'incident began' : 'incident ended');
    return { incidents: breakages.list() };
  });
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE']);

function observeRequests(app: FastifyInstance, clock: Clock, instruments: RuntimeInstruments): void {
  const began = new WeakMap<object, number>();
  app.addHook('onRequest', (request, _, done) => {
    began.set(request, clock.monotonic());
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    // The route's pattern, not what was asked for: a stranger must not be able to invent label values.
    const endpoint = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
    const method = (METHODS.has(request.method) ? request.method : 'OTHER') as 'GET';
    instruments.httpRequests.inc({ endpoint, method, code: String(reply.statusCode) });
    const from = began.get(request);
    if (from !== undefined) {
      instruments.httpDuration.observe((clock.monotonic() - from) / MILLISECONDS_PER_SECOND, { endpoint });
    }
    done();
  });
}
