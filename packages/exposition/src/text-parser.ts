import { isUtf8 } from 'node:buffer';
import {
  BelfryError,
  type Exemplar,
  type FloatHistogram,
  type Labels,
  labelsFromSorted,
  METRIC_NAME,
  type MetricType,
} from '@belfry/model';
import { ENTRY, type Entry, type ExpositionParser, type ParserOptions } from './entry.ts';
import { formatOpenMetricsFloat, parseFloatBytes, parseFloatText } from './float.ts';
import { sortPairs } from './label-pairs.ts';

const NEWLINE = 10;
const TAB = 9;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const AT_END = -1;

/** What a byte may be in a name: 1 a label's first, 2 a later one (digits), 4 a colon, of metrics only. */
const NAME_CLASS = new Uint8Array(256);
for (let c = 0; c < 128; c++) {
  const char = String.fromCharCode(c);
  if (/[a-zA-Z_]/.test(char)) NAME_CLASS[c] = 1;
  else if (/[0-9]/.test(char)) NAME_CLASS[c] = 2;
  else if (char === ':') NAME_CLASS[c] = 4;
}

const TEXT_TYPES: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
};
const OPEN_METRICS_TYPES: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  gaugehistogram: 'gaugehistogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
  unknown: 'unknown',
};

/**
 * The text format 0.0.4 (with the quoted names of 1.0.0), and OpenMetrics 1.0, each as strict as Prometheus is.
 * `bytes` is borrowed for the life of the parser.
 */
export function textParser(bytes: Uint8Array, options: ParserOptions = {}): ExpositionParser {
  return new TextParser(bytes, false, options);
}

/** As {@link textParser}, for OpenMetrics 1.0. */
export function openMetricsParser(bytes: Uint8Array, options: ParserOptions = {}): ExpositionParser {
  return new TextParser(bytes, true, options);
}

class TextParser implements ExpositionParser {
  readonly keyBytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  value = 0;
  timestampMs = NaN;
  expected = false;
  familyName = '';
  metricType: MetricType = 'unknown';
  text = '';
  emptyNames: string[] = [];

  readonly #buffer: Buffer;
  readonly #length: number;
  readonly #openMetrics: boolean;
  readonly #options: ParserOptions;
  readonly #created: ReadonlyMap<string, number> | undefined;
  #at = 0;
  readonly #view: DataView;
  #hintBytes: Uint8Array = new Uint8Array(0);
  #hintView: DataView = new DataView(new ArrayBuffer(0));
  #hintStart = 0;
  #hintEnd = 0;
  /** The exemplar's labels, from after the brace; 0 when there is none. */
  #exemplarStart = 0;
  #exemplarValue = 0;
  #exemplarTimestampMs = NaN;
  #familyUnit = '';
  #typedFamily = '';

  constructor(bytes: Uint8Array, openMetrics: boolean, options: ParserOptions) {
    this.keyBytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.length;
    this.#openMetrics = openMetrics;
    this.#options = options;
    this.#created = openMetrics && options.startTimestamps ? collectCreated(bytes) : undefined;
  }

  expect(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.#hintBytes) {
      this.#hintBytes = bytes;
      this.#hintView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#hintStart = start;
    this.#hintEnd = end;
  }

  next(): Entry {
    return this.#openMetrics ? this.#nextOpenMetrics() : this.#nextText();
  }

  #nextText(): Entry {
    const b = this.keyBytes;
    for (;;) {
      let i = this.#skipBlanks(this.#at);
      if (i >= this.#length) return ENTRY.end;
      const c = b[i]!;
      if (c === NEWLINE) {
        this.#at = i + 1;
        continue;
      }
      if (c !== HASH) {
        this.#sample(i);
        return ENTRY.series;
      }
      i++;
      const word = this.#skipBlanks(i);
      const keyword = word === i ? undefined : this.#keyword(word);
      if (keyword === 'HELP' || keyword === 'TYPE') {
        const entry = this.#textMetadata(keyword, this.#skipBlanks(word + 4));
        return entry;
      }
      this.#at = this.#lineEnd(i) + 1;
    }
  }

  /** `HELP` or `TYPE` or `UNIT`, where it stands with a blank behind it. */
  #keyword(i: number): 'HELP' | 'TYPE' | 'UNIT' | undefined {
    const blank = this.keyBytes[i + 4];
    if (blank !== SPACE && (blank !== TAB || this.#openMetrics)) return undefined;
    const word = this.#buffer.toString('latin1', i, i + 4);
    return word === 'HELP' || word === 'TYPE' || word === 'UNIT' ? word : undefined;
  }

  #textMetadata(keyword: 'HELP' | 'TYPE', start: number): Entry {
    const nameEnd = this.#metadataName(start, keyword);
    const end = this.#lineEnd(nameEnd);
    const text = this.#buffer.toString('utf8', Math.min(end, nameEnd + 1), end);
    this.#at = end + 1;
    if (keyword === 'TYPE') return this.#setType(text, TEXT_TYPES[text], nameEnd + 1, end);
    this.#requireUtf8(nameEnd, end, 'help text');
    this.text = unescapeText(text, false);
    return ENTRY.help;
  }

  #metadataName(start: number, keyword: string): number {
    const b = this.keyBytes;
    let i = start;
    if (b[i] === QUOTE) {
      i = this.#quotedEnd(i, true);
      this.familyName = unescapeText(this.#buffer.toString('utf8', start + 1, i - 1), true);
      return i;
    }
    while (i < this.#length && (NAME_CLASS[b[i]!]! & (i === start ? 5 : 7)) !== 0) i++;
    if (i === start) throw this.#fail(i, `expected a metric name after ${keyword}`);
    this.familyName = this.#buffer.toString('latin1', start, i);
    return i;
  }

  #setType(text: string, type: MetricType | undefined, start: number, end: number): Entry {
    if (type === undefined) {
      const known = Object.keys(this.#openMetrics ? OPEN_METRICS_TYPES : TEXT_TYPES).join(', ');
      throw this.#fail(
        Math.min(start, end),
        `invalid metric type ${JSON.stringify(text)}, expected one of ${known}`,
        end,
      );
    }
    this.metricType = type;
    this.#setFamily();
    return ENTRY.type;
  }

  #setFamily(): void {
    if (this.#typedFamily !== this.familyName) this.#familyUnit = '';
    this.#typedFamily = this.familyName;
  }

  #nextOpenMetrics(): Entry {
    const b = this.keyBytes;
    const i = this.#at;
    if (i >= this.#length) throw this.#fail(i, 'data does not end with # EOF');
    if (b[i] !== HASH) {
      this.#sample(i);
      if (this.#created !== undefined && this.#isCreated()) return this.#nextOpenMetrics();
      return ENTRY.series;
    }
    if (b[i + 1] !== SPACE) throw this.#fail(i + 1, 'expected one space after #');
    const keyword = this.#keyword(i + 2);
    if (keyword === undefined) return this.#endOfFile(i + 2);
    const nameEnd = this.#metadataName(i + 7, keyword);
    const end = this.#lineEnd(nameEnd);
    if (b[nameEnd] !== SPACE || end >= this.#length) {
      throw this.#fail(nameEnd, `expected one space and the text of ${keyword}, then the end of the line`);
    }
    const text = this.#buffer.toString('utf8', nameEnd + 1, end);
    this.#at = end + 1;
    if (keyword === 'TYPE') return this.#setType(text, OPEN_METRICS_TYPES[text], nameEnd + 1, end);
    if (keyword === 'HELP') {
      this.#requireUtf8(nameEnd, end, 'help text');
      this.text = unescapeText(text, true);
      return ENTRY.help;
    }
    if (text !== '' && !this.familyName.endsWith(`_${text}`)) {
      const message = `unit ${JSON.stringify(text)} not a suffix of metric ${JSON.stringify(this.familyName)}`;
      throw this.#fail(nameEnd + 1, message, end);
    }
    this.text = text;
    this.#setFamily();
    this.#familyUnit = text;
    return ENTRY.unit;
  }

  #endOfFile(i: number): Entry {
    if (this.#buffer.toString('latin1', i, i + 3) !== 'EOF') {
      throw this.#fail(i, 'expected HELP, TYPE, UNIT or EOF after "# "');
    }
    const end = this.keyBytes[i + 3] === NEWLINE ? i + 4 : i + 3;
    if (end < this.#length) throw this.#fail(end, 'unexpected data after # EOF');
    this.#at = end;
    return ENTRY.end;
  }

  /** A sample line whose series begins at `i`. */
  #sample(i: number): void {
    const b = this.keyBytes;
    this.keyStart = i;
    this.expected = this.#matchesHint(i);
    const seriesEnd = this.expected ? i + this.#hintEnd - this.#hintStart : this.#skimSeries(i);
    this.keyEnd = seriesEnd;

    let start = seriesEnd;
    if (!this.#openMetrics) start = this.#skipBlanks(start);
    else if (b[start] === SPACE) start++;
    else throw this.#fail(start, 'expected one space and a value after the metric');
    const end = this.#tokenEnd(start);
    const value = end === start ? undefined : parseFloatBytes(b, start, end);
    if (value === undefined) {
      throw this.#fail(start, end === start ? 'expected a value after the metric' : 'not a number', end);
    }
    this.value = value;
    this.#exemplarStart = 0;
    this.timestampMs = NaN;
    if (b[end] === NEWLINE && end < this.#length) this.#at = end + 1;
    else if (this.#openMetrics) this.#openMetricsSuffix(end);
    else this.#textSuffix(end);
  }

  #matchesHint(i: number): boolean {
    const length = this.#hintEnd - this.#hintStart;
    if (length <= 0 || i + length > this.#length) return false;
    const b = this.keyBytes;
    const next = b[i + length];
    if (next !== SPACE && next !== TAB) return false;
    return equalBytes(this.#view, i, this.#hintView, this.#hintStart, length);
  }

  /** The end of a value or timestamp. */
  #tokenEnd(i: number): number {
    const b = this.keyBytes;
    const n = this.#length;
    if (this.#openMetrics) while (i < n && b[i] !== SPACE && b[i] !== NEWLINE) i++;
    else while (i < n && b[i] !== SPACE && b[i] !== NEWLINE && b[i] !== TAB && b[i] !== BRACE_OPEN) i++;
    return i;
  }

  #textSuffix(i: number): void {
    const b = this.keyBytes;
    let at = this.#skipBlanks(i);
    if (at < this.#length && b[at] !== NEWLINE) {
      const start = at;
      let timestamp = 0;
      while (at < this.#length && NAME_CLASS[b[at]!] === 2) timestamp = timestamp * 10 + (b[at++]! - 48);
      if (at === start) throw this.#fail(at, 'expected a timestamp in whole milliseconds, or the end of the line');
      if (timestamp > 2 ** 63) throw this.#fail(start, 'timestamp out of range', at);
      this.timestampMs = timestamp;
      at = this.#skipBlanks(at);
      if (at < this.#length && b[at] !== NEWLINE)
        throw this.#fail(at, 'expected the end of the line after the timestamp');
    }
    this.#at = at + 1;
  }

  #openMetricsSuffix(i: number): void {
    const b = this.keyBytes;
    if (i >= this.#length) throw this.#fail(i, 'data does not end with # EOF');
    let at = i;
    if (!this.#atExemplar(at)) {
      const end = this.#tokenEnd(at + 1);
      this.timestampMs = this.#seconds(at + 1, end, 'timestamp');
      at = end;
    }
    if (this.#atExemplar(at)) at = this.#exemplarSuffix(at + 4);
    if (at >= this.#length) throw this.#fail(at, 'data does not end with # EOF');
    if (b[at] !== NEWLINE) throw this.#fail(at, 'expected the end of the line');
    this.#at = at + 1;
  }

  #atExemplar(i: number): boolean {
    const b = this.keyBytes;
    return b[i] === SPACE && b[i + 1] === HASH && b[i + 2] === SPACE && b[i + 3] === BRACE_OPEN;
  }

  /** From after the brace of an exemplar's labels; gives the end of the exemplar. */
  #exemplarSuffix(labels: number): number {
    const b = this.keyBytes;
    const close = this.#skimLabels(labels, false, true);
    if (b[close] !== SPACE) throw this.#fail(close, 'expected one space and a value after the labels of the exemplar');
    let end = this.#tokenEnd(close + 1);
    const value = end === close + 1 ? undefined : parseFloatBytes(b, close + 1, end);
    if (value === undefined) throw this.#fail(close + 1, 'expected the value of the exemplar', end);
    this.#exemplarTimestampMs = NaN;
    if (b[end] === SPACE) {
      const start = end + 1;
      end = this.#tokenEnd(start);
      this.#exemplarTimestampMs = this.#seconds(start, end, 'exemplar timestamp');
    }
    this.#exemplarStart = labels;
    this.#exemplarValue = value;
    return end;
  }

  #seconds(start: number, end: number, what: string): number {
    const seconds = end === start ? undefined : parseFloatBytes(this.keyBytes, start, end);
    if (seconds === undefined || !Number.isFinite(seconds))
      throw this.#fail(start, `expected a ${what} in seconds`, end);
    return Math.trunc(seconds * 1000);
  }

  /** Checks name and labels from `i`; gives their end. */
  #skimSeries(i: number): number {
    const b = this.keyBytes;
    const start = i;
    while (i < this.#length && (NAME_CLASS[b[i]!]! & (i === start ? 5 : 7)) !== 0) i++;
    const named = i > start;
    if (!named && b[i] !== BRACE_OPEN) throw this.#fail(i, 'expected a metric name, a comment or {');
    const nameEnd = i;
    if (!this.#openMetrics) i = this.#skipBlanks(i);
    return b[i] === BRACE_OPEN && i < this.#length ? this.#skimLabels(i + 1, !named, false) : nameEnd;
  }

  /**
   * Checks labels from after the opening brace; gives the end of the closing one. `nameInside`: the metric's name must
   * be among them, quoted and alone.
   */
  #skimLabels(i: number, nameInside: boolean, exemplar: boolean): number {
    const b = this.keyBytes;
    let needsName = nameInside;
    for (;;) {
      i = this.#skipLabelBlanks(i);
      if (b[i] === BRACE_CLOSE && i < this.#length) break;
      const start = i;
      const quoted = b[i] === QUOTE;
      if (quoted) i = this.#quotedEnd(i, !this.#openMetrics || !exemplar);
      else while (i < this.#length && (NAME_CLASS[b[i]!]! & (i === start ? 1 : 3)) !== 0) i++;
      if (i === start) throw this.#fail(i, 'expected a label name');
      i = this.#skipLabelBlanks(i);
      if (quoted && !exemplar && (b[i] === COMMA || b[i] === BRACE_CLOSE)) {
        if (!needsName) throw this.#fail(start, 'the metric name is already set', i);
        needsName = false;
      } else {
        if (b[i] !== EQUALS || i >= this.#length) throw this.#fail(i, 'expected = after the label name');
        i = this.#skipLabelBlanks(i + 1);
        if (b[i] !== QUOTE) throw this.#fail(i, 'expected a label value in double quotes');
        i = this.#quotedEnd(i, !this.#openMetrics);
      }
      i = this.#afterLabel(i);
    }
    if (needsName) throw this.#fail(i, 'metric name not set');
    return i + 1;
  }

  /** A comma between labels is required by OpenMetrics, which allows none behind the last; the text format minds neither. */
  #afterLabel(i: number): number {
    const b = this.keyBytes;
    i = this.#skipLabelBlanks(i);
    if (b[i] === COMMA && i < this.#length) {
      if (this.#openMetrics && b[i + 1] === BRACE_CLOSE) throw this.#fail(i, 'unexpected comma before }');
      i = this.#skipLabelBlanks(i + 1);
      if (b[i] === COMMA) throw this.#fail(i, 'expected a label name');
    } else if (this.#openMetrics && b[i] !== BRACE_CLOSE) throw this.#fail(i, 'expected a comma or }');
    return i;
  }

  /** The end of a quoted text whose opening quote is at `start`; well-formed UTF-8 is required of it. */
  #quotedEnd(start: number, mayBreakLine: boolean): number {
    const b = this.keyBytes;
    const n = this.#length;
    let high = 0;
    for (let i = start + 1; i < n; i++) {
      const c = b[i]!;
      high |= c;
      if (c === QUOTE) {
        if (high >= 0x80 && !isUtf8(b.subarray(start, i))) throw this.#fail(start, 'not valid UTF-8', i + 1);
        return i + 1;
      }
      if (c === BACKSLASH) {
        i++;
        if (b[i] === NEWLINE) break;
      } else if (c === NEWLINE && !mayBreakLine) break;
    }
    throw this.#fail(start, 'a quote is opened here and not closed');
  }

  #skipBlanks(i: number): number {
    const b = this.keyBytes;
    while (i < this.#length && (b[i] === SPACE || b[i] === TAB)) i++;
    return i;
  }

  #skipLabelBlanks(i: number): number {
    return this.#openMetrics ? i : this.#skipBlanks(i);
  }

  #lineEnd(i: number): number {
    const end = this.keyBytes.indexOf(NEWLINE, i);
    return end === AT_END ? this.#length : end;
  }

  #requireUtf8(start: number, end: number, what: string): void {
    if (!isUtf8(this.keyBytes.subarray(start, end))) throw this.#fail(start, `${what} is not valid UTF-8`, end);
  }

  labels(): Labels {
    const pairs: string[] = [];
    this.emptyNames = [];
    const b = this.keyBytes;
    let i = this.keyStart;
    while (i < this.keyEnd && NAME_CLASS[b[i]!]! !== 0) i++;
    let name = this.#buffer.toString('latin1', this.keyStart, i);
    i = this.#skipBlanks(i);
    if (i < this.keyEnd && b[i] === BRACE_OPEN) name = this.#readLabels(i + 1, pairs) ?? name;
    pairs.push(METRIC_NAME, name);
    if (this.#options.typeAndUnitLabels) this.#addTypeAndUnit(name, pairs);
    return labelsFromSorted(this.#checkDuplicates(sortPairs(pairs)));
  }

  /** Reads already checked labels; gives the quoted metric name if it is among them. */
  #readLabels(i: number, pairs: string[]): string | undefined {
    const b = this.keyBytes;
    let metric: string | undefined;
    for (;;) {
      while (b[i] === SPACE || b[i] === TAB || b[i] === COMMA) i++;
      if (b[i] === BRACE_CLOSE) return metric;
      const start = i;
      let name: string;
      if (b[i] === QUOTE) {
        i = this.#quotedEnd(i, true);
        name = unescapeText(this.#buffer.toString('utf8', start + 1, i - 1), true);
      } else {
        while (NAME_CLASS[b[i]!]! !== 0) i++;
        name = internName(this.#buffer.toString('latin1', start, i));
      }
      while (b[i] === SPACE || b[i] === TAB) i++;
      if (b[i] !== EQUALS) {
        metric = name;
        continue;
      }
      i++;
      while (b[i] === SPACE || b[i] === TAB) i++;
      const valueStart = i + 1;
      i = this.#quotedEnd(i, true);
      const value = unescapeText(this.#buffer.toString('utf8', valueStart, i - 1), true);
      if (value === '') this.emptyNames.push(name);
      else pairs.push(name, this.#normalised(name, value));
    }
  }

  /** Bounds and quantiles are numbers: written differently by different clients, they are made the same. */
  #normalised(name: string, value: string): string {
    const bound = name === 'le' && this.metricType === 'histogram';
    if (this.#options.verbatim) return value;
    if (!bound && !(name === 'quantile' && this.metricType === 'summary')) return value;
    const number = parseFloatText(value);
    return number === undefined ? value : formatOpenMetricsFloat(number);
  }

  #addTypeAndUnit(name: string, pairs: string[]): void {
    if (!belongsToFamily(name, this.#typedFamily, this.metricType)) return;
    if (this.metricType !== 'unknown') pairs.push('__type__', this.metricType);
    if (this.#familyUnit !== '') pairs.push('__unit__', this.#familyUnit);
  }

  #checkDuplicates(pairs: string[]): string[] {
    for (let i = 2; i < pairs.length; i += 2) {
      if (pairs[i] === pairs[i - 2]) {
        throw this.#fail(this.keyStart, `label name ${JSON.stringify(pairs[i])} is not unique`, this.keyEnd);
      }
    }
    return pairs;
  }

  histogram(): FloatHistogram {
    throw new Error('the text formats have no native histograms');
  }

  exemplar(): Exemplar | undefined {
    const start = this.#exemplarStart;
    if (start === 0) return undefined;
    this.#exemplarStart = 0;
    const pairs: string[] = [];
    this.#readLabels(start, pairs);
    const labels = labelsFromSorted(sortPairs(pairs));
    const timestampMs = this.#exemplarTimestampMs;
    return timestampMs === timestampMs
      ? { labels, value: this.#exemplarValue, timestampMs }
      : { labels, value: this.#exemplarValue };
  }

  startTimestampMs(): number {
    if (this.#created === undefined || this.#created.size === 0) return 0;
    return this.#created.get(createdKey(this.labels(), this.metricType)) ?? 0;
  }

  /** Whether the current sample only tells when another series began. */
  #isCreated(): boolean {
    if (!hasCreated(this.metricType)) return false;
    const name = this.labels().at(this.labels().indexOf(METRIC_NAME) + 1)!;
    return name === `${this.familyName}_created` && name === `${this.#typedFamily}_created`;
  }

  #fail(at: number, message: string, end = at + 1): BelfryError {
    return syntaxError(this.keyBytes, at, end, message);
  }
}

/** Whether all of `length` bytes are the same: four at a time, which is the widest that costs no allocation. */
function equalBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  // What differs between neighbouring series differs near the end, so that is compared first.
  let i = length;
  for (; i >= 4; i -= 4) if (a.getUint32(aStart + i - 4) !== b.getUint32(bStart + i - 4)) return false;
  for (i--; i >= 0; i--) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
  return true;
}

function hasCreated(type: MetricType): boolean {
  return type === 'counter' || type === 'histogram' || type === 'summary';
}

/** Which series share a start: the name without what the type adds, the labels without bound and quantile. */
function createdKey(labels: Labels, type: MetricType): string {
  let key = '';
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if (name === METRIC_NAME) key += `${familyOf(labels[i + 1]!, type)}\xff`;
    else if (!(name === 'le' && type === 'histogram') && !(name === 'quantile' && type === 'summary')) {
      key += `${name}\xff${labels[i + 1]}\xff`;
    }
  }
  return key;
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
  summary: ['_count', '_sum', '_created'],
  info: ['_info'],
};

/** The family that a series of that type belongs to. */
export function familyOf(name: string, type: MetricType): string {
  for (const suffix of SUFFIXES[type] ?? []) if (name.endsWith(suffix)) return name.slice(0, -suffix.length);
  return name;
}

function belongsToFamily(name: string, family: string, type: MetricType): boolean {
  return name === family || familyOf(name, type) === family;
}

/** The start of every series that a `_created` line tells, by {@link createdKey}. */
function collectCreated(bytes: Uint8Array): Map<string, number> {
  const created = new Map<string, number>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.includes('_created')) return created;
  const parser = new TextParser(bytes, true, {});
  try {
    for (let entry = parser.next(); entry !== ENTRY.end; entry = parser.next()) {
      if (entry !== ENTRY.series || !hasCreated(parser.metricType)) continue;
      const labels = parser.labels();
      const name = labels[labels.indexOf(METRIC_NAME) + 1]!;
      if (name === `${parser.familyName}_created`) {
        created.set(createdKey(labels, parser.metricType), Math.trunc(parser.value * 1000));
      }
    }
  } catch {
    // The same fault comes up again, with its place, when the body is parsed.
  }
  return created;
}

const MAX_INTERNED = 10_000;
const interned = new Map<string, string>();

/** Label names repeat endlessly: one string for each. */
function internName(name: string): string {
  const known = interned.get(name);
  if (known !== undefined) return known;
  if (interned.size >= MAX_INTERNED) interned.clear();
  interned.set(name, name);
  return name;
}

/** Undoes `\\`, `\n` and, in labels, `\"`. Anything else behind a backslash stays as it is. */
function unescapeText(text: string, quotes: boolean): string {
  if (!text.includes('\\')) return text;
  return text.replace(quotes ? /\\([\\n"])/g : /\\([\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
}

/** An `exposition_syntax` at a byte offset, its line and column counted in what an editor shows. */
export function syntaxError(bytes: Uint8Array, at: number, end: number, message: string): BelfryError {
  at = Math.min(at, bytes.length);
  let line = 1;
  let lineStart = 0;
  for (let i = bytes.indexOf(NEWLINE); i !== AT_END && i < at; i = bytes.indexOf(NEWLINE, i + 1)) {
    line++;
    lineStart = i + 1;
  }
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, Math.max(from, to))).toString();
  const column = text(lineStart, at).length + 1;
  const lineEnd = bytes.indexOf(NEWLINE, at);
  const stop = Math.min(end, lineEnd === AT_END ? bytes.length : lineEnd);
  const MAX_SHOWN = 60;
  let shownEnd = Math.max(stop, Math.min(at + 1, bytes.length));
  // Whole characters: the bytes after the first of one begin with the bits 10.
  while (shownEnd < bytes.length && (bytes[shownEnd]! & 0xc0) === 0x80) shownEnd++;
  const got = text(at, shownEnd).slice(0, MAX_SHOWN);
  const shown = at >= bytes.length ? 'the end' : got === '\n' ? 'the end of the line' : JSON.stringify(got);
  const range = { line, column, endLine: line, endColumn: column + Math.max(1, got.length) };
  return new BelfryError('exposition_syntax', `${message}, got ${shown}`, { range });
}
