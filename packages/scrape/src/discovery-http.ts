import { checkYaml, type HttpDiscovery, type TargetGroup, TargetGroups } from '@belfry/config';
import { messageOf } from '@belfry/model';
import type { Discovery, DiscoveryDependencies, EmitTargets, TargetsFound } from './discovery.ts';
import { repeat } from './repeat.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Targets from a URL that answers with a JSON list of groups. While it does not, the targets last told stay. */
export function discoverHttp(config: HttpDiscovery, deps: DiscoveryDependencies, emit: EmitTargets): Discovery {
  const client = deps.client(config);
  let told = 0;
  let lastProblem = '';
  const refresh = async (signal: AbortSignal) => {
    try {
      const groups = await fetchGroups(signal);
      lastProblem = '';
      const found: TargetsFound[] = groups.map((group, i) => ({
        source: `${config.url}:${i}`,
        targets: group.targets.map((address) => ({ __address__: address })),
        labels: { ...group.labels, __meta_url: config.url },
      }));
      for (let i = groups.length; i < told; i++) found.push({ source: `${config.url}:${i}`, targets: [], labels: {} });
      told = groups.length;
      emit(found);
    } catch (error) {
      if (signal.aborted) return;
      const message = `targets from ${config.url}: ${messageOf(error)}`;
      if (message !== lastProblem) deps.onProblem(message);
      lastProblem = message;
    }
  };
  const fetchGroups = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const response = await client.request({
      url: config.url,
      headers: {
        accept: 'application/json',
        'x-prometheus-refresh-interval-seconds': String(config.refresh_interval / 1000),
      },
      timeoutMs: config.refresh_interval,
      maxBodyBytes: MAX_BODY_BYTES,
      signal,
    });
    if (response.status !== 200) throw new Error(`server returned HTTP status ${response.status}`);
    const type = response.headers['content-type'] ?? '';
    if (!/^application\/json\s*(;\s*charset=("utf-8"|utf-8)\s*)?$/i.test(type.trim())) {
      throw new Error(`unsupported content type ${JSON.stringify(type)}`);
    }
    const result = checkYaml(TargetGroups, Buffer.from(response.body).toString());
    if (!result.ok) throw result.problems[0]!;
    return result.loaded.data;
  };
  const loop = repeat(deps.clock, config.refresh_interval, refresh);
  return {
    stop() {
      loop.stop();
      void client.close();
    },
  };
}
