import { STATUS_CODES } from 'node:http';
import { ACCEPTED_ENCODINGS, type HttpClient, type ScrapeConfig } from '@belfry/config';
import { acceptHeader } from '@belfry/exposition';
import { BelfryError, type Clock, messageOf, type Timer } from '@belfry/model';
import type { FamilyMetadata, IngestTarget, ScrapeJob, ScrapeReport, ScrapeSink } from './ingest-contract.ts';
import { firstScrapeDelayMs, type Target } from './target.ts';

/** What is known of a target's last scrape. */
export interface TargetState {
  readonly target: Target;
  health: 'unknown' | 'up' | 'down';
  lastError: string;
  /** 0: never. */
  lastScrapeMs: number;
  lastDurationMs: number;
  metadata: readonly FamilyMetadata[];
}

/** What a loop needs of its pool; replaced as a whole when the configuration changes. */
export interface LoopSettings {
  readonly config: ScrapeConfig;
  readonly client: HttpClient;
  readonly ingest: IngestTarget;
  /** Every scrape fails with this, without being made. */
  readonly forcedError: string | undefined;
}

export interface LoopDependencies {
  readonly clock: Clock;
  readonly sink: ScrapeSink;
  readonly offsetSeed: string;
  readonly timestampToleranceMs: number;
  readonly onReport: (state: TargetState, report: ScrapeReport) => void;
}

/** Scrapes one target at its interval. */
export interface ScrapeLoop {
  readonly state: TargetState;
  configure(settings: LoopSettings): void;
  /** Stops, and once it is sure that the target does not come back, ends its series and calls back. */
  retire(ended: () => void): void;
  /** Of a retired loop: goes on as if it had not been. */
  revive(): boolean;
  /** Stops at once, leaving the series open: the server is going down. Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** Bodies of sections without a limit of their own. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

export function startLoop(target: Target, first: LoopSettings, deps: LoopDependencies): ScrapeLoop {
  const { clock, sink } = deps;
  const { intervalMs } = target;
  const state: TargetState = {
    target,
    health: 'unknown',
    lastError: '',
    lastScrapeMs: 0,
    lastDurationMs: 0,
    metadata: [],
  };
  let settings = first;
  let opened = sink.open(first.ingest);
  let running: Promise<void> | undefined;
  let timer: Timer | undefined;
  let retiring: Timer | undefined;
  const stopping = new AbortController();

  const delayMs = firstScrapeDelayMs(target.key, deps.offsetSeed, intervalMs, clock.now());
  /** When the next scrape is due: by the clock that only goes forward, and by that of the samples. */
  let dueMs = clock.monotonic() + delayMs;
  let alignedMs = Math.round(clock.now() + delayMs);

  const arm = () => {
    timer = clock.after(dueMs - clock.monotonic(), tick, { background: true });
  };
  const tick = () => {
    const timestampMs = alignedTimestamp();
    do {
      dueMs += intervalMs;
      alignedMs += intervalMs;
    } while (dueMs <= clock.monotonic());
    arm();
    // A scrape takes no longer than its timeout; only a store that is behind can hold one beyond its interval.
    if (running) return;
    running = scrape(timestampMs).finally(() => {
      running = undefined;
    });
  };
  /** The due time where the clock is near it: exact intervals are smaller on disk. */
  const alignedTimestamp = (): number => {
    const now = clock.now();
    const lag = now - alignedMs;
    const tolerance = Math.min(deps.timestampToleranceMs, intervalMs / 100);
    if (Math.abs(lag) <= tolerance) return alignedMs;
    if (Math.abs(lag) >= intervalMs) alignedMs = Math.round(now);
    return Math.round(now);
  };
  const scrape = async (timestampMs: number): Promise<void> => {
    const began = clock.monotonic();
    const fetched = settings.forcedError
      ? { failure: settings.forcedError }
      : await fetchBody(target, settings, stopping.signal);
    if (stopping.signal.aborted) return;
    const job: ScrapeJob = { key: target.key, timestampMs, elapsedMs: clock.monotonic() - began, ...fetched };
    try {
      await opened;
      const report = await sink.ingest(job);
      state.health = report.error === undefined ? 'up' : 'down';
      state.lastError = report.error ?? '';
      state.lastDurationMs = report.durationMs;
      if (report.metadata) state.metadata = report.metadata;
      state.lastScrapeMs = timestampMs;
      deps.onReport(state, report);
    } catch (error) {
      state.health = 'down';
      state.lastError = messageOf(error);
      state.lastScrapeMs = timestampMs;
    }
  };
  arm();

  return {
    state,
    configure(next) {
      const changed = next.ingest !== settings.ingest;
      settings = next;
      if (changed) opened = opened.catch(() => undefined).then(() => sink.open(next.ingest));
    },
    retire(ended) {
      timer?.cancel();
      const staleAtMs = state.lastScrapeMs === 0 ? undefined : alignedMs;
      // By then a scrape of the same target from elsewhere would have come in, and the end would be out of order.
      const waitMs = state.lastScrapeMs === 0 ? 0 : dueMs - clock.monotonic() + intervalMs * 1.1;
      retiring = clock.after(
        waitMs,
        () => {
          retiring = undefined;
          ended();
          const end = async () => {
            await running;
            await opened;
            await sink.close(target.key, staleAtMs);
          };
          end().catch(() => undefined);
        },
        { background: true },
      );
    },
    revive() {
      if (!retiring) return false;
      retiring.cancel();
      retiring = undefined;
      while (dueMs <= clock.monotonic()) {
        dueMs += intervalMs;
        alignedMs += intervalMs;
      }
      arm();
      return true;
    },
    async stop() {
      timer?.cancel();
      retiring?.cancel();
      stopping.abort(new BelfryError('unavailable', 'the server is stopping'));
      await running;
    },
  };
}

type Fetched = Pick<ScrapeJob, 'body' | 'contentType' | 'failure' | 'bodyTooLarge'>;

async function fetchBody(target: Target, settings: LoopSettings, signal: AbortSignal): Promise<Fetched> {
  const { config, client } = settings;
  try {
    const response = await client.request({
      url: target.url,
      headers: {
        accept: acceptHeader(config.scrape_protocols, config.metric_name_escaping_scheme),
        'accept-encoding': config.enable_compression ? ACCEPTED_ENCODINGS : 'identity',
        'x-prometheus-scrape-timeout-seconds': String(target.timeoutMs / 1000),
      },
      timeoutMs: target.timeoutMs,
      maxBodyBytes: config.body_size_limit || MAX_BODY_BYTES,
      signal,
    });
    if (response.status !== 200)
      return {
        failure: `server returned HTTP status ${response.status} ${STATUS_CODES[response.status] ?? ''}`.trim(),
      };
    return { body: response.body, contentType: response.headers['content-type'] ?? '' };
  } catch (error) {
    const bodyTooLarge = error instanceof BelfryError && error.code === 'body_too_large';
    return { failure: messageOf(error), ...(bodyTooLarge ? { bodyTooLarge } : {}) };
  }
}
