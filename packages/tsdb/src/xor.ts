/**
 * Prometheus' XOR chunk (Gorilla compression with millisecond timestamps).
 *
 *     u16 samples | varint t0 | f64 v0 | uvarint t1−t0 | value1 | (dod_i | value_i)…
 *     dod:   0 | 10 +14 bits | 110 +17 | 1110 +20 | 1111 +64            (delta of deltas of the timestamps)
 *     value: 0 (same) | 10 + bits (window of before) | 11 + 5 leading + 6 significant (0 means 64) + bits
 *
 * A number of n bits covers −(2^(n−1)−1) … 2^(n−1). Everything after the count is one stream of bits, most significant first.
 */
import { writeUvarint, writeVarint } from './bytes.ts';

/** The most bytes that one more sample can take, and that must be writable (and zero) behind a chunk. */
export const MAX_XOR_SAMPLE_BYTES = 20;

/** Bytes behind `end` that {@link decodeXor} may look at (their content does not matter). */
export const DECODE_SLACK_BYTES = 8;

/** The state of the encoders of many chunks, one a slot: what the next sample is encoded against. */
export interface XorStates {
  /** Samples so far; also in the chunk's first two bytes. */
  readonly samples: Uint16Array;
  /** Length so far in bits. */
  readonly bits: Uint32Array;
  readonly lastT: Float64Array;
  readonly delta: Float64Array;
  readonly lastV: Float64Array;
  /** The same memory as `lastV`: low word at `2·slot`, high word after it. */
  readonly lastVWords: Uint32Array;
  /** 255: no window yet. */
  readonly leading: Uint8Array;
  readonly trailing: Uint8Array;
}

export function xorStates(slots: number): XorStates {
  const lastV = new Float64Array(slots);
  return {
    samples: new Uint16Array(slots),
    bits: new Uint32Array(slots),
    lastT: new Float64Array(slots),
    delta: new Float64Array(slots),
    lastV,
    lastVWords: new Uint32Array(lastV.buffer),
    leading: new Uint8Array(slots),
    trailing: new Uint8Array(slots),
  };
}

const scratch = new Float64Array(1);
const scratchWords = new Uint32Array(scratch.buffer);
const varintScratch = new Uint8Array(10);

/**
 * Appends a sample to the chunk at `base`, with the state `s`, slot `i`. The caller has seen to it that `t` is newer than
 * the last and that {@link MAX_XOR_SAMPLE_BYTES} zero bytes follow the chunk. With `samples[i]` zero it begins the chunk.
 */
export function appendXor(bytes: Uint8Array, base: number, s: XorStates, i: number, t: number, v: number): void {
  const n = s.samples[i];
  scratch[0] = v;
  const low = scratchWords[0];
  const high = scratchWords[1];
  if (n === 0) {
    const at = writeVarint(bytes, base + 2, t);
    putWord(bytes, at, high);
    putWord(bytes, at + 4, low);
    s.bits[i] = (at + 8 - base) * 8;
    s.leading[i] = 255;
    s.delta[i] = 0;
  } else {
    const delta = t - s.lastT[i];
    let p = base * 8 + s.bits[i];
    p = n === 1 ? putFirstDelta(bytes, p, delta) : putDeltaOfDelta(bytes, p, delta - s.delta[i]);
    s.delta[i] = delta;
    const w = i * 2;
    p = putValue(bytes, p, s, i, high ^ s.lastVWords[w + 1], low ^ s.lastVWords[w]);
    s.bits[i] = p - base * 8;
  }
  s.lastT[i] = t;
  s.lastVWords[i * 2] = low;
  s.lastVWords[i * 2 + 1] = high;
  s.samples[i] = n + 1;
  bytes[base] = (n + 1) >>> 8;
  bytes[base + 1] = (n + 1) & 0xff;
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = (word >>> 16) & 0xff;
  bytes[at + 2] = (word >>> 8) & 0xff;
  bytes[at + 3] = word & 0xff;
}

/** Sets the lowest `n` (1 to 32) bits of `value` at bit `p` of bytes that are zero from there on; returns the bit after. */
export function putBits(bytes: Uint8Array, p: number, value: number, n: number): number {
  const shift = p & 7;
  let at = p >>> 3;
  // The bits stand at the top of the word; what is above `n` of `value` is shifted out.
  let word = value << (32 - n);
  bytes[at] |= word >>> (24 + shift);
  word <<= 8 - shift;
  for (let left = n - 8 + shift; left > 0; left -= 8) {
    bytes[++at] = word >>> 24;
    word <<= 8;
  }
  return p + n;
}

/** The first delta is a whole varint, though it may begin anywhere in a byte (it never does: a value of 64 bits precedes). */
function putFirstDelta(bytes: Uint8Array, p: number, delta: number): number {
  const length = writeUvarint(varintScratch, 0, delta);
  for (let k = 0; k < length; k++) p = putBits(bytes, p, varintScratch[k], 8);
  return p;
}

function putDeltaOfDelta(bytes: Uint8Array, p: number, dod: number): number {
  if (dod === 0) return p + 1;
  if (dod >= -8191 && dod <= 8192) return putBits(bytes, p, 0x8000 | (dod & 0x3fff), 16);
  if (dod >= -65535 && dod <= 65536) return putBits(bytes, p, (0b110 << 17) | (dod & 0x1ffff), 20);
  if (dod >= -524287 && dod <= 524288) return putBits(bytes, p, (0b1110 << 20) | (dod & 0xfffff), 24);
  p = putBits(bytes, p, 0b1111, 4);
  p = putBits(bytes, p, Math.floor(dod / 4294967296) | 0, 32);
  return putBits(bytes, p, dod | 0, 32);
}

function putValue(bytes: Uint8Array, p: number, s: XorStates, i: number, high: number, low: number): number {
  if ((high | low) === 0) return p + 1;
  let leading = high !== 0 ? Math.clz32(high) : 32;
  if (leading > 31) leading = 31;
  const trailing = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
  const oldLeading = s.leading[i];
  const oldTrailing = s.trailing[i];
  if (oldLeading !== 255 && leading >= oldLeading && trailing >= oldTrailing) {
    p = putBits(bytes, p, 0b10, 2);
    return putShifted(bytes, p, high, low, oldTrailing, 64 - oldLeading - oldTrailing);
  }
  s.leading[i] = leading;
  s.trailing[i] = trailing;
  const significant = 64 - leading - trailing;
  p = putBits(bytes, p, (0b11 << 11) | (leading << 6) | (significant & 63), 13);
  return putShifted(bytes, p, high, low, trailing, significant);
}

/** The lowest `n` bits of `(high:low) >>> shift`. */
export function putShifted(bytes: Uint8Array, p: number, high: number, low: number, shift: number, n: number): number {
  if (shift >= 32) return putBits(bytes, p, high >>> (shift - 32), n);
  const lowPart = shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
  if (n <= 32) return putBits(bytes, p, lowPart, n);
  p = putBits(bytes, p, high >>> shift, n - 32);
  return putBits(bytes, p, lowPart, 32);
}

/** The number of samples in a chunk of any encoding. */
export function chunkSamples(bytes: Uint8Array, start: number): number {
  return (bytes[start] << 8) | bytes[start + 1];
}

/**
 * Decodes the first `count` samples of the chunk in `bytes[start, end)` into `ts` and `words` (the low and high words of the
 * values, that is, the memory of a Float64Array) from index `at` on, and returns how many it decoded: fewer than `count`
 * means that the chunk is damaged. May look at {@link DECODE_SLACK_BYTES} behind `end`, which must exist.
 */
export function decodeXor(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  ts: Float64Array,
  words: Uint32Array,
  at: number,
): number {
  if (count === 0) return 0;
  const endBit = end * 8;
  let p = (start + 2) * 8;

  // t0: a zigzag varint of whole bytes.
  let zigzag = 0;
  let scale = 1;
  let byte = 0x80;
  for (let k = 0; byte >= 0x80; k++) {
    if (k === 10 || p >= endBit) return 0;
    byte = bytes[p >>> 3];
    zigzag += (byte & 0x7f) * scale;
    scale *= 128;
    p += 8;
  }
  let t = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  if (p + 64 > endBit) return 0;
  let q = p >>> 3;
  let high = (bytes[q] << 24) | (bytes[q + 1] << 16) | (bytes[q + 2] << 8) | bytes[q + 3];
  let low = (bytes[q + 4] << 24) | (bytes[q + 5] << 16) | (bytes[q + 6] << 8) | bytes[q + 7];
  p += 64;
  ts[at] = t;
  words[at * 2] = low;
  words[at * 2 + 1] = high;

  let delta = 0;
  let leading = 0;
  let trailing = 0;
  for (let i = 1; i < count; i++) {
    q = p >>> 3;
    let shift = p & 7;
    // 32 bits from p on: enough for the commonest timestamps and the control bits of the value after them.
    let w =
      (((bytes[q] << 24) | (bytes[q + 1] << 16) | (bytes[q + 2] << 8) | bytes[q + 3]) << shift) |
      (bytes[q + 4] >>> (8 - shift));
    if (i === 1) {
      delta = 0;
      scale = 1;
      byte = 0x80;
      for (let k = 0; byte >= 0x80; k++) {
        if (k === 10 || p >= endBit) return i;
        byte = bytes[p >>> 3];
        delta += (byte & 0x7f) * scale;
        scale *= 128;
        p += 8;
      }
      w = peek32(bytes, p);
    } else if (w >= 0) {
      p += 1;
      w <<= 1;
    } else if ((w & 0x40000000) === 0) {
      const raw = (w >>> 16) & 0x3fff;
      delta += raw > 8192 ? raw - 16384 : raw;
      p += 16;
      w <<= 16;
    } else {
      let dod: number;
      if ((w & 0x20000000) === 0) {
        dod = (w >>> 12) & 0x1ffff;
        if (dod > 65536) dod -= 131072;
        p += 20;
      } else if ((w & 0x10000000) === 0) {
        dod = (w >>> 8) & 0xfffff;
        if (dod > 524288) dod -= 1048576;
        p += 24;
      } else {
        dod = peek32(bytes, p + 4) * 4294967296 + (peek32(bytes, p + 36) >>> 0);
        p += 68;
      }
      delta += dod;
      w = peek32(bytes, p);
    }
    t += delta;

    if (w >= 0) {
      p += 1;
    } else {
      if ((w & 0x40000000) === 0) {
        p += 2;
      } else {
        leading = (w >>> 25) & 31;
        let significant = (w >>> 19) & 63;
        if (significant === 0) significant = 64;
        trailing = 64 - leading - significant;
        p += 13;
      }
      const n = 64 - leading - trailing;
      if (p + n > endBit || trailing < 0) return i;
      q = p >>> 3;
      shift = p & 7;
      w =
        (((bytes[q] << 24) | (bytes[q + 1] << 16) | (bytes[q + 2] << 8) | bytes[q + 3]) << shift) |
        (bytes[q + 4] >>> (8 - shift));
      if (n <= 32) {
        const bits = w >>> (32 - n);
        if (trailing >= 32) high ^= bits << (trailing - 32);
        else {
          low ^= bits << trailing;
          if (trailing !== 0) high ^= bits >>> (32 - trailing);
        }
      } else {
        // n > 32, so trailing < 32: the first n−32 bits, then 32 more.
        const rest = n - 32;
        const upper = w >>> (32 - rest);
        const lower = peek32(bytes, p + rest);
        low ^= lower << trailing;
        high ^= trailing === 0 ? upper : (upper << trailing) | (lower >>> (32 - trailing));
      }
      p += n;
    }
    if (p > endBit) return i;
    const k = at + i;
    ts[k] = t;
    words[k * 2] = low;
    words[k * 2 + 1] = high;
  }
  return count;
}

/** The 32 bits from bit `p` on, as a signed number; bits behind the array are zero. */
export function peek32(bytes: Uint8Array, p: number): number {
  const q = p >>> 3;
  const shift = p & 7;
  return (
    (((bytes[q] << 24) | (bytes[q + 1] << 16) | (bytes[q + 2] << 8) | bytes[q + 3]) << shift) |
    (bytes[q + 4] >>> (8 - shift))
  );
}
