import { GENERATED, yamlText } from './yaml-text.ts';

/** A Kubernetes object as it stands in a manifest. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Several objects in one file. */
export function manifest(objects: readonly KubernetesObject[]): string {
  return `# ${GENERATED}\n${objects.map((o) => yamlText(o)).join('---\n')}`;
}

export function configMap(
  name: string,
  namespace: string,
  data: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'monitoring', ...labels } },
    data,
  };
}

/** By this label the sidecar of Grafana's charts finds dashboards. */
export const DASHBOARD_LABEL = { grafana_dashboard: '1' } as const;
