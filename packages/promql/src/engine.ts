import {
  BelfryError,
  type Clock,
  compareLabels,
  deadline,
  type FloatHistogram,
  type Labels,
  labelsFrom,
} from '@belfry/model';
import { type Annotation, type Annotations, formatAnnotation } from './annotations.ts';
import type { Expr, MatrixSelector, Subquery } from './ast.ts';
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn, type StepGrid } from './columns.ts';
import {
  duplicateLabels,
  hasEqualRows,
  mergeEqualRows,
  selectRows,
  withNamesDropped,
  withoutEmptyRows,
} from './columns-rows.ts';
import type { Context, Counters, NodeTimings, QueryState, Value } from './eval-context.ts';
import { atOf, evaluate, evaluateVector, lengthOf, offsetOf, rowSamples, subqueryGrid } from './evaluate.ts';
import { isStepInvariant } from './invariant.ts';
import { parseExpr } from './parser.ts';
import { formatExpr } from './printer.ts';
import { extendRawSeries } from './raw-range.ts';
import type { Queryable, RawSeries } from './storage.ts';
import { valueTypeOf } from './value-type.ts';
import { childrenOf, walk } from './walk.ts';

/** Names of features that change evaluation; those of the parser are in PROMQL_FEATURES. */
export const ENGINE_FEATURES: ReadonlySet<string> = new Set([
  'promql-delayed-name-removal',
  'use-start-timestamps',
  'type-and-unit-labels',
]);

export interface EngineOptions {
  readonly clock: Clock;
  /** Longest time a query may take, waiting included. Milliseconds, 2 minutes unless told. */
  readonly timeoutMs?: number;
  /** Most samples a query may hold at once. 50 million unless told. */
  readonly maxSamples?: number;
  /** How far back an instant selector looks. Milliseconds, 5 minutes unless told. */
  readonly lookbackMs?: number;
  readonly features?: ReadonlySet<string>;
  /** Queries that run at the same time; others wait. 20 unless told. */
  readonly maxConcurrent?: number;
  /** Step of subqueries that name none: the global evaluation interval. Milliseconds, 1 minute unless told. */
  readonly defaultStepMs?: number | (() => number);
  /** Lets other work in; called between parts of an evaluation that has held the thread for `sliceMs`. */
  readonly yieldNow?: () => Promise<void>;
  readonly sliceMs?: number;
}

interface QueryRequest {
  /** Text, or a tree of `parseExpr`. */
  readonly query: string | Expr;
  /** The text of a `query` given as a tree, for the places in annotations. */
  readonly text?: string;
  readonly queryable: Queryable;
  readonly signal?: AbortSignal;
  readonly lookbackMs?: number;
  readonly limits?: { readonly maxSamples?: number; readonly timeoutMs?: number };
  /** Fills `stats.nodes`. */
  readonly stats?: boolean;
}

export interface InstantRequest extends QueryRequest {
  readonly timeMs: number;
}

export interface RangeRequest extends QueryRequest {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/**
 * What a query gives. An instant query: a vector (columns of one step, every row present, in the order that sort and topk
 * gave it), a scalar, a string, or for `metric[5m]` a matrix of raw series. A range query: always a matrix of columns, its
 * rows sorted by labels. No row is absent throughout.
 */
export type QueryValue =
  | { readonly type: 'vector'; readonly columns: Columns }
  | { readonly type: 'scalar'; readonly timeMs: number; readonly values: Float64Array }
  | { readonly type: 'string'; readonly timeMs: number; readonly value: string }
  | { readonly type: 'matrix'; readonly columns: Columns; readonly series?: undefined }
  | { readonly type: 'matrix'; readonly series: readonly RawSeries[]; readonly columns?: undefined };

export interface QueryStats {
  /** Samples looked at over all steps. */
  readonly totalSamples: number;
  /** Most samples held at once. */
  readonly peakSamples: number;
  readonly queueMs: number;
  readonly prepareMs: number;
  readonly evalMs: number;
  readonly sortMs: number;
  /** What each part of the expression took, inner parts included and first; with `stats` in the request only. */
  readonly nodes?: readonly NodeStats[];
}

export interface NodeStats {
  readonly text: string;
  /** Place in the query's text. */
  readonly start: number;
  readonly end: number;
  readonly ms: number;
  readonly rows: number;
  /** Values that are present. */
  readonly cells: number;
}

export interface QueryResult {
  readonly value: QueryValue;
  /** With their places, as the API answers them. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly annotations: readonly Annotation[];
  readonly stats: QueryStats;
}

export interface ActiveQuery {
  readonly id: number;
  readonly query: string;
  readonly sinceMs: number;
  /** Waiting for its turn. */
  readonly queued: boolean;
}

export interface Engine {
  readonly features: ReadonlySet<string>;
  /** @throws BelfryError `query_syntax`, `query_execution`, `query_timeout`, `query_canceled`, `query_too_many_samples` */
  instant(request: InstantRequest): Promise<QueryResult>;
  /** @throws as `instant` */
  range(request: RangeRequest): Promise<QueryResult>;
  activeQueries(): readonly ActiveQuery[];
}

/** What the engine would do with an expression. */
export interface ExplainNode {
  readonly text: string;
  readonly kind: Expr['kind'];
  /** Evaluated once for all steps. */
  readonly stepInvariant: boolean;
  /** Occurs more than once and is evaluated once. */
  readonly shared: boolean;
  /** Evaluated beside the data: only its result travels. */
  readonly leaf: boolean;
  readonly inputs: readonly ExplainNode[];
}

/** @throws BelfryError `query_syntax` */
export function explain(query: string | Expr, features: ReadonlySet<string> = new Set()): ExplainNode {
  const expr = typeof query === 'string' ? parseExpr(query, { features }) : query;
  const repeated = findRepeated(expr);
  const node = (e: Expr): ExplainNode => {
    const leaf = e.kind === 'selector' || (e.kind === 'call' && e.args.some((a) => a.kind === 'range'));
    return {
      text: formatExpr(e),
      kind: e.kind,
      stepInvariant: isStepInvariant(e),
      shared: repeated.has(e),
      leaf,
      inputs: childrenOf(e)
        .filter((child) => !(leaf && child.kind === 'range'))
        .map(node),
    };
  };
  return node(expr);
}

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_MAX_SAMPLES = 50_000_000;
const DEFAULT_LOOKBACK_MS = 300_000;
const DEFAULT_MAX_CONCURRENT = 20;
const DEFAULT_STEP_MS = 60_000;
const DEFAULT_SLICE_MS = 8;

interface Times {
  readonly startMs: number;
  readonly endMs: number;
  /** 0: an instant query. */
  readonly stepMs: number;
}

export function createEngine(options: EngineOptions): Engine {
  const features = options.features ?? new Set<string>();
  const queue = newQueue(options.maxConcurrent ?? DEFAULT_MAX_CONCURRENT);
  const active = new Map<number, ActiveQuery>();
  let lastId = 0;

  const run = async (request: QueryRequest, times: Times): Promise<QueryResult> => {
    const { clock } = options;
    const id = ++lastId;
    const begun = clock.monotonic();
    const limitMs = request.limits?.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    let phase = 'query queue';
    const timedOut = () => new BelfryError('query_timeout', `query timed out in ${phase}`);
    const { signal: limited, done } = deadline(clock, limitMs, timedOut, request.signal);
    // Leaves under way are of no use to anyone once another part has failed.
    const failed = new AbortController();
    const signal = AbortSignal.any([limited, failed.signal]);
    const text = typeof request.query === 'string' ? request.query : (request.text ?? formatExpr(request.query));
    const entry = { id, query: text, sinceMs: clock.now() };
    active.set(id, { ...entry, queued: true });
    try {
      const release = await queue.enter(signal);
      try {
        active.set(id, { ...entry, queued: false });
        phase = 'expression evaluation';
        return await runQuery(options, features, request, times, signal, clock.monotonic() - begun);
      } finally {
        release();
      }
    } catch (error) {
      const reason = limited.aborted ? abortError(limited, phase) : error;
      failed.abort(reason);
      throw reason;
    } finally {
      active.delete(id);
      done();
    }
  };

  return {
    features,
    instant: (request) => run(request, { startMs: request.timeMs, endMs: request.timeMs, stepMs: 0 }),
    range: (request) => run(request, request),
    activeQueries: () => [...active.values()],
  };
}

function abortError(signal: AbortSignal, phase: string): unknown {
  const { reason } = signal;
  if (reason instanceof BelfryError) return reason;
  return new BelfryError('query_canceled', `query was canceled in ${phase}`, { cause: reason });
}

interface Queue {
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Lets at most `limit` in at a time, first come, first served. */
function newQueue(limit: number): Queue {
  let inside = 0;
  const waiting = new Set<() => void>();
  const release = () => {
    const next = waiting.values().next().value;
    if (!next) {
      inside--;
      return;
    }
    // The place goes to the next in line, so that nobody slips in between.
    waiting.delete(next);
    next();
  };
  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (inside < limit) inside++;
      else await turn(waiting, signal);
      return release;
    },
  };
}

/** Resolves when called in; rejects, and leaves the line, when the signal aborts first. */
function turn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = () => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
    const stop = () => {
      waiting.delete(go);
      reject(signal.reason);
    };
    waiting.add(go);
    signal.addEventListener('abort', stop, { once: true });
  });
}

async function runQuery(
  options: EngineOptions,
  features: ReadonlySet<string>,
  request: QueryRequest,
  times: Times,
  signal: AbortSignal,
  queueMs: number,
): Promise<QueryResult> {
  const { clock } = options;
  const begun = clock.monotonic();
  const expr = typeof request.query === 'string' ? parseExpr(request.query, { features }) : request.query;
  const type = valueTypeOf(expr);
  if (times.stepMs > 0 && type !== 'vector' && type !== 'scalar') {
    const got = type === 'matrix' ? 'range vector' : type;
    throw new BelfryError(
      'bad_data',
      `invalid expression type "${got}" for range query, must be Scalar or instant Vector`,
    );
  }
  const query = newState(options, features, request, times, signal, expr);
  const grid = gridOf(times);
  const prepared = clock.monotonic();
  const context: Context = { query, grid };
  const unsorted = await finalValue(context, expr, times);
  const evaluated = clock.monotonic();
  const value = finishValue(unsorted, times);
  return {
    value,
    ...annotationsOf(query.notes, query.text),
    stats: {
      totalSamples: query.counters.total,
      peakSamples: query.counters.peak,
      queueMs,
      prepareMs: prepared - begun,
      evalMs: evaluated - prepared,
      sortMs: clock.monotonic() - evaluated,
      ...(query.timings ? { nodes: nodeStats(query.timings) } : {}),
    },
  };
}

function nodeStats(timings: NodeTimings): NodeStats[] {
  return timings.nodes.map(({ expr, ms, rows, cells }) => ({
    text: formatExpr(expr),
    start: expr.span.start,
    end: expr.span.end,
    ms,
    rows,
    cells,
  }));
}

function gridOf(times: Times): StepGrid {
  if (times.stepMs === 0) return { startMs: times.startMs, stepMs: 1, count: 1 };
  const count = Math.max(0, Math.floor((times.endMs - times.startMs) / times.stepMs) + 1);
  return { startMs: times.startMs, stepMs: times.stepMs, count };
}

function newState(
  options: EngineOptions,
  features: ReadonlySet<string>,
  request: QueryRequest,
  times: Times,
  signal: AbortSignal,
  expr: Expr,
): QueryState {
  const { clock, yieldNow, sliceMs = DEFAULT_SLICE_MS, defaultStepMs = DEFAULT_STEP_MS } = options;
  const text = typeof request.query === 'string' ? request.query : request.text;
  const counters: Counters = { total: 0, current: 0, peak: 0 };
  let sliceStart = clock.monotonic();
  return {
    queryable: request.queryable,
    signal,
    text,
    startMs: times.startMs,
    endMs: times.endMs,
    stepMs: times.stepMs,
    lookbackMs: request.lookbackMs ?? options.lookbackMs ?? DEFAULT_LOOKBACK_MS,
    defaultStepMs: () => (typeof defaultStepMs === 'number' ? defaultStepMs : defaultStepMs()),
    maxSamples: request.limits?.maxSamples ?? options.maxSamples ?? DEFAULT_MAX_SAMPLES,
    delayNames: features.has('promql-delayed-name-removal'),
    useStartTimestamps: features.has('use-start-timestamps'),
    typeAndUnitLabels: features.has('type-and-unit-labels'),
    notes: new Map(),
    shared: new Map(),
    repeated: findRepeated(expr),
    statsOnly: findStatsOnly(expr),
    counters,
    held: new Map(),
    timings: request.stats ? { now: () => clock.monotonic(), nodes: [] } : undefined,
    checkpoint: async () => {
      signal.throwIfAborted();
      if (!yieldNow || clock.monotonic() - sliceStart < sliceMs) return;
      await yieldNow();
      sliceStart = clock.monotonic();
      signal.throwIfAborted();
    },
  };
}

/** The expressions that ask the store for something and occur more than once, by their text. */
function findRepeated(expr: Expr): ReadonlyMap<Expr, string> {
  const byText = new Map<string, Expr[]>();
  walk(expr, (node) => {
    if (node.kind !== 'selector' && childrenOf(node).length === 0) return;
    if (node.kind === 'range' || node.kind === 'subquery' || node.kind === 'paren') return;
    const text = formatExpr(node);
    const list = byText.get(text);
    if (list) list.push(node);
    else byText.set(text, [node]);
  });
  const repeated = new Map<Expr, string>();
  for (const [text, nodes] of byText) if (nodes.length > 1) for (const node of nodes) repeated.set(node, text);
  return repeated;
}

const STATS_FUNCTIONS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg']);
const BUCKET_FUNCTIONS: ReadonlySet<string> = new Set([
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_fraction',
  'histogram_stddev',
  'histogram_stdvar',
]);

/** Selectors below `histogram_count` and the like, without a subquery or a look at buckets between. */
function findStatsOnly(expr: Expr): ReadonlySet<Expr> {
  const found = new Set<Expr>();
  walk(expr, (node, around) => {
    if (node.kind !== 'selector' || around.some((outer) => outer.kind === 'subquery')) return;
    for (let i = around.length - 1; i >= 0; i--) {
      const outer = around[i]!;
      if (outer.kind === 'binary') return;
      if (outer.kind !== 'call') continue;
      if (BUCKET_FUNCTIONS.has(outer.func)) return;
      if (STATS_FUNCTIONS.has(outer.func)) found.add(node);
    }
  });
  return found;
}

type Unfinished = Value | { readonly kind: 'raw'; readonly series: RawSeries[] };

async function finalValue(context: Context, expr: Expr, times: Times): Promise<Unfinished> {
  const { query } = context;
  let node = expr;
  while (node.kind === 'paren') node = node.expr;
  if (times.stepMs === 0 && node.kind === 'range') return { kind: 'raw', series: await rawRange(context, node) };
  if (times.stepMs === 0 && node.kind === 'subquery') return { kind: 'raw', series: await rawSubquery(context, node) };
  const value = await evaluate(context, node);
  if (value.kind !== 'vector' || !value.columns.dropName) return value;
  const dropped = withNamesDropped(value.columns);
  if (query.stepMs > 0) return { kind: 'vector', columns: mergeEqualRows(dropped) };
  const columns = withoutEmptyRows(dropped);
  if (hasEqualRows(columns)) throw duplicateLabels();
  return { kind: 'vector', columns };
}

async function rawRange(context: Context, node: MatrixSelector): Promise<RawSeries[]> {
  const { query, grid } = context;
  const { selector } = node;
  const untilMs = (atOf(query, selector) ?? grid.startMs) - offsetOf(query, selector.offset);
  const afterMs = untilMs - lengthOf(query, node.range);
  const before = selector.extended ? query.lookbackMs : 0;
  const ahead = selector.extended === 'smoothed' ? query.lookbackMs : 0;
  const series = await query.queryable.raw(
    selector.matchers,
    afterMs - before,
    untilMs + ahead,
    query.maxSamples,
    query.signal,
  );
  for (const s of series) query.counters.total += s.timestamps.length;
  query.counters.peak = query.counters.total;
  return selector.extended ? extendRawSeries(series, afterMs, untilMs, selector.extended) : series;
}

async function rawSubquery(context: Context, node: Subquery): Promise<RawSeries[]> {
  const inner = subqueryGrid(context, node);
  if (inner.count === 0) return [];
  const columns = await evaluateVector({ query: context.query, grid: inner }, node.expr);
  const named = mergeEqualRows(withNamesDropped(columns));
  const times = Float64Array.from({ length: inner.count }, (_t, j) => inner.startMs + j * inner.stepMs);
  const all: RawSeries[] = [];
  for (let row = 0; row < named.labels.length; row++) {
    const s = rowSamples(named, row, times);
    if (s.count === 0) continue;
    all.push({
      labels: s.labels,
      timestamps: s.timestamps.slice(0, s.count),
      values: s.values.slice(0, s.count),
      ...(s.histograms ? { histograms: s.histograms.slice(0, s.count) } : {}),
    });
  }
  return all;
}

function finishValue(value: Unfinished, times: Times): QueryValue {
  if (value.kind === 'raw') {
    return { type: 'matrix', series: value.series.sort((a, b) => compareLabels(a.labels, b.labels)) };
  }
  if (value.kind === 'string') return { type: 'string', timeMs: times.startMs, value: value.value };
  if (value.kind === 'scalar') {
    if (times.stepMs > 0) return { type: 'matrix', columns: scalarRow(value.column) };
    return { type: 'scalar', timeMs: times.startMs, values: value.column.values };
  }
  const columns = withoutEmptyRows(value.columns);
  return times.stepMs > 0 ? { type: 'matrix', columns: sortedRows(columns) } : { type: 'vector', columns };
}

function scalarRow(column: ScalarColumn): Columns {
  const { grid, values } = column;
  return { grid, labels: [labelsFrom({})], values, present: new Uint8Array(grid.count).fill(FLOAT) };
}

function sortedRows(columns: Columns): Columns {
  const rows = columns.labels.map((_l, row) => row);
  rows.sort((a, b) => compareLabels(columns.labels[a]!, columns.labels[b]!));
  return rows.every((row, i) => row === i) ? columns : selectRows(columns, rows);
}

function annotationsOf(notes: Annotations, text: string | undefined) {
  const annotations = [...notes.values()];
  const of = (level: Annotation['level']) =>
    annotations.filter((a) => a.level === level).map((a) => formatAnnotation(a, text));
  return { annotations, warnings: of('warning'), infos: of('info') };
}

/** One series of a result, its samples at hand: without gaps, ascending in time. */
export interface ResultSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (FloatHistogram | undefined)[];
}

/** The series of a vector or matrix, whichever form it has. A scalar is a series without labels; a string has none. */
export function* resultSeries(value: QueryValue): Generator<ResultSeries> {
  if (value.type === 'string') return;
  if (value.type === 'scalar') {
    yield { labels: labelsFrom({}), timestamps: Float64Array.of(value.timeMs), values: value.values };
    return;
  }
  if (value.type === 'matrix' && value.series) {
    yield* value.series;
    return;
  }
  const { grid, labels, present, values, histograms } = value.columns;
  for (let row = 0; row < labels.length; row++) {
    const timestamps: number[] = [];
    const floats: number[] = [];
    const hs: (FloatHistogram | undefined)[] = [];
    let some = false;
    for (let j = 0; j < grid.count; j++) {
      const cell = row * grid.count + j;
      if (present[cell] === 0) continue;
      timestamps.push(grid.startMs + j * grid.stepMs);
      const h = present[cell] === HISTOGRAM ? histograms!.get(cell) : undefined;
      some ||= h !== undefined;
      floats.push(h ? 0 : values[cell]!);
      hs.push(h);
    }
    yield {
      labels: labels[row]!,
      timestamps: Float64Array.from(timestamps),
      values: Float64Array.from(floats),
      ...(some ? { histograms: hs } : {}),
    };
  }
}
