import { BelfryError } from '@belfry/model';
import type { Alert, Recording, RuleGroup } from './alert.ts';
import type { Catalogue } from './catalogue.ts';
import type { Dashboard } from './dashboard.ts';
import { checkedDuration, type DurationText } from './duration-text.ts';
import type { DashboardJson, ExactAlertmanager } from './exact.ts';
import type { Routing } from './routing.ts';
import type { Scenario } from './scenario.ts';
import { type Slo, sloRules } from './slo.ts';

/** Where a job's metrics are fetched. */
export interface ScrapeJob {
  readonly kind: 'scrape-job';
  readonly job: string;
  /** `host:port`, before any port offset. */
  readonly targets: readonly string[];
  readonly interval: string;
  readonly path: string;
  /** The whole job as it stands in `scrape_configs`. */
  readonly exact?: Readonly<Record<string, unknown>>;
  readonly kubernetes?: KubernetesPlace;
}

/** How a job's pods are found in Kubernetes. */
export interface KubernetesPlace {
  /** Labels of its pods, or of its service. Default `app: <job>`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What Prometheus Operator watches. Default `service`. */
  readonly monitor?: 'service' | 'pod';
  /** Name of the port. Default `metrics`. */
  readonly port?: string;
  /** Where the service runs. Default: in any namespace. */
  readonly namespace?: string;
}

/** @throws BelfryError `bad_data` for an interval that is not a duration, or a target without port */
export function scrapeJob(
  of: Catalogue | string,
  options: {
    readonly targets: readonly string[];
    readonly interval: DurationText;
    readonly path?: string;
    readonly kubernetes?: KubernetesPlace;
  },
): ScrapeJob {
  const job = typeof of === 'string' ? of : of.job;
  for (const target of options.targets) {
    if (!/:\d+$/.test(target)) throw new BelfryError('bad_data', `scrape job ${job}: target ${target} names no port`);
  }
  const interval = checkedDuration(options.interval, `scrape job ${job}: interval`);
  return Object.freeze({
    kind: 'scrape-job',
    job,
    targets: options.targets,
    interval,
    path: options.path ?? '/metrics',
    ...(options.kubernetes ? { kubernetes: options.kubernetes } : {}),
  });
}

/** Everything about the monitoring of a system. */
export interface Pack {
  readonly kind: 'pack';
  readonly name: string;
  readonly title: string;
  /** Absolute; runbooks are in its folder `runbooks`. */
  readonly directory: string;
  readonly catalogues: readonly Catalogue[];
  readonly scrape: readonly ScrapeJob[];
  /** Those of the SLOs among them. */
  readonly rules: readonly RuleGroup[];
  readonly routing?: Routing;
  /** In the place of `routing`: a whole alertmanager.yml. */
  readonly alertmanager?: ExactAlertmanager;
  readonly dashboards: readonly Dashboard[];
  /** Dashboards in Grafana's own model. */
  readonly dashboardsJson: readonly DashboardJson[];
  readonly slos: readonly Slo[];
  readonly scenarios: readonly Scenario[];
}

export interface PackOptions {
  readonly name: string;
  readonly title: string;
  readonly directory: string;
  // biome-ignore lint/suspicious/noExplicitAny: catalogues of any metrics
  readonly catalogues: readonly Catalogue<any>[];
  readonly scrape: readonly ScrapeJob[];
  readonly rules?: readonly RuleGroup[];
  readonly routing?: Routing;
  readonly alertmanager?: ExactAlertmanager;
  readonly dashboards?: readonly Dashboard[];
  readonly dashboardsJson?: readonly DashboardJson[];
  readonly slos?: readonly Slo[];
  readonly scenarios?: readonly Scenario[];
}

const NAME = /^[a-z][a-z0-9-]*$/;

/** @throws BelfryError `bad_data` for an invalid name, `conflict` for two things of one name */
export function pack(options: PackOptions): Pack {
  const { dashboards = [], dashboardsJson = [], slos = [], scenarios = [], ...rest } = options;
  const rules = [...(options.rules ?? []), ...slos.map(sloRules)];
  if (!NAME.test(options.name)) {
    throw new BelfryError('bad_data', `pack name ${JSON.stringify(options.name)}: lower-case letters, digits and -`);
  }
  if (options.routing && options.alertmanager) {
    throw new BelfryError(
      'conflict',
      `pack ${options.name} has routing and a whole alertmanager.yml; one of them is enough`,
    );
  }
  const made: Pack = Object.freeze({ kind: 'pack', ...rest, rules, dashboards, dashboardsJson, slos, scenarios });
  const where = `pack ${options.name}`;
  refuseDoubles(where, 'dashboard uid', dashboardUidsOf(made));
  refuseDoubles(
    where,
    'rule group',
    rules.map((g) => (g.exact ? `${g.exact.file}/${g.name}` : g.name)),
  );
  refuseDoubles(where, 'alert', ownNames(alertsOf(made)));
  refuseDoubles(where, 'recording rule', ownNames(recordingsOf(made)));
  refuseDoubles(
    where,
    'scrape job',
    options.scrape.map((j) => j.job),
  );
  return made;
}

export function alertsOf(of: Pack): readonly Alert[] {
  return of.rules.flatMap((g) => g.rules).filter((r) => r.kind === 'alert');
}

export function recordingsOf(of: Pack): readonly Recording[] {
  return of.rules.flatMap((g) => g.rules).filter((r) => r.kind === 'recording');
}

export function dashboardUidsOf(of: Pack): readonly string[] {
  return [...of.dashboards, ...of.dashboardsJson].map((d) => d.uid);
}

/** The names that must be there once: what was written elsewhere may repeat itself, with other labels. */
export function ownNames(rules: readonly (Alert | Recording)[]): readonly string[] {
  return rules.filter((r) => !r.exact).map((r) => r.name);
}

/** @throws BelfryError `conflict` */
export function refuseDoubles(where: string, what: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new BelfryError('conflict', `${where}: ${what} ${name} is there twice`);
    seen.add(name);
  }
}
