import type { ERROR_TYPES } from '@belfry/pack-metald/metrics';
import { type ConnectCode, ConnectFailure } from '@belfry/service-kit';

export type ErrorType = (typeof ERROR_TYPES)[number];

/** An operation on a VM that was refused or failed, with the cause as it is counted. */
export class Refusal extends ConnectFailure {
  readonly errorType: ErrorType;

  constructor(code: ConnectCode, errorType: ErrorType, message: string) {
    super(code, message);
    this.errorType = errorType;
  }
}
