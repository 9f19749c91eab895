import { type Appendable, BelfryError, type Clock, type Matcher, type Random } from '@belfry/model';
import type { SampleSource } from '@belfry/promql';
import { openAppender } from './appender.ts';
import { closeBlock } from './block.ts';
import { blockRanges } from './compaction-plan.ts';
import { newExemplarStore } from './exemplars.ts';
import { type Files, fileFault, nodeFiles } from './files.ts';
import { type Head, newHead } from './head.ts';
import { closeHeadChunks, type HeadChunkDamage, openHeadChunks, type StoredChunk } from './head-chunks.ts';
import { lockDirectory } from './lock.ts';
import {
  blocksEnd,
  cleanTombstones,
  deleteSamples,
  isHeadCompactable,
  loadBlocks,
  maintain,
  snapshot,
} from './maintenance.ts';
import { newOutOfOrder } from './out-of-order.ts';
import { DEFAULT_CACHE_BYTES, newPageCache } from './page-cache.ts';
import { QUARANTINE, repairSegment, setAside } from './quarantine.ts';
import { listExemplars, listLabelNames, listLabelValues, listSeries, selectSamples } from './query.ts';
import { type ReplayProgress, replayWal, settleTips } from './replay.ts';
import type { DatabaseEvent, DatabaseState } from './state.ts';
import { newHeadStats } from './stats.ts';
import { runSteps } from './steps.ts';
import { openWal, type SegmentDamage, type Wal, type WalCompression } from './wal.ts';

export type { DatabaseEvent };

export interface DatabaseOptions {
  /** Made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly files?: Files;
  readonly onEvent?: (event: DatabaseEvent) => void;
  /** The range of the smallest block; a test may want less than the two hours. */
  readonly blockRangeMs?: number;
  /** Samples this far behind the newest are still taken; 0 (the default): none out of order. */
  readonly outOfOrderWindowMs?: number;
  readonly walCompression?: WalCompression;
  readonly walSegmentBytes?: number;
  /** How many exemplars to keep in memory; 0: none. */
  readonly maxExemplars?: number;
  /** The span of the largest block that smaller ones are merged to. */
  readonly maxBlockRangeMs?: number;
  /** Blocks this much older than the newest are dropped; 0: none for their age. */
  readonly retentionMs?: number;
  /** The oldest blocks are dropped while all together, log included, take more than this; 0: none for their size. */
  readonly retentionBytes?: number;
  /** Look, change nothing: no lock is taken, what is damaged is told and left. Also while another process writes. */
  readonly readOnly?: boolean;
  /** Memory for pages of chunk files. */
  readonly cacheBytes?: number;
}

export const DEFAULT_BLOCK_RANGE_MS = 2 * 3600_000;
export const DEFAULT_RETENTION_MS = 15 * 24 * 3600_000;
export const DEFAULT_MAX_EXEMPLARS = 100_000;

/** Without a retention by time, blocks are merged up to this span. */
const MAX_BLOCK_RANGE_MS = 31 * 24 * 3600_000;

/** What may change while the store is open; what is absent stays. Units as in {@link DatabaseOptions}. */
export interface DatabaseSettings {
  readonly outOfOrderWindowMs?: number;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
}

/**
 * An open data directory. One thread owns it; nothing of it may be used after `close`. What works in steps is a generator: drive
 * it to the end with {@link runSteps}, or step by step with other work in between.
 */
export interface Database extends SampleSource, Appendable {
  /** All maintenance that is due. Failures are told as events, and tried again next time. */
  maintain(): Generator<void, void, void>;
  /** Whether {@link maintain} has a block to write. */
  isMaintenanceDue(): boolean;
  /** @throws BelfryError `storage_full`, `regex_invalid` */
  deleteSamples(matcherSets: readonly (readonly Matcher[])[], minMs: number, maxMs: number): void;
  cleanTombstones(): Generator<void, void, void>;
  /** Into a directory that is made for it. */
  snapshot(target: string, skipHead: boolean): Generator<void, void, void>;
  /** For a reload of the configuration. */
  configure(settings: DatabaseSettings): void;
  readonly state: DatabaseState;
  /** Writes out what memory has and lets go of the directory. */
  close(): void;
}

/**
 * Opens a data directory in Prometheus' format: takes its lock, reads the log, and mends what a crash left.
 * @throws BelfryError `data_locked` when another process has it; `file_unreadable`, `storage_full`.
 */
export function openDatabase(options: DatabaseOptions): Database {
  return runSteps(openDatabaseSteps(options));
}

/** As {@link openDatabase}, in steps; `progress` tells how far it is. */
export function* openDatabaseSteps(
  options: DatabaseOptions,
  progress: ReplayProgress = newReplayProgress(),
): Generator<void, Database, void> {
  const files = options.files ?? nodeFiles;
  const { directory } = options;
  try {
    if (!options.readOnly) files.makeDirectory(directory);
    else if (!files.status(directory)) throw new BelfryError('not_found', `there is no directory ${directory}`);
    const lock = options.readOnly ? { release: () => {} } : lockDirectory(files, directory);
    try {
      const state = newState(options, files, progress);
      yield* openHead(state, options);
      return database(state, () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw fileFault(error, `data directory ${directory}`);
  }
}

export function newReplayProgress(): ReplayProgress {
  return { min: 0, max: 0, current: 0, state: 'waiting' };
}

function newState(options: DatabaseOptions, files: Files, progress: ReplayProgress): DatabaseState {
  const { directory } = options;
  const cache = newPageCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
  const blockRangeMs = options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS;
  const retentionMs = options.retentionMs ?? DEFAULT_RETENTION_MS;
  const largest = retentionMs > 0 ? Math.min(MAX_BLOCK_RANGE_MS, retentionMs / 10) : MAX_BLOCK_RANGE_MS;
  return {
    files,
    directory,
    clock: options.clock,
    random: options.random,
    emit: options.onEvent ?? (() => {}),
    cache,
    head: undefined as unknown as Head,
    blocks: [],
    ranges: blockRanges(blockRangeMs, options.maxBlockRangeMs ?? largest),
    retentionMs,
    retentionBytes: options.retentionBytes ?? 0,
    readers: new Set(),
    waiting: [],
    aliases: new Map(),
    counters: {
      compactions: 0,
      compactionsFailed: 0,
      compactionSeconds: 0,
      blocksLoadFailures: 0,
      timeRetentions: 0,
      sizeRetentions: 0,
      checkpoints: 0,
      checkpointsFailed: 0,
      replaySeconds: 0,
    },
    progress,
    readOnly: options.readOnly ?? false,
    busy: false,
    closed: false,
  };
}

function* openHead(state: DatabaseState, options: DatabaseOptions): Generator<void, void, void> {
  const { files, directory } = state;
  const begun = state.clock.monotonic();
  const stored = new Map<number, StoredChunk[]>();
  const chunkDirectory = `${directory}/chunks_head`;
  const { chunks, damage } = openHeadChunks(
    files,
    chunkDirectory,
    state.cache,
    (chunk) => {
      const list = stored.get(chunk.ref);
      if (list) list.push(chunk);
      else stored.set(chunk.ref, [chunk]);
    },
    state.readOnly,
  );
  const head = newHead({
    chunks,
    blockRangeMs: options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS,
    exemplars: newExemplarStore(options.maxExemplars ?? DEFAULT_MAX_EXEMPLARS),
    outOfOrder: newOutOfOrder(options.outOfOrderWindowMs ?? 0, () => openLog(state, options, 'wbl')),
    stats: newHeadStats(),
  });
  state.head = head;
  if (damage) tellChunkDamage(state, damage);
  loadBlocks(state);
  head.minValidT = blocksEnd(state);
  yield;
  const walDirectory = `${directory}/wal`;
  const result = yield* replayWal(head, files, walDirectory, stored, state.progress, `${directory}/wbl`);
  for (const d of result.damages) mendSegment(state, d);
  for (const [ref, slot] of result.aliases) state.aliases.set(ref, { slot, segment: state.progress.max });
  if (result.unknownRefs > 0) {
    state.emit({
      level: 'warn',
      message: `${result.unknownRefs} records of the log belong to series that it does not introduce; left out`,
    });
  }
  if (result.unknownTypes.length > 0) tellUnknownTypes(state, walDirectory, result.unknownTypes);
  settleTips(head);
  state.counters.replaySeconds = (state.clock.monotonic() - begun) / 1000;
  if (state.readOnly) return;
  head.wal = openLog(state, options, 'wal');
  if (head.outOfOrder.series.size > 0) head.outOfOrder.wal = openLog(state, options, 'wbl');
}

function openLog(state: DatabaseState, options: DatabaseOptions, name: string): Wal {
  return openWal({
    files: state.files,
    directory: `${state.directory}/${name}`,
    compression: options.walCompression ?? 'snappy',
    failedToSync: (cause) => {
      const error = fileFault(cause, `syncing a segment of ${state.directory}/${name}`);
      state.emit({ level: 'warn', message: error.located, error });
    },
    ...(options.walSegmentBytes ? { segmentBytes: options.walSegmentBytes } : {}),
  });
}

function tellUnknownTypes(state: DatabaseState, file: string, types: readonly number[]): void {
  const message = `records of types ${types.join(', ')} were left out: a newer Prometheus wrote them, or they are damaged`;
  const error = new BelfryError('data_corrupt', message, { file });
  state.emit({ level: 'warn', message: error.located, error });
}

/** Everything in these files is in the log too: the damaged ones only have to get out of the way. */
function tellChunkDamage(state: DatabaseState, damage: HeadChunkDamage): void {
  const [file] = damage.paths;
  const error = new BelfryError('data_corrupt', `at byte ${damage.position}: ${damage.reason}`, { file });
  if (!state.readOnly) for (const path of damage.paths) setAside(state.files, state.directory, path);
  const where = state.readOnly ? '' : `; the file is now in ${state.directory}/${QUARANTINE}`;
  const what = `its samples are read from the log instead${where}`;
  state.emit({ level: 'warn', message: `${error.located}; ${what}`, error });
}

function mendSegment(state: DatabaseState, d: SegmentDamage): void {
  state.head.stats.walCorruptions++;
  const error = new BelfryError('data_corrupt', `at byte ${d.position}: ${d.reason}`, { file: d.path });
  const original = state.readOnly ? d.path : repairSegment(state.files, state.directory, d);
  const torn = 'the log ends in the middle of a record, as after a crash; cut off there';
  const what = d.tail ? torn : `the readable records are kept; the damaged file is now ${original}`;
  state.emit({ level: d.tail ? 'info' : 'error', message: `${error.located}: ${what}`, error });
}

function database(state: DatabaseState, unlock: () => void): Database {
  const { head } = state;
  return {
    state,
    appender: () => {
      if (state.closed) throw new BelfryError('unavailable', 'the database is closed');
      if (state.readOnly) throw new BelfryError('unavailable', 'the database is open for reading only');
      return openAppender(head);
    },
    select: (matchers, minMs, maxMs) => selectSamples(state, matchers, minMs, maxMs),
    series: (sets, minMs, maxMs, limit) => listSeries(state, sets, minMs, maxMs, limit),
    labelNames: (sets, minMs, maxMs, limit) => listLabelNames(state, sets, minMs, maxMs, limit),
    labelValues: (name, sets, minMs, maxMs, limit) => listLabelValues(state, name, sets, minMs, maxMs, limit),
    exemplars: (sets, minMs, maxMs) => listExemplars(state, sets, minMs, maxMs),
    maintain: () => maintain(state),
    isMaintenanceDue: () => isHeadCompactable(state),
    deleteSamples: (sets, minMs, maxMs) => deleteSamples(state, sets, minMs, maxMs),
    cleanTombstones: () => cleanTombstones(state),
    configure: (settings) => {
      state.retentionMs = settings.retentionMs ?? state.retentionMs;
      state.retentionBytes = settings.retentionBytes ?? state.retentionBytes;
      head.outOfOrder.windowMs = settings.outOfOrderWindowMs ?? head.outOfOrder.windowMs;
    },
    snapshot: (target, skipHead) => snapshot(state, target, skipHead),
    close: () => {
      if (state.closed) return;
      state.closed = true;
      try {
        closeHeadChunks(head.chunks);
        head.wal?.close();
        head.outOfOrder.wal?.close();
        for (const block of state.blocks) closeBlock(block);
      } catch (error) {
        throw fileFault(error, 'closing the database');
      } finally {
        unlock();
      }
    },
  };
}
