import { metaldCatalogue, type OPERATIONS } from '@belfry/pack-metald/metrics';
import { type InstrumentRegistry, type Instruments, instruments } from '@belfry/sdk/instruments';
import { createLabelLimit } from '@belfry/service-kit';
import type { Backend } from './vm.ts';

export type MetaldInstruments = Instruments<(typeof metaldCatalogue)['metrics']>;
export type Operation = (typeof OPERATIONS)[number];

export interface Telemetry {
  readonly to: MetaldInstruments;
  /** The label of a customer, and of a VM: only where such labels are switched on. */
  customer(id: string | undefined): string | undefined;
  vm(id: string): string | undefined;
  /** Lets the failures of a customer's operations exist at 0, so that the first one is seen as a rise. */
  introduce(customer_id: string, backend: Backend): void;
}

const MAX_CUSTOMERS = 100;

export function createTelemetry(registry: InstrumentRegistry, highCardinality: boolean): Telemetry {
  const to = instruments(metaldCatalogue, registry);
  const limited = createLabelLimit(MAX_CUSTOMERS);
  const introduced = new Set<string>();
  return {
    to,
    customer: (id) => (highCardinality && id !== undefined ? limited(id) : undefined),
    vm: (id) => (highCardinality ? id : undefined),
    introduce(customer_id, backend) {
      const key = `${backend} ${customer_id}`;
      if (introduced.has(key)) return;
      introduced.add(key);
      for (const error_type of CREATE_ERRORS) to.createFailures.init({ backend, customer_id, error_type });
      for (const error_type of OPERATION_ERRORS) {
        to.bootFailures.init({ backend, customer_id, error_type });
        to.deleteFailures.init({ backend, customer_id, error_type });
        for (const force of ['true', 'false'] as const) {
          to.shutdownFailures.init({ backend, customer_id, force, error_type });
        }
      }
    },
  };
}

/** What a known customer's operations fail for. */
const CREATE_ERRORS = ['invalid_config', 'permission_denied', 'backend_error', 'database_error'] as const;
const OPERATION_ERRORS = ['invalid_state', 'ownership_validation_failed', 'backend_error', 'database_error'] as const;

/** The three counters of each operation, where they do not differ by operation. */
export function countersOf(to: MetaldInstruments, operation: Exclude<Operation, 'shutdown'>) {
  return {
    requests: to[`${operation}Requests`],
    success: to[`${operation}Success`],
    failures: to[`${operation}Failures`],
  };
}
