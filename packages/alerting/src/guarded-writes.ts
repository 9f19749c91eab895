import { BelfryError, messageOf } from '@belfry/model';
import type { AlertingEvent, AlertingLogger } from './events.ts';

/** Runs a write whose failure must not stop the work at hand: the failure is logged and told, the result undefined. */
export type Attempt = <T>(write: () => T) => T | undefined;

export function guardedWrites(logger: AlertingLogger, onEvent: (event: AlertingEvent) => void): Attempt {
  return (write) => {
    try {
      return write();
    } catch (error) {
      const problem = asBelfryError(error);
      logger.error({ err: problem.message }, 'the state of the alert router could not be written');
      onEvent({ kind: 'state_failed', error: problem });
      return undefined;
    }
  };
}

export function asBelfryError(error: unknown): BelfryError {
  return error instanceof BelfryError ? error : new BelfryError('internal', messageOf(error), { cause: error });
}
