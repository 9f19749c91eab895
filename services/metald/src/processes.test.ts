/** metald and billaged as processes of their own, as `belfry up` runs them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { call, type Scrape, scrape } from '@belfry/service-kit/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SERVICES = join(import.meta.dirname, '../..');
const running: ChildProcess[] = [];

interface Ready {
  readonly child: ChildProcess;
  readonly ports: { readonly api: number; readonly metrics: number };
}

function launch(service: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [join(SERVICES, service, 'src/main.ts'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  running.push(child);
  return child;
}

async function ready(child: ChildProcess): Promise<Ready> {
  let complaint = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`it ended: ${complaint}`))),
  ])) as [{ kind: string; ports: Ready['ports'] }];
  expect(message.kind).toBe('ready');
  return { child, ports: message.ports };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

let billaged: Ready;
let metald: Ready;
beforeAll(async () => {
  billaged = await ready(launch('billaged', ['--port', '0', '--metrics-port', '0']));
  metald = await ready(
    launch('metald', ['--port=0', '--metrics-port=0', '--latency-scale', '0.05', '--seed', '3'], {
      UNKEY_METALD_BILLING_ENDPOINT: `http://127.0.0.1:${billaged.ports.api}`,
      BELFRY_METALD_BATCH_SAMPLES: '10',
    }),
  );
});
afterAll(() => {
  for (const child of running) if (child.exitCode === null) child.kill('SIGKILL');
});

/** Both services at a moment when nothing is under way between them. */
async function calm(holds: (m: Scrape, b: Scrape) => boolean): Promise<[Scrape, Scrape]> {
  let both: [Scrape, Scrape] | undefined;
  await eventually(async () => {
    const [m, b] = await Promise.all([scrape(metald.ports.metrics), scrape(billaged.ports.metrics)]);
    both = [m, b];
    return holds(m, b);
  });
  return both!;
}

describe('metald and billaged as processes', () => {
  it('agree: what runs is accounted, what was sent was counted', async () => {
    const [m, b] = await calm(
      (m, b) =>
        m.sum('metald_vms_total', { state: 'running' }) >= 8 &&
        m.sum('metald_vms_total', { state: 'running' }) === b.sum('billaged_active_vms') &&
        m.sum('metald_billing_batches_sent_total') > 20 &&
        m.sum('metald_billing_batches_sent_total') === b.sum('billaged_usage_records_processed_total'),
    );
    expect(b.sum('billaged_metrics_processed_total')).toBe(b.sum('billaged_metrics_received_total'));
    expect(m.sum('metald_billing_batch_size_histogram_sum')).toBe(b.sum('billaged_batch_size_histogram_sum'));
    expect(m.sum('metald_billing_metrics_collected_total')).toBeGreaterThanOrEqual(
      b.sum('billaged_metrics_processed_total'),
    );
    expect(m.sum('metald_heartbeat_sent_total')).toBe(b.sum('billaged_heartbeats_received_total'));
    const customers = new Set(m.series('metald_metrics_collected_total').map((s) => s.customer_id));
    expect(customers.size).toBeGreaterThan(2);
  });

  it('have requests that succeed, fail or are under way', async () => {
    const m = await scrape(metald.ports.metrics);
    for (const op of ['create', 'boot', 'shutdown', 'delete']) {
      const sum = (kind: string) => m.sum(`unkey_metald_vm_${op}_${kind}_total`);
      expect(sum('success') + sum('failures')).toBeLessThanOrEqual(sum('requests'));
    }
  });

  it('lose batches while billaged is away, count them, and go on when it is back', async () => {
    billaged.child.kill('SIGTERM');
    expect(await ended(billaged.child)).toBe(0);
    await calmFailures();
    billaged = await ready(launch('billaged', ['--port', String(billaged.ports.api), '--metrics-port', '0']));
    await eventually(async () => (await scrape(billaged.ports.metrics)).sum('billaged_metrics_processed_total') > 0);
  });

  async function calmFailures(): Promise<void> {
    await eventually(async () => (await scrape(metald.ports.metrics)).sum('metald_billing_batch_failures_total') > 0);
  }

  it('keep what a customer made apart from the traffic', async () => {
    const headers = { authorization: 'Bearer dev_user_me', 'x-tenant-id': 'my-own-company' };
    const answer = await call(`http://127.0.0.1:${metald.ports.api}/vmprovisioner.v1.VmService/ListVms`, {}, headers);
    expect(answer).toEqual({ status: 200, body: {} });
  });

  it('say in one line why they cannot start, and end with 1', async () => {
    const child = launch('metald', ['--port', String(metald.ports.api), '--metrics-port', '0']);
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    expect(await ended(child)).toBe(1);
    expect(text).toBe(
      `metald: port ${metald.ports.api} on 127.0.0.1 is in use; choose another with UNKEY_METALD_PORT or --port\n`,
    );
    const wrong = launch('billaged', ['--prot', '1']);
    expect(await ended(wrong)).toBe(1);
  });

  it('end on SIGTERM, having sent what they had', async () => {
    metald.child.kill('SIGTERM');
    expect(await ended(metald.child)).toBe(0);
  });
});
