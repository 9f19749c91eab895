import type { Labels, Metadata } from '@belfry/model';
import { METRIC_NAME, metricName } from '@belfry/model';
import { arenaBytes } from './arena.ts';
import { headChunkBytes } from './head-chunks.ts';
import type { DatabaseState } from './state.ts';

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** As `/api/v1/status/tsdb` answers. */
export interface TsdbStatus {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

/** Where the head's cardinality comes from: the `limit` greatest of each. */
export function tsdbStatus(state: DatabaseState, limit: number): TsdbStatus {
  const { head } = state;
  const { postings } = head.series;
  const byMetric: NamedCount[] = [];
  const byPair: NamedCount[] = [];
  const values: NamedCount[] = [];
  const bytes: NamedCount[] = [];
  for (const [name, entry] of postings.names) {
    let size = 0;
    for (const [value, posting] of entry.values) {
      size += value.length;
      const count = typeof posting === 'number' ? 1 : posting.count;
      if (name === METRIC_NAME) byMetric.push({ name: value, value: count });
      byPair.push({ name: `${name}=${value}`, value: count });
    }
    values.push({ name, value: entry.values.size });
    bytes.push({ name, value: size });
  }
  const top = (counts: NamedCount[]) => counts.sort((a, b) => b.value - a.value).slice(0, limit);
  return {
    headStats: {
      numSeries: head.series.live,
      numLabelPairs: postings.pairs,
      chunkCount: chunkCount(state),
      minTime: finite(head.minT, Number.MAX_SAFE_INTEGER),
      maxTime: finite(head.maxT, Number.MIN_SAFE_INTEGER),
    },
    seriesCountByMetricName: top(byMetric),
    labelValueCountByLabelName: top(values),
    memoryInBytesByLabelName: top(bytes),
    seriesCountByLabelValuePair: top(byPair),
  };
}

const finite = (n: number, otherwise: number) => (Number.isFinite(n) ? n : otherwise);

function chunkCount(state: DatabaseState): number {
  const { series: s, stats } = state.head;
  let open = 0;
  for (let i = 0; i < s.postings.all.count; i++) if (s.open[s.postings.all.slots[i]] !== 0) open++;
  return stats.chunksCreated + stats.chunksAdopted - stats.chunksRemoved + open;
}

/** As `/api/v1/status/walreplay` answers. */
export function walReplayStatus(state: { readonly progress: DatabaseState['progress'] }) {
  const { min, max, current, state: phase } = state.progress;
  return { min, max, current, state: phase === 'running' ? 'in progress' : phase };
}

/** As `/api/v1/status/tsdb/blocks` answers. */
export function blocksStatus(state: DatabaseState) {
  return { blocks: state.blocks.map((b) => b.meta) };
}

/** The metadata that appenders told, by metric name. */
export function metricMetadata(state: DatabaseState, metric?: string): Map<string, Metadata[]> {
  const out = new Map<string, Metadata[]>();
  for (const [slot, metadata] of state.head.metadata) {
    const name = metricName(state.head.series.labels[slot] as Labels);
    if (metric !== undefined && name !== metric) continue;
    const list = out.get(name);
    if (!list) out.set(name, [metadata]);
    else if (!list.some((m) => m.type === metadata.type && m.unit === metadata.unit && m.help === metadata.help)) {
      list.push(metadata);
    }
  }
  return out;
}

/** One number about the store, to be exposed as a metric. */
export interface StoreMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The store's own metrics, under the names that Prometheus gives them where it has them. */
export function storeMetrics(state: DatabaseState): StoreMetric[] {
  const { head, counters: c, cache } = state;
  const { stats: s } = head;
  const out: StoreMetric[] = [];
  const add = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: number,
    labels?: Readonly<Record<string, string>>,
  ) => out.push({ name, type, help, value, ...(labels ? { labels } : {}) });
  const counter = add.bind(undefined, 'counter');
  const gauge = add.bind(undefined, 'gauge');
  const float = { type: 'float' };
  gauge('prometheus_tsdb_head_series', 'Series in the head.', head.series.live);
  gauge('prometheus_tsdb_head_chunks', 'Chunks in the head.', chunkCount(state));
  gauge('prometheus_tsdb_head_min_time', 'Oldest time in the head, ms.', finite(head.minT, 0));
  gauge('prometheus_tsdb_head_max_time', 'Newest time in the head, ms.', finite(head.maxT, 0));
  counter('prometheus_tsdb_head_series_created_total', 'Series created in the head.', s.seriesCreated);
  counter('prometheus_tsdb_head_series_removed_total', 'Series removed from the head.', s.seriesRemoved);
  counter('prometheus_tsdb_head_chunks_created_total', 'Chunks completed in the head.', s.chunksCreated);
  counter('prometheus_tsdb_head_chunks_removed_total', 'Chunks removed from the head.', s.chunksRemoved);
  counter('prometheus_tsdb_head_samples_appended_total', 'Samples taken.', s.floatSamples, float);
  counter('prometheus_tsdb_head_samples_appended_total', 'Samples taken.', s.histogramSamples, { type: 'histogram' });
  counter('prometheus_tsdb_out_of_order_samples_total', 'Samples refused: out of order.', s.outOfOrder, float);
  counter('prometheus_tsdb_out_of_bound_samples_total', 'Samples refused: out of bounds.', s.outOfBounds, float);
  counter('prometheus_tsdb_too_old_samples_total', 'Samples refused: beyond the out-of-order window.', s.tooOld, float);
  counter(
    'prometheus_tsdb_head_out_of_order_samples_appended_total',
    'Out-of-order samples taken.',
    s.outOfOrderAppended,
    float,
  );
  counter('belfry_tsdb_duplicate_samples_total', 'Samples refused: another value at the same time.', s.duplicates);
  counter('prometheus_tsdb_exemplar_exemplars_appended_total', 'Exemplars taken.', s.exemplars);
  counter('prometheus_tsdb_exemplar_out_of_order_exemplars_total', 'Exemplars out of order.', s.exemplarsOutOfOrder);
  gauge('prometheus_tsdb_exemplar_exemplars_in_storage', 'Exemplars kept.', head.exemplars.circle.length);
  gauge('prometheus_tsdb_exemplar_max_exemplars', 'Exemplars kept at most.', head.exemplars.capacity);
  counter('prometheus_tsdb_head_truncations_total', 'Truncations of the head.', s.truncations);
  counter('prometheus_tsdb_wal_corruptions_total', 'Damages found in the log.', s.walCorruptions);
  counter('prometheus_tsdb_wal_writes_failed_total', 'Writes to the log that failed.', s.walWriteFailures);
  gauge('prometheus_tsdb_wal_segment_current', 'Segment of the log being written.', head.wal?.segment ?? 0);
  counter('belfry_tsdb_wal_written_bytes_total', 'Bytes written to the log.', head.wal?.bytesWritten ?? 0);
  counter('prometheus_tsdb_checkpoint_creations_total', 'Checkpoints of the log made.', c.checkpoints);
  counter('prometheus_tsdb_checkpoint_creations_failed_total', 'Checkpoints that failed.', c.checkpointsFailed);
  counter('prometheus_tsdb_compactions_total', 'Blocks made.', c.compactions);
  counter('prometheus_tsdb_compactions_failed_total', 'Compactions that failed.', c.compactionsFailed);
  counter('belfry_tsdb_compaction_seconds_total', 'Time from begin to end of maintenance.', c.compactionSeconds);
  gauge('prometheus_tsdb_blocks_loaded', 'Blocks open.', state.blocks.length);
  counter('belfry_tsdb_blocks_load_failures_total', 'Blocks that could not be opened.', c.blocksLoadFailures);
  gauge('prometheus_tsdb_storage_blocks_bytes', 'Bytes of all blocks.', blockBytes(state));
  gauge('prometheus_tsdb_head_chunks_storage_size_bytes', 'Bytes of head chunk files.', headChunkBytes(head.chunks));
  counter('prometheus_tsdb_time_retentions_total', 'Times that blocks were dropped for their age.', c.timeRetentions);
  counter('prometheus_tsdb_size_retentions_total', 'Times that blocks were dropped for their size.', c.sizeRetentions);
  gauge('prometheus_tsdb_retention_limit_bytes', 'Retention by size; 0: none.', state.retentionBytes);
  gauge('prometheus_tsdb_retention_limit_seconds', 'Retention by time; 0: none.', state.retentionMs / 1000);
  gauge('prometheus_tsdb_data_replay_duration_seconds', 'Time that reading the log at start took.', c.replaySeconds);
  gauge('prometheus_tsdb_lowest_timestamp', 'Oldest time stored, ms.', oldest(state));
  gauge('belfry_tsdb_open_chunk_bytes', 'Memory of open chunks.', arenaBytes(head.series.arena));
  gauge('belfry_tsdb_cache_pages', 'Pages of files in memory, 16 KiB each.', cache.pages.length);
  counter('belfry_tsdb_cache_reads_total', 'Pages read from files.', cache.reads);
  gauge('belfry_tsdb_readers', 'Selections under way.', state.readers.size);
  return out;
}

function blockBytes(state: DatabaseState): number {
  return state.blocks.reduce((sum, b) => sum + b.bytes, 0);
}

function oldest(state: DatabaseState): number {
  return finite(state.blocks[0]?.meta.minTime ?? state.head.minT, 0);
}
