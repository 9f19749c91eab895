import {
  BelfryError,
  type BucketSpan,
  type CounterResetHint,
  type Exemplar,
  type FloatHistogram,
  isValidName,
  type Labels,
  labelsFromSorted,
  METRIC_NAME,
  type Metadata,
  type MetricType,
  type WriteBatch,
} from '@belfry/model';
import { compressSync, uncompressSync } from 'snappy';
import { sortPairs } from './label-pairs.ts';
import { WireReader, WireWriter } from './wire.ts';

/** The two messages of remote write, by the names that `Content-Type` and configuration use. */
export type RemoteWriteMessage = 'prometheus.WriteRequest' | 'io.prometheus.write.v2.Request';

/** A request as it came, and what in it cannot be written whatever the store says. */
export interface DecodedWrite {
  readonly batch: WriteBatch;
  /** Series left out for their labels, with the reason. Where there are some, the answer is 400 after writing the rest. */
  readonly invalid: readonly string[];
}

/** More than any sender packs into one request. */
export const MAX_WRITE_BYTES = 64 * 1024 * 1024;
const MAX_TOLD = 10;

/**
 * The message that a remote write request's `Content-Type` announces.
 * @throws BelfryError `unsupported_media`
 */
export function remoteWriteMessage(contentType: string | undefined): RemoteWriteMessage {
  const [media, ...parameters] = (contentType ?? '').split(';').map((p) => p.trim());
  if (media?.toLowerCase() !== 'application/x-protobuf') {
    const message = `expected application/x-protobuf as the first (media) part, got ${JSON.stringify(contentType ?? '')} content-type`;
    throw new BelfryError('unsupported_media', message);
  }
  for (const parameter of parameters) {
    const [name, value] = parameter.split('=', 2);
    if (name !== 'proto') continue;
    if (value === 'prometheus.WriteRequest' || value === 'io.prometheus.write.v2.Request') return value;
    throw new BelfryError(
      'unsupported_media',
      `got ${value} proto, expected prometheus.WriteRequest or io.prometheus.write.v2.Request`,
    );
  }
  return 'prometheus.WriteRequest';
}

/**
 * Reads a remote write request, snappy block compressed. Labels are sorted here, whatever order they came in.
 * @throws BelfryError `bad_data` when it is damaged, `body_too_large` beyond {@link MAX_WRITE_BYTES} decompressed.
 */
export function decodeRemoteWrite(body: Uint8Array, message: RemoteWriteMessage): DecodedWrite {
  const bytes = uncompress(body, MAX_WRITE_BYTES);
  return message === 'prometheus.WriteRequest' ? decodeVersion1(bytes) : decodeVersion2(bytes);
}

/** Undoes snappy's block format, looking at the announced size first. */
export function uncompress(body: Uint8Array, maxBytes: number): Uint8Array {
  const header = new WireReader(body, 0, Math.min(body.length, 10));
  if (body.length === 0) throw new BelfryError('bad_data', 'snappy: empty input');
  if (header.uint() > maxBytes)
    throw new BelfryError('body_too_large', `more than ${maxBytes} bytes when decompressed`);
  try {
    return uncompressSync(Buffer.from(body.buffer, body.byteOffset, body.byteLength), { asBuffer: true }) as Buffer;
  } catch (error) {
    throw new BelfryError('bad_data', 'snappy: corrupt input', { cause: error });
  }
}

/** Columns that grow as samples come. */
class BatchBuilder {
  readonly labels: Labels[] = [];
  readonly histograms = new Map<number, FloatHistogram>();
  readonly exemplars: { series: number; exemplar: Exemplar }[] = [];
  readonly metadata: { series: number; metadata: Metadata }[] = [];
  readonly invalid: string[] = [];
  #count = 0;
  #series = new Uint32Array(1024);
  #timestamps = new Float64Array(1024);
  #words = new Uint32Array(2048);

  /** Takes a series in; −1 when its labels are invalid, and then nothing of it is taken. */
  series(pairs: string[]): number {
    sortPairs(pairs);
    const reason = invalidity(pairs);
    if (reason !== undefined) {
      if (this.invalid.length < MAX_TOLD) this.invalid.push(reason);
      return -1;
    }
    return this.labels.push(labelsFromSorted(pairs)) - 1;
  }

  /** A sample whose value stands at `at`: its bits are copied, since a staleness marker is told by them. */
  sample(series: number, timestampMs: number, view: DataView, at: number): void {
    const i = this.#slot(series, timestampMs);
    if (at < 0) return;
    this.#words[2 * i] = view.getUint32(at, true);
    this.#words[2 * i + 1] = view.getUint32(at + 4, true);
  }

  histogram(series: number, timestampMs: number, histogram: FloatHistogram): void {
    this.histograms.set(this.#slot(series, timestampMs), histogram);
  }

  #slot(series: number, timestampMs: number): number {
    const i = this.#count++;
    if (i >= this.#series.length) {
      this.#series = grown(this.#series, new Uint32Array(i * 2));
      this.#timestamps = grown(this.#timestamps, new Float64Array(i * 2));
      this.#words = grown(this.#words, new Uint32Array(i * 4));
    }
    this.#series[i] = series;
    this.#timestamps[i] = timestampMs;
    return i;
  }

  finish(): DecodedWrite {
    const n = this.#count;
    const batch: WriteBatch = {
      labels: this.labels,
      series: this.#series.subarray(0, n),
      timestamps: this.#timestamps.subarray(0, n),
      values: new Float64Array(this.#words.buffer, 0, n),
      ...(this.histograms.size > 0 ? { histograms: this.histograms } : {}),
      ...(this.exemplars.length > 0 ? { exemplars: this.exemplars } : {}),
      ...(this.metadata.length > 0 ? { metadata: this.metadata } : {}),
    };
    return { batch, invalid: this.invalid };
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function invalidity(pairs: readonly string[]): string | undefined {
  let named = false;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i]!;
    if (i > 0 && name === pairs[i - 2]) return `duplicate label name ${JSON.stringify(name)} in ${shown(pairs)}`;
    if (!isValidName(name)) return `invalid label name ${JSON.stringify(name)} in ${shown(pairs)}`;
    if (!pairs[i + 1]!.isWellFormed()) return `invalid value of label ${name} in ${shown(pairs)}`;
    if (name === METRIC_NAME) named = pairs[i + 1] !== '';
  }
  return named ? undefined : `no metric name in ${shown(pairs)}`;
}

function shown(pairs: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) parts.push(`${pairs[i]}=${JSON.stringify(pairs[i + 1])}`);
  return `{${parts.join(', ')}}`;
}

function decodeVersion1(bytes: Uint8Array): DecodedWrite {
  const r = new WireReader(bytes);
  const builder = new BatchBuilder();
  while (r.more) {
    const tag = r.tag();
    // Metadata by family, field 3, has no series to belong to; Prometheus passes over it too.
    if (tag !== (1 << 3) + 2) r.skip(tag);
    else {
      const outer = r.enter();
      decodeSeries(r, builder, (reader, tag) => {
        const pairs: string[] = [];
        if (tag >>> 3 !== 1) return undefined;
        readLabel(reader, pairs);
        return pairs;
      });
      r.leave(outer);
    }
  }
  return builder.finish();
}

function decodeVersion2(bytes: Uint8Array): DecodedWrite {
  const symbols = readSymbols(bytes);
  const builder = new BatchBuilder();
  const r = new WireReader(bytes);
  while (r.more) {
    const tag = r.tag();
    if (tag !== (5 << 3) + 2) r.skip(tag);
    else {
      const outer = r.enter();
      decodeSeries(
        r,
        builder,
        (reader, tag) => (tag >>> 3 === 1 ? readSymbolPairs(reader, tag, symbols) : undefined),
        symbols,
      );
      r.leave(outer);
    }
  }
  return builder.finish();
}

/** The symbols may stand behind the series that use them, so they are read first. */
function readSymbols(bytes: Uint8Array): string[] {
  const r = new WireReader(bytes);
  const symbols: string[] = [];
  while (r.more) {
    const tag = r.tag();
    if (tag === (4 << 3) + 2) symbols.push(r.string());
    else r.skip(tag);
  }
  if (symbols.length > 0 && symbols[0] !== '')
    throw new BelfryError('bad_data', 'symbols must start with the empty string');
  return symbols;
}

function readSymbolPairs(r: WireReader, tag: number, symbols: readonly string[]): string[] {
  const refs: number[] = [];
  r.repeated(tag, refs, (reader) => reader.uint());
  if (refs.length % 2 !== 0) throw new BelfryError('bad_data', `invalid labelRefs length ${refs.length}`);
  return refs.map((ref) => symbolAt(symbols, ref));
}

function symbolAt(symbols: readonly string[], ref: number): string {
  const symbol = symbols[ref];
  if (symbol === undefined)
    throw new BelfryError('bad_data', `labelRefs ${ref} (of symbols table length ${symbols.length}) is out of bounds`);
  return symbol;
}

type LabelField = (reader: WireReader, tag: number) => string[] | undefined;

/** Both versions keep samples in field 2; the others are told apart by whether there are symbols. */
function decodeSeries(r: WireReader, builder: BatchBuilder, labels: LabelField, symbols?: readonly string[]): void {
  const start = r.at;
  const pairs: string[] = [];
  // Labels first: samples may stand before them.
  while (r.more) {
    const tag = r.tag();
    const more = tag >>> 3 === 1 ? labels(r, tag) : undefined;
    if (more) pairs.push(...more);
    else r.skip(tag);
  }
  const end = r.end;
  const series = builder.series(withoutEmpty(pairs));
  if (series < 0) return;
  r.at = start;
  const histogramField = symbols ? 3 : 4;
  const exemplarField = symbols ? 4 : 3;
  while (r.at < end) {
    const tag = r.tag();
    const field = tag >>> 3;
    if (field === 2) readSample(r, builder, series);
    else if (field === histogramField) {
      const { timestampMs, histogram } = readHistogram(r);
      builder.histogram(series, timestampMs, histogram);
    } else if (field === exemplarField) builder.exemplars.push({ series, exemplar: readExemplar(r, symbols) });
    else if (field === 5 && symbols) {
      const metadata = readMetadata(r, symbols);
      if (metadata) builder.metadata.push({ series, metadata });
    } else r.skip(tag);
  }
}

function withoutEmpty(pairs: readonly string[]): string[] {
  if (!pairs.includes('')) return pairs as string[];
  const out: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i + 1] !== '') out.push(pairs[i]!, pairs[i + 1]!);
  return out;
}

function readLabel(r: WireReader, into: string[]): void {
  const outer = r.enter();
  let name = '';
  let value = '';
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) name = r.string();
    else if (tag >>> 3 === 2) value = r.string();
    else r.skip(tag);
  }
  r.leave(outer);
  into.push(name, value);
}

function readSample(r: WireReader, builder: BatchBuilder, series: number): void {
  const outer = r.enter();
  let timestampMs = 0;
  let valueAt = -1;
  while (r.more) {
    const tag = r.tag();
    if (tag === 9) {
      valueAt = r.at;
      r.double();
    } else if (tag >>> 3 === 2) timestampMs = r.int();
    else r.skip(tag);
  }
  r.leave(outer);
  builder.sample(series, timestampMs, r.view, valueAt);
}

function readExemplar(r: WireReader, symbols: readonly string[] | undefined): Exemplar {
  const outer = r.enter();
  const pairs: string[] = [];
  let value = 0;
  let timestampMs = 0;
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) {
      if (symbols) pairs.push(...readSymbolPairs(r, tag, symbols));
      else readLabel(r, pairs);
    } else if (tag >>> 3 === 2) value = r.double();
    else if (tag >>> 3 === 3) timestampMs = r.int();
    else r.skip(tag);
  }
  r.leave(outer);
  return { labels: labelsFromSorted(sortPairs(withoutEmpty(pairs).slice())), value, timestampMs };
}

const TYPES: readonly MetricType[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

function readMetadata(r: WireReader, symbols: readonly string[]): Metadata | undefined {
  const outer = r.enter();
  let type = 0;
  let help = 0;
  let unit = 0;
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) type = r.uint();
    else if (tag >>> 3 === 3) help = r.uint();
    else if (tag >>> 3 === 4) unit = r.uint();
    else r.skip(tag);
  }
  r.leave(outer);
  if (type === 0 && help === 0 && unit === 0) return undefined;
  const text = (ref: number) => (ref === 0 ? '' : symbolAt(symbols, ref));
  return { type: TYPES[type] ?? 'unknown', help: text(help), unit: text(unit) };
}

const RESET_HINTS: readonly CounterResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

function readHistogram(r: WireReader): { timestampMs: number; histogram: FloatHistogram } {
  const outer = r.enter();
  const spans: [BucketSpan[], BucketSpan[]] = [[], []];
  const deltas: [number[], number[]] = [[], []];
  const counts: [number[], number[]] = [[], []];
  const custom: number[] = [];
  let count = 0;
  let sum = 0;
  let schema = 0;
  let zeroThreshold = 0;
  let zeroCount = 0;
  let hint = 0;
  let timestampMs = 0;
  let integer = true;
  const double = (reader: WireReader) => reader.double();
  while (r.more) {
    const tag = r.tag();
    switch (tag >>> 3) {
      case 1:
        count = r.uint();
        break;
      case 2:
        count = r.double();
        integer = false;
        break;
      case 3:
        sum = r.double();
        break;
      case 4:
        schema = r.sint();
        break;
      case 5:
        zeroThreshold = r.double();
        break;
      case 6:
        zeroCount = r.uint();
        break;
      case 7:
        zeroCount = r.double();
        break;
      case 8:
      case 11:
        spans[tag >>> 3 === 8 ? 1 : 0].push(readSpan(r));
        break;
      case 9:
      case 12:
        r.repeated(tag, deltas[tag >>> 3 === 9 ? 1 : 0], (reader) => reader.sint());
        break;
      case 10:
      case 13:
        r.repeated(tag, counts[tag >>> 3 === 10 ? 1 : 0], double);
        break;
      case 14:
        hint = r.uint();
        break;
      case 15:
        timestampMs = r.int();
        break;
      case 16:
        r.repeated(tag, custom, double);
        break;
      default:
        r.skip(tag);
    }
  }
  r.leave(outer);
  const histogram: FloatHistogram = {
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans: spans[0],
    negativeSpans: spans[1],
    positiveBuckets: integer ? cumulated(deltas[0]) : counts[0],
    negativeBuckets: integer ? cumulated(deltas[1]) : counts[1],
    ...(custom.length > 0 ? { customValues: custom } : {}),
    counterResetHint: RESET_HINTS[hint] ?? 'unknown',
    integer,
  };
  return { timestampMs, histogram };
}

function cumulated(deltas: readonly number[]): number[] {
  let at = 0;
  return deltas.map((d) => {
    at += d;
    return at;
  });
}

function readSpan(r: WireReader): BucketSpan {
  const outer = r.enter();
  let offset = 0;
  let length = 0;
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) offset = r.sint();
    else if (tag >>> 3 === 2) length = r.uint();
    else r.skip(tag);
  }
  r.leave(outer);
  return { offset, length };
}

/** A remote write request of a batch, snappy block compressed. */
export function encodeRemoteWrite(batch: WriteBatch, message: RemoteWriteMessage): Uint8Array {
  const bytes = message === 'prometheus.WriteRequest' ? encodeVersion1(batch) : encodeVersion2(batch);
  return compressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** A remote write 1.0 request with nothing but what is known of metric families. Version 2 tells it with the series. */
export function encodeRemoteWriteMetadata(families: readonly (Metadata & { readonly family: string })[]): Uint8Array {
  const w = new WireWriter();
  for (const { family, type, help, unit } of families) {
    w.message(3, () => {
      w.uint(1, TYPES.indexOf(type));
      w.string(2, family);
      w.string(4, help);
      w.string(5, unit);
    });
  }
  return compressSync(Buffer.from(w.finish()));
}

/** The samples and exemplars of each series, in their order. */
function bySeries(batch: WriteBatch): { samples: number[][]; exemplars: Exemplar[][] } {
  const samples: number[][] = batch.labels.map(() => []);
  const exemplars: Exemplar[][] = batch.labels.map(() => []);
  for (let i = 0; i < batch.series.length; i++) samples[batch.series[i]!]!.push(i);
  for (const { series, exemplar } of batch.exemplars ?? []) exemplars[series]!.push(exemplar);
  return { samples, exemplars };
}

function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

function encodeVersion1(batch: WriteBatch): Uint8Array {
  const w = new WireWriter(batch.series.length * 32 + 1024);
  const { samples, exemplars } = bySeries(batch);
  const words = wordsOf(batch.values);
  batch.labels.forEach((labels, s) => {
    w.message(1, () => {
      for (let i = 0; i < labels.length; i += 2) writeLabel(w, labels[i]!, labels[i + 1]!);
      writeSamples(w, batch, samples[s]!, words, 4);
      for (const exemplar of exemplars[s]!) {
        w.message(3, () => {
          for (let i = 0; i < exemplar.labels.length; i += 2)
            writeLabel(w, exemplar.labels[i]!, exemplar.labels[i + 1]!);
          w.double(2, exemplar.value);
          w.int(3, exemplar.timestampMs ?? 0);
        });
      }
    });
  });
  return w.finish();
}

function encodeVersion2(batch: WriteBatch): Uint8Array {
  const w = new WireWriter(batch.series.length * 32 + 1024);
  const { samples, exemplars } = bySeries(batch);
  const words = wordsOf(batch.values);
  const refs = new Map<string, number>([['', 0]]);
  const ref = (text: string): number => {
    let known = refs.get(text);
    if (known === undefined) {
      known = refs.size;
      refs.set(text, known);
    }
    return known;
  };
  const packRefs = (labels: Labels) => w.packed(1, labels.map(ref), (v) => w.rawUint(v));
  const metadataOf = new Map(batch.metadata?.map((m) => [m.series, m.metadata]));
  batch.labels.forEach((labels, s) => {
    w.message(5, () => {
      packRefs(labels);
      writeSamples(w, batch, samples[s]!, words, 3);
      for (const exemplar of exemplars[s]!) {
        w.message(4, () => {
          packRefs(exemplar.labels);
          w.double(2, exemplar.value);
          w.int(3, exemplar.timestampMs ?? 0);
        });
      }
      const metadata = metadataOf.get(s);
      if (metadata) {
        w.message(5, () => {
          w.uint(1, TYPES.indexOf(metadata.type));
          w.uint(3, ref(metadata.help));
          w.uint(4, ref(metadata.unit));
        });
      }
    });
  });
  for (const symbol of refs.keys()) w.bytes(4, Buffer.from(symbol));
  return w.finish();
}

function writeLabel(w: WireWriter, name: string, value: string): void {
  w.message(1, () => {
    w.string(1, name);
    w.string(2, value);
  });
}

function writeSamples(
  w: WireWriter,
  batch: WriteBatch,
  samples: readonly number[],
  words: Uint32Array,
  histogramField: number,
): void {
  for (const i of samples) {
    const histogram = batch.histograms?.get(i);
    const timestampMs = batch.timestamps[i]!;
    if (histogram) w.message(histogramField, () => writeHistogram(w, histogram, timestampMs));
    else {
      w.message(2, () => {
        if (words[2 * i] !== 0 || words[2 * i + 1] !== 0) {
          w.rawUint(9);
          w.rawWords(words, i);
        }
        w.int(2, timestampMs);
      });
    }
  }
}

/** A histogram message; its fields are the same in remote write 1, 2 and remote read. */
export function writeHistogram(w: WireWriter, h: FloatHistogram, timestampMs: number): void {
  if (h.integer) {
    w.rawUint(8);
    w.rawUint(h.count);
  } else w.double(2, h.count, true);
  w.double(3, h.sum);
  w.sint(4, h.schema);
  w.double(5, h.zeroThreshold);
  if (h.integer) {
    w.rawUint(6 * 8);
    w.rawUint(h.zeroCount);
  } else w.double(7, h.zeroCount, true);
  writeBuckets(w, h.negativeSpans, h.negativeBuckets, h.integer === true, 8);
  writeBuckets(w, h.positiveSpans, h.positiveBuckets, h.integer === true, 11);
  w.uint(14, RESET_HINTS.indexOf(h.counterResetHint));
  w.int(15, timestampMs);
  w.packed(16, h.customValues ?? [], (v) => w.rawDouble(v));
}

/** Spans at `field`, deltas behind them, float counts behind those. */
function writeBuckets(
  w: WireWriter,
  spans: readonly BucketSpan[],
  buckets: readonly number[],
  integer: boolean,
  field: number,
): void {
  for (const span of spans) {
    w.message(field, () => {
      w.sint(1, span.offset);
      w.uint(2, span.length);
    });
  }
  if (!integer) {
    w.packed(field + 2, buckets, (v) => w.rawDouble(v));
    return;
  }
  const deltas = buckets.map((count, i) => count - (i === 0 ? 0 : buckets[i - 1]!));
  w.packed(field + 1, deltas, (v) => w.rawUint(v >= 0 ? v * 2 : -v * 2 - 1));
}
