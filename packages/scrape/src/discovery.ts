import type { DiscoveryConfig, HttpClient, HttpConfig } from '@belfry/config';
import type { Clock } from '@belfry/model';
import { discoverConsul } from './discovery-consul.ts';
import { type DnsResolver, discoverDns } from './discovery-dns.ts';
import { discoverDocker } from './discovery-docker.ts';
import { type DiscoveryFiles, discoverFiles } from './discovery-file.ts';
import { discoverHttp } from './discovery-http.ts';
import { discoverKubernetes } from './discovery-kubernetes.ts';

/** Targets that were found together. */
export interface TargetsFound {
  /** Within one mechanism, what is found again under the same name replaces what was found before. */
  readonly source: string;
  /** Each with `__address__`, and what is known of it alone. */
  readonly targets: readonly Readonly<Record<string, string>>[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Something that finds targets until it is stopped. */
export interface Discovery {
  stop(): void;
}

export interface DiscoveryDependencies {
  readonly clock: Clock;
  readonly files: DiscoveryFiles;
  readonly dns: DnsResolver;
  readonly client: ClientFactory;
  readonly userAgent: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Something is wrong; what was found before stays in force. */
  readonly onProblem: (message: string) => void;
}

/** Makes a client for a section; through a socket in the file system where one is named. */
export type ClientFactory = (config: HttpConfig, options?: { readonly socketPath?: string }) => HttpClient;

/** Called with what has changed; a source without targets is gone. */
export type EmitTargets = (found: readonly TargetsFound[]) => void;

/** So long targets that are known already wait for a mechanism that has not answered yet. */
const FIRST_ANSWER_MS = 5000;

/**
 * Starts every mechanism of a section. `emit` is called with all targets known, whenever that changes; the first time
 * when each mechanism has answered, or some seconds have gone by.
 */
export function discover(
  config: DiscoveryConfig,
  dependencies: DiscoveryDependencies,
  emit: (all: readonly TargetsFound[]) => void,
): Discovery {
  const known = new Map<string, TargetsFound>();
  const unanswered = new Set<string>();
  let holding = true;
  const tell = () => {
    if (!holding) emit([...known.values()]);
  };
  const emitterOf = (mechanism: string): EmitTargets => {
    return (found) => {
      for (const group of found) {
        const id = `${mechanism}/${group.source}`;
        if (group.targets.length === 0) known.delete(id);
        else known.set(id, group);
      }
      unanswered.delete(mechanism);
      if (unanswered.size === 0) holding = false;
      tell();
    };
  };
  const starts: (() => Discovery)[] = [];
  const plan = <T>(
    name: string,
    configs: readonly T[],
    start: (config: T, deps: DiscoveryDependencies, emit: EmitTargets) => Discovery,
  ) => {
    configs.forEach((c, i) => {
      const mechanism = `${name}/${i}`;
      unanswered.add(mechanism);
      starts.push(() => start(c, dependencies, emitterOf(mechanism)));
    });
  };
  plan('file', config.file_sd_configs, discoverFiles);
  plan('http', config.http_sd_configs, discoverHttp);
  plan('dns', config.dns_sd_configs, discoverDns);
  plan('docker', config.docker_sd_configs, discoverDocker);
  plan('consul', config.consul_sd_configs, discoverConsul);
  plan('kubernetes', config.kubernetes_sd_configs, discoverKubernetes);
  const fixed = config.static_configs.map((group, i) => ({
    source: String(i),
    targets: group.targets.map((address) => ({ __address__: address })),
    labels: group.labels,
  }));
  emitterOf('static')(fixed);
  const running = starts.map((start) => start());
  const release = () => {
    if (!holding) return;
    holding = false;
    tell();
  };
  const timer = dependencies.clock.after(FIRST_ANSWER_MS, release, { background: true });
  return {
    stop() {
      timer.cancel();
      for (const discovery of running) discovery.stop();
    },
  };
}

/** A name as a label's: what does not fit is an underscore. */
export function sanitizeLabelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number | string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
