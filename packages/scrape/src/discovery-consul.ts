import type { ConsulDiscovery, HttpClient } from '@belfry/config';
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

/** How long Consul may hold a question until something changes. */
const WAIT_SECONDS = 120;
const REQUEST_TIMEOUT_MS = (WAIT_SECONDS + 15) * 1000;
const META = '__meta_consul_';

/** As `GET /v1/health/service/…` has them; only what is used. */
export interface ConsulEntry {
  readonly Node: {
    readonly Node: string;
    readonly Address: string;
    readonly Datacenter?: string;
    readonly Meta?: Readonly<Record<string, string>> | null;
    readonly TaggedAddresses?: Readonly<Record<string, string>> | null;
    readonly Partition?: string;
  };
  readonly Service: {
    readonly ID: string;
    readonly Address: string;
    readonly Port: number;
    readonly Tags?: readonly string[] | null;
    readonly Meta?: Readonly<Record<string, string>> | null;
    readonly Namespace?: string;
  };
  readonly Checks?: readonly { readonly Status: string }[] | null;
}

/** Targets from the services of a Consul catalogue, by questions that wait until something changes. */
export function discoverConsul(config: ConsulDiscovery, deps: DiscoveryDependencies, emit: EmitTargets): Discovery {
  const client = deps.client(withBasicAuth(config));
  const problem = onceEach(deps.onProblem);
  const watching = new Map<string, { stop(): void }>();
  let datacenter = config.datacenter;
  let catalogIndex = '';

  const ask = (path: string, parameters: readonly (readonly [string, string])[], signal: AbortSignal) =>
    askConsul(client, config, path, parameters, signal);
  const guarded = async (signal: AbortSignal, work: () => Promise<void>) => {
    try {
      await work();
      problem.clear();
    } catch (error) {
      if (!signal.aborted) problem.tell(`Consul at ${config.server}: ${messageOf(error)}`);
    }
  };
  const watchService = (name: string) => {
    let index = '';
    return repeat(deps.clock, config.refresh_interval, (signal) =>
      guarded(signal, async () => {
        const filter = config.health_filter === '' ? [] : ([['filter', config.health_filter]] as const);
        const tags = config.tags.map((tag) => ['tag', tag] as const);
        const answer = await ask(
          `/v1/health/service/${encodeURIComponent(name)}`,
          [...tags, ...filter, ...waiting(index)],
          signal,
        );
        const now = answer.headers['x-consul-index'] ?? '';
        if (signal.aborted || (now !== '' && now === index)) return;
        index = now;
        const targets = (answer.data as ConsulEntry[]).map((entry) => consulTarget(entry, config.tag_separator));
        emit([{ source: name, targets, labels: { [`${META}service`]: name, [`${META}dc`]: datacenter } }]);
      }),
    );
  };
  const follow = (names: ReadonlySet<string>) => {
    for (const name of names) if (!watching.has(name)) watching.set(name, watchService(name));
    for (const [name, loop] of watching) {
      if (names.has(name)) continue;
      loop.stop();
      watching.delete(name);
      emit([{ source: name, targets: [], labels: {} }]);
    }
  };
  const catalog = repeat(deps.clock, config.refresh_interval, (signal) =>
    guarded(signal, async () => {
      if (datacenter === '') {
        const { data } = await ask('/v1/agent/self', [], signal);
        datacenter = (data as { Config?: { Datacenter?: string } }).Config?.Datacenter ?? '';
      }
      if (config.services.length > 0 && config.tags.length === 0) {
        follow(new Set(config.services));
        return;
      }
      const filter = config.filter === '' ? [] : ([['filter', config.filter]] as const);
      const answer = await ask('/v1/catalog/services', [...filter, ...waiting(catalogIndex)], signal);
      const index = answer.headers['x-consul-index'] ?? '';
      if (signal.aborted || (index !== '' && index === catalogIndex)) return;
      catalogIndex = index;
      const services = Object.entries(answer.data as Record<string, readonly string[]>);
      follow(new Set(services.filter(([name, tags]) => isWanted(config, name, tags)).map(([name]) => name)));
    }),
  );
  return {
    stop() {
      catalog.stop();
      for (const loop of watching.values()) loop.stop();
      void client.close().catch(() => undefined);
    },
  };
}

function withBasicAuth(config: ConsulDiscovery): ConsulDiscovery {
  if (config.username === undefined && config.password === undefined) return config;
  return { ...config, basic_auth: { username: config.username ?? '', password: config.password } };
}

function isWanted(config: ConsulDiscovery, name: string, tags: readonly string[]): boolean {
  if (config.services.length > 0 && !config.services.includes(name)) return false;
  return config.tags.every((tag) => tags.includes(tag));
}

function waiting(index: string): (readonly [string, string])[] {
  return index === ''
    ? []
    : [
        ['index', index],
        ['wait', `${WAIT_SECONDS}s`],
      ];
}

function askConsul(
  client: HttpClient,
  config: ConsulDiscovery,
  path: string,
  own: readonly (readonly [string, string])[],
  signal: AbortSignal,
) {
  const parameters = new URLSearchParams(own as [string, string][]);
  if (config.datacenter !== '') parameters.set('dc', config.datacenter);
  if (config.namespace !== '') parameters.set('ns', config.namespace);
  if (config.partition !== '') parameters.set('partition', config.partition);
  for (const [k, v] of Object.entries(config.node_meta)) parameters.append('node-meta', `${k}:${v}`);
  if (config.allow_stale) parameters.set('stale', '');
  const url = `${config.scheme}://${config.server}${config.path_prefix}${path}?${parameters}`;
  const headers = config.token ? { 'x-consul-token': config.token.reveal() } : {};
  return fetchJson(client, url, { timeoutMs: REQUEST_TIMEOUT_MS, signal, headers });
}

export function consulTarget(entry: ConsulEntry, separator: string): Record<string, string> {
  const { Node: node, Service: service } = entry;
  const tags = service.Tags ?? [];
  const labels: Record<string, string> = {
    __address__: hostPort(service.Address || node.Address, service.Port),
    [`${META}address`]: node.Address,
    [`${META}node`]: node.Node,
    [`${META}namespace`]: service.Namespace ?? '',
    [`${META}partition`]: node.Partition ?? '',
    [`${META}tags`]: separator + tags.join(separator) + separator,
    [`${META}service_address`]: service.Address,
    [`${META}service_port`]: String(service.Port),
    [`${META}service_id`]: service.ID,
    [`${META}health`]: healthOf(entry),
  };
  if (node.Datacenter) labels[`${META}dc`] = node.Datacenter;
  const add = (prefix: string, values: Readonly<Record<string, string>> | null | undefined) => {
    for (const [k, v] of Object.entries(values ?? {})) labels[`${META}${prefix}_${sanitizeLabelName(k)}`] = v;
  };
  add('metadata', node.Meta);
  add('service_metadata', service.Meta);
  add('tagged_address', node.TaggedAddresses);
  return labels;
}

/** The worst of its checks. */
function healthOf(entry: ConsulEntry): string {
  const states = new Set((entry.Checks ?? []).map((c) => c.Status));
  return ['maintenance', 'critical', 'warning'].find((s) => states.has(s)) ?? 'passing';
}
