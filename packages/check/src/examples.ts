import type { Example } from './check.ts';

/** For the examples of checks: small files around the part that matters. */
export function alertFile(expr: string, more: { for?: string; description?: string; labels?: string } = {}): Example {
  return {
    'rules.yml': `groups:
  - name: example
    rules:
      - alert: Example
        expr: ${expr}
        for: ${more.for ?? '5m'}
        labels:
          ${more.labels ?? 'severity: warning'}
        annotations:
          summary: Something is wrong
          description: ${JSON.stringify(more.description ?? 'Look at the service.')}
`,
  };
}

export function recordFile(record: string, expr: string): Example {
  return {
    'rules.yml': `groups:
  - name: example
    rules:
      - record: ${record}
        expr: ${expr}
`,
  };
}

export interface PanelExample {
  readonly title?: string;
  readonly type?: string;
  readonly unit?: string;
  readonly legend?: string;
  readonly steps?: readonly { readonly color: string; readonly value: number | null }[];
  readonly variables?: readonly unknown[];
  readonly dashboard?: Readonly<Record<string, unknown>>;
}

export function panelFile(expr: string, more: PanelExample = {}): Example {
  const dashboard = {
    uid: 'example',
    title: 'Example',
    schemaVersion: 39,
    refresh: '1m',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: more.variables ?? [] },
    panels: [
      {
        id: 1,
        type: more.type ?? 'timeseries',
        title: more.title ?? 'Requests',
        description: 'Requests answered.',
        datasource: { type: 'prometheus', uid: '$datasource' },
        fieldConfig: {
          defaults: {
            unit: more.unit ?? 'short',
            ...(more.steps ? { thresholds: { mode: 'absolute', steps: more.steps } } : {}),
          },
        },
        targets: [{ refId: 'A', expr, ...(more.legend ? { legendFormat: more.legend } : {}) }],
      },
    ],
    ...more.dashboard,
  };
  return { 'dashboard.json': `${JSON.stringify(dashboard, null, 2)}\n` };
}

/** A dump of `/metrics` beside other files: the catalogue of an example. */
export function withMetrics(metrics: string, files: Example): Example {
  return { 'metrics.txt': metrics, ...files };
}

export const REQUESTS = `# TYPE shop_requests_total counter
shop_requests_total{code="200",method="GET"} 5
# TYPE shop_request_duration_seconds histogram
shop_request_duration_seconds_bucket{method="GET",le="0.1"} 3
shop_request_duration_seconds_bucket{method="GET",le="1"} 4
shop_request_duration_seconds_bucket{method="GET",le="+Inf"} 5
shop_request_duration_seconds_sum{method="GET"} 2
shop_request_duration_seconds_count{method="GET"} 5
# TYPE shop_queue_depth gauge
shop_queue_depth{queue="mail"} 2
`;

export function alertmanagerFile(text: string): Example {
  return { 'alertmanager.yml': text };
}
