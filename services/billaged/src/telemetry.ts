import { billagedCatalogue } from '@belfry/pack-metald/metrics';
import { type InstrumentRegistry, type Instruments, instruments } from '@belfry/sdk/instruments';
import type { Growth, VmUsage } from './aggregator.ts';

export interface Telemetry {
  readonly to: Instruments<(typeof billagedCatalogue)['metrics']>;
  /** The label for a customer, where such labels are switched on. */
  customer(id: string): string | undefined;
}

export function createTelemetry(registry: InstrumentRegistry, highCardinality: boolean): Telemetry {
  const to = instruments(billagedCatalogue, registry);
  return { to, customer: (id) => (highCardinality ? id : undefined) };
}

/** Adds what a batch brought to the customer's account. */
export function accountGrowth({ to }: Telemetry, { customer: customer_id }: VmUsage, growth: Growth): void {
  to.customerCpu.add(growth.cpuTimeNanos / 1e9, { customer_id });
  to.customerDisk.add(growth.diskReadBytes, { customer_id, op: 'read' });
  to.customerDisk.add(growth.diskWriteBytes, { customer_id, op: 'write' });
  to.customerNetwork.add(growth.networkRxBytes, { customer_id, direction: 'receive' });
  to.customerNetwork.add(growth.networkTxBytes, { customer_id, direction: 'transmit' });
}
