import { nearest } from '@belfry/model';
import type { Pack } from '@belfry/sdk';
import { type AnyMetric, type Label, metricsOf, plainLabel } from '@belfry/sdk/catalogue';
import type { Place } from './source.ts';

export type KnownType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'info' | 'unknown';

/**
 * How much a source of metrics knows. A pack declares everything its services export. A dump of `/metrics` shows what one
 * process had at one moment. A document says what somebody wrote down. `common` is what client libraries export.
 */
export type Authority = 'pack' | 'dump' | 'document' | 'common';

export interface KnownLabel {
  /** Absent: any value. */
  readonly values?: readonly string[];
  /** Why only some series carry it. */
  readonly conditional?: string;
  /** Expected number of values in one target. */
  readonly cardinality?: number;
  /** Every series carries it. */
  readonly always?: boolean;
}

export interface KnownMetric {
  readonly name: string;
  readonly type: KnownType;
  readonly unit: string | undefined;
  readonly labels: ReadonlyMap<string, KnownLabel>;
  /** Whether `labels` are all that the metric itself has (targets add theirs). */
  readonly complete: boolean;
  /** Upper bounds without +Inf. */
  readonly buckets: readonly number[] | undefined;
  readonly deprecated?: { readonly reason: string; readonly renamedTo?: string };
  readonly aliases: readonly string[];
  readonly help: string;
  readonly authority: Authority;
  /** Declared, but no series of it was seen. */
  readonly silent: boolean;
  readonly at: Place | undefined;
}

export interface Found {
  readonly metric: KnownMetric;
  /** Which of a histogram's or summary's series the name is. */
  readonly part: 'value' | 'bucket' | 'sum' | 'count';
}

/** Everything known of metrics in a run. */
export interface Catalogue {
  readonly metrics: readonly KnownMetric[];
  find(series: string): Found | undefined;
  /** The metric that has `series` as an alias. */
  aliased(series: string): KnownMetric | undefined;
  /** The best source that would know `name` if it existed: one that has other metrics of its family. */
  covers(name: string): Authority | undefined;
  /** A name like it. */
  near(name: string): string | undefined;
  /** Bounds that a document states for histograms of a family in general. */
  bucketsOf(series: string): readonly number[] | undefined;
}

export interface CatalogueSources {
  readonly metrics: readonly KnownMetric[];
  /** Patterns (`a_*_total`) that a document lists in place of names. */
  readonly globs: readonly string[];
  readonly defaultBuckets: readonly (readonly number[])[];
}

const RANK: Readonly<Record<Authority, number>> = { pack: 3, dump: 2, document: 1, common: 0 };
/** First words of names that every service has: knowing one of them says nothing of the others. */
const SHARED_FAMILIES = new Set(
  'go process http rpc grpc log logs promhttp target scrape up node jvm system container kube python nodejs'.split(' '),
);

export function familyWord(name: string): string {
  return /^[a-zA-Z0-9]+/.exec(name)?.[0] ?? name;
}

export function buildCatalogue(sources: CatalogueSources): Catalogue {
  const byName = new Map<string, KnownMetric>();
  const byAlias = new Map<string, KnownMetric>();
  const families = new Map<string, Authority>();
  for (const metric of [...sources.metrics, ...COMMON]) {
    const known = byName.get(metric.name);
    if (!known) byName.set(metric.name, metric);
    else byName.set(metric.name, RANK[metric.authority] > RANK[known.authority] ? metric : merge(known, metric));
    for (const alias of metric.aliases) byAlias.set(alias, metric);
    const family = familyWord(metric.name);
    if (SHARED_FAMILIES.has(family) || metric.authority === 'common') continue;
    const now = families.get(family);
    if (!now || RANK[metric.authority] > RANK[now]) families.set(family, metric.authority);
  }
  const globs = sources.globs.map(
    (g) => new RegExp(`^${g.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`),
  );
  const find = (series: string): Found | undefined => {
    const exact = byName.get(series);
    if (exact) return { metric: exact, part: 'value' };
    for (const part of ['bucket', 'sum', 'count'] as const) {
      if (!series.endsWith(`_${part}`)) continue;
      const metric = byName.get(series.slice(0, -part.length - 1));
      if (metric && isPart(metric, part)) return { metric, part };
    }
    return undefined;
  };
  return {
    metrics: [...byName.values()],
    find,
    aliased: (series) => byAlias.get(series) ?? byAlias.get(series.replace(/_(?:bucket|sum|count)$/, '')),
    covers: (name) => (globs.some((g) => g.test(name)) ? undefined : families.get(familyWord(name))),
    near: (name) => {
      const suffix = /_(?:bucket|sum|count)$/.exec(name)?.[0] ?? '';
      const base = nearest(name.slice(0, name.length - suffix.length), byName.keys());
      return base === undefined ? undefined : base + (byName.get(base)?.type === 'histogram' ? suffix : '');
    },
    bucketsOf: (series) => {
      const found = find(series);
      if (found?.metric.buckets) return found.metric.buckets;
      const listed = families.get(familyWord(series)) === 'document' && /_seconds(?:_bucket)?$/.test(series);
      return listed && sources.defaultBuckets.length === 1 ? sources.defaultBuckets[0] : undefined;
    },
  };
}

function isPart(metric: KnownMetric, part: 'bucket' | 'sum' | 'count'): boolean {
  if (metric.type === 'histogram') return true;
  // A document that lists a base name without its type may well mean a histogram.
  if (metric.type === 'unknown') return true;
  return metric.type === 'summary' && part !== 'bucket';
}

/** Two mentions of one metric, of sources of one rank or a weaker second: what the second adds. */
function merge(a: KnownMetric, b: KnownMetric): KnownMetric {
  if (RANK[a.authority] > RANK[b.authority]) return a;
  const labels = new Map(b.labels);
  for (const [name, label] of a.labels) labels.set(name, { ...labels.get(name), ...label });
  return {
    ...a,
    type: a.type === 'unknown' ? b.type : a.type,
    labels,
    complete: a.complete || b.complete,
    buckets: a.buckets ?? b.buckets,
    help: a.help || b.help,
    silent: a.silent && b.silent,
  };
}

/** What a pack declares. */
export function packMetrics(pack: Pack, at: (name: string) => Place): KnownMetric[] {
  return pack.catalogues.flatMap((c) => metricsOf(c).map((metric) => fromPack(metric, at(metric.name))));
}

function fromPack(metric: AnyMetric, at: Place): KnownMetric {
  const labels = Object.entries(metric.labels as Record<string, Label>).map(([name, label]) => {
    const plain = plainLabel(label);
    return [
      name,
      {
        ...(plain.kind === 'closed' ? { values: plain.values } : { cardinality: plain.cardinality }),
        ...(label.kind === 'conditional' ? { conditional: label.when } : { always: true }),
      },
    ] as const;
  });
  return {
    name: metric.name,
    type: metric.kind as KnownType,
    unit: metric.unit,
    labels: new Map(labels),
    complete: true,
    buckets: metric.kind === 'histogram' ? metric.buckets : undefined,
    ...(metric.deprecated ? { deprecated: metric.deprecated } : {}),
    aliases: metric.aliases,
    help: metric.help,
    authority: 'pack',
    silent: false,
    at,
  };
}

function common(type: KnownType, names: string, unit?: string): KnownMetric[] {
  return names.split(/\s+/).map((name) => ({
    name,
    type,
    unit,
    labels: new Map(),
    complete: false,
    buckets: undefined,
    aliases: [],
    help: '',
    authority: 'common',
    silent: false,
    at: undefined,
  }));
}

/** What Prometheus itself and the client libraries export. */
const COMMON: readonly KnownMetric[] = [
  ...common('gauge', 'up scrape_samples_scraped scrape_series_added ALERTS scrape_samples_post_metric_relabeling'),
  ...common('gauge', 'scrape_duration_seconds', 'seconds'),
  ...common('gauge', 'ALERTS_FOR_STATE process_start_time_seconds', 'timestamp'),
  ...common('counter', 'process_cpu_seconds_total', 'seconds'),
  ...common('gauge', 'process_resident_memory_bytes process_virtual_memory_bytes', 'bytes'),
  ...common('gauge', 'process_open_fds process_max_fds go_goroutines go_threads'),
  ...common(
    'gauge',
    `go_memstats_alloc_bytes go_memstats_sys_bytes go_memstats_heap_alloc_bytes go_memstats_heap_inuse_bytes
     go_memstats_heap_sys_bytes go_memstats_heap_idle_bytes go_memstats_stack_inuse_bytes`,
    'bytes',
  ),
  ...common('gauge', 'go_memstats_heap_objects'),
  ...common('summary', 'go_gc_duration_seconds', 'seconds'),
  ...common('counter', 'go_memstats_alloc_bytes_total', 'bytes'),
  ...common('info', 'go_info target_info'),
  ...common('counter', 'promhttp_metric_handler_requests_total'),
  ...common('gauge', 'go_memstats_gc_cpu_fraction', 'ratio').map((m) => ({
    ...m,
    deprecated: { reason: 'the Go client exports it no more since version 1.20' },
  })),
];
