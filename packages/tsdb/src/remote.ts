/**
 * The database behind a message port, so that it can live in a worker thread: `serveDatabase` there, `connectDatabase` here.
 * Queries are evaluated beside the data and travel as columns.
 */
import {
  BelfryError,
  type Clock,
  type Labels,
  type Matcher,
  type Metadata,
  type WriteBatch,
  type Writer,
} from '@belfry/model';
import {
  type LeafPlan,
  type LeafResult,
  type Queryable,
  queryable,
  type RawSeries,
  type SeriesExemplars,
} from '@belfry/promql';
import {
  type CallClient,
  type CallHandler,
  type CallHandlers,
  type CallOptions,
  type CallPort,
  connectCalls,
  plainError,
  rebuiltError,
  serveCalls,
  transferring,
} from './calls.ts';
import {
  type Database,
  type DatabaseEvent,
  type DatabaseOptions,
  type DatabaseSettings,
  newReplayProgress,
  openDatabaseSteps,
} from './database.ts';
import { newLabelReceiver, newLabelSender, type PackedLabels, packLabels, unpackLabels } from './label-wire.ts';
import {
  blocksStatus,
  metricMetadata,
  type StoreMetric,
  storeMetrics,
  type TsdbStatus,
  tsdbStatus,
  walReplayStatus,
} from './status.ts';
import { storeTail, type TailBatch, type TailOptions } from './tail.ts';
import { writeBatch } from './write.ts';

/** Maintenance is looked after this often; how long a step of it, or of a query, may hold the thread. Milliseconds. */
const MAINTENANCE_EVERY_MS = 30_000;
const SLICE_MS = 4;

export interface ServeOptions extends Omit<DatabaseOptions, 'onEvent'> {
  /** Further calls that need the store in this thread, such as the ingestion of scrapes. Made once it is open. */
  readonly handlers?: (database: Database) => CallHandlers;
}

/** What goes to the client unasked. */
type RemoteEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ReturnType<typeof plainError> }
  | {
      readonly kind: 'database';
      readonly event: Omit<DatabaseEvent, 'error'>;
      readonly error?: ReturnType<typeof plainError>;
    };

type Selection = readonly [sets: readonly (readonly Matcher[])[], minMs: number, maxMs: number, limit?: number];

/**
 * Opens a data directory and answers calls about it, until a client calls `close`. Runs maintenance by itself, in small steps
 * between other work. Calls that come before the log is read are refused with `unavailable`, but for `walReplay`.
 */
export function serveDatabase(port: CallPort, options: ServeOptions): void {
  const progress = newReplayProgress();
  let handlers: CallHandlers = { walReplay: () => walReplayStatus({ progress }) };
  let opened = false;
  const server = serveCalls(port, (name): CallHandler | undefined => {
    if (handlers[name] || opened) return handlers[name];
    throw new BelfryError('unavailable', 'the store is still reading its log');
  });
  const send = (event: RemoteEvent) => server.send(event);
  const onEvent = ({ level, message, error }: DatabaseEvent) =>
    send({ kind: 'database', event: { level, message }, ...(error ? { error: plainError(error) } : {}) });
  const start = async () => {
    const database = await runSliced(openDatabaseSteps({ ...options, onEvent }, progress), options.clock);
    const maintenance = keepMaintained(database, options.clock);
    const close = async () => {
      await maintenance.stop();
      database.close();
    };
    handlers = { ...databaseHandlers(database, options.clock, close), ...options.handlers?.(database) };
    opened = true;
    send({ kind: 'ready' });
  };
  start().catch((error: unknown) => send({ kind: 'failed', error: plainError(error) }));
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Drives steps, giving way to other work whenever the slice is used up. */
async function runSliced<T>(steps: Generator<void, T, void>, clock: Clock): Promise<T> {
  let sliceStart = clock.monotonic();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (clock.monotonic() - sliceStart < SLICE_MS) continue;
    await nextTurn();
    sliceStart = clock.monotonic();
  }
}

/** Runs maintenance from time to time, one after the other. `stop` resolves when none is under way any more. */
function keepMaintained(database: Database, clock: Clock): { stop: () => Promise<void> } {
  let running: Promise<void> | undefined;
  let stopped = false;
  let timer = clock.after(0, () => {}, { background: true });
  const plan = () => {
    if (!stopped) timer = clock.after(MAINTENANCE_EVERY_MS, run, { background: true });
  };
  const run = () => {
    // Somebody's snapshot or deletion is under way: next time.
    running = database.state.busy ? Promise.resolve() : runSliced(database.maintain(), clock);
    void running.then(plan, plan);
  };
  plan();
  return {
    stop: async () => {
      stopped = true;
      timer.cancel();
      await running?.catch(() => {});
    },
  };
}

function databaseHandlers(database: Database, clock: Clock, close: () => Promise<void>): CallHandlers {
  const { state } = database;
  const store = queryable(database, { clock, sliceMs: SLICE_MS, yieldNow: nextTurn });
  const labels = newLabelSender();
  const tail = storeTail(state, nextTurn);
  return {
    tailPosition: () => tail.position(),
    tailRead: async ([reader, position, options]: [string, string, TailOptions], signal: AbortSignal) => {
      const { batch, ...more } = await tail.read(reader, position, options, signal);
      const packed = packLabels(labels, batch.labels);
      const { series, timestamps, values } = batch;
      const buffers = distinct([packed.numbers.buffer, series.buffer, timestamps.buffer, values.buffer]);
      return transferring({ packed, batch: { ...batch, labels: [] }, ...more }, buffers);
    },
    tailForget: (reader: string) => tail.forget(reader),
    leaf: async (plan: LeafPlan, signal: AbortSignal) => {
      const result = await store.leaf(plan, signal);
      const { columns } = result;
      const packed = packLabels(labels, columns.labels);
      const buffers = distinct([columns.values.buffer, columns.present.buffer, packed.numbers.buffer]);
      return transferring({ packed, result: { ...result, columns: { ...columns, labels: [] } } }, buffers);
    },
    raw: async (
      [matchers, afterMs, untilMs, maxSamples]: [readonly Matcher[], number, number, number],
      signal: AbortSignal,
    ) => store.raw(matchers, afterMs, untilMs, maxSamples, signal),
    series: async ([sets, minMs, maxMs, limit]: Selection) => {
      const packed = packLabels(labels, database.series(sets, minMs, maxMs, limit));
      return transferring({ packed }, distinct([packed.numbers.buffer]));
    },
    labelNames: ([sets, minMs, maxMs, limit]: Selection) => database.labelNames(sets, minMs, maxMs, limit),
    labelValues: ([name, ...[sets, minMs, maxMs, limit]]: [string, ...Selection]) =>
      database.labelValues(name, sets, minMs, maxMs, limit),
    exemplars: ([sets, minMs, maxMs]: Selection) => database.exemplars!(sets, minMs, maxMs),
    write: (batch: WriteBatch) => writeBatch(database, batch),
    metrics: () => storeMetrics(state),
    tsdbStatus: (limit: number) => tsdbStatus(state, limit),
    tsdbBlocks: () => blocksStatus(state),
    walReplay: () => walReplayStatus(state),
    metadata: (metric: string | undefined) => metricMetadata(state, metric),
    deleteSeries: ([sets, minMs, maxMs]: Selection) => database.deleteSamples(sets, minMs, maxMs),
    cleanTombstones: () => runSliced(database.cleanTombstones(), clock),
    snapshot: async (skipHead: boolean) => {
      const name = snapshotName(state.clock, state.random);
      await runSliced(database.snapshot(`${state.directory}/snapshots/${name}`, skipHead), clock);
      return name;
    },
    maintain: () => runSliced(database.maintain(), clock),
    configure: (settings: DatabaseSettings) => database.configure(settings),
    close,
  };
}

function distinct(buffers: readonly ArrayBufferLike[]): ArrayBuffer[] {
  return [...new Set(buffers)].filter((b): b is ArrayBuffer => b instanceof ArrayBuffer);
}

/** As Prometheus names them: time and a random number. */
function snapshotName(clock: Clock, random: () => number): string {
  const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const digits = Array.from({ length: 16 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${time}-${digits}`;
}

/** The store in another thread. Every call rejects with BelfryError as the store would throw it. */
export interface RemoteDatabase extends Queryable, Writer {
  /** Resolves when the log is read; rejects when the directory could not be opened. */
  readonly ready: Promise<void>;
  metrics(): Promise<StoreMetric[]>;
  tsdbStatus(limit: number): Promise<TsdbStatus>;
  tsdbBlocks(): Promise<ReturnType<typeof blocksStatus>>;
  walReplay(): Promise<ReturnType<typeof walReplayStatus>>;
  metadata(metric?: string): Promise<Map<string, Metadata[]>>;
  deleteSeries(matcherSets: readonly (readonly Matcher[])[], minMs: number, maxMs: number): Promise<void>;
  cleanTombstones(): Promise<void>;
  /** The name of the new directory under `snapshots/`. */
  snapshot(skipHead: boolean): Promise<string>;
  /** Runs what maintenance is due now. */
  maintain(): Promise<void>;
  /** Follows the log; `reader` is a name. See `StoreTail`. */
  tailPosition(): Promise<string>;
  tailRead(reader: string, position: string, options: TailOptions, signal: AbortSignal): Promise<TailBatch>;
  tailForget(reader: string): Promise<void>;
  /** For a reload of the configuration. */
  configure(settings: DatabaseSettings): Promise<void>;
  /** A call that the composition's own handlers serve. */
  call(name: string, argument: unknown, options?: CallOptions): Promise<unknown>;
  /** Everything is written and the directory is free when it resolves. The port stays open. */
  close(): Promise<void>;
  /** The other thread is gone: rejects what is under way and everything later. */
  fail(reason: unknown): void;
}

export function connectDatabase(port: CallPort, onEvent: (event: DatabaseEvent) => void = () => {}): RemoteDatabase {
  let becomeReady = () => {};
  let refuse = (_reason: unknown) => {};
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve;
    refuse = reject;
  });
  ready.catch(() => {});
  const labels = newLabelReceiver();
  const receive = (value: unknown) => unpacked(labels, value);
  const takeEvent = (value: unknown) => {
    const event = value as RemoteEvent;
    if (event.kind === 'ready') becomeReady();
    else if (event.kind === 'failed') refuse(rebuiltError(event.error));
    else onEvent(event.error ? { ...event.event, error: rebuiltError(event.error) } : event.event);
  };
  const client: CallClient = connectCalls(port, takeEvent, receive);
  const ask = <T>(name: string, argument?: unknown, signal?: AbortSignal) =>
    client.call(name, argument, { signal }) as Promise<T>;
  return {
    ready,
    leaf: async (plan, signal) => {
      const answer = await ask<{ result: LeafResult; labels: Labels[] }>('leaf', plan, signal);
      return { ...answer.result, columns: { ...answer.result.columns, labels: answer.labels } };
    },
    raw: (matchers, afterMs, untilMs, maxSamples, signal) =>
      ask<RawSeries[]>('raw', [matchers, afterMs, untilMs, maxSamples], signal),
    series: async (sets, minMs, maxMs, limit, signal) =>
      (await ask<{ labels: Labels[] }>('series', [sets, minMs, maxMs, limit], signal)).labels,
    labelNames: (sets, minMs, maxMs, limit, signal) => ask('labelNames', [sets, minMs, maxMs, limit], signal),
    labelValues: (name, sets, minMs, maxMs, limit, signal) =>
      ask('labelValues', [name, sets, minMs, maxMs, limit], signal),
    exemplars: (sets, minMs, maxMs, signal) => ask<SeriesExemplars[]>('exemplars', [sets, minMs, maxMs], signal),
    write: (batch) => ask('write', batch),
    metrics: () => ask('metrics'),
    tsdbStatus: (limit) => ask('tsdbStatus', limit),
    tsdbBlocks: () => ask('tsdbBlocks'),
    walReplay: () => ask('walReplay'),
    metadata: (metric) => ask('metadata', metric),
    deleteSeries: (sets, minMs, maxMs) => ask('deleteSeries', [sets, minMs, maxMs]),
    cleanTombstones: () => ask('cleanTombstones'),
    snapshot: (skipHead) => ask('snapshot', skipHead),
    maintain: () => ask('maintain'),
    configure: (settings) => ask('configure', settings),
    tailPosition: () => ask('tailPosition'),
    tailRead: async (reader, position, options, signal) => {
      const argument = [reader, position, options];
      const { labels, batch, ...more } = await ask<TailBatch & { labels: Labels[] }>('tailRead', argument, signal);
      return { batch: { ...batch, labels }, ...more };
    },
    tailForget: (reader) => ask('tailForget', reader),
    call: (name, argument, options) => client.call(name, argument, options),
    close: () => ask('close'),
    fail: (reason) => {
      refuse(reason);
      client.fail(reason);
    },
  };
}

/** Answers with label sets in them have them packed. */
function unpacked(receiver: ReturnType<typeof newLabelReceiver>, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('packed' in value)) return value;
  const { packed, ...rest } = value;
  return { ...rest, labels: unpackLabels(receiver, packed as PackedLabels) };
}
