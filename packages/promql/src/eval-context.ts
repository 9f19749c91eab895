/** What the parts of an evaluation share. */
import { type Annotations, annotate } from './annotations.ts';
import type { Expr } from './ast.ts';
import type { Columns, ScalarColumn, StepGrid } from './columns.ts';
import { duplicateLabels, hasEqualRows, mayCollide, mergeEqualRows, withNamesDropped } from './columns-rows.ts';
import { tooManySamples } from './leaf.ts';
import type { Queryable } from './storage.ts';

/** What an expression evaluates to over a grid. */
export type Value =
  | { readonly kind: 'vector'; readonly columns: Columns }
  | { readonly kind: 'scalar'; readonly column: ScalarColumn }
  | { readonly kind: 'string'; readonly value: string };

export interface QueryState {
  readonly queryable: Queryable;
  readonly signal: AbortSignal;
  /** The query as written, where it is known. */
  readonly text: string | undefined;
  /** The query's own times; an instant query has step 0. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  /** Step of subqueries that name none. */
  readonly defaultStepMs: (rangeMs: number) => number;
  readonly maxSamples: number;
  /** Metric names are dropped at the very end rather than by each function. */
  readonly delayNames: boolean;
  readonly useStartTimestamps: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly notes: Annotations;
  /** Values of expressions that occur more than once, by grid and text. */
  readonly shared: Map<string, Promise<Value>>;
  /** Text of each expression that occurs more than once. */
  readonly repeated: ReadonlyMap<Expr, string>;
  /** Selectors of whose histograms only counts and sums are looked at. */
  readonly statsOnly: ReadonlySet<Expr>;
  readonly counters: Counters;
  /** Samples that the results of nodes hold until what is above them is computed. */
  readonly held: Map<Expr, number>;
  /** Throws when time is up or nobody waits any longer, and lets other work in when it is due. */
  readonly checkpoint: () => Promise<void>;
  /** What each node took, where the request asked for it. */
  readonly timings: NodeTimings | undefined;
}

export interface NodeTimings {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  readonly nodes: { readonly expr: Expr; readonly ms: number; readonly rows: number; readonly cells: number }[];
}

export interface Counters {
  /** Samples looked at, as Prometheus' totalQueryableSamples. */
  total: number;
  current: number;
  peak: number;
}

export interface Context {
  readonly query: QueryState;
  readonly grid: StepGrid;
}

/** Counts a result against the limit. */
export function account(query: QueryState, samples: number): void {
  const { counters } = query;
  counters.current += samples;
  if (counters.current > counters.peak) counters.peak = counters.current;
  if (counters.current > query.maxSamples) throw tooManySamples();
}

export function noteAt(query: QueryState, message: string, expr: Expr): void {
  annotate(query.notes, message, expr.span.start);
}

export function vector(columns: Columns): Value {
  return { kind: 'vector', columns };
}

export function scalar(column: ScalarColumn): Value {
  return { kind: 'scalar', column };
}

/** Flags all rows to lose their names. */
export function flagNames(columns: Columns): Columns {
  return { ...columns, dropName: new Uint8Array(columns.labels.length).fill(1) };
}

/**
 * Names of flagged rows go at once unless their removal is delayed. `strict`: rows that become equal are refused even if
 * they have no step in common.
 */
export function settleNames(context: Context, columns: Columns, strict = false): Columns {
  if (context.query.delayNames || !columns.dropName) return columns;
  const collide = mayCollide(columns);
  const dropped = withNamesDropped(columns);
  if (!collide) return dropped;
  if (strict && hasEqualRows(dropped)) throw duplicateLabels();
  return mergeEqualRows(dropped);
}

/** How many cells are worked on before other work is let in, if it is due. */
const CHUNK_CELLS = 1 << 18;

/** Calls `work` for one stretch of rows after the other. */
export async function inChunks(
  context: Context,
  rows: number,
  work: (first: number, last: number) => void,
): Promise<void> {
  const size = Math.max(1, Math.floor(CHUNK_CELLS / Math.max(1, context.grid.count)));
  for (let first = 0; first < rows; first += size) {
    if (first > 0) await context.query.checkpoint();
    work(first, Math.min(rows, first + size));
  }
}
