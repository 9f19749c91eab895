import { BelfryError, type Clock, deadline, labelsFrom, labelsToObject, type Random } from '@belfry/model';
import { admit } from './admission.ts';
import { type Alert, isResolved, NO_TIME } from './alert.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Flush } from './flush.ts';
import type { Integration, SentPayload } from './integration.ts';
import { describeAlert, type NotificationRecord, type StoredNotification, statusOf } from './provenance.ts';
import { type Receivers, receiverOf } from './receivers.ts';
import { groupLabelsOf, matchRoutes, type Route } from './route.ts';
import { type Delivery, sendStage } from './stage-send.ts';

/** Long enough to see whether a receiver answers, short enough for somebody who waits. */
const DRILL_TIMEOUT_MS = 10_000;

/** What a receiver would be told. */
export interface Preview {
  readonly receiver: string;
  /** `receiver/type[index]` */
  readonly integration: string;
  readonly payloads: readonly SentPayload[];
}

export interface TryOut {
  readonly route: Route;
  readonly receivers: Receivers;
  readonly clock: Clock;
  readonly random: Random;
  readonly remember: (record: NotificationRecord) => StoredNotification;
}

/** What every integration of a receiver would send first. @throws BelfryError `not_found`, `bad_data` */
export async function previewReceiver(tryOut: TryOut, receiver: string, posted: unknown): Promise<Preview[]> {
  const integrations = receiverOf(tryOut.receivers, receiver);
  const alerts = alertsFor(tryOut.clock, receiver, posted);
  const flush = flushFor(tryOut, receiver, alerts, new AbortController().signal);
  return Promise.all(
    integrations.map(async (i) => ({ receiver, integration: i.key, payloads: await i.preview(flush, alerts) })),
  );
}

/** Sends a marked message by every integration of a receiver and records how it went. @throws BelfryError `not_found`, `bad_data` */
export async function drillReceiver(tryOut: TryOut, receiver: string, posted: unknown): Promise<StoredNotification[]> {
  const { clock, random, remember } = tryOut;
  const integrations = receiverOf(tryOut.receivers, receiver);
  const alerts = alertsFor(clock, receiver, posted).map(asDrill);
  const over = () => new BelfryError('delivery_failed', `not delivered within ${DRILL_TIMEOUT_MS / 1000} s`);
  const limit = deadline(clock, DRILL_TIMEOUT_MS, over);
  const flush = flushFor(tryOut, receiver, alerts, limit.signal);
  const records = await Promise.all(
    integrations.map(async (integration) => {
      const delivery = await sendStage(flush, alerts, integration, { clock, random });
      return remember(drillRecord(flush, alerts, integration, delivery));
    }),
  );
  limit.done();
  return records;
}

/** A flush of its own, for alerts that did not come through a group. */
function flushFor(tryOut: TryOut, receiver: string, alerts: readonly Alert[], signal: AbortSignal): Flush {
  const { labels } = alerts[0]!;
  const route = { ...matchRoutes(tryOut.route, labels)[0]!, receiver };
  const groupLabels = groupLabelsOf(route, labels);
  return { kind: 'flush', nowMs: tryOut.clock.now(), route, groupKey: `${route.key}:drill`, groupLabels, signal };
}

function alertsFor(clock: Clock, receiver: string, posted: unknown): Alert[] {
  const nowMs = clock.now();
  const { alerts, refused } = admit(posted ?? sampleAlerts(receiver), nowMs, 1);
  if (refused.length > 0) throw new BelfryError('bad_data', `alert ${refused[0]!.index}: ${refused[0]!.reason}`);
  if (alerts.length === 0) throw new BelfryError('bad_data', 'no alert given');
  return alerts.map(({ alert }) => (isResolved(alert, nowMs) ? alert : { ...alert, endsAtMs: NO_TIME }));
}

function sampleAlerts(receiver: string) {
  return [
    {
      labels: { alertname: 'SampleAlert', severity: 'warning', instance: 'host-1:9100', job: 'sample' },
      annotations: { summary: 'This is a sample alert', description: `It shows what ${receiver} would receive.` },
      generatorURL: 'http://localhost:9090/graph?g0.expr=up+%3D%3D+0',
    },
  ];
}

function asDrill(alert: Alert): Alert {
  const labels = labelsFrom({ ...labelsToObject(alert.labels), drill: 'true' });
  const said = labelsToObject(alert.annotations);
  const summary = `[DRILL] ${said.summary ?? 'This is a drill, nothing is wrong.'}`;
  return { ...alert, labels, annotations: labelsFrom({ ...said, summary }), fingerprint: fingerprintOf(labels) };
}

function drillRecord(
  flush: Flush,
  alerts: readonly Alert[],
  integration: Integration,
  delivery: Delivery,
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
    groupLabels: labelsToObject(flush.groupLabels),
    intervals: [],
    alerts: alerts.map((a) => ({
      ...describeAlert(a, statusOf(a, flush.nowMs)),
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
