/** The images that deployments run, pinned: a build of today is the build of tomorrow. */
export const IMAGES = {
  prometheus: 'prom/prometheus:v3.12.0',
  alertmanager: 'prom/alertmanager:v0.28.1',
  grafana: 'grafana/grafana:13.0.2',
  nodeExporter: 'prom/node-exporter:v1.9.1',
  collector: 'otel/opentelemetry-collector-contrib:0.156.0',
  loki: 'grafana/loki:3.7.2',
  tempo: 'grafana/tempo:2.8.2',
  jaeger: 'jaegertracing/jaeger:2.19.0',
  thanos: 'quay.io/thanos/thanos:v0.39.2',
  busybox: 'busybox:1.37',
} as const;
