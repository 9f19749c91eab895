/** What is done to whole rows of columns: names dropped, equal rows merged, one step spread over many. */
import {
  BelfryError,
  type FloatHistogram,
  isLegacyLabelName,
  type Labels,
  labelPairs,
  labelsFromSorted,
  labelsKey,
  quote,
} from '@belfry/model';
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn, type StepGrid } from './columns.ts';

export function emptyColumns(grid: StepGrid): Columns {
  return { grid, labels: [], values: new Float64Array(0), present: new Uint8Array(0) };
}

export function executionError(message: string): BelfryError {
  return new BelfryError('query_execution', message);
}

/** A label set as Prometheus' messages show it: the name among the labels. */
export function formatLabelSet(labels: Labels): string {
  const pairs: string[] = [];
  for (const [name, value] of labelPairs(labels)) {
    pairs.push(`${isLegacyLabelName(name) ? name : quote(name)}=${quote(value)}`);
  }
  return `{${pairs.join(', ')}}`;
}

export function duplicateLabels(): BelfryError {
  return executionError('vector cannot contain metrics with the same labelset');
}

/** A piece of a key that nothing around it can be taken for: any text may stand in labels, so lengths go first. */
export function keyPart(name: string, value: string): string {
  return `${name.length}:${name}${value.length}:${value}`;
}

const isMetadata = (name: string) => name === '__name__' || name === '__type__' || name === '__unit__';

/** Without `__name__`, `__type__`, `__unit__`: what describes the metric rather than the series. */
export function withoutMetadata(labels: Labels): Labels {
  let found = 0;
  for (let i = 0; i < labels.length; i += 2) if (isMetadata(labels[i]!)) found++;
  if (found === 0) return labels;
  if (found === 1 && labels[0] === '__name__') return labels.slice(2) as unknown as Labels;
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) if (!isMetadata(labels[i]!)) flat.push(labels[i]!, labels[i + 1]!);
  return labelsFromSorted(flat);
}

export function countCells(present: Uint8Array): number {
  let n = 0;
  for (let i = 0; i < present.length; i++) if (present[i] !== 0) n++;
  return n;
}

/** Drops the names of the rows that are flagged for it, leaving no flags. Equal rows are not looked for. */
export function withNamesDropped(columns: Columns): Columns {
  const { dropName } = columns;
  if (!dropName) return columns;
  const { dropName: _, ...rest } = columns;
  return { ...rest, labels: columns.labels.map((l, row) => (dropName[row] ? withoutMetadata(l) : l)) };
}

/** Whether dropping names may make rows equal that differ: only where they have different names. */
export function mayCollide(columns: Columns): boolean {
  const { labels } = columns;
  const first = labels[0];
  if (!first) return false;
  for (let row = 1; row < labels.length; row++) if (!sameMetadata(first, labels[row]!)) return true;
  return false;
}

function sameMetadata(a: Labels, b: Labels): boolean {
  if (a[0] !== '__name__' || b[0] !== '__name__' || a[1] !== b[1]) return false;
  // `__type__` and `__unit__` follow the name where they exist at all.
  return !isMetadata(a[2] ?? '') && !isMetadata(b[2] ?? '');
}

export function hasEqualRows(columns: Columns): boolean {
  const seen = new Set<string>();
  for (const labels of columns.labels) seen.add(labelsKey(labels));
  return seen.size < columns.labels.length;
}

/** Rows with equal labels become one. @throws BelfryError when two have a value at the same step */
export function mergeEqualRows(columns: Columns): Columns {
  if (columns.labels.length < 2) return columns;
  const rowOf = new Map<string, number>();
  const target = new Int32Array(columns.labels.length);
  const labels: Labels[] = [];
  const sources: number[] = [];
  columns.labels.forEach((l, row) => {
    const key = labelsKey(l);
    let at = rowOf.get(key);
    if (at === undefined) {
      at = labels.length;
      rowOf.set(key, at);
      labels.push(l);
      sources.push(row);
    }
    target[row] = at;
  });
  if (labels.length === columns.labels.length) return columns;
  const { count } = columns.grid;
  const out = selectRows(columns, sources);
  let histograms = out.histograms;
  for (let row = 0; row < target.length; row++) {
    if (sources[target[row]!] === row) continue;
    const from = row * count;
    const to = target[row]! * count;
    for (let j = 0; j < count; j++) {
      const kind = columns.present[from + j]!;
      if (kind === 0) continue;
      if (out.present[to + j] !== 0) throw duplicateLabels();
      out.present[to + j] = kind;
      out.values[to + j] = columns.values[from + j]!;
      if (kind === HISTOGRAM) {
        histograms ??= new Map();
        histograms.set(to + j, columns.histograms!.get(from + j)!);
      }
    }
  }
  return histograms ? { ...out, histograms } : out;
}

/** A copy with these rows in this order. */
export function selectRows(columns: Columns, rows: readonly number[]): Columns {
  const { count } = columns.grid;
  const values = new Float64Array(rows.length * count);
  const present = new Uint8Array(rows.length * count);
  const labels: Labels[] = [];
  let histograms: Map<number, FloatHistogram> | undefined;
  let dropName: Uint8Array | undefined;
  rows.forEach((row, i) => {
    values.set(columns.values.subarray(row * count, (row + 1) * count), i * count);
    present.set(columns.present.subarray(row * count, (row + 1) * count), i * count);
    labels.push(columns.labels[row]!);
    if (columns.dropName?.[row]) {
      dropName ??= new Uint8Array(rows.length);
      dropName[i] = 1;
    }
    if (!columns.histograms) return;
    for (let j = 0; j < count; j++) {
      if (present[i * count + j] !== HISTOGRAM) continue;
      histograms ??= new Map();
      histograms.set(i * count + j, columns.histograms.get(row * count + j)!);
    }
  });
  return {
    grid: columns.grid,
    labels,
    values,
    present,
    ...(histograms ? { histograms } : {}),
    ...(dropName ? { dropName } : {}),
  };
}

/** Without rows that are absent throughout. */
export function withoutEmptyRows(columns: Columns): Columns {
  const { count } = columns.grid;
  const rows: number[] = [];
  for (let row = 0; row < columns.labels.length; row++) {
    let any = false;
    for (let i = row * count; i < (row + 1) * count && !any; i++) any = columns.present[i] !== 0;
    if (any) rows.push(row);
  }
  return rows.length === columns.labels.length ? columns : selectRows(columns, rows);
}

/** The value of one step at every step of a grid. */
export function spreadColumns(one: Columns, grid: StepGrid): Columns {
  const rows = one.labels.length;
  const { count } = grid;
  const values = new Float64Array(rows * count);
  const present = new Uint8Array(rows * count);
  const histograms = one.histograms && new Map<number, FloatHistogram>();
  for (let row = 0; row < rows; row++) {
    const kind = one.present[row]!;
    if (kind === 0) continue;
    present.fill(kind, row * count, (row + 1) * count);
    if (kind === FLOAT) values.fill(one.values[row]!, row * count, (row + 1) * count);
    else for (let j = 0; j < count; j++) histograms!.set(row * count + j, one.histograms!.get(row)!);
  }
  const { dropName } = one;
  return {
    grid,
    labels: one.labels,
    values,
    present,
    ...(histograms ? { histograms } : {}),
    ...(dropName ? { dropName } : {}),
  };
}

export function spreadScalar(one: ScalarColumn, grid: StepGrid): ScalarColumn {
  return { grid, values: new Float64Array(grid.count).fill(one.values[0]!) };
}
