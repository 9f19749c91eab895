import { Resolver } from 'node:dns/promises';
import type { DnsDiscovery } from '@belfry/config';
import { messageOf } from '@belfry/model';
import {
  type Discovery,
  type DiscoveryDependencies,
  type EmitTargets,
  hostPort,
  type TargetsFound,
} from './discovery.ts';
import { repeat } from './repeat.ts';

/** Names to addresses. A name that does not exist rejects with the code `ENOTFOUND`, one without such records `ENODATA`. */
export interface DnsResolver {
  resolve4(name: string): Promise<readonly string[]>;
  resolve6(name: string): Promise<readonly string[]>;
  resolveSrv(name: string): Promise<readonly { readonly name: string; readonly port: number }[]>;
  resolveMx(name: string): Promise<readonly { readonly exchange: string }[]>;
  resolveNs(name: string): Promise<readonly string[]>;
}

/** As the machine's resolv.conf says. */
export function systemDns(): DnsResolver {
  return new Resolver();
}

/** Targets from DNS records, asked for at each refresh. A name that cannot be asked keeps its targets. */
export function discoverDns(config: DnsDiscovery, deps: DiscoveryDependencies, emit: EmitTargets): Discovery {
  const problems = new Map<string, string>();
  const refresh = async (signal: AbortSignal) => {
    const found = await Promise.all(config.names.map((name) => lookUp(name)));
    if (!signal.aborted) emit(found.filter((f) => f !== undefined));
  };
  const lookUp = async (name: string): Promise<TargetsFound | undefined> => {
    try {
      const targets = await resolve(config, deps.dns, name);
      problems.delete(name);
      return { source: name, targets: targets.map((t) => ({ ...t, __meta_dns_name: name })), labels: {} };
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ENOTFOUND' || code === 'ENODATA') return { source: name, targets: [], labels: {} };
      const message = `DNS ${config.type} records of ${name}: ${messageOf(error)}`;
      if (problems.get(name) !== message) deps.onProblem(message);
      problems.set(name, message);
      return undefined;
    }
  };
  return repeat(deps.clock, config.refresh_interval, refresh);
}

async function resolve(config: DnsDiscovery, dns: DnsResolver, name: string): Promise<Record<string, string>[]> {
  const at = (host: string, port: number) => ({ __address__: hostPort(host.replace(/\.$/, ''), port) });
  switch (config.type) {
    case 'A':
      return (await dns.resolve4(name)).map((address) => at(address, config.port));
    case 'AAAA':
      return (await dns.resolve6(name)).map((address) => at(address, config.port));
    case 'SRV':
      return (await dns.resolveSrv(name)).map((record) => ({
        ...at(record.name, config.port || record.port),
        __meta_dns_srv_record_target: withDot(record.name),
        __meta_dns_srv_record_port: String(record.port),
      }));
    case 'MX':
      return (await dns.resolveMx(name)).map((record) => ({
        ...at(record.exchange, config.port || 25),
        __meta_dns_mx_record_target: withDot(record.exchange),
      }));
    case 'NS':
      return (await dns.resolveNs(name)).map((host) => ({
        ...at(host, config.port || 53),
        __meta_dns_ns_record_target: withDot(host),
      }));
  }
}

/** As the records have it: fully qualified. */
function withDot(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}
