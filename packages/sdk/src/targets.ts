/** What the compiler can make beside the plain files: for each target its files, under a folder of its own. */
import { BelfryError } from '@belfry/model';
import { type BuildOptions, type GeneratedFile, refuseConflicts, settle, sortedByPath } from './build.ts';
import { alertmanagerFile } from './build-alertmanager.ts';
import { composeFiles } from './build-compose.ts';
import { docsFiles } from './build-docs.ts';
import { grafanaFiles } from './build-grafana.ts';
import { grafanaAlertingFiles } from './build-grafana-alerting.ts';
import { kubernetesFiles } from './build-kubernetes.ts';
import { logFiles } from './build-logs.ts';
import { collectorFiles } from './build-otel.ts';
import { prometheusFile } from './build-prometheus.ts';
import { ruleFiles, runbookFiles } from './build-rules.ts';
import { scaleFiles } from './build-scale.ts';
import type { Pack } from './pack.ts';
import { watchdogFiles } from './watchdog.ts';

export interface TargetOptions extends BuildOptions {
  /** Where traces are kept. Default `tempo`. */
  readonly traces?: 'tempo' | 'jaeger';
  /** Kubernetes' namespace of the monitoring. Default `monitoring`. */
  readonly namespace?: string;
  /** Under which name containers reach services that run on their host. Default `host.docker.internal`. */
  readonly serviceHost?: string;
}

/** {@link TargetOptions} for makers of files: what the builder chose, with the defaults of the deployments. */
export interface Deployment {
  readonly options: BuildOptions;
  readonly traces: 'tempo' | 'jaeger';
  readonly namespace: string;
  readonly serviceHost: string;
}

interface TargetMaker {
  readonly meaning: string;
  readonly make: (packs: readonly Pack[], deployment: Deployment) => readonly GeneratedFile[];
}

const MAKERS = {
  prometheus: {
    meaning: 'prometheus.yml and rule files',
    make: (packs, { options }) => {
      const settings = settle(options);
      const rules = [...packs.flatMap((p) => ruleFiles(p, settings)), ...watchdogFiles(packs, settings.watchdogUrl)];
      const paths = rules.map((r) => r.path);
      return [prometheusFile(packs, paths, settings), ...rules];
    },
  },
  alertmanager: {
    meaning: 'alertmanager.yml',
    make: (packs, { options }) => [alertmanagerFile(packs, settle(options))],
  },
  grafana: {
    meaning: 'dashboards, and provisioning of dashboards and data sources',
    make: (packs, { options }) => grafanaFiles(packs, settle(options)),
  },
  runbooks: { meaning: 'the runbooks that alerts name', make: (packs) => packs.flatMap(runbookFiles) },
  compose: {
    meaning: 'Docker Compose: Prometheus, Alertmanager, Grafana, node-exporter, Collector, Loki, Tempo or Jaeger',
    make: composeFiles,
  },
  kubernetes: {
    meaning: 'plain manifests, objects of Prometheus Operator, and a Helm chart',
    make: kubernetesFiles,
  },
  otel: { meaning: 'configuration of the OpenTelemetry Collector', make: collectorFiles },
  logs: { meaning: 'collectors of log files: Fluentd, Fluent Bit, Alloy', make: logFiles },
  scale: { meaning: 'federation, Thanos, remote write to Mimir and VictoriaMetrics', make: scaleFiles },
  docs: { meaning: 'metrics, alerts, objectives and runbooks as Markdown', make: docsFiles },
  'grafana-alerting': {
    meaning: 'alert rules, contact points and policies inside of Grafana',
    make: grafanaAlertingFiles,
  },
} satisfies Record<string, TargetMaker>;

export type TargetName = keyof typeof MAKERS;

/** Every target with what it makes, in the order of the documentation. */
export const TARGETS: Readonly<Record<TargetName, string>> = Object.fromEntries(
  Object.entries(MAKERS).map(([name, { meaning }]) => [name, meaning]),
) as Record<TargetName, string>;

/** @throws BelfryError `bad_data` for a target that there is not */
export function targetNames(names: readonly string[]): readonly TargetName[] {
  const known = Object.keys(MAKERS);
  if (names.includes('all')) return known as TargetName[];
  for (const name of names) {
    if (!known.includes(name))
      throw new BelfryError('bad_data', `unknown target ${JSON.stringify(name)}; known are ${known.join(', ')}, all`);
  }
  return known.filter((name) => names.includes(name)) as TargetName[];
}

/**
 * The files of these targets, sorted by path. Same packs, targets and options, same bytes.
 * @throws BelfryError as {@link build}; `bad_data` for packs that a target cannot express
 */
export function buildTargets(
  packs: readonly Pack[],
  targets: readonly TargetName[],
  options: TargetOptions = {},
): readonly GeneratedFile[] {
  refuseConflicts(packs);
  const { traces = 'tempo', namespace = 'monitoring', serviceHost = 'host.docker.internal', ...rest } = options;
  const deployment: Deployment = { options: rest, traces, namespace, serviceHost };
  return sortedByPath(targets.flatMap((name) => MAKERS[name].make(packs, deployment)));
}
