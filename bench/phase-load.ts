/** Remote write until settled, bytes on disk, and how long a restart takes. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { dataOf, get, send, sendWrite, sleep, until } from './http-client.ts';
import { ready, type Server, type ServerKind, startServer } from './servers.ts';
import { bytesBelow, cpuSeconds, peakBytes, resetPeak } from './usage.ts';
import { encodeSamples, readRequest, type WriteRequests } from './write-requests.ts';

/** Settled: so little CPU for so long. */
const SETTLED_SHARE = 0.04;
const SETTLED_FOR_MS = 3_000;
const SETTLE_STEP_MS = 500;
const RESTART_TIMEOUT_MS = 120_000;

export interface Loaded {
  readonly server: Server;
  readonly cpuSecondsPerMillion: number;
  readonly samplesPerSecond: number;
  readonly peakBytes: number;
  readonly settledSeconds: number;
  /** Whether it takes `Content-Encoding: snappy`, as every sender says it. */
  readonly encoding: boolean;
}

/** Loads everything into a new server. */
export async function load(
  kind: ServerKind,
  directory: string,
  requests: WriteRequests,
  maxSettleMs: number,
): Promise<Loaded> {
  const server = await startServer({ kind, directory });
  await ready(server);
  const encoding = await takesEncoding(server);
  await sleep(1_000);
  resetPeak(server.pid);
  const before = cpuSeconds(server.pid);
  const started = performance.now();
  await Promise.all(requests.shards.map((_, shard) => sendShard(server, requests, shard, encoding)));
  const seconds = (performance.now() - started) / 1000;
  const settledSeconds = await settle(server, maxSettleMs);
  const used = cpuSeconds(server.pid) - before;
  return {
    server,
    cpuSecondsPerMillion: used / (requests.samples / 1e6),
    samplesPerSecond: requests.samples / seconds,
    peakBytes: peakBytes(server.pid),
    settledSeconds,
    encoding,
  };
}

/** Asks with a request of no series. */
export async function takesEncoding(server: Server): Promise<boolean> {
  return (await sendWrite(server.base, encodeSamples([], 0, 0))).status < 300;
}

async function sendShard(server: Server, requests: WriteRequests, shard: number, encoding: boolean): Promise<void> {
  const handle = openSync(requests.file, 'r');
  try {
    for (const place of requests.shards[shard]!) {
      const answer = await sendWrite(server.base, readRequest(handle, place), encoding);
      if (answer.status >= 300)
        throw new Error(`${server.kind} refused a write: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
    }
  } finally {
    closeSync(handle);
  }
}

/** Waits until it rests; how long that took. */
export async function settle(server: Server, maxMs: number): Promise<number> {
  const started = performance.now();
  let quietMs = 0;
  let last = cpuSeconds(server.pid);
  while (quietMs < SETTLED_FOR_MS && performance.now() - started < maxMs) {
    await sleep(SETTLE_STEP_MS);
    const now = cpuSeconds(server.pid);
    quietMs = (now - last) * 1000 <= SETTLED_SHARE * SETTLE_STEP_MS ? quietMs + SETTLE_STEP_MS : 0;
    last = now;
  }
  return (performance.now() - started - quietMs) / 1000;
}

/**
 * Bytes a sample takes once compacted. Prometheus and Belfry: the blocks of a snapshot, index included, the head's with
 * them. VictoriaMetrics: its data directory after a forced merge.
 */
export async function bytesPerSample(server: Server, requests: WriteRequests): Promise<number> {
  if (server.kind === 'victoria') {
    await get(server.base, '/internal/force_flush');
    await get(server.base, '/internal/force_merge');
    await settle(server, 20_000);
    return bytesBelow(join(server.directory, 'data')) / requests.samples;
  }
  const answer = await send(`${server.base}/api/v1/admin/tsdb/snapshot`, { method: 'POST' });
  const { name } = dataOf(answer) as { name: string };
  const isBlock = (path: string) => !path.includes('/wal/') && !path.includes('/chunks_head/');
  return bytesBelow(join(server.directory, 'snapshots', name), isBlock) / requests.samples;
}

/** Stops it, starts it again, and measures until the newest sample can be queried. */
export async function restart(
  server: Server,
  requests: WriteRequests,
  config?: string,
): Promise<{ server: Server; seconds: number }> {
  await server.stop();
  const { kind, directory } = server;
  const again = await startServer({ kind, directory, ...(config ? { config } : {}) });
  await untilLastSample(again, requests);
  return { server: again, seconds: (performance.now() - again.startedMs) / 1000 };
}

async function untilLastSample(server: Server, requests: WriteRequests): Promise<void> {
  const pairs = requests.lastSeries;
  const matchers: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) matchers.push(`${pairs[i]}=${JSON.stringify(pairs[i + 1])}`);
  const query = `{${matchers.join(',')}}[1s]`;
  const time = String(requests.lastMs / 1000);
  await until(`${server.kind}: the last sample after a restart`, RESTART_TIMEOUT_MS, 10, async () => {
    const answer = await get(server.base, '/api/v1/query', { query, time });
    if (answer.status !== 200) return undefined;
    const { result } = dataOf(answer) as { result: { values: [number, string][] }[] };
    return result[0]?.values.some(([at]) => Math.round(at * 1000) === requests.lastMs) ? true : undefined;
  });
}
