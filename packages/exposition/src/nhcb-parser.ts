import {
  type BucketSpan,
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogram,
  type Labels,
  labelsWith,
  labelValue,
  METRIC_NAME,
  type MetricType,
} from '@belfry/model';
import { ENTRY, type Entry, type ExpositionParser } from './entry.ts';

/**
 * Makes of each classic histogram one native histogram with its bounds as custom buckets. The classic series are left
 * out, unless `keepClassic`. A metric that comes with a native histogram of its own is left alone.
 */
export function customBucketsParser(inner: ExpositionParser, keepClassic: boolean): ExpositionParser {
  return new CustomBucketsParser(inner, keepClassic);
}

/** The classic histogram that is being gathered. */
interface Gathering {
  readonly labels: Labels;
  readonly key: string;
  readonly bounds: { readonly upper: number; readonly count: number }[];
  readonly exemplars: Exemplar[];
  count: number | undefined;
  sum: number;
  timestampMs: number;
  startMs: number;
}

const encoder = new TextEncoder();
/** In front of keys made here; no exposition has it, being no UTF-8. */
const OWN_KEY = 0xfe;

class CustomBucketsParser implements ExpositionParser {
  readonly #inner: ExpositionParser;
  readonly #keepClassic: boolean;
  #gathering: Gathering | undefined;
  /** The entry of the inner parser that is still to be given. */
  #waiting: Entry | undefined;
  #made: { readonly from: Gathering; readonly histogram: FloatHistogram; readonly key: Uint8Array } | undefined;
  #exemplarIndex = 0;
  #nativeKey = '';

  constructor(inner: ExpositionParser, keepClassic: boolean) {
    this.#inner = inner;
    this.#keepClassic = keepClassic;
  }

  next(): Entry {
    this.#made = undefined;
    for (;;) {
      const entry = this.#waiting ?? this.#inner.next();
      this.#waiting = undefined;
      const gathered = entry === ENTRY.series && this.#gather();
      if (gathered === 'other' || (!gathered && this.#gathering)) {
        // A gathered histogram is complete; the entry that told so has to wait.
        this.#waiting = entry;
        if (this.#finish()) return ENTRY.histogram;
        continue;
      }
      if (entry === ENTRY.histogram) this.#nativeKey = keyOf(this.#inner.labels());
      if (!gathered || this.#keepClassic) return entry;
    }
  }

  /** Takes the inner parser's series in; `other`: it belongs to another histogram than the one at hand. */
  #gather(): boolean | 'other' {
    const inner = this.#inner;
    if (inner.metricType !== 'histogram') return false;
    const labels = inner.labels();
    const name = labelValue(labels, METRIC_NAME);
    const suffix = name.startsWith(inner.familyName) ? name.slice(inner.familyName.length) : '';
    if (suffix !== '_bucket' && suffix !== '_count' && suffix !== '_sum') return false;
    const base = labelsWith(labelsWith(labels, 'le', ''), METRIC_NAME, inner.familyName);
    const key = keyOf(base);
    if (key === this.#nativeKey) return false;
    if (this.#gathering && this.#gathering.key !== key) return 'other';
    this.#gathering ??= {
      labels: base,
      key,
      bounds: [],
      exemplars: [],
      count: undefined,
      sum: 0,
      timestampMs: NaN,
      startMs: 0,
    };
    const at = this.#gathering;
    if (suffix === '_count') at.count = inner.value;
    else if (suffix === '_sum') at.sum = inner.value;
    else at.bounds.push({ upper: Number(labelValue(labels, 'le').replace('Inf', 'Infinity')), count: inner.value });
    at.timestampMs = inner.timestampMs;
    at.startMs = inner.startTimestampMs();
    if (!this.#keepClassic) {
      for (let e = inner.exemplar(); e !== undefined; e = inner.exemplar()) at.exemplars.push(e);
    }
    return true;
  }

  #finish(): boolean {
    const from = this.#gathering!;
    this.#gathering = undefined;
    const histogram = customBuckets(from);
    if (histogram === undefined) return false;
    const text = encoder.encode(from.key);
    const key = new Uint8Array(text.length + 1);
    key[0] = OWN_KEY;
    key.set(text, 1);
    this.#made = { from, histogram, key };
    this.#exemplarIndex = 0;
    return true;
  }

  expect(bytes: Uint8Array, start: number, end: number): void {
    this.#inner.expect(bytes, start, end);
  }
  get expected(): boolean {
    return !this.#made && this.#inner.expected;
  }
  get keyBytes(): Uint8Array {
    return this.#made?.key ?? this.#inner.keyBytes;
  }
  get keyStart(): number {
    return this.#made ? 0 : this.#inner.keyStart;
  }
  get keyEnd(): number {
    return this.#made?.key.length ?? this.#inner.keyEnd;
  }
  get value(): number {
    return this.#inner.value;
  }
  get timestampMs(): number {
    return this.#made?.from.timestampMs ?? this.#inner.timestampMs;
  }
  get emptyNames(): readonly string[] {
    return this.#made ? [] : this.#inner.emptyNames;
  }
  get familyName(): string {
    return this.#inner.familyName;
  }
  get metricType(): MetricType {
    return this.#inner.metricType;
  }
  get text(): string {
    return this.#inner.text;
  }
  labels(): Labels {
    return this.#made?.from.labels ?? this.#inner.labels();
  }
  histogram(): FloatHistogram {
    return this.#made?.histogram ?? this.#inner.histogram();
  }
  exemplar(): Exemplar | undefined {
    return this.#made ? this.#made.from.exemplars[this.#exemplarIndex++] : this.#inner.exemplar();
  }
  startTimestampMs(): number {
    return this.#made?.from.startMs ?? this.#inner.startTimestampMs();
  }
}

function keyOf(labels: Labels): string {
  return labels.join('\0');
}

/** The histogram, without its empty buckets; nothing where the classic one contradicts itself. */
function customBuckets(from: Gathering): FloatHistogram | undefined {
  const bounds = from.bounds.filter((b) => !Number.isNaN(b.upper)).sort((a, b) => a.upper - b.upper);
  const infinite = bounds.at(-1)?.upper === Infinity ? bounds.pop() : undefined;
  const count = from.count ?? infinite?.count;
  if (count === undefined || (infinite && infinite.count !== count)) return undefined;
  const spans: { offset: number; length: number }[] = [];
  const buckets: number[] = [];
  let before = 0;
  let last = -1;
  for (let i = 0; i <= bounds.length; i++) {
    const cumulative = i < bounds.length ? bounds[i]!.count : count;
    const inBucket = cumulative - before;
    if (!(inBucket >= 0)) return undefined;
    before = cumulative;
    if (inBucket === 0) continue;
    if (spans.length > 0 && last === i - 1) spans.at(-1)!.length++;
    else spans.push({ offset: i - last - 1, length: 1 });
    buckets.push(inBucket);
    last = i;
  }
  return {
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum: from.sum,
    positiveSpans: spans as readonly BucketSpan[],
    negativeSpans: [],
    positiveBuckets: buckets,
    negativeBuckets: [],
    customValues: bounds.map((b) => b.upper),
    counterResetHint: 'unknown',
    integer: buckets.every(Number.isInteger) && Number.isInteger(count),
  };
}
