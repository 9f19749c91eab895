import { join } from 'node:path';
import type { ServiceDefinition } from './fleet.ts';
import { ROOT } from './root.ts';

/** Ports of the reference services before any offset, as their documents give them. */
export const SERVICE_PORTS = {
  metald: { api: 8080, metrics: 9464 },
  billaged: { api: 8081, metrics: 9465 },
} as const;

/** The reference services with their settings for one run. */
export function referenceServices(options: {
  readonly portOffset: number;
  readonly traffic: 'on' | 'off';
  readonly seed: number;
}): ServiceDefinition[] {
  const { portOffset, traffic, seed } = options;
  const port = (base: number) => String(base + portOffset);
  const metald = SERVICE_PORTS.metald;
  const billaged = SERVICE_PORTS.billaged;
  const ports = ({ api, metrics }: { api: number; metrics: number }, health: string) => [
    { name: 'API', port: api + portOffset, path: health },
    { name: 'metrics', port: metrics + portOffset, path: '/metrics' },
  ];
  return [
    {
      name: 'billaged',
      description: 'bills what virtual machines use, per customer',
      main: join(ROOT, 'services/billaged/src/main.ts'),
      env: {
        UNKEY_BILLAGED_PORT: port(billaged.api),
        UNKEY_BILLAGED_OTEL_PROMETHEUS_PORT: port(billaged.metrics),
        BELFRY_SEED: String(seed),
      },
      ports: ports(billaged, '/stats'),
    },
    {
      name: 'metald',
      description: 'creates and runs virtual machines, and reports their usage',
      main: join(ROOT, 'services/metald/src/main.ts'),
      env: {
        UNKEY_METALD_PORT: port(metald.api),
        UNKEY_METALD_OTEL_PROMETHEUS_PORT: port(metald.metrics),
        UNKEY_METALD_BILLING_ENDPOINT: `http://127.0.0.1:${port(billaged.api)}`,
        BELFRY_TRAFFIC: traffic,
        BELFRY_SEED: String(seed),
      },
      ports: ports(metald, '/_/health'),
    },
  ];
}
