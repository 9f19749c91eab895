// biome-ignore-all lint/suspicious/noTemplateCurlyInString: relabelling has templates of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePrometheusConfig } from '@belfry/config';
import { formatFloat, isStaleNaN, labelsToObject, type Random, seededRandom, systemClock } from '@belfry/model';
import { afterAll, describe, expect, test } from 'vitest';
import { createScrapeManager, scrapeIngester, targetsView } from './index.ts';
import { fakeStore } from './testing.ts';

const NODE_EXPORTER = '/usr/bin/prometheus-node-exporter';
const PROMETHEUS = '/usr/bin/prometheus';

const running: ChildProcess[] = [];
const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  for (const cleanup of cleanups) await cleanup();
});

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until<T>(what: string, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const found = await Promise.resolve()
      .then(probe)
      .catch(() => undefined);
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

function scrapeWith(yaml: string) {
  const store = fakeStore();
  const ingester = scrapeIngester(store, systemClock);
  const manager = createScrapeManager({
    clock: systemClock,
    sink: {
      open: async (target) => ingester.open(target),
      ingest: async (job) => ingester.ingest(job),
      close: async (key, staleAtMs) => ingester.close(key, staleAtMs),
    },
  });
  cleanups.push(() => manager.stop());
  manager.apply(parsePrometheusConfig(yaml, '/p.yml').config.scrape_configs);
  const scraped = () =>
    until('a scrape', () => {
      const targets = targetsView(manager, 'active', undefined).activeTargets;
      return targets.length > 0 && targets.every((t) => t.health !== 'unknown') ? targets : undefined;
    });
  return { store, manager, scraped };
}

async function startPrometheus(config: string): Promise<string> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'belfry-peer-'));
  writeFileSync(join(directory, 'prometheus.yml'), config);
  const arguments_ = [
    '--config.file=prometheus.yml',
    '--storage.tsdb.path=data',
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  running.push(spawn(PROMETHEUS, arguments_, { cwd: directory, stdio: 'ignore' }));
  await until('Prometheus', async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok || undefined);
  return `127.0.0.1:${port}`;
}

describe.skipIf(!existsSync(NODE_EXPORTER))('node_exporter (skipped where it is not installed)', () => {
  test('is scraped whole', async () => {
    const port = await freePort();
    running.push(spawn(NODE_EXPORTER, [`--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' }));
    await until('node_exporter', async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).ok || undefined);
    const { store, scraped } = scrapeWith(
      `scrape_configs: [{job_name: node, scrape_interval: 500ms, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]`,
    );
    const [target] = await scraped();
    expect([target!.health, target!.lastError]).toEqual(['up', '']);
    const names = new Set([...store.series.values()].map((s) => labelsToObject(s.labels).__name__));
    for (const name of ['node_cpu_seconds_total', 'node_memory_MemTotal_bytes', 'go_goroutines', 'up'])
      expect(names).toContain(name);
    expect(store.series.size).toBeGreaterThan(300);
  });
});

describe.skipIf(!existsSync(PROMETHEUS))('Prometheus (skipped where it is not installed)', () => {
  test('is scraped itself, in OpenMetrics and compressed', async () => {
    const address = await startPrometheus('global: {scrape_interval: 1h}\n');
    const { store, scraped } = scrapeWith(
      `scrape_configs: [{job_name: prometheus, scrape_interval: 500ms, static_configs: [{targets: ["${address}"]}]}]`,
    );
    const [target] = await scraped();
    expect([target!.health, target!.lastError]).toEqual(['up', '']);
    expect(store.dump((l) => l.startsWith('prometheus_build_info'))[0]).toContain('job="prometheus"');
  });

  test('makes the same series of the same exposition, by the same configuration', async () => {
    await compareWithPrometheus(exposition(), 3, configuration);
  });

  test('and so for random expositions and random relabelling', async () => {
    const seed = Number(process.env.SEED ?? 20_261);
    const random = seededRandom(seed);
    const jobs = 15;
    const sections = Array.from({ length: jobs }, (_, i) => randomSection(random, i));
    await compareWithPrometheus(randomExposition(random), jobs, (port) => {
      const fixed = `scrape_interval: 1s\n  static_configs: [{targets: ["127.0.0.1:${port}"], labels: {a: own, zone: "x y"}}]`;
      return `scrape_configs:\n${sections.map((section) => section.replace('FIXED', fixed)).join('')}`;
    }).catch((error) => {
      console.error(`with SEED=${seed}:`, sections);
      throw error;
    });
  });
});

async function compareWithPrometheus(metrics: string, jobs: number, config: (port: number) => string): Promise<void> {
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(metrics),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const yaml = config((server.address() as AddressInfo).port);
  const address = await startPrometheus(yaml);
  // The installed version may be one that knows the old names only.
  const { store, scraped } = scrapeWith(`global: {metric_name_validation_scheme: legacy}\n${yaml}`);
  await scraped();
  const query = new URLSearchParams({ query: '{__name__=~".+"}' });
  const theirs = await until('its first scrapes', async () => {
    const { data } = (await (await fetch(`http://${address}/api/v1/query?${query}`)).json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result.filter((r) => r.metric.__name__ === 'up').length === jobs ? data.result : undefined;
  });
  // How long it took differs, and so does whether two lines that relabelling makes one series were both new.
  const differs = /^scrape_(duration_seconds|series_added)$/;
  const shown = (labels: Record<string, string>, value: string) =>
    `${JSON.stringify(Object.entries(labels).sort())} ${differs.test(labels.__name__!) ? '' : value}`;
  const ours = [...store.series.values()].flatMap(({ labels, samples }) => {
    const first = samples.find((s) => typeof s.v === 'number' && !isStaleNaN(s.v));
    return first ? [shown({ ...labelsToObject(labels) }, formatFloat(first.v as number))] : [];
  });
  const expected = theirs.map((r) => shown(r.metric, r.value[1]));
  const without = (list: readonly string[], other: readonly string[]) => {
    const there = new Set(other);
    return list.filter((line) => !there.has(line)).sort();
  };
  expect({ onlyOurs: without(ours, expected), onlyTheirs: without(expected, ours) }).toEqual({
    onlyOurs: [],
    onlyTheirs: [],
  });
  expect(ours.length).toBe(expected.length);
}

const LABELS = ['a', 'b', 'job', 'instance', 'exported_job', 'le', 'long_label_name'];
const VALUES = ['', 'x', 'X y', 'a1b2', '10.0.0.1:80', 'ü"\\', '{}', '$1', '-', 'abc'];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

function randomExposition(random: Random): string {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < 120; i++) {
    const names = LABELS.filter(() => random() < 0.4);
    const escaped = (value: string) => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"');
    const blank = () => (random() < 0.2 ? ' ' : '');
    // Whether an empty label's name counts as taken is what versions differ in.
    const valueFor = (name: string) =>
      name.startsWith('exported') ? pick(random, VALUES) || 'e' : pick(random, VALUES);
    const inside = names.map((n) => `${blank()}${n}${blank()}=${blank()}"${escaped(valueFor(n))}"`).join(',');
    const value = pick(random, ['1', '-0.5', '1e10', '+Inf', '0x', '3.', '.25', '12345678.9', '1e-7']).replace(
      '0x',
      '0',
    );
    const series = `m${i % 40}_total{${inside}${random() < 0.3 && names.length > 0 ? ',' : ''}}`;
    const identity = series.replace(/[ ,]/g, '');
    // The same twice in one exposition is an error of its own.
    if (seen.has(identity)) continue;
    seen.add(identity);
    lines.push(`${series}${pick(random, [' ', '  ', '\t'])}${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function randomSection(random: Random, index: number): string {
  const steps = Array.from({ length: 1 + Math.floor(random() * 4) }, () => randomStep(random));
  const honor = random() < 0.5;
  const list = steps.map((step) => `\n  - ${JSON.stringify(step)}`).join('');
  return `- job_name: j${index}\n  honor_labels: ${honor}\n  FIXED\n  metric_relabel_configs:${list}\n`;
}

const REGEXES = [
  '(.*)',
  '(.+)',
  'x|abc',
  '([a-z]+)([0-9]?).*',
  '.*:(\\d+)',
  '(?i)X( y)?',
  'm(1|2)._total.*',
  '[^a]*',
  '',
];

function randomStep(random: Random): Record<string, unknown> {
  const sources = [...LABELS, '__name__', 'zone', 'absent'].filter(() => random() < 0.25);
  const source = { source_labels: sources, ...(random() < 0.3 ? { separator: pick(random, ['', '-', '||']) } : {}) };
  const regex = { regex: pick(random, REGEXES) };
  const target = { target_label: pick(random, ['a', 'new', 'zone', 'b', 'other_one']) };
  switch (Math.floor(random() * 10)) {
    case 0:
      return { ...source, regex: pick(random, ['m(1|2|3).*', '.*x.*', '(.+)']), action: 'keep' };
    case 1:
      return { ...source, regex: pick(random, ['m3.*', '.*abc.*', 'x']), action: 'drop' };
    case 2:
      return { ...source, ...target, action: 'hashmod', modulus: 1 + Math.floor(random() * 1000) };
    case 3:
      return {
        regex: pick(random, ['(a|b)', 'exported_(.*)', 'l(.+)']),
        replacement: pick(random, ['mapped_$1', 'to_${1}_x']),
        action: 'labelmap',
      };
    case 4:
      return { regex: pick(random, ['a', 'exported_.*', 'le|b', 'zone']), action: 'labeldrop' };
    case 5:
      return { ...source, ...target, action: pick(random, ['lowercase', 'uppercase']) };
    case 6:
      return { source_labels: sources, ...target, action: pick(random, ['keepequal', 'dropequal']) };
    default: {
      const target_label = pick(random, ['a', 'new_${1}', 'zone', '${1}', 'b']);
      // What an empty result removes where the target is a template is what versions differ in.
      const never = ['${1}-$2', 'fixed', '$$', '${0}${1}.', 'a$9b'];
      const replacement = pick(random, target_label.includes('$') ? never : [...never, '$1', '', '$0x', '$1_']);
      return { ...source, ...regex, target_label, replacement };
    }
  }
}

/** What clients write, well and badly, within what both versions read alike. */
function exposition(): string {
  const lines = ['# HELP requests_total Requests.', '# TYPE requests_total counter'];
  for (const path of ['/', '/a"b', 'c\\d', 'e\nf', 'ümläut']) {
    const value = path.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
    for (const code of [200, 404, 500]) lines.push(`requests_total{path="${value}",code="${code}",} ${code * 1.5}`);
  }
  lines.push('# TYPE temperature gauge', 'temperature { job = "own" , instance="x" } -1.5e-3', 'temperature 2 ');
  lines.push(
    'inf +Inf',
    'ninf -Inf',
    'nan NaN',
    'small 1e-300',
    'big 12345678901234567890',
    '# a comment',
    '',
    'exported{exported_job="y",job="z"} 1',
  );
  lines.push('__odd:name_ 7', 'debug_one 1', 'debug_two 2', 'flag{a="",b="x"} 1');
  return `${lines.join('\n')}\n`;
}

function configuration(port: number): string {
  const common = `scrape_interval: 1s\n  static_configs: [{targets: ["127.0.0.1:${port}"], labels: {zone: "a b", code: own}}]`;
  return `
scrape_configs:
- job_name: plain
  ${common}
- job_name: honoured
  honor_labels: true
  ${common}
- job_name: relabelled
  ${common}
  relabel_configs:
  - {source_labels: [__address__], regex: "(.*):.*", target_label: instance}
  - {source_labels: [__address__, zone], separator: "/", target_label: shard, modulus: 17, action: hashmod}
  - {regex: "__(scheme)__", replacement: "my_$1", action: labelmap}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: "debug_.*", action: drop}
  - {source_labels: [path, exported_code], regex: "/(.*);(4..)", target_label: "client_$2", replacement: "x$1-y"}
  - {source_labels: [path], target_label: upper, action: uppercase}
  - {regex: "exported_instance", action: labeldrop}
  - {source_labels: [zone], target_label: zone, replacement: ""}
`;
}
