import { type Clock, messageOf, type Random, sleep } from '@belfry/model';
import type { Alert } from './alert.ts';
import { backoffMs } from './backoff.ts';
import type { Flush } from './flush.ts';
import type { AttemptResult, Integration, SentPayload } from './integration.ts';

/** One try to reach a receiver. */
export interface DeliveryAttempt {
  readonly atMs: number;
  readonly latencyMs: number;
  readonly ok: boolean;
  /** HTTP or SMTP status, where there was an answer. */
  readonly status?: number;
  readonly error?: string;
}

export interface Delivery {
  readonly ok: boolean;
  readonly attempts: readonly DeliveryAttempt[];
  readonly payloads: readonly SentPayload[];
  /** Why it ended without success. */
  readonly error?: string;
}

/**
 * Sends with exponential backoff until it succeeds, fails for good, or `flush.signal` aborts. Only failures that the
 * receiver's protocol calls temporary are tried again; a `Retry-After` is respected.
 */
export async function sendStage(
  flush: Flush,
  alerts: readonly Alert[],
  integration: Integration,
  options: { clock: Clock; random: Random; onAttempt?: (attempt: DeliveryAttempt) => void },
): Promise<Delivery> {
  const { clock, random } = options;
  const attempts: DeliveryAttempt[] = [];
  let result: AttemptResult | undefined;
  for (let attempt = 1; ; attempt++) {
    if (attempt > 1 && result && !result.ok) {
      const waitMs = Math.max(backoffMs(attempt, random), result.retryAfterMs ?? 0);
      try {
        await sleep(clock, waitMs, flush.signal);
      } catch {
        break;
      }
    }
    if (flush.signal.aborted) break;
    const atMs = clock.now();
    const started = clock.monotonic();
    result = await integration.notify(flush, alerts);
    const latencyMs = Math.round((clock.monotonic() - started) * 1000) / 1000;
    const made: DeliveryAttempt = {
      atMs,
      latencyMs,
      ok: result.ok,
      ...(result.status === undefined ? {} : { status: result.status }),
      ...(result.ok ? {} : { error: result.error }),
    };
    attempts.push(made);
    options.onAttempt?.(made);
    if (result.ok || !result.retry) break;
  }
  if (result?.ok) return { ok: true, attempts, payloads: result.payloads };
  const why = result ? result.error : messageOf(flush.signal.reason);
  const how = result && !result.retry ? 'cannot succeed by trying again' : `given up after ${attempts.length} attempts`;
  return { ok: false, attempts, payloads: result?.payloads ?? [], error: `${integration.key}: ${how}: ${why}` };
}
