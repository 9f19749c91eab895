import type { RecordedAlert, StoredNotification } from '@belfry/alerting';

/** A notification as the inbox page shows it. */
export interface NotificationView {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly receiver: string;
  readonly integration: string;
  /** Firing when any alert of it is. */
  readonly status: 'firing' | 'resolved';
  readonly outcome: 'delivered' | 'failed' | 'suppressed' | 'withheld';
  readonly reason: string;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  /** From the root to the route taken. */
  readonly routePath: readonly string[];
  readonly alerts: readonly RecordedAlert[];
  readonly decisions: readonly { readonly stage: string; readonly outcome: string; readonly reason: string }[];
  readonly attempts: readonly {
    readonly at: string;
    readonly durationMs: number;
    readonly statusCode?: number;
    readonly error?: string;
  }[];
  readonly payload?: string;
  readonly drill: boolean;
}

export function notificationView(stored: StoredNotification): NotificationView {
  const { alerts, attempts, payloads } = stored;
  return {
    id: stored.id,
    at: new Date(stored.atMs).toISOString(),
    receiver: stored.receiver,
    integration: stored.integration,
    status: alerts.some((a) => a.status === 'firing') ? 'firing' : 'resolved',
    outcome: stored.outcome === 'sent' ? 'delivered' : stored.outcome,
    reason: stored.reason,
    groupKey: stored.groupKey,
    groupLabels: stored.groupLabels,
    routePath: stored.route.split(/\/(?=\{)/),
    alerts,
    decisions: decisionsOf(stored),
    attempts: attempts.map(({ atMs, latencyMs, status, error }) => ({
      at: new Date(atMs).toISOString(),
      durationMs: latencyMs,
      ...(status === undefined ? {} : { statusCode: status }),
      ...(error === undefined ? {} : { error }),
    })),
    ...(payloads[0] ? { payload: payloads[0].body } : {}),
    drill: stored.drill ?? false,
  };
}

/** What was looked at before sending, stage by stage. */
function decisionsOf(stored: StoredNotification): NotificationView['decisions'] {
  const decisions: { stage: string; outcome: string; reason: string }[] = [
    { stage: 'route', outcome: stored.receiver, reason: `taken by ${stored.route}` },
  ];
  for (const { name, use, contains } of stored.intervals) {
    const reason = `${use} time interval ${name} ${contains ? 'covers' : 'does not cover'} this moment`;
    decisions.push({ stage: 'time interval', outcome: contains === (use === 'mute') ? 'muted' : 'passed', reason });
  }
  for (const alert of stored.alerts) {
    const origin = originOf(alert.origin);
    if (origin) decisions.push(origin);
    const who = alert.labels.alertname ?? alert.fingerprint;
    for (const { rule, name, applied, reason } of alert.inhibitions) {
      const outcome = applied ? 'inhibited' : 'passed';
      decisions.push({ stage: 'inhibition', outcome, reason: `${who}: rule ${name ?? rule}: ${reason}` });
    }
    for (const id of alert.silences) decisions.push({ stage: 'silence', outcome: 'silenced', reason: `${who}: ${id}` });
    decisions.push({ stage: 'alert', outcome: alert.decision, reason: `${who}: ${alert.reason}` });
  }
  decisions.push({ stage: 'delivery', outcome: stored.outcome, reason: stored.reason });
  return decisions;
}

/** The last step in the life of an alert whose origin the rules of this process told. */
function originOf(origin: unknown): NotificationView['decisions'][number] | undefined {
  const known = origin as RuleOrigin | undefined;
  const last = known?.kind === 'rule' ? known.transitions.at(-1) : undefined;
  if (!known || !last) return undefined;
  const reason = `${known.alert} of group ${known.group} in ${known.file}: ${known.expr} gave ${last.value} at ${last.at}`;
  return { stage: 'rule', outcome: last.to, reason };
}

interface RuleOrigin {
  readonly kind: string;
  readonly file: string;
  readonly group: string;
  readonly alert: string;
  readonly expr: string;
  readonly transitions: readonly { readonly at: string; readonly to: string; readonly value: string }[];
}
