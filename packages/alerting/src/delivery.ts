import type { Secret } from '@belfry/config';
import type { Alert } from './alert.ts';
import type { Flush } from './flush.ts';
import type { SentPayload } from './integration.ts';
import type { NotificationData } from './notification-data.ts';

export interface DeliveryRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For this request, when it shall be shorter than usual; 0 or absent: as usual. */
  readonly timeoutMs?: number;
}

export interface DeliveryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export type Verdict =
  | { readonly ok: true; readonly status?: number }
  | {
      readonly ok: false;
      readonly retry: boolean;
      readonly retryAfterMs?: number;
      readonly status?: number;
      readonly error: string;
    };

/**
 * What a receiver has at hand to say one notification. Rendering never fails: what a broken template would have said is
 * told in its place, because an alert with a mistake in its template must still wake somebody.
 */
export interface Delivery {
  readonly flush: Flush;
  readonly alerts: readonly Alert[];
  readonly data: NotificationData;
  /** SHA-256 of the group key in hex: the identity of an incident at services that want one. */
  readonly keyHash: string;
  readonly nowMs: number;
  /** Nothing is sent: requests are only shown, and answered with 200 and `{}`. */
  readonly preview: boolean;
  /** `data` for some of the alerts only. */
  describe(alerts: readonly Alert[]): NotificationData;
  /** Text for people. */
  say(template: string): string;
  /** The same as HTML, values escaped where they stand. */
  sayHtml(template: string): string;
  /** A text that steers (a channel, a colour, a priority): where its template fails, `fallback`. */
  steer(template: string, fallback?: string): string;
  /** A secret from its text or, read anew each time, from its file. @throws BelfryError `file_unreadable` */
  secret(inline: Secret | undefined, file: string): Promise<string>;
  /** @throws BelfryError `delivery_failed`: no answer */
  send(request: DeliveryRequest): Promise<DeliveryResponse>;
  /** Notes what goes out by other ways than `send`. */
  show(payload: SentPayload): void;
}

/** One kind of receiver: says the notification once. */
export type Deliver<C> = (config: C, delivery: Delivery) => Promise<Verdict>;

const MAX_SHOWN_ANSWER_CHARS = 500;

/** The usual reading of an answer: 2xx is success, 5xx and 429 are temporary, the rest is final. */
export function judge(response: DeliveryResponse, options: { retryStatus?: readonly number[] } = {}): Verdict {
  const { status } = response;
  if (status >= 200 && status < 300) return { ok: true, status };
  const retry = status >= 500 || status === 429 || (options.retryStatus?.includes(status) ?? false);
  const answer = response.text.trim().slice(0, MAX_SHOWN_ANSWER_CHARS);
  const seconds = Number(response.headers['retry-after']);
  return {
    ok: false,
    retry,
    ...(retry && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    status,
    error: `unexpected status code ${status}${answer ? `: ${answer}` : ''}`,
  };
}

/** Cuts to a number of characters as services with limits want it, the last of them an ellipsis. */
export function truncate(text: string, maxChars: number): string {
  const chars = [...text];
  return chars.length <= maxChars ? text : `${chars.slice(0, maxChars - 1).join('')}…`;
}

/** Leaves out empty texts, absent values and empty lists, as Go's `omitempty` does. */
export function compact<T extends Record<string, unknown>>(object: T): Partial<T> {
  const kept = Object.entries(object).filter(
    ([, v]) => v !== undefined && v !== '' && v !== false && v !== 0 && !(Array.isArray(v) && v.length === 0),
  );
  return Object.fromEntries(kept) as Partial<T>;
}
