import { randomInt } from 'node:crypto';
import { type HttpClient, type HttpConfig, httpClient as realHttpClient } from '@belfry/config';
import { BelfryError, type Clock, type Matcher, type Random, seededRandom, systemClock } from '@belfry/model';
import type { RefusedAlert } from './admission.ts';
import type { Alert } from './alert.ts';
import { createAlertStore } from './alert-store.ts';
import type { AlertmanagerConfig } from './config.ts';
import type { DispatcherLimits, GroupView } from './dispatcher.ts';
import { type AlertingEvent, type AlertingLogger, silentLogger } from './events.ts';
import { asBelfryError, guardedWrites } from './guarded-writes.ts';
import { createHeartbeats, type HeartbeatConfig, type Heartbeats } from './heartbeat.ts';
import { createHistory, groupId, type InFlight } from './history.ts';
import { createIntake } from './intake.ts';
import type { Integration } from './integration.ts';
import { repeat } from './maintenance.ts';
import { compileAlertMatchers, matchesAll } from './matchers.ts';
import { createMetrics, heartbeatFamilies, type MetricFamily } from './metrics.ts';
import { createNotificationLog } from './notification-log.ts';
import type { NotificationQuery, StoredNotification } from './provenance.ts';
import {
  type AlertGroup,
  type AlertQuery,
  type GettableAlert,
  type GettableSilence,
  type QueryContext,
  queryAlerts,
  queryGroups,
  querySilences,
  toGettableSilence,
} from './queries.ts';
import { connectReceivers, disconnectReceivers, servableConfig } from './receivers.ts';
import type { Route } from './route.ts';
import { type Lasting, type Runtime, startRuntime } from './runtime.ts';
import {
  createSilences,
  DEFAULT_SILENCE_LIMITS,
  type SilenceLimits,
  type SilenceRequest,
  type Silences,
  silenceState,
} from './silences.ts';
import { openState, type State } from './state.ts';
import { formatApiTime } from './time.ts';
import { drillReceiver, type Preview, previewReceiver, type TryOut } from './try-out.ts';
import { explainAlert, type WhyReport } from './why.ts';

const DEFAULT_RETENTION_MS = 120 * 3600_000;
const MAINTENANCE_MS = 15 * 60_000;
const ALERT_COLLECTION_MS = 30 * 60_000;
const DEFAULT_MAX_NOTIFICATIONS = 20_000;
const DEFAULT_MAX_NOTIFICATION_BYTES = 256 * 1024 * 1024;
const MAX_WHY_REPORTS = 100;
const WHY_NOTIFICATIONS = 20;
const MAX_SEED = 2 ** 32;

export interface AlertmanagerLimits extends DispatcherLimits, SilenceLimits {
  /** Messages of one integration in any minute; more wait. 0: no limit. */
  readonly maxNotificationsPerMinute: number;
  /** Notifications kept in the history, and how much room they may take together. */
  readonly maxStoredNotifications: number;
  readonly maxStoredNotificationBytes: number;
}

const DEFAULT_LIMITS: AlertmanagerLimits = {
  ...DEFAULT_SILENCE_LIMITS,
  maxGroups: 0,
  maxNotificationsPerMinute: 0,
  maxStoredNotifications: DEFAULT_MAX_NOTIFICATIONS,
  maxStoredNotificationBytes: DEFAULT_MAX_NOTIFICATION_BYTES,
};

export interface AlertmanagerOptions {
  /** A checked configuration, or the text of one. */
  readonly config: AlertmanagerConfig | string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Directory of the state; absent: in memory only. */
  readonly statePath?: string;
  /** Under which people reach this router, without a slash at the end; in notifications. */
  readonly externalUrl?: string;
  readonly version?: string;
  /** How long expired silences, the notification log and the history are kept. */
  readonly retentionMs?: number;
  readonly limits?: Partial<AlertmanagerLimits>;
  /** Makes HTTP clients; the seam for tests and rehearsals. */
  readonly httpClient?: (config: HttpConfig) => HttpClient;
  /** Stands in for every real integration: nothing is sent (rehearsals, tests of routes). */
  readonly integrations?: (receiver: string, real: Integration) => Integration;
  readonly logger?: AlertingLogger;
  readonly onEvent?: (event: AlertingEvent) => void;
  /** Signs of life that are expected; their absence becomes an alert. */
  readonly heartbeats?: readonly HeartbeatConfig[];
  /**
   * How an alert came to be, by its fingerprint, when its sender told nothing: where rules run in the same process, they
   * are asked. The answer is kept with notifications as JSON.
   */
  readonly originOf?: (fingerprint: string) => unknown;
  /** Whether to hold alerts that seem resolved only because this process did not run; true unless told. */
  readonly guardAgainstGaps?: boolean;
}

/** `alertmanagerStatus` of API v2. */
export interface AlertmanagerStatus {
  readonly cluster: { readonly status: 'disabled'; readonly peers: readonly [] };
  readonly config: { readonly original: string };
  readonly uptime: string;
  readonly versionInfo: Readonly<
    Record<'branch' | 'buildDate' | 'buildUser' | 'goVersion' | 'revision' | 'version', string>
  >;
}

/** A running alert router. Calls throw BelfryError; what is acknowledged by returning survives a kill of the process. */
export interface Alertmanager {
  /** Takes alerts in, each for itself: what is malformed is named in `refused`, the others count. */
  putAlerts(alerts: unknown): { readonly accepted: number; readonly refused: readonly RefusedAlert[] };
  getAlerts(query?: AlertQuery): GettableAlert[];
  getGroups(query?: AlertQuery): AlertGroup[];
  /** The aggregation groups with their timers, for pages that show what comes next. */
  groups(): GroupView[];
  receivers(): { readonly name: string }[];
  status(): AlertmanagerStatus;
  silences(query?: { readonly filter?: readonly string[]; readonly createdBy?: readonly string[] }): GettableSilence[];
  /** @throws BelfryError `not_found` */
  silence(id: string): GettableSilence;
  /** @returns the id in force. @throws BelfryError `bad_data`, `not_found`, `limit_exceeded` */
  setSilence(request: SilenceRequest): string;
  /** @throws BelfryError `not_found` */
  expireSilence(id: string): void;
  /**
   * Replaces the configuration, keeping all state. A bad one changes nothing, and is remembered in `reloadError`; give a
   * function that reads the file, so that a file that cannot be read is remembered too.
   * @throws BelfryError `config_invalid`, `file_unreadable`, `template_failed`
   */
  reload(config: AlertmanagerConfig | string | (() => AlertmanagerConfig)): Promise<void>;
  /** Undefined when the last reload went well. */
  readonly reloadError: BelfryError | undefined;
  readonly config: AlertmanagerConfig;
  readonly route: Route;
  /** Notifications that were sent, failed or held back, newest first. */
  notifications(query?: NotificationQuery): StoredNotification[];
  notification(id: number): StoredNotification | undefined;
  /** Notifications that are being tried again at this moment, because their receivers do not take them. */
  inFlight(): InFlight[];
  /** Why alerts are, or are not, told: by fingerprint, or all that match. */
  why(which: { readonly fingerprint: string } | { readonly matchers: readonly Matcher[] }): WhyReport[];
  /** What every integration of a receiver would send for these alerts (a sample when none are given). Sends nothing. */
  renderNotification(receiver: string, alerts?: unknown): Promise<Preview[]>;
  /** Sends a message that is marked as a drill, and records it. */
  drill(receiver: string, alerts?: unknown): Promise<StoredNotification[]>;
  metrics(): MetricFamily[];
  /** The expected signs of life; those of `options.heartbeats`. */
  readonly heartbeats: Heartbeats;
  /** Stops timers and what is being sent, and closes the state. */
  close(): Promise<void>;
}

/** Starts an alert router. @throws BelfryError `config_invalid`, `data_locked`, `data_corrupt`, `file_unreadable` */
export function createAlertmanager(options: AlertmanagerOptions): Alertmanager {
  const core = assemble(options);
  const { clock, lasting, state, metrics, heartbeats, intake, tower } = core;
  const { silences, store, log, history } = lasting;
  const { onEvent = () => {} } = options;
  const now = () => clock.now();
  const context = (): QueryContext => {
    const { route, pipeline, config } = tower.runtime;
    return { nowMs: now(), route, store, inhibitor: pipeline.inhibitor, silences, intervals: config.timeIntervals };
  };
  const tryOut = (): TryOut => {
    const { route, pipeline } = tower.runtime;
    return { route, receivers: pipeline.integrations, clock, random: lasting.random, remember: history.remember };
  };
  return {
    putAlerts: intake.put,
    getAlerts: (query = {}) => queryAlerts(context(), query),
    getGroups: (query = {}) => queryGroups(context(), tower.runtime.dispatcher.groups(), query),
    groups: () => tower.runtime.dispatcher.groups(),
    receivers: () => tower.runtime.config.receivers.map(({ name }) => ({ name })),
    status: () => statusOf(tower.runtime.config, core.startedMs, options.version ?? ''),
    silences: (query = {}) => querySilences(silences, now(), query),
    silence(id) {
      const found = silences.get(id);
      if (!found) throw new BelfryError('not_found', `silence ${id} not found`);
      return toGettableSilence(found, now());
    },
    setSilence(request) {
      const id = silences.set(request);
      onEvent({ kind: 'silence_set', id });
      return id;
    },
    expireSilence(id) {
      silences.expire(id);
      onEvent({ kind: 'silence_expired', id });
    },
    reload: core.reload,
    get reloadError() {
      return tower.reloadError;
    },
    get config() {
      return tower.runtime.config;
    },
    get route() {
      return tower.runtime.route;
    },
    notifications: (query = {}) => state.notifications(query),
    notification: (id) => state.notification(id),
    inFlight: history.inFlight,
    why(which) {
      const matchers = 'matchers' in which ? compileAlertMatchers(which.matchers) : [];
      const chosen = [...store.list()]
        .filter((a) => ('fingerprint' in which ? a.fingerprint === which.fingerprint : matchesAll(matchers, a.labels)))
        .slice(0, MAX_WHY_REPORTS);
      const notificationsOf = (fingerprint: string) => state.notifications({ fingerprint, limit: WHY_NOTIFICATIONS });
      const { dispatcher, pipeline } = tower.runtime;
      const { integrations } = pipeline;
      const { originOf } = intake;
      const whole = { ...context(), groups: dispatcher.groups(), log, integrations, originOf, notificationsOf };
      return chosen.map((alert) => explainAlert(whole, alert));
    },
    renderNotification: (receiver, posted) => previewReceiver(tryOut(), receiver, posted),
    drill: (receiver, posted) => drillReceiver(tryOut(), receiver, posted),
    metrics: () => [
      ...metrics.families(readGauges(context(), silences, tower)),
      ...heartbeatFamilies(heartbeats.list()),
    ],
    heartbeats,
    close: core.close,
  };
}

/** What changes with a reload. */
interface Tower {
  runtime: Runtime;
  reloadError: BelfryError | undefined;
  lastReloadMs: number;
}

/** Makes all the parts and connects them. */
function assemble(options: AlertmanagerOptions) {
  const clock = options.clock ?? systemClock;
  const { onEvent = () => {}, logger = silentLogger, retentionMs = DEFAULT_RETENTION_MS } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const connect = connector(options, clock, limits);
  const config = servableConfig(options.config);
  // Whatever can be wrong with the configuration comes before the state is opened and locked.
  const receivers = connect(config);
  const state = openState(options.statePath);
  const attempt = guardedWrites(logger, onEvent);
  const metrics = createMetrics();
  const store = createAlertStore(revive(state, clock.now()));
  const silences = createSilences({
    now: () => clock.now(),
    initial: state.silences,
    storage: state,
    retentionMs,
    limits,
  });
  // What was told stays told when the disk cannot take it: only a restart may then tell it again.
  const log = createNotificationLog(state.logEntries, {
    putLogEntry: (entry) => void attempt(() => state.putLogEntry(entry)),
    deleteLogEntries: (entries) => state.deleteLogEntries(entries),
  });
  const intake = createIntake({
    clock,
    store,
    state,
    metrics,
    logger,
    onEvent,
    attempt,
    guardAgainstGaps: options.guardAgainstGaps ?? true,
    originOf: options.originOf ?? (() => undefined),
    runtime: () => tower.runtime,
  });
  const history = createHistory({ state, metrics, logger, onEvent, attempt, originOf: intake.originOf });
  const lasting: Lasting = {
    clock,
    random: options.random ?? seededRandom(randomInt(MAX_SEED)),
    store,
    silences,
    log,
    history,
    limits,
    retentionMs,
    attempt,
    beforeFlush: intake.checkForGap,
    onLimit(error) {
      logger.error({ err: error.message }, 'an alert is in no group');
      onEvent({ kind: 'limit', error });
    },
  };
  const startedMs = clock.now();
  const tower: Tower = {
    runtime: startRuntime(lasting, config, receivers),
    reloadError: undefined,
    lastReloadMs: startedMs,
  };
  const heartbeats = createHeartbeats({
    heartbeats: options.heartbeats ?? [],
    clock,
    putAlerts: (alerts) => void attempt(() => intake.put(alerts)),
    lastSeen: (name) => state.heartbeat(name),
    onPing: (name, atMs) => state.putHeartbeat(name, atMs),
  });
  const jobs = startJobs({ lasting, state, intake, tower, limits });
  const reload = reloader(lasting, tower, connect, onEvent);
  const close = closer([...jobs, { stop: heartbeats.close }, { stop: intake.stop }], tower, state);
  return { clock, lasting, state, metrics, heartbeats, intake, tower, startedMs, reload, close };
}

function connector(options: AlertmanagerOptions, clock: Clock, limits: AlertmanagerLimits) {
  const userAgent = `Alertmanager/${options.version ?? 'belfry'}`;
  const parts = {
    clock,
    userAgent,
    externalUrl: (options.externalUrl ?? 'http://localhost:9093').replace(/\/$/, ''),
    httpClient: options.httpClient ?? ((http: HttpConfig) => realHttpClient(http, { clock, userAgent })),
    maxNotificationsPerMinute: limits.maxNotificationsPerMinute,
    replace: options.integrations ?? ((_receiver: string, real: Integration) => real),
  };
  return (config: AlertmanagerConfig) => connectReceivers(config, parts);
}

/** One reload after the other; a bad configuration leaves the old one at work. */
function reloader(
  lasting: Lasting,
  tower: Tower,
  connect: ReturnType<typeof connector>,
  onEvent: (event: AlertingEvent) => void,
): Alertmanager['reload'] {
  const reloadOnce = async (config: Parameters<Alertmanager['reload']>[0]) => {
    try {
      const next = servableConfig(typeof config === 'function' ? config() : config);
      // Whatever can fail comes before the old configuration stops working.
      const receivers = connect(next);
      const old = tower.runtime;
      await old.dispatcher.stop();
      tower.runtime = startRuntime(lasting, next, receivers);
      tower.reloadError = undefined;
      tower.lastReloadMs = lasting.clock.now();
      await disconnectReceivers(old.pipeline.integrations);
      onEvent({ kind: 'reloaded' });
    } catch (error) {
      tower.reloadError = asBelfryError(error);
      onEvent({ kind: 'reload_failed', error: tower.reloadError });
      throw tower.reloadError;
    }
  };
  let last: Promise<void> = Promise.resolve();
  return (config) => {
    last = last.catch(() => undefined).then(() => reloadOnce(config));
    return last;
  };
}

function closer(parts: readonly { stop(): void }[], tower: Tower, state: State): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const close = async () => {
    for (const part of parts) part.stop();
    await tower.runtime.dispatcher.stop();
    await disconnectReceivers(tower.runtime.pipeline.integrations);
    state.close();
  };
  return () => {
    closing ??= close();
    return closing;
  };
}

/** Forgets what is too old, now and then. */
function startJobs(parts: {
  readonly lasting: Lasting;
  readonly state: State;
  readonly intake: ReturnType<typeof createIntake>;
  readonly tower: Tower;
  readonly limits: AlertmanagerLimits;
}) {
  const { lasting, state, intake, tower, limits } = parts;
  const { clock, attempt, silences, log, history, retentionMs } = lasting;
  return [
    repeat(clock, MAINTENANCE_MS, attempt, (nowMs) => {
      silences.collect(nowMs);
      log.collect(nowMs);
      history.collect(new Set(tower.runtime.dispatcher.groups().map((g) => groupId(g.route.id, g.groupKey))));
      state.trimNotifications({
        maxRows: limits.maxStoredNotifications,
        maxBytes: limits.maxStoredNotificationBytes,
        beforeMs: nowMs - retentionMs,
      });
    }),
    repeat(clock, ALERT_COLLECTION_MS, attempt, (nowMs) => {
      intake.collect(nowMs);
      tower.runtime.pipeline.inhibitor.collect(nowMs);
    }),
  ];
}

/** Alerts as they were when a process last ran, firing ones given the time back in which nobody could renew them. */
function revive(state: State, nowMs: number): Alert[] {
  const { lastAliveMs } = state;
  if (lastAliveMs === undefined) return [...state.alerts];
  const goneMs = Math.max(0, nowMs - lastAliveMs);
  return state.alerts.map((a) => (a.endsAtMs > lastAliveMs ? { ...a, endsAtMs: a.endsAtMs + goneMs } : a));
}

function statusOf(config: AlertmanagerConfig, startedMs: number, version: string): AlertmanagerStatus {
  return {
    cluster: { status: 'disabled', peers: [] },
    config: { original: config.masked },
    uptime: formatApiTime(startedMs),
    versionInfo: { branch: '', buildDate: '', buildUser: '', goVersion: '', revision: '', version },
  };
}

function readGauges(context: QueryContext, silences: Silences, { runtime, reloadError, lastReloadMs }: Tower) {
  const states = { active: 0, pending: 0, expired: 0 };
  for (const s of silences.list()) states[silenceState(s, context.nowMs)]++;
  const alerts = queryAlerts(context, {});
  const active = alerts.filter((a) => a.status.state === 'active').length;
  return {
    alerts: { active, suppressed: alerts.length - active },
    silences: states,
    groups: runtime.dispatcher.groups().length,
    integrations: [...runtime.pipeline.integrations.values()].flat().length,
    receivers: runtime.pipeline.integrations.size,
    lastReloadOk: reloadError === undefined,
    lastReloadMs,
  };
}
