import { type AlertmanagerConfig, httpClient, type PrometheusConfig } from '@belfry/config';
import { type Clock, type Labels, labelsFrom } from '@belfry/model';
import { createNotifier, type Notifier, type RuleAlert } from '@belfry/rules';
import { type Discovery, discover, diskDiscoveryFiles, systemDns } from '@belfry/scrape';
import type { Logger } from './log.ts';
import { VERSION } from './version.ts';

/** The Alertmanagers of the configuration's `alerting` section: found, and told. */
export interface Alertmanagers {
  readonly notifier: Notifier;
  apply(alerting: PrometheusConfig['alerting'], externalLabels: Labels): void;
  close(): Promise<void>;
}

export function createAlertmanagers(options: {
  readonly clock: Clock;
  readonly log: Logger;
  readonly queueCapacity: number;
  /** Hears of alerts as they are sent. */
  readonly onTold: (alerts: readonly RuleAlert[]) => void;
}): Alertmanagers {
  const { clock, log, queueCapacity } = options;
  const userAgent = `Belfry/${VERSION}`;
  const notifier = createNotifier({
    clock,
    userAgent,
    queueCapacity,
    log: (message, details) => log.warn(details, message),
    onQueued: (_url, alerts) => options.onTold(alerts),
  });
  const dependencies = {
    clock,
    userAgent,
    files: diskDiscoveryFiles,
    dns: systemDns(),
    environment: process.env,
    client: (config: Parameters<typeof httpClient>[0], more = {}) => httpClient(config, { clock, userAgent, ...more }),
    onProblem: (message: string) => log.warn(message),
  };
  let discoveries: Discovery[] = [];
  const stop = () => {
    for (const discovery of discoveries) discovery.stop();
    discoveries = [];
  };
  const find = (config: AlertmanagerConfig, index: number): Discovery =>
    // The notifier knows static targets by itself.
    discover({ ...config, static_configs: [] }, dependencies, (all) => {
      const targets = all.flatMap(({ targets: found, labels }) => found.map((t) => labelsFrom({ ...labels, ...t })));
      notifier.setTargets(index, targets);
    });
  return {
    notifier,
    apply({ alertmanagers, alert_relabel_configs }, externalLabels) {
      stop();
      notifier.update({ alertmanagers, alertRelabelConfigs: alert_relabel_configs, externalLabels });
      discoveries = alertmanagers.map(find);
    },
    async close() {
      stop();
      await notifier.stop();
    },
  };
}
