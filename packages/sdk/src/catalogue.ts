/**
 * The catalogue: what a service exports, declared once. Instruments (what the service calls) and queries (what rules and
 * dashboards ask) are both made from these declarations, so neither can name a metric, label or value that is not there.
 */
import { BelfryError, isLegacyLabelName, isLegacyMetricName } from '@belfry/model';

/** What a sample counts. `ratio` is 0 to 1, `percent` 0 to 100; `count` is a number of things. */
export type Unit =
  | 'count'
  | 'seconds'
  | 'milliseconds'
  | 'bytes'
  | 'ratio'
  | 'percent'
  | 'timestamp'
  | 'celsius'
  | 'usd';

/** A label whose values are known. */
export interface ClosedLabel<V extends string = string> {
  readonly kind: 'closed';
  readonly values: readonly V[];
  readonly meaning?: string;
}

/** A label with values from outside: what they mean, and about how many there will be in one target. */
export interface OpenLabel {
  readonly kind: 'open';
  readonly meaning: string;
  readonly cardinality: number;
}

/** A label that only some series carry: absent unless the service is configured so (`when` says how). */
export interface ConditionalLabel<L extends ClosedLabel | OpenLabel = ClosedLabel | OpenLabel> {
  readonly kind: 'conditional';
  readonly label: L;
  readonly when: string;
}

export type Label = ClosedLabel | OpenLabel | ConditionalLabel;
export type LabelSet = Readonly<Record<string, Label>>;
// biome-ignore lint/complexity/noBannedTypes: no label at all, which Record<string, never> does not say under keyof
export type NoLabels = {};

/** A label that takes one of these values and no other. */
export function oneOf<const V extends string>(...values: readonly V[]): ClosedLabel<V> {
  return Object.freeze({ kind: 'closed', values: Object.freeze([...values]) });
}

/** A label with any value; `cardinality` is the expected number of values in one target. */
export function anyValue(meaning: string, cardinality: number): OpenLabel {
  return Object.freeze({ kind: 'open', meaning, cardinality });
}

/** `label`, carried only when the service is set up so. Queries must work without it. */
export function onlyWhen<L extends ClosedLabel | OpenLabel>(when: string, label: L): ConditionalLabel<L> {
  return Object.freeze({ kind: 'conditional', label, when });
}

export type Stability = 'stable' | 'experimental' | 'deprecated';

interface MetricCommon<L extends LabelSet> {
  readonly name: string;
  /** One sentence, ending in a full stop. */
  readonly help: string;
  readonly unit: Unit;
  readonly labels: L;
  readonly stability: Stability;
  /** Other names under which real exporters serve the same thing. */
  readonly aliases: readonly string[];
  readonly deprecated?: { readonly reason: string; readonly renamedTo?: string };
  /** The scrape job that exports it; set by {@link catalogue}. */
  readonly job: string;
  /** Other jobs export a metric of this name too, so that queries have to name the job. */
  readonly shared: boolean;
}

export interface Counter<L extends LabelSet = LabelSet> extends MetricCommon<L> {
  readonly kind: 'counter';
}
export interface Gauge<L extends LabelSet = LabelSet> extends MetricCommon<L> {
  readonly kind: 'gauge';
}
/** A classic histogram: upper bounds ascending, in `unit`, without +Inf. */
export interface Histogram<L extends LabelSet = LabelSet> extends MetricCommon<L> {
  readonly kind: 'histogram';
  readonly buckets: readonly number[];
}
/** A constant 1 whose labels tell something. */
export interface Info<L extends LabelSet = LabelSet> extends MetricCommon<L> {
  readonly kind: 'info';
}
/** Quantiles calculated in the service, without a way to aggregate them. For what other libraries export. */
export interface Summary<L extends LabelSet = LabelSet> extends MetricCommon<L> {
  readonly kind: 'summary';
  readonly quantiles: readonly number[];
}

export type Metric<L extends LabelSet = LabelSet> = Counter<L> | Gauge<L> | Histogram<L> | Info<L> | Summary<L>;
/** Any metric, whatever its labels: for code that does not look at them. */
// biome-ignore lint/suspicious/noExplicitAny: label sets are invariant; `any` is the only top
export type AnyMetric = Metric<any>;
// biome-ignore lint/suspicious/noExplicitAny: as AnyMetric
export type AnyHistogram = Histogram<any>;

export interface BareMetricOptions {
  readonly name: string;
  readonly help: string;
  readonly unit?: Unit;
  readonly labels?: undefined;
  readonly stability?: Stability;
  readonly aliases?: readonly string[];
  readonly deprecated?: { readonly reason: string; readonly renamedTo?: string };
  readonly shared?: boolean;
}

export interface MetricOptions<L extends LabelSet> extends Omit<BareMetricOptions, 'labels'> {
  readonly labels: L;
}

interface Buckets {
  readonly buckets: readonly number[];
}
interface Quantiles {
  readonly quantiles: readonly number[];
}
type AnyOptions = BareMetricOptions | MetricOptions<LabelSet>;

function common(options: AnyOptions): MetricCommon<LabelSet> {
  const { name, help, unit = 'count', labels = {}, aliases = [], shared = false } = options;
  if (!isLegacyMetricName(name)) throw new BelfryError('bad_data', `metric name ${JSON.stringify(name)} is not valid`);
  for (const label of Object.keys(labels)) {
    if (!isLegacyLabelName(label) || label.startsWith('__')) {
      throw new BelfryError('bad_data', `${name}: label name ${JSON.stringify(label)} is not valid`);
    }
  }
  return {
    name,
    help,
    unit,
    labels,
    stability: options.stability ?? (options.deprecated ? 'deprecated' : 'stable'),
    aliases,
    ...(options.deprecated ? { deprecated: options.deprecated } : {}),
    job: '',
    shared,
  };
}

/** Only ever rises, and begins anew at 0 with the process. @throws BelfryError `bad_data` for an invalid name */
export function counter(options: BareMetricOptions): Counter<NoLabels>;
export function counter<const L extends LabelSet>(options: MetricOptions<L>): Counter<L>;
export function counter(options: AnyOptions): Counter {
  return Object.freeze({ kind: 'counter', ...common(options) });
}

/** Goes up and down. @throws BelfryError `bad_data` for an invalid name */
export function gauge(options: BareMetricOptions): Gauge<NoLabels>;
export function gauge<const L extends LabelSet>(options: MetricOptions<L>): Gauge<L>;
export function gauge(options: AnyOptions): Gauge {
  return Object.freeze({ kind: 'gauge', ...common(options) });
}

/**
 * Counts observations in buckets.
 * @throws BelfryError `bad_data` for an invalid name, or bounds that do not ascend
 */
export function histogram(options: BareMetricOptions & Buckets): Histogram<NoLabels>;
export function histogram<const L extends LabelSet>(options: MetricOptions<L> & Buckets): Histogram<L>;
export function histogram(options: AnyOptions & Buckets): Histogram {
  const { buckets, name } = options;
  if (buckets.length === 0 || buckets.some((b, i) => !Number.isFinite(b) || (i > 0 && b <= buckets[i - 1]!))) {
    throw new BelfryError('bad_data', `${name}: bucket bounds must be finite and ascend: ${buckets.join(', ')}`);
  }
  return Object.freeze({ kind: 'histogram', ...common(options), buckets: Object.freeze([...buckets]) });
}

/** @throws BelfryError `bad_data` for an invalid name */
export function info(options: BareMetricOptions): Info<NoLabels>;
export function info<const L extends LabelSet>(options: MetricOptions<L>): Info<L>;
export function info(options: AnyOptions): Info {
  return Object.freeze({ kind: 'info', ...common(options) });
}

/** @throws BelfryError `bad_data` for an invalid name */
export function summary(options: BareMetricOptions & Quantiles): Summary<NoLabels>;
export function summary<const L extends LabelSet>(options: MetricOptions<L> & Quantiles): Summary<L>;
export function summary(options: AnyOptions & Quantiles): Summary {
  return Object.freeze({ kind: 'summary', ...common(options), quantiles: options.quantiles });
}

export type MetricSet = Readonly<Record<string, AnyMetric>>;

/** The metrics of one scrape job, by the name that code uses for them. */
export interface Catalogue<M extends MetricSet = MetricSet> {
  readonly kind: 'catalogue';
  readonly job: string;
  readonly metrics: M;
}

/**
 * The metrics of `job`. Each gets its owner.
 * @throws BelfryError `conflict` when two metrics would serve the same series name
 */
export function catalogue<const M extends MetricSet>(job: string, metrics: M): Catalogue<M> {
  const owned: Record<string, AnyMetric> = {};
  const names = new Map<string, string>();
  for (const [key, metric] of Object.entries(metrics)) {
    for (const name of seriesNames(metric)) {
      const other = names.get(name);
      if (other) throw new BelfryError('conflict', `${job}: ${key} and ${other} both export ${name}`);
      names.set(name, key);
    }
    owned[key] = Object.freeze({ ...metric, job });
  }
  return Object.freeze({ kind: 'catalogue', job, metrics: Object.freeze(owned) as M });
}

/** The names of the series that a metric serves. */
export function seriesNames(metric: AnyMetric): readonly string[] {
  const { name } = metric;
  if (metric.kind === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  if (metric.kind === 'summary') return [name, `${name}_sum`, `${name}_count`];
  return [name];
}

/** Every metric of a catalogue. */
export function metricsOf(of: Catalogue): readonly AnyMetric[] {
  return Object.values(of.metrics);
}

type ValueOf<S> =
  S extends ClosedLabel<infer V>
    ? V
    : S extends OpenLabel
      ? string
      : S extends ConditionalLabel<infer I>
        ? ValueOf<I>
        : never;
type ConditionalNames<L> = { [K in keyof L]: L[K] extends ConditionalLabel ? K : never }[keyof L];

/** The label values that an instrument takes: closed ones as their union, conditional ones optional. */
export type LabelValues<L extends LabelSet> = {
  readonly [K in Exclude<keyof L, ConditionalNames<L>>]: ValueOf<L[K]>;
} & { readonly [K in ConditionalNames<L>]?: ValueOf<L[K]> | undefined };

/** The value a query may compare label `K` with. */
export type QueryValue<L extends LabelSet, K extends keyof L> = ValueOf<L[K]>;

/** Names of the labels, as text. */
export type LabelName<L extends LabelSet> = Extract<keyof L, string>;

/** The declaration under a condition, or the label itself. */
export function plainLabel(label: Label): ClosedLabel | OpenLabel {
  return label.kind === 'conditional' ? label.label : label;
}

/** About how many series one target serves of this metric. */
export function expectedSeries(metric: AnyMetric): number {
  let combinations = 1;
  for (const label of Object.values(metric.labels as LabelSet)) {
    const plain = plainLabel(label);
    combinations *= plain.kind === 'closed' ? plain.values.length : plain.cardinality;
  }
  if (metric.kind === 'histogram') return combinations * (metric.buckets.length + 3);
  if (metric.kind === 'summary') return combinations * (metric.quantiles.length + 2);
  return combinations;
}
