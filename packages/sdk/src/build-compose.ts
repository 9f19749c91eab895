/** The whole stack for Docker Compose, in the folder `compose`. */
import { type BuildSettings, type GeneratedFile, settle } from './build.ts';
import { alertmanagerFile } from './build-alertmanager.ts';
import { grafanaFiles } from './build-grafana.ts';
import { COLLECTOR_PORTS, collectorFile } from './build-otel.ts';
import { prometheusFile } from './build-prometheus.ts';
import { ruleFiles } from './build-rules.ts';
import { readMe } from './compose-readme.ts';
import { composeServices, DASHBOARDS_PATH } from './compose-services.ts';
import type { Pack, ScrapeJob } from './pack.ts';
import { secretFilesIn, secretsOf } from './secrets.ts';
import type { Deployment } from './targets.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const RETENTION_HOURS = 30 * 24;

export function composeFiles(packs: readonly Pack[], deployment: Deployment): readonly GeneratedFile[] {
  const { traces, serviceHost } = deployment;
  const settings = composeSettings(packs, deployment);
  const rules = packs.flatMap((p) => ruleFiles(p, settings));
  const prometheus = prometheusFile(
    packs,
    rules.map((r) => r.path),
    settings,
    { discovery: (job) => onHost(job, serviceHost, settings.portOffset), jobs: stackJobs(traces) },
  );
  const inFolder = (folder: string, files: readonly GeneratedFile[]) =>
    files.map(({ path, text }) => ({ path: `compose/${folder}${path}`, text }));
  return [
    ...inFolder('', [composeFile(packs, deployment), readMe(packs, deployment)]),
    ...inFolder('prometheus/', [prometheus, ...rules]),
    ...inFolder('alertmanager/', [alertmanagerFile(packs, settings)]),
    ...inFolder('', grafanaFiles(packs, settings, dataSources(traces))),
    ...inFolder('otel-collector/', [collectorFile('config.yml', packs, deployment)]),
    ...inFolder('loki/', [lokiFile()]),
    ...(traces === 'tempo' ? inFolder('tempo/', [tempoFile()]) : []),
  ];
}

function composeSettings(packs: readonly Pack[], { options }: Deployment): BuildSettings {
  return settle({
    ...options,
    alertmanager: 'alertmanager:9093',
    prometheusUrl: 'http://prometheus:9090',
    dashboardsPath: DASHBOARDS_PATH,
    secretFiles: secretFilesIn('/run/secrets', packs),
    // Nothing in this stack serves runbooks: a link only where the builder knows one.
    runbookBaseUrl: options.runbookBaseUrl ?? '',
  });
}

function composeFile(packs: readonly Pack[], deployment: Deployment): GeneratedFile {
  const secrets = secretsOf(packs).map(({ name }) => [name, { file: `./secrets/${name}` }] as const);
  const kept = ['prometheus', 'alertmanager', 'grafana', 'loki', ...(deployment.traces === 'tempo' ? ['tempo'] : [])];
  const config = {
    name: 'belfry',
    services: composeServices(
      secrets.map(([name]) => name),
      deployment,
    ),
    volumes: Object.fromEntries(kept.map((service) => [`${service}-data`, {}])),
    ...(secrets.length > 0 ? { secrets: Object.fromEntries(secrets) } : {}),
  };
  return { path: 'compose.yml', text: yamlText(config, [GENERATED]) };
}

/** The services of a pack run on the machine itself, or wherever the pack says. */
function onHost(job: ScrapeJob, host: string, offset: number) {
  const targets = job.targets.map((target) =>
    target.replace(/^(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)$/, (_, port) => `${host}:${Number(port) + offset}`),
  );
  return { static_configs: [{ targets }] };
}

/** The stack watches itself: what has no health check of its own is missed by `up`. */
function stackJobs(traces: Deployment['traces']) {
  const job = (job_name: string, target: string) => ({ job_name, static_configs: [{ targets: [target] }] });
  return [
    job('prometheus', '127.0.0.1:9090'),
    job('alertmanager', 'alertmanager:9093'),
    job('grafana', 'grafana:3000'),
    job('node', 'node-exporter:9100'),
    job('loki', 'loki:3100'),
    traces === 'tempo' ? job('tempo', 'tempo:3200') : job('jaeger', 'jaeger:8888'),
    job('otel-collector', `otel-collector:${COLLECTOR_PORTS.own}`),
    { ...job('otel', `otel-collector:${COLLECTOR_PORTS.metrics}`), honor_labels: true },
  ];
}

function dataSources(traces: Deployment['traces']) {
  const loki = {
    name: 'Loki',
    type: 'loki',
    uid: 'loki',
    access: 'proxy',
    url: 'http://loki:3100',
    jsonData: {
      derivedFields: [
        {
          name: 'trace',
          matcherType: 'label',
          matcherRegex: 'trace_id',
          datasourceUid: traces,
          // Provisioning files expand variables; the doubled sign is one that stays.
          url: '$${__value.raw}',
        },
      ],
    },
  };
  const logsOfTrace = { tracesToLogsV2: { datasourceUid: 'loki', filterByTraceID: true } };
  const tempo = {
    name: 'Tempo',
    type: 'tempo',
    uid: 'tempo',
    access: 'proxy',
    url: 'http://tempo:3200',
    jsonData: logsOfTrace,
  };
  const jaeger = {
    name: 'Jaeger',
    type: 'jaeger',
    uid: 'jaeger',
    access: 'proxy',
    url: 'http://jaeger:16686',
    jsonData: logsOfTrace,
  };
  return [loki, traces === 'tempo' ? tempo : jaeger];
}

function lokiFile(): GeneratedFile {
  const config = {
    auth_enabled: false,
    server: { http_listen_port: 3100 },
    common: {
      instance_addr: '127.0.0.1',
      path_prefix: '/loki',
      replication_factor: 1,
      ring: { kvstore: { store: 'inmemory' } },
      storage: { filesystem: { chunks_directory: '/loki/chunks', rules_directory: '/loki/rules' } },
    },
    schema_config: {
      configs: [
        {
          from: '2024-04-01',
          store: 'tsdb',
          object_store: 'filesystem',
          schema: 'v13',
          index: { prefix: 'index_', period: '24h' },
        },
      ],
    },
    limits_config: { retention_period: `${RETENTION_HOURS}h`, allow_structured_metadata: true },
    compactor: {
      working_directory: '/loki/compactor',
      retention_enabled: true,
      delete_request_store: 'filesystem',
    },
    analytics: { reporting_enabled: false },
  };
  return { path: 'config.yml', text: yamlText(config, [GENERATED]) };
}

function tempoFile(): GeneratedFile {
  const config = {
    server: { http_listen_port: 3200 },
    distributor: {
      receivers: {
        otlp: { protocols: { grpc: { endpoint: '0.0.0.0:4317' }, http: { endpoint: '0.0.0.0:4318' } } },
      },
    },
    compactor: { compaction: { block_retention: `${RETENTION_HOURS}h` } },
    storage: {
      trace: { backend: 'local', wal: { path: '/var/tempo/wal' }, local: { path: '/var/tempo/blocks' } },
    },
    usage_report: { reporting_enabled: false },
  };
  return { path: 'config.yml', text: yamlText(config, [GENERATED]) };
}
