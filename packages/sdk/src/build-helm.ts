/**
 * The plain manifests as a Helm chart. Templates are the same objects with a release's namespace and the values that a
 * user may set; configuration stands in `files/` as it is, so that nothing in it is taken for a template.
 */
import type { GeneratedFile } from './build.ts';
import { type ConfigData, kubernetesConfig } from './kubernetes-config.ts';
import { configMap, DASHBOARD_LABEL, manifest } from './kubernetes-object.ts';
import {
  alertmanagerWorkload,
  grafanaWorkload,
  type Naming,
  plainNaming,
  prometheusAccess,
  prometheusWorkload,
} from './kubernetes-workloads.ts';
import type { Pack } from './pack.ts';
import { secretsOf } from './secrets.ts';
import type { Deployment } from './targets.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const CHART = 'monitoring';
const CHART_VERSION = '0.1.0';
const INDENT = 4;

export function helmFiles(packs: readonly Pack[], deployment: Deployment): readonly GeneratedFile[] {
  const config = kubernetesConfig(packs, deployment);
  const naming = chartNaming();
  const all = [
    config.prometheus,
    ...config.rules,
    config.alertmanager,
    config.datasources,
    config.providers,
    ...config.dashboards,
  ];
  const withSecrets = secretsOf(packs).length > 0;
  const files: readonly GeneratedFile[] = [
    { path: 'Chart.yaml', text: chartText(packs) },
    { path: 'values.yaml', text: valuesText(deployment.namespace) },
    { path: 'templates/config.yaml', text: all.map(configTemplate).join('---\n') },
    { path: 'templates/prometheus-access.yaml', text: manifest(prometheusAccess(naming)) },
    { path: 'templates/prometheus.yaml', text: manifest(prometheusWorkload(config, naming)) },
    { path: 'templates/alertmanager.yaml', text: manifest(alertmanagerWorkload(config, naming, withSecrets)) },
    { path: 'templates/grafana.yaml', text: manifest(grafanaWorkload(config, naming)) },
    ...all.flatMap((c) => Object.entries(c.files).map(([key, text]) => ({ path: fileOf(c, key), text }))),
  ];
  return files.map(({ path, text }) => ({ path: `helm/${CHART}/${path}`, text }));
}

const fileOf = (config: ConfigData, key: string) => `files/${config.name}/${key}`;

function chartNaming(): Naming {
  const value = (path: string) => `{{ .Values.${path} }}`;
  const each = (part: string) => ({
    prometheus: value(`prometheus.${part}`),
    alertmanager: value(`alertmanager.${part}`),
    grafana: value(`grafana.${part}`),
  });
  return {
    namespace: '{{ .Release.Namespace }}',
    clusterName: 'prometheus-{{ .Release.Namespace }}',
    images: each('image'),
    storage: each('storage'),
    retention: value('prometheus.retention'),
    receiverSecret: value('alertmanager.receiverSecret'),
    adminSecret: value('grafana.adminSecret'),
  };
}

function chartText(packs: readonly Pack[]): string {
  return yamlText(
    {
      apiVersion: 'v2',
      name: CHART,
      description: `Monitoring of ${packs.map((p) => p.title).join(', ')}: Prometheus, Alertmanager, Grafana.`,
      type: 'application',
      version: CHART_VERSION,
    },
    [GENERATED],
  );
}

function valuesText(namespace: string): string {
  const { images, storage, retention, receiverSecret, adminSecret } = plainNaming(namespace);
  return yamlText(
    {
      prometheus: { image: images.prometheus, storage: storage.prometheus, retention },
      alertmanager: { image: images.alertmanager, storage: storage.alertmanager, receiverSecret },
      grafana: { image: images.grafana, storage: storage.grafana, adminSecret },
    },
    [GENERATED, 'The two secrets have to be there: receiverSecret with a key for each, adminSecret with `password`.'],
  );
}

function configTemplate(config: ConfigData): string {
  const head = yamlText(
    configMap(config.name, '{{ .Release.Namespace }}', {}, config.dashboard ? DASHBOARD_LABEL : {}),
  );
  const data = Object.keys(config.files).map(
    (key) => `  ${key}: |\n{{ .Files.Get ${JSON.stringify(fileOf(config, key))} | indent ${INDENT} }}\n`,
  );
  return head.replace(/^data: \{\}\n/m, `data:\n${data.join('')}`);
}
