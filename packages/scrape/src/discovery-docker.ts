import type { DockerDiscovery } from '@belfry/config';
import { messageOf } from '@belfry/model';
import {
  type Discovery,
  type DiscoveryDependencies,
  type EmitTargets,
  hostPort,
  sanitizeLabelName,
} from './discovery.ts';
import { fetchJson, onceEach } from './fetch-json.ts';
import { repeat } from './repeat.ts';

/** As `GET /containers/json` of the Docker Engine API has them; only what is used. */
interface Container {
  readonly Id: string;
  readonly Names?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  readonly HostConfig?: { readonly NetworkMode?: string };
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, Endpoint | null>> };
  readonly Ports?: readonly {
    readonly IP?: string;
    readonly PrivatePort: number;
    readonly PublicPort?: number;
    readonly Type: string;
  }[];
}

interface Endpoint {
  readonly NetworkID: string;
  readonly IPAddress: string;
}

interface Network {
  readonly Id: string;
  readonly Name: string;
  readonly Scope: string;
  readonly Internal: boolean;
  readonly Ingress: boolean;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

const REQUEST_TIMEOUT_MS = 30_000;
const META = '__meta_docker_';

type LabelSet = Record<string, string>;

/** Targets from the containers of a Docker daemon: one for each network and TCP port. */
export function discoverDocker(config: DockerDiscovery, deps: DiscoveryDependencies, emit: EmitTargets): Discovery {
  const socket = /^unix:\/\/(.*)$/.exec(config.host)?.[1];
  const base = socket === undefined ? config.host.replace(/^tcp:/, 'http:').replace(/\/$/, '') : 'http://docker';
  const client = deps.client(config, socket === undefined ? {} : { socketPath: socket });
  const problem = onceEach(deps.onProblem);
  const filters = Object.fromEntries(config.filters.map((f) => [f.name, f.values]));
  const query = config.filters.length > 0 ? `?filters=${encodeURIComponent(JSON.stringify(filters))}` : '';
  const refresh = async (signal: AbortSignal) => {
    try {
      const options = { timeoutMs: REQUEST_TIMEOUT_MS, signal };
      const [containers, networks] = await Promise.all([
        fetchJson(client, `${base}/containers/json${query}`, options),
        fetchJson(client, `${base}/networks`, options),
      ]);
      problem.clear();
      const targets = dockerTargets(containers.data as Container[], networks.data as Network[], config);
      emit([{ source: 'Docker', targets, labels: {} }]);
    } catch (error) {
      if (!signal.aborted) problem.tell(`Docker at ${config.host}: ${messageOf(error)}`);
    }
  };
  const loop = repeat(deps.clock, config.refresh_interval, refresh);
  return {
    stop() {
      loop.stop();
      void client.close().catch(() => undefined);
    },
  };
}

export function dockerTargets(
  containers: readonly Container[],
  networks: readonly Network[],
  config: Pick<DockerDiscovery, 'port' | 'host_networking_host' | 'match_first_network'>,
): LabelSet[] {
  const byId = new Map(containers.map((c) => [c.Id, c]));
  const networkLabels = new Map(networks.map((n) => [n.Id, labelsOfNetwork(n)]));
  return containers.flatMap((container) => {
    const name = container.Names?.[0];
    if (name === undefined) return [];
    const common: LabelSet = {
      [`${META}container_id`]: container.Id,
      [`${META}container_name`]: name,
      [`${META}container_network_mode`]: container.HostConfig?.NetworkMode ?? '',
    };
    for (const [k, v] of Object.entries(container.Labels ?? {}))
      common[`${META}container_label_${sanitizeLabelName(k)}`] = v;
    let endpoints = Object.entries(networksOf(container, byId)).filter((e): e is [string, Endpoint] => e[1] !== null);
    if (config.match_first_network) endpoints = endpoints.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 1);
    return endpoints.flatMap(([, endpoint]) =>
      addresses(container, endpoint, config).map((own) => ({
        ...own,
        ...common,
        [`${META}network_ip`]: endpoint.IPAddress,
        ...networkLabels.get(endpoint.NetworkID),
      })),
    );
  });
}

/** A container may live in the network of another one. */
function networksOf(
  container: Container,
  byId: ReadonlyMap<string, Container>,
): Readonly<Record<string, Endpoint | null>> {
  const MAX_HOPS = 10;
  let at: Container | undefined = container;
  for (let hop = 0; at && hop < MAX_HOPS; hop++) {
    const networks: Readonly<Record<string, Endpoint | null>> = at.NetworkSettings?.Networks ?? {};
    if (Object.keys(networks).length > 0) return networks;
    const other: string | undefined = /^container:(.*)$/.exec(at.HostConfig?.NetworkMode ?? '')?.[1];
    at = other === undefined ? undefined : byId.get(other);
  }
  return {};
}

function addresses(
  container: Container,
  endpoint: Endpoint,
  config: Pick<DockerDiscovery, 'port' | 'host_networking_host'>,
): LabelSet[] {
  const ports = (container.Ports ?? []).filter((p) => p.Type === 'tcp');
  if (ports.length === 0) {
    const host = container.HostConfig?.NetworkMode === 'host';
    return [{ __address__: host ? config.host_networking_host : hostPort(endpoint.IPAddress, config.port) }];
  }
  return ports.map((port) => ({
    __address__: hostPort(endpoint.IPAddress, port.PrivatePort),
    [`${META}port_private`]: String(port.PrivatePort),
    ...(port.PublicPort
      ? { [`${META}port_public`]: String(port.PublicPort), [`${META}port_public_ip`]: port.IP ?? '' }
      : {}),
  }));
}

function labelsOfNetwork(network: Network): LabelSet {
  const labels: LabelSet = {
    [`${META}network_id`]: network.Id,
    [`${META}network_name`]: network.Name,
    [`${META}network_scope`]: network.Scope,
    [`${META}network_internal`]: String(network.Internal),
    [`${META}network_ingress`]: String(network.Ingress),
  };
  for (const [k, v] of Object.entries(network.Labels ?? {})) labels[`${META}network_label_${sanitizeLabelName(k)}`] = v;
  return labels;
}
