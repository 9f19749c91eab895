/**
 * Functions over time windows where the quick loops of window-kernels.ts do not suffice: series with native histograms,
 * with start timestamps, or with windows extended by `anchored` or `smoothed`. One window at a time.
 */
import type { FloatHistogram } from '@belfry/model';
import { note } from './annotations.ts';
import {
  addHistogram,
  BOUNDS_RECONCILED,
  detectReset,
  divideHistogram,
  hasOverflow,
  histogramsEqual,
  INCOMPATIBLE,
  kahanAddHistogram,
  newCompensation,
  scaleHistogram,
  subtractHistogram,
} from './histogram-arithmetic.ts';
import {
  compact,
  copyHistogram,
  copyToSchema,
  customBounds,
  type MutableHistogram,
  usesCustomBuckets,
} from './histogram-buckets.ts';
import { FLOAT_KERNELS } from './window-kernels.ts';

/** A series with its floats and histograms apart, stale markers gone. */
export interface SplitSeries {
  /** The metric's name, for annotations. */
  readonly metric: string;
  readonly floats: number;
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  /** Start timestamps, 0 where unknown; absent when not to be used. */
  readonly starts?: Float64Array | undefined;
  readonly histograms: number;
  readonly hts: Float64Array;
  readonly hs: readonly FloatHistogram[];
  readonly hstarts?: Float64Array | undefined;
}

/** One window: floats `lo` to `hi`, histograms `hlo` to `hhi` (exclusive ends), and what the function needs of the step. */
export interface MixedWindow {
  lo: number;
  hi: number;
  hlo: number;
  hhi: number;
  step: number;
  stepMs: number;
  /** The window without its extension: samples after `startMs` up to `endMs`. */
  startMs: number;
  endMs: number;
}

export interface MixedContext {
  readonly func: string;
  readonly rangeMs: number;
  readonly params: readonly Float64Array[];
  readonly extended: 'anchored' | 'smoothed' | undefined;
  readonly notes: Set<string>;
}

/** Nothing, a float, or a histogram. */
export type WindowValue = undefined | number | FloatHistogram;

export function evaluateWindow(s: SplitSeries, w: MixedWindow, c: MixedContext): WindowValue {
  switch (c.func) {
    case 'rate':
      return rateOf(s, w, c, true, true);
    case 'increase':
      return rateOf(s, w, c, true, false);
    case 'delta':
      return rateOf(s, w, c, false, false);
    case 'irate':
      return instantRate(s, w, c, true);
    case 'idelta':
      return instantRate(s, w, c, false);
    case 'avg_over_time':
    case 'sum_over_time':
      return sumOrMean(s, w, c);
    case 'count_over_time':
      return w.hi - w.lo + w.hhi - w.hlo;
    case 'present_over_time':
    case 'absent_over_time':
      return 1;
    case 'first_over_time':
      return w.hlo === w.hhi || (w.lo < w.hi && s.ts[w.lo]! < s.hts[w.hlo]!) ? s.vs[w.lo]! : s.hs[w.hlo]!;
    case 'last_over_time':
      return w.hlo === w.hhi || (w.lo < w.hi && s.hts[w.hhi - 1]! < s.ts[w.hi - 1]!)
        ? s.vs[w.hi - 1]!
        : s.hs[w.hhi - 1]!;
    case 'ts_of_first_over_time':
      return Math.min(w.lo < w.hi ? s.ts[w.lo]! : Infinity, w.hlo < w.hhi ? s.hts[w.hlo]! : Infinity) / 1000;
    case 'ts_of_last_over_time':
      return Math.max(w.lo < w.hi ? s.ts[w.hi - 1]! : -Infinity, w.hlo < w.hhi ? s.hts[w.hhi - 1]! : -Infinity) / 1000;
    case 'changes':
    case 'resets':
      return countTransitions(s, w, c);
    case 'deriv':
    case 'predict_linear':
    case 'double_exponential_smoothing':
      return floatsOnly(s, w, c, 2);
    default:
      return floatsOnly(s, w, c, 1);
  }
}

const oneLow = new Int32Array(1);
const oneHigh = new Int32Array(1);
const oneOut = new Float64Array(1);
const onePresent = new Uint8Array(1);

/** The quick loop, for this window's floats. */
function byKernel(s: SplitSeries, w: MixedWindow, c: MixedContext): WindowValue {
  oneLow[0] = w.lo;
  oneHigh[0] = w.hi;
  onePresent[0] = 0;
  const geometry = {
    count: 1,
    startMs: w.stepMs,
    stepMs: 0,
    endMs: w.endMs,
    endStepMs: 0,
    rangeMs: c.rangeMs,
  };
  const params = c.params.map((p) => p.subarray(w.step, w.step + 1));
  FLOAT_KERNELS[c.func]!(s.ts, s.vs, oneLow, oneHigh, 1, oneOut, onePresent, 0, geometry, params);
  return onePresent[0] === 0 ? undefined : oneOut[0]!;
}

/** Functions that know nothing of histograms: they leave them out and say so. */
function floatsOnly(s: SplitSeries, w: MixedWindow, c: MixedContext, least: number): WindowValue {
  const floats = w.hi - w.lo;
  if (floats === 0) return undefined;
  if (w.hhi > w.hlo) c.notes.add(note.ignoredInMixedRange(s.metric));
  return floats < least ? undefined : byKernel(s, w, c);
}

// --- Sums and means -------------------------------------------------------------------------------------------------

function sumOrMean(s: SplitSeries, w: MixedWindow, c: MixedContext): WindowValue {
  const floats = w.hi > w.lo;
  const histograms = w.hhi > w.hlo;
  if (floats && histograms) {
    c.notes.add(note.mixedFloatsHistograms(s.metric));
    return undefined;
  }
  if (floats) return byKernel(s, w, c);
  const list = s.hs.slice(w.hlo, w.hhi);
  const sum = c.func === 'sum_over_time' ? sumHistograms(list, c.notes) : meanHistogram(list, c.notes);
  if (!sum) c.notes.add(note.mixedSchemas(s.metric));
  return sum;
}

function noteCollisions(list: readonly FloatHistogram[], notes: Set<string>): void {
  const reset = list.some((h) => h.counterResetHint === 'reset');
  if (reset && list.some((h) => h.counterResetHint === 'not_reset')) notes.add(note.resetCollision('aggregation'));
}

function sumHistograms(list: readonly FloatHistogram[], notes: Set<string>): FloatHistogram | undefined {
  const sum = copyHistogram(list[0]!);
  const compensation = newCompensation(sum);
  let flags = 0;
  for (let i = 1; i < list.length; i++) {
    const f = kahanAddHistogram(sum, list[i]!, compensation);
    if (f === INCOMPATIBLE) return undefined;
    flags |= f;
  }
  if (list.length > 1) addHistogram(sum, compensation);
  noteCollisions(list, notes);
  if (flags & BOUNDS_RECONCILED) notes.add(note.boundsReconciled('aggregation'));
  return sum;
}

function meanHistogram(list: readonly FloatHistogram[], notes: Set<string>): FloatHistogram | undefined {
  const mean = new HistogramMean(list[0]!);
  let flags = 0;
  for (let i = 1; i < list.length; i++) {
    const f = mean.add(list[i]!);
    if (f === INCOMPATIBLE) return undefined;
    flags |= f;
  }
  noteCollisions(list, notes);
  if (flags & BOUNDS_RECONCILED) notes.add(note.boundsReconciled('aggregation'));
  return mean.result();
}

/** The mean of histograms: of the sum while that does not overflow, incremental from there on. */
export class HistogramMean {
  #value: MutableHistogram;
  #compensation: MutableHistogram;
  #count = 1;
  #incremental = false;

  constructor(first: FloatHistogram) {
    this.#value = copyHistogram(first);
    this.#compensation = newCompensation(first);
  }

  /** Flags as of `addHistogram`. */
  add(h: FloatHistogram): number {
    this.#count++;
    if (!this.#incremental) {
      const sum = copyHistogram(this.#value);
      const c = copyHistogram(this.#compensation);
      const flags = kahanAddHistogram(sum, h, c);
      if (flags === INCOMPATIBLE) return flags;
      if (!hasOverflow(sum)) {
        this.#value = sum;
        this.#compensation = c;
        return flags;
      }
      this.#incremental = true;
      divideHistogram(this.#value, this.#count - 1);
      divideHistogram(this.#compensation, this.#count - 1);
    }
    const q = (this.#count - 1) / this.#count;
    scaleHistogram(this.#value, q);
    scaleHistogram(this.#compensation, q);
    return kahanAddHistogram(this.#value, divideHistogram(copyHistogram(h), this.#count), this.#compensation);
  }

  result(): MutableHistogram {
    if (!this.#incremental) {
      divideHistogram(this.#value, this.#count);
      divideHistogram(this.#compensation, this.#count);
    }
    if (this.#count > 1) addHistogram(this.#value, this.#compensation);
    return this.#value;
  }
}

// --- Transitions ----------------------------------------------------------------------------------------------------

/** Where an anchored window begins: with the newest sample at or before its start. Nothing without one after it. */
function anchor(s: SplitSeries, w: MixedWindow): { lo: number; hlo: number } | undefined {
  let lo = w.lo;
  while (lo < w.hi && s.ts[lo]! <= w.startMs) lo++;
  let hlo = w.hlo;
  while (hlo < w.hhi && s.hts[hlo]! <= w.startMs) hlo++;
  if (lo >= w.hi && hlo >= w.hhi) return undefined;
  const hasFloat = lo > w.lo;
  const hasHistogram = hlo > w.hlo;
  if (!hasFloat && !hasHistogram) return { lo, hlo };
  if (!hasHistogram || (hasFloat && s.ts[lo - 1]! >= s.hts[hlo - 1]!)) return { lo: lo - 1, hlo };
  return { lo, hlo: hlo - 1 };
}

function countTransitions(s: SplitSeries, w: MixedWindow, c: MixedContext): WindowValue {
  const from = c.extended === 'anchored' ? anchor(s, w) : w;
  if (!from) return undefined;
  let i = from.lo;
  let k = from.hlo;
  let n = 0;
  let previous = -1;
  let previousIsFloat = true;
  while (i < w.hi || k < w.hhi) {
    const isFloat = k >= w.hhi || (i < w.hi && s.ts[i]! < s.hts[k]!);
    const current = isFloat ? i++ : k++;
    if (previous >= 0 && transition(s, c.func, previous, previousIsFloat, current, isFloat)) n++;
    previous = current;
    previousIsFloat = isFloat;
  }
  return n;
}

function transition(s: SplitSeries, func: string, a: number, aIsFloat: boolean, b: number, bIsFloat: boolean): boolean {
  if (aIsFloat !== bIsFloat) return true;
  if (bIsFloat) {
    const before = s.vs[a]!;
    const v = s.vs[b]!;
    if (func === 'changes') return v !== before && !(Number.isNaN(v) && Number.isNaN(before));
    return v < before || startReset(s.starts, s.ts, a, b);
  }
  if (func === 'changes') return !histogramsEqual(s.hs[b]!, s.hs[a]!);
  return startReset(s.hstarts, s.hts, a, b) || detectReset(s.hs[b]!, s.hs[a]!);
}

/** Whether start timestamps say that the counter was reset between samples `a` and `b`. */
function startReset(starts: Float64Array | undefined, ts: Float64Array, a: number, b: number): boolean {
  if (!starts) return false;
  const start = starts[b]!;
  const before = ts[a]!;
  if (start === 0 || start >= ts[b]! || start < before) return false;
  if (start > before) return true;
  // A start at the sample before is a delta, or a counter whose start is unknown; the sample before tells which.
  const startBefore = starts[a]!;
  return startBefore <= before && startBefore !== 0 && startBefore !== before;
}

function startsOverlap(starts: Float64Array, ts: Float64Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) {
    const start = starts[i]!;
    if (start !== 0 && start < ts[i - 1]! && start !== starts[i - 1]) return true;
  }
  return false;
}

// --- irate, idelta --------------------------------------------------------------------------------------------------

function instantRate(s: SplitSeries, w: MixedWindow, c: MixedContext, counter: boolean): WindowValue {
  if (w.hi - w.lo + w.hhi - w.hlo < 2) return undefined;
  const last = newest(s, w.lo, w.hi, w.hlo, w.hhi);
  const before = newest(s, w.lo, last.isFloat ? w.hi - 1 : w.hi, w.hlo, last.isFloat ? w.hhi : w.hhi - 1);
  const elapsed = last.t - before.t;
  if (elapsed === 0) return undefined;
  if (last.isFloat !== before.isFloat) {
    c.notes.add(note.mixedFloatsHistograms(s.metric));
    return undefined;
  }
  if (last.isFloat) {
    const v = s.vs[last.at]!;
    const reset = counter && (v < s.vs[before.at]! || startReset(s.starts, s.ts, before.at, last.at));
    const change = reset ? v : v - s.vs[before.at]!;
    return counter ? change / (elapsed / 1000) : change;
  }
  const h = s.hs[last.at]!;
  const earlier = s.hs[before.at]!;
  const gauges = Number(h.counterResetHint === 'gauge') + Number(earlier.counterResetHint === 'gauge');
  if (counter && gauges > 0) c.notes.add(note.notCounter(s.metric));
  if (!counter && gauges < 2) c.notes.add(note.notGauge(s.metric));
  const result = copyHistogram(h);
  if (!counter || !(startReset(s.hstarts, s.hts, before.at, last.at) || detectReset(h, earlier))) {
    const flags = subtractHistogram(result, earlier);
    if (flags === INCOMPATIBLE) {
      c.notes.add(note.mixedSchemas(s.metric));
      return undefined;
    }
    if (flags & BOUNDS_RECONCILED) c.notes.add(note.boundsReconciled('subtraction'));
  }
  result.counterResetHint = 'gauge';
  compact(result);
  return counter ? divideHistogram(result, elapsed / 1000) : result;
}

function newest(s: SplitSeries, lo: number, hi: number, hlo: number, hhi: number) {
  const floatT = hi > lo ? s.ts[hi - 1]! : -Infinity;
  const histogramT = hhi > hlo ? s.hts[hhi - 1]! : -Infinity;
  return floatT > histogramT
    ? { isFloat: true, at: hi - 1, t: floatT }
    : { isFloat: false, at: hhi - 1, t: histogramT };
}

// --- rate, increase, delta ------------------------------------------------------------------------------------------

function rateOf(s: SplitSeries, w: MixedWindow, c: MixedContext, counter: boolean, perSecond: boolean): WindowValue {
  const floats = w.hi - w.lo;
  const histograms = w.hhi - w.hlo;
  if (floats > 0 && histograms > 0) {
    c.notes.add(note.mixedFloatsHistograms(s.metric));
    return undefined;
  }
  if (floats + histograms === 0) return undefined;
  if (c.extended) {
    return floats > 0 ? extendedRate(s, w, c, counter, perSecond) : extendedHistogramRate(s, w, c, counter, perSecond);
  }
  return floats > 0 ? floatRate(s, w, c, counter, perSecond) : plainHistogramRate(s, w, c, counter, perSecond);
}

function floatRate(s: SplitSeries, w: MixedWindow, c: MixedContext, counter: boolean, perSecond: boolean): WindowValue {
  const last = w.hi - 1;
  const starts = counter ? s.starts : undefined;
  let result = s.vs[last]! - s.vs[w.lo]!;
  if (counter) {
    if (starts && startsOverlap(starts, s.ts, w.lo, w.hi)) c.notes.add(note.startOverlap(s.metric));
    for (let i = w.lo + 1; i <= last; i++) {
      if (s.vs[i]! < s.vs[i - 1]! || startReset(starts, s.ts, i - 1, i)) result += s.vs[i - 1]!;
    }
  }
  const first = s.vs[w.lo]!;
  const began = startWithin(starts, s.ts, w.lo, w.startMs);
  if (began !== undefined) result += first;
  const toZero = counter && result > 0 && first >= 0 ? first / result : undefined;
  const factor = extrapolation(s.ts, w.lo, last, w, began, toZero);
  if (factor === undefined) return undefined;
  return result * (perSecond ? factor / (c.rangeMs / 1000) : factor);
}

/** The start timestamp of the first sample of a window, when it lies in the window: there the counter was 0. */
function startWithin(
  starts: Float64Array | undefined,
  ts: Float64Array,
  first: number,
  windowStartMs: number,
): number | undefined {
  const start = starts?.[first];
  return start && start > windowStartMs && start < ts[first]! ? start : undefined;
}

/** By how much the sampled increase is to be scaled to cover the window. `toZero`: in sampled intervals. */
function extrapolation(
  ts: Float64Array,
  first: number,
  last: number,
  w: MixedWindow,
  began: number | undefined,
  toZero: number | undefined,
): number | undefined {
  const intervals = last - first;
  let sampled = (ts[last]! - ts[first]!) / 1000;
  const average = intervals > 0 ? sampled / intervals : 0;
  const threshold = average * 1.1;
  let toStart = (ts[first]! - w.startMs) / 1000;
  let toEnd = (w.endMs - ts[last]!) / 1000;
  if (began !== undefined) {
    toStart = 0;
    sampled = (ts[last]! - began) / 1000;
  } else if (intervals === 0) return undefined;
  else {
    if (toStart >= threshold) toStart = average / 2;
    if (toZero !== undefined && sampled * toZero < toStart) toStart = sampled * toZero;
  }
  if (toEnd >= threshold) toEnd = average / 2;
  return sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
}

function plainHistogramRate(
  s: SplitSeries,
  w: MixedWindow,
  c: MixedContext,
  counter: boolean,
  perSecond: boolean,
): WindowValue {
  const first = s.hs[w.hlo]!;
  const starts = counter ? s.hstarts : undefined;
  let result: MutableHistogram | undefined;
  if (w.hhi - w.hlo > 1) {
    result = histogramIncrease(s, w, c, counter);
    if (!result) return undefined;
  }
  const began = startWithin(starts, s.hts, w.hlo, w.startMs);
  if (began !== undefined) {
    if (!result) result = copyHistogram(first);
    else if (!addNoting(result, first, s, c)) return undefined;
  }
  const toZero = counter && result && result.count > 0 && first.count >= 0 ? first.count / result.count : undefined;
  const factor = extrapolation(s.hts, w.hlo, w.hhi - 1, w, began, toZero);
  if (factor === undefined || !result) return undefined;
  return scaleHistogram(result, perSecond ? factor / (c.rangeMs / 1000) : factor);
}

function addNoting(h: MutableHistogram, other: FloatHistogram, s: SplitSeries, c: MixedContext): boolean {
  const flags = addHistogram(h, other);
  if (flags === INCOMPATIBLE) c.notes.add(note.mixedSchemas(s.metric));
  else if (flags & BOUNDS_RECONCILED) c.notes.add(note.boundsReconciled('addition'));
  return flags !== INCOMPATIBLE;
}

function subtractNoting(h: MutableHistogram, other: FloatHistogram, s: SplitSeries, c: MixedContext): boolean {
  const flags = subtractHistogram(h, other);
  if (flags === INCOMPATIBLE) c.notes.add(note.mixedSchemas(s.metric));
  else if (flags & BOUNDS_RECONCILED) c.notes.add(note.boundsReconciled('subtraction'));
  return flags !== INCOMPATIBLE;
}

/** The last histogram of a window minus the first, resets made good. */
function histogramIncrease(
  s: SplitSeries,
  w: MixedWindow,
  c: MixedContext,
  counter: boolean,
): MutableHistogram | undefined {
  const { hs } = s;
  const last = hs[w.hhi - 1]!;
  const starts = counter ? s.hstarts : undefined;
  let previous = hs[w.hlo]!;
  if (counter && (previous.counterResetHint === 'gauge' || last.counterResetHint === 'gauge')) {
    c.notes.add(note.notCounter(s.metric));
  }
  const second = hs[w.hlo + 1]!;
  if (counter && (startReset(starts, s.hts, w.hlo, w.hlo + 1) || detectReset(second, previous))) {
    // Nothing of the first sample is needed then, so its buckets may be as they like.
    previous = emptyLike(second);
  }
  const custom = usesCustomBuckets(previous);
  let schema = Math.min(last.schema, previous.schema);
  let compatible = usesCustomBuckets(last) === custom;
  for (let i = w.hlo + 1; counter && compatible && i < w.hhi - 1; i++) {
    if (hs[i]!.counterResetHint === 'gauge') c.notes.add(note.notCounter(s.metric));
    schema = Math.min(schema, hs[i]!.schema);
    compatible = usesCustomBuckets(hs[i]!) === custom;
  }
  if (!compatible) {
    c.notes.add(note.mixedSchemas(s.metric));
    return undefined;
  }
  const result = copyToSchema(last, schema);
  if (!subtractNoting(result, previous, s, c)) return undefined;
  if (counter) {
    if (starts && startsOverlap(starts, s.hts, w.hlo, w.hhi)) c.notes.add(note.startOverlap(s.metric));
    for (let i = w.hlo + 1; i < w.hhi; i++) {
      if (startReset(starts, s.hts, i - 1, i) || detectReset(hs[i]!, previous)) {
        if (!addNoting(result, previous, s, c)) return undefined;
      }
      previous = hs[i]!;
    }
  } else if (hs[w.hlo]!.counterResetHint !== 'gauge' || last.counterResetHint !== 'gauge') {
    c.notes.add(note.notGauge(s.metric));
  }
  result.counterResetHint = 'gauge';
  return compact(result);
}

function emptyLike(h: FloatHistogram): FloatHistogram {
  return {
    schema: h.schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
    counterResetHint: 'unknown',
    ...(usesCustomBuckets(h) ? { customValues: customBounds(h) } : {}),
  };
}

// --- anchored and smoothed ------------------------------------------------------------------------------------------

/** The samples of an extended window that count: the last at or before its start, and (smoothed) the first after its end. */
function extendedBounds(ts: Float64Array, lo: number, hi: number, w: MixedWindow, smoothed: boolean) {
  let first = lo;
  while (first < hi - 1 && ts[first]! <= w.startMs) first++;
  first = Math.max(lo, first - 1);
  let last = hi - 1;
  if (smoothed) {
    last = lo;
    while (last < hi - 1 && ts[last]! < w.endMs) last++;
  }
  if (ts[last]! <= w.startMs || (smoothed && ts[first]! > w.endMs)) return undefined;
  return { first, last };
}

/** The value of a float series at time `t` between two samples. A counter that was reset rose from 0. */
export function interpolate(ts: Float64Array, vs: Float64Array, a: number, t: number, counter: boolean): number {
  const after = vs[a + 1]!;
  const before = counter && after < vs[a]! ? 0 : vs[a]!;
  return before + ((after - before) * (t - ts[a]!)) / (ts[a + 1]! - ts[a]!);
}

function extendedRate(
  s: SplitSeries,
  w: MixedWindow,
  c: MixedContext,
  counter: boolean,
  perSecond: boolean,
): WindowValue {
  const { ts, vs } = s;
  const smoothed = c.extended === 'smoothed';
  const bounds = extendedBounds(ts, w.lo, w.hi, w, smoothed);
  if (!bounds) return undefined;
  let { first, last } = bounds;
  const left = smoothed && ts[first]! < w.startMs ? interpolate(ts, vs, first, w.startMs, counter) : vs[first]!;
  const right =
    smoothed && last > w.lo && ts[last]! > w.endMs ? interpolate(ts, vs, last - 1, w.endMs, counter) : vs[last]!;
  let result = right - left;
  if (counter) {
    if (ts[first]! <= w.startMs) first++;
    if (ts[last]! >= w.endMs) last--;
    let correction = 0;
    let previous = left;
    for (let i = first; i <= last; i++) {
      if (vs[i]! < previous) correction += previous;
      previous = vs[i]!;
    }
    if (right < previous) correction += previous;
    result += correction;
  }
  return perSecond ? result / (c.rangeMs / 1000) : result;
}

/** The histogram at time `t` between sample `a` and the next; nothing when the two do not fit together. */
export function interpolateHistogram(
  s: SplitSeries,
  a: number,
  t: number,
  counter: boolean,
  c: Pick<MixedContext, 'notes'>,
): MutableHistogram | undefined {
  const before = s.hs[a]!;
  const after = s.hs[a + 1]!;
  if (t === s.hts[a]) return copyHistogram(before);
  if (t === s.hts[a + 1]) return copyHistogram(after);
  const fraction = (t - s.hts[a]!) / (s.hts[a + 1]! - s.hts[a]!);
  const result = copyHistogram(after);
  if (counter && detectReset(after, before)) return scaleHistogram(result, fraction);
  const context = c as MixedContext;
  if (!subtractNoting(result, before, s, context)) return undefined;
  scaleHistogram(result, fraction);
  return addNoting(result, before, s, context) ? result : undefined;
}

function extendedHistogramRate(
  s: SplitSeries,
  w: MixedWindow,
  c: MixedContext,
  counter: boolean,
  perSecond: boolean,
): WindowValue {
  const { hs, hts } = s;
  const smoothed = c.extended === 'smoothed';
  const bounds = extendedBounds(hts, w.hlo, w.hhi, w, smoothed);
  if (!bounds) return undefined;
  const { first, last } = bounds;
  const custom = usesCustomBuckets(hs[first]!);
  for (let i = first; i <= last; i++) {
    if (usesCustomBuckets(hs[i]!) !== custom) {
      c.notes.add(note.mixedSchemas(s.metric));
      return undefined;
    }
    if (counter && hs[i]!.counterResetHint === 'gauge') c.notes.add(note.notCounter(s.metric));
  }
  const left = smoothed && hts[first]! < w.startMs ? interpolateHistogram(s, first, w.startMs, counter, c) : hs[first]!;
  const right =
    smoothed && last > w.hlo && hts[last]! > w.endMs
      ? interpolateHistogram(s, last - 1, w.endMs, counter, c)
      : hs[last]!;
  if (!left || !right) return undefined;
  if (!counter && (left.counterResetHint !== 'gauge' || right.counterResetHint !== 'gauge')) {
    c.notes.add(note.notGauge(s.metric));
  }
  const result = copyHistogram(right);
  if (!subtractNoting(result, left, s, c)) return undefined;
  if (counter && !correctResets(result, s, w, c, first, last, left, right, smoothed)) return undefined;
  if (perSecond) divideHistogram(result, c.rangeMs / 1000);
  result.counterResetHint = 'gauge';
  return compact(result);
}

function correctResets(
  result: MutableHistogram,
  s: SplitSeries,
  w: MixedWindow,
  c: MixedContext,
  first: number,
  last: number,
  left: FloatHistogram,
  right: FloatHistogram,
  smoothed: boolean,
): boolean {
  let from = first + 1;
  let previous = left;
  if (smoothed && s.hts[first]! < w.startMs && detectReset(s.hs[first + 1]!, s.hs[first]!)) {
    // The interpolation on the left has that reset in it already.
    previous = s.hs[first + 1]!;
    from++;
  }
  if (from > last) return true;
  let correction: MutableHistogram | undefined;
  const correct = (h: FloatHistogram): boolean => {
    if (correction) return addNoting(correction, h, s, c);
    correction = copyHistogram(h);
    return true;
  };
  for (let i = from; i < last; i++) {
    if (detectReset(s.hs[i]!, previous) && !correct(previous)) return false;
    previous = s.hs[i]!;
  }
  if (detectReset(right, previous) && !correct(previous)) return false;
  return !correction || addNoting(result, correction, s, c);
}
