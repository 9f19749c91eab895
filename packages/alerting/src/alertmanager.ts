import { randomInt } from 'node:crypto';
import type { HttpClient, HttpConfig } from '@belfry/config';
import { httpClient as realHttpClient } from '@belfry/config';
import {
  BelfryError,
  type Clock,
  deadline,
  labelsFrom,
  type Matcher,
  messageOf,
  type Random,
  seededRandom,
  systemClock,
} from '@belfry/model';
import { admit, type RefusedAlert } from './admission.ts';
import { type Alert, isResolved, NO_TIME } from './alert.ts';
import { createAlertStore } from './alert-store.ts';
import { type AlertmanagerConfig, loadConfig } from './config.ts';
import { createDispatcher, type Dispatcher, type DispatcherLimits, type GroupView } from './dispatcher.ts';
import { type AlertingEvent, type AlertingLogger, silentLogger } from './events.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Flush } from './flush.ts';
import { createHeartbeats, type HeartbeatConfig, type Heartbeats } from './heartbeat.ts';
import { createInhibitor } from './inhibitor.ts';
import type { Integration, SentPayload } from './integration.ts';
import { createIntegration, unsupportedReason } from './integrations.ts';
import { compileAlertMatchers, matchesAll } from './matchers.ts';
import { createMetrics, type MetricFamily } from './metrics.ts';
import { createNotificationLog } from './notification-log.ts';
import { type FlushOutcome, type Pipeline, runPipeline } from './pipeline.ts';
import {
  describeAlert,
  type NotificationQuery,
  type NotificationRecord,
  recordsOf,
  type StoredNotification,
} from './provenance.ts';
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
import { createRateLimit } from './rate-limit.ts';
import { createRenderer } from './renderer.ts';
import { buildRoute, groupLabelsOf, matchRoutes, type Route } from './route.ts';
import {
  createSilences,
  DEFAULT_SILENCE_LIMITS,
  type SilenceLimits,
  type SilenceRequest,
  type Silences,
  silenceState,
} from './silences.ts';
import { sendStage } from './stage-send.ts';
import { openState, type State } from './state.ts';
import { watchForGaps } from './suspend-guard.ts';
import { formatApiTime } from './time.ts';
import { explainAlert, type WhyReport } from './why.ts';

const DEFAULT_RETENTION_MS = 120 * 3600_000;
const MAINTENANCE_MS = 15 * 60_000;
const ALERT_COLLECTION_MS = 30 * 60_000;
const DEFAULT_MAX_NOTIFICATIONS = 20_000;
const MAX_WHY_REPORTS = 100;
const WHY_NOTIFICATIONS = 20;
const MAX_SEED = 2 ** 32;
const DRILL_TIMEOUT_MS = 10_000;

export interface AlertmanagerLimits extends DispatcherLimits, SilenceLimits {
  /** Messages of one integration in any minute; more wait. 0: no limit. */
  readonly maxNotificationsPerMinute: number;
  /** Notifications kept in the history. */
  readonly maxStoredNotifications: number;
}

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

/** What a receiver would be told. */
export interface Preview {
  readonly receiver: string;
  readonly integration: string;
  readonly payloads: readonly SentPayload[];
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

interface Runtime {
  readonly config: AlertmanagerConfig;
  readonly route: Route;
  readonly pipeline: Pipeline;
  readonly dispatcher: Dispatcher;
}

/** Starts an alert router. @throws BelfryError `config_invalid`, `data_locked`, `data_corrupt`, `file_unreadable` */
export function createAlertmanager(options: AlertmanagerOptions): Alertmanager {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? seededRandom(randomInt(MAX_SEED));
  const { onEvent = () => {}, logger = silentLogger } = options;
  const externalUrl = (options.externalUrl ?? 'http://localhost:9093').replace(/\/$/, '');
  const retentionMs = options.retentionMs ?? DEFAULT_RETENTION_MS;
  const limits: AlertmanagerLimits = {
    ...DEFAULT_SILENCE_LIMITS,
    maxGroups: 0,
    maxNotificationsPerMinute: 0,
    maxStoredNotifications: DEFAULT_MAX_NOTIFICATIONS,
    ...options.limits,
  };
  const startedMs = clock.now();
  const first = checked(options.config);
  const state = openState(options.statePath);
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
  const origins = new Map<string, unknown>();
  const originOf = (fingerprint: string) => origins.get(fingerprint);
  const lastSuppressed = new Map<string, string>();
  const metrics = createMetrics();
  let closed = false;
  let reloadError: BelfryError | undefined;
  let lastReloadMs = startedMs;
  let runtime = start(first, connect(first));

  function start(config: AlertmanagerConfig, integrations: ReadonlyMap<string, readonly Integration[]>): Runtime {
    const inhibitor = createInhibitor(config.inhibitRules, store.list());
    const pipeline: Pipeline = {
      clock,
      random,
      inhibitor,
      silences,
      intervals: config.timeIntervals,
      log,
      integrations,
      retentionMs,
    };
    const route = buildRoute(config.route);
    const onLimit = (error: BelfryError) => {
      logger.error({ err: error.message }, 'an alert is in no group');
      onEvent({ kind: 'limit', error });
    };
    const dispatcher = createDispatcher({
      clock,
      route,
      limits,
      flush: (flush, alerts) => flushGroup(pipeline, flush, alerts),
      beforeFlush: () => guard?.check(),
      onLimit,
    });
    for (const alert of store.list()) dispatcher.insert(alert);
    return { config, route, pipeline, dispatcher };
  }

  function connect(config: AlertmanagerConfig): Map<string, Integration[]> {
    const userAgent = `Alertmanager/${options.version ?? 'belfry'}`;
    const httpClient = options.httpClient ?? ((http) => realHttpClient(http, { clock, userAgent }));
    const renderer = createRenderer(config.templates, clock);
    const dependencies = { clock, renderer, externalUrl, httpClient, userAgent };
    return new Map(
      config.receivers.map((receiver) => [
        receiver.name,
        receiver.integrations.map((entry) => {
          const real = createIntegration(receiver.name, entry, dependencies);
          const integration = options.integrations?.(receiver.name, real) ?? real;
          return limited(integration, limits.maxNotificationsPerMinute, clock);
        }),
      ]),
    );
  }

  async function flushGroup(pipeline: Pipeline, flush: Flush, alerts: readonly Alert[]): Promise<boolean> {
    try {
      const outcome = await runPipeline(pipeline, flush, alerts);
      keep(
        interrupted(flush) ? { ...outcome, outcomes: outcome.outcomes.filter((o) => o.outcome === 'sent') } : outcome,
      );
      return outcome.ok;
    } catch (error) {
      // The state could not be written: the group stays as it is and tries again at its next flush.
      failed(error);
      return false;
    }
  }

  /** For writes whose failure must not stop the work at hand. */
  function attempt<T>(write: () => T): T | undefined {
    try {
      return write();
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  function failed(error: unknown) {
    const problem =
      error instanceof BelfryError ? error : new BelfryError('internal', messageOf(error), { cause: error });
    logger.error({ err: problem.message }, 'the state of the alert router could not be written');
    onEvent({ kind: 'state_failed', error: problem });
  }

  function keep(outcome: FlushOutcome) {
    const { flush, screening } = outcome;
    for (const o of outcome.outcomes) {
      if (!o.delivery) continue;
      metrics.notified(o.integration.type, o.delivery.ok, failureReason(o.delivery.attempts.at(-1)?.status));
      for (const a of o.delivery.attempts) metrics.attempted(o.integration.type, a.ok, a.latencyMs);
      if (!o.delivery.ok) logger.warn({ receiver: flush.route.receiver, err: o.reason }, 'notification failed');
    }
    for (const d of screening.decisions) if (d.decision !== 'passed') metrics.suppressed(d.decision, 1);
    for (const record of recordsOf(outcome, originOf)) if (isNews(record)) remember(record);
    if (screening.passed.length > 0) lastSuppressed.delete(groupId(flush));
  }

  /** A group held back for the same reasons as at its last flush is not told again. */
  function isNews(record: NotificationRecord): boolean {
    if (record.outcome !== 'suppressed') return true;
    const id = `${record.route}\xff${record.groupKey}`;
    const content = record.alerts.map((a) => `${a.fingerprint}${a.status}${a.reason}`).join();
    if (lastSuppressed.get(id) === content) return false;
    lastSuppressed.set(id, content);
    return true;
  }

  function remember(record: NotificationRecord): StoredNotification {
    const stored = { id: attempt(() => state.addNotification(record)) ?? 0, ...record };
    onEvent({ kind: 'notification', notification: stored });
    return stored;
  }

  function accept(alerts: readonly Alert[]) {
    const nowMs = clock.now();
    const current = alerts.map((alert) => store.put(alert, nowMs));
    for (const alert of current) {
      runtime.pipeline.inhibitor.observe(alert);
      runtime.dispatcher.insert(alert);
    }
    // Last: an alert must be told even when the disk is full. The sender learns of the failure and sends again.
    state.putAlerts(current);
  }

  function context(): QueryContext {
    const { route, pipeline } = runtime;
    return { nowMs: clock.now(), route, store, inhibitor: pipeline.inhibitor, silences, intervals: pipeline.intervals };
  }

  const guard =
    options.guardAgainstGaps === false
      ? undefined
      : watchForGaps(clock, bridgeGap, (nowMs) => void attempt(() => state.markAlive(nowMs)));
  if (guard) state.markAlive(clock.now());

  /** Nobody could renew an alert while this process did not run: its time is made longer by as much. */
  function bridgeGap(gapMs: number, sinceMs: number) {
    const extended = [...store.list()]
      .filter((a) => a.endsAtMs > sinceMs && a.endsAtMs <= clock.now() + gapMs)
      .map((a) => ({ ...a, endsAtMs: a.endsAtMs + gapMs }));
    attempt(() => accept(extended));
    logger.warn(
      { gapMs, alerts: extended.length },
      'time went on without this process; alerts are held until they can be renewed',
    );
    onEvent({ kind: 'time_gap', gapMs, extended: extended.length });
  }

  const maintain = (everyMs: number, work: (nowMs: number) => void) => {
    const timer = { cancel() {} };
    const run = () => {
      attempt(() => work(clock.now()));
      timer.cancel = clock.after(everyMs, run, { background: true }).cancel;
    };
    timer.cancel = clock.after(everyMs, run, { background: true }).cancel;
    return timer;
  };
  const timers = [
    maintain(MAINTENANCE_MS, (nowMs) => {
      silences.collect(nowMs);
      log.collect(nowMs);
      const live = new Set(runtime.dispatcher.groups().map((g) => `${g.route.id}\xff${g.groupKey}`));
      for (const id of lastSuppressed.keys()) if (!live.has(id)) lastSuppressed.delete(id);
      state.trimNotifications(limits.maxStoredNotifications, nowMs - retentionMs);
    }),
    maintain(ALERT_COLLECTION_MS, (nowMs) => {
      const gone = store.collect(nowMs);
      state.deleteAlerts(gone);
      for (const fingerprint of gone) origins.delete(fingerprint);
      runtime.pipeline.inhibitor.collect(nowMs);
    }),
  ];

  const put = (posted: unknown) => {
    guard?.check();
    const { alerts, refused } = admit(posted, clock.now(), runtime.config.global.resolve_timeout);
    for (const { alert, origin } of alerts) if (origin !== undefined) origins.set(alert.fingerprint, origin);
    accept(alerts.map((a) => a.alert));
    const nowMs = clock.now();
    const resolved = alerts.filter((a) => isResolved(a.alert, nowMs)).length;
    metrics.received('resolved', resolved);
    metrics.received('firing', alerts.length - resolved);
    metrics.invalid(refused.length);
    onEvent({ kind: 'alerts_received', accepted: alerts.length, refused: refused.length });
    return { accepted: alerts.length, refused };
  };

  const heartbeats = createHeartbeats({
    heartbeats: options.heartbeats ?? [],
    clock,
    putAlerts: (alerts) => void attempt(() => put(alerts)),
    lastSeen: (name) => state.heartbeat(name),
    onPing: (name, atMs) => state.putHeartbeat(name, atMs),
  });

  function integrationsOf(receiver: string): readonly Integration[] {
    const found = runtime.pipeline.integrations.get(receiver);
    if (found) return found;
    const names = [...runtime.pipeline.integrations.keys()].join(', ');
    throw new BelfryError('not_found', `no receiver is called ${JSON.stringify(receiver)} (there are: ${names})`);
  }

  /** A flush of its own for alerts that did not come through a group. */
  function privateFlush(receiver: string, alerts: readonly Alert[], signal: AbortSignal): Flush {
    const route = { ...(matchRoutes(runtime.route, alerts[0]!.labels)[0] ?? runtime.route), receiver };
    const groupLabels = groupLabelsOf(route, alerts[0]!.labels);
    return { kind: 'flush', nowMs: clock.now(), route, groupKey: `${route.key}:drill`, groupLabels, signal };
  }

  function alertsFor(posted: unknown, receiver: string): Alert[] {
    const { alerts, refused } = admit(
      posted ?? SAMPLE_ALERTS(receiver),
      clock.now(),
      runtime.config.global.resolve_timeout,
    );
    if (refused.length > 0) throw new BelfryError('bad_data', `alert ${refused[0]!.index}: ${refused[0]!.reason}`);
    if (alerts.length === 0) throw new BelfryError('bad_data', 'no alert given');
    const nowMs = clock.now();
    return alerts.map(({ alert }) => (isResolved(alert, nowMs) ? alert : { ...alert, endsAtMs: NO_TIME }));
  }

  return {
    putAlerts: put,
    getAlerts: (query = {}) => queryAlerts(context(), query),
    getGroups: (query = {}) => queryGroups(context(), runtime.dispatcher.groups(), query),
    groups: () => runtime.dispatcher.groups(),
    receivers: () => runtime.config.receivers.map(({ name }) => ({ name })),
    status: () => ({
      cluster: { status: 'disabled', peers: [] },
      config: { original: runtime.config.masked },
      uptime: formatApiTime(startedMs),
      versionInfo: {
        branch: '',
        buildDate: '',
        buildUser: '',
        goVersion: '',
        revision: '',
        version: options.version ?? '',
      },
    }),
    silences: (query = {}) => querySilences(silences, clock.now(), query),
    silence(id) {
      const found = silences.get(id);
      if (!found) throw new BelfryError('not_found', `silence ${id} not found`);
      return toGettableSilence(found, clock.now());
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
    async reload(config) {
      try {
        const next = checked(typeof config === 'function' ? config() : config);
        // Whatever can fail comes before the old configuration stops working.
        const integrations = connect(next);
        const old = runtime;
        await old.dispatcher.stop();
        runtime = start(next, integrations);
        reloadError = undefined;
        lastReloadMs = clock.now();
        await disconnect(old);
        onEvent({ kind: 'reloaded' });
      } catch (error) {
        reloadError =
          error instanceof BelfryError ? error : new BelfryError('internal', messageOf(error), { cause: error });
        onEvent({ kind: 'reload_failed', error: reloadError });
        throw reloadError;
      }
    },
    get reloadError() {
      return reloadError;
    },
    get config() {
      return runtime.config;
    },
    get route() {
      return runtime.route;
    },
    notifications: (query = {}) => state.notifications(query),
    notification: (id) => state.notification(id),
    why(which) {
      const matchers = 'matchers' in which ? compileAlertMatchers(which.matchers) : [];
      const chosen = [...store.list()]
        .filter((a) => ('fingerprint' in which ? a.fingerprint === which.fingerprint : matchesAll(matchers, a.labels)))
        .slice(0, MAX_WHY_REPORTS);
      const notificationsOf = (fingerprint: string) => state.notifications({ fingerprint, limit: WHY_NOTIFICATIONS });
      const { integrations } = runtime.pipeline;
      const whole = { ...context(), groups: runtime.dispatcher.groups(), log, integrations, originOf, notificationsOf };
      return chosen.map((alert) => explainAlert(whole, alert));
    },
    async renderNotification(receiver, posted) {
      const alerts = alertsFor(posted, receiver);
      const flush = privateFlush(receiver, alerts, new AbortController().signal);
      return Promise.all(
        integrationsOf(receiver).map(async (i) => ({
          receiver,
          integration: i.key,
          payloads: await i.preview(flush, alerts),
        })),
      );
    },
    async drill(receiver, posted) {
      const alerts = alertsFor(posted, receiver).map(asDrill);
      const over = () => new BelfryError('delivery_failed', `not delivered within ${DRILL_TIMEOUT_MS / 1000} s`);
      const limit = deadline(clock, DRILL_TIMEOUT_MS, over);
      const flush = privateFlush(receiver, alerts, limit.signal);
      const records = await Promise.all(
        integrationsOf(receiver).map(async (integration) => {
          const delivery = await sendStage(flush, alerts, integration, { clock, random });
          return remember(drillRecord(flush, alerts, integration, delivery));
        }),
      );
      limit.done();
      return records;
    },
    metrics: () =>
      metrics.families(
        readGauges({ context: context(), silences, runtime, reloadOk: reloadError === undefined, lastReloadMs }),
      ),
    heartbeats,
    async close() {
      if (closed) return;
      closed = true;
      guard?.stop();
      heartbeats.close();
      for (const timer of timers) timer.cancel();
      await runtime.dispatcher.stop();
      await disconnect(runtime);
      if (guard) state.markAlive(clock.now());
      state.close();
    },
  };
}

function checked(config: AlertmanagerConfig | string): AlertmanagerConfig {
  const loaded = typeof config === 'string' ? loadConfig(config) : config;
  for (const receiver of loaded.receivers) {
    for (const entry of receiver.integrations) {
      const reason = unsupportedReason(entry);
      if (reason)
        throw new BelfryError('config_invalid', `receiver ${JSON.stringify(receiver.name)}: ${reason}`, {
          file: loaded.file,
        });
    }
  }
  return loaded;
}

/** Alerts as they were when a process last ran, firing ones given the time back in which nobody could renew them. */
function revive(state: State, nowMs: number): Alert[] {
  const { lastAliveMs } = state;
  if (lastAliveMs === undefined) return [...state.alerts];
  const goneMs = Math.max(0, nowMs - lastAliveMs);
  return state.alerts.map((a) => (a.endsAtMs > lastAliveMs ? { ...a, endsAtMs: a.endsAtMs + goneMs } : a));
}

async function disconnect({ pipeline }: Runtime): Promise<void> {
  await Promise.all([...pipeline.integrations.values()].flat().map((i) => i.close().catch(() => undefined)));
}

function limited(integration: Integration, perMinute: number, clock: Clock): Integration {
  if (perMinute <= 0) return integration;
  const pass = createRateLimit(perMinute, clock);
  return {
    ...integration,
    async notify(flush, alerts) {
      try {
        await pass(flush.signal);
      } catch (error) {
        return {
          ok: false,
          retry: false,
          error: `held by the limit of ${perMinute} notifications a minute: ${messageOf(error)}`,
          payloads: [],
        };
      }
      return integration.notify(flush, alerts);
    },
  };
}

/** On reload and on close: what could not be said is no failure, the successor says it. */
function interrupted(flush: Flush): boolean {
  return flush.signal.aborted && (flush.signal.reason as BelfryError).code === 'unavailable';
}

const groupId = (flush: Flush) => `${flush.route.id}\xff${flush.groupKey}`;

function failureReason(status: number | undefined): string {
  if (status === undefined) return 'other';
  if (status === 429) return 'rateLimited';
  return status >= 500 ? 'serverError' : status >= 400 ? 'clientError' : 'other';
}

const SAMPLE_ALERTS = (receiver: string) => [
  {
    labels: { alertname: 'SampleAlert', severity: 'warning', instance: 'host-1:9100', job: 'sample' },
    annotations: { summary: 'This is a sample alert', description: `It shows what ${receiver} would receive.` },
    generatorURL: 'http://localhost:9090/graph?g0.expr=up+%3D%3D+0',
  },
];

function asDrill(alert: Alert): Alert {
  const labels = labelsFrom([...pairs(alert.labels), ['drill', 'true']]);
  const summary = `[DRILL] ${Object.fromEntries(pairs(alert.annotations)).summary ?? 'This is a drill, nothing is wrong.'}`;
  return {
    ...alert,
    labels,
    annotations: labelsFrom([...pairs(alert.annotations), ['summary', summary]]),
    fingerprint: fingerprintOf(labels),
  };
}

function pairs(labels: readonly string[]): [string, string][] {
  return Array.from({ length: labels.length / 2 }, (_, i) => [labels[2 * i]!, labels[2 * i + 1]!]);
}

function drillRecord(
  flush: Flush,
  alerts: readonly Alert[],
  integration: Integration,
  delivery: Awaited<ReturnType<typeof sendStage>>,
): NotificationRecord {
  return {
    kind: 'notification',
    atMs: flush.nowMs,
    receiver: integration.receiver,
    integration: integration.type,
    integrationIndex: integration.index,
    outcome: delivery.ok ? 'sent' : 'failed',
    reason: delivery.error ?? 'a drill',
    route: flush.route.id,
    groupKey: flush.groupKey,
    groupLabels: Object.fromEntries(pairs(flush.groupLabels)),
    intervals: [],
    alerts: alerts.map((a) => ({
      ...describeAlert(a, 'firing'),
      decision: 'sent' as const,
      reason: 'a drill',
      inhibitions: [],
      silences: [],
    })),
    attempts: delivery.attempts,
    payloads: delivery.payloads,
    drill: true,
  };
}

function readGauges(parts: {
  readonly context: QueryContext;
  readonly silences: Silences;
  readonly runtime: Runtime;
  readonly reloadOk: boolean;
  readonly lastReloadMs: number;
}) {
  const { context, silences, runtime } = parts;
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
    lastReloadOk: parts.reloadOk,
    lastReloadMs: parts.lastReloadMs,
  };
}
