import {
  BelfryError,
  type BucketSpan,
  type Exemplar,
  type FloatHistogram,
  type Labels,
  labelsFromSorted,
  METRIC_NAME,
  type MetricType,
} from '@belfry/model';
import { ENTRY, type Entry, type ExpositionParser, type ParserOptions } from './entry.ts';
import { formatOpenMetricsFloat, NORMAL_NAN } from './float.ts';
import { sortPairs } from './label-pairs.ts';
import { WireReader } from './wire.ts';

/**
 * The delimited protobuf format: `io.prometheus.client.MetricFamily` messages, each behind its length. The only one that
 * carries native histograms. Histograms and summaries are given as their float series, as the text formats have them;
 * a native histogram as one entry instead (or besides, by option).
 */
export function protobufParser(bytes: Uint8Array, options: ParserOptions = {}): ExpositionParser {
  return new ProtobufParser(bytes, options);
}

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram'];

/** A sample of the metric at hand that is still to be given. */
interface Pending {
  readonly entry: typeof ENTRY.series | typeof ENTRY.histogram;
  readonly suffix: string;
  readonly extraName: string;
  readonly extraValue: string;
  readonly value: number;
  readonly exemplars: readonly Exemplar[];
}

const encoder = new TextEncoder();

class ProtobufParser implements ExpositionParser {
  keyBytes: Uint8Array = new Uint8Array(512);
  readonly keyStart = 0;
  keyEnd = 0;
  value = 0;
  timestampMs = NaN;
  readonly expected = false;
  familyName = '';
  metricType: MetricType = 'unknown';
  text = '';
  emptyNames: string[] = [];

  readonly #reader: WireReader;
  readonly #options: ParserOptions;
  /** Metrics of the family at hand, as [start, end) pairs. */
  #metrics: number[] = [];
  #nextMetric = 0;
  #metadata: Entry[] = [];
  #help = '';
  #unit = '';
  #pending: Pending[] = [];
  #current: Pending | undefined;
  #exemplarIndex = 0;
  #pairs: string[] = [];
  #histogram: FloatHistogram | undefined;
  #startMs = 0;

  constructor(bytes: Uint8Array, options: ParserOptions) {
    this.#reader = new WireReader(bytes);
    this.#options = options;
  }

  /** The key is made anew for each entry, so there is nothing to foretell. */
  expect(): void {}

  next(): Entry {
    try {
      for (;;) {
        const metadata = this.#metadata.shift();
        if (metadata !== undefined) {
          this.text = metadata === ENTRY.unit ? this.#unit : this.#help;
          return metadata;
        }
        const pending = this.#pending.shift();
        if (pending) return this.#give(pending);
        if (this.#nextMetric < this.#metrics.length) this.#readMetric();
        else if (this.#reader.more) this.#readFamily();
        else return ENTRY.end;
      }
    } catch (error) {
      if (!(error instanceof BelfryError) || error.code !== 'bad_data') throw error;
      const column = this.#reader.at + 1;
      const range = { line: 1, column, endLine: 1, endColumn: column + 1 };
      throw new BelfryError('exposition_syntax', error.message, { range, cause: error });
    }
  }

  #readFamily(): void {
    const r = this.#reader;
    const outer = r.enter();
    this.#metrics = [];
    this.#nextMetric = 0;
    this.#help = '';
    this.#unit = '';
    let type = 0;
    let name = '';
    while (r.more) {
      const tag = r.tag();
      switch (tag >>> 3) {
        case 1:
          name = r.string();
          break;
        case 2:
          this.#help = r.string();
          break;
        case 3:
          type = r.uint();
          break;
        case 4: {
          const inner = r.enter();
          this.#metrics.push(r.at, r.end);
          r.leave(inner);
          break;
        }
        case 5:
          this.#unit = r.string();
          break;
        default:
          r.skip(tag);
      }
    }
    r.leave(outer);
    if (name === '') throw r.fail('a metric family without a name');
    if (TYPES[type] === undefined) throw r.fail(`unknown metric type ${type} of ${JSON.stringify(name)}`);
    this.familyName = name;
    this.metricType = TYPES[type]!;
    this.#metadata = [ENTRY.help, ENTRY.type];
    if (this.#unit !== '') this.#metadata.push(ENTRY.unit);
  }

  /** Reads one metric message and lines its samples up. */
  #readMetric(): void {
    const reader = this.#reader;
    const r = new WireReader(reader.bytes, this.#metrics[this.#nextMetric]!, this.#metrics[this.#nextMetric + 1]!);
    this.#nextMetric += 2;
    this.#pairs = [];
    this.timestampMs = NaN;
    this.#startMs = 0;
    this.#histogram = undefined;
    const pending: Pending[] = [];
    try {
      while (r.more) {
        const tag = r.tag();
        const field = tag >>> 3;
        if (field === 1) readLabelPair(r, this.#pairs);
        else if (field === 6) this.timestampMs = r.int();
        else if (field === 2 || field === 3 || field === 5) this.#readSimple(r, pending);
        else if (field === 4) this.#readSummary(r, pending);
        else if (field === 7) this.#readHistogram(r, pending);
        else r.skip(tag);
      }
    } catch (error) {
      reader.at = r.at;
      throw error;
    }
    this.#pending = pending;
  }

  #readSimple(r: WireReader, pending: Pending[]): void {
    const outer = r.enter();
    let value = 0;
    const exemplars: Exemplar[] = [];
    while (r.more) {
      const tag = r.tag();
      const field = tag >>> 3;
      if (field === 1) value = r.double();
      else if (field === 2) exemplars.push(readExemplar(r));
      else if (field === 3) this.#startMs = readTimestamp(r);
      else r.skip(tag);
    }
    r.leave(outer);
    pending.push(series('', value, exemplars));
  }

  #readSummary(r: WireReader, pending: Pending[]): void {
    const outer = r.enter();
    let count = 0;
    let sum = 0;
    const quantiles: Pending[] = [];
    while (r.more) {
      const tag = r.tag();
      const field = tag >>> 3;
      if (field === 1) count = r.uint();
      else if (field === 2) sum = r.double();
      else if (field === 4) this.#startMs = readTimestamp(r);
      else if (field === 3) {
        const inner = r.enter();
        let quantile = 0;
        let value = 0;
        while (r.more) {
          const t = r.tag();
          if (t >>> 3 === 1) quantile = r.double();
          else if (t >>> 3 === 2) value = r.double();
          else r.skip(t);
        }
        r.leave(inner);
        quantiles.push(series('', value, [], 'quantile', formatOpenMetricsFloat(quantile)));
      } else r.skip(tag);
    }
    r.leave(outer);
    pending.push(series('_count', count), series('_sum', sum), ...quantiles);
  }

  #readHistogram(r: WireReader, pending: Pending[]): void {
    const outer = r.enter();
    const raw = readHistogramFields(r, (ms) => {
      this.#startMs = ms;
    });
    r.leave(outer);
    const native = isNative(raw) && this.#options.nativeHistograms === true;
    if (native) {
      this.#histogram = nativeHistogram(raw, this.metricType === 'gaugehistogram');
      const exemplars =
        raw.exemplars.length > 0
          ? raw.exemplars
          : raw.buckets.flatMap((b) => (b.exemplar?.timestampMs === undefined ? [] : [b.exemplar]));
      pending.push({ ...series('', 0, exemplars), entry: ENTRY.histogram });
    }
    if (!native || (this.#options.alwaysClassic && raw.buckets.length > 0)) pending.push(...classicSeries(raw));
  }

  #give(pending: Pending): Entry {
    this.#current = pending;
    this.#exemplarIndex = 0;
    this.value = pending.value === pending.value ? pending.value : NORMAL_NAN;
    this.#makeKey(pending);
    return pending.entry;
  }

  /** The name and the labels, with bytes between that stand in no UTF-8 text; the entry's kind in front. */
  #makeKey(pending: Pending): void {
    const parts = [this.familyName + pending.suffix, ...this.#pairs, pending.extraName, pending.extraValue];
    let room = 1;
    for (const part of parts) room += part.length * 3 + 1;
    if (this.keyBytes.length < room) this.keyBytes = new Uint8Array(room * 2);
    let at = 0;
    this.keyBytes[at++] = pending.entry;
    for (const part of parts) {
      at += encoder.encodeInto(part, this.keyBytes.subarray(at)).written;
      this.keyBytes[at++] = 0xff;
    }
    this.keyEnd = at;
  }

  labels(): Labels {
    const { suffix, extraName, extraValue } = this.#current!;
    const pairs = [METRIC_NAME, this.familyName + suffix, ...this.#pairs];
    if (extraName !== '') pairs.push(extraName, extraValue);
    if (this.#options.typeAndUnitLabels) {
      if (this.metricType !== 'unknown') pairs.push('__type__', this.metricType);
      if (this.#unit !== '') pairs.push('__unit__', this.#unit);
    }
    sortPairs(pairs);
    const out: string[] = [];
    this.emptyNames = [];
    for (let i = 0; i < pairs.length; i += 2) {
      if (i > 0 && pairs[i] === pairs[i - 2]) {
        const range = { line: 1, column: this.#reader.at + 1, endLine: 1, endColumn: this.#reader.at + 2 };
        throw new BelfryError('exposition_syntax', `label name ${JSON.stringify(pairs[i])} is not unique`, { range });
      }
      if (pairs[i + 1] === '') this.emptyNames.push(pairs[i]!);
      else out.push(pairs[i]!, pairs[i + 1]!);
    }
    return labelsFromSorted(out);
  }

  histogram(): FloatHistogram {
    return this.#histogram!;
  }

  exemplar(): Exemplar | undefined {
    return this.#current?.exemplars[this.#exemplarIndex++];
  }

  startTimestampMs(): number {
    return this.#startMs;
  }
}

function series(
  suffix: string,
  value: number,
  exemplars: readonly Exemplar[] = [],
  extraName = '',
  extraValue = '',
): Pending {
  return { entry: ENTRY.series, suffix, extraName, extraValue, value, exemplars };
}

interface Bucket {
  readonly count: number;
  readonly upperBound: number;
  readonly exemplar: Exemplar | undefined;
}

interface RawHistogram {
  count: number;
  sum: number;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  /** Whether its counts came as floats. */
  float: boolean;
  readonly buckets: Bucket[];
  readonly positiveSpans: BucketSpan[];
  readonly negativeSpans: BucketSpan[];
  readonly positiveDeltas: number[];
  readonly negativeDeltas: number[];
  readonly positiveCounts: number[];
  readonly negativeCounts: number[];
  readonly exemplars: Exemplar[];
}

const readDouble = (r: WireReader) => r.double();
const readSint = (r: WireReader) => r.sint();

function readHistogramFields(r: WireReader, started: (ms: number) => void): RawHistogram {
  const h: RawHistogram = {
    count: 0,
    sum: 0,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    float: false,
    buckets: [],
    positiveSpans: [],
    negativeSpans: [],
    positiveDeltas: [],
    negativeDeltas: [],
    positiveCounts: [],
    negativeCounts: [],
    exemplars: [],
  };
  while (r.more) {
    const tag = r.tag();
    switch (tag >>> 3) {
      case 1:
        h.count = Math.max(h.count, r.uint());
        break;
      case 2:
        h.sum = r.double();
        break;
      case 3:
        h.buckets.push(readBucket(r));
        break;
      case 4: {
        const count = r.double();
        if (count > 0) {
          h.count = count;
          h.float = true;
        }
        break;
      }
      case 5:
        h.schema = r.sint();
        break;
      case 6:
        h.zeroThreshold = r.double();
        break;
      case 7:
        h.zeroCount = Math.max(h.zeroCount, r.uint());
        break;
      case 8: {
        const count = r.double();
        if (count > 0) {
          h.zeroCount = count;
          h.float = true;
        }
        break;
      }
      case 9:
        h.negativeSpans.push(readSpan(r));
        break;
      case 10:
        r.repeated(tag, h.negativeDeltas, readSint);
        break;
      case 11:
        r.repeated(tag, h.negativeCounts, readDouble);
        break;
      case 12:
        h.positiveSpans.push(readSpan(r));
        break;
      case 13:
        r.repeated(tag, h.positiveDeltas, readSint);
        break;
      case 14:
        r.repeated(tag, h.positiveCounts, readDouble);
        break;
      case 15:
        started(readTimestamp(r));
        break;
      case 16:
        h.exemplars.push(readExemplar(r));
        break;
      default:
        r.skip(tag);
    }
  }
  return h;
}

function readBucket(r: WireReader): Bucket {
  const outer = r.enter();
  let count = 0;
  let upperBound = 0;
  let exemplar: Exemplar | undefined;
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) count = Math.max(count, r.uint());
    else if (tag >>> 3 === 4) count = Math.max(count, r.double());
    else if (tag >>> 3 === 2) upperBound = r.double();
    else if (tag >>> 3 === 3) exemplar = readExemplar(r);
    else r.skip(tag);
  }
  r.leave(outer);
  return { count, upperBound, exemplar };
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

function readLabelPair(r: WireReader, into: string[]): void {
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

function readExemplar(r: WireReader): Exemplar {
  const outer = r.enter();
  const pairs: string[] = [];
  let value = 0;
  let timestampMs = NaN;
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) readLabelPair(r, pairs);
    else if (tag >>> 3 === 2) value = r.double();
    else if (tag >>> 3 === 3) timestampMs = readTimestamp(r);
    else r.skip(tag);
  }
  r.leave(outer);
  const labels = labelsFromSorted(sortPairs(pairs));
  return timestampMs === timestampMs ? { labels, value, timestampMs } : { labels, value };
}

/** A `google.protobuf.Timestamp`, in milliseconds. */
function readTimestamp(r: WireReader): number {
  const outer = r.enter();
  let seconds = 0;
  let nanos = 0;
  while (r.more) {
    const tag = r.tag();
    if (tag >>> 3 === 1) seconds = r.int();
    else if (tag >>> 3 === 2) nanos = r.int();
    else r.skip(tag);
  }
  r.leave(outer);
  return seconds * 1000 + Math.floor(nanos / 1e6);
}

function isNative(h: RawHistogram): boolean {
  return h.positiveSpans.length > 0 || h.negativeSpans.length > 0 || h.zeroThreshold > 0 || h.zeroCount > 0;
}

function nativeHistogram(h: RawHistogram, gauge: boolean): FloatHistogram {
  const float = h.float || h.positiveCounts.length > 0 || h.negativeCounts.length > 0;
  return {
    schema: h.schema,
    zeroThreshold: h.zeroThreshold,
    zeroCount: h.zeroCount,
    count: h.count,
    sum: h.sum,
    positiveSpans: h.positiveSpans,
    negativeSpans: h.negativeSpans,
    positiveBuckets: float ? h.positiveCounts : cumulate(h.positiveDeltas),
    negativeBuckets: float ? h.negativeCounts : cumulate(h.negativeDeltas),
    counterResetHint: gauge ? 'gauge' : 'unknown',
    integer: !float,
  };
}

function cumulate(deltas: readonly number[]): number[] {
  let count = 0;
  return deltas.map((delta) => {
    count += delta;
    return count;
  });
}

/** Of gauge histograms too the field's names are `_count` and `_sum`, where OpenMetrics has `_gcount` and `_gsum`. */
function classicSeries(h: RawHistogram): Pending[] {
  const out = [series('_count', h.count), series('_sum', h.sum)];
  let infinite = false;
  for (const bucket of h.buckets) {
    infinite ||= bucket.upperBound === Infinity;
    const exemplars = bucket.exemplar ? [bucket.exemplar] : [];
    out.push(series('_bucket', bucket.count, exemplars, 'le', formatOpenMetricsFloat(bucket.upperBound)));
  }
  if (!infinite) out.push(series('_bucket', h.count, [], 'le', '+Inf'));
  return out;
}
