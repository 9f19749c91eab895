/** Kubernetes: plain manifests, objects of Prometheus Operator, and a Helm chart, each for itself. */
import type { GeneratedFile } from './build.ts';
import { helmFiles } from './build-helm.ts';
import { operatorFiles } from './build-operator.ts';
import { type ConfigData, kubernetesConfig } from './kubernetes-config.ts';
import { configMap, DASHBOARD_LABEL, type KubernetesObject, manifest } from './kubernetes-object.ts';
import {
  alertmanagerWorkload,
  grafanaWorkload,
  plainNaming,
  prometheusAccess,
  prometheusWorkload,
} from './kubernetes-workloads.ts';
import type { Pack } from './pack.ts';
import { secretsOf } from './secrets.ts';
import type { Deployment } from './targets.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

export function kubernetesFiles(packs: readonly Pack[], deployment: Deployment): readonly GeneratedFile[] {
  return [...plainFiles(packs, deployment), ...operatorFiles(packs, deployment), ...helmFiles(packs, deployment)].map(
    ({ path, text }) => ({ path: `kubernetes/${path}`, text }),
  );
}

/** `kubectl apply -f plain/resources`, in the order of the names; or `kubectl apply -k plain`. */
function plainFiles(packs: readonly Pack[], deployment: Deployment): readonly GeneratedFile[] {
  const { namespace } = deployment;
  const config = kubernetesConfig(packs, deployment);
  const naming = plainNaming(namespace);
  const secrets = secretsOf(packs);
  const maps = (...all: readonly ConfigData[]) => all.map((c) => mapOf(c, namespace));
  const files: Record<string, readonly KubernetesObject[]> = {
    '00-namespace': [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }],
    'alertmanager-config': maps(config.alertmanager),
    alertmanager: alertmanagerWorkload(config, naming, secrets.length > 0),
    'grafana-config': maps(config.datasources, config.providers),
    'grafana-dashboards': maps(...config.dashboards),
    grafana: grafanaWorkload(config, naming),
    'prometheus-access': prometheusAccess(naming),
    'prometheus-config': maps(config.prometheus, ...config.rules),
    prometheus: prometheusWorkload(config, naming),
  };
  const names = Object.keys(files).filter((name) => files[name]!.length > 0);
  return [
    ...names.map((name) => ({ path: `plain/resources/${name}.yml`, text: manifest(files[name]!) })),
    kustomization(
      'plain',
      names.map((name) => `resources/${name}.yml`),
      needs(
        namespace,
        naming,
        secrets.map((s) => s.name),
      ),
    ),
  ];
}

function mapOf(config: ConfigData, namespace: string): KubernetesObject {
  return configMap(config.name, namespace, config.files, config.dashboard ? DASHBOARD_LABEL : {});
}

/** The secrets that nobody but the cluster's owner can make. */
function needs(
  namespace: string,
  naming: { readonly receiverSecret: string; readonly adminSecret: string },
  secrets: readonly string[],
): readonly string[] {
  const create = `kubectl -n ${namespace} create secret generic`;
  const files = secrets.map((name) => `--from-file=${name}=FILE`).join(' ');
  return [
    'Needs secrets, made once:',
    `  ${create} ${naming.adminSecret} --from-file=password=FILE`,
    ...(secrets.length > 0 ? [`  ${create} ${naming.receiverSecret} ${files}`] : []),
  ];
}

/** What `kubectl apply -k` reads. */
export function kustomization(
  folder: string,
  resources: readonly string[],
  notes: readonly string[] = [],
): GeneratedFile {
  const config = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources };
  return { path: `${folder}/kustomization.yaml`, text: yamlText(config, [GENERATED, ...notes]) };
}
