import type { AlertmanagerStatus } from '@belfry/rules';
import type { CountedFamily } from './metrics-text.ts';

/** What became of alerts on their way to Alertmanagers, under Prometheus' names. */
export function notifierFamilies(status: readonly AlertmanagerStatus[], capacity: number): CountedFamily[] {
  const each = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    value: (s: AlertmanagerStatus) => number,
  ): CountedFamily => ({
    name: `prometheus_notifications_${name}`,
    type,
    help,
    samples: status.map((s) => ({ labels: { alertmanager: s.url }, value: value(s) })),
  });
  return [
    {
      name: 'prometheus_notifications_alertmanagers_discovered',
      type: 'gauge',
      help: 'Alertmanagers that are told.',
      samples: [{ value: status.length }],
    },
    each('sent_total', 'counter', 'Alerts delivered.', (s) => s.sent),
    each('errors_total', 'counter', 'Alerts in requests that failed, each attempt counted.', (s) => s.errors),
    each('dropped_total', 'counter', 'Alerts given up.', (s) => s.dropped),
    each('queue_length', 'gauge', 'Alerts that wait.', (s) => s.queued),
    each('queue_capacity', 'gauge', 'Alerts that can wait.', () => capacity),
  ];
}
