import type { BelfryError } from '@belfry/model';
import type { StoredNotification } from './provenance.ts';

/** What happens inside, for logs, metrics and live pages. */
export type AlertingEvent =
  | { readonly kind: 'alerts_received'; readonly accepted: number; readonly refused: number }
  | { readonly kind: 'notification'; readonly notification: StoredNotification }
  | { readonly kind: 'silence_set'; readonly id: string }
  | { readonly kind: 'silence_expired'; readonly id: string }
  | { readonly kind: 'reloaded' }
  | { readonly kind: 'reload_failed'; readonly error: BelfryError }
  | { readonly kind: 'time_gap'; readonly gapMs: number; readonly extended: number }
  | { readonly kind: 'limit'; readonly error: BelfryError }
  | { readonly kind: 'state_failed'; readonly error: BelfryError };

/** Takes log lines: the field names and shapes of pino. */
export interface AlertingLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLogger: AlertingLogger = { debug() {}, info() {}, warn() {}, error() {} };
