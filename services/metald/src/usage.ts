/** What VMs use, emulated, read ten times a second per running VM and gathered into batches for billing. */
import type { Clock, Random } from '@belfry/model';
import { logNormal, normal } from '@belfry/service-kit';
import type { Telemetry } from './telemetry.ts';
import type { Vm } from './vm.ts';

/** Of collection. */
const SAMPLE_INTERVAL_MS = 100;
/** After a pause of the process, no more samples than these are made up for. */
const MAX_CATCH_UP = 20;
/** Gauges of single VMs change this often. */
const GAUGE_EVERY = 10;
const READ_SECONDS = [0.002, 0.01] as const;

/** Counters since the VM's boot; memory is the current value. */
export interface Sample {
  readonly timestampMs: number;
  readonly cpuTimeNanos: number;
  readonly memoryUsageBytes: number;
  readonly diskReadBytes: number;
  readonly diskWriteBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
}

export interface UsageBatch {
  readonly vm: Vm;
  readonly samples: readonly Sample[];
}

interface Meter {
  readonly vm: Vm;
  readonly labels: { readonly vm_id: string | undefined; readonly customer_id: string | undefined };
  readonly shown: { readonly vm_id: string; readonly customer_id: string | undefined };
  /** Processors in use, on average. */
  readonly load: number;
  readonly diskBytesPerS: number;
  readonly networkBytesPerS: number;
  /** Where in its slow wave of load the VM is. */
  readonly phase: number;
  samples: Sample[];
  last: Sample;
  shownDisk: { read: number; write: number };
}

export interface Collector {
  start(vm: Vm): void;
  /** Ends collection and hands over what was gathered and not yet sent; false when the VM was not being read. */
  stop(vm: Vm): boolean;
  readonly active: readonly string[];
  close(): void;
}

export interface CollectorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly batchSamples: number;
  readonly batchReady: (batch: UsageBatch) => void;
}

export function createCollector(options: CollectorOptions): Collector {
  const { clock, random, telemetry, batchSamples, batchReady } = options;
  const meters = new Map<string, Meter>();
  const flush = (meter: Meter) => {
    if (meter.samples.length === 0) return;
    batchReady({ vm: meter.vm, samples: meter.samples });
    meter.samples = [];
  };
  let ticks = 0;
  const tick = (nowMs: number) => {
    ticks++;
    for (const meter of meters.values()) {
      meter.samples.push(read(meter, nowMs, random));
      count(meter, telemetry, random);
      if (ticks % GAUGE_EVERY === 0) show(meter, telemetry);
      if (meter.samples.length >= batchSamples) flush(meter);
    }
  };
  let nextMs = clock.monotonic() + SAMPLE_INTERVAL_MS;
  let closed = false;
  const run = () => {
    if (closed) return;
    const late = clock.monotonic() - nextMs;
    const due = Math.min(MAX_CATCH_UP, 1 + Math.max(0, Math.floor(late / SAMPLE_INTERVAL_MS)));
    for (let i = due - 1; i >= 0; i--) tick(clock.now() - i * SAMPLE_INTERVAL_MS);
    nextMs += Math.max(due, 1 + Math.floor(late / SAMPLE_INTERVAL_MS)) * SAMPLE_INTERVAL_MS;
    timer = clock.after(nextMs - clock.monotonic(), run, { background: true });
  };
  let timer = clock.after(SAMPLE_INTERVAL_MS, run, { background: true });
  return {
    start(vm) {
      const meter = createMeter(vm, clock.now(), random, telemetry);
      meters.set(vm.id, meter);
      // Seen at 0 before the first batch, or that batch would not count as a rise.
      telemetry.to.batchesSent.init(meter.labels);
    },
    stop(vm) {
      const meter = meters.get(vm.id);
      if (!meter) return false;
      meters.delete(vm.id);
      flush(meter);
      telemetry.to.vmCpu.remove(meter.shown);
      telemetry.to.vmMemory.remove(meter.shown);
      return true;
    },
    get active() {
      return [...meters.keys()];
    },
    close() {
      closed = true;
      timer.cancel();
      for (const meter of meters.values()) flush(meter);
      meters.clear();
    },
  };
}

function createMeter(vm: Vm, nowMs: number, random: Random, telemetry: Telemetry): Meter {
  return {
    vm,
    labels: { vm_id: telemetry.vm(vm.id), customer_id: telemetry.customer(vm.customer) },
    shown: { vm_id: vm.id, customer_id: telemetry.customer(vm.customer) },
    load: Math.min(vm.vcpus, logNormal(random, vm.vcpus * 0.18, vm.vcpus * 0.9)),
    diskBytesPerS: logNormal(random, 80e3, 4e6),
    networkBytesPerS: logNormal(random, 120e3, 6e6),
    phase: random() * 2 * Math.PI,
    samples: [],
    last: {
      timestampMs: nowMs,
      cpuTimeNanos: 0,
      memoryUsageBytes: Math.round(vm.memoryBytes * 0.3),
      diskReadBytes: 0,
      diskWriteBytes: 0,
      networkRxBytes: 0,
      networkTxBytes: 0,
    },
    shownDisk: { read: 0, write: 0 },
  };
}

const WAVE_S = 300;
const SECONDS_PER_SAMPLE = SAMPLE_INTERVAL_MS / 1000;

function read(meter: Meter, timestampMs: number, random: Random): Sample {
  const { last, vm } = meter;
  const wave = 1 + 0.5 * Math.sin((timestampMs / 1000 / WAVE_S) * 2 * Math.PI + meter.phase);
  const activity = Math.max(0, wave + 0.2 * normal(random));
  const cpu = Math.min(vm.vcpus, meter.load * activity);
  const disk = Math.round(meter.diskBytesPerS * activity * SECONDS_PER_SAMPLE);
  const network = Math.round(meter.networkBytesPerS * activity * SECONDS_PER_SAMPLE);
  const wantedMemory = vm.memoryBytes * Math.min(0.95, 0.3 + 0.35 * wave);
  meter.last = {
    timestampMs,
    cpuTimeNanos: last.cpuTimeNanos + Math.round(cpu * SECONDS_PER_SAMPLE * 1e9),
    memoryUsageBytes: Math.round(last.memoryUsageBytes + (wantedMemory - last.memoryUsageBytes) * 0.01),
    diskReadBytes: last.diskReadBytes + Math.round(disk * 0.4),
    diskWriteBytes: last.diskWriteBytes + Math.round(disk * 0.6),
    networkRxBytes: last.networkRxBytes + Math.round(network * 0.7),
    networkTxBytes: last.networkTxBytes + Math.round(network * 0.3),
  };
  return meter.last;
}

function count(meter: Meter, { to }: Telemetry, random: Random): void {
  to.samplesCollected.inc(meter.labels);
  to.billingMetricsCollected.inc();
  to.vmMetricsReadings.inc({ vm_id: meter.labels.vm_id });
  to.vmMetricsRequests.inc({ backend: meter.vm.backend });
  to.collectionDuration.observe(logNormal(random, READ_SECONDS[0], READ_SECONDS[1]));
}

function show(meter: Meter, { to }: Telemetry): void {
  const { last, shown, shownDisk, samples } = meter;
  const earlier = samples[samples.length - GAUGE_EVERY];
  if (earlier) {
    const seconds = (last.timestampMs - earlier.timestampMs) / 1000;
    const percent = seconds > 0 ? ((last.cpuTimeNanos - earlier.cpuTimeNanos) / 1e9 / seconds) * 100 : 0;
    to.vmCpu.set(percent, shown);
  }
  to.vmMemory.set(last.memoryUsageBytes, shown);
  to.vmDisk.add(last.diskReadBytes - shownDisk.read, { ...shown, op: 'read' });
  to.vmDisk.add(last.diskWriteBytes - shownDisk.write, { ...shown, op: 'write' });
  meter.shownDisk = { read: last.diskReadBytes, write: last.diskWriteBytes };
}
