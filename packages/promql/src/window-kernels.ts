/**
 * Functions over time windows of one series of floats, for all steps of a grid at once. Every kernel has the same shape:
 * window `j` is the samples `lo[j]` (inclusive) to `hi[j]` (exclusive) of `ts`/`vs`; where it gives a value, it writes
 * `out[base + j]` and sets `present[base + j]` to FLOAT. Window ends never go back from one step to the next.
 */
import { FLOAT } from './columns.ts';
import { quantileOf, quantileOfSorted } from './histogram-quantile.ts';

export interface WindowGeometry {
  readonly count: number;
  /** The step times themselves (the first, and apart), for functions that refer to them. */
  readonly startMs: number;
  readonly stepMs: number;
  /** The first window's end, and how far ends are apart (0 when `@` pins them). */
  readonly endMs: number;
  readonly endStepMs: number;
  readonly rangeMs: number;
}

/** Sets `lo`, `hi` so that window `j` holds the samples with `end − range < t <= end`. Returns the sum of their sizes. */
export function placeWindows(
  ts: Float64Array,
  n: number,
  g: WindowGeometry,
  beforeMs: number,
  afterMs: number,
  lo: Int32Array,
  hi: Int32Array,
): number {
  let low = 0;
  let high = 0;
  let total = 0;
  const { count, endStepMs } = g;
  let end = g.endMs + afterMs;
  const width = g.rangeMs + beforeMs + afterMs;
  for (let j = 0; j < count; j++) {
    while (high < n && ts[high]! <= end) high++;
    const start = end - width;
    while (low < high && ts[low]! <= start) low++;
    lo[j] = low;
    hi[j] = high;
    total += high - low;
    end += endStepMs;
  }
  return total;
}

export type FloatKernel = (
  ts: Float64Array,
  vs: Float64Array,
  lo: Int32Array,
  hi: Int32Array,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
  geometry: WindowGeometry,
  params: readonly Float64Array[],
) => void;

const countOverTime: FloatKernel = (_ts, _vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    const n = hi[j]! - lo[j]!;
    if (n === 0) continue;
    out[base + j] = n;
    present[base + j] = FLOAT;
  }
};

const presentOverTime: FloatKernel = (_ts, _vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    if (hi[j] === lo[j]) continue;
    out[base + j] = 1;
    present[base + j] = FLOAT;
  }
};

const lastOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    if (hi[j] === lo[j]) continue;
    out[base + j] = vs[hi[j]! - 1]!;
    present[base + j] = FLOAT;
  }
};

const firstOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    if (hi[j] === lo[j]) continue;
    out[base + j] = vs[lo[j]!]!;
    present[base + j] = FLOAT;
  }
};

const tsOfLast: FloatKernel = (ts, _vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    if (hi[j] === lo[j]) continue;
    out[base + j] = ts[hi[j]! - 1]! / 1000;
    present[base + j] = FLOAT;
  }
};

const tsOfFirst: FloatKernel = (ts, _vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    if (hi[j] === lo[j]) continue;
    out[base + j] = ts[lo[j]!]! / 1000;
    present[base + j] = FLOAT;
  }
};

/** From windows of this many samples on, sums are kept from step to step instead of being made anew. */
const LONG_WINDOW = 16;

const sumOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) => {
  const slid = slideSums(vs, lo, hi, count);
  for (let j = 0; j < count; j++) {
    if (hi[j] === lo[j]) continue;
    out[base + j] = slid ? windowSums[j]! : kahanSum(vs, lo[j]!, hi[j]!);
    present[base + j] = FLOAT;
  }
};

/** Kahan's sum in Neumaier's form, as everywhere in Prometheus. */
function kahanSum(vs: Float64Array, from: number, to: number): number {
  let sum = 0;
  let c = 0;
  for (let i = from; i < to; i++) {
    const v = vs[i]!;
    const t = sum + v;
    // The rounding error, exactly, without asking which of the two is larger.
    const rounded = t - sum;
    c += sum - (t - rounded) + (v - rounded);
    sum = t;
  }
  // Not a number: something infinite was met, which the quick error term cannot bear.
  return c === c ? sum + c : carefulSum(vs, from, to);
}

function carefulSum(vs: Float64Array, from: number, to: number): number {
  let sum = 0;
  let c = 0;
  for (let i = from; i < to; i++) {
    const v = vs[i]!;
    const t = sum + v;
    if (t === Infinity || t === -Infinity) c = 0;
    else if (Math.abs(sum) >= Math.abs(v)) c += sum - t + v;
    else c += v - t + sum;
    sum = t;
  }
  return sum === Infinity || sum === -Infinity ? sum : sum + c;
}

const avgOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) => {
  const slid = slideSums(vs, lo, hi, count);
  for (let j = 0; j < count; j++) {
    const n = hi[j]! - lo[j]!;
    if (n === 0) continue;
    out[base + j] = slid ? windowSums[j]! / n : mean(vs, lo[j]!, hi[j]!);
    present[base + j] = FLOAT;
  }
};

let windowSums = new Float64Array(256);
let suffixHigh = new Float64Array(1024);
let suffixLow = new Float64Array(1024);

/**
 * Sums of all windows into `windowSums`, each from the samples inside of it only: sums of what is left of a mark, made
 * backwards once per mark, and of what came in since. Everything in double-double, so that the result is the true sum,
 * rounded once. False, and nothing done, where windows are short or a value is not finite.
 */
function slideSums(vs: Float64Array, lo: Int32Array, hi: Int32Array, count: number): boolean {
  const from = lo[0]!;
  const to = hi[count - 1]!;
  if (count < 4 || hi[count >> 1]! - lo[count >> 1]! < LONG_WINDOW || !allFinite(vs, from, to)) return false;
  if (windowSums.length < count) windowSums = new Float64Array(count);
  if (suffixHigh.length < to + 1) {
    suffixHigh = new Float64Array(to * 2);
    suffixLow = new Float64Array(to * 2);
  }
  let mark = from;
  let next = from;
  let high = 0;
  let low = 0;
  for (let j = 0; j < count; j++) {
    const first = lo[j]!;
    const end = hi[j]!;
    if (first >= mark) {
      suffixSums(vs, first, end);
      mark = end;
      next = end;
      high = 0;
      low = 0;
    }
    for (; next < end; next++) {
      const v = vs[next]!;
      const t = high + v;
      const rounded = t - high;
      low += high - (t - rounded) + (v - rounded);
      high = t;
    }
    const a = first < mark ? suffixHigh[first]! : 0;
    const t = a + high;
    const rounded = t - a;
    const error = a - (t - rounded) + (high - rounded);
    windowSums[j] = t + (error + ((first < mark ? suffixLow[first]! : 0) + low));
  }
  return true;
}

function suffixSums(vs: Float64Array, from: number, to: number): void {
  let high = 0;
  let low = 0;
  for (let i = to - 1; i >= from; i--) {
    const v = vs[i]!;
    const t = high + v;
    const rounded = t - high;
    low += high - (t - rounded) + (v - rounded);
    high = t;
    suffixHigh[i] = high;
    suffixLow[i] = low;
  }
}

/** Largest magnitude of which a long window's sum cannot overflow. */
const SAFE_MAGNITUDE = 1e290;

function allFinite(vs: Float64Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!(Math.abs(vs[i]!) < SAFE_MAGNITUDE)) return false;
  return true;
}

/** The direct mean as long as the sum does not overflow, from there on the incremental one. */
export function mean(vs: Float64Array, from: number, to: number): number {
  let sum = vs[from]!;
  let c = 0;
  for (let i = from + 1; i < to; i++) {
    const v = vs[i]!;
    const t = sum + v;
    if (t === Infinity || t === -Infinity) return incrementalMean(vs, from, i, to, sum, c);
    if (Math.abs(sum) >= Math.abs(v)) c += sum - t + v;
    else c += v - t + sum;
    sum = t;
  }
  const n = to - from;
  return sum / n + c / n;
}

function incrementalMean(vs: Float64Array, from: number, at: number, to: number, sum: number, sumC: number): number {
  let n = at - from;
  let m = sum / n;
  let c = sumC / n;
  for (let i = at; i < to; i++) {
    n++;
    const q = (n - 1) / n;
    const v = vs[i]! / n;
    m *= q;
    c *= q;
    const t = m + v;
    if (t === Infinity || t === -Infinity) c = 0;
    else if (Math.abs(m) >= Math.abs(v)) c += m - t + v;
    else c += v - t + m;
    m = t;
  }
  return m + c;
}

let candidates = new Int32Array(1024);

/**
 * The extremes of all windows: the candidates are positions in the window, each better than all that follow, so that the
 * first is the best. NaN counts only where there is nothing else.
 */
function extremes(
  vs: Float64Array,
  lo: Int32Array,
  hi: Int32Array,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
  sign: 1 | -1,
): void {
  const end = hi[count - 1]!;
  if (candidates.length < end) candidates = new Int32Array(end * 2);
  let head = 0;
  let tail = 0;
  let next = lo[0]!;
  for (let j = 0; j < count; j++) {
    const from = lo[j]!;
    const to = hi[j]!;
    if (next < from) next = from;
    for (; next < to; next++) {
      const v = vs[next]! * sign;
      if (v !== v) continue;
      while (tail > head && vs[candidates[tail - 1]!]! * sign <= v) tail--;
      candidates[tail++] = next;
    }
    if (from === to) continue;
    while (head < tail && candidates[head]! < from) head++;
    if (head === tail) {
      head = 0;
      tail = 0;
      out[base + j] = NaN;
    } else out[base + j] = vs[candidates[head]!]!;
    present[base + j] = FLOAT;
  }
}

const maxOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) =>
  extremes(vs, lo, hi, count, out, present, base, 1);
const minOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) =>
  extremes(vs, lo, hi, count, out, present, base, -1);

const tsOfMax: FloatKernel = (ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    const from = lo[j]!;
    if (from === hi[j]) continue;
    let at = from;
    for (let i = from; i < hi[j]!; i++) if (vs[i]! >= vs[at]! || Number.isNaN(vs[at]!)) at = i;
    out[base + j] = ts[at]! / 1000;
    present[base + j] = FLOAT;
  }
};

const tsOfMin: FloatKernel = (ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    const from = lo[j]!;
    if (from === hi[j]) continue;
    let at = from;
    for (let i = from; i < hi[j]!; i++) if (vs[i]! <= vs[at]! || Number.isNaN(vs[at]!)) at = i;
    out[base + j] = ts[at]! / 1000;
    present[base + j] = FLOAT;
  }
};

function variance(vs: Float64Array, from: number, to: number): number {
  let n = 0;
  let m = 0;
  let mc = 0;
  let aux = 0;
  let auxC = 0;
  for (let i = from; i < to; i++) {
    n++;
    const v = vs[i]!;
    const delta = v - (m + mc);
    const step = delta / n;
    let t = m + step;
    let r = t - m;
    mc += m - (t - r) + (step - r);
    m = t;
    const more = delta * (v - (m + mc));
    t = aux + more;
    r = t - aux;
    auxC += aux - (t - r) + (more - r);
    aux = t;
  }
  return (aux + auxC) / n;
}

/** Around the true mean, in two passes; where a value is not finite, as {@link variance}. */
function variances(
  vs: Float64Array,
  lo: Int32Array,
  hi: Int32Array,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
  root: boolean,
): void {
  const slid = slideSums(vs, lo, hi, count);
  for (let j = 0; j < count; j++) {
    const from = lo[j]!;
    const n = hi[j]! - from;
    if (n === 0) continue;
    const v = slid ? varianceAround(vs, from, hi[j]!, windowSums[j]! / n) : variance(vs, from, hi[j]!);
    out[base + j] = root ? Math.sqrt(v) : v;
    present[base + j] = FLOAT;
  }
}

function varianceAround(vs: Float64Array, from: number, to: number, center: number): number {
  let squares = 0;
  let c = 0;
  let rest = 0;
  for (let i = from; i < to; i++) {
    const d = vs[i]! - center;
    rest += d;
    const square = d * d;
    const t = squares + square;
    const rounded = t - squares;
    c += squares - (t - rounded) + (square - rounded);
    squares = t;
  }
  const n = to - from;
  return (squares + c - (rest * rest) / n) / n;
}

const stdvarOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) =>
  variances(vs, lo, hi, count, out, present, base, false);
const stddevOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) =>
  variances(vs, lo, hi, count, out, present, base, true);

let sorted = new Float64Array(256);

const quantileOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base, _g, params) => {
  const q = params[0]!;
  if (!allFinite(vs, lo[0]!, hi[count - 1]!)) {
    for (let j = 0; j < count; j++) {
      const n = hi[j]! - lo[j]!;
      if (n === 0) continue;
      out[base + j] = quantileOf(q[j]!, vs.slice(lo[j]!, hi[j]!), n);
      present[base + j] = FLOAT;
    }
    return;
  }
  // The window's values stay sorted from step to step.
  let from = 0;
  let to = 0;
  let n = 0;
  for (let j = 0; j < count; j++) {
    if (lo[j]! >= to) {
      from = lo[j]!;
      to = from;
      n = 0;
    }
    for (; from < lo[j]!; from++) n = removeSorted(vs[from]!, n);
    for (; to < hi[j]!; to++) n = insertSorted(vs[to]!, n);
    if (n === 0) continue;
    out[base + j] = quantileOfSorted(q[j]!, sorted, n);
    present[base + j] = FLOAT;
  }
};

/** The first place in `sorted` whose value is not below `v`. */
function placeOf(v: number, n: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < v) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertSorted(v: number, n: number): number {
  if (n === sorted.length) {
    const larger = new Float64Array(n * 2);
    larger.set(sorted);
    sorted = larger;
  }
  const at = placeOf(v, n);
  sorted.copyWithin(at + 1, at, n);
  sorted[at] = v;
  return n + 1;
}

function removeSorted(v: number, n: number): number {
  const at = placeOf(v, n);
  sorted.copyWithin(at, at + 1, n);
  return n - 1;
}

const madOverTime: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    const n = hi[j]! - lo[j]!;
    if (n === 0) continue;
    out[base + j] = medianDeviation(vs.slice(lo[j]!, hi[j]!));
    present[base + j] = FLOAT;
  }
};

function medianDeviation(values: Float64Array): number {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i]!)) return NaN;
  const median = quantileOf(0.5, values, values.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i]! - median);
  return quantileOf(0.5, values, values.length);
}

let running = new Int32Array(1024);

/** Into `running[i]`: how many of the samples up to `i` changed (or fell) against the one before. */
function countRunning(vs: Float64Array, n: number, falls: boolean): void {
  if (running.length < n) running = new Int32Array(n * 2);
  let found = 0;
  running[0] = 0;
  for (let i = 1; i < n; i++) {
    const v = vs[i]!;
    const before = vs[i - 1]!;
    if (falls ? v < before : v !== before && (v === v || before === before)) found++;
    running[i] = found;
  }
}

function transitions(
  vs: Float64Array,
  lo: Int32Array,
  hi: Int32Array,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
  falls: boolean,
): void {
  countRunning(vs, hi[count - 1]!, falls);
  for (let j = 0; j < count; j++) {
    if (lo[j] === hi[j]) continue;
    out[base + j] = running[hi[j]! - 1]! - running[lo[j]!]!;
    present[base + j] = FLOAT;
  }
}

const changes: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) =>
  transitions(vs, lo, hi, count, out, present, base, false);
const resets: FloatKernel = (_ts, vs, lo, hi, count, out, present, base) =>
  transitions(vs, lo, hi, count, out, present, base, true);

/** Positions of the samples that are below the one before; for series so far seen, few. */
let drops = new Int32Array(64);

function findDrops(vs: Float64Array, n: number): number {
  let found = 0;
  for (let i = 1; i < n; i++) {
    if (vs[i]! < vs[i - 1]!) {
      if (found === drops.length) {
        const larger = new Int32Array(found * 2);
        larger.set(drops);
        drops = larger;
      }
      drops[found++] = i;
    }
  }
  return found;
}

/** `rate`, `increase` (counters) and `delta` over floats without start timestamps. */
function extrapolate(
  ts: Float64Array,
  vs: Float64Array,
  lo: Int32Array,
  hi: Int32Array,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
  g: WindowGeometry,
  counter: boolean,
  perSecond: boolean,
): void {
  const found = counter && count > 0 ? findDrops(vs, hi[count - 1]!) : 0;
  const seconds = g.rangeMs / 1000;
  let firstDrop = 0;
  let rangeEnd = g.endMs;
  for (let j = 0; j < count; j++, rangeEnd += g.endStepMs) {
    const from = lo[j]!;
    const last = hi[j]! - 1;
    const intervals = last - from;
    if (intervals < 1) continue;
    const first = vs[from]!;
    let result = vs[last]! - first;
    if (found > 0) {
      while (firstDrop < found && drops[firstDrop]! <= from) firstDrop++;
      for (let d = firstDrop; d < found && drops[d]! <= last; d++) result += vs[drops[d]! - 1]!;
    }
    const firstT = ts[from]!;
    const sampled = (ts[last]! - firstT) / 1000;
    const average = sampled / intervals;
    const threshold = average * 1.1;
    let toStart = (firstT - (rangeEnd - g.rangeMs)) / 1000;
    let toEnd = (rangeEnd - ts[last]!) / 1000;
    if (toStart >= threshold) toStart = average / 2;
    if (counter && result > 0 && first >= 0) {
      // A counter cannot have been negative: not further back than where it would have been 0.
      const toZero = sampled * (first / result);
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    let factor = sampled !== 0 ? (sampled + toStart + toEnd) / sampled : 1;
    if (perSecond) factor /= seconds;
    out[base + j] = result * factor;
    present[base + j] = FLOAT;
  }
}

const rate: FloatKernel = (ts, vs, lo, hi, count, out, present, base, g) =>
  extrapolate(ts, vs, lo, hi, count, out, present, base, g, true, true);
const increase: FloatKernel = (ts, vs, lo, hi, count, out, present, base, g) =>
  extrapolate(ts, vs, lo, hi, count, out, present, base, g, true, false);
const delta: FloatKernel = (ts, vs, lo, hi, count, out, present, base, g) =>
  extrapolate(ts, vs, lo, hi, count, out, present, base, g, false, false);

const irate: FloatKernel = (ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    const last = hi[j]! - 1;
    if (last - lo[j]! < 1) continue;
    const elapsed = ts[last]! - ts[last - 1]!;
    if (elapsed === 0) continue;
    const v = vs[last]!;
    const before = vs[last - 1]!;
    out[base + j] = (v < before ? v : v - before) / (elapsed / 1000);
    present[base + j] = FLOAT;
  }
};

const idelta: FloatKernel = (ts, vs, lo, hi, count, out, present, base) => {
  for (let j = 0; j < count; j++) {
    const last = hi[j]! - 1;
    if (last - lo[j]! < 1 || ts[last] === ts[last - 1]) continue;
    out[base + j] = vs[last]! - vs[last - 1]!;
    present[base + j] = FLOAT;
  }
};

/** Slope and intercept of the last regression. */
const line = { slope: 0, intercept: 0 };

/** Sums over the times of a window, kept while windows look alike: as many samples, as far from the origin, equal gaps. */
const timeSums = { regular: false, n: -1, offset: NaN, x: 0, x2: 0 };

/** To be called once for a series, before {@link regress}. */
function startRegression(ts: Float64Array, from: number, to: number): void {
  const gap = to - from > 1 ? ts[from + 1]! - ts[from]! : 0;
  let regular = true;
  for (let i = from + 2; i < to && regular; i++) regular = ts[i]! - ts[i - 1]! === gap;
  timeSums.regular = regular;
  timeSums.n = -1;
}

function sumTimes(ts: Float64Array, from: number, to: number, originMs: number): void {
  const n = to - from;
  const offset = ts[from]! - originMs;
  if (timeSums.regular && n === timeSums.n && offset === timeSums.offset) return;
  let sumX = 0;
  let cX = 0;
  let sumX2 = 0;
  let cX2 = 0;
  for (let i = from; i < to; i++) {
    const x = (ts[i]! - originMs) / 1e3;
    let t = sumX + x;
    let r = t - sumX;
    cX += sumX - (t - r) + (x - r);
    sumX = t;
    const x2 = x * x;
    t = sumX2 + x2;
    r = t - sumX2;
    cX2 += sumX2 - (t - r) + (x2 - r);
    sumX2 = t;
  }
  timeSums.n = n;
  timeSums.offset = offset;
  timeSums.x = sumX + cX;
  timeSums.x2 = sumX2 + cX2;
}

function regress(ts: Float64Array, vs: Float64Array, from: number, to: number, originMs: number): void {
  let sumY = 0;
  let cY = 0;
  let sumXY = 0;
  let cXY = 0;
  const n = to - from;
  const first = vs[from]!;
  let constant = true;
  for (let i = from; i < to; i++) {
    const y = vs[i]!;
    if (y !== first) constant = false;
    // Sums with their rounding errors, as in kahanSum.
    let t = sumY + y;
    let r = t - sumY;
    cY += sumY - (t - r) + (y - r);
    sumY = t;
    const xy = ((ts[i]! - originMs) / 1e3) * y;
    t = sumXY + xy;
    r = t - sumXY;
    cXY += sumXY - (t - r) + (xy - r);
    sumXY = t;
  }
  if (constant && first === first) {
    const infinite = first === Infinity || first === -Infinity;
    line.slope = infinite ? NaN : 0;
    line.intercept = infinite ? NaN : first;
    return;
  }
  sumTimes(ts, from, to, originMs);
  const { x: sumX, x2: sumX2 } = timeSums;
  sumY += cY;
  sumXY += cXY;
  const covariance = sumXY - (sumX * sumY) / n;
  const spread = sumX2 - (sumX * sumX) / n;
  line.slope = covariance / spread;
  line.intercept = sumY / n - (line.slope * sumX) / n;
}

const deriv: FloatKernel = (ts, vs, lo, hi, count, out, present, base) => {
  startRegression(ts, lo[0]!, hi[count - 1]!);
  for (let j = 0; j < count; j++) {
    if (hi[j]! - lo[j]! < 2) continue;
    regress(ts, vs, lo[j]!, hi[j]!, ts[lo[j]!]!);
    out[base + j] = line.slope;
    present[base + j] = FLOAT;
  }
};

const predictLinear: FloatKernel = (ts, vs, lo, hi, count, out, present, base, g, params) => {
  const ahead = params[0]!;
  startRegression(ts, lo[0]!, hi[count - 1]!);
  for (let j = 0; j < count; j++) {
    if (hi[j]! - lo[j]! < 2) continue;
    regress(ts, vs, lo[j]!, hi[j]!, g.startMs + j * g.stepMs);
    out[base + j] = line.slope * ahead[j]! + line.intercept;
    present[base + j] = FLOAT;
  }
};

const doubleExponentialSmoothing: FloatKernel = (_ts, vs, lo, hi, count, out, present, base, _g, params) => {
  for (let j = 0; j < count; j++) {
    const from = lo[j]!;
    const to = hi[j]!;
    if (to - from < 2) continue;
    const sf = params[0]![j]!;
    const tf = params[1]![j]!;
    let before = 0;
    let level = vs[from]!;
    let trend = vs[from + 1]! - vs[from]!;
    for (let i = from + 1; i < to; i++) {
      const x = sf * vs[i]!;
      if (i > from + 1) trend = tf * (level - before) + (1 - tf) * trend;
      const y = (1 - sf) * (level + trend);
      before = level;
      level = x + y;
    }
    out[base + j] = level;
    present[base + j] = FLOAT;
  }
};

export const FLOAT_KERNELS: Readonly<Record<string, FloatKernel>> = {
  absent_over_time: presentOverTime,
  avg_over_time: avgOverTime,
  changes,
  count_over_time: countOverTime,
  delta,
  deriv,
  double_exponential_smoothing: doubleExponentialSmoothing,
  first_over_time: firstOverTime,
  idelta,
  increase,
  irate,
  last_over_time: lastOverTime,
  mad_over_time: madOverTime,
  max_over_time: maxOverTime,
  min_over_time: minOverTime,
  predict_linear: predictLinear,
  present_over_time: presentOverTime,
  quantile_over_time: quantileOverTime,
  rate,
  resets,
  stddev_over_time: stddevOverTime,
  stdvar_over_time: stdvarOverTime,
  sum_over_time: sumOverTime,
  ts_of_first_over_time: tsOfFirst,
  ts_of_last_over_time: tsOfLast,
  ts_of_max_over_time: tsOfMax,
  ts_of_min_over_time: tsOfMin,
};
