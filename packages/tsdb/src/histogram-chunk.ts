/**
 * Prometheus' chunks of native histograms.
 *
 *     u16 samples | flags 1 | zero threshold 1 or 9 | schema | positive spans | negative spans | (custom bounds) | sample…
 *     integer sample:  t, count, zero count (varbit delta of delta) | sum (xor) | bucket deltas (varbit delta of delta)…
 *     float sample:    t (varbit delta of delta) | count, zero count, sum, buckets… (each xor to its own predecessor)
 *
 * The first sample is whole. A stale marker has no buckets. The top two bits of the flags tell about counter resets between
 * the chunk before and this: 10 there was one, 01 there was none, 00 unknown, 11 a gauge. Within a chunk there is none.
 */
import {
  type BucketSpan,
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
  isStaleNaN,
  STALE_NAN,
} from '@belfry/model';
import { peek32, putBits, putShifted } from './xor.ts';

const HEADER_BYTES = 3;
const FLAGS = { unknown: 0x00, not_reset: 0x40, reset: 0x80, gauge: 0xc0 } as const;

/** The layout that all histograms of a chunk share, with `positive` and `negative` the indices of the buckets. */
interface Layout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly customValues: readonly number[];
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

/** A float that is encoded against the one before. */
interface XorValue {
  low: number;
  high: number;
  leading: number;
  trailing: number;
}

/** A chunk in work. Its bytes are `bytes[0, length)`. */
export interface HistogramChunk {
  readonly integer: boolean;
  bytes: Uint8Array;
  length: number;
  samples: number;
  bit: number;
  layout: Layout;
  t: number;
  tDelta: number;
  /** For integers: count, zero count, then the deltas between buckets; `deltas` their last changes. */
  counts: number[];
  deltas: number[];
  /** For floats: count, zero count, buckets. */
  values: XorValue[];
  sum: XorValue;
  /** The newest histogram, its buckets in the chunk's layout. */
  last: FloatHistogram | undefined;
}

/** An empty chunk for histograms such as `first`, following `previous`. The first append must be `first`. */
export function newHistogramChunk(
  integer: boolean,
  first: FloatHistogram,
  previous: HistogramChunk | undefined,
): HistogramChunk {
  const chunk = emptyChunk(integer, layoutOf(first));
  chunk.bytes[2] = FLAGS[headerHint(first, previous)];
  return chunk;
}

function headerHint(first: FloatHistogram, previous: HistogramChunk | undefined): CounterResetHint {
  if (first.counterResetHint === 'gauge') return 'gauge';
  if (first.counterResetHint === 'reset') return 'reset';
  return previous && previous.integer === (first.integer === true) ? continuity(previous, first) : 'unknown';
}

function emptyChunk(integer: boolean, layout: Layout): HistogramChunk {
  return {
    integer,
    bytes: new Uint8Array(256),
    length: HEADER_BYTES,
    samples: 0,
    bit: HEADER_BYTES * 8,
    layout,
    t: 0,
    tDelta: 0,
    counts: [],
    deltas: [],
    values: [],
    sum: { low: 0, high: 0, leading: 255, trailing: 0 },
    last: undefined,
  };
}

function isGaugeChunk(c: HistogramChunk): boolean {
  return (c.bytes[2] & 0xc0) === FLAGS.gauge;
}

function layoutOf(h: FloatHistogram): Layout {
  if (isStaleNaN(h.sum)) {
    return {
      schema: 0,
      zeroThreshold: 0,
      positiveSpans: [],
      negativeSpans: [],
      customValues: [],
      positive: [],
      negative: [],
    };
  }
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    positiveSpans: h.positiveSpans,
    negativeSpans: h.negativeSpans,
    customValues: h.customValues ?? [],
    positive: bucketIndices(h.positiveSpans),
    negative: bucketIndices(h.negativeSpans),
  };
}

export function bucketIndices(spans: readonly BucketSpan[]): number[] {
  const out: number[] = [];
  let index = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) out.push(index++);
  }
  return out;
}

function spansOf(indices: readonly number[]): BucketSpan[] {
  const out: { offset: number; length: number }[] = [];
  let end = 0;
  indices.forEach((index, i) => {
    if (i > 0 && index === end) out[out.length - 1].length++;
    else out.push({ offset: index - (i === 0 ? 0 : end), length: 1 });
    end = index + 1;
  });
  return out;
}

/**
 * Whether, and with what certainty, a histogram follows the newest of a chunk without a counter reset: `not_reset` it can be
 * appended, `reset` there was one, `unknown` the layouts cannot be compared.
 */
function continuity(c: HistogramChunk, h: FloatHistogram): 'not_reset' | 'reset' | 'unknown' {
  if (isGaugeChunk(c)) return 'unknown';
  if (h.counterResetHint === 'reset') return 'reset';
  if (isStaleNaN(h.sum)) return 'not_reset';
  const last = c.last;
  if (!last || isStaleNaN(last.sum)) return 'unknown';
  if (h.count < last.count) return 'reset';
  if (h.schema !== c.layout.schema || h.zeroThreshold !== c.layout.zeroThreshold) return 'unknown';
  if (h.schema === CUSTOM_BUCKETS_SCHEMA && !sameNumbers(h.customValues ?? [], c.layout.customValues)) return 'reset';
  if (h.zeroCount < last.zeroCount) return 'reset';
  const grew =
    notLess(c.layout.positive, last.positiveBuckets, bucketIndices(h.positiveSpans), h.positiveBuckets) &&
    notLess(c.layout.negative, last.negativeBuckets, bucketIndices(h.negativeSpans), h.negativeBuckets);
  return grew ? 'not_reset' : 'reset';
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}

/** Whether every bucket that was filled is there and has not shrunk. */
function notLess(
  before: readonly number[],
  beforeCounts: readonly number[],
  after: readonly number[],
  afterCounts: readonly number[],
): boolean {
  let j = 0;
  for (let i = 0; i < before.length; i++) {
    while (j < after.length && after[j] < before[i]) j++;
    const count = j < after.length && after[j] === before[i] ? afterCounts[j] : 0;
    if (count < beforeCounts[i]) return false;
  }
  return true;
}

/** Appends a histogram newer than the last; `false`, and nothing done, when it needs a new chunk. */
export function appendHistogram(c: HistogramChunk, t: number, h: FloatHistogram): boolean {
  if (c.samples > 0) {
    if (c.samples >= 65535 || !fits(c, h)) return false;
    if (!isStaleNaN(h.sum)) h = align(c, h);
  }
  putHistogram(c, t, h);
  return true;
}

function fits(c: HistogramChunk, h: FloatHistogram): boolean {
  if (c.integer !== (h.integer === true)) return false;
  if (h.counterResetHint !== 'gauge' && !isStaleNaN(h.sum)) return continuity(c, h) === 'not_reset';
  if (isStaleNaN(h.sum)) return h.counterResetHint !== 'gauge' || isGaugeChunk(c);
  if (!isGaugeChunk(c) || isStaleNaN(c.last!.sum)) return false;
  if (h.schema !== c.layout.schema || h.zeroThreshold !== c.layout.zeroThreshold) return false;
  return sameNumbers(h.customValues ?? [], c.layout.customValues);
}

/** The histogram in the chunk's layout; the chunk is made anew first when it lacks buckets. */
function align(c: HistogramChunk, h: FloatHistogram): FloatHistogram {
  const positive = bucketIndices(h.positiveSpans);
  const negative = bucketIndices(h.negativeSpans);
  const { layout } = c;
  if (sameNumbers(positive, layout.positive) && sameNumbers(negative, layout.negative)) return h;
  const allPositive = merged(layout.positive, positive);
  const allNegative = merged(layout.negative, negative);
  if (allPositive.length > layout.positive.length || allNegative.length > layout.negative.length) {
    recode(c, allPositive, allNegative);
  }
  return relaid(h, positive, negative, c.layout);
}

function merged(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

function relaid(
  h: FloatHistogram,
  positive: readonly number[],
  negative: readonly number[],
  layout: Layout,
): FloatHistogram {
  return {
    ...h,
    positiveSpans: layout.positiveSpans,
    negativeSpans: layout.negativeSpans,
    positiveBuckets: spread(positive, h.positiveBuckets, layout.positive),
    negativeBuckets: spread(negative, h.negativeBuckets, layout.negative),
  };
}

function spread(from: readonly number[], counts: readonly number[], to: readonly number[]): number[] {
  let i = 0;
  return to.map((index) => (i < from.length && from[i] === index ? counts[i++] : 0));
}

function recode(c: HistogramChunk, positive: number[], negative: number[]): void {
  const before = c.layout;
  const layout: Layout = {
    ...before,
    positive,
    negative,
    positiveSpans: spansOf(positive),
    negativeSpans: spansOf(negative),
  };
  const next = emptyChunk(c.integer, layout);
  next.bytes[2] = c.bytes[2];
  decodeHistogramChunk(c.bytes, 0, c.length, c.integer, (t, h) => {
    putHistogram(next, t, isStaleNaN(h.sum) ? h : relaid(h, before.positive, before.negative, layout));
  });
  Object.assign(c, next);
}

function putHistogram(c: HistogramChunk, t: number, h: FloatHistogram): void {
  const stale = isStaleNaN(h.sum);
  const buckets = stale ? [] : flatBuckets(c, h);
  reserveBytes(c, 64 + (buckets.length + 4) * 10 + (c.samples === 0 ? layoutBytes(c.layout) : 0));
  if (c.samples === 0) putFirst(c, t, h, buckets, stale);
  else if (c.integer) putNextInteger(c, t, h, buckets, stale);
  else putNextFloat(c, t, h, buckets, stale);
  c.t = t;
  c.samples++;
  c.bytes[0] = c.samples >>> 8;
  c.bytes[1] = c.samples & 0xff;
  c.length = (c.bit + 7) >>> 3;
  c.last = h;
}

/** All buckets in one list; integers as the differences between neighbours, positive and negative apart. */
function flatBuckets(c: HistogramChunk, h: FloatHistogram): readonly number[] {
  if (!c.integer) return [...h.positiveBuckets, ...h.negativeBuckets];
  return [...differences(h.positiveBuckets), ...differences(h.negativeBuckets)];
}

function differences(counts: readonly number[]): number[] {
  return counts.map((n, i) => (i === 0 ? n : n - counts[i - 1]));
}

function reserveBytes(c: HistogramChunk, more: number): void {
  const needed = (c.bit >>> 3) + more;
  if (needed <= c.bytes.length) return;
  const next = new Uint8Array(Math.max(needed, c.bytes.length * 2));
  next.set(c.bytes);
  c.bytes = next;
}

function layoutBytes(l: Layout): number {
  return 32 + (l.positiveSpans.length + l.negativeSpans.length) * 18 + l.customValues.length * 9;
}

function putFirst(c: HistogramChunk, t: number, h: FloatHistogram, buckets: readonly number[], stale: boolean): void {
  putLayout(c);
  putVarbitInt(c, t);
  const count = stale ? 0 : h.count;
  const zeroCount = stale ? 0 : h.zeroCount;
  if (c.integer) {
    putVarbitUint(c, count);
    putVarbitUint(c, zeroCount);
    putFloat(c, h.sum);
    for (const n of buckets) putVarbitInt(c, n);
    c.counts = [count, zeroCount, ...buckets];
    c.deltas = c.counts.map(() => 0);
  } else {
    putFloat(c, count);
    putFloat(c, zeroCount);
    putFloat(c, h.sum);
    for (const n of buckets) putFloat(c, n);
    c.values = [count, zeroCount, ...buckets].map(xorValue);
  }
  c.sum = xorValue(h.sum);
}

function putNextInteger(
  c: HistogramChunk,
  t: number,
  h: FloatHistogram,
  buckets: readonly number[],
  stale: boolean,
): void {
  putTime(c, t);
  const numbers = stale ? [0, 0] : [h.count, h.zeroCount];
  for (let i = 0; i < 2; i++) {
    const delta = numbers[i] - c.counts[i];
    putVarbitInt(c, stale ? 0 : delta - c.deltas[i]);
    c.deltas[i] = delta;
    c.counts[i] = numbers[i];
  }
  putXor(c, c.sum, h.sum);
  for (let i = 0; i < buckets.length; i++) {
    const delta = buckets[i] - c.counts[i + 2];
    putVarbitInt(c, delta - c.deltas[i + 2]);
    c.deltas[i + 2] = delta;
    c.counts[i + 2] = buckets[i];
  }
}

function putNextFloat(
  c: HistogramChunk,
  t: number,
  h: FloatHistogram,
  buckets: readonly number[],
  stale: boolean,
): void {
  putTime(c, t);
  putXor(c, c.values[0], stale ? 0 : h.count);
  putXor(c, c.values[1], stale ? 0 : h.zeroCount);
  putXor(c, c.sum, h.sum);
  for (let i = 0; i < buckets.length; i++) putXor(c, c.values[i + 2], buckets[i]);
}

function putTime(c: HistogramChunk, t: number): void {
  const delta = t - c.t;
  putVarbitInt(c, delta - c.tDelta);
  c.tDelta = delta;
}

function putLayout(c: HistogramChunk): void {
  const l = c.layout;
  putZeroThreshold(c, l.zeroThreshold);
  putVarbitInt(c, l.schema);
  for (const spans of [l.positiveSpans, l.negativeSpans]) {
    putVarbitUint(c, spans.length);
    for (const span of spans) {
      putVarbitUint(c, span.length);
      putVarbitInt(c, span.offset);
    }
  }
  if (l.schema !== CUSTOM_BUCKETS_SCHEMA) return;
  putVarbitUint(c, l.customValues.length);
  for (const bound of l.customValues) putBound(c, bound);
}

/** 0 as a zero byte; 2^−243 … 2^10 as 1 … 254; anything else as 255 and the float. */
function putZeroThreshold(c: HistogramChunk, threshold: number): void {
  const exponent = threshold > 0 ? Math.log2(threshold) : Number.NaN;
  if (threshold === 0) put(c, 0, 8);
  else if (Number.isInteger(exponent) && exponent >= -243 && exponent <= 10 && 2 ** exponent === threshold) {
    put(c, exponent + 244, 8);
  } else {
    put(c, 255, 8);
    putFloat(c, threshold);
  }
}

const MAX_SHORT_BOUND = 33554430;

/** Bounds are mostly decimal numbers made by people: thousandths as a varbit, else a 0 bit and the float. */
function putBound(c: HistogramChunk, bound: number): void {
  const thousandths = bound * 1000;
  if (thousandths >= 0 && thousandths <= MAX_SHORT_BOUND && Number.isInteger(thousandths)) {
    putVarbitUint(c, thousandths + 1);
  } else {
    put(c, 0, 1);
    putFloat(c, bound);
  }
}

function put(c: HistogramChunk, value: number, bits: number): void {
  c.bit = putBits(c.bytes, c.bit, value, bits);
}

const scratch = new Float64Array(1);
const words = new Uint32Array(scratch.buffer);

function putFloat(c: HistogramChunk, value: number): void {
  scratch[0] = value;
  put(c, words[1], 32);
  put(c, words[0], 32);
}

function xorValue(value: number): XorValue {
  scratch[0] = value;
  return { low: words[0], high: words[1], leading: 255, trailing: 0 };
}

function putXor(c: HistogramChunk, x: XorValue, value: number): void {
  scratch[0] = value;
  const low = (words[0] ^ x.low) >>> 0;
  const high = (words[1] ^ x.high) >>> 0;
  x.low = words[0];
  x.high = words[1];
  if ((low | high) === 0) {
    put(c, 0, 1);
    return;
  }
  const leading = Math.min(31, high !== 0 ? Math.clz32(high) : 32);
  const trailing = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
  if (x.leading !== 255 && leading >= x.leading && trailing >= x.trailing) {
    put(c, 0b10, 2);
    c.bit = putShifted(c.bytes, c.bit, high, low, x.trailing, 64 - x.leading - x.trailing);
    return;
  }
  x.leading = leading;
  x.trailing = trailing;
  const significant = 64 - leading - trailing;
  put(c, (0b11 << 11) | (leading << 6) | (significant & 63), 13);
  c.bit = putShifted(c.bytes, c.bit, high, low, trailing, significant);
}

/** The sizes of varbit numbers: one more 1 bit before the closing 0 for each step; eight 1 bits: 64 bits follow. */
const VARBIT_SIZES = [3, 6, 9, 12, 18, 25, 56] as const;

function putVarbitInt(c: HistogramChunk, value: number): void {
  if (value === 0) {
    put(c, 0, 1);
    return;
  }
  for (let k = 0; k < VARBIT_SIZES.length; k++) {
    const size = VARBIT_SIZES[k];
    const half = 2 ** (size - 1);
    if (value >= -(half - 1) && value <= half) {
      putVarbit(c, k, size, value);
      return;
    }
  }
  put(c, 0xff, 8);
  putWide(c, value, 64);
}

function putVarbitUint(c: HistogramChunk, value: number): void {
  if (value === 0) {
    put(c, 0, 1);
    return;
  }
  for (let k = 0; k < VARBIT_SIZES.length; k++) {
    const size = VARBIT_SIZES[k];
    if (value < 2 ** size) {
      putVarbit(c, k, size, value);
      return;
    }
  }
  put(c, 0xff, 8);
  putWide(c, value, 64);
}

function putVarbit(c: HistogramChunk, step: number, size: number, value: number): void {
  put(c, (2 ** (step + 1) - 1) * 2, step + 2);
  putWide(c, value, size);
}

function putWide(c: HistogramChunk, value: number, bits: number): void {
  if (bits > 32) put(c, Math.floor(value / 4294967296) | 0, bits - 32);
  put(c, lowWord(value), Math.min(bits, 32));
}

function lowWord(value: number): number {
  return (value - Math.floor(value / 4294967296) * 4294967296) | 0;
}

interface BitReader {
  readonly bytes: Uint8Array;
  p: number;
}

function take(r: BitReader, bits: number): number {
  const w = peek32(r.bytes, r.p) >>> (32 - bits);
  r.p += bits;
  return w;
}

function takeFloat(r: BitReader): number {
  words[1] = take(r, 32);
  words[0] = take(r, 32);
  return scratch[0];
}

function takeVarbit(r: BitReader, signed: boolean): number {
  const ones = Math.min(8, Math.clz32(~peek32(r.bytes, r.p)));
  if (ones === 0) {
    r.p += 1;
    return 0;
  }
  r.p += ones === 8 ? 8 : ones + 1;
  const size = ones === 8 ? 64 : VARBIT_SIZES[ones - 1];
  const high = size > 32 ? take(r, size - 32) : 0;
  const low = take(r, Math.min(size, 32));
  const value = high * 4294967296 + low;
  if (!signed) return value;
  return value > 2 ** (size - 1) || (size === 64 && high >= 0x80000000) ? signedWide(high, low, size) : value;
}

/** Subtracts 2^size without losing the low bits. */
function signedWide(high: number, low: number, size: number): number {
  return size > 32 ? (high - 2 ** (size - 32)) * 4294967296 + low : low - 2 ** size;
}

function takeXor(r: BitReader, x: XorValue): number {
  if (take(r, 1) === 1) {
    if (take(r, 1) === 1) {
      x.leading = take(r, 5);
      x.trailing = Math.max(0, 64 - x.leading - (take(r, 6) || 64));
    }
    const n = 64 - x.leading - x.trailing;
    const upper = n > 32 ? take(r, n - 32) : 0;
    const lower = take(r, Math.min(n, 32));
    xorShifted(x, upper, lower, x.trailing);
  }
  words[0] = x.low;
  words[1] = x.high;
  return scratch[0];
}

function xorShifted(x: XorValue, upper: number, lower: number, shift: number): void {
  if (shift >= 32) {
    x.high ^= lower << (shift - 32);
    return;
  }
  x.low ^= lower << shift;
  x.high ^= shift === 0 ? upper : (upper << shift) | (lower >>> (32 - shift));
}

/**
 * Gives every histogram of a chunk, with the hint about counter resets that the chunk's header allows. Returns how
 * many were read, at most `most`: fewer than that and than the chunk says means damage.
 */
export function decodeHistogramChunk(
  bytes: Uint8Array,
  start: number,
  end: number,
  integer: boolean,
  each: (t: number, h: FloatHistogram) => void,
  most = Number.POSITIVE_INFINITY,
): number {
  const samples = Math.min(most, (bytes[start] << 8) | bytes[start + 1]);
  if (samples === 0) return 0;
  const flags = bytes[start + 2] & 0xc0;
  const r: BitReader = { bytes, p: (start + HEADER_BYTES) * 8 };
  const endBit = end * 8;
  const layout = takeLayout(r, endBit);
  if (!layout) return 0;
  const state = { t: 0, tDelta: 0, counts: [] as number[], deltas: [] as number[], values: [] as XorValue[] };
  const sum: XorValue = { low: 0, high: 0, leading: 0, trailing: 0 };
  const buckets = layout.positive.length + layout.negative.length;
  for (let i = 0; i < samples; i++) {
    if (i === 0) takeFirst(r, integer, state, sum, buckets);
    else takeNext(r, integer, state, sum, buckets);
    if (r.p > endBit) return i;
    words[0] = sum.low;
    words[1] = sum.high;
    const h = assemble(layout, integer, hintAt(flags, i), state.counts, scratch[0]);
    each(state.t, h);
  }
  return samples;
}

function hintAt(flags: number, i: number): CounterResetHint {
  if (flags === FLAGS.gauge) return 'gauge';
  if (i > 0) return 'not_reset';
  return flags === FLAGS.reset ? 'reset' : 'unknown';
}

interface DecodeState {
  t: number;
  tDelta: number;
  counts: number[];
  deltas: number[];
  values: XorValue[];
}

function takeFirst(r: BitReader, integer: boolean, s: DecodeState, sum: XorValue, buckets: number): void {
  s.t = takeVarbit(r, true);
  if (integer) {
    s.counts = [takeVarbit(r, false), takeVarbit(r, false)];
    Object.assign(sum, xorValue(takeFloat(r)));
    for (let i = 0; i < buckets; i++) s.counts.push(takeVarbit(r, true));
    s.deltas = s.counts.map(() => 0);
  } else {
    s.counts = [takeFloat(r), takeFloat(r)];
    Object.assign(sum, xorValue(takeFloat(r)));
    for (let i = 0; i < buckets; i++) s.counts.push(takeFloat(r));
    s.values = s.counts.map(xorValue);
  }
}

function takeNext(r: BitReader, integer: boolean, s: DecodeState, sum: XorValue, buckets: number): void {
  s.tDelta += takeVarbit(r, true);
  s.t += s.tDelta;
  takeCounts(r, integer, s, 0, 2);
  if (!isStaleNaN(takeXor(r, sum))) takeCounts(r, integer, s, 2, 2 + buckets);
}

function takeCounts(r: BitReader, integer: boolean, s: DecodeState, from: number, until: number): void {
  for (let i = from; i < until; i++) {
    if (integer) {
      s.deltas[i] += takeVarbit(r, true);
      s.counts[i] += s.deltas[i];
    } else {
      s.counts[i] = takeXor(r, s.values[i]);
    }
  }
}

function assemble(
  layout: Layout,
  integer: boolean,
  counterResetHint: CounterResetHint,
  counts: readonly number[],
  sum: number,
): FloatHistogram {
  if (isStaleNaN(sum)) return staleHistogram(integer, counterResetHint);
  const split = 2 + layout.positive.length;
  const positive = counts.slice(2, split);
  const negative = counts.slice(split);
  const h: FloatHistogram = {
    schema: layout.schema,
    zeroThreshold: layout.zeroThreshold,
    zeroCount: counts[1],
    count: counts[0],
    sum,
    positiveSpans: layout.positiveSpans,
    negativeSpans: layout.negativeSpans,
    positiveBuckets: integer ? sums(positive) : positive,
    negativeBuckets: integer ? sums(negative) : negative,
    counterResetHint,
    ...(integer ? { integer: true } : {}),
  };
  return layout.schema === CUSTOM_BUCKETS_SCHEMA ? { ...h, customValues: layout.customValues } : h;
}

function sums(differences: readonly number[]): number[] {
  let total = 0;
  return differences.map((d) => (total += d));
}

/** The staleness marker of a series of histograms: all that counts is the bits of its sum. */
export function staleHistogram(integer: boolean, counterResetHint: CounterResetHint = 'unknown'): FloatHistogram {
  return {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: STALE_NAN,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
    counterResetHint,
    ...(integer ? { integer: true } : {}),
  };
}

function takeLayout(r: BitReader, endBit: number): Layout | undefined {
  const threshold = take(r, 8);
  const zeroThreshold = threshold === 0 ? 0 : threshold === 255 ? takeFloat(r) : 2 ** (threshold - 244);
  const schema = takeVarbit(r, true);
  const positiveSpans = takeSpans(r, endBit);
  const negativeSpans = positiveSpans && takeSpans(r, endBit);
  if (!positiveSpans || !negativeSpans) return undefined;
  const customValues: number[] = [];
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    for (let n = takeVarbit(r, false); n > 0; n--) {
      if (r.p > endBit) return undefined;
      const thousandths = takeVarbit(r, false);
      customValues.push(thousandths === 0 ? takeFloat(r) : (thousandths - 1) / 1000);
    }
  }
  const positive = bucketIndices(positiveSpans);
  const negative = bucketIndices(negativeSpans);
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customValues, positive, negative };
}

/** No histogram has more buckets: what says so is damaged. */
const MAX_BUCKETS = 1_000_000;

function takeSpans(r: BitReader, endBit: number): BucketSpan[] | undefined {
  const out: BucketSpan[] = [];
  let buckets = 0;
  for (let n = takeVarbit(r, false); n > 0; n--) {
    const length = takeVarbit(r, false);
    buckets += length;
    if (r.p > endBit || buckets > MAX_BUCKETS) return undefined;
    out.push({ length, offset: takeVarbit(r, true) });
  }
  return out;
}

/** Equal in everything that is stored (hints and bucket layouts that only differ in empty spans aside). */
export function sameHistogram(a: FloatHistogram, b: FloatHistogram): boolean {
  if (isStaleNaN(a.sum) || isStaleNaN(b.sum)) return isStaleNaN(a.sum) && isStaleNaN(b.sum);
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    a.zeroCount === b.zeroCount &&
    a.count === b.count &&
    Object.is(a.sum, b.sum) &&
    sameNumbers(a.customValues ?? [], b.customValues ?? []) &&
    sameBuckets(a.positiveSpans, a.positiveBuckets, b.positiveSpans, b.positiveBuckets) &&
    sameBuckets(a.negativeSpans, a.negativeBuckets, b.negativeSpans, b.negativeBuckets)
  );
}

function sameBuckets(
  aSpans: readonly BucketSpan[],
  a: readonly number[],
  bSpans: readonly BucketSpan[],
  b: readonly number[],
): boolean {
  const filled = (spans: readonly BucketSpan[], counts: readonly number[]) =>
    bucketIndices(spans).flatMap((index, i) => (counts[i] === 0 ? [] : [index, counts[i]]));
  return sameNumbers(filled(aSpans, a), filled(bSpans, b));
}
