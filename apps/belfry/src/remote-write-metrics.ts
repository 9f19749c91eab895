import type { CountedFamily } from './metrics-text.ts';
import type { RemoteWriteQueue } from './remote-write.ts';

const PREFIX = 'prometheus_remote_storage_';

/** The queues under Prometheus' names; none without `remote_write`. `newestMs` is the newest sample of the store. */
export function remoteWriteFamilies(queues: readonly RemoteWriteQueue[], newestMs: number): CountedFamily[] {
  if (queues.length === 0) return [];
  const each = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    value: (queue: RemoteWriteQueue) => number,
  ): CountedFamily => ({
    name: PREFIX + name,
    type,
    help,
    samples: queues.map((q) => ({ labels: { remote_name: q.name, url: q.config.url }, value: value(q) })),
  });
  const floats = ({ stats: s }: RemoteWriteQueue) => s.sent - s.sentHistograms - s.sentExemplars;
  return [
    {
      name: `${PREFIX}highest_timestamp_in_seconds`,
      type: 'gauge',
      help: 'Newest sample taken in, Unix time.',
      samples: [{ value: newestMs / 1000 }],
    },
    each(
      'queue_highest_sent_timestamp_seconds',
      'gauge',
      'Newest sample sent, Unix time.',
      (q) => q.stats.newestSentMs / 1000,
    ),
    each('samples_total', 'counter', 'Samples sent.', floats),
    each('histograms_total', 'counter', 'Native histograms sent.', (q) => q.stats.sentHistograms),
    each('exemplars_total', 'counter', 'Exemplars sent.', (q) => q.stats.sentExemplars),
    each('metadata_total', 'counter', 'Metadata entries sent.', (q) => q.stats.sentMetadata),
    each('metadata_failed_total', 'counter', 'Metadata entries not sent.', (q) => q.stats.failedMetadata),
    each('bytes_total', 'counter', 'Bytes sent, compressed.', (q) => q.stats.sentBytes),
    each('samples_failed_total', 'counter', 'Refused for good by the receiver.', (q) => q.stats.failed),
    each('samples_dropped_total', 'counter', 'Left out by relabelling, age or kind.', (q) => q.stats.dropped),
    each('samples_retried_total', 'counter', 'Sent again after a failure that may pass.', (q) => q.stats.retried),
    each('samples_pending', 'gauge', 'Waiting in the shards.', (q) => q.stats.pending),
    each('shards', 'gauge', 'Shards now.', (q) => q.stats.shards),
    each('shards_max', 'gauge', 'Most shards.', (q) => q.config.queue_config.max_shards),
    each('shards_min', 'gauge', 'Fewest shards.', (q) => q.config.queue_config.min_shards),
    each('shard_capacity', 'gauge', 'Samples a shard holds.', (q) => q.config.queue_config.capacity),
    each('max_samples_per_send', 'gauge', 'Samples in a request.', (q) => q.config.queue_config.max_samples_per_send),
  ];
}
