import type { BelfryError } from '@belfry/model';
import type { AlertingEvent, AlertingLogger } from './events.ts';
import type { Flush } from './flush.ts';
import type { Attempt } from './guarded-writes.ts';
import type { Integration } from './integration.ts';
import type { Metrics } from './metrics.ts';
import type { FlushOutcome } from './pipeline.ts';
import { type NotificationRecord, recordsOf, type StoredNotification } from './provenance.ts';
import { REPEATED } from './stage-dedup.ts';
import type { DeliveryAttempt } from './stage-send.ts';
import type { State } from './state.ts';

/** A notification that is being delivered and has failed at least once. */
export interface InFlight {
  readonly receiver: string;
  /** `receiver/type[index]` */
  readonly integration: string;
  readonly groupKey: string;
  readonly sinceMs: number;
  readonly attempts: number;
  readonly lastError: string;
}

/** Keeps what was told, and what was held back, with all reasons. */
export interface History {
  /** Takes note of one try to reach a receiver, while others may follow. */
  attempted(flush: Flush, integration: Integration, attempt: DeliveryAttempt): void;
  /** What receivers could not be told yet, and is still being tried. */
  inFlight(): InFlight[];
  /** Takes note of the outcome of a flush: records, metrics, events. */
  keep(outcome: FlushOutcome): void;
  remember(record: NotificationRecord): StoredNotification;
  /** Forgets groups that do not exist any more. */
  collect(liveGroups: ReadonlySet<string>): void;
}

export function createHistory(parts: {
  readonly state: State;
  readonly metrics: Metrics;
  readonly logger: AlertingLogger;
  readonly onEvent: (event: AlertingEvent) => void;
  readonly attempt: Attempt;
  readonly originOf: (fingerprint: string) => unknown;
}): History {
  const { state, metrics, logger, onEvent, attempt, originOf } = parts;
  /** Why each group was held back at its last flush: the same again is no news. */
  const lastSuppressed = new Map<string, string>();

  const trying = new Map<string, InFlight>();
  const tryingKey = (flush: Flush, integration: Integration) =>
    `${groupId(flush.route.id, flush.groupKey)}\xff${integration.key}`;

  const attempted = (flush: Flush, integration: Integration, { ok, error = '', atMs, latencyMs }: DeliveryAttempt) => {
    metrics.attempted(integration.type, ok, latencyMs);
    const key = tryingKey(flush, integration);
    const before = trying.get(key);
    if (ok) {
      trying.delete(key);
      return;
    }
    const { key: name, receiver } = integration;
    const attempts = (before?.attempts ?? 0) + 1;
    const { groupKey } = flush;
    trying.set(key, {
      receiver,
      integration: name,
      groupKey,
      sinceMs: before?.sinceMs ?? atMs,
      attempts,
      lastError: error,
    });
    // The same complaint again and again tells nothing more.
    if (error !== before?.lastError)
      logger.warn({ integration: name, groupKey, attempts, err: error }, 'notification attempt failed');
  };

  /** The newest sign of life of each integration of a group. */
  const signs = new Map<string, number>();
  const remember = (record: NotificationRecord): StoredNotification => {
    const stored = { id: attempt(() => state.addNotification(record)) ?? 0, ...record };
    onEvent({ kind: 'notification', notification: stored });
    return stored;
  };

  const isNews = (record: NotificationRecord): boolean => {
    if (record.outcome !== 'suppressed') return true;
    const id = groupId(record.route, record.groupKey);
    const content = record.alerts.map((a) => `${a.fingerprint}${a.status}${a.reason}`).join();
    if (lastSuppressed.get(id) === content) return false;
    lastSuppressed.set(id, content);
    return true;
  };

  const replaceSign = ({ route, groupKey, integration, integrationIndex }: NotificationRecord, id: number) => {
    const key = [groupId(route, groupKey), integration, integrationIndex].join('\xff');
    const before = signs.get(key);
    if (before !== undefined) attempt(() => state.deleteNotification(before));
    signs.set(key, id);
  };

  const count = ({ screening, outcomes }: FlushOutcome) => {
    for (const { delivery, integration, reason } of outcomes) {
      if (!delivery) continue;
      metrics.notified(integration.type, delivery.ok, failureReason(delivery.attempts.at(-1)?.status));
      if (!delivery.ok) logger.warn({ receiver: integration.receiver, err: reason }, 'notification failed');
    }
    for (const d of screening.decisions) if (d.decision !== 'passed') metrics.suppressed(d.decision, 1);
  };

  return {
    attempted,
    inFlight: () => [...trying.values()],
    keep(outcome) {
      const { flush, screening } = outcome;
      for (const { integration } of outcome.outcomes) trying.delete(tryingKey(flush, integration));
      const told = interrupted(flush) ? outcome.outcomes.filter((o) => o.outcome === 'sent') : outcome.outcomes;
      const seen = { ...outcome, outcomes: told };
      count(seen);
      for (const record of recordsOf(seen, originOf)) {
        if (!isNews(record)) continue;
        const { id } = remember(record);
        if (isSignOfLife(record, flush)) replaceSign(record, id);
      }
      if (screening.passed.length > 0) lastSuppressed.delete(groupId(flush.route.id, flush.groupKey));
    },
    remember,
    collect(liveGroups) {
      for (const id of lastSuppressed.keys()) if (!liveGroups.has(id)) lastSuppressed.delete(id);
      for (const key of signs.keys()) {
        if (!liveGroups.has(key.split('\xff').slice(0, 2).join('\xff'))) signs.delete(key);
      }
    },
  };
}

/** A route that repeats more often than this tells a machine that alerting lives, not people what is wrong. */
const SIGN_OF_LIFE_MS = 5 * 60_000;

/** Of signs of life the history keeps the newest alone: every minute of a watchdog would leave no room for alerts. */
function isSignOfLife({ outcome, reason }: NotificationRecord, { route }: Flush): boolean {
  return outcome === 'sent' && reason === REPEATED && route.repeatIntervalMs < SIGN_OF_LIFE_MS;
}

/** Unique among all groups: routes with the same matchers share group keys. */
export function groupId(routeId: string, groupKey: string): string {
  return `${routeId}\xff${groupKey}`;
}

/** On reload and on close: what could not be said is no failure, the successor says it. */
function interrupted(flush: Flush): boolean {
  return flush.signal.aborted && (flush.signal.reason as BelfryError).code === 'unavailable';
}

function failureReason(status: number | undefined): string {
  if (status === undefined) return 'other';
  if (status === 429) return 'rateLimited';
  return status >= 500 ? 'serverError' : status >= 400 ? 'clientError' : 'other';
}
