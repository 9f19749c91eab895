import type { HttpClient } from '@belfry/config';
import { type Clock, labelsToObject, messageOf, sleep } from '@belfry/model';
import type { RuleAlert } from './alert-state.ts';

export interface QueueOptions {
  readonly url: string;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly capacity: number;
  readonly batchSize: number;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

/** Alerts counted since the queue exists. */
export interface QueueCounters {
  readonly sent: number;
  readonly dropped: number;
  /** Alerts in requests that failed, each attempt counted. */
  readonly errors: number;
}

/** What waits for one Alertmanager. */
export interface AlertmanagerQueue {
  push(alerts: readonly RuleAlert[]): void;
  status(): QueueCounters & { readonly url: string; readonly queued: number; readonly lastError: string };
  /** Sends what waits, without trying again, and then nothing more. */
  stop(): Promise<void>;
}

/** A batch is tried this often; firing alerts come again by themselves a minute later. */
const MAX_ATTEMPTS = 3;
const FIRST_RETRY_MS = 1000;
const MAX_ANSWER_BYTES = 64 * 1024;

export function createQueue(options: QueueOptions): AlertmanagerQueue {
  const { url, clock, log } = options;
  let waiting: RuleAlert[] = [];
  let running: Promise<void> | undefined;
  let lastError = '';
  const counters = { sent: 0, dropped: 0, errors: 0 };
  const stopping = new AbortController();

  const drop = (count: number, why: string) => {
    counters.dropped += count;
    log(why, { alertmanager: url, dropped: count });
  };

  const sendBatch = async (batch: readonly RuleAlert[]): Promise<boolean> => {
    for (let attempt = 1; ; attempt++) {
      const outcome = await post(options, batch);
      if (outcome.ok) {
        lastError = '';
        counters.sent += batch.length;
        return true;
      }
      counters.errors += batch.length;
      lastError = outcome.error;
      log('sending alerts failed', { alertmanager: url, count: batch.length, attempt, error: lastError });
      if (!outcome.retryable || attempt >= MAX_ATTEMPTS || stopping.signal.aborted) break;
      await sleep(clock, FIRST_RETRY_MS * 2 ** (attempt - 1), stopping.signal).catch(() => {});
    }
    counters.dropped += batch.length;
    return false;
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, options.batchSize);
      waiting = waiting.slice(options.batchSize);
      const taken = await sendBatch(batch);
      // Who stops does not wait for an Alertmanager that is away.
      if (!taken && stopping.signal.aborted && waiting.length > 0) {
        drop(waiting.length, 'alerts are dropped at the end: the Alertmanager does not answer');
        waiting = [];
      }
    }
  };

  return {
    push(alerts) {
      if (stopping.signal.aborted) return;
      waiting.push(...alerts);
      const excess = waiting.length - options.capacity;
      if (excess > 0) {
        waiting = waiting.slice(excess);
        drop(excess, 'the queue of alerts is full, the oldest are dropped');
      }
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    status: () => ({ url, queued: waiting.length, lastError, ...counters }),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: string; readonly retryable: boolean };

async function post(options: QueueOptions, batch: readonly RuleAlert[]): Promise<Outcome> {
  try {
    const { status, body } = await options.client.request({
      method: 'POST',
      url: options.url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(batch.map(postableAlert)),
      timeoutMs: options.timeoutMs,
      maxBodyBytes: MAX_ANSWER_BYTES,
    });
    if (status >= 200 && status < 300) return { ok: true };
    const MAX_SHOWN = 200;
    const answer = new TextDecoder().decode(body).slice(0, MAX_SHOWN).trim();
    const error = `bad response status ${status}${answer === '' ? '' : `: ${answer}`}`;
    return { ok: false, error, retryable: status === 429 || status >= 500 };
  } catch (error) {
    return { ok: false, error: messageOf(error), retryable: true };
  }
}

/** As Alertmanager's API v2 takes an alert. */
export function postableAlert(alert: RuleAlert): object {
  return {
    annotations: Object.fromEntries(alert.annotations),
    endsAt: new Date(alert.endsAtMs).toISOString(),
    startsAt: new Date(alert.startsAtMs).toISOString(),
    generatorURL: alert.generatorUrl,
    labels: labelsToObject(alert.labels),
  };
}
