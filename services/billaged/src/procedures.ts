/** The methods of `billing.v1.BillingService`. */
import { type Clock, type Random, sleep } from '@belfry/model';
import {
  type Breakages,
  type Call,
  ConnectFailure,
  integerField,
  type JsonObject,
  type Logger,
  listField,
  logNormal,
  type Procedure,
  textField,
} from '@belfry/service-kit';
import { type Aggregator, COUNTERS, type UsageSample, type VmUsage } from './aggregator.ts';
import type { BillagedIncident } from './incidents.ts';
import { accountGrowth, type Telemetry } from './telemetry.ts';

const MAX_SAMPLES = 1000;
/** VMs that are being accounted at once. */
const MAX_VMS = 10_000;
/** Seconds: median and 99th percentile. */
const PROCESSING = [0.002, 0.009] as const;
const SLOW_PROCESSING = [0.3, 0.7] as const;
const NANOSECONDS_PER_MILLISECOND = 1e6;

export interface ProcedureParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly latencyScale: number;
  readonly aggregator: Aggregator;
  readonly telemetry: Telemetry;
  readonly breakages: Breakages<BillagedIncident>;
  readonly log: Logger;
  readonly summarise: (usage: VmUsage) => void;
}

export function createProcedures(parts: ProcedureParts): Readonly<Record<string, Procedure>> {
  const { aggregator, clock, log, telemetry } = parts;
  return {
    SendMetricsBatch: (request, call) => sendMetricsBatch(parts, request, call),
    SendHeartbeat(request) {
      required(request, 'instanceId');
      telemetry.to.heartbeats.inc();
      return { success: true };
    },
    NotifyVmStarted(request, call) {
      const vmId = required(request, 'vmId');
      const customer = checkedTenant(call, required(request, 'customerId'));
      checkRoom(aggregator, vmId);
      aggregator.start(vmId, customer, clock.now());
      log.info({ vm_id: vmId }, 'vm started');
      return { success: true };
    },
    NotifyVmStopped(request, call) {
      tenantOf(call);
      const vmId = required(request, 'vmId');
      const usage = aggregator.stop(vmId);
      if (usage) parts.summarise(usage);
      else log.warn({ vm_id: vmId }, 'vm stopped that is not known');
      return { success: true };
    },
    NotifyPossibleGap(request, call) {
      tenantOf(call);
      const vmId = required(request, 'vmId');
      const gap = integerField(request, 'resumeTime') - integerField(request, 'lastSent');
      telemetry.to.gapNotifications.inc();
      log.warn({ vm_id: vmId, gap_ms: gap / NANOSECONDS_PER_MILLISECOND }, 'possible data gap notification');
      return { success: true };
    },
  };
}

async function sendMetricsBatch(parts: ProcedureParts, request: JsonObject, call: Call): Promise<JsonObject> {
  const { telemetry, clock, aggregator, breakages } = parts;
  const { to } = telemetry;
  const fromMs = clock.monotonic();
  tenantOf(call);
  const raw = listField(request, 'metrics');
  to.samplesReceived.add(raw.length);
  to.batchSize.observe(raw.length);
  if (raw.length === 0) {
    to.aggregationErrors.inc({ error_type: 'empty_batch' });
    return { success: false, message: 'no metrics provided' };
  }
  const { vmId, customer, samples } = readBatch(parts, request, raw, call);
  await process(parts);
  if (breakages.isOn('silent-refusal')) {
    to.aggregationErrors.inc({ error_type: 'overload' });
    return { success: false, message: 'aggregator is overloaded' };
  }
  if (breakages.isOn('overload')) {
    to.aggregationErrors.inc({ error_type: 'overload' });
    to.errors.inc({ component: 'aggregation' });
    throw new ConnectFailure('internal', 'aggregator is overloaded');
  }
  const aggregateMs = clock.monotonic();
  const { usage, growth } = aggregator.add(vmId, customer, samples, clock.now());
  accountGrowth(telemetry, usage, growth);
  to.aggregationDuration.observe((clock.monotonic() - aggregateMs) / 1000);
  to.samplesProcessed.add(samples.length);
  to.recordsProcessed.inc({ customer_id: telemetry.customer(customer) });
  to.processingDuration.observe((clock.monotonic() - fromMs) / 1000);
  return { success: true, message: `processed ${samples.length} metrics` };
}

async function process({ breakages, random, clock, latencyScale }: ProcedureParts): Promise<void> {
  const [median, p99] = breakages.isOn('slow-processing') ? SLOW_PROCESSING : PROCESSING;
  const seconds = logNormal(random, median, p99) * latencyScale;
  if (seconds > 0) await sleep(clock, seconds * 1000);
}

interface Batch {
  readonly vmId: string;
  readonly customer: string;
  readonly samples: readonly UsageSample[];
}

/** @throws ConnectFailure; what is wrong is counted by cause */
function readBatch(parts: ProcedureParts, request: JsonObject, raw: readonly JsonObject[], call: Call): Batch {
  const { to } = parts.telemetry;
  const vmId = textField(request, 'vmId');
  if (vmId === '') {
    to.aggregationErrors.inc({ error_type: 'missing_vm_id' });
    throw new ConnectFailure('invalid_argument', 'vm_id is required');
  }
  try {
    if (raw.length > MAX_SAMPLES) {
      throw new ConnectFailure(
        'invalid_argument',
        `a batch holds at most ${MAX_SAMPLES} metrics; this one has ${raw.length}`,
      );
    }
    const customer = checkedTenant(call, required(request, 'customerId'));
    checkRoom(parts.aggregator, vmId);
    return { vmId, customer, samples: raw.map(readSample) };
  } catch (error) {
    to.aggregationErrors.inc({ error_type: 'invalid_sample' });
    throw error;
  }
}

function readSample(raw: JsonObject, i: number): UsageSample {
  const at = `metrics[${i}]`;
  if (Number.isNaN(Date.parse(textField(raw, 'timestamp', `${at}.timestamp`)))) {
    throw new ConnectFailure('invalid_argument', `${at}.timestamp is not an RFC 3339 time`);
  }
  const value = (name: string) => {
    const number = integerField(raw, name, `${at}.${name}`);
    if (number < 0) throw new ConnectFailure('invalid_argument', `${at}.${name} is negative`);
    return number;
  };
  const sample = { memoryUsageBytes: value('memoryUsageBytes') } as Record<keyof UsageSample, number>;
  for (const name of COUNTERS) sample[name] = value(name);
  return sample;
}

/** @throws ConnectFailure `resource_exhausted` when no further VM can be accounted */
function checkRoom(aggregator: Aggregator, vmId: string): void {
  if (aggregator.active < MAX_VMS || aggregator.has(vmId)) return;
  throw new ConnectFailure('resource_exhausted', `${MAX_VMS} VMs are being accounted already`);
}

/** @throws ConnectFailure `unauthenticated` without the tenant's header */
function tenantOf(call: Call): string {
  const tenant = call.header('x-tenant-id');
  if (!tenant) throw new ConnectFailure('unauthenticated', 'tenant ID is required: send the header X-Tenant-ID');
  return tenant;
}

/** @throws ConnectFailure `permission_denied` when the call is made for another customer */
function checkedTenant(call: Call, customer: string): string {
  if (tenantOf(call) !== customer) {
    throw new ConnectFailure('permission_denied', `customer_id ${customer} is not the tenant of the call`);
  }
  return customer;
}

function required(request: JsonObject, name: string): string {
  const value = textField(request, name);
  if (value === '') {
    throw new ConnectFailure('invalid_argument', `${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)} is required`);
  }
  return value;
}
