import { dirname, isAbsolute, join } from 'node:path';
import {
  DEFAULT_HTTP_CONFIG,
  type HttpClient,
  type HttpConfig,
  type KubernetesDiscovery,
  readYamlSource,
  secret,
} from '@belfry/config';
import { messageOf, sleep } from '@belfry/model';
import type { Discovery, DiscoveryDependencies, EmitTargets } from './discovery.ts';
import { fetchJson, onceEach } from './fetch-json.ts';
import { type ClusterView, type KubernetesObject, kubernetesTargets, objectKey } from './kubernetes-targets.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_MS = 5000;
const REWATCH_MS = 100;
/** Changes come in bursts; targets are worked out when one is over. */
const SETTLE_MS = 200;

type Kind = keyof ClusterView;

const PATHS: Readonly<Record<Kind, { readonly base: string; readonly namespaced: boolean }>> = {
  nodes: { base: '/api/v1', namespaced: false },
  namespaces: { base: '/api/v1', namespaced: false },
  pods: { base: '/api/v1', namespaced: true },
  services: { base: '/api/v1', namespaced: true },
  endpoints: { base: '/api/v1', namespaced: true },
  endpointslices: { base: '/apis/discovery.k8s.io/v1', namespaced: true },
  ingresses: { base: '/apis/networking.k8s.io/v1', namespaced: true },
};

const NEEDED: Readonly<Record<KubernetesDiscovery['role'], readonly Kind[]>> = {
  node: ['nodes'],
  pod: ['pods'],
  service: ['services'],
  endpoints: ['endpoints', 'services', 'pods'],
  endpointslice: ['endpointslices', 'services', 'pods'],
  ingress: ['ingresses'],
};

/** By which role's selector each kind is selected. */
const SELECTED_BY: Readonly<Partial<Record<Kind, string>>> = {
  nodes: 'node',
  pods: 'pod',
  services: 'service',
  endpoints: 'endpoints',
  endpointslices: 'endpointslice',
  ingresses: 'ingress',
};

/** Targets from a Kubernetes cluster: its objects are listed once and then watched. */
export function discoverKubernetes(
  config: KubernetesDiscovery,
  deps: DiscoveryDependencies,
  emit: EmitTargets,
): Discovery {
  const stopping = new AbortController();
  const problem = onceEach(deps.onProblem);
  let access: Access;
  try {
    access = clusterAccess(config, deps);
  } catch (error) {
    deps.onProblem(`Kubernetes: ${messageOf(error)}`);
    return { stop() {} };
  }
  const client = deps.client(access.http);
  const view: Record<Kind, Map<string, KubernetesObject>> = {
    nodes: new Map(),
    namespaces: new Map(),
    pods: new Map(),
    services: new Map(),
    endpoints: new Map(),
    endpointslices: new Map(),
    ingresses: new Map(),
  };
  const kinds = new Set(NEEDED[config.role]);
  if (config.attach_metadata.node) kinds.add('nodes');
  if (config.attach_metadata.namespace) kinds.add('namespaces');

  let sources = new Set<string>();
  let unlisted = 0;
  let queued = false;
  const changed = () => {
    // Before everything is known, targets would be found only to be lost again.
    if (queued || unlisted > 0) return;
    queued = true;
    deps.clock.after(
      SETTLE_MS,
      () => {
        queued = false;
        if (stopping.signal.aborted) return;
        const found = kubernetesTargets(config.role, view as unknown as ClusterView, config.attach_metadata);
        const now = new Set(found.map((f) => f.source));
        const gone = [...sources].filter((s) => !now.has(s)).map((source) => ({ source, targets: [], labels: {} }));
        sources = now;
        emit([...found, ...gone]);
      },
      { background: true },
    );
  };
  const start = (kind: Kind, namespace: string | undefined) => {
    unlisted++;
    let listed = false;
    const path = `${PATHS[kind].base}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind}`;
    const selector = config.selectors.find((s) => s.role === SELECTED_BY[kind]);
    const parameters = new URLSearchParams();
    if (selector?.label) parameters.set('labelSelector', selector.label);
    if (selector?.field) parameters.set('fieldSelector', selector.field);
    void follow({
      client,
      url: `${access.server}${path}`,
      parameters,
      objects: view[kind],
      namespace,
      signal: stopping.signal,
      onChange() {
        if (!listed) unlisted--;
        listed = true;
        problem.clear();
        changed();
      },
      pause: () => sleep(deps.clock, REWATCH_MS, stopping.signal).catch(() => undefined),
      async onFailure(error) {
        problem.tell(`Kubernetes at ${access.server}: ${messageOf(error)}`);
        await sleep(deps.clock, RETRY_MS, stopping.signal).catch(() => undefined);
      },
    });
  };
  for (const kind of kinds) {
    if (!PATHS[kind].namespaced || access.namespaces.length === 0) start(kind, undefined);
    else for (const namespace of access.namespaces) start(kind, namespace);
  }
  return {
    stop() {
      stopping.abort();
      void client.close().catch(() => undefined);
    },
  };
}

interface Following {
  readonly client: HttpClient;
  readonly url: string;
  readonly parameters: URLSearchParams;
  /** Kept as the cluster has them; shared by the namespaces of a kind. */
  readonly objects: Map<string, KubernetesObject>;
  readonly namespace: string | undefined;
  readonly signal: AbortSignal;
  onChange(): void;
  onFailure(error: unknown): Promise<void>;
  /** Between a watch that ended and the next. */
  pause(): Promise<void>;
}

/** Lists, watches, and lists again whenever the watch has lost its place. */
async function follow(f: Following): Promise<void> {
  let version: string | undefined;
  while (!f.signal.aborted) {
    try {
      version ??= await list(f);
      version = await watch(f, version);
      await f.pause();
    } catch (error) {
      version = undefined;
      if (!f.signal.aborted) await f.onFailure(error);
    }
  }
}

async function list(f: Following): Promise<string> {
  const { data } = await fetchJson(f.client, `${f.url}?${f.parameters}`, {
    timeoutMs: REQUEST_TIMEOUT_MS,
    signal: f.signal,
  });
  const { items, metadata } = data as {
    readonly items?: readonly KubernetesObject[] | null;
    readonly metadata: { readonly resourceVersion: string };
  };
  for (const [key, object] of f.objects) {
    if (f.namespace === undefined || object.metadata.namespace === f.namespace) f.objects.delete(key);
  }
  for (const object of items ?? []) f.objects.set(objectKey(object), object);
  f.onChange();
  return metadata.resourceVersion;
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubernetesObject;
}

/** Follows changes until the server ends the answer; gives the place to go on from, nothing when it is lost. */
async function watch(f: Following, from: string): Promise<string | undefined> {
  const parameters = new URLSearchParams(f.parameters);
  parameters.set('watch', '1');
  parameters.set('allowWatchBookmarks', 'true');
  parameters.set('resourceVersion', from);
  const response = await f.client.stream({
    url: `${f.url}?${parameters}`,
    headers: { accept: 'application/json' },
    timeoutMs: REQUEST_TIMEOUT_MS,
    maxBodyBytes: Number.MAX_SAFE_INTEGER,
    signal: f.signal,
  });
  if (response.status === 410) return undefined;
  if (response.status !== 200) throw new Error(`${f.url}: server returned HTTP status ${response.status} to a watch`);
  let version = from;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.trim() === '') continue;
      const event = JSON.parse(line) as WatchEvent;
      if (event.type === 'ERROR') return undefined;
      version = event.object.metadata.resourceVersion ?? version;
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') f.objects.delete(objectKey(event.object));
      else f.objects.set(objectKey(event.object), event.object);
      f.onChange();
    }
  }
  return version;
}

interface Access {
  readonly server: string;
  readonly http: HttpConfig;
  /** Empty: all. */
  readonly namespaces: readonly string[];
}

/** How to reach the cluster: as the section says, by a kubeconfig file, or as a pod of the cluster itself. */
function clusterAccess(config: KubernetesDiscovery, deps: DiscoveryDependencies): Access {
  const names = config.namespaces.names;
  if (config.api_server) return { server: config.api_server.replace(/\/$/, ''), http: config, namespaces: names };
  if (config.kubeconfig_file !== '') return { ...kubeconfigAccess(config.kubeconfig_file, deps), namespaces: names };
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = deps.environment;
  if (!host || !port) {
    throw new Error('neither api_server nor kubeconfig_file is given, and this does not run in a cluster');
  }
  const own = config.namespaces.own_namespace ? [deps.files.readText(`${SERVICE_ACCOUNT}/namespace`).trim()] : [];
  const http: HttpConfig = {
    ...DEFAULT_HTTP_CONFIG,
    authorization: { type: 'Bearer', credentials_file: `${SERVICE_ACCOUNT}/token` },
    tls_config: { ca_file: `${SERVICE_ACCOUNT}/ca.crt` },
  };
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { server, http, namespaces: [...new Set([...own, ...names])] };
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly clusters?: readonly {
    readonly name: string;
    readonly cluster: Readonly<Record<string, string | boolean>>;
  }[];
  readonly users?: readonly { readonly name: string; readonly user: Readonly<Record<string, unknown>> }[];
}

function kubeconfigAccess(file: string, deps: DiscoveryDependencies): Omit<Access, 'namespaces'> {
  const kubeconfig = (readYamlSource(deps.files.readText(file), file).data ?? {}) as Kubeconfig;
  const context = kubeconfig.contexts?.find((c) => c.name === kubeconfig['current-context'])?.context;
  const cluster = kubeconfig.clusters?.find((c) => c.name === context?.cluster)?.cluster;
  const user = kubeconfig.users?.find((u) => u.name === context?.user)?.user ?? {};
  if (!cluster || typeof cluster.server !== 'string') throw new Error(`${file}: the current context names no cluster`);
  if (user.exec || user['auth-provider'])
    throw new Error(`${file}: credentials by exec or auth-provider are not supported by Belfry yet`);
  const path = (name: unknown) =>
    typeof name !== 'string' ? undefined : isAbsolute(name) ? name : join(dirname(file), name);
  const decoded = (data: unknown) => (typeof data === 'string' ? Buffer.from(data, 'base64').toString() : undefined);
  const key = decoded(user['client-key-data']);
  const token = typeof user.token === 'string' ? { credentials: secret(user.token) } : undefined;
  const tokenFile = path(user.tokenFile);
  const credentials = token ?? (tokenFile ? { credentials_file: tokenFile } : undefined);
  const http: HttpConfig = {
    ...DEFAULT_HTTP_CONFIG,
    tls_config: {
      ca: decoded(cluster['certificate-authority-data']),
      ca_file: path(cluster['certificate-authority']),
      cert: decoded(user['client-certificate-data']),
      cert_file: path(user['client-certificate']),
      ...(key === undefined ? {} : { key: secret(key) }),
      key_file: path(user['client-key']),
      insecure_skip_verify: cluster['insecure-skip-tls-verify'] === true,
      ...(typeof cluster['tls-server-name'] === 'string' ? { server_name: cluster['tls-server-name'] } : {}),
    },
    ...(credentials ? { authorization: { type: 'Bearer', ...credentials } } : {}),
    ...(typeof user.username === 'string'
      ? { basic_auth: { username: user.username, password: secret(String(user.password ?? '')) } }
      : {}),
  };
  return { server: cluster.server.replace(/\/$/, ''), http };
}
