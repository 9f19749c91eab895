import { billagedCatalogue } from '@belfry/pack-metald/metrics';
import { type InstrumentRegistry, type Instruments, instruments } from '@belfry/sdk/instruments';
import { createLabelLimit } from '@belfry/service-kit';
import type { Growth, VmUsage } from './aggregator.ts';

export interface Telemetry {
  readonly to: Instruments<(typeof billagedCatalogue)['metrics']>;
  /** The label of a customer on the counter of records: only where such labels are switched on. */
  customer(id: string): string | undefined;
  /** The label of a customer's account. */
  account(id: string): string;
}

const MAX_CUSTOMERS = 200;

export function createTelemetry(registry: InstrumentRegistry, highCardinality: boolean): Telemetry {
  const to = instruments(billagedCatalogue, registry);
  const account = createLabelLimit(MAX_CUSTOMERS);
  return { to, customer: (id) => (highCardinality ? account(id) : undefined), account };
}

/** Adds what a batch brought to the customer's account. */
export function accountGrowth({ to, account }: Telemetry, { customer }: VmUsage, growth: Growth): void {
  const customer_id = account(customer);
  to.customerCpu.add(growth.cpuTimeNanos / 1e9, { customer_id });
  to.customerDisk.add(growth.diskReadBytes, { customer_id, op: 'read' });
  to.customerDisk.add(growth.diskWriteBytes, { customer_id, op: 'write' });
  to.customerNetwork.add(growth.networkRxBytes, { customer_id, direction: 'receive' });
  to.customerNetwork.add(growth.networkTxBytes, { customer_id, direction: 'transmit' });
}
