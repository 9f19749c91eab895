import { BelfryError, crc32c, type FloatHistogram, type Labels, type Matcher, type MatchOperator } from '@belfry/model';
import { compressSync } from 'snappy';
import { uncompress, writeHistogram } from './remote-write.ts';
import { WireReader, WireWriter } from './wire.ts';

export interface RemoteReadQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly Matcher[];
  /** What the querier is about to do, where it says so. */
  readonly hints: {
    readonly stepMs: number;
    readonly func: string;
    readonly startMs: number;
    readonly endMs: number;
    readonly rangeMs: number;
    readonly by: boolean;
    readonly grouping: readonly string[];
  };
}

export type RemoteReadResponseType = 'samples' | 'streamed-xor-chunks';

export interface RemoteReadRequest {
  readonly queries: readonly RemoteReadQuery[];
  /** Most wanted first; samples when it says nothing. */
  readonly accepted: readonly RemoteReadResponseType[];
}

const MAX_READ_REQUEST_BYTES = 1024 * 1024;
const OPERATORS: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];

/** @throws BelfryError `bad_data` */
export function decodeRemoteRead(body: Uint8Array): RemoteReadRequest {
  const r = new WireReader(uncompress(body, MAX_READ_REQUEST_BYTES));
  const queries: RemoteReadQuery[] = [];
  const types: number[] = [];
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) queries.push(readQuery(r));
    else if (tag >>> 3 === 2) r.repeated(tag, types, (reader) => reader.uint());
    else r.skip(tag);
  }
  const accepted = types.flatMap((t): RemoteReadResponseType[] =>
    t === 0 ? ['samples'] : t === 1 ? ['streamed-xor-chunks'] : [],
  );
  return { queries, accepted: accepted.length > 0 ? accepted : ['samples'] };
}

function readQuery(r: WireReader): RemoteReadQuery {
  const outer = r.enter();
  let startMs = 0;
  let endMs = 0;
  const matchers: Matcher[] = [];
  const hints = { stepMs: 0, func: '', startMs: 0, endMs: 0, rangeMs: 0, by: false, grouping: [] as string[] };
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) startMs = r.int();
    else if (tag >>> 3 === 2) endMs = r.int();
    else if (tag >>> 3 === 3) matchers.push(readMatcher(r));
    else if (tag >>> 3 === 4) readHints(r, hints);
    else r.skip(tag);
  }
  r.leave(outer);
  return { startMs, endMs, matchers, hints };
}

function readMatcher(r: WireReader): Matcher {
  const outer = r.enter();
  let type = 0;
  let name = '';
  let value = '';
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) type = r.uint();
    else if (tag >>> 3 === 2) name = r.string();
    else if (tag >>> 3 === 3) value = r.string();
    else r.skip(tag);
  }
  r.leave(outer);
  const op = OPERATORS[type];
  if (op === undefined) throw new BelfryError('bad_data', `invalid matcher type ${type}`);
  return { name, op, value };
}

function readHints(
  r: WireReader,
  hints: {
    stepMs: number;
    func: string;
    startMs: number;
    endMs: number;
    rangeMs: number;
    by: boolean;
    grouping: string[];
  },
): void {
  const outer = r.enter();
  while (r.more) {
    const tag = r.tag();
    switch (tag >>> 3) {
      case 1:
        hints.stepMs = r.int();
        break;
      case 2:
        hints.func = r.string();
        break;
      case 3:
        hints.startMs = r.int();
        break;
      case 4:
        hints.endMs = r.int();
        break;
      case 5:
        hints.grouping.push(r.string());
        break;
      case 6:
        hints.by = r.uint() !== 0;
        break;
      case 7:
        hints.rangeMs = r.int();
        break;
      default:
        r.skip(tag);
    }
  }
  r.leave(outer);
}

/** A series of an answer: its samples, floats and histograms in one order of time. */
export interface RemoteReadSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (FloatHistogram | undefined)[];
}

/** The answer of kind `samples`, snappy compressed: one result a query. Series must be sorted by their labels. */
export function encodeRemoteReadSamples(results: readonly (readonly RemoteReadSeries[])[]): Uint8Array {
  const w = new WireWriter();
  for (const result of results) {
    w.message(1, () => {
      for (const series of result) w.message(1, () => writeSeries(w, series));
    });
  }
  return compressSync(Buffer.from(w.finish()));
}

function writeSeries(w: WireWriter, series: RemoteReadSeries): void {
  writeLabels(w, 1, series.labels);
  const words = new Uint32Array(series.values.buffer, series.values.byteOffset, series.values.length * 2);
  series.timestamps.forEach((timestampMs, i) => {
    const histogram = series.histograms?.[i];
    if (histogram) w.message(4, () => writeHistogram(w, histogram, timestampMs));
    else {
      w.message(2, () => {
        w.rawUint(9);
        w.rawWords(words, i);
        w.int(2, timestampMs);
      });
    }
  });
}

function writeLabels(w: WireWriter, field: number, labels: Labels): void {
  for (let i = 0; i < labels.length; i += 2) {
    w.message(field, () => {
      w.string(1, labels[i]!);
      w.string(2, labels[i + 1]!);
    });
  }
}

/** A chunk as the store keeps it. */
export interface RemoteReadChunk {
  readonly minMs: number;
  readonly maxMs: number;
  readonly encoding: 'xor' | 'histogram' | 'float-histogram';
  readonly data: Uint8Array;
}

const CHUNK_TYPES = { xor: 1, histogram: 2, 'float-histogram': 3 } as const;

/**
 * One frame of a streamed answer: a varint of the message's length, its CRC-32C (big-endian), and the message
 * `prometheus.ChunkedReadResponse` with chunks of one series.
 */
export function encodeChunkedReadFrame(
  queryIndex: number,
  labels: Labels,
  chunks: readonly RemoteReadChunk[],
): Uint8Array {
  const w = new WireWriter();
  w.message(1, () => {
    writeLabels(w, 1, labels);
    for (const chunk of chunks) {
      w.message(2, () => {
        w.int(1, chunk.minMs);
        w.int(2, chunk.maxMs);
        w.uint(3, CHUNK_TYPES[chunk.encoding]);
        w.bytes(4, chunk.data);
      });
    }
  });
  w.int(2, queryIndex);
  const message = w.finish();
  const head = new WireWriter(16);
  head.rawUint(message.length);
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, crc32c(message));
  head.rawBytes(crc);
  return Buffer.concat([head.finish(), message]);
}

/** A remote read request, for asking others. */
export function encodeRemoteRead(request: RemoteReadRequest): Uint8Array {
  const w = new WireWriter();
  for (const query of request.queries) {
    w.message(1, () => {
      w.int(1, query.startMs);
      w.int(2, query.endMs);
      for (const matcher of query.matchers) {
        w.message(3, () => {
          w.uint(1, OPERATORS.indexOf(matcher.op));
          w.string(2, matcher.name);
          w.string(3, matcher.value);
        });
      }
      w.message(4, () => {
        w.int(1, query.hints.stepMs);
        w.string(2, query.hints.func);
        w.int(3, query.hints.startMs);
        w.int(4, query.hints.endMs);
        for (const label of query.hints.grouping) w.string(5, label);
        w.uint(6, query.hints.by ? 1 : 0);
        w.int(7, query.hints.rangeMs);
      });
    });
  }
  w.packed(
    2,
    request.accepted.map((t) => (t === 'samples' ? 0 : 1)),
    (v) => w.rawUint(v),
  );
  return compressSync(Buffer.from(w.finish()));
}
