import type { Labels } from '@belfry/model';

const SEPARATOR = 0xff;
const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
const encoder = new TextEncoder();

/**
 * Prometheus' fingerprint of a label set as 16 hex digits: FNV-1a, 64 bits, over the UTF-8 bytes of each name and value
 * in order, each followed by the byte 0xff.
 */
export function fingerprintOf(labels: Labels): string {
  // The prime is 2^40 + 0x1b3, so a product is one small multiplication and one shift: no BigInt in a hot path.
  let high = OFFSET_HIGH;
  let low = OFFSET_LOW;
  const add = (byte: number) => {
    low = (low ^ byte) >>> 0;
    const shifted = (low << 8) >>> 0;
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 0x1_0000_0000) + shifted) >>> 0;
    low = product >>> 0;
  };
  for (const text of labels) {
    if (isAscii(text)) for (let i = 0; i < text.length; i++) add(text.charCodeAt(i));
    else for (const byte of encoder.encode(text)) add(byte);
    add(SEPARATOR);
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
