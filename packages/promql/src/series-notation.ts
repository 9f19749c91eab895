/** The notation of PromQL tests for a series and its samples over time: `up{job="a"} 0+1x10 _ stale {{count:1}}`. */
import {
  BelfryError,
  type CounterResetHint,
  type FloatHistogram,
  type Labels,
  labelsFrom,
  STALE_NAN,
} from '@belfry/model';
import { addHistogram, INCOMPATIBLE, subtractHistogram } from './histogram-arithmetic.ts';
import { copyHistogram } from './histogram-buckets.ts';
import { parseSelector } from './parser.ts';

/** One place in a sequence. */
export interface SequenceValue {
  /** `_`: no sample. */
  readonly omitted: boolean;
  readonly value: number;
  readonly histogram?: FloatHistogram;
  /** The notation said what the histogram's counter-reset hint is. */
  readonly hintGiven?: boolean;
}

export interface SeriesNotation {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

/** @throws BelfryError `query_syntax` */
export function parseSeriesNotation(line: string): SeriesNotation {
  const end = endOfMetric(line);
  return { labels: parseMetric(line.slice(0, end)), values: parseSequence(line.slice(end)) };
}

function fail(message: string): never {
  throw new BelfryError('query_syntax', message);
}

function endOfMetric(line: string): number {
  let i = 0;
  while (i < line.length && !/[\s{]/.test(line[i]!)) i++;
  let next = i;
  while (next < line.length && /[ \t]/.test(line[next]!)) next++;
  if (line[next] !== '{' || line.startsWith('{{', next)) return i;
  let quoteChar = '';
  for (let k = next; k < line.length; k++) {
    const char = line[k]!;
    if (quoteChar) {
      if (char === '\\' && quoteChar !== '`') k++;
      else if (char === quoteChar) quoteChar = '';
    } else if (char === '"' || char === "'" || char === '`') quoteChar = char;
    else if (char === '}') return k + 1;
  }
  return fail(`unclosed braces in series ${JSON.stringify(line)}`);
}

/** @throws BelfryError `query_syntax` */
export function parseMetric(text: string): Labels {
  const matchers = parseSelector(text.trim());
  const other = matchers.find((m) => m.op !== '=');
  if (other) fail(`unexpected "${other.op}" in a series: only "=" is allowed`);
  return labelsFrom(matchers.map((m) => [m.name, m.value] as const));
}

/** @throws BelfryError `query_syntax` */
export function parseSequence(text: string): SequenceValue[] {
  const values: SequenceValue[] = [];
  for (const item of items(text)) values.push(...parseItem(item));
  return values;
}

/** Splits at white space outside of `{{…}}`. */
function items(text: string): string[] {
  const list: string[] = [];
  let item = '';
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.startsWith('{{', i)) {
      depth++;
      item += '{{';
      i++;
    } else if (text.startsWith('}}', i) && depth > 0) {
      depth--;
      item += '}}';
      i++;
    } else if (depth === 0 && /\s/.test(text[i]!)) {
      if (item) list.push(item);
      item = '';
    } else item += text[i];
  }
  if (depth > 0) fail(`unclosed histogram in ${JSON.stringify(text)}`);
  if (item) list.push(item);
  return list;
}

const NUMBER = String.raw`(?:[+-]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))`;
const FLOAT_ITEM = new RegExp(`^(${NUMBER})(?:([+-])(${NUMBER}))?(?:x(\\d+))?$`, 'i');
const HISTOGRAM_ITEM = /^\{\{([^}]*)\}\}(?:([+-])\{\{([^}]*)\}\})?(?:x(\d+))?$/;
/** Longest sequence that one item may stand for. */
const MAX_REPEAT = 1_000_000;

function parseItem(item: string): SequenceValue[] {
  const blank = /^_(?:x(\d+))?$/.exec(item);
  if (blank) return new Array(repeat(blank[1] ?? '1')).fill({ omitted: true, value: 0 });
  const stale = /^stale(?:x(\d+))?$/.exec(item);
  if (stale) return new Array(stale[1] ? repeat(stale[1]) + 1 : 1).fill({ omitted: false, value: STALE_NAN });
  const histogram = HISTOGRAM_ITEM.exec(item);
  if (histogram) return histogramItem(histogram);
  const float = FLOAT_ITEM.exec(item);
  if (!float) fail(`unexpected ${JSON.stringify(item)} in series values`);
  const [, first, sign, step, times] = float;
  if (step !== undefined && times === undefined) fail(`expected "x<count>" after ${JSON.stringify(item)}`);
  const value = parseFloatText(first!);
  const increase = step === undefined ? 0 : parseFloatText(step) * (sign === '-' ? -1 : 1);
  const list: SequenceValue[] = [];
  let current = value;
  for (let i = 0; i <= (times === undefined ? 0 : repeat(times)); i++) {
    list.push({ omitted: false, value: current });
    current += increase;
  }
  return list;
}

function repeat(text: string): number {
  const n = Number(text);
  if (n > MAX_REPEAT) fail(`more than ${MAX_REPEAT} repetitions: x${text}`);
  return n;
}

/** A number as Go's literals, `Inf` and `NaN` in any case. */
export function parseFloatText(text: string): number {
  const negative = text.startsWith('-');
  const body = text.replace(/^[+-]/, '').toLowerCase();
  const magnitude = body === 'inf' ? Infinity : body === 'nan' ? NaN : Number(body);
  return negative ? -magnitude : magnitude;
}

function histogramItem([, first, sign, step, times]: RegExpExecArray): SequenceValue[] {
  const base = parseHistogram(first!);
  const list = [sequenceOf(base)];
  if (times === undefined) {
    if (step !== undefined) fail('expected "x<count>" after a sum of histograms');
    return list;
  }
  const increase = step === undefined ? undefined : parseHistogram(step);
  let current = base.histogram;
  for (let i = 0; i < repeat(times); i++) {
    if (increase) {
      if (current.schema > increase.histogram.schema) {
        fail(`error combining histograms: cannot merge from schema ${current.schema} to ${increase.histogram.schema}`);
      }
      const next = copyHistogram(current);
      const flags = (sign === '-' ? subtractHistogram : addHistogram)(next, increase.histogram);
      if (flags === INCOMPATIBLE) fail('error combining histograms: cannot combine different kinds of schemas');
      current = next;
    }
    list.push(sequenceOf({ histogram: current, hintGiven: base.hintGiven }));
  }
  return list;
}

function sequenceOf({ histogram, hintGiven }: { histogram: FloatHistogram; hintGiven: boolean }): SequenceValue {
  return { omitted: false, value: 0, histogram, hintGiven };
}

const HINTS: ReadonlySet<string> = new Set(['unknown', 'reset', 'not_reset', 'gauge']);
const FIELD = /([a-z_]+):(\[[^\]]*\]|\S+)/g;

function parseHistogram(text: string): { histogram: FloatHistogram; hintGiven: boolean } {
  const fields = new Map<string, string>();
  const rest = text.replace(FIELD, (_all, name: string, value: string) => {
    fields.set(name, value);
    return '';
  });
  if (rest.trim() !== '') fail(`unexpected ${JSON.stringify(rest.trim())} in histogram {{${text}}}`);
  const take = (name: string): string | undefined => {
    const value = fields.get(name);
    fields.delete(name);
    return value;
  };
  const number = (name: string) => parseFloatText(take(name) ?? '0');
  const list = (name: string) =>
    (take(name)?.slice(1, -1).trim().split(/\s+/).filter(Boolean) ?? []).map(parseFloatText);
  const hint = take('counter_reset_hint');
  if (hint !== undefined && !HINTS.has(hint)) fail(`bad counter_reset_hint ${JSON.stringify(hint)}`);
  const positiveBuckets = list('buckets');
  const negativeBuckets = list('n_buckets');
  const schema = number('schema');
  const customValues = fields.has('custom_values') ? list('custom_values') : undefined;
  const histogram: FloatHistogram = {
    schema,
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    count: number('count'),
    sum: number('sum'),
    positiveSpans: spansOf(number('offset'), positiveBuckets.length),
    negativeSpans: spansOf(number('n_offset'), negativeBuckets.length),
    positiveBuckets,
    negativeBuckets,
    ...(customValues ? { customValues } : {}),
    counterResetHint: (hint ?? 'unknown') as CounterResetHint,
  };
  for (const name of fields.keys()) fail(`unknown field ${JSON.stringify(name)} in histogram {{${text}}}`);
  return { histogram, hintGiven: hint !== undefined };
}

function spansOf(offset: number, length: number) {
  return length === 0 ? [] : [{ offset, length }];
}
