/** What the programs in a cluster read: the same files, as the data of ConfigMaps. */
import { createHash } from 'node:crypto';
import { type GeneratedFile, settle } from './build.ts';
import { alertmanagerFile } from './build-alertmanager.ts';
import { grafanaFiles } from './build-grafana.ts';
import { prometheusFile } from './build-prometheus.ts';
import { ruleFiles } from './build-rules.ts';
import type { KubernetesPlace, Pack, ScrapeJob } from './pack.ts';
import { secretFilesIn } from './secrets.ts';
import type { Deployment } from './targets.ts';

/** Where the receivers' secrets are mounted. */
export const SECRETS_PATH = '/etc/alertmanager/secrets';
export const DASHBOARDS_PATH = '/etc/grafana/dashboards';

/** A ConfigMap to be; `files` by key. */
export interface ConfigData {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly dashboard: boolean;
}

export interface KubernetesConfig {
  readonly prometheus: ConfigData;
  /** One a pack. */
  readonly rules: readonly ConfigData[];
  readonly alertmanager: ConfigData;
  readonly datasources: ConfigData;
  readonly providers: ConfigData;
  readonly dashboards: readonly ConfigData[];
}

export function kubernetesConfig(packs: readonly Pack[], { options }: Deployment): KubernetesConfig {
  const settings = settle({
    ...options,
    alertmanager: 'alertmanager:9093',
    prometheusUrl: 'http://prometheus:9090',
    dashboardsPath: DASHBOARDS_PATH,
    secretFiles: secretFilesIn(SECRETS_PATH, packs),
    runbookBaseUrl: options.runbookBaseUrl ?? '',
  });
  const rules = packs.map((p) => ({ pack: p.name, files: ruleFiles(p, settings) }));
  // As kubernetes-workloads.ts mounts them.
  const paths = rules.flatMap((r) => r.files.map((f) => `/etc/prometheus-rules/${keyOf(f.path)}`));
  const grafana = grafanaFiles(packs, settings);
  const ofFolder = (folder: string) => grafana.filter((f) => f.path.startsWith(folder));
  return {
    prometheus: data('prometheus-config', [prometheusFile(packs, paths, settings, { discovery: byPods })]),
    rules: rules.filter((r) => r.files.length > 0).map(({ pack, files }) => data(`prometheus-rules-${pack}`, files)),
    alertmanager: data('alertmanager-config', [alertmanagerFile(packs, settings)]),
    datasources: data('grafana-datasources', ofFolder('grafana/provisioning/datasources/')),
    providers: data('grafana-dashboard-providers', ofFolder('grafana/provisioning/dashboards/')),
    dashboards: ofFolder('grafana/dashboards/').map((file) => dashboardData(file)),
  };
}

function data(name: string, files: readonly GeneratedFile[], dashboard = false): ConfigData {
  return { name, files: Object.fromEntries(files.map((f) => [keyOf(f.path), f.text])), dashboard };
}

/** One a dashboard: together they may be larger than a ConfigMap can be (1 MiB). */
export function dashboardData(file: GeneratedFile): ConfigData {
  const uid = keyOf(file.path).replace(/\.json$/, '');
  return data(`dashboard-${uid.toLowerCase().replaceAll('_', '-')}`, [file], true);
}

const keyOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Changes whenever one of the files does, so that pods that read them only at their start are started anew. */
export function checksum(configs: readonly ConfigData[]): string {
  const hash = createHash('sha256');
  for (const { files } of configs) for (const [name, text] of Object.entries(files)) hash.update(`${name}\0${text}\0`);
  return hash.digest('hex').slice(0, 16);
}

/** A job's place in the cluster, with what is usual where the pack says nothing. */
export function placeOf(job: ScrapeJob) {
  const usual = { labels: { app: job.job } as Readonly<Record<string, string>>, monitor: 'service', port: 'metrics' };
  return { ...usual, ...job.kubernetes } as Required<Omit<KubernetesPlace, 'namespace'>> & KubernetesPlace;
}

/** Discovery of pods by label; the address is the pod's, the port the one that the job's targets have. */
function byPods(job: ScrapeJob) {
  const { labels, namespace } = placeOf(job);
  const port = /\d+$/.exec(job.targets[0] ?? '')?.[0];
  const keep = Object.entries(labels).map(([name, value]) => ({
    source_labels: [`__meta_kubernetes_pod_label_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`],
    regex: value.replace(/[.*+?^$(){}|[\]\\]/g, '\\$&'),
    action: 'keep',
  }));
  const copy = (from: string, to: string) => ({ source_labels: [from], target_label: to });
  const address = (regex: string, replacement: string) => ({
    source_labels: ['__meta_kubernetes_pod_ip'],
    regex,
    replacement,
    target_label: '__address__',
  });
  return {
    kubernetes_sd_configs: [{ role: 'pod', ...(namespace ? { namespaces: { names: [namespace] } } : {}) }],
    relabel_configs: [
      ...keep,
      { source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Succeeded|Failed', action: 'drop' },
      // Of a pod with several ports, all targets become this one and are scraped once.
      ...(port ? [address('([^:]+)', `$1:${port}`), address('(.*:.*)', `[$1]:${port}`)] : []),
      copy('__meta_kubernetes_namespace', 'namespace'),
      copy('__meta_kubernetes_pod_name', 'pod'),
      copy('__meta_kubernetes_pod_node_name', 'node'),
    ],
  };
}
