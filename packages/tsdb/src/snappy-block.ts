/**
 * Decompression of snappy's block format into a buffer that is used again and again: reading a log record by record would
 * otherwise leave a heap of buffers to the garbage collector.
 *
 *     uvarint length | (tag, …)…     tag & 3: 0 literal; 1, 2, 3 a copy with 11, 16, 32 bits of offset
 */
import { Truncated } from './bytes.ts';

let output = new Uint8Array(256 * 1024);

/** The decompressed bytes: valid until the next call. @throws Truncated when they are not what was compressed */
export function decompressSnappy(input: Uint8Array): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 1; ; shift *= 128) {
    if (at >= input.length || at > 4) throw new Truncated('a compressed record without its length');
    const byte = input[at++];
    length += (byte & 0x7f) * shift;
    if (byte < 0x80) break;
  }
  if (length > MAX_RECORD_BYTES) throw new Truncated('a compressed record that says it is too long');
  if (length > output.length) output = new Uint8Array(Math.max(length, output.length * 2));
  if (decode(input, at, output, length) !== length) throw new Truncated('a compressed record that does not decompress');
  return output.subarray(0, length);
}

/** No record is longer: a segment is not. */
const MAX_RECORD_BYTES = 1024 * 1024 * 1024;

function decode(input: Uint8Array, at: number, out: Uint8Array, length: number): number {
  const end = input.length;
  let to = 0;
  while (at < end) {
    const tag = input[at++];
    if ((tag & 3) === 0) {
      let n = tag >>> 2;
      if (n >= 60) {
        const bytes = n - 59;
        n = 0;
        for (let i = 0; i < bytes; i++) n += input[at + i] * 2 ** (8 * i);
        at += bytes;
      }
      n++;
      if (at + n > end || to + n > length) return -1;
      if (n < 24) for (let i = 0; i < n; i++) out[to + i] = input[at + i];
      else out.set(input.subarray(at, at + n), to);
      at += n;
      to += n;
      continue;
    }
    let n: number;
    let offset: number;
    if ((tag & 3) === 1) {
      n = ((tag >>> 2) & 7) + 4;
      offset = ((tag & 0xe0) << 3) | input[at++];
    } else {
      n = (tag >>> 2) + 1;
      offset = input[at] | (input[at + 1] << 8);
      at += 2;
      if ((tag & 3) === 3) {
        offset += (input[at] | (input[at + 1] << 8)) * 65536;
        at += 2;
      }
    }
    if (offset === 0 || offset > to || to + n > length || at > end) return -1;
    for (let i = 0; i < n; i++) out[to + i] = out[to + i - offset];
    to += n;
  }
  return to;
}
