/** One series through one leaf operation, for all steps of the grid: what leaves and subqueries share. */
import { BelfryError, type FloatHistogram, isStaleNaN, type Labels, metricName } from '@belfry/model';
import { note } from './annotations.ts';
import { type Columns, FLOAT, HISTOGRAM, type StepGrid } from './columns.ts';
import { detectReset } from './histogram-arithmetic.ts';
import { usesCustomBuckets, withHint } from './histogram-buckets.ts';
import type { LeafOperation, SeriesSamples } from './storage.ts';
import { FLOAT_KERNELS, placeWindows, type WindowGeometry } from './window-kernels.ts';
import {
  evaluateWindow,
  interpolate,
  interpolateHistogram,
  type MixedContext,
  type MixedWindow,
  type SplitSeries,
} from './window-mixed.ts';

export type OverTime = Extract<LeafOperation, { kind: 'over-time' }>;
export type Instant = Extract<LeafOperation, { kind: 'instant' }>;

const FIRST_ROWS = 64;

/** Columns that grow by rows. */
export interface ColumnsWriter {
  readonly grid: StepGrid;
  readonly labels: Labels[];
  values: Float64Array;
  present: Uint8Array;
  histograms: Map<number, FloatHistogram> | undefined;
  rows: number;
  /** Cells that hold something. */
  cells: number;
}

export function newWriter(grid: StepGrid): ColumnsWriter {
  const capacity = FIRST_ROWS * grid.count;
  return {
    grid,
    labels: [],
    values: new Float64Array(capacity),
    present: new Uint8Array(capacity),
    histograms: undefined,
    rows: 0,
    cells: 0,
  };
}

/** Index of the first cell of the next row, which is empty. */
export function nextRow(w: ColumnsWriter): number {
  const base = w.rows * w.grid.count;
  if (base + w.grid.count > w.present.length) {
    const capacity = Math.max(w.present.length * 2, base + w.grid.count);
    const values = new Float64Array(capacity);
    values.set(w.values);
    const present = new Uint8Array(capacity);
    present.set(w.present);
    w.values = values;
    w.present = present;
  }
  return base;
}

/** Keeps the row written last if there is anything in it. */
export function endRow(w: ColumnsWriter, labels: Labels): void {
  const base = w.rows * w.grid.count;
  const end = base + w.grid.count;
  let cells = 0;
  for (let i = base; i < end; i++) if (w.present[i] !== 0) cells++;
  if (cells === 0) return;
  w.labels.push(labels);
  w.rows++;
  w.cells += cells;
}

export function putHistogram(w: ColumnsWriter, cell: number, h: FloatHistogram): void {
  w.histograms ??= new Map();
  w.histograms.set(cell, h);
  w.present[cell] = HISTOGRAM;
}

export function finishColumns(w: ColumnsWriter, dropName: boolean): Columns {
  const cells = w.rows * w.grid.count;
  const exact = w.present.length === cells;
  return {
    grid: w.grid,
    labels: w.labels,
    values: exact ? w.values : w.values.slice(0, cells),
    present: exact ? w.present : w.present.slice(0, cells),
    ...(w.histograms ? { histograms: w.histograms } : {}),
    ...(dropName ? { dropName: new Uint8Array(w.rows).fill(1) } : {}),
  };
}

const NO_TIMES = new Float64Array(0);
const NO_HISTOGRAMS: readonly FloatHistogram[] = [];

/** Takes stale markers out and histograms apart. Does not copy what is floats throughout. */
export function splitSeries(s: SeriesSamples, useStarts: boolean, stats = false): SplitSeries {
  const metric = metricName(s.labels);
  const starts =
    useStarts && s.startTimestamps && someNonZero(s.startTimestamps, s.count) ? s.startTimestamps : undefined;
  if (!s.histograms && !hasStale(s.values, s.count)) {
    return {
      metric,
      floats: s.count,
      ts: s.timestamps,
      vs: s.values,
      starts,
      histograms: 0,
      hts: NO_TIMES,
      hs: NO_HISTOGRAMS,
    };
  }
  const ts: number[] = [];
  const vs = new Float64Array(s.count);
  const hts: number[] = [];
  const hs: FloatHistogram[] = [];
  const st: number[] = [];
  const hst: number[] = [];
  for (let i = 0; i < s.count; i++) {
    const h = s.histograms?.[i];
    if (h) {
      if (isStaleNaN(h.sum)) continue;
      hts.push(s.timestamps[i]!);
      hs.push(stats ? withDetectedHint(h, hs[hs.length - 1]) : h);
      if (starts) hst.push(starts[i]!);
    } else if (!isStaleNaN(s.values[i]!)) {
      vs[ts.length] = s.values[i]!;
      ts.push(s.timestamps[i]!);
      if (starts) st.push(starts[i]!);
    }
  }
  return {
    metric,
    floats: ts.length,
    ts: Float64Array.from(ts),
    vs,
    starts: starts && Float64Array.from(st),
    histograms: hs.length,
    hts: Float64Array.from(hts),
    hs,
    hstarts: starts && Float64Array.from(hst),
  };
}

/** With what is not known of counter resets found out from the histogram before. */
function withDetectedHint(h: FloatHistogram, before: FloatHistogram | undefined): FloatHistogram {
  if (h.counterResetHint !== 'unknown' || !before) return h;
  return withHint(h, detectReset(h, before) ? 'reset' : 'not_reset');
}

function someNonZero(values: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) if (values[i] !== 0) return true;
  return false;
}

function hasStale(values: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const v = values[i]!;
    if (v !== v && isStaleNaN(v)) return true;
  }
  return false;
}

/** Working memory of one evaluation, one entry a step. */
export interface Scratch {
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  readonly hlo: Int32Array;
  readonly hhi: Int32Array;
  readonly notes: Set<string>;
}

export function newScratch(count: number): Scratch {
  return {
    lo: new Int32Array(count),
    hi: new Int32Array(count),
    hlo: new Int32Array(count),
    hhi: new Int32Array(count),
    notes: new Set(),
  };
}

/** Writes the next row of `w` and keeps it if it is not empty. Returns how many samples were looked at. */
export function overTimeRow(
  w: ColumnsWriter,
  s: SeriesSamples,
  op: OverTime,
  g: WindowGeometry,
  scratch: Scratch,
): number {
  const split = splitSeries(s, op.useStartTimestamps === true, op.histogramStats);
  const before = op.extended ? op.lookbackMs : 0;
  const after = op.extended === 'smoothed' ? op.lookbackMs : 0;
  let samples = 0;
  if (split.floats > 0) samples += placeWindows(split.ts, split.floats, g, before, after, scratch.lo, scratch.hi);
  if (split.histograms > 0)
    samples += placeWindows(split.hts, split.histograms, g, before, after, scratch.hlo, scratch.hhi);
  if (samples === 0) return 0;
  const base = nextRow(w);
  if (split.histograms === 0 && !split.starts && !op.extended) {
    if (op.func === 'double_exponential_smoothing') checkFactors(scratch, g.count, op.params);
    const kernel = FLOAT_KERNELS[op.func]!;
    kernel(split.ts, split.vs, scratch.lo, scratch.hi, g.count, w.values, w.present, base, g, op.params);
  } else mixedRow(w, split, op, g, scratch, base);
  if (op.func === 'quantile_over_time') noteQuantiles(w, base, op.params[0]!, scratch.notes);
  endRow(w, s.labels);
  return samples;
}

function mixedRow(
  w: ColumnsWriter,
  s: SplitSeries,
  op: OverTime,
  g: WindowGeometry,
  scratch: Scratch,
  base: number,
): void {
  const { func, rangeMs, params, extended } = op;
  const context: MixedContext = { func, rangeMs, params, extended, notes: scratch.notes };
  const at: MixedWindow = { lo: 0, hi: 0, hlo: 0, hhi: 0, step: 0, stepMs: 0, startMs: 0, endMs: 0 };
  if (func === 'double_exponential_smoothing') checkFactors(scratch, g.count, params);
  for (let j = 0; j < g.count; j++) {
    at.lo = s.floats > 0 ? scratch.lo[j]! : 0;
    at.hi = s.floats > 0 ? scratch.hi[j]! : 0;
    at.hlo = s.histograms > 0 ? scratch.hlo[j]! : 0;
    at.hhi = s.histograms > 0 ? scratch.hhi[j]! : 0;
    if (at.lo === at.hi && at.hlo === at.hhi) continue;
    at.step = j;
    at.stepMs = g.startMs + j * g.stepMs;
    at.endMs = g.endMs + j * g.endStepMs;
    at.startMs = at.endMs - rangeMs;
    const value = evaluateWindow(s, at, context);
    if (value === undefined) continue;
    if (typeof value === 'number') {
      w.values[base + j] = value;
      w.present[base + j] = FLOAT;
    } else putHistogram(w, base + j, value);
  }
}

function noteQuantiles(w: ColumnsWriter, base: number, q: Float64Array, notes: Set<string>): void {
  for (let j = 0; j < q.length; j++) {
    if (!(q[j]! >= 0 && q[j]! <= 1) && w.present[base + j] !== 0) notes.add(note.invalidQuantile(q[j]!));
  }
}

function checkFactors(scratch: Scratch, count: number, params: readonly Float64Array[]): void {
  const names = ['smoothing', 'trend'];
  for (let j = 0; j < count; j++) {
    if (scratch.lo[j] === scratch.hi[j] && scratch.hlo[j] === scratch.hhi[j]) continue;
    for (let k = 0; k < 2; k++) {
      const f = params[k]![j]!;
      if (f > 0 && f < 1) continue;
      if (Number.isNaN(f)) continue;
      const short = k === 0 ? 'sf' : 'tf';
      const message = `invalid ${names[k]} factor. Expected: 0 < ${short} < 1, got: ${f.toFixed(6)}`;
      throw new BelfryError('query_execution', message);
    }
  }
}

/** The newest sample within the lookback at every step. Returns how many samples were taken. */
export function instantRow(w: ColumnsWriter, s: SeriesSamples, op: Instant, firstMs: number, stepMs: number): number {
  const base = nextRow(w);
  const { count } = w.grid;
  if (op.emit === 'start-timestamp' && !s.startTimestamps) return 0;
  if (s.histograms || op.emit) instantMixed(w, s, op, firstMs, stepMs, base);
  else instantFloats(s.timestamps, s.values, s.count, firstMs, stepMs, count, op.lookbackMs, w.values, w.present, base);
  const before = w.cells;
  endRow(w, s.labels);
  return w.cells - before;
}

function instantFloats(
  ts: Float64Array,
  vs: Float64Array,
  n: number,
  firstMs: number,
  stepMs: number,
  count: number,
  lookbackMs: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
): void {
  let next = 0;
  let t = firstMs;
  for (let j = 0; j < count; j++, t += stepMs) {
    while (next < n && ts[next]! <= t) next++;
    if (next === 0 || ts[next - 1]! <= t - lookbackMs) continue;
    const v = vs[next - 1]!;
    if (v !== v && isStaleNaN(v)) continue;
    out[base + j] = v;
    present[base + j] = FLOAT;
  }
}

function instantMixed(
  w: ColumnsWriter,
  s: SeriesSamples,
  op: Instant,
  firstMs: number,
  stepMs: number,
  base: number,
): void {
  let next = 0;
  let t = firstMs;
  for (let j = 0; j < w.grid.count; j++, t += stepMs) {
    while (next < s.count && s.timestamps[next]! <= t) next++;
    const i = next - 1;
    if (i < 0 || s.timestamps[i]! <= t - op.lookbackMs) continue;
    const h = s.histograms?.[i];
    if (isStaleNaN(h ? h.sum : s.values[i]!)) continue;
    if (op.emit && !(h && op.emit === 'float-timestamp')) {
      w.values[base + j] = (op.emit === 'start-timestamp' ? s.startTimestamps![i]! : s.timestamps[i]!) / 1000;
      w.present[base + j] = FLOAT;
    } else if (h) putHistogram(w, base + j, op.histogramStats ? withDetectedHint(h, histogramBefore(s, i)) : h);
    else {
      w.values[base + j] = s.values[i]!;
      w.present[base + j] = FLOAT;
    }
  }
}

function histogramBefore(s: SeriesSamples, i: number): FloatHistogram | undefined {
  for (let k = i - 1; k >= 0; k--) {
    const h = s.histograms![k];
    if (h && !isStaleNaN(h.sum)) return h;
  }
  return undefined;
}

/** `selector smoothed`: the value at each step between the samples around it; past the last one, that. */
export function smoothedRow(
  w: ColumnsWriter,
  series: SeriesSamples,
  op: Instant,
  firstMs: number,
  stepMs: number,
  scratch: Scratch,
): number {
  const s = splitSeries(series, false);
  const { count } = w.grid;
  const g = { count, startMs: firstMs, stepMs, endMs: firstMs, endStepMs: stepMs, rangeMs: op.lookbackMs };
  placeWindows(s.ts, s.floats, g, 0, op.lookbackMs, scratch.lo, scratch.hi);
  placeWindows(s.hts, s.histograms, g, 0, op.lookbackMs, scratch.hlo, scratch.hhi);
  const base = nextRow(w);
  for (let j = 0; j < count; j++) {
    const t = firstMs + j * stepMs;
    const floats = scratch.hi[j]! > scratch.lo[j]!;
    const histograms = scratch.hhi[j]! > scratch.hlo[j]!;
    if (floats && histograms) scratch.notes.add(note.mixedFloatsHistograms(s.metric));
    else if (floats) smoothFloat(w, s, scratch.lo[j]!, scratch.hi[j]!, t, base + j);
    else if (histograms) smoothHistogram(w, s, scratch.hlo[j]!, scratch.hhi[j]!, t, base + j, scratch.notes);
  }
  const before = w.cells;
  endRow(w, series.labels);
  return w.cells - before;
}

function smoothFloat(w: ColumnsWriter, s: SplitSeries, lo: number, hi: number, t: number, cell: number): void {
  let i = lo;
  while (i < hi && s.ts[i]! < t) i++;
  if (i < hi && s.ts[i] === t) w.values[cell] = s.vs[i]!;
  else if (i === lo) return;
  else w.values[cell] = i < hi ? interpolate(s.ts, s.vs, i - 1, t, false) : s.vs[i - 1]!;
  w.present[cell] = FLOAT;
}

function smoothHistogram(
  w: ColumnsWriter,
  s: SplitSeries,
  lo: number,
  hi: number,
  t: number,
  cell: number,
  notes: Set<string>,
): void {
  let i = lo;
  while (i < hi && s.hts[i]! < t) i++;
  if (i < hi && s.hts[i] === t) {
    putHistogram(w, cell, s.hs[i]!);
    return;
  }
  if (i === lo) return;
  const before = s.hs[i - 1]!;
  if (i === hi) {
    // A hint tells of two samples in sequence; this one is carried on beyond its place.
    putHistogram(w, cell, withHint(before, 'unknown'));
    return;
  }
  const after = s.hs[i]!;
  if (usesCustomBuckets(before) !== usesCustomBuckets(after)) {
    notes.add(note.mixedSchemas(s.metric));
    return;
  }
  const counter = before.counterResetHint !== 'gauge' || after.counterResetHint !== 'gauge';
  const between = interpolateHistogram(s, i - 1, t, counter, { notes });
  if (between) putHistogram(w, cell, between);
}
