import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  alertingRoutes,
  alertmanagerRoutes,
  belfryRoutes,
  createHttpServer,
  grafanaRoutes,
  listen,
  notificationView,
  type PrometheusHost,
  prometheusRootRoutes,
  prometheusRoutes,
  runbookRoutes,
  uiRoutes,
} from '@belfry/api';
import { formatPrometheusConfig, notCarriedOut, redactUrl } from '@belfry/config';
import { BelfryError, type Clock, messageOf, parseDuration } from '@belfry/model';
import { createEngine, type Engine } from '@belfry/promql';
import { createRuleManager, type RuleManager } from '@belfry/rules';
import {
  createScrapeManager,
  type FamilyMetadata,
  metadataView,
  type ScrapeManager,
  scrapePoolsView,
  targetMetadataView,
  targetsView,
} from '@belfry/scrape';
import type { FastifyInstance } from 'fastify';
import { type Alertmanagers, createAlertmanagers } from './alertmanagers.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { dashboardStore } from './dashboards.ts';
import { type FlagValues, parseSize } from './flags.ts';
import type { Fleet } from './fleet.ts';
import { openInbox } from './inbox.ts';
import type { Logger } from './log.ts';
import { towerMetrics } from './metrics.ts';
import { openProvenance, type Provenance } from './provenance.ts';
import { remoteReader } from './remote-read.ts';
import { createRemoteWrites, type RemoteWrites } from './remote-write.ts';
import { type Listener, type Router, startRouter } from './router.ts';
import { type RuleSource, ruleSource } from './rule-source.ts';
import { openStorage, type Storage } from './storage.ts';
import { VERSION } from './version.ts';
import { buildInfo, runtimeInfo, type ServerLife } from './views.ts';

export type { Listener } from './router.ts';

export interface TowerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Those of `belfry serve`, every one with a value. */
  readonly flags: FlagValues;
  /** Each serves the API and the pages. */
  readonly listeners: readonly Listener[];
  /** Where the alert router listens; with `alertmanager.config.file`. */
  readonly alertmanagerListener?: Listener;
  readonly fleet?: Fleet;
  /** Directory of the built pages. */
  readonly pages: string;
  /** Where what the inbox receives is kept; absent: there is no inbox. */
  readonly inboxFile?: string;
}

/** A running tower. */
export interface Tower {
  /** Reads the configuration again; a wrong one changes nothing. @throws BelfryError */
  reload(): Promise<void>;
  /** Resolves when a client asked for the end through `/-/quit`, or the store is lost. */
  readonly quitRequested: Promise<void>;
  close(): Promise<void>;
}

/** The parts of a tower, for those who show them. */
export interface Parts {
  readonly options: TowerOptions;
  readonly engine: Engine;
  readonly storage: Storage;
  readonly scraping: ScrapeManager;
  readonly rules: RuleManager;
  readonly ruleSource: RuleSource;
  readonly alertmanagers: Alertmanagers;
  readonly remoteWrites: RemoteWrites;
  readonly router: Router | undefined;
  readonly life: ServerLife;
  configuration: Configuration;
}

/**
 * Opens the store, starts scraping, rules and the alert router, and listens. When anything of it fails, all is undone.
 * @throws BelfryError `config_invalid`, `data_locked`, `port_in_use`, …
 */
export async function startTower(options: TowerOptions): Promise<Tower> {
  const { flags, log } = options;
  const features: ReadonlySet<string> = new Set(flags['enable-feature']!.split(',').filter((name) => name !== ''));
  const configFile = resolve(flags['config.file']!);
  const configuration = readConfiguration(configFile, features);
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const storage = openStorage(storageSettings(flags, configuration), log.child({ room: 'tsdb' }));
    closers.push(() => storage.close());
    await storage.database.ready;

    const provenance = maybeOpenProvenance(options, () => parts.rules);
    if (provenance) closers.push(() => provenance.close());
    const router = await maybeStartRouter(options, provenance);
    if (router) closers.push(() => router.close());

    const parts = assemble(options, features, configuration, storage, router, provenance);
    closers.push(
      () => parts.remoteWrites.close(),
      () => parts.alertmanagers.close(),
      () => parts.ruleSource.close(),
      () => parts.rules.stop(),
      () => parts.scraping.stop(),
    );

    const reload = serialized(async () => {
      try {
        await putInForce(parts, readConfiguration(configFile, features));
        if (router) await router.reload();
      } catch (error) {
        const text = error instanceof BelfryError ? error.located : messageOf(error);
        parts.life.lastReloadOk = false;
        parts.life.reloadFailure = { text, atMs: options.clock.now() };
        throw error;
      }
      parts.life.lastReloadOk = true;
      log.info({ file: configFile }, 'configuration in force');
    });
    const quit = Promise.withResolvers<void>();
    void storage.lost.then((error) => {
      log.error({ error: error.message }, 'stopping');
      quit.resolve();
    });
    const apps = await openDoors(parts, { reload, quit: quit.resolve }, closers);
    await putInForce(parts, configuration);
    parts.rules.start();
    log.info({ listeners: apps.length }, 'tower started');
    return { reload, quitRequested: quit.promise, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function storageSettings(flags: FlagValues, { loaded }: Configuration) {
  const { tsdb, exemplars } = loaded.config.storage;
  return {
    directory: resolve(flags['storage.tsdb.path']!),
    retentionMs: parseDuration(flags['storage.tsdb.retention.time']!),
    retentionBytes: parseSize(flags['storage.tsdb.retention.size']!, 'storage.tsdb.retention.size'),
    outOfOrderWindowMs: tsdb?.out_of_order_time_window ?? 0,
    maxExemplars: exemplars?.max_exemplars ?? 100_000,
  };
}

function routerStatePath(flags: FlagValues): string {
  return flags['alertmanager.storage.path'] || join(flags['storage.tsdb.path']!, '..', 'alertmanager');
}

/** Where the router runs in this process, it can tell how alerts of the rules in this process came to be. */
function maybeOpenProvenance(options: TowerOptions, rules: () => RuleManager): Provenance | undefined {
  if (!options.alertmanagerListener) return undefined;
  const directory = routerStatePath(options.flags);
  mkdirSync(directory, { recursive: true });
  const log = options.log.child({ room: 'alerting' });
  const open = (file: string) =>
    openProvenance({
      file,
      clock: options.clock,
      explain: (transition, signal) => rules().explain(transition, signal),
      onProblem: (message) => log.warn(message),
    });
  const file = join(directory, 'provenance.db');
  try {
    return open(file);
  } catch (error) {
    // Reasons must never keep anybody from being told.
    log.error(
      { file, error: messageOf(error) },
      'the origins of alerts cannot be opened; they are kept in memory only',
    );
    return open(':memory:');
  }
}

async function maybeStartRouter(
  { clock, log, flags, alertmanagerListener }: TowerOptions,
  provenance: Provenance | undefined,
): Promise<Router | undefined> {
  if (!alertmanagerListener) return undefined;
  return startRouter({
    clock,
    log,
    configFile: flags['alertmanager.config.file']!,
    statePath: routerStatePath(flags),
    ...(provenance ? { originOf: provenance.originOf } : {}),
    externalUrl: '',
    retention: '120h',
    heartbeatsFile: flags['heartbeats.file']!,
    listeners: [alertmanagerListener],
  });
}

function assemble(
  options: TowerOptions,
  features: ReadonlySet<string>,
  configuration: Configuration,
  storage: Storage,
  router: Router | undefined,
  provenance: Provenance | undefined,
): Parts {
  const { clock, log, flags } = options;
  const { database, sink } = storage;
  const nowMs = clock.now();
  const life: ServerLife = { startedMs: nowMs, lastReloadMs: nowMs, lastReloadOk: true };
  const engine = createEngine({
    clock,
    features,
    timeoutMs: parseDuration(flags['query.timeout']!),
    maxSamples: Number(flags['query.max-samples']),
    maxConcurrent: Number(flags['query.max-concurrency']),
    lookbackMs: parseDuration(flags['query.lookback-delta']!),
    defaultStepMs: () => parts.configuration.loaded.config.global.evaluation_interval,
    yieldNow: () => new Promise((resume) => setImmediate(resume)),
  });
  const alertmanagers = createAlertmanagers({
    clock,
    log: log.child({ room: 'notifier' }),
    queueCapacity: Number(flags['alertmanager.notification-queue-capacity']),
    onTold: (alerts) => provenance?.told(alerts),
  });
  const ruleLog = log.child({ room: 'rules' });
  const source = ruleSource({
    clock,
    engine,
    database,
    maxSamples: Number(flags['query.max-samples']),
    timeoutMs: parseDuration(flags['query.timeout']!),
    url: flags['query.url']!,
    onProblem: (message) => ruleLog.warn(message),
  });
  const rules = createRuleManager({
    clock,
    query: source.query,
    writer: database,
    notify: (alerts) => alertmanagers.notifier.send(alerts),
    ...(provenance ? { onTransition: provenance.changed } : {}),
    restore: source.restore,
    log: (message, details) => ruleLog.warn(details, message),
    limits: {
      outageToleranceMs: parseDuration(flags['rules.alert.for-outage-tolerance']!),
      forGracePeriodMs: parseDuration(flags['rules.alert.for-grace-period']!),
      resendDelayMs: parseDuration(flags['rules.alert.resend-delay']!),
    },
  });
  const scrapeLog = log.child({ room: 'scrape' });
  const scraping = createScrapeManager({
    clock,
    sink,
    userAgent: `Belfry/${VERSION}`,
    offsetSeed: configuration.externalLabels.join('\xff'),
    startTimestamps: features.has('created-timestamp-zero-ingestion') || features.has('use-start-timestamps'),
    typeAndUnitLabels: features.has('type-and-unit-labels'),
    onEvent: ({ kind, ...details }) => scrapeLog[kind === 'scrape-failed' ? 'debug' : 'warn'](details, kind),
  });
  const remoteWrites = createRemoteWrites({
    clock,
    random: Math.random,
    log: log.child({ room: 'remote-write' }),
    database,
    directory: resolve(flags['storage.tsdb.path']!),
    flushMs: parseDuration(flags['storage.remote.flush-deadline']!),
    metadata: () => familiesOf(scraping),
  });
  const parts: Parts = {
    options,
    engine,
    storage,
    scraping,
    rules,
    ruleSource: source,
    alertmanagers,
    remoteWrites,
    router,
    life,
    configuration,
  };
  return parts;
}

function familiesOf(scraping: ScrapeManager): FamilyMetadata[] {
  return [...metadataView(scraping)].map(([family, [told]]) => ({ family, ...told! }));
}

async function putInForce(parts: Parts, configuration: Configuration): Promise<void> {
  const { config } = configuration.loaded;
  const { flags, clock } = parts.options;
  // First, because it may be refused, and so that all that is scraped from the start is sent.
  await parts.remoteWrites.apply(config.remote_write, configuration.externalLabels);
  sayNotCarriedOut(parts.options.log, configuration, parts.configuration);
  parts.configuration = configuration;
  parts.alertmanagers.apply(config.alerting, configuration.externalLabels);
  parts.scraping.apply(config.scrape_configs);
  await parts.rules.update({
    files: configuration.ruleFiles,
    intervalMs: config.global.evaluation_interval,
    queryOffsetMs: config.global.rule_query_offset,
    externalLabels: configuration.externalLabels,
    externalUrl: externalUrl(flags, parts.options.listeners),
  });
  parts.life.lastReloadMs = clock.now();
}

/** What is accepted for Prometheus' sake is not passed over in silence. */
function sayNotCarriedOut(log: Logger, { loaded }: Configuration, before: Configuration): void {
  for (const { field, range, message } of notCarriedOut(loaded)) {
    log.warn({ file: loaded.file, line: range.line }, `${field} has no effect here: ${message}`);
  }
  if (JSON.stringify(loaded.config.storage) !== JSON.stringify(before.loaded.config.storage)) {
    log.warn({ file: loaded.file }, 'the storage section has changed: that takes effect at the next start');
  }
}

function externalUrl(flags: FlagValues, listeners: readonly Listener[]): string {
  const given = flags['web.external-url']!;
  if (given !== '') return given.replace(/\/$/, '');
  const { host, port } = listeners[0]!;
  return `http://${host === '0.0.0.0' ? 'localhost' : host}:${port}`;
}

/** One at a time: a reload during a reload waits. */
function serialized(run: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    const next = last.catch(() => {}).then(run);
    last = next;
    return next;
  };
}

async function openDoors(
  parts: Parts,
  lifecycle: { reload: () => Promise<void>; quit: () => void },
  closers: (() => Promise<unknown> | unknown)[],
): Promise<FastifyInstance[]> {
  const { options } = parts;
  const { log, clock, flags } = options;
  const host = prometheusHost(parts, lifecycle);
  const inbox = options.inboxFile ? openInbox(options.inboxFile, clock) : undefined;
  if (inbox) closers.push(() => inbox.close());
  const dashboards = flags['dashboards.path']
    ? dashboardStore(resolve(flags['dashboards.path']), log)
    : { list: () => [] };
  const router = parts.router?.alertmanager;
  const apps: FastifyInstance[] = [];
  for (const { host: address, port, flag } of options.listeners) {
    const app = await createHttpServer({
      corsOrigin: corsPattern(flags['web.cors.origin']!),
      onInternalError: (error, request) => log.error({ err: error, ...request }, 'internal error'),
    });
    apps.push(app);
    closers.push(() => app.close());
    await prometheusRoutes(app, host);
    await prometheusRootRoutes(app, host);
    await grafanaRoutes(app, { version: VERSION, dashboards: dashboards.list });
    if (router) {
      await app.register(alertmanagerRoutes(router, { clock, management: false }));
      await app.register(alertingRoutes(router));
    }
    await belfryRoutes(app, {
      ...(router ? { notifications: (filter) => router.notifications(filter).map(notificationView) } : {}),
      ...(options.fleet ? { fleet: options.fleet } : {}),
      ...(inbox ? { inbox } : {}),
    });
    if (flags['runbooks.path']) await runbookRoutes(app, resolve(flags['runbooks.path']));
    await uiRoutes(app, options.pages);
    await listen(app, address, port, flag);
  }
  return apps;
}

function corsPattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch {
    throw new BelfryError('usage', `--web.cors.origin=${source}: not a regular expression`);
  }
}

function prometheusHost(parts: Parts, lifecycle: { reload: () => Promise<void>; quit: () => void }): PrometheusHost {
  const { options, engine, storage, scraping, rules, alertmanagers, life } = parts;
  const { clock, flags } = options;
  const { database } = storage;
  const list = (parameters: URLSearchParams, name: string) => parameters.getAll(name);
  const optional = (
    parameters: URLSearchParams,
    name: 'type' | 'exclude_alerts' | 'group_limit' | 'group_next_token',
  ) => {
    const value = parameters.get(name);
    return value === null ? {} : { [name]: value };
  };
  return {
    clock,
    engine,
    queryable: database,
    notReady: () => undefined,
    defaultTimeoutMs: parseDuration(flags['query.timeout']!),
    lookbackMs: parseDuration(flags['query.lookback-delta']!),
    externalLabels: () => parts.configuration.externalLabels,
    lifecycle: { enabled: flags['web.enable-lifecycle'] === 'true', ...lifecycle },
    ...(flags['web.enable-admin-api'] === 'true' ? { admin: database } : {}),
    ...(flags['web.enable-remote-write-receiver'] === 'true' ? { receive: storage.receive } : {}),
    read: remoteReader({
      queryable: database,
      externalLabels: () => parts.configuration.externalLabels,
      sampleLimit: Number(flags['storage.remote.read-sample-limit']),
      concurrency: Number(flags['storage.remote.read-concurrent-limit']),
    }),
    metrics: () => towerMetrics(parts),
    views: {
      targets: (state, pool) => targetsView(scraping, state, pool),
      scrapePools: () => scrapePoolsView(scraping),
      targetMetadata: (matchers, metric, limit) =>
        targetMetadataView(scraping, matchers, metric, limit === 0 ? -1 : limit),
      metadata: (metric) => metadataView(scraping, metric),
      rules: (parameters) =>
        rules.rules({
          rule_name: list(parameters, 'rule_name[]'),
          rule_group: list(parameters, 'rule_group[]'),
          file: list(parameters, 'file[]'),
          match: list(parameters, 'match[]'),
          ...optional(parameters, 'type'),
          ...optional(parameters, 'exclude_alerts'),
          ...optional(parameters, 'group_limit'),
          ...optional(parameters, 'group_next_token'),
        }),
      alerts: () => rules.alerts(),
      alertmanagers: () => alertmanagers.notifier.alertmanagers(),
      config: () => formatPrometheusConfig(parts.configuration.loaded.config),
      // The only flag that may hold a password.
      flags: () => ({ ...flags, 'query.url': redactUrl(flags['query.url']!) }),
      runtimeInfo: () => runtimeInfo(clock, life, flags['storage.tsdb.retention.time']!, 0),
      buildInfo,
      tsdbStatus: (limit) => database.tsdbStatus(limit),
      tsdbBlocks: () => database.tsdbBlocks(),
      walReplay: () => database.walReplay(),
      notifications: () => reloadFailures(parts),
    },
  };
}

/** What a person who opens the pages is to know at once: configurations that are not in force. */
function reloadFailures({ life, router }: Parts) {
  const failed = (text: string, atMs: number) => ({
    text: `Configuration reload has failed: ${text}`,
    date: new Date(atMs).toISOString(),
    active: true,
  });
  if (!life.lastReloadOk && life.reloadFailure) return [failed(life.reloadFailure.text, life.reloadFailure.atMs)];
  // The router can also be told to reload on its own port.
  const error = router?.alertmanager.reloadError;
  return error ? [failed(error.located, life.lastReloadMs)] : [];
}
