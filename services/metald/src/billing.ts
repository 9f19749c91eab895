/** The way to billaged: batches, heartbeats and notices of starts and stops, over HTTP. What cannot be sent is counted and dropped. */
import type { Clock } from '@belfry/model';
import { type JsonClient, type Logger, type PostResult, withoutDefaults } from '@belfry/service-kit';
import type { Telemetry } from './telemetry.ts';
import type { Sample, UsageBatch } from './usage.ts';
import type { Vm } from './vm.ts';

const SEND_TIMEOUT_MS = 10_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

export interface BillingOptions {
  readonly clock: Clock;
  readonly client: JsonClient;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  /** Absent: billing is switched off, and nothing is sent. */
  readonly endpoint: string | undefined;
  readonly instanceId: string;
  readonly heartbeatMs: number;
  /** Whether batches say for whom they are. */
  readonly sendTenant: () => boolean;
  readonly activeVms: () => readonly string[];
}

export interface Billing {
  /** Resolves when the batch was taken or given up. */
  send(batch: UsageBatch): Promise<void>;
  started(vm: Vm): Promise<void>;
  stopped(vm: Vm): Promise<void>;
  close(): void;
}

export function createBilling(options: BillingOptions): Billing {
  const { clock, client, log, telemetry, endpoint } = options;
  const { to } = telemetry;
  const post = (method: string, body: string, timeoutMs: number, customer?: string) =>
    client.post(`${endpoint}/billing.v1.BillingService/${method}`, body, {
      timeoutMs,
      headers: customer === undefined ? {} : { 'x-tenant-id': customer },
    });

  const beat = async () => {
    const { instanceId } = options;
    const body = JSON.stringify(withoutDefaults({ instanceId, activeVms: options.activeVms() }));
    const problem = problemOf(await post('SendHeartbeat', body, HEARTBEAT_TIMEOUT_MS));
    if (!problem) to.heartbeatsSent.inc({ instance_id: instanceId });
    else {
      to.heartbeatFailures.inc({ instance_id: instanceId });
      to.errors.inc({ component: 'billing' });
      log.warn({ error: problem.text }, 'heartbeat failed');
    }
  };
  let timer = clock.after(0, () => {});
  let closed = false;
  const schedule = (delayMs: number) => {
    timer = clock.after(delayMs, () => void beat().finally(() => closed || schedule(options.heartbeatMs)), {
      background: true,
    });
  };
  if (endpoint) {
    to.heartbeatsSent.init({ instance_id: options.instanceId });
    to.heartbeatFailures.init({ instance_id: options.instanceId });
    schedule(0);
  }

  const notify = async (method: string, vm: Vm, fields: Record<string, string>) => {
    if (!endpoint) return;
    const body = JSON.stringify({ vmId: vm.id, ...fields });
    const problem = problemOf(await post(method, body, SEND_TIMEOUT_MS, vm.customer));
    if (problem) log.warn({ vm_id: vm.id, error: problem.text }, `failed to send ${method}`);
  };
  const nowNanos = () => String(BigInt(Math.round(clock.now())) * NANOSECONDS_PER_MILLISECOND);

  return {
    async send({ vm, samples }) {
      if (!endpoint) return;
      to.batchSize.observe(samples.length);
      const body = JSON.stringify({ vmId: vm.id, customerId: vm.customer, metrics: samples.map(sampleJson) });
      const fromMs = clock.monotonic();
      const customer = options.sendTenant() ? vm.customer : undefined;
      const problem = problemOf(await post('SendMetricsBatch', body, SEND_TIMEOUT_MS, customer));
      if (problem) {
        to.batchFailures.inc({ reason: problem.reason });
        to.errors.inc({ component: 'billing' });
        log.error({ vm_id: vm.id, samples: samples.length, error: problem.text }, 'failed to send metrics batch');
        return;
      }
      const customer_id = telemetry.customer(vm.customer);
      to.batchesSent.inc({ vm_id: telemetry.vm(vm.id), customer_id });
      to.batchSendDuration.observe((clock.monotonic() - fromMs) / 1000, { customer_id });
    },
    started: (vm) => notify('NotifyVmStarted', vm, { customerId: vm.customer, startTime: nowNanos() }),
    stopped: (vm) => notify('NotifyVmStopped', vm, { stopTime: nowNanos() }),
    close() {
      closed = true;
      timer.cancel();
    },
  };
}

function sampleJson(sample: Sample) {
  const { timestampMs, memoryUsageBytes, ...counters } = sample;
  const out: Record<string, string> = {
    timestamp: new Date(timestampMs).toISOString(),
    memoryUsageBytes: String(memoryUsageBytes),
  };
  for (const [name, value] of Object.entries(counters)) if (value !== 0) out[name] = String(value);
  return out;
}

interface Problem {
  readonly reason: 'unavailable' | 'timeout' | 'refused';
  readonly text: string;
}

/** Billaged refuses some batches with HTTP 200 and `success: false`. */
function problemOf(result: PostResult): Problem | undefined {
  if (result.kind === 'timeout') return { reason: 'timeout', text: 'no answer in time' };
  if (result.kind === 'unreachable') return { reason: 'unavailable', text: result.message };
  if (result.status === 200 && result.body.success === true) return undefined;
  const text = `${result.status} ${String(result.body.code ?? '')} ${String(result.body.message ?? '')}`.trim();
  return { reason: result.status >= 500 ? 'unavailable' : 'refused', text };
}
