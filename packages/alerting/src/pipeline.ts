import type { Clock, Random } from '@belfry/model';
import { type Alert, isResolved } from './alert.ts';
import type { Flush, Screening } from './flush.ts';
import type { Inhibitor } from './inhibitor.ts';
import type { Integration } from './integration.ts';
import type { NotificationLog } from './notification-log.ts';
import type { Silences } from './silences.ts';
import { dedupStage } from './stage-dedup.ts';
import { inhibitStage } from './stage-inhibit.ts';
import { recordStage } from './stage-record.ts';
import { type Delivery, type DeliveryAttempt, sendStage } from './stage-send.ts';
import { silenceStage } from './stage-silence.ts';
import { judgeIntervals, type TimeIntervals, timeStage } from './stage-time.ts';

/** What the stages need; one for each loaded configuration. */
export interface Pipeline {
  readonly clock: Clock;
  readonly random: Random;
  readonly inhibitor: Inhibitor;
  readonly silences: Silences;
  readonly intervals: TimeIntervals;
  readonly log: NotificationLog;
  readonly integrations: ReadonlyMap<string, readonly Integration[]>;
  readonly retentionMs: number;
  /** Told of every try to reach a receiver, when it has been made. */
  readonly onAttempt: (flush: Flush, integration: Integration, attempt: DeliveryAttempt) => void;
}

/** What one integration did in one flush. */
export interface IntegrationOutcome {
  readonly integration: Integration;
  readonly outcome: 'sent' | 'deduplicated' | 'withheld' | 'failed';
  readonly reason: string;
  /** The alerts in the message. */
  readonly alerts: readonly Alert[];
  readonly delivery?: Delivery;
}

export interface FlushOutcome {
  readonly flush: Flush;
  readonly screening: Screening;
  /** Empty when nothing passed the screening. */
  readonly outcomes: readonly IntegrationOutcome[];
  /** Whether the group may forget its resolved alerts. */
  readonly ok: boolean;
}

/** inhibit → active and mute intervals → silence. */
function screen(pipeline: Pipeline, flush: Flush, alerts: readonly Alert[]): Screening {
  const intervals = judgeIntervals(flush.route, pipeline.intervals, flush.nowMs);
  const inhibited = inhibitStage(alerts, pipeline.inhibitor, flush.nowMs);
  const decisions = silenceStage(timeStage(inhibited, intervals), pipeline.silences, flush.nowMs);
  const passed = decisions.filter((d) => d.decision === 'passed').map((d) => d.alert);
  return { passed, decisions, intervals };
}

/**
 * The whole way of one flush. All integrations of the receiver work at the same time; one that hangs or fails holds up
 * no other.
 */
export async function runPipeline(pipeline: Pipeline, flush: Flush, alerts: readonly Alert[]): Promise<FlushOutcome> {
  const screening = screen(pipeline, flush, alerts);
  if (screening.passed.length === 0) return { flush, screening, outcomes: [], ok: true };
  const integrations = pipeline.integrations.get(flush.route.receiver) ?? [];
  const outcomes = await Promise.all(integrations.map((i) => tell(pipeline, flush, i, screening.passed)));
  return { flush, screening, outcomes, ok: outcomes.every((o) => o.outcome !== 'failed') };
}

/** dedup → send with retry → record. */
async function tell(
  pipeline: Pipeline,
  flush: Flush,
  integration: Integration,
  alerts: readonly Alert[],
): Promise<IntegrationOutcome> {
  const { clock, random, log, retentionMs } = pipeline;
  const firing = alerts.filter((a) => !isResolved(a, flush.nowMs));
  const resolved = alerts.filter((a) => isResolved(a, flush.nowMs));
  const { sendResolved } = integration;
  const { repeatIntervalMs } = flush.route;
  const verdict = dedupStage(
    log.get(flush.groupKey, integration.key),
    { firing, resolved },
    { sendResolved, repeatIntervalMs, nowMs: flush.nowMs },
  );
  if (!verdict.tell) return { integration, outcome: 'deduplicated', reason: verdict.reason, alerts: [] };
  const record = () =>
    recordStage(log, flush, integration.key, { firing, resolved }, { nowMs: flush.nowMs, retentionMs });
  if (!sendResolved && firing.length === 0) {
    record();
    return { integration, outcome: 'withheld', reason: `${verdict.reason}, and send_resolved is off`, alerts: [] };
  }
  const told = sendResolved ? alerts : firing;
  const delivery = await sendStage(flush, told, integration, {
    clock,
    random,
    onAttempt: (attempt) => pipeline.onAttempt(flush, integration, attempt),
  });
  if (delivery.ok) record();
  return {
    integration,
    outcome: delivery.ok ? 'sent' : 'failed',
    reason: delivery.ok ? verdict.reason : (delivery.error ?? ''),
    alerts: told,
    delivery,
  };
}
