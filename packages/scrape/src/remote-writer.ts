import { type HttpClient, type RemoteWriteConfig, relabeller } from '@belfry/config';
import { encodeRemoteWrite, encodeRemoteWriteMetadata } from '@belfry/exposition';
import {
  type Clock,
  type Exemplar,
  type FloatHistogram,
  type Labels,
  labelsKey,
  labelsWith,
  labelValue,
  type Metadata,
  messageOf,
  type Random,
  sleep,
  type Timer,
  type WriteBatch,
} from '@belfry/model';
import type { FamilyMetadata } from './ingest-contract.ts';

/**
 * What a store tells of what it took in, in the order in which it became durable. Positions are opaque and outlive the
 * process.
 */
export interface SampleTail {
  /**
   * What came after `position` (without one: from now on), no more than about `maxSamples`. Waits until there is
   * something; rejects when the signal aborts.
   */
  read(
    position: string | undefined,
    maxSamples: number,
    signal: AbortSignal,
  ): Promise<{ readonly batch: WriteBatch; readonly next: string }>;
}

export interface RemoteWriterOptions {
  readonly config: RemoteWriteConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly client: HttpClient;
  readonly tail: SampleTail;
  readonly externalLabels: Labels;
  /** What is known of metric families; sent from time to time where the message is of version 1. */
  readonly metadata?: () => readonly FamilyMetadata[];
  /** Where the last process stopped. */
  readonly position: string | undefined;
  /** Called when everything before a position has been delivered or given up. */
  readonly savePosition: (position: string) => void;
  readonly onEvent?: (event: { readonly level: 'warn' | 'error'; readonly message: string }) => void;
}

/** Counts of samples, histograms and exemplars together where not said otherwise. */
export interface RemoteWriteStats {
  readonly sent: number;
  readonly sentHistograms: number;
  readonly sentExemplars: number;
  /** Of request bodies that were taken, compressed. */
  readonly sentBytes: number;
  /** Entries of metadata messages. */
  readonly sentMetadata: number;
  readonly failedMetadata: number;
  /** Refused for good by the receiver. */
  readonly failed: number;
  /** Left out: by relabelling, for their age, or for what the section does not send. */
  readonly dropped: number;
  /** Requests sent again, and what was in them. */
  readonly retries: number;
  readonly retried: number;
  readonly pending: number;
  readonly shards: number;
  /** The newest sample delivered; 0 before the first. */
  readonly newestSentMs: number;
}

/**
 * Sends what a store takes in to another one. Nothing is lost while the receiver is away, nor by a restart: reading
 * stops when the queues are full, and goes on from the saved position. Samples of one series stay in order.
 */
export interface RemoteWriter {
  stats(): RemoteWriteStats;
  /** Stops reading, gives what is queued so long to be sent, then gives up waiting (and sends it after the restart). */
  stop(flushMs: number): Promise<void>;
}

type Counts = { -readonly [K in Exclude<keyof RemoteWriteStats, 'pending' | 'shards'>]: number };

/** How often the number of shards is considered anew. */
const RESHARD_MS = 10_000;
const MAX_RESPONSE_BYTES = 64 * 1024;

/** A sample or an exemplar on its way, as its place in the batch it came in. */
interface Item {
  readonly labels: Labels;
  readonly batch: WriteBatch;
  /** The sample's index, or of an exemplar −1. */
  readonly index: number;
  readonly exemplar?: Exemplar;
  readonly receipt: Receipt;
}

/** Counts down what of a batch is not settled yet. */
interface Receipt {
  readonly position: string;
  open: number;
}

interface Shard {
  readonly queue: Item[];
  firstAtMs: number;
  wake: () => void;
  closing: boolean;
  done: Promise<void>;
}

export function startRemoteWriter(options: RemoteWriterOptions): RemoteWriter {
  const { config, clock } = options;
  const queueConfig = config.queue_config;
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const stats: Counts = {
    sent: 0,
    sentHistograms: 0,
    sentExemplars: 0,
    sentBytes: 0,
    sentMetadata: 0,
    failedMetadata: 0,
    failed: 0,
    dropped: 0,
    retries: 0,
    retried: 0,
    newestSentMs: 0,
  };
  const resumedMs = options.position === undefined ? -Infinity : clock.now();
  const receipts: Receipt[] = [];
  const shape = outgoingLabels(options);
  let shards: Shard[] = [];
  let roomWanted: (() => void) | undefined;
  let busyShare = 0;

  const pending = () => shards.reduce((n, s) => n + s.queue.length, 0);
  const settle = (items: readonly Item[]) => {
    for (const item of items) item.receipt.open--;
    let saved: string | undefined;
    while (receipts.length > 0 && receipts[0]!.open === 0) saved = receipts.shift()!.position;
    if (saved !== undefined) options.savePosition(saved);
    roomWanted?.();
  };
  const send = (items: readonly Item[]) => deliver(items, options, stats, resumedMs, giveUp.signal);

  const startShard = (): Shard => {
    const shard: Shard = { queue: [], firstAtMs: 0, wake: () => {}, closing: false, done: Promise.resolve() };
    shard.done = runShard(shard, { clock, config, giveUp: giveUp.signal, send, settle });
    return shard;
  };
  const resize = async (count: number) => {
    // Drained first: a series must not overtake itself by way of another shard.
    await closeShards(shards);
    if (!giveUp.signal.aborted) shards = Array.from({ length: count }, startShard);
  };
  const hasRoom = async () => {
    const capacity = queueConfig.capacity * shards.length;
    while (pending() >= capacity && !stopping.signal.aborted) {
      busyShare = 1;
      await new Promise<void>((resolve) => {
        roomWanted = resolve;
      });
      roomWanted = undefined;
    }
  };

  stopping.signal.addEventListener('abort', () => roomWanted?.(), { once: true });

  const run = async () => {
    await resize(Math.max(1, queueConfig.min_shards));
    let position = options.position;
    let consideredMs = clock.monotonic();
    while (!stopping.signal.aborted) {
      await hasRoom();
      const wanted = queueConfig.max_samples_per_send * shards.length;
      const { batch, next } = await options.tail.read(position, wanted, stopping.signal);
      position = next;
      const receipt: Receipt = { position: next, open: 0 };
      receipts.push(receipt);
      enqueue(batch, receipt, shards, shape, options, stats);
      settle([]);
      if (clock.monotonic() - consideredMs >= RESHARD_MS) {
        consideredMs = clock.monotonic();
        const count = desiredShards(shards.length, pending(), busyShare > 0, queueConfig);
        busyShare = 0;
        if (count !== shards.length) await resize(count);
      }
    }
  };
  sendMetadata(options, stats, stopping.signal);
  const running = run().catch((error) => {
    if (!stopping.signal.aborted) {
      options.onEvent?.({ level: 'error', message: `remote write to ${config.url} stopped: ${messageOf(error)}` });
    }
  });

  return {
    stats: () => ({ ...stats, pending: pending(), shards: shards.length }),
    async stop(flushMs) {
      stopping.abort(new Error('remote write is stopping'));
      // Before anything is waited for: the reader may itself be waiting for a shard that cannot send.
      const timer = clock.after(flushMs, () => giveUp.abort(new Error('remote write is stopping')));
      await running;
      await closeShards(shards);
      timer.cancel();
    },
  };
}

async function closeShards(shards: readonly Shard[]): Promise<void> {
  for (const shard of shards) {
    shard.closing = true;
    shard.wake();
  }
  await Promise.all(shards.map((s) => s.done));
}

/** More while the queues are full, fewer while they are nearly empty. */
function desiredShards(
  now: number,
  pending: number,
  wasFull: boolean,
  config: RemoteWriteConfig['queue_config'],
): number {
  const most = Math.max(1, config.max_shards);
  const least = Math.min(most, Math.max(1, config.min_shards));
  if (wasFull) return Math.min(most, now * 2);
  const nearlyEmpty = pending < config.max_samples_per_send * now * 0.1;
  return nearlyEmpty ? Math.max(least, Math.ceil(now / 2)) : now;
}

/** What a series is sent as, and a number that decides its shard. */
interface Outgoing {
  /** Absent: the series is not sent. */
  readonly labels: Labels | undefined;
  readonly hash: number;
}

/** From the labels of the store to those that are sent. Remembered as long as the store gives the same label set. */
function outgoingLabels(options: RemoteWriterOptions): (labels: Labels) => Outgoing {
  const relabel = relabeller(options.config.write_relabel_configs);
  const known = new WeakMap<Labels, Outgoing>();
  const { externalLabels } = options;
  return (labels) => {
    const found = known.get(labels);
    if (found) return found;
    let out = labels;
    for (let i = 0; i < externalLabels.length; i += 2) {
      const name = externalLabels[i]!;
      if (labelValue(out, name) === '') out = labelsWith(out, name, externalLabels[i + 1]!);
    }
    const shaped = relabel(out);
    const sent = shaped === undefined || shaped.length === 0 ? undefined : shaped;
    const outgoing = { labels: sent, hash: hashText(labelsKey(labels)) };
    known.set(labels, outgoing);
    return outgoing;
  };
}

function enqueue(
  batch: WriteBatch,
  receipt: Receipt,
  shards: readonly Shard[],
  shape: (labels: Labels) => Outgoing,
  options: RemoteWriterOptions,
  stats: Counts,
): void {
  const { config, clock } = options;
  const oldestMs =
    config.queue_config.sample_age_limit > 0 ? clock.now() - config.queue_config.sample_age_limit : -Infinity;
  const outgoing = batch.labels.map(shape);
  const push = (series: number, item: Omit<Item, 'labels' | 'batch' | 'receipt'>) => {
    const { labels, hash } = outgoing[series]!;
    if (labels === undefined) {
      stats.dropped++;
      return;
    }
    const shard = shards[hash % shards.length]!;
    if (shard.queue.length === 0) shard.firstAtMs = clock.monotonic();
    shard.queue.push({ labels, batch, receipt, ...item });
    receipt.open++;
  };
  for (let i = 0; i < batch.series.length; i++) {
    const isHistogram = batch.histograms?.has(i) ?? false;
    if (batch.timestamps[i]! < oldestMs || (isHistogram && !config.send_native_histograms)) stats.dropped++;
    else push(batch.series[i]!, { index: i });
  }
  if (config.send_exemplars) {
    for (const { series, exemplar } of batch.exemplars ?? []) push(series, { index: -1, exemplar });
  }
  for (const shard of shards) if (shard.queue.length > 0) shard.wake();
}

/** FNV-1a. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

interface ShardContext {
  readonly clock: Clock;
  readonly config: RemoteWriteConfig;
  readonly giveUp: AbortSignal;
  readonly send: (items: readonly Item[]) => Promise<boolean>;
  readonly settle: (items: readonly Item[]) => void;
}

/** Sends when there is enough for a request, or when the oldest has waited long enough. */
async function runShard(shard: Shard, context: ShardContext): Promise<void> {
  const { clock } = context;
  const { max_samples_per_send: most, batch_send_deadline: deadlineMs } = context.config.queue_config;
  for (;;) {
    if (context.giveUp.aborted || (shard.closing && shard.queue.length === 0)) return;
    const waitMs = shard.queue.length === 0 ? undefined : shard.firstAtMs + deadlineMs - clock.monotonic();
    if (shard.queue.length < most && !shard.closing && (waitMs === undefined || waitMs > 0)) {
      await woken(shard, clock, waitMs);
      continue;
    }
    const items = shard.queue.splice(0, most);
    shard.firstAtMs = clock.monotonic();
    if (await context.send(items)) context.settle(items);
  }
}

function woken(shard: Shard, clock: Clock, waitMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = waitMs === undefined ? undefined : clock.after(waitMs, () => resolve(), { background: true });
    shard.wake = () => {
      timer?.cancel();
      resolve();
    };
  });
}

/** Sends until it is taken or refused for good; false when it was interrupted, and nothing is known. */
async function deliver(
  items: readonly Item[],
  options: RemoteWriterOptions,
  stats: Counts,
  resumedMs: number,
  giveUp: AbortSignal,
): Promise<boolean> {
  const { config, clock } = options;
  const queue = config.queue_config;
  const body = encodeRemoteWrite(batchOf(items), config.protobuf_message);
  let backoffMs = queue.min_backoff;
  for (let attempt = 0; ; attempt++) {
    const outcome = await attemptSend(body, attempt, options, giveUp);
    if (giveUp.aborted) return false;
    if (outcome.kind === 'taken') {
      countSent(items, body.length, stats);
      return true;
    }
    if (outcome.kind === 'refused') {
      const parts = splitResumed(items, resumedMs);
      if (parts.length > 1) {
        for (const part of parts) if (!(await deliver(part, options, stats, resumedMs, giveUp))) return false;
        return true;
      }
      stats.failed += items.length;
      options.onEvent?.({
        level: 'error',
        message: `remote write to ${config.name || config.url}: ${items.length} samples refused: ${outcome.message}`,
      });
      return true;
    }
    stats.retries++;
    stats.retried += items.length;
    if (attempt === 0)
      options.onEvent?.({
        level: 'warn',
        message: `remote write to ${config.name || config.url} is retried: ${outcome.message}`,
      });
    // Apart from each other, so that shards do not come back all at once.
    const jitter = 0.5 + options.random() / 2;
    await sleep(clock, Math.max(outcome.afterMs, backoffMs * jitter), giveUp).catch(() => undefined);
    if (giveUp.aborted) return false;
    backoffMs = Math.min(backoffMs * 2, queue.max_backoff);
  }
}

function countSent(items: readonly Item[], bytes: number, stats: Counts): void {
  stats.sent += items.length;
  stats.sentBytes += bytes;
  for (const { batch, index } of items) {
    if (index < 0) {
      stats.sentExemplars++;
      continue;
    }
    if (batch.histograms?.has(index)) stats.sentHistograms++;
    stats.newestSentMs = Math.max(stats.newestSentMs, batch.timestamps[index]!);
  }
}

/**
 * After a crash, some of what is sent again may be there already. Receivers that take a request as a whole or not at all would
 * refuse the rest of it as well, so what is from before the start goes time by time once it was refused together.
 */
function splitResumed(items: readonly Item[], resumedMs: number): Item[][] {
  const timeOf = ({ batch, index }: Item) => (index < 0 ? Infinity : batch.timestamps[index]!);
  if (!items.some((item) => timeOf(item) < resumedMs)) return [];
  const byTime = new Map<number, Item[]>();
  for (const item of items) {
    const same = byTime.get(timeOf(item));
    if (same) same.push(item);
    else byTime.set(timeOf(item), [item]);
  }
  return [...byTime].sort(([a], [b]) => a - b).map(([, part]) => part);
}

/** Tells of metric families at an interval. What does not arrive is told again with the next. */
function sendMetadata(options: RemoteWriterOptions, stats: Counts, signal: AbortSignal): void {
  const { metadata, config, clock } = options;
  const { send, send_interval: intervalMs, max_samples_per_send: most } = config.metadata_config;
  if (!metadata || !send || config.protobuf_message !== 'prometheus.WriteRequest') return;
  const tell = async () => {
    const families = metadata();
    for (let i = 0; i < families.length && !signal.aborted; i += most) {
      const part = families.slice(i, i + most);
      const outcome = await attemptSend(encodeRemoteWriteMetadata(part), 0, options, signal);
      if (outcome.kind === 'taken') stats.sentMetadata += part.length;
      if (outcome.kind === 'taken' || signal.aborted) continue;
      stats.failedMetadata += families.length - i;
      const message = `metadata for remote write to ${config.name || config.url} is not sent: ${outcome.message}`;
      options.onEvent?.({ level: 'warn', message });
      return;
    }
  };
  const again = () => {
    if (!signal.aborted) timer = clock.after(intervalMs, () => void tell().finally(again), { background: true });
  };
  let timer: Timer | undefined;
  signal.addEventListener('abort', () => timer?.cancel(), { once: true });
  again();
}

type Outcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'retry'; readonly message: string; readonly afterMs: number };

async function attemptSend(
  body: Uint8Array,
  attempt: number,
  options: RemoteWriterOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { config, client } = options;
  const version2 = config.protobuf_message === 'io.prometheus.write.v2.Request';
  try {
    const response = await client.request({
      method: 'POST',
      url: config.url,
      headers: {
        ...config.headers,
        'content-encoding': 'snappy',
        'content-type': version2
          ? 'application/x-protobuf;proto=io.prometheus.write.v2.Request'
          : 'application/x-protobuf',
        'x-prometheus-remote-write-version': version2 ? '2.0.0' : '0.1.0',
        ...(attempt > 0 ? { 'retry-attempt': String(attempt) } : {}),
      },
      body,
      timeoutMs: config.remote_timeout,
      maxBodyBytes: MAX_RESPONSE_BYTES,
      signal,
    });
    if (response.status >= 200 && response.status < 300) return { kind: 'taken' };
    const text = Buffer.from(response.body).toString().split('\n', 1)[0]!.slice(0, 512);
    const message = `server returned HTTP status ${response.status}: ${text}`;
    const again = response.status >= 500 || (response.status === 429 && config.queue_config.retry_on_http_429);
    if (!again) return { kind: 'refused', message };
    return { kind: 'retry', message, afterMs: retryAfterMs(response.headers['retry-after'], options.clock) };
  } catch (error) {
    return { kind: 'retry', message: messageOf(error), afterMs: 0 };
  }
}

function retryAfterMs(header: string | undefined, clock: Clock): number {
  if (!header) return 0;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - clock.now());
}

/** The items as a batch of their own. Values are copied by their bits: staleness markers are told by them. */
function batchOf(items: readonly Item[]): WriteBatch {
  const labels: Labels[] = [];
  const indexOf = new Map<Labels, number>();
  const seriesOf = (item: Item): number => {
    let at = indexOf.get(item.labels);
    if (at === undefined) {
      at = labels.push(item.labels) - 1;
      indexOf.set(item.labels, at);
    }
    return at;
  };
  const samples = items.filter((item) => item.index >= 0);
  const series = new Uint32Array(samples.length);
  const timestamps = new Float64Array(samples.length);
  const values = new Float64Array(samples.length);
  const words = new Uint32Array(values.buffer);
  const histograms = new Map<number, FloatHistogram>();
  const metadata: { series: number; metadata: Metadata }[] = [];
  const described = new Set<number>();
  let source:
    | { readonly batch: WriteBatch; readonly words: Uint32Array; readonly told: ReadonlyMap<number, Metadata> }
    | undefined;
  samples.forEach((item, i) => {
    const { batch, index } = item;
    if (source?.batch !== batch) {
      const told = new Map(batch.metadata?.map((m) => [m.series, m.metadata]));
      const from = new Uint32Array(batch.values.buffer, batch.values.byteOffset, batch.values.length * 2);
      source = { batch, words: from, told };
    }
    series[i] = seriesOf(item);
    timestamps[i] = batch.timestamps[index]!;
    words[2 * i] = source.words[2 * index]!;
    words[2 * i + 1] = source.words[2 * index + 1]!;
    const histogram = batch.histograms?.get(index);
    if (histogram) histograms.set(i, histogram);
    const told = source.told.get(batch.series[index]!);
    if (told && !described.has(series[i]!)) {
      described.add(series[i]!);
      metadata.push({ series: series[i]!, metadata: told });
    }
  });
  const exemplars = items.flatMap((item) =>
    item.exemplar ? [{ series: seriesOf(item), exemplar: item.exemplar }] : [],
  );
  return {
    labels,
    series,
    timestamps,
    values,
    ...(histograms.size > 0 ? { histograms } : {}),
    ...(exemplars.length > 0 ? { exemplars } : {}),
    ...(metadata.length > 0 ? { metadata } : {}),
  };
}
