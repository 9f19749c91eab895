import { metaldCatalogue, type OPERATIONS } from '@belfry/pack-metald/metrics';
import { type InstrumentRegistry, type Instruments, instruments } from '@belfry/sdk/instruments';

export type MetaldInstruments = Instruments<(typeof metaldCatalogue)['metrics']>;
export type Operation = (typeof OPERATIONS)[number];

export interface Telemetry {
  readonly to: MetaldInstruments;
  /** Labels for single VMs and customers: with values only where they are switched on. */
  customer(id: string | undefined): string | undefined;
  vm(id: string): string | undefined;
}

export function createTelemetry(registry: InstrumentRegistry, highCardinality: boolean): Telemetry {
  const to = instruments(metaldCatalogue, registry);
  return {
    to,
    customer: (id) => (highCardinality ? id : undefined),
    vm: (id) => (highCardinality ? id : undefined),
  };
}

/** The three counters of each operation, where they do not differ by operation. */
export function countersOf(to: MetaldInstruments, operation: Exclude<Operation, 'shutdown'>) {
  return {
    requests: to[`${operation}Requests`],
    success: to[`${operation}Success`],
    failures: to[`${operation}Failures`],
  };
}
