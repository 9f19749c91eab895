/** Beyond one Prometheus: federation, remote write to Mimir or VictoriaMetrics, Thanos beside the composed stack. */
import { type GeneratedFile, settle } from './build.ts';
import { prometheusFile } from './build-prometheus.ts';
import { ruleFiles } from './build-rules.ts';
import { IMAGES } from './images.ts';
import type { Pack } from './pack.ts';
import type { Deployment } from './targets.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

export function scaleFiles(packs: readonly Pack[], { options }: Deployment): readonly GeneratedFile[] {
  const settings = settle(options);
  const rules = packs.flatMap((p) => ruleFiles(p, settings));
  const paths = rules.map((r) => r.path);
  const remote = (path: string, write: Readonly<Record<string, unknown>>) =>
    prometheusFile(packs, paths, settings, { path, sections: { remote_write: [write] } });
  const files = [
    remote('prometheus-mimir.yml', {
      name: 'mimir',
      url: 'http://mimir:9009/api/v1/push',
      headers: { 'X-Scope-OrgID': 'belfry' },
      send_exemplars: true,
    }),
    remote('prometheus-victoriametrics.yml', {
      name: 'victoriametrics',
      url: 'http://victoriametrics:8428/api/v1/write',
    }),
    ...rules,
    { path: 'federation.yml', text: federation(packs) },
    { path: 'federated/targets.yml', text: yamlText([{ targets: ['127.0.0.1:9090'] }], [FEDERATED]) },
    { path: 'thanos.yml', text: thanos() },
  ];
  return files.map(({ path, text }) => ({ path: `scale/${path}`, text }));
}

const FEDERATED = 'The Prometheus servers to collect from; any file in this folder is read.';

/** A Prometheus above others: it takes what their rules have recorded, and whether their targets are up. */
function federation(packs: readonly Pack[]): string {
  const jobs = packs.flatMap((p) => p.scrape.map((j) => j.job));
  const escaped = jobs.map((job) => job.replace(/[.*+?^$(){}|[\]\\]/g, '\\$&'));
  const job = {
    job_name: 'federate',
    scrape_interval: '30s',
    honor_labels: true,
    metrics_path: '/federate',
    params: {
      'match[]': ['{__name__=~".+:.+"}', ...(jobs.length > 0 ? [`up{job=~${JSON.stringify(escaped.join('|'))}}`] : [])],
    },
    file_sd_configs: [{ files: ['federated/*.yml'] }],
  };
  return yamlText({ global: { scrape_interval: '30s' }, scrape_configs: [job] }, [GENERATED]);
}

/** To be put over the composed stack: `docker compose -f compose/compose.yml -f scale/thanos.yml up -d`. */
function thanos(): string {
  const bucket = '--objstore.config={type: FILESYSTEM, config: {directory: /bucket}}';
  const service = (command: readonly string[], volumes: readonly string[] = []) => ({
    image: IMAGES.thanos,
    // The volumes are root's when they are made.
    user: '0:0',
    restart: 'unless-stopped',
    command,
    ...(volumes.length > 0 ? { volumes } : {}),
  });
  const config = {
    services: {
      prometheus: {
        command: [
          '--config.file=/etc/prometheus/prometheus.yml',
          '--storage.tsdb.path=/prometheus',
          '--storage.tsdb.retention.time=30d',
          '--web.enable-lifecycle',
          // Blocks are uploaded as they are cut: Prometheus must not merge them.
          '--storage.tsdb.min-block-duration=2h',
          '--storage.tsdb.max-block-duration=2h',
        ],
      },
      'thanos-sidecar': service(
        ['sidecar', '--prometheus.url=http://prometheus:9090', '--tsdb.path=/prometheus', bucket],
        ['prometheus-data:/prometheus', 'thanos-bucket:/bucket'],
      ),
      'thanos-store': service(['store', '--data-dir=/data', bucket], ['thanos-bucket:/bucket', 'thanos-store:/data']),
      'thanos-compact': service(
        ['compact', '--wait', '--data-dir=/data', bucket],
        ['thanos-bucket:/bucket', 'thanos-compact:/data'],
      ),
      'thanos-query': {
        ...service([
          'query',
          '--http-address=0.0.0.0:10902',
          '--endpoint=thanos-sidecar:10901',
          '--endpoint=thanos-store:10901',
        ]),
        ports: ['127.0.0.1:10902:10902'],
      },
    },
    volumes: { 'thanos-bucket': {}, 'thanos-store': {}, 'thanos-compact': {} },
  };
  return yamlText(config, [
    GENERATED,
    'Over the composed stack: docker compose -f compose/compose.yml -f scale/thanos.yml up -d',
    'The bucket is a volume; for more than one machine, name an object store in --objstore.config.',
  ]);
}
