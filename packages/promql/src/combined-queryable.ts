import { compareText, type FloatHistogram, type Labels, labelsKey } from '@belfry/model';
import type { Columns } from './columns.ts';
import { emptyColumns } from './columns-rows.ts';
import type { LeafPlan, LeafResult, Queryable } from './storage.ts';

/**
 * Several stores as one: each is asked at once, and the answers are put together. No two may hold samples of one series
 * (as with a worker each for a share of the series); label sets and values that several know are given once.
 */
export function combineQueryables(parts: readonly Queryable[]): Queryable {
  if (parts.length === 1) return parts[0]!;
  const ask = <T>(question: (part: Queryable) => Promise<T>) => Promise.all(parts.map(question));
  const united = async (limit: number | undefined, question: (part: Queryable) => Promise<string[]>) =>
    [...new Set((await ask(question)).flat())].sort(compareText).slice(0, limit);
  return {
    leaf: async (plan, signal) => combineLeaves(plan, await ask((part) => part.leaf(plan, signal))),
    raw: async (matchers, afterMs, untilMs, maxSamples, signal) =>
      (await ask((part) => part.raw(matchers, afterMs, untilMs, maxSamples, signal))).flat(),
    series: async (sets, minMs, maxMs, limit, signal) => {
      const found = new Map<string, Labels>();
      for (const list of await ask((part) => part.series(sets, minMs, maxMs, limit, signal))) {
        for (const labels of list) found.set(labelsKey(labels), labels);
      }
      return [...found.values()].slice(0, limit);
    },
    labelNames: (sets, minMs, maxMs, limit, signal) =>
      united(limit, (part) => part.labelNames(sets, minMs, maxMs, limit, signal)),
    labelValues: (name, sets, minMs, maxMs, limit, signal) =>
      united(limit, (part) => part.labelValues(name, sets, minMs, maxMs, limit, signal)),
    exemplars: async (sets, minMs, maxMs, signal) =>
      (await ask((part) => part.exemplars(sets, minMs, maxMs, signal))).flat(),
  };
}

function combineLeaves(plan: LeafPlan, results: readonly LeafResult[]): LeafResult {
  return {
    columns: concatColumns(
      plan,
      results.map((r) => r.columns),
    ),
    samples: results.reduce((n, r) => n + r.samples, 0),
    warnings: [...new Set(results.flatMap((r) => r.warnings))],
    infos: [...new Set(results.flatMap((r) => r.infos))],
  };
}

/** The rows of all, one below the other. */
function concatColumns(plan: LeafPlan, all: readonly Columns[]): Columns {
  const filled = all.filter((c) => c.labels.length > 0);
  if (filled.length === 0) return emptyColumns(plan.grid);
  if (filled.length === 1) return filled[0]!;
  const { count } = plan.grid;
  const rows = filled.reduce((n, c) => n + c.labels.length, 0);
  const values = new Float64Array(rows * count);
  const present = new Uint8Array(rows * count);
  const dropName = new Uint8Array(rows);
  const histograms = new Map<number, FloatHistogram>();
  const labels: Labels[] = [];
  for (const c of filled) {
    const base = labels.length * count;
    values.set(c.values, base);
    present.set(c.present, base);
    if (c.dropName) dropName.set(c.dropName, labels.length);
    if (c.histograms) for (const [cell, h] of c.histograms) histograms.set(base + cell, h);
    for (const l of c.labels) labels.push(l);
  }
  return {
    grid: plan.grid,
    labels,
    values,
    present,
    ...(histograms.size > 0 ? { histograms } : {}),
    ...(filled.some((c) => c.dropName) ? { dropName } : {}),
  };
}
