/** One number of many: Grafana's calculations by their ids. */
import type { Cell } from './frames.ts';

export interface Calculation {
  readonly id: string;
  readonly label: string;
  readonly reduce: (values: readonly number[], all: readonly Cell[]) => number | null;
}

const sum = (v: readonly number[]) => v.reduce((a, b) => a + b, 0);
const mean = (v: readonly number[]) => (v.length === 0 ? null : sum(v) / v.length);

function variance(v: readonly number[]): number | null {
  const m = mean(v);
  return m === null ? null : sum(v.map((x) => (x - m) ** 2)) / v.length;
}

function quantile(v: readonly number[], q: number): number | null {
  if (v.length === 0) return null;
  const sorted = v.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

const extreme = (v: readonly number[], pick: (a: number, b: number) => number) =>
  v.length === 0 ? null : v.reduce((a, b) => pick(a, b));
const lastCell = (all: readonly Cell[]) => (typeof all.at(-1) === 'number' ? (all.at(-1) as number) : null);
const firstCell = (all: readonly Cell[]) => (typeof all[0] === 'number' ? (all[0] as number) : null);

const CALCULATIONS: readonly Calculation[] = [
  { id: 'lastNotNull', label: 'Last *', reduce: (v) => v.at(-1) ?? null },
  { id: 'last', label: 'Last', reduce: (_, all) => lastCell(all) },
  { id: 'firstNotNull', label: 'First *', reduce: (v) => v[0] ?? null },
  { id: 'first', label: 'First', reduce: (_, all) => firstCell(all) },
  { id: 'min', label: 'Min', reduce: (v) => extreme(v, Math.min) },
  { id: 'max', label: 'Max', reduce: (v) => extreme(v, Math.max) },
  { id: 'mean', label: 'Mean', reduce: mean },
  { id: 'median', label: 'Median', reduce: (v) => quantile(v, 0.5) },
  { id: 'sum', label: 'Total', reduce: sum },
  { id: 'count', label: 'Count', reduce: (_, all) => all.length },
  {
    id: 'range',
    label: 'Range',
    reduce: (v) => (v.length === 0 ? null : extreme(v, Math.max)! - extreme(v, Math.min)!),
  },
  { id: 'delta', label: 'Delta', reduce: delta },
  { id: 'diff', label: 'Difference', reduce: (v) => (v.length === 0 ? null : v.at(-1)! - v[0]!) },
  { id: 'diffperc', label: 'Difference %', reduce: (v) => (v.length === 0 ? null : (v.at(-1)! - v[0]!) / v[0]!) },
  { id: 'variance', label: 'Variance', reduce: variance },
  { id: 'stdDev', label: 'StdDev', reduce: (v) => (v.length === 0 ? null : Math.sqrt(variance(v)!)) },
  { id: 'distinctCount', label: 'Distinct', reduce: (v) => new Set(v).size },
  { id: 'allIsZero', label: 'All zeros', reduce: (v) => (v.every((x) => x === 0) ? 1 : 0) },
];

/** What a counter rose by, resets counted as a rise from zero. */
function delta(v: readonly number[]): number {
  let out = 0;
  for (let i = 1; i < v.length; i++) out += v[i]! >= v[i - 1]! ? v[i]! - v[i - 1]! : v[i]!;
  return out;
}

/** The calculation of an id, with the older spellings and percentiles (`p95`); undefined when there is none. */
export function calculationOf(id: string): Calculation | undefined {
  const modern = { current: 'lastNotNull', avg: 'mean', total: 'sum' }[id] ?? id;
  const known = CALCULATIONS.find((c) => c.id === modern);
  if (known) return known;
  const percentile = /^p(\d{1,2})$/.exec(id);
  if (!percentile) return undefined;
  const q = Number(percentile[1]) / 100;
  return { id, label: `${percentile[1]}th %`, reduce: (v) => quantile(v, q) };
}

/** Reduces a column, leaving out what is no number. Null when nothing is left or the id is unknown. */
export function reduceValues(id: string, all: readonly Cell[]): number | null {
  const numbers = all.filter((v): v is number => typeof v === 'number' && !Number.isNaN(v));
  const calculation = calculationOf(id);
  if (!calculation) return null;
  // A series of nothing but NaN is NaN, not empty: 0/0 should show as such.
  if (numbers.length === 0) return all.some((v) => typeof v === 'number') ? Number.NaN : calculation.reduce([], all);
  return calculation.reduce(numbers, all);
}
