/** `histogram_*`: of native histograms, and of classic ones, which are found among the rows by their `le` labels. */
import {
  type FloatHistogram,
  formatFloat,
  type Labels,
  labelsFromSorted,
  labelsKey,
  labelsWith,
  labelValue,
  metricName,
} from '@belfry/model';
import { annotateForced, note } from './annotations.ts';
import type { Call, Expr } from './ast.ts';
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn } from './columns.ts';
import { mergeEqualRows } from './columns-rows.ts';
import { type Context, noteAt, settleNames } from './eval-context.ts';
import { allBuckets, usesCustomBuckets } from './histogram-buckets.ts';
import {
  type ClassicBuckets,
  classicFraction,
  classicQuantile,
  histogramFraction,
  histogramQuantile,
  lastRemark,
  monotonicity,
} from './histogram-quantile.ts';
import { allRows } from './vector-functions.ts';

type Reader = (h: FloatHistogram) => number;

export const HISTOGRAM_READERS: Readonly<Record<string, Reader>> = {
  histogram_count: (h) => h.count,
  histogram_sum: (h) => h.sum,
  histogram_avg: (h) => h.sum / h.count,
  histogram_stdvar: variance,
  histogram_stddev: (h) => Math.sqrt(variance(h)),
};

function variance(h: FloatHistogram): number {
  const mean = h.sum / h.count;
  const custom = usesCustomBuckets(h);
  let sum = 0;
  let c = 0;
  for (const { lower, upper, count } of allBuckets(h)) {
    if (count === 0) continue;
    let middle: number;
    if (custom) middle = (upper + lower) / 2;
    else if (lower <= 0 && upper >= 0) middle = 0;
    else middle = upper < 0 ? -Math.sqrt(upper * lower) : Math.sqrt(upper * lower);
    const delta = middle - mean;
    const x = count * delta * delta;
    const t = sum + x;
    if (t === Infinity || t === -Infinity) c = 0;
    else c += Math.abs(sum) >= Math.abs(x) ? sum - t + x : x - t + sum;
    sum = t;
  }
  return (sum + c) / h.count;
}

export function readHistograms(columns: Columns, read: Reader): Columns {
  const values = new Float64Array(columns.values.length);
  const present = new Uint8Array(columns.present.length);
  for (let i = 0; i < present.length; i++) {
    if (columns.present[i] !== HISTOGRAM) continue;
    values[i] = read(columns.histograms!.get(i)!);
    present[i] = FLOAT;
  }
  return { grid: columns.grid, labels: columns.labels, values, present, dropName: allRows(columns) };
}

/** The rows that are buckets of one classic histogram, by rising upper bound. */
interface ClassicGroup {
  readonly labels: Labels;
  readonly rows: number[];
  readonly bounds: number[];
}

interface Sorted {
  readonly classic: readonly ClassicGroup[];
  /** Rows that have native histograms somewhere, and the classic group that a row of the same name and labels is in conflict with. */
  readonly native: readonly { row: number; rival: ClassicGroup | undefined }[];
}

const NUMBER =
  /^[+-]?(?:inf(?:inity)?|nan|0x[0-9a-f_]+(?:\.[0-9a-f_]*)?(?:p[+-]?\d+)?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?)$/i;

/** A bound as Go parses it; nothing if it is no number. */
function parseBound(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const lower = text.toLowerCase().replaceAll('_', '');
  if (lower.includes('inf')) return lower.startsWith('-') ? -Infinity : Infinity;
  if (lower.includes('nan')) return NaN;
  return Number(lower);
}

function sortOut(context: Context, columns: Columns, arg: Expr): Sorted {
  const { count } = columns.grid;
  const groups = new Map<string, ClassicGroup>();
  const native: number[] = [];
  columns.labels.forEach((labels, row) => {
    let floats = false;
    let histograms = false;
    for (let i = row * count; i < (row + 1) * count; i++) {
      if (columns.present[i] === FLOAT) floats = true;
      else if (columns.present[i] === HISTOGRAM) histograms = true;
    }
    if (histograms) native.push(row);
    if (!floats) return;
    const le = labelValue(labels, 'le');
    const bound = parseBound(le);
    if (bound === undefined) {
      const name = context.query.delayNames ? metricName(labels) : '';
      noteAt(context.query, note.badBucketLabel(name, le), arg);
      return;
    }
    const rest = without(labels, 'le');
    const key = labelsKey(rest);
    let group = groups.get(key);
    if (!group) {
      group = { labels: rest, rows: [], bounds: [] };
      groups.set(key, group);
    }
    group.rows.push(row);
    group.bounds.push(bound);
  });
  for (const group of groups.values()) sortGroup(group);
  return {
    classic: [...groups.values()],
    native: native.map((row) => ({ row, rival: groups.get(labelsKey(columns.labels[row]!)) })),
  };
}

function sortGroup(group: ClassicGroup): void {
  const order = group.bounds.map((_b, i) => i).sort((a, b) => group.bounds[a]! - group.bounds[b]!);
  const rows = order.map((i) => group.rows[i]!);
  const bounds = order.map((i) => group.bounds[i]!);
  rows.forEach((row, i) => {
    group.rows[i] = row;
    group.bounds[i] = bounds[i]!;
  });
}

function without(labels: Labels, name: string): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) if (labels[i] !== name) flat.push(labels[i]!, labels[i + 1]!);
  return labelsFromSorted(flat);
}

/** What a function makes of a histogram of either kind at a step. */
interface Measure {
  native(h: FloatHistogram, step: number, metric: string): number;
  classic(buckets: ClassicBuckets, step: number, metric: string): number;
  /** The labels of the result's row; as they are unless given. */
  readonly labels?: (labels: Labels) => Labels;
}

function measure(context: Context, columns: Columns, sorted: Sorted, arg: Expr, m: Measure): Columns {
  const { count } = columns.grid;
  const rows = sorted.native.length + sorted.classic.length;
  const values = new Float64Array(rows * count);
  const present = new Uint8Array(rows * count);
  const labels: Labels[] = [];
  const relabel = m.labels ?? ((l: Labels) => l);
  const conflicts = new Map<ClassicGroup, Uint8Array>();
  sorted.native.forEach(({ row, rival }, n) => {
    const l = columns.labels[row]!;
    const metric = metricName(l);
    labels.push(relabel(l));
    for (let j = 0; j < count; j++) {
      if (columns.present[row * count + j] !== HISTOGRAM) continue;
      if (rival?.rows.some((r) => columns.present[r * count + j] === FLOAT)) {
        noteAt(context.query, note.mixedClassicNative(context.query.delayNames ? metric : ''), arg);
        let steps = conflicts.get(rival);
        if (!steps) {
          steps = new Uint8Array(count);
          conflicts.set(rival, steps);
        }
        steps[j] = 1;
        continue;
      }
      values[n * count + j] = m.native(columns.histograms!.get(row * count + j)!, j, metric);
      present[n * count + j] = FLOAT;
    }
  });
  sorted.classic.forEach((group, n) => {
    labels.push(relabel(group.labels));
    const base = (sorted.native.length + n) * count;
    measureClassic(context, columns, group, conflicts.get(group), m, values, present, base);
  });
  return { grid: columns.grid, labels, values, present, dropName: new Uint8Array(rows).fill(1) };
}

function measureClassic(
  context: Context,
  columns: Columns,
  group: ClassicGroup,
  conflicts: Uint8Array | undefined,
  m: Measure,
  values: Float64Array,
  present: Uint8Array,
  base: number,
): void {
  const { count } = columns.grid;
  const size = group.rows.length;
  const buckets: ClassicBuckets = { bounds: new Float64Array(size), counts: new Float64Array(size), length: 0 };
  const metric = context.query.delayNames ? metricName(group.labels) : '';
  for (let j = 0; j < count; j++) {
    if (conflicts?.[j] === 1) continue;
    let n = 0;
    for (let i = 0; i < size; i++) {
      const cell = group.rows[i]! * count + j;
      if (columns.present[cell] !== FLOAT) continue;
      const bound = group.bounds[i]!;
      if (n > 0 && buckets.bounds[n - 1] === bound) buckets.counts[n - 1]! += columns.values[cell]!;
      else {
        buckets.bounds[n] = bound;
        buckets.counts[n++] = columns.values[cell]!;
      }
    }
    if (n === 0) continue;
    buckets.length = n;
    values[base + j] = m.classic(buckets, j, metric);
    present[base + j] = FLOAT;
  }
}

function quantileMeasure(context: Context, q: Float64Array, position: Expr, arg: Expr): Measure {
  const { grid, query } = context;
  return {
    native(h, j, metric) {
      const value = histogramQuantile(q[j]!, h);
      if (lastRemark === 'nan-result') noteAt(query, note.quantileNaNResult(query.delayNames ? metric : ''), position);
      if (lastRemark === 'nan-skew') noteAt(query, note.quantileNaNSkew(query.delayNames ? metric : ''), position);
      return value;
    },
    classic(buckets, j, metric) {
      const value = classicQuantile(q[j]!, buckets);
      if (monotonicity.forced) {
        const t = grid.startMs + j * grid.stepMs;
        const { minBound, maxBound, maxDifference } = monotonicity;
        const one = { minMs: t, maxMs: t, minBound, maxBound, maxDifference, samples: 1 };
        annotateForced(query.notes, note.forcedMonotonicity(metric), arg.span.start, one);
      }
      return value;
    },
  };
}

function noteQuantiles(context: Context, q: Float64Array, arg: Expr): void {
  for (const x of q) if (!(x >= 0 && x <= 1)) noteAt(context.query, note.invalidQuantile(x), arg);
}

export function histogramQuantileOf(context: Context, node: Call, q: ScalarColumn, columns: Columns): Columns {
  noteQuantiles(context, q.values, node.args[0]!);
  const arg = node.args[1]!;
  const sorted = sortOut(context, columns, arg);
  const m = quantileMeasure(context, q.values, node.args[0]!, arg);
  return finish(context, measure(context, columns, sorted, arg, m));
}

/** Equal rows come of classic and native histograms of one name at different steps. */
function finish(context: Context, columns: Columns): Columns {
  const settled = settleNames(context, columns);
  return context.query.delayNames && context.grid.count === 1 ? settled : mergeEqualRows(settled);
}

export function histogramFractionOf(
  context: Context,
  node: Call,
  lower: ScalarColumn,
  upper: ScalarColumn,
  columns: Columns,
): Columns {
  const arg = node.args[2]!;
  const { query } = context;
  const m: Measure = {
    native(h, j, metric) {
      const value = histogramFraction(lower.values[j]!, upper.values[j]!, h);
      if (lastRemark === 'fraction-nan') {
        noteAt(query, note.fractionNaN(query.delayNames ? metric : ''), node.args[0]!);
      }
      return value;
    },
    classic: (buckets, j) => classicFraction(lower.values[j]!, upper.values[j]!, buckets),
  };
  return finish(context, measure(context, columns, sortOut(context, columns, arg), arg, m));
}

export function histogramQuantilesOf(
  context: Context,
  node: Call,
  columns: Columns,
  label: string,
  quantiles: readonly ScalarColumn[],
): Columns {
  for (const [i, q] of quantiles.entries()) noteQuantiles(context, q.values, node.args[i + 2]!);
  const arg = node.args[0]!;
  const sorted = sortOut(context, columns, arg);
  const parts: Columns[] = [];
  for (const q of quantiles) {
    for (const value of new Set(q.values)) {
      const at = q.values.map((x) => (Object.is(x, value) ? 1 : 0));
      const m = {
        ...quantileMeasure(context, q.values, arg, arg),
        labels: (l: Labels) => labelsWith(l, label, openMetricsFloat(value)),
      };
      const part = measure(context, columns, sorted, arg, m);
      const { count } = columns.grid;
      for (let i = 0; i < part.present.length; i++) if (at[i % count] === 0) part.present[i] = 0;
      parts.push(part);
    }
  }
  return finish(context, concat(columns, parts));
}

function concat(like: Columns, parts: readonly Columns[]): Columns {
  const rows = parts.reduce((n, p) => n + p.labels.length, 0);
  const { count } = like.grid;
  const values = new Float64Array(rows * count);
  const present = new Uint8Array(rows * count);
  const labels: Labels[] = [];
  for (const part of parts) {
    values.set(part.values, labels.length * count);
    present.set(part.present, labels.length * count);
    labels.push(...part.labels);
  }
  return { grid: like.grid, labels, values, present, dropName: new Uint8Array(rows).fill(1) };
}

/** OpenMetrics' canonical number: with a decimal point or an exponent. */
function openMetricsFloat(value: number): string {
  const text = formatFloat(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
