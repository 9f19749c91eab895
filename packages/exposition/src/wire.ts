import { BelfryError } from '@belfry/model';

/**
 * Protobuf on the wire, for messages that are read and written by the hundred thousand: no object is made of a message,
 * its fields are taken one by one. https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  /** A field's number times eight plus its wire type. */
  tag(): number {
    return this.uint();
  }

  /** An unsigned number; above 2^53 rounded. */
  uint(): number {
    const bytes = this.bytes;
    const at = this.at;
    const first = bytes[at]!;
    if (first < 0x80 && at < this.end) {
      this.at = at + 1;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let i = at; i < at + 10; i++) {
      if (i >= this.end) break;
      const byte = bytes[i]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = i + 1;
        return value;
      }
      scale *= 128;
    }
    throw this.fail('truncated number');
  }

  /** An `int64` or `int32`, whose negatives take ten bytes. */
  int(): number {
    const start = this.at;
    const value = this.uint();
    if (value < 2 ** 63) return value;
    let big = 0n;
    for (let i = start; i < this.at; i++) big |= BigInt(this.bytes[i]! & 0x7f) << BigInt(7 * (i - start));
    return Number(BigInt.asIntN(64, big));
  }

  /** A zigzag `sint32` or `sint64`. */
  sint(): number {
    const value = this.uint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(): number {
    if (this.at + 8 > this.end) throw this.fail('truncated double');
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  /** Narrows to an embedded message; give the result to {@link leave} afterwards. */
  enter(): number {
    const length = this.uint();
    const outer = this.end;
    if (this.at + length > outer) throw this.fail('truncated message');
    this.end = this.at + length;
    return outer;
  }

  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  string(): string {
    const length = this.uint();
    const start = this.at;
    if (start + length > this.end) throw this.fail('truncated text');
    this.at = start + length;
    const bytes = this.bytes;
    if (length < 40) {
      let out = '';
      let i = start;
      for (; i < this.at; i++) {
        const c = bytes[i]!;
        if (c >= 0x80) break;
        out += String.fromCharCode(c);
      }
      if (i === this.at) return out;
    }
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString();
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.uint();
        return;
      case 1:
        this.at += 8;
        break;
      case 2: {
        const length = this.uint();
        this.at += length;
        break;
      }
      case 5:
        this.at += 4;
        break;
      default:
        throw this.fail(`unknown wire type ${tag & 7}`);
    }
    if (this.at > this.end) throw this.fail('truncated field');
  }

  /** Reads a repeated number whether packed or not. */
  repeated(tag: number, into: number[], read: (reader: WireReader) => number): void {
    if ((tag & 7) !== 2) {
      into.push(read(this));
      return;
    }
    const outer = this.enter();
    while (this.more) into.push(read(this));
    this.leave(outer);
  }

  fail(what: string): BelfryError {
    return new BelfryError('bad_data', `protobuf: ${what} at byte ${this.at}`);
  }
}

/** Writes protobuf into a buffer that grows. */
export class WireWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written; valid until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  reset(): void {
    this.#at = 0;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  rawUint(value: number): void {
    this.#reserve(10);
    this.#at = this.#putUint(this.#at, value);
  }

  #putUint(at: number, value: number): number {
    while (value >= 0x80) {
      this.#bytes[at++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    this.#bytes[at++] = value;
    return at;
  }

  rawDouble(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  rawBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Eight bytes of a float array as they are, so that the kinds of NaN survive. */
  rawWords(words: Uint32Array, index: number): void {
    this.#reserve(8);
    this.#view.setUint32(this.#at, words[2 * index]!, true);
    this.#view.setUint32(this.#at + 4, words[2 * index + 1]!, true);
    this.#at += 8;
  }

  uint(field: number, value: number): void {
    if (value === 0) return;
    this.rawUint(field * 8);
    this.rawUint(value);
  }

  int(field: number, value: number): void {
    if (value >= 0) {
      this.uint(field, value);
      return;
    }
    this.rawUint(field * 8);
    this.#reserve(10);
    let big = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < 9; i++) {
      this.#bytes[this.#at++] = Number(big & 0x7fn) | 0x80;
      big >>= 7n;
    }
    this.#bytes[this.#at++] = Number(big);
  }

  sint(field: number, value: number): void {
    this.uint(field, zigzag(value));
  }

  /** Written even when zero where `always`, as members of a `oneof` are. */
  double(field: number, value: number, always = false): void {
    if (Object.is(value, 0) && !always) return;
    this.rawUint(field * 8 + 1);
    this.rawDouble(value);
  }

  string(field: number, text: string): void {
    if (text === '') return;
    this.bytes(field, Buffer.from(text));
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.rawUint(field * 8 + 2);
    this.rawUint(bytes.length);
    this.rawBytes(bytes);
  }

  /** An embedded message: `write` writes its fields. Small ones cost no copy but of themselves. */
  message(field: number, write: () => void): void {
    this.rawUint(field * 8 + 2);
    this.#reserve(1);
    const lengthAt = this.#at++;
    write();
    const length = this.#at - lengthAt - 1;
    const extra = varintSize(length) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(lengthAt + 1 + extra, lengthAt + 1, this.#at);
    }
    this.#at += extra;
    this.#putUint(lengthAt, length);
  }

  packed(field: number, values: readonly number[], write: (value: number) => void): void {
    if (values.length === 0) return;
    this.message(field, () => {
      for (const value of values) write(value);
    });
  }
}

export function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintSize(value: number): number {
  let size = 1;
  for (; value >= 0x80; value = Math.floor(value / 128)) size++;
  return size;
}
