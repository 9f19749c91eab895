import { labelsToObject } from '@belfry/model';
import { type Alert, isResolved } from './alert.ts';
import type { AlertDecision, IntervalVerdict } from './flush.ts';
import type { InhibitionVerdict } from './inhibitor.ts';
import type { SentPayload } from './integration.ts';
import type { FlushOutcome, IntegrationOutcome } from './pipeline.ts';
import type { DeliveryAttempt } from './stage-send.ts';
import { formatTime } from './time.ts';

/** One alert of a group at a flush, and what was decided about it. */
export interface RecordedAlert {
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339; `endsAt` is the zero time while firing. */
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly decision: 'sent' | 'not sent' | 'inhibited' | 'muted' | 'silenced';
  readonly reason: string;
  /** Every inhibition rule whose target side matches the alert, applied or not. */
  readonly inhibitions: readonly InhibitionVerdict[];
  /** Ids of the silences that matched. */
  readonly silences: readonly string[];
  /** What the sender told about how the alert came to be: rule, query, values. */
  readonly origin?: unknown;
}

/**
 * One notification, or one that was held back: who was, or was not, told what, why, and how the delivery went.
 * No secret is in it.
 */
export interface NotificationRecord {
  readonly kind: 'notification';
  readonly atMs: number;
  readonly receiver: string;
  /** `webhook`, `slack`, …; empty when everything was held back before any integration. */
  readonly integration: string;
  readonly integrationIndex: number;
  /**
   * `sent`; `failed`: not delivered; `suppressed`: every alert was inhibited, muted or silenced; `withheld`: resolved,
   * and the receiver does not want to know. What was told before and is unchanged is not recorded.
   */
  readonly outcome: 'sent' | 'failed' | 'suppressed' | 'withheld';
  readonly reason: string;
  /** From the root to the route taken, as in group keys. */
  readonly route: string;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly intervals: readonly IntervalVerdict[];
  readonly alerts: readonly RecordedAlert[];
  readonly attempts: readonly DeliveryAttempt[];
  readonly payloads: readonly SentPayload[];
  /** Sent on purpose to try a receiver out. */
  readonly drill?: boolean;
}

export interface StoredNotification extends NotificationRecord {
  readonly id: number;
}

/** All conditions given must hold; newest first. */
export interface NotificationQuery {
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** For the next page: only what was recorded before this id. */
  readonly beforeId?: number;
  readonly receiver?: string;
  readonly outcome?: NotificationRecord['outcome'];
  readonly alertname?: string;
  readonly fingerprint?: string;
  /** 100 unless given, at most 1000. */
  readonly limit?: number;
}

/** Payload text beyond this is cut in the record (not in what is sent). */
const MAX_RECORDED_BODY_CHARS = 32 * 1024;
/** Alerts beyond this are left out of a record. */
const MAX_RECORDED_ALERTS = 500;

/** The records of one flush that are worth keeping. */
export function recordsOf(outcome: FlushOutcome, originOf: (fingerprint: string) => unknown): NotificationRecord[] {
  const { flush, screening, outcomes } = outcome;
  const base = {
    kind: 'notification' as const,
    atMs: flush.nowMs,
    receiver: flush.route.receiver,
    route: flush.route.id,
    groupKey: flush.groupKey,
    groupLabels: labelsToObject(flush.groupLabels),
    intervals: screening.intervals,
  };
  const decisions = screening.decisions.slice(0, MAX_RECORDED_ALERTS);
  if (screening.passed.length === 0) {
    const reasons = [...new Set(screening.decisions.map((d) => d.reason))];
    const alerts = decisions.map((d) => recordedAlert(d, undefined, originOf));
    const reason = reasons.length === 1 ? reasons[0]! : 'every alert was inhibited, muted or silenced';
    return [
      {
        ...base,
        integration: '',
        integrationIndex: 0,
        outcome: 'suppressed',
        reason,
        alerts,
        attempts: [],
        payloads: [],
      },
    ];
  }
  return outcomes
    .filter((o) => o.outcome !== 'deduplicated')
    .map((o) => ({
      ...base,
      integration: o.integration.type,
      integrationIndex: o.integration.index,
      outcome: o.outcome as NotificationRecord['outcome'],
      reason: o.reason,
      alerts: decisions.map((d) => recordedAlert(d, o, originOf)),
      attempts: o.delivery?.attempts ?? [],
      payloads: (o.delivery?.payloads ?? []).map(cut),
    }));
}

function cut(payload: SentPayload): SentPayload {
  if (payload.body.length <= MAX_RECORDED_BODY_CHARS) return payload;
  const left = payload.body.length - MAX_RECORDED_BODY_CHARS;
  return { ...payload, body: `${payload.body.slice(0, MAX_RECORDED_BODY_CHARS)}… (${left} more characters)` };
}

function recordedAlert(
  d: AlertDecision,
  outcome: IntegrationOutcome | undefined,
  originOf: (fingerprint: string) => unknown,
): RecordedAlert {
  const told = outcome?.alerts.some((a) => a.fingerprint === d.alert.fingerprint) ?? false;
  const passed = told ? 'sent' : 'not sent';
  const origin = originOf(d.alert.fingerprint);
  return {
    ...describeAlert(d.alert, d.status),
    decision: d.decision === 'passed' ? passed : d.decision,
    reason: d.decision === 'passed' && outcome ? outcome.reason : d.reason,
    inhibitions: d.inhibitions,
    silences: d.silences,
    ...(origin === undefined ? {} : { origin }),
  };
}

/** The fields of an alert as texts. */
export function describeAlert(alert: Alert, status: 'firing' | 'resolved') {
  return {
    fingerprint: alert.fingerprint,
    status,
    labels: labelsToObject(alert.labels),
    annotations: labelsToObject(alert.annotations),
    startsAt: formatTime(alert.startsAtMs),
    endsAt: formatTime(alert.endsAtMs),
    generatorURL: alert.generatorUrl,
  };
}

export function statusOf(alert: Alert, nowMs: number): 'firing' | 'resolved' {
  return isResolved(alert, nowMs) ? 'resolved' : 'firing';
}
