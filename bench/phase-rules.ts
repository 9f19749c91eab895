/** 500 recording and 500 alerting rules every five seconds, over series that are scraped. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exposition } from './exposition.ts';
import { get, send, sleep } from './http-client.ts';
import type { Each } from './results.ts';
import { freePort, ready, type Server, type ServerKind, startProcess, startServer } from './servers.ts';
import { cpuSeconds } from './usage.ts';

const RULES_OF_A_KIND = 500;
const RULES_OF_A_GROUP = 50;
const INTERVAL_SECONDS = 5;
const WARM_UP_MS = 15_000;
const PLAIN_MS = 15_000;
const MEASURE_MS = 30_000;

/** CPU seconds an evaluation of one rule takes, over what the same server uses for scraping alone. */
export async function rules(
  kinds: readonly ServerKind[],
  directory: string,
  exposition: Exposition,
): Promise<{ cpuPerEvaluation: Each; evaluations: Each }> {
  const ruleFile = join(directory, 'rules.yml');
  writeFileSync(ruleFile, ruleFileText());
  const config = exposition.config(INTERVAL_SECONDS);
  const servers: Server[] = [];
  for (const kind of kinds) {
    const server = await startServer({ kind, directory: join(directory, `${kind}-rules`), config });
    await ready(server);
    servers.push(server);
  }
  await sleep(WARM_UP_MS);
  const plain = await usedIn(
    PLAIN_MS,
    servers.map((s) => [s.pid]),
  );
  const extra = await Promise.all(servers.map((server) => addRules(server, ruleFile)));
  await sleep(WARM_UP_MS);
  const before = await Promise.all(servers.map(evaluationsOf));
  const used = await usedIn(
    MEASURE_MS,
    servers.map((s, i) => [s.pid, ...extra[i]!.pids]),
  );
  const after = await Promise.all(servers.map(evaluationsOf));
  const cpuPerEvaluation: Each = {};
  const evaluations: Each = {};
  servers.forEach(({ kind }, i) => {
    const scheduled = (2 * RULES_OF_A_KIND * MEASURE_MS) / 1000 / INTERVAL_SECONDS;
    const count = before[i] === undefined ? scheduled : after[i]! - before[i]!;
    evaluations[kind] = count;
    cpuPerEvaluation[kind] = (used[i]! - (plain[i]! * MEASURE_MS) / PLAIN_MS) / count;
  });
  for (const { stop } of extra) await stop();
  for (const server of servers) await server.stop();
  return { cpuPerEvaluation, evaluations };
}

async function usedIn(ms: number, pids: readonly (readonly number[])[]): Promise<number[]> {
  const sum = (group: readonly number[]) => group.reduce((total, pid) => total + cpuSeconds(pid), 0);
  const before = pids.map(sum);
  await sleep(ms);
  return pids.map((group, i) => sum(group) - before[i]!);
}

/** Prometheus and Belfry read the file; for VictoriaMetrics there is vmalert. */
async function addRules(server: Server, ruleFile: string): Promise<{ pids: number[]; stop: () => Promise<void> }> {
  if (server.kind === 'victoria') {
    const { child, stop } = startProcess('vmalert', [
      `-rule=${ruleFile}`,
      `-datasource.url=${server.base}`,
      `-remoteWrite.url=${server.base}`,
      '-notifier.url=http://127.0.0.1:9',
      `-evaluationInterval=${INTERVAL_SECONDS}s`,
      `-httpListenAddr=127.0.0.1:${await freePort()}`,
      '-loggerLevel=FATAL',
    ]);
    return { pids: [child.pid!], stop: () => stop() };
  }
  const file = `${server.directory}.yml`;
  writeFileSync(file, `rule_files: ['${ruleFile}']\n${readFileSync(file, 'utf8')}`);
  const { status, body } = await send(`${server.base}/-/reload`, { method: 'POST' });
  if (status !== 200) throw new Error(`${server.kind} did not take the rules: ${body.toString()}`);
  return { pids: [], stop: async () => {} };
}

/** What it counted itself; undefined where rules run elsewhere. */
async function evaluationsOf(server: Server): Promise<number | undefined> {
  if (server.kind === 'victoria') return undefined;
  const text = (await get(server.base, '/metrics')).body.toString();
  const lines = text.split('\n').filter((line) => line.startsWith('prometheus_rule_evaluations_total'));
  return lines.reduce((n, line) => n + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

export function ruleFileText(): string {
  const groups: string[] = [];
  for (let first = 0; first < RULES_OF_A_KIND; first += RULES_OF_A_GROUP) {
    const numbers = Array.from({ length: RULES_OF_A_GROUP }, (_, i) => first + i);
    groups.push(group(`record-${first}`, numbers.map(recordingRule)));
    groups.push(group(`alert-${first}`, numbers.map(alertingRule)));
  }
  return `groups:\n${groups.join('')}`;
}

function group(name: string, rules: readonly string[]): string {
  return `  - name: ${name}\n    interval: ${INTERVAL_SECONDS}s\n    rules:\n${rules.join('')}`;
}

function recordingRule(i: number): string {
  const family = i % 8;
  const exprs = [
    `sum by (instance) (rate(bench_requests_${family}_total{code="${200 + (i % 12)}"}[1m]))`,
    `sum by (code) (rate(bench_requests_${family}_total{method="GET"}[1m]))`,
    `histogram_quantile(0.99, sum by (le) (rate(bench_duration_${family}_seconds_bucket{path="/a"}[1m])))`,
    `avg by (zone) (bench_size_${family}_bytes{pool="pool-${i % 10}"})`,
    `sum(rate(bench_requests_${family}_total{code=~"20."}[1m])) / sum(rate(bench_requests_${family}_total[1m]))`,
  ];
  return `      - record: bench:recorded:${i}\n        expr: ${exprs[i % exprs.length]}\n`;
}

/** One in twenty fires. */
function alertingRule(i: number): string {
  const family = i % 8;
  const fires = i % 20 === 0;
  const exprs = [
    `sum(rate(bench_requests_${family}_total{code="${200 + (i % 12)}"}[1m])) > ${fires ? 0 : 1e12}`,
    `bench_size_${family}_bytes{pool="pool-${i % 10}"} < ${fires ? 1e15 : -1}`,
    `histogram_quantile(0.95, sum by (le, path) (rate(bench_duration_${family}_seconds_bucket[1m]))) > ${fires ? -1 : 100}`,
    `up{job="bench"} == 0`,
  ];
  const annotations = `        annotations: { summary: '{{ $labels.instance }} is at {{ $value }}' }\n`;
  return `      - alert: Bench${i}\n        expr: ${exprs[i % exprs.length]}\n        for: 1m\n        labels: { severity: page }\n${annotations}`;
}
