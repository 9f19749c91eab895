/** The `load` command of PromQL test scripts. */
import {
  type Appender,
  type BelfryError,
  type FloatHistogram,
  formatLabels,
  type Labels,
  labelsKey,
  labelsWith,
  labelValue,
  metricName,
  parseDuration,
} from '@belfry/model';
import { detectReset } from './histogram-arithmetic.ts';
import { boundsMatch, customBounds, LayoutBuilder, withHint } from './histogram-buckets.ts';
import { almostEqual } from './histogram-quantile.ts';
import type { MemoryStore } from './memory-store.ts';
import { parseMetric, parseSeriesNotation, type SequenceValue } from './series-notation.ts';

interface Sample {
  readonly t: number;
  readonly value: number;
  readonly histogram?: FloatHistogram;
  readonly startMs: number;
}

interface LoadedSeries {
  readonly labels: Labels;
  readonly samples: readonly Sample[];
}

export class ScriptError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Reads the block that begins at line `at` (0-based); returns the series and the line after it. */
export function parseLoad(lines: readonly string[], at: number): { series: LoadedSeries[]; next: number } {
  const head = /^load(?:_(with_nhcb))?\s+(.+?)$/.exec(lines[at]!);
  if (!head) throw new ScriptError(at, 'invalid load command. (load[_with_nhcb] <step:duration>)');
  const gapMs = duration(head[2]!, at);
  const byKey = new Map<string, LoadedSeries>();
  let starts: { labels: Labels; values: SequenceValue[] } | undefined;
  let defaultStarts: SequenceValue[] | undefined;
  let next = at + 1;
  for (; next < lines.length && lines[next] !== ''; next++) {
    const line = lines[next]!;
    const start = /^(\S*)@st\s+(.*)$/.exec(line);
    if (start) {
      const values = parseStarts(start[2]!, next);
      if (start[1] === '') defaultStarts = values;
      else starts = { labels: parseMetric(start[1]!), values };
      continue;
    }
    const { labels, values } = parseSeriesNotation(line);
    if (starts && labelsKey(starts.labels) !== labelsKey(labels)) {
      throw new ScriptError(next, '@st metric does not match the following sample line metric');
    }
    if (starts && starts.values.length !== values.length) {
      const message = `@st line has ${starts.values.length} values but sample line has ${values.length}`;
      throw new ScriptError(next, message);
    }
    byKey.set(labelsKey(labels), { labels, samples: samplesOf(values, gapMs, starts?.values, defaultStarts) });
    starts = undefined;
  }
  if (starts) throw new ScriptError(next - 1, '@st line has no following sample line');
  const series = [...byKey.values()];
  return { series: head[1] ? [...series, ...customBucketSeries(series)] : series, next };
}

function duration(text: string, line: number): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new ScriptError(line, `invalid step definition "${text}": ${(error as BelfryError).message}`);
  }
}

function samplesOf(
  values: readonly SequenceValue[],
  gapMs: number,
  starts: readonly SequenceValue[] | undefined,
  defaults: readonly SequenceValue[] | undefined,
): Sample[] {
  const samples: Sample[] = [];
  values.forEach((v, i) => {
    if (v.omitted) return;
    const t = i * gapMs;
    const start = starts ? starts[i] : defaults?.[i % defaults.length];
    const startMs = start && !start.omitted ? t + start.value : 0;
    samples.push({ t, value: v.value, startMs, ...(v.histogram ? { histogram: v.histogram } : {}) });
  });
  return samples;
}

const DURATION = String.raw`[+-]?\d+(?:ms|[smhdwy])?`;
const START_ITEM = new RegExp(`^(${DURATION})(?:([+-])(${DURATION.slice(5)})x(\\d+)|x(\\d+))?$`);

/** Offsets from the samples' times: `-1m`, `-30s-1mx2`, `_x3`, `*`. */
function parseStarts(text: string, line: number): SequenceValue[] {
  const list: SequenceValue[] = [];
  for (const item of text.trim().split(/\s+/)) {
    const blank = /^_(?:x(\d+))?$/.exec(item);
    const again = /^\*(?:x(\d+))?$/.exec(item);
    const match = START_ITEM.exec(item);
    if (blank) {
      for (let i = 0; i < Number(blank[1] ?? 1); i++) list.push({ omitted: true, value: 0 });
    } else if (again) {
      const last = list.findLast((v) => !v.omitted)?.value ?? 0;
      for (let i = 0; i <= Number(again[1] ?? 0); i++) list.push({ omitted: false, value: last });
    } else if (match) {
      const base = signedDuration(match[1]!);
      const step = match[3] ? signedDuration(match[2]! + match[3]) : 0;
      const times = Number(match[4] ?? match[5] ?? 0);
      for (let i = 0; i <= times; i++) list.push({ omitted: false, value: base + i * step });
    } else throw new ScriptError(line, `invalid @st sequence: invalid ST item "${item}"`);
  }
  return list;
}

function signedDuration(text: string): number {
  const ms = parseDuration(text.replace(/^[+-]/, ''));
  return text.startsWith('-') ? -ms : ms;
}

/** Writes the series as Prometheus' store would give them back: with the counter-reset hints that its chunks carry. */
export function appendLoaded(store: MemoryStore, series: readonly LoadedSeries[], line: number): void {
  const appender = store.appender();
  for (const { labels, samples } of series) {
    const last: Sample | undefined = undefined;
    appendSeries(appender, labels, samples, last, line);
  }
  appender.commit();
}

function appendSeries(
  appender: Appender,
  labels: Labels,
  samples: readonly Sample[],
  previous: Sample | undefined,
  line: number,
): void {
  let before = previous;
  for (const sample of samples) {
    const ref = sample.histogram
      ? appender.appendHistogram(
          0,
          labels,
          sample.t,
          withHint(sample.histogram, storedHint(sample.histogram, before?.histogram)),
        )
      : appender.append(0, labels, sample.t, sample.value);
    if (ref < 0)
      throw new ScriptError(line, `sample of ${formatLabels(labels)} at ${sample.t} ms was refused: out of order`);
    if (sample.startMs !== 0) appender.appendStartTimestamp!(ref, sample.t, sample.startMs);
    before = sample;
  }
}

/** A chunk goes on as long as nothing is reset and the layout stays: from its second histogram on there was no reset. */
function storedHint(h: FloatHistogram, before: FloatHistogram | undefined): FloatHistogram['counterResetHint'] {
  if (h.counterResetHint === 'gauge') return 'gauge';
  if (!before || before.counterResetHint === 'gauge' || h.counterResetHint === 'reset') return 'unknown';
  if (h.schema !== before.schema || h.zeroThreshold !== before.zeroThreshold) return 'unknown';
  if (!boundsMatch(customBounds(h), customBounds(before))) return 'unknown';
  return detectReset(withHint(h, 'unknown'), before) ? 'unknown' : 'not_reset';
}

// --- load_with_nhcb -------------------------------------------------------------------------------------------------

interface Collected {
  readonly labels: Labels;
  readonly at: Map<number, { buckets: Map<number, number>; count: number | undefined; sum: number }>;
}

/** The classic histograms among the series, as native ones with custom buckets. */
function customBucketSeries(series: readonly LoadedSeries[]): LoadedSeries[] {
  const byKey = new Map<string, Collected>();
  for (const { labels, samples } of series) {
    const match = /^(.*)_(bucket|count|sum)$/.exec(metricName(labels));
    if (!match) continue;
    const [, name, kind] = match;
    const le = Number(labelValue(labels, 'le').replace(/^\+?Inf$/i, 'Infinity'));
    if (kind === 'bucket' && Number.isNaN(le)) continue;
    const base = labelsWith(labelsWith(labels, 'le', ''), '__name__', name!);
    let entry = byKey.get(labelsKey(base));
    if (!entry) {
      entry = { labels: base, at: new Map() };
      byKey.set(labelsKey(base), entry);
    }
    for (const { t, value, histogram } of samples) {
      if (histogram) continue;
      let one = entry.at.get(t);
      if (!one) {
        one = { buckets: new Map(), count: undefined, sum: 0 };
        entry.at.set(t, one);
      }
      if (kind === 'bucket') one.buckets.set(le, value);
      else if (kind === 'count') one.count = value;
      else one.sum = value;
    }
  }
  return [...byKey.values()].map(({ labels, at }) => ({
    labels,
    samples: [...at]
      .sort(([a], [b]) => a - b)
      .flatMap(([t, one]) => {
        const histogram = toCustomBuckets(one.buckets, one.count, one.sum);
        return histogram ? [{ t, value: 0, histogram, startMs: 0 }] : [];
      }),
  }));
}

function toCustomBuckets(
  buckets: ReadonlyMap<number, number>,
  count: number | undefined,
  sum: number,
): FloatHistogram | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const finite = sorted.filter(([le]) => le !== Infinity);
  const total = count ?? buckets.get(Infinity) ?? finite.at(-1)?.[1];
  if (total === undefined) return undefined;
  const layout = new LayoutBuilder();
  let before = 0;
  finite.forEach(([, cumulative], i) => {
    layout.push(i, cumulative - before);
    before = cumulative;
  });
  layout.push(finite.length, total - before);
  // As in Prometheus' conversion, empty buckets stay out.
  const kept = new LayoutBuilder();
  layout.buckets.forEach((n, i) => {
    if (n !== 0 && !almostEqual(n, 0, 0)) kept.push(i, n);
  });
  return {
    schema: -53,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum,
    positiveSpans: kept.spans,
    negativeSpans: [],
    positiveBuckets: kept.buckets,
    negativeBuckets: [],
    customValues: finite.map(([le]) => le),
    counterResetHint: 'unknown',
  };
}
