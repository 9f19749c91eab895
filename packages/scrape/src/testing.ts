import {
  type Appendable,
  type Appender,
  type Exemplar,
  type FloatHistogram,
  formatFloat,
  formatLabels,
  isStaleNaN,
  type Labels,
  labelsKey,
  type Metadata,
  REFUSED,
  type SeriesRef,
} from '@belfry/model';

interface Stored {
  readonly labels: Labels;
  readonly samples: { t: number; v: number | FloatHistogram }[];
}

/** A store in a map, with the contract of the real one; for tests at the seam. */
export interface FakeStore extends Appendable {
  readonly series: Map<string, Stored>;
  readonly exemplars: { labels: Labels; exemplar: Exemplar }[];
  readonly metadata: Map<string, Metadata>;
  /** `metric{labels} value@time` of everything, sorted; staleness markers as `stale`. */
  dump(filter?: (line: string) => boolean): string[];
  failing: Error | undefined;
}

export function fakeStore(): FakeStore {
  const byRef: Stored[] = [];
  const store: FakeStore = {
    series: new Map(),
    exemplars: [],
    metadata: new Map(),
    failing: undefined,
    dump(filter = () => true) {
      const lines: string[] = [];
      for (const { labels, samples } of store.series.values()) {
        for (const { t, v } of samples) {
          const value = typeof v !== 'number' ? `histogram(${v.count})` : isStaleNaN(v) ? 'stale' : formatFloat(v);
          lines.push(`${formatLabels(labels)} ${value}@${t}`);
        }
      }
      return lines.filter(filter).sort();
    },
    appender: () => newAppender(store, byRef),
  };
  return store;
}

function newAppender(store: FakeStore, byRef: Stored[]): Appender {
  const pending: (() => void)[] = [];
  const newest = new Map<Stored, { t: number; v: number | FloatHistogram }>();
  const created: Stored[] = [];
  const take = (ref: SeriesRef, labels: Labels, t: number, v: number | FloatHistogram): number => {
    let series = ref > 0 ? byRef[ref - 1] : undefined;
    series ??= store.series.get(labelsKey(labels)) ?? created.find((s) => labelsKey(s.labels) === labelsKey(labels));
    if (!series) {
      series = { labels, samples: [] };
      created.push(series);
      byRef.push(series);
    }
    const last = newest.get(series) ?? series.samples.at(-1);
    if (last && t < last.t) return REFUSED.outOfOrder;
    if (last && t === last.t) return Object.is(last.v, v) ? byRef.indexOf(series) + 1 : REFUSED.duplicate;
    const target = series;
    newest.set(target, { t, v });
    pending.push(() => {
      store.series.set(labelsKey(target.labels), target);
      target.samples.push({ t, v });
    });
    return byRef.indexOf(series) + 1;
  };
  return {
    append: take,
    appendHistogram: take,
    appendExemplar: (ref, exemplar) => {
      pending.push(() => store.exemplars.push({ labels: byRef[ref - 1]!.labels, exemplar }));
    },
    updateMetadata: (_, labels, metadata) => {
      pending.push(() => store.metadata.set(labelsKey(labels), metadata));
    },
    commit() {
      if (store.failing) throw store.failing;
      for (const apply of pending) apply();
    },
    rollback() {
      pending.length = 0;
    },
  };
}
