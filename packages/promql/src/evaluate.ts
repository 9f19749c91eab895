/** Evaluates a syntax tree over a grid of steps. */
import { type FloatHistogram, type Labels, labelsFrom, METRIC_NAME, metricName, quote } from '@belfry/model';
import { aggregate, countValues } from './aggregate.ts';
import { annotate, note } from './annotations.ts';
import type { Aggregation, Binary, Call, Duration, Expr, MatrixSelector, Subquery, VectorSelector } from './ast.ts';
import { scalarScalar, setOperation, vectorScalar, vectorVector } from './binary.ts';
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn, type StepGrid } from './columns.ts';
import {
  countCells,
  emptyColumns,
  executionError,
  mergeEqualRows,
  spreadColumns,
  spreadScalar,
} from './columns-rows.ts';
import { durationMs } from './duration-expr.ts';
import {
  account,
  type Context,
  flagNames,
  noteAt,
  type QueryState,
  scalar,
  settleNames,
  type Value,
  vector,
} from './eval-context.ts';
import { scaleHistogram } from './histogram-arithmetic.ts';
import { copyHistogram, withHint } from './histogram-buckets.ts';
import {
  HISTOGRAM_READERS,
  histogramFractionOf,
  histogramQuantileOf,
  histogramQuantilesOf,
  readHistograms,
} from './histogram-functions.ts';
import { type InfoTime, joinInfo } from './info-function.ts';
import { isStepInvariant } from './invariant.ts';
import { isLabelName, labelJoin, labelReplace, sortByLabel } from './label-functions.ts';
import { finishColumns, newScratch, newWriter, type OverTime, overTimeRow } from './leaf-series.ts';
import type { LeafOperation, LeafPlan, SeriesSamples } from './storage.ts';
import { valueTypeOf } from './value-type.ts';
import {
  absentSteps,
  clamp,
  DATE_FUNCTIONS,
  MATH_FUNCTIONS,
  mapFloats,
  maxOf,
  minOf,
  roundTo,
  sortByValue,
  toScalar,
} from './vector-functions.ts';
import { childrenOf, walk } from './walk.ts';
import { FLOAT_KERNELS, type WindowGeometry } from './window-kernels.ts';

/** @throws BelfryError `query_execution`, `query_too_many_samples`, `query_timeout`, `query_canceled`, and the store's */
export async function evaluate(context: Context, expr: Expr): Promise<Value> {
  const { query, grid } = context;
  if (expr.kind === 'paren') return evaluate(context, expr.expr);
  if (grid.count > 1 && expr.kind !== 'number' && expr.kind !== 'string' && isStepInvariant(expr)) {
    return spread(context, await evaluate({ query, grid: { ...grid, count: 1 } }, expr));
  }
  const text = query.repeated.get(expr);
  if (text === undefined) return countedNode(context, expr);
  const key = `${grid.startMs},${grid.stepMs},${grid.count} ${text}`;
  let shared = query.shared.get(key);
  if (!shared) {
    shared = countedNode(context, expr);
    query.shared.set(key, shared);
  }
  return shared;
}

function spread(context: Context, value: Value): Value {
  if (value.kind === 'vector') return vector(spreadColumns(value.columns, context.grid));
  if (value.kind === 'scalar') return scalar(spreadScalar(value.column, context.grid));
  return value;
}

/** Evaluates a node, counts what it holds, and lets go of its inputs. */
async function countedNode(context: Context, expr: Expr): Promise<Value> {
  const { query } = context;
  const begun = query.timings?.now() ?? 0;
  const value = await evaluateNode(context, expr);
  // Numbers weigh nothing: they are many in a query only because someone wrote them all.
  const cells = expr.kind === 'number' ? 0 : cellsOf(value);
  account(query, cells);
  query.held.set(expr, cells);
  release(query, expr);
  query.timings?.nodes.push({
    expr,
    ms: query.timings.now() - begun,
    rows: value.kind === 'vector' ? value.columns.labels.length : 1,
    cells,
  });
  return value;
}

function cellsOf(value: Value): number {
  if (value.kind === 'vector') return countCells(value.columns.present);
  return value.kind === 'scalar' ? value.column.values.length : 0;
}

function release(query: QueryState, expr: Expr): void {
  for (const child of childrenOf(expr)) {
    if (child.kind === 'paren' || child.kind === 'subquery') release(query, child);
    query.counters.current -= query.held.get(child) ?? 0;
    query.held.delete(child);
  }
}

async function evaluateNode(context: Context, expr: Expr): Promise<Value> {
  const { query, grid } = context;
  await query.checkpoint();
  switch (expr.kind) {
    case 'number':
      return constant(grid, expr.value);
    case 'string':
      return { kind: 'string', value: expr.value };
    case 'paren':
      return evaluate(context, expr.expr);
    case 'unary':
      return negate(context, expr.op, await evaluate(context, expr.expr));
    case 'binary':
      return binary(context, expr);
    case 'aggregation':
      return vector(await aggregation(context, expr));
    case 'selector':
      return vector(await instantSelector(context, expr));
    case 'call':
      return call(context, expr);
    default:
      throw executionError(`unexpected range vector in an expression: ${expr.kind}`);
  }
}

function constant(grid: StepGrid, value: number): Value {
  return scalar({ grid, values: new Float64Array(grid.count).fill(value) });
}

export async function evaluateVector(context: Context, expr: Expr): Promise<Columns> {
  const value = await evaluate(context, expr);
  if (value.kind === 'vector') return value.columns;
  throw executionError(`expected an instant vector, got a ${value.kind}`);
}

export async function evaluateScalar(context: Context, expr: Expr): Promise<ScalarColumn> {
  const value = await evaluate(context, expr);
  if (value.kind === 'scalar') return value.column;
  throw executionError(`expected a scalar, got a ${value.kind}`);
}

function negate(context: Context, op: '+' | '-', value: Value): Value {
  if (op === '+') return value;
  if (value.kind === 'scalar') {
    return scalar({ grid: value.column.grid, values: value.column.values.map((x) => -x) });
  }
  if (value.kind !== 'vector') return value;
  const { columns } = value;
  let histograms: Map<number, FloatHistogram> | undefined;
  if (columns.histograms) {
    histograms = new Map();
    for (const [cell, h] of columns.histograms) histograms.set(cell, scaleHistogram(copyHistogram(h), -1));
  }
  const out = { ...columns, values: columns.values.map((x) => -x), ...(histograms ? { histograms } : {}) };
  return vector(settleNames(context, flagNames(out)));
}

async function binary(context: Context, node: Binary): Promise<Value> {
  const [left, right] = await Promise.all([evaluate(context, node.left), evaluate(context, node.right)]);
  await context.query.checkpoint();
  if (left.kind === 'scalar' && right.kind === 'scalar')
    return scalar(scalarScalar(node.op, left.column, right.column));
  let out: Columns;
  if (left.kind === 'vector' && right.kind === 'scalar') {
    out = await vectorScalar(context, node, left.columns, right.column, false);
  } else if (left.kind === 'scalar' && right.kind === 'vector') {
    out = await vectorScalar(context, node, right.columns, left.column, true);
  } else if (left.kind === 'vector' && right.kind === 'vector') {
    const isSet = node.op === 'and' || node.op === 'or' || node.op === 'unless';
    out = await (isSet ? setOperation : vectorVector)(context, node, left.columns, right.columns);
  } else throw executionError('binary expression must contain only scalar and instant vector types');
  return vector(out);
}

async function aggregation(context: Context, node: Aggregation): Promise<Columns> {
  if (node.op === 'count_values') {
    const label = node.param && unwrap(node.param);
    const name = label?.kind === 'string' ? label.value : '';
    if (!isLabelName(name)) {
      const written = label && context.query.text?.slice(label.span.start, label.span.end);
      throw executionError(`invalid label name ${written ?? quote(name)}`);
    }
    return countValues(node, await evaluateVector(context, node.expr), name);
  }
  const [param, columns] = await Promise.all([
    node.param ? evaluateScalar(context, node.param) : undefined,
    evaluateVector(context, node.expr),
  ]);
  await context.query.checkpoint();
  const out = await aggregate(context, node, columns, param);
  // Columns of a delayed kind may have rows that become equal only when names go; those are told at the end.
  return settleNames(context, out);
}

function unwrap(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === 'paren') inner = inner.expr;
  return inner;
}

// --- Selectors ------------------------------------------------------------------------------------------------------

export function offsetOf(query: QueryState, offset: Duration | undefined): number {
  if (!offset) return 0;
  return durationMs(offset, { stepMs: query.stepMs, rangeMs: query.endMs - query.startMs, allowNegative: true });
}

export function lengthOf(query: QueryState, duration: Duration): number {
  return durationMs(duration, { stepMs: query.stepMs, rangeMs: query.endMs - query.startMs });
}

export function atOf(query: QueryState, node: { readonly at?: VectorSelector['at'] }): number | undefined {
  if (!node.at) return undefined;
  if (node.at.kind === 'timestamp') return node.at.ms;
  return node.at.kind === 'start' ? query.startMs : query.endMs;
}

async function leaf(
  context: Context,
  selector: VectorSelector,
  operation: LeafOperation,
  place: Expr,
): Promise<Columns> {
  const { query, grid } = context;
  const atMs = atOf(query, selector);
  const plan: LeafPlan = {
    matchers: selector.matchers,
    grid,
    offsetMs: offsetOf(query, selector.offset),
    ...(atMs === undefined ? {} : { atMs }),
    operation: query.statsOnly.has(selector) ? { ...operation, histogramStats: true } : operation,
    maxSamples: query.maxSamples,
  };
  const result = await query.queryable.leaf(plan, query.signal);
  query.counters.total += result.samples;
  for (const message of result.warnings) annotate(query.notes, message, place.span.start);
  for (const message of result.infos) annotate(query.notes, message, place.span.start);
  return result.columns;
}

function instantSelector(context: Context, node: VectorSelector): Promise<Columns> {
  const { lookbackMs } = context.query;
  const smoothed = node.extended === 'smoothed';
  return leaf(context, node, { kind: 'instant', lookbackMs, ...(smoothed ? { smoothed } : {}) }, node);
}

// --- Functions of ranges --------------------------------------------------------------------------------------------

const ANCHORED_FUNCTIONS = ['changes', 'delta', 'increase', 'rate', 'resets'];
const SMOOTHED_FUNCTIONS = ['delta', 'increase', 'rate'];
const START_FUNCTIONS: ReadonlySet<string> = new Set(['rate', 'irate', 'increase', 'resets']);

function checkExtended(node: Call, extended: 'anchored' | 'smoothed' | undefined): void {
  if (!extended) return;
  const allowed = extended === 'anchored' ? ANCHORED_FUNCTIONS : SMOOTHED_FUNCTIONS;
  if (allowed.includes(node.func)) return;
  throw executionError(`${extended} modifier can only be used with: ${allowed.join(', ')} - not with ${node.func}`);
}

async function overTime(context: Context, node: Call, at: number): Promise<Columns> {
  const { query } = context;
  const range = unwrap(node.args[at]!) as MatrixSelector | Subquery;
  const others = node.args.filter((_a, i) => i !== at);
  const params = (await Promise.all(others.map((a) => evaluateScalar(context, a)))).map((c) => c.values);
  const extended = range.kind === 'range' ? range.selector.extended : undefined;
  checkExtended(node, extended);
  const operation: OverTime = {
    kind: 'over-time',
    func: node.func,
    rangeMs: lengthOf(query, range.range),
    params,
    ...(extended ? { extended } : {}),
    lookbackMs: query.lookbackMs,
    ...(query.useStartTimestamps && START_FUNCTIONS.has(node.func) ? { useStartTimestamps: true } : {}),
  };
  const place = node.args[0]!;
  const columns =
    range.kind === 'range'
      ? await leaf(context, range.selector, operation, place)
      : await overSubquery(context, range, operation, place);
  if (node.func === 'rate' || node.func === 'increase') noteNonCounters(query, columns, place);
  if (node.func === 'absent_over_time') return absentColumns(context, columns, node.args[0]!);
  return settleNames(context, columns, true);
}

function noteNonCounters(query: QueryState, columns: Columns, place: Expr): void {
  const { count } = columns.grid;
  const floats = (row: number): boolean => {
    if (!columns.histograms) return true;
    return columns.present.subarray(row * count, (row + 1) * count).includes(FLOAT);
  };
  let last = '';
  for (let row = 0; row < columns.labels.length; row++) {
    const labels = columns.labels[row]!;
    const name = metricName(labels);
    if (name === '' || (name === last && !query.typeAndUnitLabels) || !floats(row)) continue;
    last = name;
    if (query.typeAndUnitLabels) {
      const type = labels.indexOf('__type__') % 2 === 0 ? labels[labels.indexOf('__type__') + 1]! : '';
      if (type !== 'counter' && type !== 'histogram') noteAt(query, note.possiblyNoCounterType(name, type), place);
    } else if (!/_(total|sum|count|bucket)$/.test(name)) noteAt(query, note.possiblyNoCounter(name), place);
  }
}

/** The subquery's own times, for a grid of the query around it. */
export function subqueryGrid(context: Context, node: Subquery): StepGrid {
  const { query, grid } = context;
  const rangeMs = lengthOf(query, node.range);
  const stepMs = node.step ? lengthOf(query, node.step) : query.defaultStepMs(rangeMs);
  const atMs = atOf(query, node);
  const offsetMs = offsetOf(query, node.offset);
  const first = (atMs ?? grid.startMs) - offsetMs;
  const last = (atMs ?? grid.startMs + (grid.count - 1) * grid.stepMs) - offsetMs;
  const startMs = (Math.floor((first - rangeMs) / stepMs) + 1) * stepMs;
  return { startMs, stepMs, count: Math.max(0, Math.floor((last - startMs) / stepMs) + 1) };
}

async function overSubquery(context: Context, node: Subquery, operation: OverTime, place: Expr): Promise<Columns> {
  const { query, grid } = context;
  const inner = subqueryGrid(context, node);
  if (inner.count === 0) return emptyColumns(grid);
  const columns = await evaluateVector({ query, grid: inner }, node.expr);
  await query.checkpoint();
  const atMs = atOf(query, node);
  const geometry: WindowGeometry = {
    count: grid.count,
    startMs: grid.startMs,
    stepMs: grid.stepMs,
    endMs: (atMs ?? grid.startMs) - offsetOf(query, node.offset),
    endStepMs: atMs === undefined ? grid.stepMs : 0,
    rangeMs: operation.rangeMs,
  };
  const writer = newWriter(grid);
  const scratch = newScratch(grid.count);
  const keepsName = operation.func === 'last_over_time' || operation.func === 'first_over_time';
  const flags: number[] = [];
  const times = Float64Array.from({ length: inner.count }, (_t, j) => inner.startMs + j * inner.stepMs);
  for (let row = 0; row < columns.labels.length; row++) {
    const before = writer.rows;
    overTimeRow(writer, rowSamples(columns, row, times), operation, geometry, scratch);
    if (writer.rows > before) flags.push(keepsName ? (columns.dropName?.[row] ?? 0) : 1);
  }
  for (const message of scratch.notes) annotate(query.notes, message, place.span.start);
  const out = finishColumns(writer, false);
  return flags.includes(1) ? { ...out, dropName: Uint8Array.from(flags) } : out;
}

/** A row as samples. Explicit counter resets mean nothing any more: the step may have left samples out or doubled them. */
export function rowSamples(columns: Columns, row: number, times: Float64Array): SeriesSamples {
  const count = times.length;
  const base = row * count;
  const labels = columns.labels[row]!;
  const present = columns.present.subarray(base, base + count);
  if (!present.includes(0) && !present.includes(HISTOGRAM)) {
    return { labels, count, timestamps: times, values: columns.values.subarray(base, base + count) };
  }
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  const histograms: (FloatHistogram | undefined)[] = [];
  let n = 0;
  let some = false;
  for (let j = 0; j < count; j++) {
    if (present[j] === 0) continue;
    timestamps[n] = times[j]!;
    if (present[j] === HISTOGRAM) {
      const h = columns.histograms!.get(base + j)!;
      histograms[n] = h.counterResetHint === 'gauge' ? h : withHint(h, 'unknown');
      some = true;
    } else {
      values[n] = columns.values[base + j]!;
      histograms[n] = undefined;
    }
    n++;
  }
  return { labels, count: n, timestamps, values, ...(some ? { histograms } : {}) };
}

// --- Functions ------------------------------------------------------------------------------------------------------

async function call(context: Context, node: Call): Promise<Value> {
  const { query, grid } = context;
  if (FLOAT_KERNELS[node.func]) {
    const at = node.args.findIndex((a) => valueTypeOf(a) === 'matrix');
    return vector(await overTime(context, node, at));
  }
  switch (node.func) {
    case 'time':
      return scalar({
        grid,
        values: Float64Array.from({ length: grid.count }, (_v, j) => (grid.startMs + j * grid.stepMs) / 1000),
      });
    case 'pi':
      return constant(grid, Math.PI);
    case 'start':
      return constant(grid, query.startMs / 1000);
    case 'end':
      return constant(grid, query.endMs / 1000);
    case 'step':
      return constant(grid, query.stepMs / 1000);
    case 'range':
      return constant(grid, (query.endMs - query.startMs) / 1000);
    case 'max_of':
    case 'min_of': {
      const [a, b] = await Promise.all([
        evaluateScalar(context, node.args[0]!),
        evaluateScalar(context, node.args[1]!),
      ]);
      return scalar((node.func === 'max_of' ? maxOf : minOf)(a, b));
    }
    case 'scalar':
      return scalar(toScalar(await evaluateVector(context, node.args[0]!)));
    case 'vector': {
      const { values } = await evaluateScalar(context, node.args[0]!);
      return vector({ grid, labels: [labelsFrom({})], values, present: new Uint8Array(grid.count).fill(FLOAT) });
    }
    default: {
      const out = await vectorCall(context, node);
      return vector(out);
    }
  }
}

async function vectorCall(context: Context, node: Call): Promise<Columns> {
  const { func, args } = node;
  const input = () => evaluateVector(context, args[0]!);
  const math = MATH_FUNCTIONS[func];
  if (math) return settleNames(context, mapFloats(await input(), math));
  const date = DATE_FUNCTIONS[func];
  if (date) return dateCall(context, node, date);
  const read = HISTOGRAM_READERS[func];
  if (read) return settleNames(context, readHistograms(await input(), read));
  switch (func) {
    case 'clamp':
    case 'clamp_min':
    case 'clamp_max':
      return clampCall(context, node);
    case 'round': {
      const nearest = args[1] ? (await evaluateScalar(context, args[1])).values : undefined;
      return settleNames(context, roundTo(await input(), nearest));
    }
    case 'absent':
      return absentColumns(context, await input(), args[0]!);
    case 'timestamp':
    case 'start_timestamp':
      return timestampCall(context, node);
    case 'sort':
    case 'sort_desc':
    case 'sort_by_label':
    case 'sort_by_label_desc':
      return sortCall(context, node);
    case 'label_replace':
    case 'label_join':
      return labelCall(context, node);
    case 'info':
      return joinInfo(context, node, await input(), infoTime(context.query, args[0]!));
    default:
      return histogramCall(context, node);
  }
}

async function histogramCall(context: Context, node: Call): Promise<Columns> {
  const { func, args } = node;
  if (func === 'histogram_quantile') {
    const [q, columns] = await Promise.all([evaluateScalar(context, args[0]!), evaluateVector(context, args[1]!)]);
    return histogramQuantileOf(context, node, q, columns);
  }
  if (func === 'histogram_fraction') {
    const [lower, upper] = await Promise.all([evaluateScalar(context, args[0]!), evaluateScalar(context, args[1]!)]);
    return histogramFractionOf(context, node, lower, upper, await evaluateVector(context, args[2]!));
  }
  if (func === 'histogram_quantiles') {
    const columns = await evaluateVector(context, args[0]!);
    const quantiles = await Promise.all(args.slice(2).map((a) => evaluateScalar(context, a)));
    return histogramQuantilesOf(context, node, columns, textOf(args[1]!), quantiles);
  }
  throw executionError(`unknown function with name ${quote(func)}`);
}

function textOf(expr: Expr): string {
  const inner = unwrap(expr);
  return inner.kind === 'string' ? inner.value : '';
}

async function dateCall(context: Context, node: Call, read: (x: number) => number): Promise<Columns> {
  const arg = node.args[0];
  if (arg) return settleNames(context, mapFloats(await evaluateVector(context, arg), read));
  const { grid } = context;
  const values = Float64Array.from({ length: grid.count }, (_v, j) => read((grid.startMs + j * grid.stepMs) / 1000));
  return { grid, labels: [labelsFrom({})], values, present: new Uint8Array(grid.count).fill(FLOAT) };
}

async function clampCall(context: Context, node: Call): Promise<Columns> {
  const columns = await evaluateVector(context, node.args[0]!);
  const first = (await evaluateScalar(context, node.args[1]!)).values;
  if (node.func === 'clamp_min') return settleNames(context, clamp(columns, first, undefined));
  if (node.func === 'clamp_max') return settleNames(context, clamp(columns, undefined, first));
  const second = (await evaluateScalar(context, node.args[2]!)).values;
  return settleNames(context, clamp(columns, first, second));
}

async function timestampCall(context: Context, node: Call): Promise<Columns> {
  const arg = unwrap(node.args[0]!);
  const { query, grid } = context;
  if (arg.kind === 'selector') {
    if (node.func === 'start_timestamp' && !query.useStartTimestamps) return emptyColumns(grid);
    const emit = node.func === 'timestamp' ? 'timestamp' : 'start-timestamp';
    const columns = await leaf(context, arg, { kind: 'instant', lookbackMs: query.lookbackMs, emit }, arg);
    return settleNames(context, flagNames(columns));
  }
  const columns = await evaluateVector(context, node.args[0]!);
  if (node.func === 'start_timestamp') return emptyColumns(grid);
  const present = columns.present.map((kind) => (kind === 0 ? 0 : FLOAT));
  const values = columns.values.map((_v, i) => (grid.startMs + (i % grid.count) * grid.stepMs) / 1000);
  return settleNames(context, flagNames({ grid, labels: columns.labels, values, present }));
}

async function sortCall(context: Context, node: Call): Promise<Columns> {
  const columns = await evaluateVector(context, node.args[0]!);
  if (context.query.startMs !== context.query.endMs || context.grid.count > 1) {
    noteAt(context.query, note.sortInRange(), node);
  }
  const descending = node.func.endsWith('desc');
  if (node.func === 'sort' || node.func === 'sort_desc') return sortByValue(columns, descending);
  return sortByLabel(columns, node.args.slice(1).map(textOf), descending);
}

async function labelCall(context: Context, node: Call): Promise<Columns> {
  const [target, ...rest] = node.args.slice(1).map(textOf) as [string, ...string[]];
  const columns = await evaluateVector(context, node.args[0]!);
  const out =
    node.func === 'label_replace'
      ? labelReplace(columns, target, rest[0]!, rest[1]!, rest[2]!)
      : labelJoin(columns, target, rest[0]!, rest.slice(1));
  return mergeEqualRows(out);
}

function infoTime(query: QueryState, expr: Expr): InfoTime {
  let time: InfoTime | undefined;
  walk(expr, (node) => {
    if (node.kind === 'selector') time ??= { offsetMs: offsetOf(query, node.offset), atMs: atOf(query, node) };
    return time === undefined;
  });
  return time ?? { offsetMs: 0, atMs: undefined };
}

/** One row of 1s where nothing was found, with the labels that the selector asks for by equality. */
function absentColumns(context: Context, columns: Columns, arg: Expr): Columns {
  const { values, present } = absentSteps({ ...columns, grid: context.grid });
  return { grid: context.grid, labels: [absentLabels(unwrap(arg))], values, present };
}

function absentLabels(expr: Expr): Labels {
  const matchers = expr.kind === 'selector' ? expr.matchers : expr.kind === 'range' ? expr.selector.matchers : [];
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, op, value } of matchers) {
    if (name === METRIC_NAME) continue;
    if (op === '=' && !seen.has(name)) {
      labels.set(name, value);
      seen.add(name);
    } else labels.delete(name);
  }
  return labelsFrom(labels);
}
