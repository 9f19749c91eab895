import { BelfryError, compileMatcher, type Matcher, messageOf } from '@belfry/model';
import { type Block, blockOverlaps, closeBlock, openBlock, selectBlock } from './block.ts';
import type { BlockCompaction, BlockMeta } from './block-meta.ts';
import { writeBlockMeta } from './block-meta.ts';
import {
  blockInput,
  CREATING_SUFFIX,
  DELETING_SUFFIX,
  mergedCompaction,
  removeBlock,
  writeBlock,
} from './block-writer.ts';
import { ByteBuffer } from './bytes.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { expiredBlocks, planCompaction } from './compaction-plan.ts';
import { directorySize, type Files, fileFault } from './files.ts';
import { deleteInHead } from './head.ts';
import { flushHeadChunks, headChunkBytes } from './head-chunks.ts';
import { headInput, outOfOrderInput, truncateHead } from './head-compaction.ts';
import { addInterval } from './intervals.ts';
import { forgetOutOfOrder, type OutOfOrderChunk, spillOutOfOrder } from './out-of-order.ts';
import { selectSlots } from './postings.ts';
import { setAside } from './quarantine.ts';
import { findSeries } from './series-table.ts';
import { type DatabaseState, whenReadersAreDone } from './state.ts';
import { countTombstones, writeTombstones } from './tombstones.ts';
import { isUlid } from './ulid.ts';
import { listSegments } from './wal.ts';
import { encodeTombstones, type Tombstone } from './wal-records.ts';

/** Opens all blocks of the directory, removes what crashes left, and sets aside what cannot be opened. */
export function loadBlocks(state: DatabaseState): void {
  const { files, directory } = state;
  for (const name of state.readOnly ? [] : files.list(directory)) {
    const unfinished = name.endsWith(CREATING_SUFFIX) || name.endsWith(DELETING_SUFFIX) || name.endsWith('.tmp');
    if (unfinished) files.removeTree(`${directory}/${name}`);
  }
  const loaded: Block[] = [];
  for (const name of files.list(directory)) {
    if (!isUlid(name)) continue;
    const path = `${directory}/${name}`;
    try {
      loaded.push(open(state, path));
    } catch (error) {
      state.counters.blocksLoadFailures++;
      const fault = fileFault(error, path);
      // Whatever else is wrong (no permission, an I/O error) may pass: such a block is left where it is.
      const where =
        fault.code === 'data_corrupt' && !state.readOnly ? ` It is now in ${setAside(files, directory, path)}.` : '';
      state.emit({
        level: 'error',
        message: `block ${name} cannot be opened and is left out: ${fault.located}.${where}`,
        error: fault,
      });
    }
  }
  const superseded = new Set(loaded.flatMap((b) => (b.meta.compaction.parents ?? []).map((p) => p.ulid)));
  const kept: Block[] = [];
  for (const block of loaded) {
    if (!superseded.has(block.meta.ulid) && !block.meta.compaction.deletable) kept.push(block);
    else {
      closeBlock(block);
      if (!state.readOnly) removeBlock(files, block.directory);
    }
  }
  setBlocks(state, kept);
}

function setBlocks(state: DatabaseState, blocks: readonly Block[]): void {
  state.blocks = [...blocks].sort((a, b) => a.meta.minTime - b.meta.minTime);
}

function open(state: DatabaseState, path: string): Block {
  const { series } = state.head;
  return openBlock(state.files, path, state.cache, (labels, hash) => {
    const slot = findSeries(series, labels, hash);
    return slot === 0 ? labels : series.labels[slot];
  });
}

/** How Prometheus marks blocks of late samples; before it had hints, by `out_of_order` in the description. */
const FROM_OUT_OF_ORDER = 'from-out-of-order';

/** Where the newest block that samples went into in order ends: nothing older is taken any more. */
export function blocksEnd(state: DatabaseState): number {
  let end = -Infinity;
  for (const { meta } of state.blocks) {
    if (!meta.out_of_order && !meta.compaction.hints?.includes(FROM_OUT_OF_ORDER)) end = Math.max(end, meta.maxTime);
  }
  return end;
}

/** All that is due: blocks from the head, blocks merged, old ones dropped. Works in steps. */
export function* maintain(state: DatabaseState): Generator<void, void, void> {
  yield* exclusively(state, function* () {
    const begun = state.clock.monotonic();
    try {
      if (yield* compactHead(state)) yield* compactOutOfOrder(state);
      cutLogInTime(state);
      yield* compactBlocks(state);
      applyRetention(state);
      flushHeadChunks(state.head.chunks);
    } catch (error) {
      state.counters.compactionsFailed++;
      const fault = fileFault(error, 'compaction');
      state.emit({
        level: 'error',
        message: `compaction failed and will be tried again: ${fault.located}`,
        error: fault,
      });
    } finally {
      state.counters.compactionSeconds += (state.clock.monotonic() - begun) / 1000;
    }
  });
}

/** @throws BelfryError `conflict` when another maintenance task is under way */
function* exclusively<T>(state: DatabaseState, task: () => Generator<void, T, void>): Generator<void, T, void> {
  if (state.closed) throw new BelfryError('unavailable', 'the database is closed');
  if (state.readOnly) throw new BelfryError('unavailable', 'the database is open for reading only');
  if (state.busy) throw new BelfryError('conflict', 'another compaction, deletion or snapshot is under way');
  state.busy = true;
  try {
    return yield* task();
  } finally {
    state.busy = false;
  }
}

/** Whether the head spans so much that its oldest range can become a block while the newest is still written to. */
export function isHeadCompactable(state: DatabaseState): boolean {
  const { head } = state;
  return head.maxT - head.minT > head.blockRangeMs * 1.5;
}

function* compactHead(state: DatabaseState): Generator<void, boolean, void> {
  const { head } = state;
  const due = isHeadCompactable(state);
  while (isHeadCompactable(state)) {
    const minT = head.minT;
    const end = Math.floor(minT / head.blockRangeMs) * head.blockRangeMs + head.blockRangeMs;
    yield* headToBlock(state, minT, end);
    yield* truncateAndCheckpoint(state, end);
  }
  return due;
}

/**
 * Puts all out-of-order samples into blocks, which overlap others for now, and drops their log. What comes while this works goes
 * into the next segment of the log, and stays.
 */
function* compactOutOfOrder(state: DatabaseState): Generator<void, void, void> {
  const { head, files } = state;
  const o = head.outOfOrder;
  if (o.series.size === 0 || !o.wal) return;
  const lastSegment = o.wal.cut() - 1;
  const taken = new Map<number, Set<OutOfOrderChunk>>();
  for (const [slot, series] of o.series) {
    spillOutOfOrder(series, head.chunks, head.series.walRefs[slot]);
    taken.set(slot, new Set(series.chunks));
  }
  const range = head.blockRangeMs;
  for (let minT = Math.floor(o.minT / range) * range; minT <= o.maxT; minT += range) {
    const input = yield* outOfOrderInput(head, taken);
    const meta = yield* writeBlock(state, [input], {
      minT,
      maxT: minT + range,
      compaction: outOfOrderLevel,
      outOfOrder: true,
    });
    if (!meta) continue;
    setBlocks(state, [...state.blocks, open(state, `${state.directory}/${meta.ulid}`)]);
    state.counters.compactions++;
  }
  let forgotten = false;
  whenReadersAreDone(state, () => {
    forgetOutOfOrder(o, taken);
    forgotten = true;
  });
  while (!forgotten) yield;
  for (const segment of listSegments(files, `${state.directory}/wbl`)) {
    if (segment.index <= lastSegment) files.remove(segment.path);
  }
}

const outOfOrderLevel = (ulid: string): BlockCompaction => ({ ...firstLevel(ulid), hints: [FROM_OUT_OF_ORDER] });

const firstLevel = (ulid: string): BlockCompaction => ({ level: 1, sources: [ulid] });

function* headToBlock(state: DatabaseState, minT: number, end: number): Generator<void, void, void> {
  const { head } = state;
  head.minValidT = Math.max(head.minValidT, end);
  const input = yield* headInput(head, minT, end);
  const meta = yield* writeBlock(state, [input], { minT, maxT: end, compaction: firstLevel });
  if (meta) {
    setBlocks(state, [...state.blocks, open(state, `${state.directory}/${meta.ulid}`)]);
    state.counters.compactions++;
    state.emit({ level: 'info', message: `block ${meta.ulid} written: ${meta.stats.numSamples} samples of the head` });
  }
}

/** The head lets go of what is in blocks as soon as nobody reads it, and the log of what the head lets go of. */
function* truncateAndCheckpoint(state: DatabaseState, end: number): Generator<void, void, void> {
  const { head } = state;
  // New readers take the older samples from the block.
  head.minT = Math.min(Math.max(head.minT, end), head.maxT);
  let truncated = false;
  whenReadersAreDone(state, () => {
    truncateHead(head, end, (recycle) => whenReadersAreDone(state, recycle));
    truncated = true;
  });
  while (!truncated) yield;
  yield* checkpoint(state, end);
}

function* checkpoint(state: DatabaseState, minT: number): Generator<void, void, void> {
  const { head, files } = state;
  try {
    cutLog(state);
    const last = yield* writeCheckpoint(files, `${state.directory}/wal`, head, minT, state.aliases);
    if (last === undefined) return;
    state.counters.checkpoints++;
    for (const [ref, { segment }] of state.aliases) if (segment <= last) state.aliases.delete(ref);
  } catch (error) {
    state.counters.checkpointsFailed++;
    throw error;
  }
}

/** Short segments of the log can be dropped soon. */
const SEGMENTS_PER_BLOCK = 4;

function cutLog(state: DatabaseState): void {
  const { head } = state;
  if (!head.segmentMaxT.has(head.wal!.segment)) return;
  head.wal!.cut();
  head.segmentBegunT = head.maxT;
}

function cutLogInTime(state: DatabaseState): void {
  const { head } = state;
  if (head.segmentBegunT === -Infinity) head.segmentBegunT = head.maxT;
  if (head.maxT - head.segmentBegunT > head.blockRangeMs / SEGMENTS_PER_BLOCK) cutLog(state);
}

function* compactBlocks(state: DatabaseState): Generator<void, void, void> {
  for (;;) {
    // Blocks of late samples may reach into the time of the head. Merged with others they would seem to hold all of it.
    const settled = state.blocks.map((b) => b.meta).filter((m) => m.maxTime <= state.head.minValidT);
    const plan = planCompaction(settled, state.ranges);
    if (plan.length === 0) return;
    if (!(yield* mergeBlocks(state, blocksOf(state, plan)))) return;
  }
}

function blocksOf(state: DatabaseState, metas: readonly BlockMeta[]): Block[] {
  return state.blocks.filter((b) => metas.some((m) => m.ulid === b.meta.ulid));
}

/** Makes one block of several. `false`: it failed because one of them is damaged, and that one was set aside or marked. */
function* mergeBlocks(state: DatabaseState, blocks: readonly Block[]): Generator<void, boolean, void> {
  const parents = blocks.map((b) => b.meta);
  const plan = {
    minT: Math.min(...parents.map((m) => m.minTime)),
    maxT: Math.max(...parents.map((m) => m.maxTime)),
    compaction: () => mergedCompaction(parents),
  };
  try {
    const meta = yield* writeBlock(state, blocks.map(blockInput), plan);
    replaceBlocks(state, blocks, meta);
    state.counters.compactions++;
    return true;
  } catch (error) {
    const fault = fileFault(error, 'compaction of blocks');
    if (fault.code !== 'data_corrupt') throw fault;
    state.counters.compactionsFailed++;
    for (const block of blocks) {
      block.meta = { ...block.meta, compaction: { ...block.meta.compaction, failed: true } };
      writeBlockMeta(state.files, block.directory, block.meta);
    }
    state.emit({
      level: 'error',
      message: `blocks ${parents.map((m) => m.ulid).join(', ')} cannot be merged and stay as they are: ${fault.located}`,
      error: fault,
    });
    return false;
  }
}

function replaceBlocks(state: DatabaseState, old: readonly Block[], meta: BlockMeta | undefined): void {
  const others = state.blocks.filter((b) => !old.includes(b));
  setBlocks(state, meta ? [...others, open(state, `${state.directory}/${meta.ulid}`)] : others);
  discardBlocks(state, old);
}

function discardBlocks(state: DatabaseState, blocks: readonly Block[]): void {
  whenReadersAreDone(state, () => {
    for (const block of blocks) {
      closeBlock(block);
      try {
        removeBlock(state.files, block.directory);
      } catch (error) {
        // Its successor names it as a parent: the next start tries again.
        state.emit({ level: 'warn', message: `block ${block.meta.ulid} could not be removed: ${messageOf(error)}` });
      }
    }
  });
}

function applyRetention(state: DatabaseState): void {
  const { retentionMs, retentionBytes } = state;
  if (retentionMs === 0 && retentionBytes === 0) return;
  const headBytes = headChunkBytes(state.head.chunks) + directorySize(state.files, `${state.directory}/wal`);
  const byTime = expiredBlocks(state.blocks, retentionMs, 0, 0);
  const expired = blocksOf(state, expiredBlocks(state.blocks, retentionMs, retentionBytes, headBytes));
  if (expired.length === 0) return;
  if (byTime.length > 0) state.counters.timeRetentions++;
  if (expired.length > byTime.length) state.counters.sizeRetentions++;
  setBlocks(
    state,
    state.blocks.filter((b) => !expired.includes(b)),
  );
  discardBlocks(state, expired);
}

const record = new ByteBuffer();

/** Marks the samples of the selected series in `[minMs, maxMs]` as deleted, durably. */
export function deleteSamples(
  state: DatabaseState,
  sets: readonly (readonly Matcher[])[],
  minMs: number,
  maxMs: number,
): void {
  if (state.readOnly) throw new BelfryError('unavailable', 'the database is open for reading only');
  try {
    for (const set of sets) {
      const compiled = set.map(compileMatcher);
      for (const block of state.blocks) {
        if (!blockOverlaps(block, minMs, maxMs)) continue;
        const series = selectBlock(block, compiled).map((s) => s.number);
        if (series.length > 0) deleteInBlock(state.files, block, series, minMs, maxMs);
      }
      deleteFromHead(state, selectSlots(state.head.series.postings, compiled), minMs, maxMs);
    }
  } catch (error) {
    throw fileFault(error, 'deletion');
  }
}

function deleteInBlock(files: Files, block: Block, series: readonly number[], minMs: number, maxMs: number): void {
  const interval = {
    minMs: Math.max(minMs, block.meta.minTime),
    maxMs: Math.min(maxMs, block.meta.maxTime - 1),
  };
  const tombstones = new Map(block.tombstones);
  for (const number of series) tombstones.set(number, addInterval(tombstones.get(number) ?? [], interval));
  writeTombstones(files, block.directory, tombstones);
  block.tombstones = tombstones;
  const stats = { ...block.meta.stats, numTombstones: countTombstones(tombstones) };
  block.meta = { ...block.meta, stats };
  writeBlockMeta(files, block.directory, block.meta);
}

function deleteFromHead(state: DatabaseState, slots: Uint32Array, minMs: number, maxMs: number): void {
  const { head } = state;
  const s = head.series;
  const stones: (Tombstone & { readonly slot: number })[] = [];
  for (const slot of slots) {
    // What is yet to come is not deleted.
    const late = head.outOfOrder.series.has(slot);
    const oldest = late ? Math.min(head.minT, head.outOfOrder.minT) : head.minT;
    const newest = late ? Math.max(s.xor.lastT[slot], head.outOfOrder.maxT) : s.xor.lastT[slot];
    const span = { minMs: Math.max(minMs, oldest), maxMs: Math.min(maxMs, newest) };
    if (span.minMs <= span.maxMs) stones.push({ ref: s.walRefs[slot], slot, ...span });
  }
  if (stones.length === 0) return;
  record.clear();
  encodeTombstones(record, stones);
  head.wal!.add(record.view());
  head.wal!.commit();
  for (const { slot, minMs: from, maxMs: until } of stones) deleteInHead(head, slot, { minMs: from, maxMs: until });
}

/** Rewrites every block that has deletions without the deleted samples. Works in steps. */
export function* cleanTombstones(state: DatabaseState): Generator<void, void, void> {
  yield* exclusively(state, function* () {
    for (const block of state.blocks) {
      if (block.tombstones.size > 0) yield* mergeBlocks(state, [block]);
    }
  });
}

/** Copies the blocks (as hard links) and, unless told not to, the head as one more block into a new directory. */
export function* snapshot(state: DatabaseState, target: string, skipHead: boolean): Generator<void, void, void> {
  const { files, head } = state;
  yield* exclusively(state, function* () {
    try {
      files.makeDirectory(target);
      if (!skipHead) yield* compactOutOfOrder(state);
      for (const block of state.blocks) {
        linkTree(files, block.directory, `${target}/${block.meta.ulid}`);
        yield;
      }
      if (skipHead || head.maxT < head.minT) return;
      const input = yield* headInput(head, head.minT, head.maxT + 1);
      const context = { files, directory: target, clock: state.clock, random: state.random };
      yield* writeBlock(context, [input], { minT: head.minT, maxT: head.maxT + 1, compaction: firstLevel });
    } catch (error) {
      throw fileFault(error, `snapshot ${target}`);
    }
  });
}

function linkTree(files: Files, from: string, to: string): void {
  files.makeDirectory(to);
  for (const name of files.list(from)) {
    const source = `${from}/${name}`;
    if (files.status(source)?.isDirectory) linkTree(files, source, `${to}/${name}`);
    else files.link(source, `${to}/${name}`);
  }
}
