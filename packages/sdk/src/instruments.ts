/**
 * Instruments from a catalogue, over prom-client. TypeScript checks label names and closed values where they are used;
 * a service cannot record what its catalogue does not declare.
 */
import { assert } from '@belfry/model';
import * as prom from 'prom-client';
import type {
  AnyMetric,
  Catalogue,
  ClosedLabel,
  Counter,
  Gauge,
  Histogram,
  Info,
  LabelSet,
  LabelValues,
  MetricSet,
  Summary,
} from './catalogue.ts';

/** Nothing to pass for a metric without labels, else its values. */
type Labelled<L extends LabelSet> = keyof L extends never ? readonly [] : readonly [labels: LabelValues<L>];

export interface CounterInstrument<L extends LabelSet> {
  /** Adds one. */
  inc(...labels: Labelled<L>): void;
  /** Adds `by` >= 0. */
  add(by: number, ...labels: Labelled<L>): void;
  /** Lets the series exist at 0, so that its first event is seen as a rise. */
  init(...labels: Labelled<L>): void;
  /** Ends the series with these labels: for things that are gone for good. */
  remove(...labels: Labelled<L>): void;
}

export interface GaugeInstrument<L extends LabelSet> {
  set(value: number, ...labels: Labelled<L>): void;
  add(by: number, ...labels: Labelled<L>): void;
  /** Ends the series with these labels. */
  remove(...labels: Labelled<L>): void;
}

export interface HistogramInstrument<L extends LabelSet> {
  /** `value` in the metric's unit. */
  observe(value: number, ...labels: Labelled<L>): void;
  /** Ends the series with these labels. */
  remove(...labels: Labelled<L>): void;
}

export interface InfoInstrument<L extends LabelSet> {
  set(...labels: Labelled<L>): void;
}

export interface SummaryInstrument<L extends LabelSet> {
  observe(value: number, ...labels: Labelled<L>): void;
}

export type Instrument<M extends AnyMetric> =
  M extends Counter<infer L>
    ? CounterInstrument<L>
    : M extends Gauge<infer L>
      ? GaugeInstrument<L>
      : M extends Histogram<infer L>
        ? HistogramInstrument<L>
        : M extends Info<infer L>
          ? InfoInstrument<L>
          : M extends Summary<infer L>
            ? SummaryInstrument<L>
            : never;

export type Instruments<M extends MetricSet> = { readonly [K in keyof M]: Instrument<M[K]> };

/** A registry of prom-client, which the caller serves. */
export type InstrumentRegistry = prom.Registry;

export function createRegistry(): InstrumentRegistry {
  return new prom.Registry();
}

/**
 * Registers every metric of the catalogue with `registry` and gives the typed instruments, under the catalogue's keys.
 * Counters whose labels are all closed start at 0 for every combination (up to {@link MAX_INITIAL_SERIES}), so that the
 * first event is not lost to `rate`; conditional labels are left out there. A label given as `undefined` is left out too.
 */
export function instruments<M extends MetricSet>(of: Catalogue<M>, registry: InstrumentRegistry): Instruments<M> {
  const made: Record<string, unknown> = {};
  for (const [key, metric] of Object.entries(of.metrics)) made[key] = instrument(metric, registry);
  return made as Instruments<M>;
}

/** Series of one counter that exist from the start; a counter with more combinations begins empty. */
export const MAX_INITIAL_SERIES = 64;

type PromLabels = Record<string, string>;
const NONE: PromLabels = {};

function present(labels: PromLabels | undefined): PromLabels {
  if (!labels) return NONE;
  for (const name in labels) if (labels[name] === undefined) return withoutUndefined(labels);
  return labels;
}

function withoutUndefined(labels: PromLabels): PromLabels {
  return Object.fromEntries(Object.entries(labels).filter(([, v]) => v !== undefined));
}

function instrument(metric: AnyMetric, registry: prom.Registry): unknown {
  const labelNames = Object.keys(metric.labels);
  const base = { name: metric.name, help: metric.help, labelNames, registers: [registry] };
  switch (metric.kind) {
    case 'counter':
      return counterInstrument(metric, new prom.Counter(base));
    case 'gauge': {
      const gauge = new prom.Gauge(base);
      return {
        set: (value: number, labels?: PromLabels) => gauge.set(present(labels), value),
        add: (by: number, labels?: PromLabels) => gauge.inc(present(labels), by),
        remove: (labels?: PromLabels) => gauge.remove(present(labels)),
      };
    }
    case 'histogram': {
      const histogram = new prom.Histogram({ ...base, buckets: [...metric.buckets] });
      return {
        observe: (value: number, labels?: PromLabels) => histogram.observe(present(labels), value),
        remove: (labels?: PromLabels) => histogram.remove(present(labels)),
      };
    }
    case 'info': {
      const gauge = new prom.Gauge(base);
      return { set: (labels?: PromLabels) => gauge.set(present(labels), 1) };
    }
    case 'summary': {
      const summary = new prom.Summary({ ...base, percentiles: [...metric.quantiles] });
      return { observe: (value: number, labels?: PromLabels) => summary.observe(present(labels), value) };
    }
  }
}

function counterInstrument(metric: AnyMetric, counter: prom.Counter): CounterInstrument<LabelSet> {
  for (const labels of initialCombinations(metric)) counter.inc(labels, 0);
  const add = (by: number, labels?: PromLabels) => {
    assert(by >= 0, `${metric.name} is a counter and cannot fall by ${by}`);
    counter.inc(present(labels), by);
  };
  return {
    inc: (labels?: PromLabels) => add(1, labels),
    add,
    init: (labels?: PromLabels) => add(0, labels),
    remove: (labels?: PromLabels) => counter.remove(present(labels)),
  } as CounterInstrument<LabelSet>;
}

function initialCombinations(metric: AnyMetric): PromLabels[] {
  let combinations: PromLabels[] = [{}];
  for (const [name, label] of Object.entries(metric.labels as LabelSet)) {
    if (label.kind === 'conditional') continue;
    if (label.kind !== 'closed') return [];
    const { values } = label as ClosedLabel;
    combinations = combinations.flatMap((c) => values.map((value) => ({ ...c, [name]: value })));
    if (combinations.length > MAX_INITIAL_SERIES) return [];
  }
  return combinations;
}
