/**
 * Measures Belfry, Prometheus and VictoriaMetrics side by side:
 *
 *     node bench/run.ts [--size small|large] [--only load,queries,metadata,…] [--servers belfry,prometheus,victoria] [--write]
 *
 * A whole run writes docs/benchmarks.md and the baseline; a part of one only with `--write`.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createDataset, type Dataset, type DatasetSize, SIZES } from './dataset.ts';
import { startExposition } from './exposition.ts';
import { lostAtKill } from './phase-kill.ts';
import { bytesPerSample, type Loaded, load, restart } from './phase-load.ts';
import { metadata, queries } from './phase-queries.ts';
import { rules } from './phase-rules.ts';
import { queriesWhileScraping, scrape } from './phase-scrape.ts';
import { printMeasurement, writeReport } from './report.ts';
import type { Each, Measurement, QueryTiming, Results } from './results.ts';
import { installed, KINDS, killAll, type Server, type ServerKind, versionOf } from './servers.ts';
import { geometricMean } from './statistics.ts';
import { peakBytes, resetPeak } from './usage.ts';
import { encodeDataset, type WriteRequests } from './write-requests.ts';

const SEED = 20_240_607;
const PHASES = ['load', 'queries', 'metadata', 'mixed', 'scrape', 'rules', 'kill'] as const;
const LOADED_PHASES: readonly Phase[] = ['load', 'queries', 'metadata', 'mixed'];
type Phase = (typeof PHASES)[number];

/** What all phases of one run share. */
interface Run {
  readonly size: DatasetSize;
  readonly kinds: readonly ServerKind[];
  readonly phases: ReadonlySet<Phase>;
  readonly directory: string;
  readonly results: Results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: 'small' },
      only: { type: 'string' },
      servers: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const size = SIZES[values.size as 'small' | 'large'];
  if (!size) throw new Error(`--size ${values.size}: small or large`);
  const phases = new Set(chosen('--only', values.only, PHASES));
  const kinds = chosen('--servers', values.servers, KINDS);
  for (const kind of kinds)
    if (!installed(kind)) throw new Error(`${kind} is not installed: apt-get install prometheus victoria-metrics`);
  const directory = mkdtempSync(join(tmpdir(), 'belfry-bench-'));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', () => {
    killAll();
    rmSync(directory, { recursive: true, force: true });
  });
  const run: Run = { size, kinds, phases, directory, results: emptyResults(size, kinds) };
  if (LOADED_PHASES.some((phase) => phases.has(phase))) await loadedPhases(run);
  if (phases.has('scrape')) for (const targets of [20, 80]) await scrapePhase(run, targets);
  if (phases.has('rules')) await rulesPhase(run);
  if (phases.has('kill')) await killPhase(run);
  for (const { call, expr, what } of run.results.differences) console.log(`DIFFERENT ${call}: ${expr}\n    ${what}`);
  if (values.write || (!values.only && !values.servers)) writeReport(run.results);
}

function chosen<T extends string>(flag: string, text: string | undefined, all: readonly T[]): T[] {
  if (text === undefined) return [...all];
  const names = text.split(',') as T[];
  for (const name of names) if (!all.includes(name)) throw new Error(`${flag} ${name}: one of ${all.join(', ')}`);
  return names;
}

function emptyResults(size: DatasetSize, kinds: readonly ServerKind[]): Results {
  return {
    size: size.name,
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
    },
    loadBefore: loadavg()[0]!,
    versions: Object.fromEntries(kinds.map((kind) => [kind, versionOf(kind)])),
    dataset: { series: 0, samples: 0, hours: size.hours },
    measurements: [],
    queries: [],
    differences: [],
  };
}

function report(run: Run, measurement: Measurement): void {
  run.results.measurements.push(measurement);
  printMeasurement(measurement);
}

function step(text: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

async function loadedPhases(run: Run): Promise<void> {
  step(`data set: ${run.size.name}`);
  const endMs = Math.floor(Date.now() / 60_000) * 60_000;
  const dataset = createDataset(run.size, endMs, SEED);
  const requests = encodeDataset(dataset, join(run.directory, 'requests'), SEED);
  Object.assign(run.results.dataset, { series: dataset.seriesCount, samples: requests.samples });
  step(
    `${dataset.seriesCount} series, ${requests.samples} samples, ${Math.round(requests.bytes / 2 ** 20)} MiB of requests`,
  );
  const servers = await loadAll(run, requests);
  const large = run.size.name === 'large';
  if (run.phases.has('queries')) await queryPhase(run, servers, dataset, large ? 900_000 : 240_000);
  if (run.phases.has('metadata')) await metadataPhase(run, servers, dataset);
  if (run.phases.has('mixed')) await mixedPhase(run, servers, dataset, requests);
  else for (const server of servers) await server.stop();
}

async function loadAll(run: Run, requests: WriteRequests): Promise<Server[]> {
  const loads = new Map<ServerKind, Loaded>();
  const bytes: Each = {};
  const restarts: Each = {};
  const servers: Server[] = [];
  const settleMs = run.size.name === 'large' ? 150_000 : 45_000;
  for (const kind of run.kinds) {
    step(`load ${kind}`);
    const directory = join(run.directory, kind);
    mkdirSync(directory);
    const loaded = await load(kind, directory, requests, settleMs);
    loads.set(kind, loaded);
    if (!loaded.encoding) {
      const what = `${kind} refuses Content-Encoding: snappy; measured without the header`;
      run.results.differences.push({ call: 'remote write', expr: '/api/v1/write', what });
    }
    let { server } = loaded;
    if (run.phases.has('load')) {
      bytes[kind] = await bytesPerSample(server, requests);
      ({ server, seconds: restarts[kind] } = await restart(server, requests));
    }
    servers.push(server);
  }
  if (run.phases.has('load')) reportLoads(run, loads, bytes, restarts);
  return servers;
}

function reportLoads(run: Run, loads: ReadonlyMap<ServerKind, Loaded>, bytes: Each, restarts: Each): void {
  const each = (pick: (l: Loaded) => number): Each =>
    Object.fromEntries([...loads].map(([kind, loaded]) => [kind, pick(loaded)]));
  const cpu = { id: 'write-cpu', title: 'remote write: CPU until settled', unit: 'CPU s per million samples' };
  report(run, { ...cpu, values: each((l) => l.cpuSecondsPerMillion), target: { atMost: 0.5 } });
  const rate = { id: 'write-rate', title: 'remote write: rate, 4 senders', unit: 'samples/s' };
  report(run, { ...rate, values: each((l) => l.samplesPerSecond), target: { atLeast: 1.8 } });
  const peak = { id: 'write-memory', title: 'remote write: peak memory', unit: 'MiB' };
  report(run, { ...peak, values: each((l) => l.peakBytes / 2 ** 20) });
  const disk = { id: 'disk', title: 'bytes on disk, after compaction', unit: 'bytes per sample' };
  report(run, { ...disk, values: bytes, target: { atMost: 1.05 } });
  const again = { id: 'restart', title: 'restart until the last sample is queryable', unit: 's' };
  report(run, { ...again, values: restarts, ...(run.size.name === 'large' ? { target: { atMost: 0.5 } } : {}) });
}

async function queryPhase(run: Run, servers: readonly Server[], dataset: Dataset, budgetMs: number): Promise<void> {
  step('queries');
  for (const server of servers) resetPeak(server.pid);
  const { timings, differences } = await queries(servers, dataset, budgetMs);
  const peaks: Each = Object.fromEntries(servers.map((s) => [s.kind, peakBytes(s.pid) / 2 ** 20]));
  run.results.queries.push(...timings);
  run.results.differences.push(...differences);
  const range = timings.filter((t) => t.kind !== 'instant');
  reportTimings(run, 'range', 'range queries, p50', range, 0.3, 0.8);
  reportTimings(
    run,
    'range-1h',
    '… 1 h at 15 s',
    timings.filter((t) => t.kind === 'range 1h'),
  );
  reportTimings(
    run,
    'range-all',
    '… whole range at 60 s',
    timings.filter((t) => t.kind === 'range all'),
  );
  reportTimings(
    run,
    'instant',
    'instant queries, p50',
    timings.filter((t) => t.kind === 'instant'),
    0.8,
  );
  const memory = { id: 'query-memory', title: 'peak memory while the query mix runs', unit: 'MiB' };
  report(run, { ...memory, values: peaks, ...(run.size.name === 'large' ? { target: { atMost: 0.6 } } : {}) });
}

async function metadataPhase(run: Run, servers: readonly Server[], dataset: Dataset): Promise<void> {
  step('metadata');
  const { timings, differences } = await metadata(servers, dataset, 60_000);
  run.results.queries.push(...timings);
  run.results.differences.push(...differences);
  reportTimings(run, 'metadata', 'metadata calls, p50', timings, 1);
}

async function mixedPhase(
  run: Run,
  servers: readonly Server[],
  dataset: Dataset,
  requests: WriteRequests,
): Promise<void> {
  const exposition = await startExposition(20, 500);
  const p95: Each = {};
  const missed: Each = {};
  const answered: string[] = [];
  // One at a time: the others would take the processor from it.
  for (const server of servers) await server.stop();
  for (const stopped of servers) {
    step(`8 clients while scraping: ${stopped.kind}`);
    const { server } = await restart(stopped, requests, exposition.config(1));
    const mixed = await queriesWhileScraping(server, dataset, exposition.targets);
    p95[server.kind] = mixed.p95Ms;
    missed[server.kind] = mixed.missed;
    answered.push(`${server.kind} answered ${mixed.queries}${mixed.failed > 0 ? `, failed ${mixed.failed}` : ''}`);
    await server.stop();
  }
  await exposition.stop();
  const latency = { id: 'mixed-p95', title: '8 clients querying while scraping: p95', unit: 'ms', values: p95 };
  report(run, { ...latency, target: { atMost: 0.4 }, note: answered.join('; ') });
  const scrapes = { id: 'mixed-missed', title: '… missed scrapes', unit: 'scrapes', values: missed };
  report(run, { ...scrapes, target: { atMost: 0, absolute: true } });
}

async function scrapePhase(run: Run, targets: number): Promise<void> {
  const exposition = await startExposition(targets, 500);
  const cpu: Each = {};
  const peak: Each = {};
  for (const kind of run.kinds) {
    step(`scrape ${targets} × 500: ${kind}`);
    const scraped = await scrape(kind, join(run.directory, `${kind}-scrape-${targets}`), exposition);
    cpu[kind] = scraped.cpuSecondsPerMillion;
    peak[kind] = scraped.peakBytes / 2 ** 20;
  }
  await exposition.stop();
  const what = `scrape ${targets} × 500 series every second`;
  const unit = 'CPU s per million samples';
  report(run, { id: `scrape-${targets}-cpu`, title: what, unit, values: cpu, target: { atMost: 1 } });
  const memory = { id: `scrape-${targets}-memory`, title: `${what}: peak memory`, unit: 'MiB', values: peak };
  report(run, { ...memory, ...(targets === 80 ? { target: { atMost: 1 } } : {}) });
}

async function rulesPhase(run: Run): Promise<void> {
  step('rules');
  const exposition = await startExposition(20, 500);
  const { cpuPerEvaluation, evaluations } = await rules(run.kinds, run.directory, exposition);
  await exposition.stop();
  const values: Each = Object.fromEntries(Object.entries(cpuPerEvaluation).map(([kind, s]) => [kind, s * 1e6]));
  const note = Object.entries(evaluations).map(([kind, n]) => `${kind} ${n}`);
  report(run, {
    id: 'rules',
    title: 'rules, 500 + 500 every 5 s',
    unit: 'CPU µs per evaluation',
    values,
    target: { atMost: 0.5 },
    note: `evaluations: ${note.join(', ')}`,
  });
}

async function killPhase(run: Run): Promise<void> {
  const lost: Each = {};
  const acknowledged: string[] = [];
  for (const kind of run.kinds) {
    step(`kill -9: ${kind}`);
    const outcome = await lostAtKill(kind, join(run.directory, `${kind}-kill`));
    lost[kind] = outcome.lost;
    acknowledged.push(`${kind} ${outcome.acknowledged}`);
  }
  report(run, {
    id: 'kill-lost',
    title: 'acknowledged samples lost at kill -9',
    unit: 'samples',
    values: lost,
    target: { atMost: 0, absolute: true },
    note: `acknowledged: ${acknowledged.join(', ')}`,
  });
}

/** The geometric mean of the ratios, and the worst of them. */
function reportTimings(
  run: Run,
  id: string,
  title: string,
  timings: readonly QueryTiming[],
  meanTarget?: number,
  worstTarget?: number,
): void {
  const all = (kind: ServerKind) => timings.map((t) => t.p50Ms[kind]! / t.p50Ms.prometheus!);
  const over = (pick: (kind: ServerKind) => number): Each => Object.fromEntries(run.kinds.map((k) => [k, pick(k)]));
  const values = over((kind) => geometricMean(timings.map((t) => t.p50Ms[kind]!)));
  const target = meanTarget === undefined ? {} : { target: { atMost: meanTarget } };
  report(run, {
    id,
    title: `${title}, geometric mean`,
    unit: 'ms',
    values,
    ratios: over((k) => geometricMean(all(k))),
    ...target,
  });
  const slowest = timings.reduce((a, b) =>
    b.p50Ms.belfry! / b.p50Ms.prometheus! > a.p50Ms.belfry! / a.p50Ms.prometheus! ? b : a,
  );
  report(run, {
    id: `${id}-worst`,
    title: `${title}, worst ratio`,
    unit: 'ms',
    values: slowest.p50Ms,
    ratios: over((k) => Math.max(...all(k))),
    note: `${slowest.name} (${slowest.kind})`,
    ...(worstTarget === undefined ? {} : { target: { atMost: worstTarget } }),
  });
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
killAll();
