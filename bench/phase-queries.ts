/** Queries and metadata calls, one after the other, each against all servers in turn. */

import { difference, type QueryData } from './compare.ts';
import type { Dataset } from './dataset.ts';
import { type Answer, dataOf, get } from './http-client.ts';
import { QUERIES } from './queries.ts';
import type { Difference, Each, QueryTiming } from './results.ts';
import type { Server } from './servers.ts';
import { median } from './statistics.ts';

/** How often each query is asked of each server; the first time does not count, and its answers are compared. */
const REPEATS: Readonly<Record<QueryTiming['kind'], number>> = {
  'range 1h': 7,
  'range all': 5,
  instant: 15,
  metadata: 9,
};

/**
 * Range selectors include their start in Prometheus 2 and exclude it since 3. Queries stand off the minute, on which a
 * subquery's steps are, so that nothing lies just there.
 */
const QUERY_OFFSET_MS = 5_000;

interface Call {
  readonly kind: QueryTiming['kind'];
  readonly name: string;
  readonly expr: string;
  /** Moved a little each time, so that no server answers from a cache. */
  readonly ask: (server: Server, turn: number) => Promise<Answer>;
  readonly differs: (ours: unknown, theirs: unknown) => string | undefined;
}

export interface QueryResults {
  readonly timings: QueryTiming[];
  readonly differences: Difference[];
}

export async function queries(servers: readonly Server[], dataset: Dataset, budgetMs: number): Promise<QueryResults> {
  const calls = QUERIES.flatMap(({ name, expr }) => queryCalls(name, expr, dataset));
  return run(servers, calls, budgetMs);
}

export async function metadata(servers: readonly Server[], dataset: Dataset, budgetMs: number): Promise<QueryResults> {
  return run(servers, metadataCalls(dataset), budgetMs);
}

export function queryCalls(name: string, expr: string, dataset: Dataset): Call[] {
  const seconds = (ms: number) => String(ms / 1000);
  const differs = (ours: unknown, theirs: unknown) => difference(ours as QueryData, theirs as QueryData);
  const range = (startMs: number, endMs: number, step: number) => (server: Server, turn: number) =>
    get(server.base, '/api/v1/query_range', {
      query: expr,
      start: seconds(startMs - turn * 1_000),
      end: seconds(endMs - turn * 1_000),
      step: String(step),
    });
  const startMs = dataset.startMs - QUERY_OFFSET_MS;
  const endMs = dataset.endMs - QUERY_OFFSET_MS;
  return [
    { kind: 'range 1h', name, expr, differs, ask: range(endMs - 3_600_000, endMs, 15) },
    { kind: 'range all', name, expr, differs, ask: range(startMs, endMs, 60) },
    {
      kind: 'instant',
      name,
      expr,
      differs,
      ask: (server, turn) =>
        get(server.base, '/api/v1/query', { query: expr, time: seconds(endMs - 60_000 - turn * 1_000) }),
    },
  ];
}

export function metadataCalls({ startMs, endMs }: Dataset): Call[] {
  const range = { start: String(startMs / 1000), end: String(endMs / 1000) };
  const call = (name: string, path: string, parameters: Record<string, string>): Call => ({
    kind: 'metadata',
    name,
    expr: `${path}${parameters['match[]'] ? `?match[]=${parameters['match[]']}` : ''}`,
    ask: (server) => get(server.base, path, parameters),
    differs: (ours, theirs) => (canonical(ours) === canonical(theirs) ? undefined : 'the lists differ'),
  });
  return [
    call('label names', '/api/v1/labels', range),
    call('label names of a metric', '/api/v1/labels', { ...range, 'match[]': 'http_requests_total' }),
    call('metric names', '/api/v1/label/__name__/values', range),
    call('instances', '/api/v1/label/instance/values', range),
    call('handlers of a metric', '/api/v1/label/handler/values', { ...range, 'match[]': 'http_requests_total' }),
    call('series of a metric', '/api/v1/series', { ...range, 'match[]': 'http_requests_total' }),
    call('series of a job', '/api/v1/series', { ...range, 'match[]': '{job="node"}' }),
    call('series by a pattern', '/api/v1/series', { ...range, 'match[]': '{__name__=~"node_disk_.*",device="sda"}' }),
  ];
}

/** Lists in one order, labels too. */
function canonical(data: unknown): string {
  const rows = (data as unknown[]).map((row) =>
    JSON.stringify(typeof row === 'string' ? row : Object.entries(row as object).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return rows.sort().join('\n');
}

async function run(servers: readonly Server[], calls: readonly Call[], budgetMs: number): Promise<QueryResults> {
  const timings: QueryTiming[] = [];
  const differences: Difference[] = [];
  const end = performance.now() + budgetMs;
  for (const call of calls) {
    if (performance.now() > end) throw new Error(`the ${call.kind} calls took more than ${budgetMs} ms`);
    const times = new Map<Server, number[]>(servers.map((s) => [s, []]));
    const first = new Map<string, unknown>();
    for (let turn = 0; turn <= REPEATS[call.kind]; turn++) {
      for (const server of servers) {
        const answer = await call.ask(server, turn);
        if (answer.status !== 200) {
          differences.push({
            call: `${call.kind}, ${server.kind}`,
            expr: call.expr,
            what: answer.body.toString().slice(0, 200),
          });
        }
        if (turn === 0 && server.kind !== 'victoria' && answer.status === 200) first.set(server.kind, dataOf(answer));
        if (turn > 0) times.get(server)!.push(answer.ms);
      }
    }
    const [ours, theirs] = [first.get('belfry'), first.get('prometheus')];
    const what = ours !== undefined && theirs !== undefined ? call.differs(ours, theirs) : undefined;
    if (what !== undefined) differences.push({ call: call.kind, expr: call.expr, what });
    const p50Ms: Each = {};
    for (const [server, list] of times) p50Ms[server.kind] = median(list);
    timings.push({ kind: call.kind, name: call.name, expr: call.expr, p50Ms });
  }
  return { timings, differences };
}
