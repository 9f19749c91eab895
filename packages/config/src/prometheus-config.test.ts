// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Prometheus has templates of its own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import {
  checkConfigFiles,
  formatPrometheusConfig,
  type LoadOptions,
  loadPrometheusConfig,
  parsePrometheusConfig,
} from './index.ts';

const load = (text: string, options?: LoadOptions) => parsePrometheusConfig(text, '/etc/p/prometheus.yml', options);
const complaint = (text: string): string => {
  try {
    load(text);
    return 'accepted';
  } catch (error) {
    return messageOf(error);
  }
};

const FULL = String.raw`
global:
  scrape_interval: 15s
  evaluation_interval: 30s
  external_labels: {monitor: codelab, zone: "$ZONE", price: "$$5", gone: "$NOT_SET"}
  body_size_limit: 15MB
  sample_limit: 1500
rule_files: [first.rules, /absolute/*.rules]
alerting:
  alert_relabel_configs: [{action: labeldrop, regex: b}]
  alertmanagers:
  - scheme: https
    static_configs: [{targets: ["1.2.3.4:9093"]}]
    path_prefix: /am
remote_write:
- url: http://remote1/push
  name: drop_expensive
  write_relabel_configs: [{source_labels: [__name__], regex: expensive.*, action: drop}]
  oauth2: {client_id: "123", client_secret: "456", token_url: http://remote1/auth}
- url: http://u:hunter2@remote2/push
  protobuf_message: io.prometheus.write.v2.Request
  queue_config: {max_shards: 7}
remote_read: [{url: http://remote1/read, read_recent: true, required_matchers: {job: special}}]
storage: {tsdb: {out_of_order_time_window: 30m, retention: {time: 1d, size: 1GB}}}
tracing: {endpoint: "localhost:4317", client_type: grpc}
otlp: {promote_resource_attributes: [a, b]}
scrape_configs:
- job_name: prometheus
  honor_labels: true
  authorization: {credentials_file: valid_token_file}
  static_configs: [{targets: ["localhost:9090"], labels: {my: label, num: 1}}]
  file_sd_configs: [{files: [foo/*.slow.json, single/file.yml], refresh_interval: 10m}]
  relabel_configs:
  - {source_labels: [job, __meta_dns_name], regex: "(.*)some-[regex]", target_label: job, replacement: "foo-$1"}
  metric_relabel_configs: [{source_labels: [__name__], regex: expensive.*, action: drop}]
- job_name: service-x
  basic_auth: {username: admin_name, password: "multiline\npassword"}
  scrape_interval: 50s
  scrape_timeout: 5s
  metrics_path: /my_path
  scheme: https
  sample_limit: 1000
  scrape_native_histograms: true
  dns_sd_configs: [{names: [first.dns.address], refresh_interval: 15s}, {names: [x], type: a, port: 80}]
- job_name: rest
  scrape_interval: 5s
  metric_name_validation_scheme: legacy
  fallback_scrape_protocol: PrometheusText0.0.4
  http_sd_configs: [{url: "http://example.com/prometheus"}]
  consul_sd_configs: [{server: "localhost:1234", services: [nginx], tags: [canary]}]
  kubernetes_sd_configs: [{role: endpoints, api_server: "https://localhost:1234", namespaces: {names: [default]}}]
  docker_sd_configs: [{host: unix:///var/run/docker.sock}]
  http_headers: {foo: {values: [foobar], secrets: [bar], files: [/foo]}}
`;

test('everything that a file may say, with what is inherited', () => {
  const { config, unsupported } = load(FULL, { environment: { ZONE: 'eu' } });
  expect(unsupported).toEqual([]);
  expect(config.global.external_labels).toEqual({ monitor: 'codelab', zone: 'eu', price: '$5' });
  const [a, b, c] = config.scrape_configs;
  expect(a).toMatchObject({
    scrape_interval: 15_000,
    scrape_timeout: 10_000,
    sample_limit: 1500,
    body_size_limit: 15 << 20,
  });
  expect(a!.authorization).toMatchObject({ type: 'Bearer', credentials_file: '/etc/p/valid_token_file' });
  expect(a!.file_sd_configs[0]!.files).toEqual(['/etc/p/foo/*.slow.json', '/etc/p/single/file.yml']);
  expect(a!.static_configs[0]!.labels).toEqual({ my: 'label', num: '1' });
  expect(a!.scrape_protocols[0]).toBe('OpenMetricsText1.0.0');
  expect(b).toMatchObject({ scrape_interval: 50_000, scrape_timeout: 5000, sample_limit: 1000, scheme: 'https' });
  expect(b!.scrape_protocols[0]).toBe('PrometheusProto');
  expect(b!.dns_sd_configs).toMatchObject([{ type: 'SRV' }, { type: 'A', port: 80 }]);
  expect(c).toMatchObject({ scrape_interval: 5000, scrape_timeout: 5000, metric_name_escaping_scheme: 'underscores' });
  expect(config.rule_files).toEqual(['/etc/p/first.rules', '/absolute/*.rules']);
  expect(config.remote_write[1]).toMatchObject({
    queue_config: { max_shards: 7, capacity: 10_000 },
    enable_http2: false,
  });
});

test('shown in force, without secrets', () => {
  const text = formatPrometheusConfig(load(FULL).config);
  expect(text).not.toMatch(/hunter2|multiline|456/);
  expect(text).toContain('http://u:xxxxx@remote2/push');
  expect(text).toContain('password: <secret>');
  expect(text).toContain('  scrape_interval: 15s\n  scrape_timeout: 10s\n');
  expect(text).toContain('body_size_limit: 15MiB');
  expect(text).toContain('- source_labels: [job, __meta_dns_name]');
  // What is shown can be loaded again, and then is the same.
  const again = load(text.replaceAll('<secret>', 's').replace('$5', '$$$$5'));
  expect(formatPrometheusConfig(again.config)).toBe(text);
});

test('an empty file, and empty sections, are the defaults', () => {
  for (const text of ['', 'global:\nscrape_configs:\n']) {
    const { config } = load(text);
    expect(config.global).toMatchObject({
      scrape_interval: 60_000,
      scrape_timeout: 10_000,
      evaluation_interval: 60_000,
    });
    expect(config.scrape_configs).toEqual([]);
  }
});

test('scrape sections of other files, and rule files, by pattern', () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-config-'));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  mkdirSync(join(directory, 'more'));
  write(
    'prometheus.yml',
    'scrape_config_files: ["more/*.yml"]\nrule_files: ["*.rules"]\nscrape_configs: [{job_name: main}]\n',
  );
  write('b.rules', '');
  write('a.rules', '');
  write('more/one.yml', 'scrape_configs: [{job_name: one, bearer_token_file: t}]\n');
  const loaded = loadPrometheusConfig(join(directory, 'prometheus.yml'));
  expect(loaded.config.scrape_configs.map((c) => c.job_name)).toEqual(['main', 'one']);
  expect(loaded.config.scrape_configs[1]!.authorization).toMatchObject({ credentials_file: join(directory, 'more/t') });
  expect(loaded.ruleFiles).toEqual([join(directory, 'a.rules'), join(directory, 'b.rules')]);
  write('more/two.yml', 'scrape_configs: [{job_name: main}]\n');
  expect(() => loadPrometheusConfig(join(directory, 'prometheus.yml'))).toThrow(
    'found multiple scrape configs with job name "main"',
  );
  expect(() => loadPrometheusConfig('/nowhere.yml')).toThrow('cannot read /nowhere.yml');
});

test('the files that are named are looked at when asked for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-files-'));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  write('there.rules', '');
  write('bad.json', '[{"target": []}]');
  write(
    'prometheus.yml',
    'rule_files: [there.rules, gone.rules, "*.other"]\nscrape_configs:\n- job_name: a\n  bearer_token_file: gone\n  tls_config: {ca_file: there.rules}\n  file_sd_configs: [{files: [bad.json, later.json]}]\n',
  );
  const file = join(directory, 'prometheus.yml');
  const { errors, warnings } = checkConfigFiles(loadPrometheusConfig(file));
  const told = (list: readonly { located: string }[]) => list.map((e) => e.located.replaceAll(directory, ''));
  expect(told(errors)).toEqual([
    '/prometheus.yml:1:27: rule file "/gone.rules": no such file',
    '/prometheus.yml:3:3: credentials file "/gone": no such file',
    '/bad.json:1:3: field target not found in [0], did you mean targets?',
  ]);
  expect(told(warnings)).toEqual(['/prometheus.yml:6:40: no file of targets matches "/later.json" yet']);
});

test('selectors of Kubernetes objects', () => {
  const selectors =
    '[{role: pod, label: "a in (b, c),!d,e!=f,x/y==z", field: "metadata.name=x,status.phase!=Running"}]';
  expect(
    complaint(`scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, selectors: ${selectors}}]}]`),
  ).toBe('accepted');
});

test('a mechanism that Belfry lacks is told by name and place, and can be passed over', () => {
  const text = 'scrape_configs:\n- job_name: a\n  ec2_sd_configs:\n  - region: us-east-1\n';
  expect(complaint(text)).toBe(
    '/etc/p/prometheus.yml:4:3: scrape_configs[0].ec2_sd_configs is not supported by Belfry yet'.replace(
      'scrape_configs[0].',
      '',
    ),
  );
  expect(load(text, { unsupported: 'report' }).unsupported).toHaveLength(1);
});

const job = (rest: string) => `scrape_configs:\n- job_name: a\n  ${rest}\n`;
const REFUSED: [string, string][] = [
  ['scrape_configs: [{scrape_interval: 1s}]', 'job_name is required'],
  [
    job('scrape_intervall: 1s'),
    ':3:3: field scrape_intervall not found in scrape_configs[0], did you mean scrape_interval?',
  ],
  [
    job('scrape_interval: 1s\n  scrape_timeout: 2s'),
    ':4:19: scrape timeout greater than scrape interval for scrape config with job name "a"',
  ],
  ['global: {scrape_interval: 10s, scrape_timeout: 20s}', 'global scrape timeout greater than scrape interval'],
  ['scrape_configs: [{job_name: a}, {job_name: a}]', ':1:44: found multiple scrape configs with job name "a"'],
  ['scrape_configs: [null]', 'scrape_configs[0]: expected a map, got nothing'],
  [job('static_configs: [{targets: ["http://x"]}]'), '"http://x" is not a valid hostname'],
  [
    job('relabel_configs: [{action: keep, regex: "*"}]'),
    'error parsing regexp: missing argument to repetition operator',
  ],
  [job('file_sd_configs: [{files: [a.txt]}]'), 'path name "a.txt" is not valid for file discovery'],
  [job('http_sd_configs: [{url: "ftp://x"}]'), 'unsupported scheme "ftp" in URL'],
  [job('dns_sd_configs: [{names: [x], type: A}]'), 'a port is required in DNS-SD configs for all record types'],
  [job('kubernetes_sd_configs: [{role: endpoint}]'), 'unexpected "endpoint", did you mean endpoints?'],
  [job('body_size_limit: 100'), 'expected a number and a unit, such as 512MB'],
  ['rule_files: ["*/a"]', 'invalid rule file path "*/a"'],
  ['global: {external_labels: {"": x}}', 'is not a valid label name'],
  ['global: {metric_name_validation_scheme: legacy, external_labels: {"a.b": x}}', '"a.b" is not a valid label name'],
  ['alerting: {alertmanagers: [{api_version: v1}]}', 'expected Alertmanager api version to be one of [v2] but got v1'],
  ['remote_write: [{name: x}]', 'remote_write[0].url is required'],
  ['remote_write: [{url: "http://x", headers: {Authorization: y}}]', 'authorization header must be changed via'],
  ['remote_write: [{url: "http://x", headers: {Host: y}}]', 'Host is a reserved header'],
  [
    'remote_write: [{url: "http://x", name: a}, {url: "http://y", name: a}]',
    'found multiple remote write configs with job name "a"',
  ],
  [
    job('kubernetes_sd_configs: [{role: endpoints, selectors: [{role: pod, field: metadata.status-Running}]}]'),
    'invalid field selector "metadata.status-Running"',
  ],
  [job('kubernetes_sd_configs: [{role: pod, selectors: [{role: node}]}]'), 'pod role supports only pod selectors'],
  [
    job('kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: "a=b,"}]}]'),
    'invalid label selector "a=b,"',
  ],
  ['global: {external_labels: {name: !!binary "/w=="}}', 'expected text, got'],
  ['tracing: {client_type: grpc}', 'tracing.endpoint is required'],
  ['otlp: {promote_resource_attributes: [a, a]}', 'duplicated resource attribute'],
];

describe('refused', () => {
  test.each(REFUSED)('%s', (text, message) => expect(complaint(text)).toContain(message));
});

const NEW_IN_3: [string, string][] = [
  ['storage: {tsdb: {chunk_encoding: {floats: xor2}}}', 'floats: xor2 is not supported by Belfry yet'],
  [job('scrape_protocols: []'), 'scrape_protocols cannot be empty'],
  [job('scrape_protocols: [Nope]'), 'unknown scrape protocol Nope, supported: OpenMetricsText0.0.1'],
  [
    job('metric_name_escaping_scheme: allow-utf-8\n  metric_name_validation_scheme: legacy'),
    'utf8 metric names requested',
  ],
  [job('metric_name_validation_scheme: legacy\n  relabel_configs: [{target_label: a.b}]'), "is invalid 'target_label'"],
  [
    'otlp: {translation_strategy: NoTranslation}\nglobal: {metric_name_validation_scheme: legacy}',
    'is not allowed when UTF8 is disabled',
  ],
];
test.each(NEW_IN_3)('refused: %s', (text, message) => expect(complaint(text)).toContain(message));

describe.skipIf(!existsSync('/usr/bin/promtool'))('promtool (skipped where it is not installed) agrees about', () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-promtool-'));
  const promtoolAccepts = (text: string): boolean => {
    const file = join(directory, 'prometheus.yml');
    writeFileSync(file, text);
    try {
      execFileSync('/usr/bin/promtool', ['check', 'config', '--syntax-only', file], { stdio: 'pipe' });
      return true;
    } catch {
      return false;
    }
  };
  test.each(REFUSED.filter(([text]) => !/type: A|metric_name|otlp|api_version: v1/.test(text)))('%s', (text) =>
    expect(promtoolAccepts(text)).toBe(false),
  );
  test.each([
    ['', ''],
    [
      '',
      job(
        'honor_timestamps: no\n  params: {a: [b, 1]}\n  static_configs: [{targets: [a, "[::1]:80"], labels: {x: 1.50, y: yes}}]',
      ),
    ],
    [
      '',
      job(
        'static_configs: [{targets: ["http://x/y"]}]\n  relabel_configs: [{target_label: __address__, replacement: b}]',
      ),
    ],
    ['', job('relabel_configs: [{action: KEEP, source_labels: [a], regex: 5}, {action: labelmap, regex: "x_(.+)"}]')],
    ['', job('scrape_interval: 1h30m\n  tls_config: {insecure_skip_verify: true}\n  body_size_limit: 0')],
    ['', 'x: &a {insecure_skip_verify: true}\nscrape_configs: []'],
    ['', 'global: {scrape_interval: 0s, scrape_timeout: 0}'],
    ['', 'scrape_configs:\n- {job_name: 5, metrics_path: }\n- {job_name: on, <<: {scheme: https}}'],
    ['', 'remote_write: [{url: "http://x", headers: {X-A: b}, metadata_config: {send: off}}]'],
  ])('%s%s', (_, text) => expect([text, complaint(text) === 'accepted']).toEqual([text, promtoolAccepts(text)]));
});
