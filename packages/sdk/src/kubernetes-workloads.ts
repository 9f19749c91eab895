/** Prometheus, Alertmanager and Grafana as workloads: what they run as, where they keep what they know, when they are ready. */
import { IMAGES } from './images.ts';
import {
  type ConfigData,
  checksum,
  DASHBOARDS_PATH,
  type KubernetesConfig,
  SECRETS_PATH,
} from './kubernetes-config.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

/** What differs between plain manifests and a chart's templates. */
export interface Naming {
  readonly namespace: string;
  /** Of objects that belong to no namespace. */
  readonly clusterName: string;
  readonly images: { readonly prometheus: string; readonly alertmanager: string; readonly grafana: string };
  readonly storage: { readonly prometheus: string; readonly alertmanager: string; readonly grafana: string };
  readonly retention: string;
  /** Names of the secrets that have to be there: `receiverSecret` with a key for each, `adminSecret` with `password`. */
  readonly receiverSecret: string;
  readonly adminSecret: string;
}

export function plainNaming(namespace: string): Naming {
  const { prometheus, alertmanager, grafana } = IMAGES;
  return {
    namespace,
    clusterName: `prometheus-${namespace}`,
    images: { prometheus, alertmanager, grafana },
    storage: { prometheus: '50Gi', alertmanager: '1Gi', grafana: '1Gi' },
    retention: '30d',
    receiverSecret: 'alertmanager-receivers',
    adminSecret: 'grafana-admin',
  };
}

const labelsOf = (name: string) => ({ 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'monitoring' });
const meta = (name: string, { namespace }: Naming) => ({ name, namespace, labels: labelsOf(name) });

/** Prometheus may look at pods, services and nodes, and at nothing else. */
export function prometheusAccess(naming: Naming): readonly KubernetesObject[] {
  const { clusterName: name, namespace } = naming;
  const rbac = 'rbac.authorization.k8s.io';
  const read = ['get', 'list', 'watch'];
  const metadata = { name, labels: labelsOf('prometheus') };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta('prometheus', naming) },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: [
        { apiGroups: [''], resources: ['nodes', 'services', 'endpoints', 'pods'], verbs: read },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
        { nonResourceURLs: ['/metrics'], verbs: ['get'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: 'prometheus', namespace }],
    },
  ];
}

function service(name: string, port: number, naming: Naming): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta(name, naming),
    spec: {
      selector: { 'app.kubernetes.io/name': name },
      ports: [{ name: 'http', port, targetPort: 'http' }],
    },
  };
}

interface Mount {
  readonly name: string;
  readonly path: string;
  readonly source: Readonly<Record<string, unknown>>;
}

const fromConfig = (name: string, path: string, config: ConfigData): Mount => ({
  name,
  path,
  source: { configMap: { name: config.name } },
});

/** The files of several ConfigMaps in one folder. */
const fromConfigs = (name: string, path: string, configs: readonly ConfigData[]): readonly Mount[] =>
  configs.length === 0
    ? []
    : [{ name, path, source: { projected: { sources: configs.map((c) => ({ configMap: { name: c.name } })) } } }];

interface Program {
  readonly name: 'prometheus' | 'alertmanager' | 'grafana';
  readonly port: number;
  readonly user: number;
  readonly args?: readonly string[];
  readonly env?: readonly unknown[];
  readonly ready: string;
  readonly alive: string;
  readonly dataPath: string;
  readonly mounts: readonly Mount[];
  /** What it reads at its start. */
  readonly configs: readonly ConfigData[];
  readonly serviceAccount?: string;
}

function statefulSet(program: Program, naming: Naming): KubernetesObject {
  const { name, port, user, mounts } = program;
  const probe = (path: string) => ({ httpGet: { path, port: 'http' }, periodSeconds: 10, timeoutSeconds: 5 });
  const container = {
    name,
    image: naming.images[name],
    ...(program.args ? { args: program.args } : {}),
    ...(program.env ? { env: program.env } : {}),
    ports: [{ name: 'http', containerPort: port }],
    readinessProbe: probe(program.ready),
    livenessProbe: { ...probe(program.alive), initialDelaySeconds: 30, failureThreshold: 6 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      ...mounts.map((m) => ({ name: m.name, mountPath: m.path, readOnly: true })),
      { name: 'data', mountPath: program.dataPath },
    ],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: meta(name, naming),
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: { 'app.kubernetes.io/name': name } },
      template: {
        metadata: { labels: labelsOf(name), annotations: { 'checksum/config': checksum(program.configs) } },
        spec: {
          ...(program.serviceAccount
            ? { serviceAccountName: program.serviceAccount }
            : { automountServiceAccountToken: false }),
          securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user },
          containers: [container],
          volumes: mounts.map((m) => ({ name: m.name, ...m.source })),
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: naming.storage[name] } } },
        },
      ],
    },
  };
}

/** User and group `nobody` of the images of Prometheus and Alertmanager. */
const NOBODY = 65534;
const GRAFANA_USER = 472;

export function prometheusWorkload(config: KubernetesConfig, naming: Naming): readonly KubernetesObject[] {
  const program: Program = {
    name: 'prometheus',
    port: 9090,
    user: NOBODY,
    args: [
      '--config.file=/etc/prometheus/prometheus.yml',
      '--storage.tsdb.path=/prometheus',
      `--storage.tsdb.retention.time=${naming.retention}`,
    ],
    ready: '/-/ready',
    alive: '/-/healthy',
    dataPath: '/prometheus',
    mounts: [
      fromConfig('config', '/etc/prometheus', config.prometheus),
      // Beside the folder of the configuration, not in it: a mount within a mount that cannot be written fails.
      ...fromConfigs('rules', '/etc/prometheus-rules', config.rules),
    ],
    configs: [config.prometheus, ...config.rules],
    serviceAccount: 'prometheus',
  };
  return [service('prometheus', 9090, naming), statefulSet(program, naming)];
}

export function alertmanagerWorkload(
  config: KubernetesConfig,
  naming: Naming,
  withSecrets: boolean,
): readonly KubernetesObject[] {
  const secrets: Mount = {
    name: 'receivers',
    path: SECRETS_PATH,
    source: { secret: { secretName: naming.receiverSecret } },
  };
  const program: Program = {
    name: 'alertmanager',
    port: 9093,
    user: NOBODY,
    args: ['--config.file=/etc/alertmanager/config/alertmanager.yml', '--storage.path=/alertmanager'],
    ready: '/-/ready',
    alive: '/-/healthy',
    dataPath: '/alertmanager',
    mounts: [fromConfig('config', '/etc/alertmanager/config', config.alertmanager), ...(withSecrets ? [secrets] : [])],
    configs: [config.alertmanager],
  };
  return [service('alertmanager', 9093, naming), statefulSet(program, naming)];
}

export function grafanaWorkload(config: KubernetesConfig, naming: Naming): readonly KubernetesObject[] {
  const password = { secretKeyRef: { name: naming.adminSecret, key: 'password' } };
  const program: Program = {
    name: 'grafana',
    port: 3000,
    user: GRAFANA_USER,
    env: [
      { name: 'GF_SECURITY_ADMIN_PASSWORD', valueFrom: password },
      { name: 'GF_USERS_ALLOW_SIGN_UP', value: 'false' },
      { name: 'GF_ANALYTICS_REPORTING_ENABLED', value: 'false' },
    ],
    ready: '/api/health',
    alive: '/api/health',
    dataPath: '/var/lib/grafana',
    mounts: [
      fromConfig('datasources', '/etc/grafana/provisioning/datasources', config.datasources),
      fromConfig('providers', '/etc/grafana/provisioning/dashboards', config.providers),
      ...fromConfigs('dashboards', DASHBOARDS_PATH, config.dashboards),
    ],
    configs: [config.datasources, config.providers],
  };
  return [service('grafana', 3000, naming), statefulSet(program, naming)];
}
