/** The OpenTelemetry Collector: OTLP in; traces, logs and metrics out by exporters that today's Collector has. */
import type { GeneratedFile } from './build.ts';
import type { Pack } from './pack.ts';
import type { Deployment } from './targets.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

/** Where Prometheus finds what services pushed, and the Collector's own metrics. */
export const COLLECTOR_PORTS = { grpc: 4317, http: 4318, metrics: 8889, own: 8888, health: 13133 } as const;

export function collectorFiles(packs: readonly Pack[], deployment: Deployment): readonly GeneratedFile[] {
  return [collectorFile('otel/collector.yml', packs, deployment)];
}

/**
 * `TRACES_ENDPOINT`, `LOGS_ENDPOINT` and `DEPLOYMENT_ENVIRONMENT` may be set where the Collector runs; what stands here
 * suits the composed stack.
 */
export function collectorFile(path: string, packs: readonly Pack[], { traces }: Deployment): GeneratedFile {
  const everywhere = (port: number) => `0.0.0.0:${port}`;
  const config = {
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: everywhere(COLLECTOR_PORTS.grpc) },
          http: { endpoint: everywhere(COLLECTOR_PORTS.http) },
        },
      },
    },
    processors: {
      memory_limiter: { check_interval: '1s', limit_mib: 512, spike_limit_mib: 128 },
      resource: {
        attributes: [
          // Services that say themselves where they run are believed.
          {
            key: 'deployment.environment.name',
            value: `\${env:DEPLOYMENT_ENVIRONMENT:-production}`,
            action: 'insert',
          },
        ],
      },
      batch: { timeout: '1s', send_batch_size: 1024 },
    },
    exporters: {
      'otlp_http/traces': { endpoint: `\${env:TRACES_ENDPOINT:-http://${traces}:4318}` },
      'otlp_http/logs': { endpoint: `\${env:LOGS_ENDPOINT:-http://loki:3100/otlp}` },
      prometheus: {
        endpoint: everywhere(COLLECTOR_PORTS.metrics),
        resource_to_telemetry_conversion: { enabled: true },
      },
    },
    extensions: { health_check: { endpoint: everywhere(COLLECTOR_PORTS.health) } },
    service: {
      extensions: ['health_check'],
      telemetry: {
        metrics: {
          readers: [{ pull: { exporter: { prometheus: { host: '0.0.0.0', port: COLLECTOR_PORTS.own } } } }],
        },
      },
      pipelines: {
        traces: pipeline('otlp_http/traces'),
        metrics: pipeline('prometheus'),
        logs: pipeline('otlp_http/logs'),
      },
    },
  };
  const jobs = packs.flatMap((p) => p.scrape.map((j) => j.job)).join(', ');
  return {
    path,
    text: yamlText(config, [
      GENERATED,
      `For the Collector (contrib) 0.146 or later. Services push here by OTLP; Prometheus scrapes port ${COLLECTOR_PORTS.metrics}.`,
      ...(jobs === '' ? [] : [`Scraped directly, so that they need not push metrics as well: ${jobs}.`]),
    ]),
  };
}

/** First the limit, so that what is refused costs nothing; batches last. */
function pipeline(exporter: string) {
  return { receivers: ['otlp'], processors: ['memory_limiter', 'resource', 'batch'], exporters: [exporter] };
}
