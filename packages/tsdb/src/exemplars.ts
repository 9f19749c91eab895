import { type CompiledMatcher, compareLabels, type Exemplar, type Labels, labelsEqual, labelsKey } from '@belfry/model';
import type { SeriesExemplars } from '@belfry/promql';
import { memoized, satisfies } from './postings.ts';

/** The label names and values of an exemplar may have this many characters together (OpenMetrics). */
const MAX_EXEMPLAR_LABEL_CHARACTERS = 128;

interface StoredExemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

interface SeriesEntry {
  readonly labels: Labels;
  readonly items: StoredExemplar[];
}

/** The newest exemplars of all series together, at most so many: the oldest gives way to the newest. */
export interface ExemplarStore {
  readonly capacity: number;
  /** The series that each place of the circle belongs to. */
  readonly circle: SeriesEntry[];
  next: number;
  readonly series: Map<string, SeriesEntry>;
}

export function newExemplarStore(capacity: number): ExemplarStore {
  return { capacity, circle: [], next: 0, series: new Map() };
}

/** What to do with an exemplar: `store`; `same` as the newest, nothing to do; `old`er than the newest; `long` labels. */
export function judgeExemplar(store: ExemplarStore, seriesLabels: Labels, e: Exemplar, timestampMs: number) {
  let characters = 0;
  for (const text of e.labels) characters += text.length;
  if (characters > MAX_EXEMPLAR_LABEL_CHARACTERS) return 'long';
  const newest = store.series.get(labelsKey(seriesLabels))?.items.at(-1);
  if (!newest) return 'store';
  if (newest.timestampMs === timestampMs && newest.value === e.value && labelsEqual(newest.labels, e.labels)) {
    return 'same';
  }
  return timestampMs < newest.timestampMs ? 'old' : 'store';
}

export function addExemplar(
  store: ExemplarStore,
  seriesLabels: Labels,
  labels: Labels,
  value: number,
  timestampMs: number,
): void {
  if (store.capacity === 0) return;
  const key = labelsKey(seriesLabels);
  if (store.circle.length === store.capacity) forgetOldest(store);
  let entry = store.series.get(key);
  if (!entry) {
    entry = { labels: seriesLabels, items: [] };
    store.series.set(key, entry);
  }
  entry.items.push({ labels, value, timestampMs });
  store.circle[store.next] = entry;
  store.next = (store.next + 1) % store.capacity;
}

function forgetOldest(store: ExemplarStore): void {
  const entry = store.circle[store.next];
  entry.items.shift();
  if (entry.items.length === 0) store.series.delete(labelsKey(entry.labels));
}

export function selectExemplars(
  store: ExemplarStore,
  matcherSets: readonly (readonly CompiledMatcher[])[],
  minMs: number,
  maxMs: number,
): SeriesExemplars[] {
  const sets = matcherSets.map((set) => set.map(memoized));
  const out: SeriesExemplars[] = [];
  for (const { labels, items } of store.series.values()) {
    if (!sets.some((tests) => satisfies(labels, tests))) continue;
    const exemplars = items.filter((e) => e.timestampMs >= minMs && e.timestampMs <= maxMs);
    if (exemplars.length > 0) out.push({ labels, exemplars });
  }
  return out.sort((a, b) => compareLabels(a.labels, b.labels));
}
