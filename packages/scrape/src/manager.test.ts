import {
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  parsePrometheusConfig,
  type ScrapeConfig,
} from '@belfry/config';
import { BelfryError, type Clock, labelsToObject, sleep, VirtualClock } from '@belfry/model';
import { expect, test } from 'vitest';
import {
  createScrapeManager,
  type DiscoveryFiles,
  type DnsResolver,
  metadataView,
  type ScrapeEvent,
  type ScrapeManagerOptions,
  scrapeIngester,
  staticTargetProblems,
  targetMetadataView,
  targetsView,
} from './index.ts';
import { firstScrapeDelayMs } from './target.ts';
import { fakeStore } from './testing.ts';

const sections = (yaml: string): readonly ScrapeConfig[] =>
  parsePrometheusConfig(yaml, '/p.yml', { unsupported: 'report' }).config.scrape_configs;

type Answer = (request: HttpRequest, clock: Clock) => Promise<Partial<HttpResponse>> | Partial<HttpResponse>;

function setUp(answer: Answer, options: Partial<ScrapeManagerOptions> = {}) {
  const clock = new VirtualClock(1_700_000_000_000);
  const store = fakeStore();
  const ingester = scrapeIngester(store, clock);
  const requests: HttpRequest[] = [];
  const events: ScrapeEvent[] = [];
  const client = (): HttpClient => ({
    async request(request) {
      requests.push(request);
      const given = await answer(request, clock);
      const body = given.body ?? Buffer.from('');
      if (body.length > request.maxBodyBytes) throw new BelfryError('body_too_large', 'body size limit exceeded');
      return { status: 200, headers: { 'content-type': 'text/plain' }, ...given, body };
    },
    stream: () => Promise.reject(new Error('not in this test')),
    close: async () => undefined,
  });
  const manager = createScrapeManager({
    clock,
    client,
    sink: {
      open: async (target) => ingester.open(target),
      ingest: async (job) => ingester.ingest(job),
      close: async (key, staleAtMs) => ingester.close(key, staleAtMs),
    },
    onEvent: (event) => events.push(event),
    ...options,
  });
  const values = (metric: string) => store.dump((l) => l.startsWith(`${metric}{`)).map((l) => l.replace(/^.*\} /, ''));
  return { clock, store, manager, requests, events, values };
}

const body = (text: string): Partial<HttpResponse> => ({ body: Buffer.from(text) });
const ONE =
  'scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n  scrape_timeout: 5s\n  static_configs: [{targets: ["h:1"], labels: {zone: a}}]\n';

test('targets are scraped at exact intervals, and told of', async () => {
  const { clock, manager, requests, values, store } = setUp(() => body('# TYPE a counter\n# HELP a H\na 1\n'));
  manager.apply(sections(ONE));
  await clock.advance(60_000);
  const times = values('a').map((l) => Number(l.split('@')[1]));
  expect(times).toHaveLength(6);
  for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBe(10_000);
  expect(requests[0]).toMatchObject({ url: 'http://h:1/metrics', timeoutMs: 5000 });
  expect(requests[0]!.headers).toMatchObject({ 'x-prometheus-scrape-timeout-seconds': '5' });
  expect(store.dump((l) => l.startsWith('up'))[0]).toContain('up{instance="h:1", job="j", zone="a"} 1@');
  const [target] = targetsView(manager, 'any', undefined).activeTargets;
  expect(target).toMatchObject({
    labels: { instance: 'h:1', job: 'j', zone: 'a' },
    discoveredLabels: {
      __address__: 'h:1',
      __metrics_path__: '/metrics',
      __scheme__: 'http',
      __scrape_interval__: '10s',
      __scrape_timeout__: '5s',
      job: 'j',
      zone: 'a',
    },
    scrapePool: 'j',
    scrapeUrl: 'http://h:1/metrics',
    health: 'up',
    lastError: '',
    lastScrape: new Date(times.at(-1)!).toISOString(),
    scrapeInterval: '10s',
    scrapeTimeout: '5s',
  });
  expect([...metadataView(manager)]).toEqual([['a', [{ type: 'counter', help: 'H', unit: '' }]]]);
  expect(targetMetadataView(manager, [{ name: 'job', op: '=', value: 'j' }], 'a', -1)).toEqual([
    { target: { instance: 'h:1', job: 'j', zone: 'a' }, type: 'counter', help: 'H', unit: '' },
  ]);
  await manager.stop();
  await clock.advance(60_000);
  expect(values('a')).toHaveLength(6);
  expect(values('a').some((l) => l.startsWith('stale'))).toBe(false);
});

test('a target that answers badly is down, with the reason', async () => {
  const answers: Answer[] = [
    () => ({ status: 500 }),
    () => body('a 1\na{\n'),
    () => Promise.reject(new BelfryError('delivery_failed', 'Get "http://h:1/metrics": context deadline exceeded')),
    () => body('a'.repeat(2000)),
  ];
  const { clock, manager, events } = setUp((r, c) => answers[0]!(r, c));
  manager.apply(sections(`global: {body_size_limit: 1KB}\n${ONE}`));
  const errors: string[] = [];
  while (answers.length > 0) {
    await clock.advance(10_000);
    const [target] = targetsView(manager, 'active', 'j').activeTargets;
    expect(target!.health).toBe('down');
    errors.push(target!.lastError);
    answers.shift();
  }
  expect(errors).toEqual([
    'server returned HTTP status 500 Internal Server Error',
    'exposition:2:3: expected a label name, got the end of the line',
    'Get "http://h:1/metrics": context deadline exceeded',
    'body size limit exceeded',
  ]);
  expect(events.map((e) => e.kind)).toEqual(Array(4).fill('scrape-failed'));
});

test('a slow target delays nobody, and is not asked twice at once', async () => {
  let asked = 0;
  const { clock, manager, values } = setUp(async (request, c) => {
    if (!request.url.includes('slow')) return body('a 1\n');
    asked++;
    await sleep(c, 25_000);
    return body('b 1\n');
  });
  manager.apply(
    sections(
      'scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n  static_configs: [{targets: ["fast:1", "slow:1"]}]\n',
    ),
  );
  await clock.advance(100_000);
  expect(values('a')).toHaveLength(10);
  expect(asked).toBeLessThanOrEqual(4);
});

test('relabelling makes and drops targets, address, path and parameters', async () => {
  const yaml = `
scrape_configs:
- job_name: probe
  params: {module: [http_2xx, more], drop: [x]}
  scrape_interval: 15s
  static_configs: [{targets: ["https://example.org/a b", "skip:1"]}]
  keep_dropped_targets: 1
  relabel_configs:
  - {source_labels: [__address__], regex: "skip.*", action: drop}
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: "prober:9115"}
  - {target_label: __metrics_path__, replacement: "/probe"}
  - {target_label: __scrape_interval__, replacement: "30s"}
  - {regex: __param_drop, action: labeldrop}
`;
  const { clock, manager, requests } = setUp(() => body('probe_success 1\n'));
  manager.apply(sections(yaml));
  await clock.advance(30_000);
  expect(requests.map((r) => r.url)).toEqual([
    'http://prober:9115/probe?module=http_2xx&module=more&target=https%3A%2F%2Fexample.org%2Fa+b',
  ]);
  const view = targetsView(manager, 'any', undefined);
  expect(view.activeTargets[0]!.labels).toEqual({ instance: 'https://example.org/a b', job: 'probe' });
  expect(view.droppedTargets).toHaveLength(1);
  expect(view.droppedTargetCounts).toEqual({ probe: 1 });
});

test('a target that disappears ends its series two intervals later; one that comes back in between goes on', async () => {
  const { clock, manager, values, store } = setUp(() => body('a 1\n'));
  manager.apply(sections(ONE));
  await clock.advance(20_000);
  const gone = ONE.replace('"h:1"', '"h:2"');
  manager.apply(sections(gone));
  await clock.advance(10_000);
  manager.apply(sections(ONE));
  await clock.advance(60_000);
  const lines = store.dump((l) => l.startsWith('a{'));
  expect(lines.filter((l) => l.includes('h:1') && l.includes('stale'))).toEqual([]);
  expect(lines.filter((l) => l.includes('h:2') && l.includes('stale'))).toHaveLength(1);
  expect(store.dump((l) => l.startsWith('up') && l.includes('h:2') && l.includes('stale'))).toHaveLength(1);
  manager.apply([]);
  await clock.advance(35_000);
  const ends = values('a').filter((l) => l.startsWith('stale'));
  expect(ends).toHaveLength(2);
});

test('a reload leaves unchanged pools alone and changes the others', async () => {
  const { clock, manager, values, requests } = setUp(() => body('a 1\nb 1\n'));
  const other = ONE.replace('job_name: j', 'job_name: k').replace('scrape_configs:\n', '');
  manager.apply(sections(ONE + other));
  await clock.advance(20_000);
  const before = requests.length;
  manager.apply(
    sections(`${ONE}  metric_relabel_configs: [{source_labels: [__name__], regex: b, action: drop}]\n${other}`),
  );
  await clock.advance(20_000);
  expect(requests.length - before).toBe(4);
  expect(values('b').filter((l) => l.startsWith('stale'))).toHaveLength(1);
  const times = values('a').map((l) => Number(l.split('@')[1]) % 10_000);
  expect(new Set(times).size).toBe(2);
});

test('more targets than the limit: none is scraped, all are down with the reason', async () => {
  const { clock, manager, requests, values } = setUp(() => body('a 1\n'));
  manager.apply(
    sections(ONE.replace('"h:1"', '"h:1", "h:2"').replace('scrape_timeout', 'target_limit: 1\n  scrape_timeout')),
  );
  await clock.advance(10_000);
  expect(requests).toEqual([]);
  expect(values('up').every((l) => l.startsWith('0@'))).toBe(true);
  expect(targetsView(manager, '', '').activeTargets).toEqual([]);
  expect(targetsView(manager, '', undefined).activeTargets[0]!.lastError).toBe(
    'target_limit exceeded (number of targets: 2, limit: 1)',
  );
});

test('an address that is none is told, and the rest goes on', async () => {
  const { clock, manager, events } = setUp(() => body('a 1\n'));
  manager.apply(
    sections(
      ONE.replace('"h:1"', '"h:1", "h:2"').replace(
        '  static',
        '  relabel_configs: [{source_labels: [__address__], regex: "h:2", target_label: __address__, replacement: "x/y"}]\n  static',
      ),
    ),
  );
  await clock.advance(10_000);
  expect(targetsView(manager, 'any', undefined).activeTargets).toHaveLength(1);
  expect(events).toEqual([
    { kind: 'target-invalid', pool: 'j', message: 'instance 1 in group 0: "x/y" is not a valid hostname' },
  ]);
});

test('static targets can be looked at without scraping them', () => {
  const [config] = sections(
    'scrape_configs: [{job_name: x, static_configs: [{targets: ["a:1", "b"]}], relabel_configs: [{source_labels: [__address__], regex: b, target_label: __scrape_timeout__, replacement: 2m}]}]',
  );
  expect(staticTargetProblems(config!)).toEqual([
    'static_configs[0].targets[1]: scrape timeout cannot be greater than scrape interval ("2m" > "1m")',
  ]);
});

test('targets from files follow the files, and survive a mistake in them', async () => {
  const contents = new Map([['/d/a.json', '[{"targets": ["h:1"], "labels": {"x": "1"}}]']]);
  let changed = () => {};
  const files: DiscoveryFiles = {
    readText: (path) => contents.get(path)!,
    glob: () => [...contents.keys()],
    watch: (directory, callback) => {
      expect(directory).toBe('/d');
      changed = callback;
      return { close: () => undefined };
    },
  };
  const { clock, manager, events } = setUp(() => body('a 1\n'), { files });
  manager.apply(sections('scrape_configs: [{job_name: f, file_sd_configs: [{files: ["/d/*.json"]}]}]'));
  const instances = () => targetsView(manager, 'active', 'f').activeTargets.map((t) => t.labels.instance);
  await clock.advance(0);
  expect(instances()).toEqual(['h:1']);
  expect(targetsView(manager, 'active', 'f').activeTargets[0]!.discoveredLabels).toMatchObject({
    __meta_filepath: '/d/a.json',
    x: '1',
  });
  contents.set('/d/b.json', '- targets: [h:2, h:3]\n');
  changed();
  await clock.advance(1000);
  expect(instances()).toEqual(['h:1', 'h:2', 'h:3']);
  contents.set('/d/a.json', '[{"targets": ["h:9"], "lables": {}}]');
  changed();
  await clock.advance(1000);
  expect(instances()).toEqual(['h:1', 'h:2', 'h:3']);
  expect(events).toMatchObject([
    {
      kind: 'discovery-problem',
      message: 'targets file /d/a.json: /d/a.json:1:23: field lables not found in [0], did you mean labels?',
    },
  ]);
  contents.delete('/d/b.json');
  await clock.advance(300_000);
  expect(instances()).toEqual(['h:1']);
});

test('targets from a URL, asked for again and again', async () => {
  let groups = '[{"targets": ["h:1"]}, {"targets": ["h:2"]}]';
  let status = 200;
  const { clock, manager, events } = setUp((request) =>
    request.url.includes('/sd')
      ? { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(groups) }
      : body('a 1\n'),
  );
  manager.apply(
    sections('scrape_configs: [{job_name: u, http_sd_configs: [{url: "http://x/sd", refresh_interval: 30s}]}]'),
  );
  const instances = () => targetsView(manager, 'active', 'u').activeTargets.map((t) => t.labels.instance);
  await clock.advance(1);
  expect(instances()).toEqual(['h:1', 'h:2']);
  status = 503;
  await clock.advance(60_000);
  expect(instances()).toEqual(['h:1', 'h:2']);
  expect(events.filter((e) => e.kind === 'discovery-problem')).toHaveLength(1);
  status = 200;
  groups = '[{"targets": ["h:3"]}]';
  await clock.advance(30_000);
  expect(instances()).toEqual(['h:3']);
});

test('targets from DNS', async () => {
  const dns: DnsResolver = {
    resolve4: async () => ['10.0.0.1', '10.0.0.2'],
    resolve6: async () => ['::1'],
    resolveSrv: async () => [{ name: 'a.example.org', port: 9100 }],
    resolveMx: async () => [{ exchange: 'mx.example.org' }],
    resolveNs: async () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })),
  };
  const yaml = ['SRV', 'A', 'AAAA', 'MX', 'NS'].map(
    (type) =>
      `- job_name: ${type}\n  dns_sd_configs: [{names: [n], type: ${type}, port: ${type === 'A' || type === 'AAAA' ? 80 : 0}}]\n`,
  );
  const { clock, manager } = setUp(() => body('a 1\n'), { dns });
  manager.apply(sections(`scrape_configs:\n${yaml.join('')}`));
  await clock.advance(1);
  expect(targetsView(manager, 'any', undefined).activeTargets.map((t) => t.labels.instance)).toEqual([
    '[::1]:80',
    '10.0.0.1:80',
    '10.0.0.2:80',
    'mx.example.org:25',
    'a.example.org:9100',
  ]);
  expect(targetsView(manager, 'any', 'SRV').activeTargets[0]!.discoveredLabels).toMatchObject({
    __meta_dns_srv_record_target: 'a.example.org.',
    __meta_dns_name: 'n',
  });
});

test('targets are spread over the interval, each always at its place', () => {
  const places = Array.from(
    { length: 200 },
    (_, i) => (firstScrapeDelayMs(`k${i}`, 's', 15_000, 1_234_567) + 1_234_567) % 15_000,
  );
  const again = Array.from(
    { length: 200 },
    (_, i) => (firstScrapeDelayMs(`k${i}`, 's', 15_000, 7_654_321.5) + 7_654_321.5) % 15_000,
  );
  expect(again).toEqual(places);
  expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(13_000);
});

test('a clock set back or forward does not stop scraping', async () => {
  const { clock, manager, values } = setUp(() => body('a 1\n'), {});
  let shift = 0;
  const shifted: Clock = {
    now: () => clock.now() + shift,
    monotonic: () => clock.monotonic(),
    after: (ms, f) => clock.after(ms, f),
  };
  const store = fakeStore();
  const ingester = scrapeIngester(store, shifted);
  const second = createScrapeManager({
    clock: shifted,
    client: () => ({
      request: async () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from('a 1\n') }),
      stream: () => Promise.reject(new Error()),
      close: async () => undefined,
    }),
    sink: {
      open: async (t) => ingester.open(t),
      ingest: async (j) => ingester.ingest(j),
      close: async (k, s) => ingester.close(k, s),
    },
  });
  second.apply(sections(ONE));
  await clock.advance(30_000);
  shift = 3_600_000;
  await clock.advance(30_000);
  const times = store.dump((l) => l.startsWith('a{')).map((l) => Number(l.split('@')[1]));
  expect(times).toHaveLength(6);
  expect(times[3]! - times[2]!).toBe(3_610_000);
  expect(times[5]! - times[4]!).toBe(10_000);
  expect(values('a')).toEqual([]);
  await manager.stop();
  await second.stop();
  expect(labelsToObject([] as never)).toEqual({});
});
