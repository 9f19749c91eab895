import {
  type Appendable,
  BelfryError,
  type Clock,
  compareText,
  compileMatcher,
  EMPTY_LABELS,
  type Labels,
  type Matcher,
  type Random,
} from '@belfry/model';
import type { SampleSource, SelectHints, SeriesExemplars, SeriesSamples } from '@belfry/promql';
import { openAppender } from './appender.ts';
import { newExemplarStore, selectExemplars } from './exemplars.ts';
import { type Files, fileFault, nodeFiles } from './files.ts';
import { type Head, newHead } from './head.ts';
import { closeHeadChunks, openHeadChunks, type StoredChunk } from './head-chunks.ts';
import { readHeadSeries, selectHead } from './head-source.ts';
import { lockDirectory } from './lock.ts';
import { DEFAULT_CACHE_BYTES, newPageCache } from './page-cache.ts';
import { selectSlots } from './postings.ts';
import { repairSegment } from './quarantine.ts';
import { type ReplayProgress, replayWal, settleTips } from './replay.ts';
import {
  clearBuffer,
  dropDeleted,
  newSampleBuffer,
  type SampleBuffer,
  samplesBetween,
  sortBuffer,
} from './sample-buffer.ts';
import { newHeadStats } from './stats.ts';
import { openWal, type WalCompression } from './wal.ts';

/** Something that whoever runs the store should know: damage found, a disk that is full, a compaction done. */
export interface DatabaseEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly error?: BelfryError;
}

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
  /** Memory for pages of chunk files. */
  readonly cacheBytes?: number;
}

export const DEFAULT_BLOCK_RANGE_MS = 2 * 3600_000;
export const DEFAULT_MAX_EXEMPLARS = 100_000;

/** An open data directory. One thread owns it; nothing of it may be used after `close`. */
export interface Database extends SampleSource, Appendable {
  /** Writes out what memory has and lets go of the directory. */
  close(): void;
}

export interface DatabaseState {
  readonly options: DatabaseOptions;
  readonly files: Files;
  readonly directory: string;
  readonly head: Head;
  readonly progress: ReplayProgress;
  closed: boolean;
}

/**
 * Opens a data directory in Prometheus' format: takes its lock, reads the log, and mends what a crash left.
 * @throws BelfryError `data_locked` when another process has it; `file_unreadable`, `storage_full`.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const opening = openSteps(options);
  for (;;) {
    const step = opening.next();
    if (step.done) return step.value;
  }
}

function* openSteps(options: DatabaseOptions): Generator<void, Database, void> {
  const files = options.files ?? nodeFiles;
  const { directory } = options;
  const emit = options.onEvent ?? (() => {});
  try {
    files.makeDirectory(directory);
  } catch (error) {
    throw fileFault(error, `data directory ${directory}`);
  }
  const lock = lockDirectory(files, directory);
  try {
    const cache = newPageCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    const stored = new Map<number, StoredChunk[]>();
    const collect = (chunk: StoredChunk) => {
      const list = stored.get(chunk.ref);
      if (list) list.push(chunk);
      else stored.set(chunk.ref, [chunk]);
    };
    const { chunks, damage } = openHeadChunks(files, `${directory}/chunks_head`, cache, collect);
    const head = newHead({
      chunks,
      blockRangeMs: options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS,
      exemplars: newExemplarStore(options.maxExemplars ?? DEFAULT_MAX_EXEMPLARS),
      outOfOrder: { windowMs: options.outOfOrderWindowMs ?? 0 },
      stats: newHeadStats(),
    });
    if (damage) {
      emit({
        level: 'warn',
        message: `${damage.path}: at byte ${damage.position}: ${damage.reason}; its samples are read from the log instead`,
        error: new BelfryError('data_corrupt', `at byte ${damage.position}: ${damage.reason}`, { file: damage.path }),
      });
    }
    const progress: ReplayProgress = { min: 0, max: 0, current: 0, state: 'waiting' };
    const walDirectory = `${directory}/wal`;
    const result = yield* replayWal(head, files, walDirectory, stored, progress);
    for (const d of result.damages) {
      head.stats.walCorruptions++;
      const kept = repairSegment(files, directory, d);
      const what = d.tail
        ? 'the log ends in the middle of a record, as after a crash; cut off there'
        : `${d.reason}; the readable records are kept, the damaged file is now ${kept}`;
      emit({
        level: d.tail ? 'info' : 'error',
        message: `${d.path}: at byte ${d.position}: ${what}`,
        error: new BelfryError('data_corrupt', `at byte ${d.position}: ${d.reason}`, { file: d.path }),
      });
    }
    settleTips(head);
    head.wal = openWal({
      files,
      directory: walDirectory,
      compression: options.walCompression ?? 'snappy',
      ...(options.walSegmentBytes ? { segmentBytes: options.walSegmentBytes } : {}),
    });
    const state: DatabaseState = { options, files, directory, head, progress, closed: false };
    return database(state, () => lock.release());
  } catch (error) {
    lock.release();
    throw fileFault(error, `data directory ${directory}`);
  }
}

function database(state: DatabaseState, unlock: () => void): Database {
  const { head } = state;
  return {
    appender: () => {
      if (state.closed) throw new BelfryError('unavailable', 'the database is closed');
      return openAppender(head);
    },
    select: (matchers, minMs, maxMs, hints) => selectSeries(state, matchers, minMs, maxMs, hints),
    series: (sets, minMs, maxMs, limit) => seriesOf(state, sets, minMs, maxMs, limit),
    labelNames: (sets, minMs, maxMs, limit) => {
      const names = new Set<string>();
      if (sets.length === 0) for (const name of head.series.postings.names.keys()) names.add(name);
      else
        for (const labels of seriesOf(state, sets, minMs, maxMs)) {
          for (let i = 0; i < labels.length; i += 2) names.add(labels[i]);
        }
      return [...names].sort(compareText).slice(0, limit || undefined);
    },
    labelValues: (name, sets, minMs, maxMs, limit) => {
      const values = new Set<string>();
      if (sets.length === 0) for (const v of head.series.postings.names.get(name)?.values.keys() ?? []) values.add(v);
      else
        for (const labels of seriesOf(state, sets, minMs, maxMs)) {
          const i = labels.indexOf(name);
          if (i >= 0 && i % 2 === 0) values.add(labels[i + 1]);
        }
      return [...values].sort(compareText).slice(0, limit || undefined);
    },
    exemplars: (sets, minMs, maxMs) => exemplarsOf(state, sets, minMs, maxMs),
    close: () => {
      if (state.closed) return;
      state.closed = true;
      try {
        closeHeadChunks(head.chunks);
        head.wal?.close();
      } finally {
        unlock();
      }
    },
  };
}

const idleBuffers: SampleBuffer[] = [];
const MAX_IDLE_BUFFERS = 4;

function* selectSeries(
  state: DatabaseState,
  matchers: readonly Matcher[],
  minMs: number,
  maxMs: number,
  _hints?: SelectHints,
): Generator<SeriesSamples, void, void> {
  const { head } = state;
  const selection = selectHead(head, matchers.map(compileMatcher));
  const buffer = idleBuffers.pop() ?? newSampleBuffer();
  try {
    for (let i = 0; i < selection.slots.length; i++) {
      clearBuffer(buffer);
      const slot = selection.slots[i];
      if (!readHeadSeries(head, selection, i, minMs, maxMs, buffer)) {
        throw new BelfryError('data_corrupt', 'a chunk of the head cannot be read', {
          file: `${state.directory}/chunks_head`,
        });
      }
      sortBuffer(buffer);
      const deleted = head.tombstones.get(slot);
      if (deleted) dropDeleted(buffer, deleted);
      const samples = samplesBetween(buffer, head.series.labels[slot], minMs, maxMs);
      if (samples) yield samples;
    }
  } finally {
    if (idleBuffers.length < MAX_IDLE_BUFFERS) idleBuffers.push(buffer);
  }
}

function seriesOf(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
  limit = 0,
): Labels[] {
  const { head } = state;
  if (head.minT > maxMs || head.maxT < minMs) return [];
  const seen = new Set<number>();
  const out: Labels[] = [];
  for (const set of sets) {
    for (const slot of selectSlots(head.series.postings, set.map(compileMatcher))) {
      if (seen.has(slot)) continue;
      seen.add(slot);
      out.push(head.series.labels[slot] ?? EMPTY_LABELS);
      if (limit > 0 && out.length === limit) return out;
    }
  }
  return out;
}

function exemplarsOf(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
): SeriesExemplars[] {
  const compiled = sets.map((set) => set.map(compileMatcher));
  return selectExemplars(state.head.exemplars, compiled, minMs, maxMs);
}
