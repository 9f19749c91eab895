import {
  type Appendable,
  type Appender,
  compareText,
  compileMatcher,
  type Exemplar,
  type FloatHistogram,
  type Labels,
  labelsKey,
  labelValue,
  type Matcher,
  REFUSED,
  type Refusal,
  type SeriesRef,
} from '@belfry/model';
import type { SampleSource, SeriesExemplars, SeriesSamples } from './storage.ts';

interface MemorySeries {
  readonly labels: Labels;
  count: number;
  timestamps: Float64Array;
  values: Float64Array;
  histograms: (FloatHistogram | undefined)[] | undefined;
  starts: Float64Array | undefined;
  readonly exemplars: Exemplar[];
}

/** A store that keeps everything in memory and forgets nothing: for tests, rehearsals and the browser. */
export interface MemoryStore extends SampleSource, Appendable {
  readonly seriesCount: number;
  clear(): void;
}

const FIRST_SAMPLES = 16;

export function createMemoryStore(): MemoryStore {
  const series: MemorySeries[] = [];
  const byKey = new Map<string, number>();

  const indexOf = (labels: Labels): number => {
    const key = labelsKey(labels);
    const known = byKey.get(key);
    if (known !== undefined) return known;
    byKey.set(key, series.length);
    series.push({
      labels,
      count: 0,
      timestamps: new Float64Array(FIRST_SAMPLES),
      values: new Float64Array(FIRST_SAMPLES),
      histograms: undefined,
      starts: undefined,
      exemplars: [],
    });
    return series.length - 1;
  };

  const matching = function* (matchers: readonly Matcher[]): Generator<MemorySeries> {
    const compiled = matchers.map((m) => ({ name: m.name, matches: compileMatcher(m).matches }));
    for (const s of series) if (compiled.every((m) => m.matches(labelValue(s.labels, m.name)))) yield s;
  };

  const matchingAny = (sets: readonly (readonly Matcher[])[], minMs: number, maxMs: number): MemorySeries[] => {
    const found = new Set<MemorySeries>();
    for (const set of sets.length === 0 ? [[]] : sets) {
      for (const s of matching(set)) if (firstAt(s, minMs) < firstAfter(s, maxMs)) found.add(s);
    }
    return [...found];
  };

  return {
    get seriesCount() {
      return series.length;
    },
    clear() {
      series.length = 0;
      byKey.clear();
    },
    *select(matchers, minMs, maxMs): Generator<SeriesSamples> {
      for (const s of matching(matchers)) {
        const from = firstAt(s, minMs);
        const to = firstAfter(s, maxMs);
        if (from < to) yield samplesOf(s, from, to);
      }
    },
    series(sets, minMs, maxMs, limit = Infinity) {
      return matchingAny(sets, minMs, maxMs)
        .slice(0, limit)
        .map((s) => s.labels);
    },
    labelNames(sets, minMs, maxMs, limit = Infinity) {
      const names = new Set<string>();
      for (const { labels } of matchingAny(sets, minMs, maxMs)) {
        for (let i = 0; i < labels.length; i += 2) names.add(labels[i]!);
      }
      return [...names].sort(compareText).slice(0, limit);
    },
    labelValues(name, sets, minMs, maxMs, limit = Infinity) {
      const values = new Set<string>();
      for (const { labels } of matchingAny(sets, minMs, maxMs)) values.add(labelValue(labels, name));
      values.delete('');
      return [...values].sort(compareText).slice(0, limit);
    },
    exemplars(sets, minMs, maxMs): SeriesExemplars[] {
      const all: SeriesExemplars[] = [];
      for (const s of matchingAny(sets, -Infinity, Infinity)) {
        const within = s.exemplars.filter((e) => e.timestampMs! >= minMs && e.timestampMs! <= maxMs);
        if (within.length > 0) all.push({ labels: s.labels, exemplars: within });
      }
      return all;
    },
    appender: () => newAppender(series, indexOf),
  };
}

function firstAt(s: MemorySeries, t: number): number {
  let low = 0;
  let high = s.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (s.timestamps[middle]! < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

const firstAfter = (s: MemorySeries, t: number) => firstAt(s, t + 1);

function samplesOf(s: MemorySeries, from: number, to: number): SeriesSamples {
  return {
    labels: s.labels,
    count: to - from,
    timestamps: s.timestamps.subarray(from, to),
    values: s.values.subarray(from, to),
    ...(s.histograms ? { histograms: s.histograms.slice(from, to) } : {}),
    ...(s.starts ? { startTimestamps: s.starts.subarray(from, to) } : {}),
  };
}

function newAppender(series: MemorySeries[], indexOf: (labels: Labels) => number): Appender {
  const pending: (() => void)[] = [];
  /** Newest time a series has, with what this transaction adds. */
  const newest = new Map<number, number>();
  /** The index of the series, or why the sample is refused. The same sample once more is neither refused nor kept. */
  const place = (ref: SeriesRef, labels: Labels, t: number, value: number): number => {
    const index = ref > 0 && ref <= series.length ? ref - 1 : indexOf(labels);
    const s = series[index]!;
    const last = newest.get(index) ?? (s.count > 0 ? s.timestamps[s.count - 1]! : -Infinity);
    if (t < last) return REFUSED.outOfOrder;
    if (t === last) {
      const same = !newest.has(index) && !s.histograms?.[s.count - 1] && Object.is(s.values[s.count - 1], value);
      return same ? index : REFUSED.duplicate;
    }
    newest.set(index, t);
    return index;
  };
  return {
    append(ref, labels, t, value): SeriesRef | Refusal {
      const index = place(ref, labels, t, value);
      if (index < 0) return index as Refusal;
      if (newest.has(index)) pending.push(() => push(series[index]!, t, value, undefined));
      return index + 1;
    },
    appendHistogram(ref, labels, t, histogram): SeriesRef | Refusal {
      const index = place(ref, labels, t, Number.NaN);
      if (index < 0) return index as Refusal;
      pending.push(() => push(series[index]!, t, 0, histogram));
      return index + 1;
    },
    appendStartTimestamp(ref, t, startMs) {
      pending.push(() => setStart(series[ref - 1]!, t, startMs));
    },
    appendExemplar(ref, exemplar) {
      pending.push(() => series[ref - 1]?.exemplars.push(exemplar));
    },
    updateMetadata() {},
    commit() {
      for (const apply of pending) apply();
      pending.length = 0;
    },
    rollback() {
      pending.length = 0;
    },
  };
}

function push(s: MemorySeries, t: number, value: number, histogram: FloatHistogram | undefined): void {
  if (s.count === s.timestamps.length) {
    s.timestamps = doubled(s.timestamps);
    s.values = doubled(s.values);
    if (s.starts) s.starts = doubled(s.starts);
  }
  s.timestamps[s.count] = t;
  s.values[s.count] = value;
  if (histogram) s.histograms ??= new Array<undefined>(s.count).fill(undefined);
  s.histograms?.push(histogram);
  s.count++;
}

function setStart(s: MemorySeries, t: number, startMs: number): void {
  s.starts ??= new Float64Array(s.timestamps.length);
  const i = firstAt(s, t);
  if (i < s.count && s.timestamps[i] === t) s.starts[i] = startMs;
}

function doubled(values: Float64Array): Float64Array {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}
