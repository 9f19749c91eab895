import type { PrometheusConfig } from '@belfry/config';
import { type Clock, type Labels, labelsToObject } from '@belfry/model';
import type { RuleAlert } from '@belfry/rules';
import type { Logger } from './log.ts';

export interface AlertSender {
  apply(alerting: PrometheusConfig['alerting']): void;
  send(alerts: readonly RuleAlert[], externalLabels: Labels): void;
  /** The data of `/api/v1/alertmanagers`. */
  view(): unknown;
  close(): Promise<void>;
}

export function createAlertSender(options: { clock: Clock; log: Logger; queueCapacity: number }): AlertSender {
  let urls: string[] = [];
  return {
    apply(alerting) {
      urls = alerting.alertmanagers.flatMap((am) =>
        (am.static_configs ?? []).flatMap((g) =>
          g.targets.map((t) => `${am.scheme}://${t}${am.path_prefix}/api/v2/alerts`),
        ),
      );
    },
    send(alerts, externalLabels) {
      const body = JSON.stringify(
        alerts.map((a) => ({
          labels: { ...labelsToObject(externalLabels), ...labelsToObject(a.labels) },
          annotations: Object.fromEntries(a.annotations),
          startsAt: new Date(a.startsAtMs).toISOString(),
          endsAt: new Date(a.endsAtMs).toISOString(),
          generatorURL: a.generatorUrl,
        })),
      );
      for (const url of urls) {
        fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } }).catch((error: unknown) =>
          options.log.warn({ url, error: String(error) }, 'alerts not delivered'),
        );
      }
    },
    view: () => ({ activeAlertmanagers: urls.map((url) => ({ url })), droppedAlertmanagers: [] }),
    close: async () => {},
  };
}
