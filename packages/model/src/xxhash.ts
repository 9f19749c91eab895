/** XXH64 with seed 0, and the hash of a label set that Prometheus samples series by. */
import type { Labels } from './labels.ts';

const MASK = 0xffffffffffffffffn;
const P1 = 11400714785074694791n;
const P2 = 14029467366897019727n;
const P3 = 1609587929392839161n;
const P4 = 9650029242287828579n;
const P5 = 2870177450012600261n;

const rotate = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & MASK;
const round = (acc: bigint, input: bigint) => (rotate((acc + input * P2) & MASK, 31n) * P1) & MASK;
const merge = (acc: bigint, v: bigint) => ((acc ^ round(0n, v)) * P1 + P4) & MASK;

/** https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const n = bytes.length;
  let at = 0;
  let h: bigint;
  if (n >= 32) {
    let v1 = (P1 + P2) & MASK;
    let v2 = P2;
    let v3 = 0n;
    let v4 = (MASK + 1n - P1) & MASK;
    for (; at + 32 <= n; at += 32) {
      v1 = round(v1, view.getBigUint64(at, true));
      v2 = round(v2, view.getBigUint64(at + 8, true));
      v3 = round(v3, view.getBigUint64(at + 16, true));
      v4 = round(v4, view.getBigUint64(at + 24, true));
    }
    h = (rotate(v1, 1n) + rotate(v2, 7n) + rotate(v3, 12n) + rotate(v4, 18n)) & MASK;
    h = merge(merge(merge(merge(h, v1), v2), v3), v4);
  } else h = P5;
  h = (h + BigInt(n)) & MASK;
  for (; at + 8 <= n; at += 8) h = (rotate(h ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & MASK;
  if (at + 4 <= n) {
    h = (rotate(h ^ ((BigInt(view.getUint32(at, true)) * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < n; at++) h = (rotate(h ^ ((BigInt(bytes[at]!) * P5) & MASK), 11n) * P1) & MASK;
  h = ((h ^ (h >> 33n)) * P2) & MASK;
  h = ((h ^ (h >> 29n)) * P3) & MASK;
  return h ^ (h >> 32n);
}

const encoder = new TextEncoder();

/**
 * The hash of the bytes in which Prometheus' default build holds a label set: every name and value after its length in
 * one byte, or from 255 on after 255 and three bytes, lowest first.
 */
export function labelsHash(labels: Labels): bigint {
  const parts = labels.map((text) => encoder.encode(text));
  const size = parts.reduce((sum, part) => sum + part.length + (part.length < 255 ? 1 : 4), 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    if (part.length < 255) bytes[at++] = part.length;
    else {
      bytes.set([255, part.length & 255, (part.length >> 8) & 255, (part.length >> 16) & 255], at);
      at += 4;
    }
    bytes.set(part, at);
    at += part.length;
  }
  return xxhash64(bytes);
}

/** Where in [0, 1] a label set stands among all, for `limit_ratio`. */
export function sampleOffset(labels: Labels): number {
  return Number(labelsHash(labels)) / Number(MASK);
}
