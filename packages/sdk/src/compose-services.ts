import type { ComposeService } from './compose-types.ts';
import { IMAGES } from './images.ts';
import type { Deployment } from './targets.ts';

/** Where Grafana's container sees the dashboards. */
export const DASHBOARDS_PATH = '/etc/grafana/dashboards';

/** Every port is published on the loopback interface only: none of these services asks who is calling. */
const published = (port: number) => `127.0.0.1:${port}:${port}`;

function ready(test: readonly string[]) {
  return { test: ['CMD', ...test], interval: '10s', timeout: '5s', retries: 6, start_period: '20s' };
}

const answers = (url: string) => ready(['wget', '-q', '-O', '/dev/null', url]);

export function composeServices(
  secrets: readonly string[],
  { traces, serviceHost }: Deployment,
): Readonly<Record<string, ComposeService>> {
  return {
    prometheus: {
      ...service(IMAGES.prometheus),
      command: [
        '--config.file=/etc/prometheus/prometheus.yml',
        '--storage.tsdb.path=/prometheus',
        '--storage.tsdb.retention.time=30d',
        '--web.enable-lifecycle',
      ],
      ports: [published(9090)],
      volumes: ['./prometheus:/etc/prometheus:ro', 'prometheus-data:/prometheus'],
      ...(serviceHost === 'host.docker.internal' ? { extra_hosts: [`${serviceHost}:host-gateway`] } : {}),
      healthcheck: answers('http://127.0.0.1:9090/-/ready'),
    },
    alertmanager: {
      ...service(IMAGES.alertmanager),
      command: ['--config.file=/etc/alertmanager/alertmanager.yml', '--storage.path=/alertmanager'],
      ports: [published(9093)],
      volumes: ['./alertmanager:/etc/alertmanager:ro', 'alertmanager-data:/alertmanager'],
      ...(secrets.length > 0 ? { secrets } : {}),
      healthcheck: answers('http://127.0.0.1:9093/-/ready'),
    },
    grafana: {
      ...service(IMAGES.grafana),
      environment: {
        GF_SECURITY_ADMIN_PASSWORD: `\${GRAFANA_ADMIN_PASSWORD:?choose one, in the environment or in a file .env}`,
        GF_USERS_ALLOW_SIGN_UP: 'false',
        GF_ANALYTICS_REPORTING_ENABLED: 'false',
      },
      ports: [published(3000)],
      volumes: [
        './grafana/provisioning:/etc/grafana/provisioning:ro',
        `./grafana/dashboards:${DASHBOARDS_PATH}:ro`,
        'grafana-data:/var/lib/grafana',
      ],
      depends_on: { prometheus: { condition: 'service_healthy' } },
      healthcheck: answers('http://127.0.0.1:3000/api/health'),
    },
    'node-exporter': {
      ...service(IMAGES.nodeExporter),
      command: ['--path.rootfs=/host'],
      pid: 'host',
      volumes: ['/:/host:ro,rslave'],
      healthcheck: answers('http://127.0.0.1:9100/'),
    },
    // Neither shell nor client is in this image: Prometheus notices when it is gone.
    'otel-collector': {
      ...service(IMAGES.collector),
      command: ['--config=/etc/otelcol/config.yml'],
      ports: [published(4317), published(4318)],
      volumes: ['./otel-collector:/etc/otelcol:ro'],
      depends_on: { loki: { condition: 'service_healthy' }, [traces]: { condition: 'service_started' } },
    },
    loki: {
      ...service(IMAGES.loki),
      command: ['-config.file=/etc/loki/config.yml'],
      ports: [published(3100)],
      volumes: ['./loki:/etc/loki:ro', 'loki-data:/loki'],
      healthcheck: ready(['/usr/bin/loki', '-health']),
    },
    ...(traces === 'tempo' ? tempo() : jaeger()),
  };
}

const service = (image: string) => ({ image, restart: 'unless-stopped' as const });

/** Tempo runs as user 10001; a new volume belongs to root. Its image has nothing that could look after its health. */
function tempo(): Readonly<Record<string, ComposeService>> {
  return {
    'tempo-volume': {
      image: IMAGES.busybox,
      command: ['chown', '-R', '10001:10001', '/var/tempo'],
      volumes: ['tempo-data:/var/tempo'],
    },
    tempo: {
      ...service(IMAGES.tempo),
      command: ['-config.file=/etc/tempo/config.yml'],
      volumes: ['./tempo:/etc/tempo:ro', 'tempo-data:/var/tempo'],
      depends_on: { 'tempo-volume': { condition: 'service_completed_successfully' } },
    },
  };
}

/** Traces in memory, for looking at; what shall stay belongs into Tempo. */
function jaeger(): Readonly<Record<string, ComposeService>> {
  return {
    jaeger: { ...service(IMAGES.jaeger), ports: [published(16686)] },
  };
}
