/** Usage of VMs and customers, from cumulative samples. Only in memory: a restart begins anew, as in billaged itself. */

/** A sample as it arrives: counters since the VM's boot but for memory. */
export interface UsageSample {
  readonly cpuTimeNanos: number;
  readonly memoryUsageBytes: number;
  readonly diskReadBytes: number;
  readonly diskWriteBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
}

export const COUNTERS = [
  'cpuTimeNanos',
  'diskReadBytes',
  'diskWriteBytes',
  'networkRxBytes',
  'networkTxBytes',
] as const;
type CounterName = (typeof COUNTERS)[number];
/** What a batch added. */
export type Growth = Record<CounterName, number>;

export interface VmUsage {
  readonly vmId: string;
  readonly customer: string;
  readonly totals: Growth;
  /** Greatest seen. */
  memoryBytes: number;
  samples: number;
  last: UsageSample | undefined;
  seenMs: number;
}

export interface Aggregator {
  readonly active: number;
  has(vmId: string): boolean;
  vms(): IterableIterator<VmUsage>;
  /** Begins anew for a VM that was started. */
  start(vmId: string, customer: string, nowMs: number): void;
  /** Takes a batch into account. A counter that fell began anew; the fall itself counts nothing. */
  add(
    vmId: string,
    customer: string,
    samples: readonly UsageSample[],
    nowMs: number,
  ): { usage: VmUsage; growth: Growth };
  /** Forgets a VM, and gives what was known of it. */
  stop(vmId: string): VmUsage | undefined;
  /** Forgets what was not heard of since. */
  expire(beforeMs: number): readonly VmUsage[];
}

export function createAggregator(): Aggregator {
  const byId = new Map<string, VmUsage>();
  const fresh = (vmId: string, customer: string, seenMs: number): VmUsage => {
    const usage = { vmId, customer, totals: noGrowth(), memoryBytes: 0, samples: 0, last: undefined, seenMs };
    byId.set(vmId, usage);
    return usage;
  };
  return {
    get active() {
      return byId.size;
    },
    has: (vmId) => byId.has(vmId),
    vms: () => byId.values(),
    start: (vmId, customer, nowMs) => void fresh(vmId, customer, nowMs),
    add(vmId, customer, samples, nowMs) {
      const usage = byId.get(vmId) ?? fresh(vmId, customer, nowMs);
      const growth = noGrowth();
      for (const sample of samples) take(usage, sample, growth);
      usage.seenMs = nowMs;
      return { usage, growth };
    },
    stop(vmId) {
      const usage = byId.get(vmId);
      byId.delete(vmId);
      return usage;
    },
    expire(beforeMs) {
      const silent = [...byId.values()].filter((usage) => usage.seenMs < beforeMs);
      for (const usage of silent) byId.delete(usage.vmId);
      return silent;
    },
  };
}

function noGrowth(): Growth {
  return { cpuTimeNanos: 0, diskReadBytes: 0, diskWriteBytes: 0, networkRxBytes: 0, networkTxBytes: 0 };
}

function take(usage: VmUsage, sample: UsageSample, growth: Growth): void {
  for (const name of COUNTERS) {
    const delta = usage.last ? sample[name] - usage.last[name] : 0;
    if (delta <= 0) continue;
    usage.totals[name] += delta;
    growth[name] += delta;
  }
  usage.memoryBytes = Math.max(usage.memoryBytes, sample.memoryUsageBytes);
  usage.samples++;
  usage.last = sample;
}

const NANOSECONDS = 1e9;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
/** Weights of the resource score. */
const WEIGHTS = { cpuSecond: 1, memoryGib: 0.5, diskMib: 0.3 } as const;

/** CPU seconds + 0.5 x memory in GiB + 0.3 x disk in MiB, since the VM was started. */
export function resourceScore({ totals, memoryBytes }: VmUsage): number {
  return (
    (totals.cpuTimeNanos / NANOSECONDS) * WEIGHTS.cpuSecond +
    (memoryBytes / GIB) * WEIGHTS.memoryGib +
    ((totals.diskReadBytes + totals.diskWriteBytes) / MIB) * WEIGHTS.diskMib
  );
}

/** The block of log lines that tells what a VM used. */
export function summaryLines(usage: VmUsage): readonly string[] {
  const { totals } = usage;
  return [
    '=== BILLAGED USAGE SUMMARY ===',
    `VM ${usage.vmId}, customer ${usage.customer}`,
    `CPU USAGE: ${(totals.cpuTimeNanos / NANOSECONDS).toFixed(3)} s`,
    `MEMORY USAGE: max ${(usage.memoryBytes / MIB).toFixed(1)} MiB`,
    `DISK I/O: read ${(totals.diskReadBytes / MIB).toFixed(1)} MiB, written ${(totals.diskWriteBytes / MIB).toFixed(1)} MiB`,
    `NETWORK I/O: received ${(totals.networkRxBytes / MIB).toFixed(1)} MiB, sent ${(totals.networkTxBytes / MIB).toFixed(1)} MiB`,
    `BILLING METRICS: resource_score ${resourceScore(usage).toFixed(3)}, sample_count ${usage.samples}`,
  ];
}
