import type { BelfryError, Clock, Random } from '@belfry/model';
import type { Block } from './block.ts';
import type { Alias } from './checkpoint.ts';
import type { Files } from './files.ts';
import type { Head } from './head.ts';
import type { PageCache } from './page-cache.ts';
import type { ReplayProgress } from './replay.ts';

/** Something that whoever runs the store should know: damage found, a disk that is full, a compaction done. */
export interface DatabaseEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly error?: BelfryError;
}

/** Counters of the whole store since it was opened. */
export interface StoreCounters {
  compactions: number;
  compactionsFailed: number;
  compactionSeconds: number;
  blocksLoadFailures: number;
  timeRetentions: number;
  sizeRetentions: number;
  checkpoints: number;
  checkpointsFailed: number;
  replaySeconds: number;
}

/** Everything about an open data directory. */
export interface DatabaseState {
  readonly files: Files;
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: DatabaseEvent) => void;
  /** Set while opening, then constant. */
  head: Head;
  readonly cache: PageCache;
  /** Ascending in time. Replaced, never changed, so that a reader keeps what it began with. */
  blocks: readonly Block[];
  /** Spans of the block levels. */
  readonly ranges: readonly number[];
  retentionMs: number;
  retentionBytes: number;
  readonly readers: Set<Reader>;
  readonly waiting: { readonly readers: Set<Reader>; readonly run: () => void }[];
  /** Further numbers in the log of series that have one. */
  readonly aliases: Map<number, Alias>;
  readonly counters: StoreCounters;
  readonly progress: ReplayProgress;
  readonly readOnly: boolean;
  /** A maintenance task is under way: only one at a time. */
  busy: boolean;
  closed: boolean;
}

/** Somebody who reads and must not have anything taken away. */
export interface Reader {
  readonly blocks: readonly Block[];
  /** What is older is in the blocks. */
  readonly headFrom: number;
}

export function beginReading(state: DatabaseState): Reader {
  const reader: Reader = { blocks: state.blocks, headFrom: state.head.minT };
  state.readers.add(reader);
  return reader;
}

export function endReading(state: DatabaseState, reader: Reader): void {
  state.readers.delete(reader);
  for (let i = state.waiting.length - 1; i >= 0; i--) {
    const { readers, run } = state.waiting[i];
    readers.delete(reader);
    if (readers.size > 0) continue;
    state.waiting.splice(i, 1);
    run();
  }
}

/** Runs something when everybody who is reading now is done; later readers do not matter. */
export function whenReadersAreDone(state: DatabaseState, run: () => void): void {
  if (state.readers.size === 0) run();
  else state.waiting.push({ readers: new Set(state.readers), run });
}
