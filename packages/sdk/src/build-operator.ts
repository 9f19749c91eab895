/** Objects for a cluster in which Prometheus Operator runs: it starts the programs, these say what they shall do. */
import { type BuildSettings, type GeneratedFile, settle } from './build.ts';
import { grafanaFiles } from './build-grafana.ts';
import { kustomization } from './build-kubernetes.ts';
import { groupYaml } from './build-rules.ts';
import { dashboardData, placeOf } from './kubernetes-config.ts';
import { configMap, DASHBOARD_LABEL, type KubernetesObject, manifest } from './kubernetes-object.ts';
import { alertmanagerConfig } from './operator-alertmanager.ts';
import type { Pack, ScrapeJob } from './pack.ts';
import type { Deployment } from './targets.ts';

const GROUP = 'monitoring.coreos.com';

export function operatorFiles(packs: readonly Pack[], deployment: Deployment): readonly GeneratedFile[] {
  const { namespace, options } = deployment;
  const settings = settle({ ...options, runbookBaseUrl: options.runbookBaseUrl ?? '' });
  const objects = packs.flatMap((pack) => packObjects(pack, namespace, settings));
  const dashboards = grafanaFiles(packs, settings)
    .filter((f) => f.path.startsWith('grafana/dashboards/'))
    .map(dashboardData)
    .map((c) => named(c.name, configMap(c.name, namespace, c.files, DASHBOARD_LABEL)));
  const all = [...objects, ...dashboards];
  return [
    ...all.map(([name, object]) => ({ path: `operator/${name}.yml`, text: manifest([object]) })),
    kustomization('operator', all.map(([name]) => `${name}.yml`).sort(), notes(packs)),
  ];
}

function named(name: string, object: KubernetesObject) {
  return [name, object] as const;
}

function packObjects(pack: Pack, namespace: string, settings: BuildSettings) {
  const groups = pack.rules.map((g) => groupYaml(pack, g, settings));
  const rules = groups.length > 0 ? [named(`${pack.name}-rules`, prometheusRule(pack, namespace, groups))] : [];
  const monitors = pack.scrape
    .filter((job) => !job.exact)
    .map((job) => named(`${job.job}-${placeOf(job).monitor}-monitor`, monitor(job, pack, namespace)));
  const routing = pack.routing
    ? [named(`${pack.name}-alertmanager-config`, alertmanagerConfig(pack, pack.routing, namespace))]
    : [];
  return [...rules, ...monitors, ...routing];
}

/** What the cluster's owner has to know, and what these objects cannot express. */
function notes(packs: readonly Pack[]): readonly string[] {
  const jobs = packs.flatMap((p) => p.scrape.filter((j) => j.exact).map((j) => j.job));
  const whole = packs.filter((p) => p.alertmanager).map((p) => p.name);
  return [
    'Prometheus has to select these rules and monitors, Alertmanager these configurations (see docs/build.md).',
    'Set alertmanagerConfigMatcherStrategy.type to None: an alert is routed by its label `pack`, wherever it comes from.',
    ...(jobs.length > 0
      ? [
          `Not here, because they were written whole elsewhere; take them as additionalScrapeConfigs: ${jobs.join(', ')}.`,
        ]
      : []),
    ...(whole.length > 0
      ? [
          `Not here, because it was written whole elsewhere; take it as configSecret: alertmanager.yml of ${whole.join(', ')}.`,
        ]
      : []),
  ];
}

const labels = (pack: Pack) => ({ 'app.kubernetes.io/part-of': pack.name });

function prometheusRule(pack: Pack, namespace: string, groups: readonly unknown[]): KubernetesObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'PrometheusRule',
    metadata: { name: `${pack.name}-rules`, namespace, labels: labels(pack) },
    spec: { groups },
  };
}

function monitor(job: ScrapeJob, pack: Pack, namespace: string): KubernetesObject {
  const place = placeOf(job);
  const endpoint = {
    port: place.port,
    interval: job.interval,
    path: job.path,
    // Rules ask for this job, whatever the service is called.
    relabelings: [{ action: 'replace', targetLabel: 'job', replacement: job.job }],
  };
  const byService = place.monitor === 'service';
  return {
    apiVersion: `${GROUP}/v1`,
    kind: byService ? 'ServiceMonitor' : 'PodMonitor',
    metadata: { name: job.job.toLowerCase().replaceAll('_', '-'), namespace, labels: labels(pack) },
    spec: {
      selector: { matchLabels: place.labels },
      namespaceSelector: place.namespace ? { matchNames: [place.namespace] } : { any: true },
      [byService ? 'endpoints' : 'podMetricsEndpoints']: [endpoint],
    },
  };
}
