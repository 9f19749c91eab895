/** Aggregations over columns: each row's group is found once, then rows are folded into their group's row. */
import {
  type FloatHistogram,
  formatFloat,
  type Labels,
  labelsFromSorted,
  labelsKey,
  metricName,
  sampleOffset,
} from '@belfry/model';
import { formatG, note } from './annotations.ts';
import type { Aggregation } from './ast.ts';
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn } from './columns.ts';
import { executionError, keyPart, selectRows } from './columns-rows.ts';
import { type Context, inChunks, noteAt } from './eval-context.ts';
import {
  addHistogram,
  BOUNDS_RECONCILED,
  INCOMPATIBLE,
  kahanAddHistogram,
  newCompensation,
} from './histogram-arithmetic.ts';
import { compact, copyHistogram, type MutableHistogram } from './histogram-buckets.ts';
import { formatHistogram } from './histogram-format.ts';
import { quantileOf } from './histogram-quantile.ts';
import { HistogramMean } from './window-mixed.ts';

interface Groups {
  /** For every row the number of its group, in order of first appearance. */
  readonly of: Int32Array;
  readonly labels: readonly Labels[];
}

function groupRows(columns: Columns, grouping: readonly string[], without: boolean): Groups {
  const numbers = new Map<string, number>();
  const labels: Labels[] = [];
  const of = new Int32Array(columns.labels.length);
  for (let row = 0; row < of.length; row++) {
    const l = columns.labels[row]!;
    const key = without ? keyWithout(l, grouping) : keyBy(l, grouping);
    let number = numbers.get(key);
    if (number === undefined) {
      number = labels.length;
      numbers.set(key, number);
      labels.push(groupLabels(l, grouping, without));
    }
    of[row] = number;
  }
  return { of, labels };
}

function keyBy(labels: Labels, names: readonly string[]): string {
  let key = '';
  for (let k = 0; k < names.length; k++) {
    let value = '';
    for (let i = 0; i < labels.length; i += 2) {
      if (labels[i] === names[k]) {
        value = labels[i + 1]!;
        break;
      }
    }
    key += `${value.length}:${value}`;
  }
  return key;
}

function keyWithout(labels: Labels, names: readonly string[]): string {
  let key = '';
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if (name !== '__name__' && !names.includes(name)) key += keyPart(name, labels[i + 1]!);
  }
  return key;
}

function groupLabels(labels: Labels, names: readonly string[], without: boolean): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    const listed = names.includes(name);
    if (without ? !listed && name !== '__name__' : listed) flat.push(name, labels[i + 1]!);
  }
  return labelsFromSorted(flat);
}

export async function aggregate(
  context: Context,
  node: Aggregation,
  columns: Columns,
  param: ScalarColumn | undefined,
): Promise<Columns> {
  switch (node.op) {
    case 'topk':
    case 'bottomk':
      return selectBest(context, node, columns, param!);
    case 'limitk':
      return limitRows(context, node, columns, param!);
    case 'limit_ratio':
      return sampleRows(context, node, columns, param!);
    default:
      return fold(context, node, columns, param);
  }
}

/** State of all groups: one cell a group and step. */
interface Fold {
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly histograms: Map<number, FloatHistogram>;
  /** Compensations of sums, or means. */
  readonly second: Float64Array;
  /** How many values there were. */
  readonly sizes: Float64Array;
  /** 1: the mean is kept incrementally. */
  readonly incremental: Uint8Array;
}

function newFold(cells: number): Fold {
  return {
    values: new Float64Array(cells),
    present: new Uint8Array(cells),
    histograms: new Map(),
    second: new Float64Array(cells),
    sizes: new Float64Array(cells),
    incremental: new Uint8Array(cells),
  };
}

/** Folds rows `first` (inclusive) to `last` (exclusive) into their groups. */
type FoldRows = (columns: Columns, of: Int32Array, into: Fold, first: number, last: number) => void;

const FOLDS: Readonly<Record<string, { rows: FoldRows; finish?: (into: Fold) => void }>> = {
  sum: { rows: foldSum, finish: finishSum },
  avg: { rows: foldMean, finish: finishMean },
  count: { rows: foldCount },
  group: { rows: foldGroup },
  min: { rows: foldMin },
  max: { rows: foldMax },
  stddev: { rows: foldVariance, finish: (into) => finishVariance(into, true) },
  stdvar: { rows: foldVariance, finish: (into) => finishVariance(into, false) },
};

async function fold(
  context: Context,
  node: Aggregation,
  columns: Columns,
  param: ScalarColumn | undefined,
): Promise<Columns> {
  const groups = groupRows(columns, node.grouping, node.without);
  const into = newFold(groups.labels.length * columns.grid.count);
  const additive = node.op === 'sum' || node.op === 'avg';
  if (columns.histograms && !additive && node.op !== 'count' && node.op !== 'group') {
    if (columns.present.includes(HISTOGRAM)) noteAt(context.query, note.ignoredInAggregation(node.op), node.expr);
  }
  const plain = FOLDS[node.op];
  if (!plain) foldQuantile(context, node, columns, groups, into, param!);
  else if (columns.histograms && additive) foldMixed(context, node, columns, groups, into);
  else {
    await inChunks(context, groups.of.length, (first, last) => plain.rows(columns, groups.of, into, first, last));
    plain.finish?.(into);
  }
  const out: Columns = {
    grid: columns.grid,
    labels: groups.labels,
    values: into.values,
    present: into.present,
    ...(into.histograms.size > 0 ? { histograms: into.histograms } : {}),
  };
  return columns.dropName ? { ...out, dropName: groupFlags(columns.dropName, groups) } : out;
}

function groupFlags(flags: Uint8Array, groups: Groups): Uint8Array {
  const out = new Uint8Array(groups.labels.length);
  for (let row = 0; row < flags.length; row++) if (flags[row] === 1) out[groups.of[row]!] = 1;
  return out;
}

function foldSum(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { values, present, second: c } = into;
  const { count } = columns.grid;
  const { values: v, present: p } = columns;
  for (let row = first; row < last; row++) {
    const to = of[row]! * count;
    const from = row * count;
    for (let j = 0; j < count; j++) {
      if (p[from + j] === 0) continue;
      const x = v[from + j]!;
      if (present[to + j] === 0) {
        present[to + j] = FLOAT;
        values[to + j] = x;
        continue;
      }
      const sum = values[to + j]!;
      const t = sum + x;
      if (t === Infinity || t === -Infinity) c[to + j] = 0;
      else if (Math.abs(sum) >= Math.abs(x)) c[to + j]! += sum - t + x;
      else c[to + j]! += x - t + sum;
      values[to + j] = t;
    }
  }
}

function finishSum({ values, second }: Fold): void {
  for (let i = 0; i < values.length; i++) values[i]! += second[i]!;
}

/** Sums as long as they do not overflow; where they would, means that are corrected value by value. */
function foldMean(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { values, present, second: c, sizes: n, incremental } = into;
  const { count } = columns.grid;
  const { values: v, present: p } = columns;
  for (let row = first; row < last; row++) {
    const to = of[row]! * count;
    const from = row * count;
    for (let j = 0; j < count; j++) {
      if (p[from + j] === 0) continue;
      const cell = to + j;
      const size = ++n[cell]!;
      let x = v[from + j]!;
      if (size === 1) {
        present[cell] = FLOAT;
        values[cell] = x;
        continue;
      }
      let sum = values[cell]!;
      let t = sum + x;
      if (incremental[cell] === 1 || t === Infinity || t === -Infinity) {
        if (incremental[cell] === 0) {
          incremental[cell] = 1;
          sum /= size - 1;
          c[cell]! /= size - 1;
        }
        const q = (size - 1) / size;
        x /= size;
        sum *= q;
        c[cell]! *= q;
        t = sum + x;
      }
      if (t === Infinity || t === -Infinity) c[cell] = 0;
      else if (Math.abs(sum) >= Math.abs(x)) c[cell]! += sum - t + x;
      else c[cell]! += x - t + sum;
      values[cell] = t;
    }
  }
}

function finishMean({ values, present, second: c, sizes: n, incremental }: Fold): void {
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    values[i] = incremental[i] === 1 ? values[i]! + c[i]! : values[i]! / n[i]! + c[i]! / n[i]!;
  }
}

function foldCount(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { values, present } = into;
  const { count } = columns.grid;
  for (let row = first; row < last; row++) {
    const to = of[row]! * count;
    const from = row * count;
    for (let j = 0; j < count; j++) {
      if (columns.present[from + j] === 0) continue;
      present[to + j] = FLOAT;
      values[to + j]!++;
    }
  }
}

function foldGroup(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { count } = columns.grid;
  for (let row = first; row < last; row++) {
    for (let j = 0; j < count; j++) {
      if (columns.present[row * count + j] === 0) continue;
      into.present[of[row]! * count + j] = FLOAT;
      into.values[of[row]! * count + j] = 1;
    }
  }
}

function foldMin(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { values, present } = into;
  const { count } = columns.grid;
  const { values: v, present: p } = columns;
  for (let row = first; row < last; row++) {
    const to = of[row]! * count;
    const from = row * count;
    for (let j = 0; j < count; j++) {
      if (p[from + j] !== FLOAT) continue;
      const x = v[from + j]!;
      const best = values[to + j]!;
      if (present[to + j] === 0 || best > x || best !== best) values[to + j] = x;
      present[to + j] = FLOAT;
    }
  }
}

function foldMax(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { values, present } = into;
  const { count } = columns.grid;
  const { values: v, present: p } = columns;
  for (let row = first; row < last; row++) {
    const to = of[row]! * count;
    const from = row * count;
    for (let j = 0; j < count; j++) {
      if (p[from + j] !== FLOAT) continue;
      const x = v[from + j]!;
      const best = values[to + j]!;
      if (present[to + j] === 0 || best < x || best !== best) values[to + j] = x;
      present[to + j] = FLOAT;
    }
  }
}

/** Welford's. */
function foldVariance(columns: Columns, of: Int32Array, into: Fold, first: number, last: number): void {
  const { values, present, second: mean, sizes: n } = into;
  const { count } = columns.grid;
  for (let row = first; row < last; row++) {
    const to = of[row]! * count;
    const from = row * count;
    for (let j = 0; j < count; j++) {
      if (columns.present[from + j] !== FLOAT) continue;
      const cell = to + j;
      const x = columns.values[from + j]!;
      if (present[cell] === 0) {
        present[cell] = FLOAT;
        n[cell] = 1;
        mean[cell] = x;
        values[cell] = Number.isFinite(x) ? 0 : NaN;
        continue;
      }
      n[cell]!++;
      const delta = x - mean[cell]!;
      mean[cell]! += delta / n[cell]!;
      values[cell]! += delta * (x - mean[cell]!);
    }
  }
}

function finishVariance({ values, present, sizes }: Fold, root: boolean): void {
  for (let i = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    values[i]! /= sizes[i]!;
    if (root) values[i] = Math.sqrt(values[i]!);
  }
}

function rowsOfGroups(groups: Groups): Int32Array[] {
  const sizes = new Int32Array(groups.labels.length);
  for (const g of groups.of) sizes[g]!++;
  const lists = Array.from(sizes, (size) => new Int32Array(size));
  sizes.fill(0);
  for (let row = 0; row < groups.of.length; row++) {
    const g = groups.of[row]!;
    lists[g]![sizes[g]!++] = row;
  }
  return lists;
}

function foldQuantile(
  context: Context,
  node: Aggregation,
  columns: Columns,
  groups: Groups,
  { values, present }: Fold,
  param: ScalarColumn,
): void {
  const { count } = columns.grid;
  const warn = (q: number) => noteAt(context.query, note.invalidQuantile(q), node.param!);
  const range = rangeOf(param);
  if (range.nan) warn(NaN);
  if (range.max > 1) warn(range.max);
  if (range.min < 0) warn(range.min);
  rowsOfGroups(groups).forEach((rows, g) => {
    const work = new Float64Array(rows.length * STEPS_AT_ONCE);
    const sizes = new Int32Array(STEPS_AT_ONCE);
    for (let first = 0; first < count; first += STEPS_AT_ONCE) {
      const steps = Math.min(STEPS_AT_ONCE, count - first);
      gatherSteps(columns, rows, first, steps, work, sizes);
      for (let k = 0; k < steps; k++) {
        if (sizes[k] === 0) continue;
        const cell = g * count + first + k;
        values[cell] = quantileOf(param.values[first + k]!, work.subarray(k * rows.length), sizes[k]!);
        present[cell] = FLOAT;
      }
    }
  });
}

/** Steps that are turned from rows into lists together, since memory is quick along rows only. */
const STEPS_AT_ONCE = 16;

/** The floats of some rows at each of some steps, one list a step. */
function gatherSteps(
  columns: Columns,
  rows: Int32Array,
  first: number,
  steps: number,
  work: Float64Array,
  sizes: Int32Array,
): void {
  const { count } = columns.grid;
  const { values, present } = columns;
  sizes.fill(0);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * count + first;
    for (let k = 0; k < steps; k++) {
      if (present[from + k] === FLOAT) work[k * rows.length + sizes[k]!++] = values[from + k]!;
    }
  }
}

function rangeOf(param: ScalarColumn): { min: number; max: number; nan: boolean } {
  let min = Infinity;
  let max = -Infinity;
  let nan = false;
  for (const v of param.values) {
    if (Number.isNaN(v)) nan = true;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  return { min, max, nan };
}

// --- Sums and means with native histograms ---------------------------------------------------------------------------

/** Sum or mean of one group at one step. */
interface MixedGroup {
  floats: number[];
  sum: MutableHistogram | undefined;
  compensation: MutableHistogram | undefined;
  mean: HistogramMean | undefined;
  incompatible: boolean;
  resetSeen: boolean;
  noResetSeen: boolean;
}

function foldMixed(context: Context, node: Aggregation, columns: Columns, groups: Groups, into: Fold): void {
  const { count } = columns.grid;
  rowsOfGroups(groups).forEach((rows, g) => {
    for (let j = 0; j < count; j++) {
      const state: MixedGroup = {
        floats: [],
        sum: undefined,
        compensation: undefined,
        mean: undefined,
        incompatible: false,
        resetSeen: false,
        noResetSeen: false,
      };
      for (const row of rows) {
        const cell = row * count + j;
        if (columns.present[cell] === FLOAT) state.floats.push(columns.values[cell]!);
        else if (columns.present[cell] === HISTOGRAM) {
          addMixed(context, node, state, columns.histograms!.get(cell)!, columns.labels[row]!);
        }
      }
      finishMixed(context, node, state, into, g * count + j);
    }
  });
}

function addMixed(context: Context, node: Aggregation, state: MixedGroup, h: FloatHistogram, labels: Labels): void {
  if (state.incompatible) return;
  if (h.counterResetHint === 'reset') state.resetSeen = true;
  if (h.counterResetHint === 'not_reset') state.noResetSeen = true;
  let flags = 0;
  if (node.op === 'avg') {
    if (state.mean) flags = state.mean.add(h);
    else state.mean = new HistogramMean(h);
  } else if (state.sum) {
    state.compensation ??= newCompensation(state.sum);
    flags = kahanAddHistogram(state.sum, h, state.compensation);
  } else state.sum = copyHistogram(h);
  if (flags === INCOMPATIBLE) {
    state.incompatible = true;
    noteAt(context.query, note.mixedSchemas(metricName(labels)), node.expr);
  } else if (flags & BOUNDS_RECONCILED) noteAt(context.query, note.boundsReconciled('aggregation'), node.expr);
}

function finishMixed(context: Context, node: Aggregation, state: MixedGroup, into: Fold, cell: number): void {
  const histograms = state.sum !== undefined || state.mean !== undefined;
  if (state.floats.length > 0 && histograms) {
    noteAt(context.query, note.mixedFloatsHistogramsInAggregation(), node.expr);
    return;
  }
  if (state.incompatible) return;
  if (histograms) {
    const result = state.mean ? state.mean.result() : state.sum!;
    if (state.compensation) addHistogram(result, state.compensation);
    into.histograms.set(cell, compact(result));
    into.present[cell] = HISTOGRAM;
    if (state.resetSeen && state.noResetSeen) noteAt(context.query, note.resetCollision('aggregation'), node.expr);
    return;
  }
  if (state.floats.length === 0) return;
  const n = state.floats.length;
  const grid = { startMs: 0, stepMs: 0, count: 1 };
  const column: Columns = {
    grid,
    labels: [],
    values: Float64Array.from(state.floats),
    present: new Uint8Array(n).fill(FLOAT),
  };
  const one = newFold(1);
  const plain = FOLDS[node.op]!;
  plain.rows(column, new Int32Array(n), one, 0, n);
  plain.finish!(one);
  into.values[cell] = one.values[0]!;
  into.present[cell] = FLOAT;
}

// --- Rows chosen out of groups ----------------------------------------------------------------------------------------

const MAX_INT64 = 2 ** 63 - 1024;
const MIN_INT64 = -(2 ** 63);

function checkedCounts(param: ScalarColumn): { min: number; max: number } {
  const range = rangeOf(param);
  if (range.nan) throw executionError('Parameter value is NaN');
  if (range.min <= MIN_INT64) throw executionError(`Scalar value ${formatG(range.min)} underflows int64`);
  if (range.max >= MAX_INT64) throw executionError(`Scalar value ${formatG(range.max)} overflows int64`);
  return range;
}

function selectBest(context: Context, node: Aggregation, columns: Columns, param: ScalarColumn): Columns {
  const range = checkedCounts(param);
  if (columns.histograms && columns.present.includes(HISTOGRAM)) {
    noteAt(context.query, note.ignoredInAggregation(node.op), node);
  }
  const { count } = columns.grid;
  const present = new Uint8Array(columns.present.length);
  const groups = rowsOfGroups(groupRows(columns, node.grouping, node.without));
  const order: number[] = [];
  for (const rows of range.max < 1 ? [] : groups) {
    const best = bestOf(columns, rows, param.values, Math.min(rows.length, Math.floor(range.max)), node.op === 'topk');
    for (let j = 0; j < count; j++) {
      for (let i = 0; i < best.sizes[j]!; i++) {
        const row = best.heaps[j * best.width + i]!;
        present[row * count + j] = FLOAT;
        if (count === 1) order.push(row);
      }
    }
  }
  const chosen = withoutHistograms({ ...columns, present });
  return count === 1 ? selectRows(chosen, order) : chosen;
}

function withoutHistograms(columns: Columns): Columns {
  const { histograms: _, ...rest } = columns;
  return rest;
}

/** Whether row `a` is worse than row `b` at a step: they have to go first. NaN is worse than any number. */
function worse(values: Float64Array, count: number, j: number, top: boolean, a: number, b: number): boolean {
  const x = values[a * count + j]!;
  const y = values[b * count + j]!;
  if (x !== x) return y === y;
  return top ? x < y : x > y;
}

interface Best {
  /** Rows, `width` places a step, of which `sizes` are taken; best first. */
  readonly heaps: Int32Array;
  readonly sizes: Int32Array;
  readonly width: number;
}

/** The best rows of a group at every step: as many as `ks` says, at most `width`. */
function bestOf(columns: Columns, rows: Int32Array, ks: Float64Array, width: number, top: boolean): Best {
  const { count } = columns.grid;
  const { values, present } = columns;
  const heaps = new Int32Array(width * count);
  const sizes = new Int32Array(count);
  const limits = Int32Array.from(ks, (k) => Math.max(0, Math.min(Math.trunc(k), width)));
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    for (let j = 0; j < count; j++) {
      if (present[row * count + j] !== FLOAT || limits[j] === 0) continue;
      const heap = j * width;
      if (sizes[j]! < limits[j]!) siftUp(heaps, heap, sizes[j]!++, row, values, count, j, top);
      else if (worse(values, count, j, top, heaps[heap]!, row)) {
        heaps[heap] = row;
        siftDown(heaps, heap, sizes[j]!, values, count, j, top);
      }
    }
  }
  for (let j = 0; j < count; j++) {
    // Taking the worst out from the root again and again leaves the best in front.
    for (let size = sizes[j]!; size > 1; ) {
      swap(heaps, j * width, j * width + --size);
      siftDown(heaps, j * width, size, values, count, j, top);
    }
  }
  return { heaps, sizes, width };
}

function swap(heaps: Int32Array, a: number, b: number): void {
  const row = heaps[a]!;
  heaps[a] = heaps[b]!;
  heaps[b] = row;
}

function siftUp(
  heaps: Int32Array,
  heap: number,
  place: number,
  row: number,
  values: Float64Array,
  count: number,
  j: number,
  top: boolean,
): void {
  let at = place;
  heaps[heap + at] = row;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!worse(values, count, j, top, heaps[heap + at]!, heaps[heap + parent]!)) break;
    swap(heaps, heap + at, heap + parent);
    at = parent;
  }
}

function siftDown(
  heaps: Int32Array,
  heap: number,
  size: number,
  values: Float64Array,
  count: number,
  j: number,
  top: boolean,
): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) return;
    if (child + 1 < size && worse(values, count, j, top, heaps[heap + child + 1]!, heaps[heap + child]!)) child++;
    if (!worse(values, count, j, top, heaps[heap + child]!, heaps[heap + at]!)) return;
    swap(heaps, heap + at, heap + child);
    at = child;
  }
}

function masked(columns: Columns, present: Uint8Array): Columns {
  return { ...columns, present };
}

function limitRows(_context: Context, node: Aggregation, columns: Columns, param: ScalarColumn): Columns {
  checkedCounts(param);
  const { count } = columns.grid;
  const present = new Uint8Array(columns.present.length);
  for (const rows of rowsOfGroups(groupRows(columns, node.grouping, node.without))) {
    for (let j = 0; j < count; j++) {
      let left = Math.trunc(param.values[j]!);
      for (let i = 0; i < rows.length && left > 0; i++) {
        const cell = rows[i]! * count + j;
        if (columns.present[cell] === 0) continue;
        present[cell] = columns.present[cell]!;
        left--;
      }
    }
  }
  return masked(columns, present);
}

function sampleRows(context: Context, node: Aggregation, columns: Columns, param: ScalarColumn): Columns {
  const range = rangeOf(param);
  if (range.nan) throw executionError('Ratio value is NaN');
  if (range.max > 1) noteAt(context.query, note.invalidRatio(range.max, 1), node.param!);
  if (range.min < -1) noteAt(context.query, note.invalidRatio(range.min, -1), node.param!);
  const { count } = columns.grid;
  const present = new Uint8Array(columns.present.length);
  for (let row = 0; row < columns.labels.length; row++) {
    const offset = sampleOffset(columns.labels[row]!);
    for (let j = 0; j < count; j++) {
      const r = Math.max(-1, Math.min(1, param.values[j]!));
      if (r === 0) continue;
      if (r > 0 ? offset < r : offset >= 1 + r) present[row * count + j] = columns.present[row * count + j]!;
    }
  }
  return masked(columns, present);
}

// --- count_values ---------------------------------------------------------------------------------------------------

export function countValues(node: Aggregation, columns: Columns, label: string): Columns {
  const { count } = columns.grid;
  const grouping = node.without ? node.grouping : [...node.grouping, label];
  const rows = new Map<string, CountedValue>();
  for (let row = 0; row < columns.labels.length; row++) {
    const known = new Map<number, CountedValue>();
    for (let j = 0; j < count; j++) {
      const cell = row * count + j;
      const kind = columns.present[cell];
      if (kind === 0) continue;
      const value = columns.values[cell]!;
      let entry = kind === FLOAT && value !== 0 ? known.get(value) : undefined;
      if (!entry) {
        const text = kind === FLOAT ? plainDecimal(value) : formatHistogram(columns.histograms!.get(cell)!);
        const labels = groupLabels(withLabel(columns.labels[row]!, label, text), grouping, node.without);
        entry = entryOf(rows, labels, count);
        if (kind === FLOAT) known.set(value, entry);
      }
      entry.counts[j]!++;
    }
  }
  const list = [...rows.values()];
  const values = new Float64Array(list.length * count);
  for (const [row, entry] of list.entries()) values.set(entry.counts, row * count);
  const present = Uint8Array.from(values, (n) => (n > 0 ? FLOAT : 0));
  return { grid: columns.grid, labels: list.map((entry) => entry.labels), values, present };
}

interface CountedValue {
  readonly labels: Labels;
  readonly counts: Float64Array;
}

function entryOf(rows: Map<string, CountedValue>, labels: Labels, count: number): CountedValue {
  const key = labelsKey(labels);
  let entry = rows.get(key);
  if (!entry) {
    entry = { labels, counts: new Float64Array(count) };
    rows.set(key, entry);
  }
  return entry;
}

function withLabel(labels: Labels, name: string, value: string): Labels {
  const pairs: [string, string][] = [[name, value]];
  for (let i = 0; i < labels.length; i += 2) if (labels[i] !== name) pairs.push([labels[i]!, labels[i + 1]!]);
  pairs.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return labelsFromSorted(pairs.flat());
}

/** The shortest decimal without an exponent, as Go's `strconv.FormatFloat(v, 'f', -1, 64)`. */
export function plainDecimal(value: number): string {
  const text = formatFloat(value);
  if (!text.includes('e')) return text;
  const [mantissa, exponent] = text.split('e') as [string, string];
  const negative = mantissa.startsWith('-');
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.') as [string, string?];
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  const body =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits + '0'.repeat(point - digits.length)
        : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return (negative ? '-' : '') + body;
}
