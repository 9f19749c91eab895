/** Scraping alone, and queries of several clients while scraping. */
import type { Dataset } from './dataset.ts';
import type { Exposition } from './exposition.ts';
import { dataOf, get, sleep } from './http-client.ts';
import { QUERIES } from './queries.ts';
import { ready, type Server, type ServerKind, startServer } from './servers.ts';
import { quantile } from './statistics.ts';
import { cpuSeconds, peakBytes } from './usage.ts';

const WARM_UP_MS = 8_000;
const MEASURE_MS = 20_000;
const CLIENTS = 8;

export interface Scraped {
  readonly cpuSecondsPerMillion: number;
  readonly peakBytes: number;
}

/** A new server scrapes all targets every second. */
export async function scrape(kind: ServerKind, directory: string, exposition: Exposition): Promise<Scraped> {
  const server = await startServer({ kind, directory, config: exposition.config(1) });
  await ready(server);
  await sleep(WARM_UP_MS);
  const hits = await totalHits(exposition);
  const cpu = cpuSeconds(server.pid);
  await sleep(MEASURE_MS);
  const used = cpuSeconds(server.pid) - cpu;
  const samples = ((await totalHits(exposition)) - hits) * exposition.seriesPerTarget;
  const peak = peakBytes(server.pid);
  await server.stop();
  return { cpuSecondsPerMillion: used / (samples / 1e6), peakBytes: peak };
}

async function totalHits(exposition: Exposition): Promise<number> {
  return (await exposition.hits()).reduce((a, b) => a + b, 0);
}

export interface Mixed {
  readonly p95Ms: number;
  readonly missed: number;
  readonly queries: number;
  readonly failed: number;
}

/** Clients ask the range queries one after the other, while the server (already scraping) goes on scraping. */
export async function queriesWhileScraping(server: Server, dataset: Dataset, targets: number): Promise<Mixed> {
  await sleep(WARM_UP_MS);
  const startedMs = performance.now();
  const times: number[] = [];
  let failed = 0;
  const client = async (number: number) => {
    for (let i = number * 3; performance.now() - startedMs < MEASURE_MS; i++) {
      const endMs = dataset.endMs - 5_000 - (i % 97) * 1_000;
      const answer = await get(server.base, '/api/v1/query_range', {
        query: QUERIES[i % QUERIES.length]!.expr,
        start: String((endMs - 3_600_000) / 1000),
        end: String(endMs / 1000),
        step: '15',
      });
      times.push(answer.ms);
      if (answer.status !== 200) failed++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
  const seconds = Math.floor((performance.now() - startedMs) / 1000);
  const missed = await missedScrapes(server, targets, seconds);
  return { p95Ms: quantile(times, 0.95), missed, queries: times.length, failed };
}

/** Scrapes that did not come or failed in the last seconds, as the server itself stored them; one a target is the edge's. */
async function missedScrapes(server: Server, targets: number, seconds: number): Promise<number> {
  await sleep(1_500);
  if (server.kind === 'victoria') await get(server.base, '/internal/force_flush');
  const time = String((Date.now() - 1_500) / 1000);
  const answer = await get(server.base, '/api/v1/query', {
    query: `sum_over_time(up{job="bench"}[${seconds}s])`,
    time,
  });
  const { result } = dataOf(answer) as { result: { value: [number, string] }[] };
  const wanted = seconds - 1;
  const short = result.reduce((n, { value }) => n + Math.max(0, wanted - Number(value[1])), 0);
  return short + wanted * Math.max(0, targets - result.length);
}
