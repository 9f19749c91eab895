import type { HeartbeatStatus } from './heartbeat.ts';

/** One series of our own metrics. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly MetricSample[];
}

const LATENCY_BUCKETS_SECONDS = [1, 5, 10, 15, 20];

/** Counts what the router does, under the names that Alertmanager uses. */
export interface Metrics {
  received(status: 'firing' | 'resolved', count: number): void;
  invalid(count: number): void;
  notified(integration: string, ok: boolean, reason: string): void;
  attempted(integration: string, ok: boolean, latencyMs: number): void;
  suppressed(reason: string, count: number): void;
  families(gauges: Gauges): MetricFamily[];
}

/** What is read when somebody asks. */
interface Gauges {
  readonly alerts: { readonly active: number; readonly suppressed: number };
  readonly silences: { readonly active: number; readonly pending: number; readonly expired: number };
  readonly groups: number;
  readonly integrations: number;
  readonly receivers: number;
  readonly lastReloadOk: boolean;
  readonly lastReloadMs: number;
}

export function createMetrics(): Metrics {
  const counters = new Map<string, MetricSample>();
  const count = (name: string, labels: Record<string, string>, by = 1) => {
    const key = `${name}${JSON.stringify(labels)}`;
    counters.set(key, { name, labels, value: (counters.get(key)?.value ?? 0) + by });
  };
  return {
    received: (status, n) => count('alertmanager_alerts_received_total', { status }, n),
    invalid: (n) => count('alertmanager_alerts_invalid_total', {}, n),
    notified(integration, ok, reason) {
      count('alertmanager_notifications_total', { integration });
      if (!ok) count('alertmanager_notifications_failed_total', { integration, reason });
    },
    attempted(integration, ok, latencyMs) {
      count('alertmanager_notification_requests_total', { integration });
      if (!ok) count('alertmanager_notification_requests_failed_total', { integration });
      const name = 'alertmanager_notification_latency_seconds';
      for (const le of [...LATENCY_BUCKETS_SECONDS, Number.POSITIVE_INFINITY]) {
        const bound = le === Number.POSITIVE_INFINITY ? '+Inf' : String(le);
        count(`${name}_bucket`, { integration, le: bound }, latencyMs / 1000 <= le ? 1 : 0);
      }
      count(`${name}_sum`, { integration }, latencyMs / 1000);
      count(`${name}_count`, { integration });
    },
    suppressed: (reason, n) => count('alertmanager_notifications_suppressed_total', { reason }, n),
    families: (gauges) => [...counterFamilies([...counters.values()]), ...gaugeFamilies(gauges)],
  };
}

const HELP: Readonly<Record<string, string>> = {
  alertmanager_alerts_received_total: 'Alerts received.',
  alertmanager_alerts_invalid_total: 'Alerts refused because they were malformed.',
  alertmanager_notifications_total: 'Notifications that were attempted.',
  alertmanager_notifications_failed_total: 'Notifications that were given up.',
  alertmanager_notification_requests_total: 'Attempts to deliver a notification.',
  alertmanager_notification_requests_failed_total: 'Attempts to deliver a notification that failed.',
  alertmanager_notification_latency_seconds: 'How long an attempt to deliver a notification took.',
  alertmanager_notifications_suppressed_total: 'Alerts held back from notifications.',
};

function counterFamilies(samples: readonly MetricSample[]): MetricFamily[] {
  return Object.entries(HELP).flatMap(([name, help]) => {
    const histogram = name.endsWith('_seconds');
    const own = samples.filter((s) => s.name === name || (histogram && s.name.startsWith(`${name}_`)));
    return own.length > 0
      ? [{ name, help, type: histogram ? ('histogram' as const) : ('counter' as const), samples: own }]
      : [];
  });
}

function gaugeFamilies(gauges: Gauges): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    values: readonly (readonly [Record<string, string>, number])[],
  ): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: values.map(([labels, value]) => ({ name, labels, value })),
  });
  const { alerts, silences } = gauges;
  return [
    family('alertmanager_alerts', 'Alerts by state.', [
      [{ state: 'active' }, alerts.active],
      [{ state: 'suppressed' }, alerts.suppressed],
    ]),
    family('alertmanager_silences', 'Silences by state.', [
      [{ state: 'active' }, silences.active],
      [{ state: 'pending' }, silences.pending],
      [{ state: 'expired' }, silences.expired],
    ]),
    family('alertmanager_dispatcher_aggregation_groups', 'Aggregation groups.', [[{}, gauges.groups]]),
    family('alertmanager_integrations', 'Configured integrations.', [[{}, gauges.integrations]]),
    family('alertmanager_receivers', 'Configured receivers.', [[{}, gauges.receivers]]),
    family('alertmanager_config_last_reload_successful', 'Whether the last configuration reload succeeded.', [
      [{}, gauges.lastReloadOk ? 1 : 0],
    ]),
    family('alertmanager_config_last_reload_success_timestamp_seconds', 'When a configuration was last loaded.', [
      [{}, gauges.lastReloadMs / 1000],
    ]),
  ];
}

/** None without heartbeats; a heartbeat that was never seen has no last time. */
export function heartbeatFamilies(heartbeats: readonly HeartbeatStatus[]): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    value: (heartbeat: HeartbeatStatus) => number | undefined,
  ): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: heartbeats.flatMap((h) => {
      const own = value(h);
      return own === undefined ? [] : [{ name, labels: { heartbeat: h.name }, value: own }];
    }),
  });
  if (heartbeats.length === 0) return [];
  return [
    family('belfry_heartbeat_missing', 'Whether an expected sign of life stays away.', (h) => (h.missing ? 1 : 0)),
    family('belfry_heartbeat_last_seen_timestamp_seconds', 'When it was last seen.', (h) =>
      h.lastMs === undefined ? undefined : h.lastMs / 1000,
    ),
  ];
}
