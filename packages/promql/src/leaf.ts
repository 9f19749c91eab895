import { BelfryError, type Clock, type FloatHistogram, isStaleNaN, type Labels, type Matcher } from '@belfry/model';
import type { StepGrid } from './columns.ts';
import {
  type ColumnsWriter,
  finishColumns,
  instantRow,
  newScratch,
  newWriter,
  overTimeRow,
  smoothedRow,
} from './leaf-series.ts';
import type { LeafPlan, LeafResult, Queryable, RawSeries, SampleSource } from './storage.ts';
import type { WindowGeometry } from './window-kernels.ts';

export interface QueryableOptions {
  readonly clock: Clock;
  /** How long evaluation may hold the thread before it gives way; only with `yieldNow`. Milliseconds, 4 unless told. */
  readonly sliceMs?: number;
  /** Resolves after the event loop has gone round, e.g. by `setImmediate`. Absent: a leaf is evaluated in one go. */
  readonly yieldNow?: () => Promise<void>;
}

const DEFAULT_SLICE_MS = 4;

/** Functions that keep the metric's name, as a shift in time would. */
const KEEPS_NAME: ReadonlySet<string> = new Set(['last_over_time', 'first_over_time']);

/** A source in this thread as what the engine asks of a store, evaluated in slices. */
export function queryable(source: SampleSource, options: QueryableOptions): Queryable {
  return {
    leaf: (plan, signal) => runSliced(leafSteps(plan, source), options, signal),
    raw: (matchers, afterMs, untilMs, maxSamples, signal) =>
      runSliced(rawSteps(source, matchers, afterMs, untilMs, maxSamples), options, signal),
    series: async (sets, minMs, maxMs, limit, signal) => {
      signal?.throwIfAborted();
      return source.series(sets, minMs, maxMs, limit);
    },
    labelNames: async (sets, minMs, maxMs, limit, signal) => {
      signal?.throwIfAborted();
      return source.labelNames(sets, minMs, maxMs, limit);
    },
    labelValues: async (name, sets, minMs, maxMs, limit, signal) => {
      signal?.throwIfAborted();
      return source.labelValues(name, sets, minMs, maxMs, limit);
    },
    exemplars: async (sets, minMs, maxMs, signal) => {
      signal?.throwIfAborted();
      return source.exemplars?.(sets, minMs, maxMs) ?? [];
    },
  };
}

/** @throws BelfryError `query_too_many_samples`, `query_execution`, and what the source throws */
export function evaluateLeaf(plan: LeafPlan, source: SampleSource): LeafResult {
  const steps = leafSteps(plan, source);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Runs to the end, giving way to the event loop between steps when the slice is used up. */
async function runSliced<T>(
  steps: Generator<void, T>,
  { clock, sliceMs = DEFAULT_SLICE_MS, yieldNow }: QueryableOptions,
  signal: AbortSignal | undefined,
): Promise<T> {
  let sliceStart = clock.monotonic();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = steps.next();
      if (step.done) return step.value;
      if (!yieldNow) continue;
      if (clock.monotonic() - sliceStart < sliceMs) continue;
      await yieldNow();
      sliceStart = clock.monotonic();
    }
  } finally {
    // Lets go of the source's iterator when evaluation ended early.
    steps.return(undefined as never);
  }
}

export function tooManySamples(): BelfryError {
  const message = 'query processing would load too many samples into memory in query execution';
  return new BelfryError('query_too_many_samples', message);
}

/** The leaf, one series a step. */
export function* leafSteps(plan: LeafPlan, source: SampleSource): Generator<void, LeafResult> {
  const { grid, operation: op } = plan;
  if (grid.count <= 0) return emptyResult(grid);
  const g = geometryOf(plan);
  const w = newWriter(grid);
  const scratch = newScratch(grid.count);
  const reach = op.kind === 'instant' ? op.lookbackMs : op.rangeMs + (op.extended ? op.lookbackMs : 0);
  const ahead = (op.kind === 'instant' ? op.smoothed : op.extended === 'smoothed') ? op.lookbackMs : 0;
  const lastEndMs = g.endMs + (grid.count - 1) * g.endStepMs;
  const hints = { stepMs: grid.stepMs, rangeMs: g.rangeMs, func: op.kind === 'over-time' ? op.func : '' };
  let samples = 0;
  for (const series of source.select(plan.matchers, g.endMs - reach + 1, lastEndMs + ahead, hints)) {
    if (op.kind === 'over-time') samples += overTimeRow(w, series, op, g, scratch);
    else if (op.smoothed) samples += smoothedRow(w, series, op, g.endMs, g.endStepMs, scratch);
    else samples += instantRow(w, series, op, g.endMs, g.endStepMs);
    checkSamples(w, plan.maxSamples);
    yield;
  }
  const messages = [...scratch.notes];
  return {
    columns: finishColumns(w, op.kind === 'over-time' && !KEEPS_NAME.has(op.func)),
    samples,
    warnings: messages.filter((m) => !m.startsWith('PromQL info')),
    infos: messages.filter((m) => m.startsWith('PromQL info')),
  };
}

function geometryOf(plan: LeafPlan): WindowGeometry {
  const { grid, operation: op } = plan;
  return {
    count: grid.count,
    startMs: grid.startMs,
    stepMs: grid.stepMs,
    endMs: (plan.atMs ?? grid.startMs) - plan.offsetMs,
    endStepMs: plan.atMs === undefined ? grid.stepMs : 0,
    rangeMs: op.kind === 'instant' ? op.lookbackMs : op.rangeMs,
  };
}

/** A native histogram weighs as much as this many floats when samples are limited. */
const HISTOGRAM_WEIGHT = 10;

/** Columns have room for every step, so even a result that is mostly gaps may be this many times the limit at most. */
const MAX_SPARSENESS = 4;

function checkSamples(w: ColumnsWriter, maxSamples: number): void {
  const histograms = w.histograms ? w.histograms.size * HISTOGRAM_WEIGHT : 0;
  if (w.cells + histograms > maxSamples || w.rows * w.grid.count > maxSamples * MAX_SPARSENESS) throw tooManySamples();
}

function emptyResult(grid: StepGrid): LeafResult {
  return { columns: finishColumns(newWriter(grid), false), samples: 0, warnings: [], infos: [] };
}

function* rawSteps(
  source: SampleSource,
  matchers: readonly Matcher[],
  afterMs: number,
  untilMs: number,
  maxSamples: number,
): Generator<void, RawSeries[]> {
  const all: RawSeries[] = [];
  let samples = 0;
  for (const s of source.select(matchers, afterMs + 1, untilMs)) {
    const one = copySeries(s, afterMs, untilMs);
    samples += one.timestamps.length;
    if (samples > maxSamples) throw tooManySamples();
    if (one.timestamps.length > 0) all.push(one);
    yield;
  }
  return all;
}

function copySeries(
  s: { labels: Labels; count: number; timestamps: Float64Array; values: Float64Array } & Pick<RawSeries, 'histograms'>,
  afterMs: number,
  untilMs: number,
): RawSeries {
  const timestamps = new Float64Array(s.count);
  const values = new Float64Array(s.count);
  const histograms: (FloatHistogram | undefined)[] = [];
  let n = 0;
  let someHistograms = false;
  for (let i = 0; i < s.count; i++) {
    const h = s.histograms?.[i];
    if (s.timestamps[i]! <= afterMs || s.timestamps[i]! > untilMs || isStaleNaN(h ? h.sum : s.values[i]!)) continue;
    timestamps[n] = s.timestamps[i]!;
    values[n] = h ? 0 : s.values[i]!;
    histograms[n] = h;
    someHistograms ||= h !== undefined;
    n++;
  }
  return {
    labels: s.labels,
    timestamps: timestamps.slice(0, n),
    values: values.slice(0, n),
    ...(someHistograms ? { histograms } : {}),
  };
}
