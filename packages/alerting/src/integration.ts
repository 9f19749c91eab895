import type { Alert } from './alert.ts';
import type { Flush } from './flush.ts';

/** What was, or would be, sent, with every secret masked. */
export interface SentPayload {
  /** `POST https://…` or `SMTP host:port`. */
  readonly to: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How one attempt went. Texts have secrets masked. */
export type AttemptResult =
  | { readonly ok: true; readonly status?: number; readonly payloads: readonly SentPayload[] }
  | {
      readonly ok: false;
      /** Whether the same message may succeed later. */
      readonly retry: boolean;
      /** The receiver asked for this much time. */
      readonly retryAfterMs?: number;
      readonly status?: number;
      readonly error: string;
      readonly payloads: readonly SentPayload[];
    };

/** One `*_configs` entry of a receiver, ready to send. */
export interface Integration {
  readonly kind: 'integration';
  readonly receiver: string;
  /** `webhook`, `slack`, … */
  readonly type: string;
  /** Among those of its type in the receiver. */
  readonly index: number;
  /** `receiver/type[index]` */
  readonly key: string;
  readonly sendResolved: boolean;
  /** Sends once. Never throws: whatever goes wrong is in the result. */
  notify(flush: Flush, alerts: readonly Alert[]): Promise<AttemptResult>;
  /** What `notify` would send first, without sending. @throws BelfryError `template_failed`, `file_unreadable` */
  preview(flush: Flush, alerts: readonly Alert[]): Promise<readonly SentPayload[]>;
  /** Releases connections. */
  close(): Promise<void>;
}
