import type { Matcher } from '@belfry/model';

/** Half-open range of UTF-16 offsets into the query's text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** A syntax tree. Frozen; every node knows where it stood. Parents are not linked: pass what you need down. */
export type Expr =
  | NumberLiteral
  | StringLiteral
  | Paren
  | Unary
  | Binary
  | Aggregation
  | Call
  | VectorSelector
  | MatrixSelector
  | Subquery;

interface Node {
  readonly span: Span;
}

export interface NumberLiteral extends Node {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration (`5m` for 300). */
  readonly duration: boolean;
}

export interface StringLiteral extends Node {
  readonly kind: 'string';
  readonly value: string;
}

export interface Paren extends Node {
  readonly kind: 'paren';
  readonly expr: Expr;
}

export interface Unary extends Node {
  readonly kind: 'unary';
  readonly op: '+' | '-';
  readonly expr: Expr;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type SetOperator = 'and' | 'or' | 'unless';
/** Keep (`</`) or drop (`>/`) the part of native histograms below or above a bound. */
export type TrimOperator = '</' | '>/';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator | TrimOperator;

export interface VectorMatching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** `on(…)` when true, `ignoring(…)` when false. With neither written: `on: false`, no labels. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels that `group_left(…)`/`group_right(…)` copies from the "one" side. */
  readonly include: readonly string[];
  /** `fill…(value)`: stands in for a missing match on that side. */
  readonly fillLeft?: number;
  readonly fillRight?: number;
}

export interface Binary extends Node {
  readonly kind: 'binary';
  readonly op: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly bool: boolean;
  /** Present exactly when both sides are vectors. */
  readonly matching?: VectorMatching;
}

export type AggregationOperator =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export interface Aggregation extends Node {
  readonly kind: 'aggregation';
  readonly op: AggregationOperator;
  readonly expr: Expr;
  readonly param?: Expr;
  readonly grouping: readonly string[];
  /** `without (…)` when true. */
  readonly without: boolean;
}

export interface Call extends Node {
  readonly kind: 'call';
  readonly func: string;
  readonly args: readonly Expr[];
}

/** `@ <unix seconds>`, `@ start()`, `@ end()`. */
export type AtModifier = { readonly kind: 'timestamp'; readonly ms: number } | { readonly kind: 'start' | 'end' };

/**
 * A length of time: known at once, or an arithmetic expression (feature promql-duration-expr) that may use `step()`,
 * `range()`, `min_of`, `max_of` and is settled per query by `durationMs`.
 */
export type Duration = DurationLiteral | DurationStep | DurationRange | DurationUnary | DurationBinary | DurationParen;
export interface DurationLiteral extends Node {
  readonly kind: 'duration';
  /** Whole, but inside of arithmetic (`5m * 0.0001`), where it may be any number. */
  readonly ms: number;
  /** As written in seconds (`30`) rather than with units (`30s`). */
  readonly bare: boolean;
}
export interface DurationStep extends Node {
  readonly kind: 'duration-step';
}
export interface DurationRange extends Node {
  readonly kind: 'duration-range';
}
/** A sign before a plain duration belongs to its `ms`, and a plus before anything else is left out. */
export interface DurationUnary extends Node {
  readonly kind: 'duration-unary';
  readonly op: '-';
  readonly operand: Duration;
}
export interface DurationBinary extends Node {
  readonly kind: 'duration-binary';
  readonly op: '+' | '-' | '*' | '/' | '%' | '^' | 'min' | 'max';
  readonly left: Duration;
  readonly right: Duration;
}
export interface DurationParen extends Node {
  readonly kind: 'duration-paren';
  readonly inner: Duration;
}

export interface VectorSelector extends Node {
  readonly kind: 'selector';
  /**
   * As written before the braces; also the last of the matchers, as `__name__`. A name inside the braces, quoted alone
   * or as `__name__="…"`, is a matcher only: ask `metricNameOf` for the name however it was written.
   */
  readonly name?: string;
  readonly matchers: readonly Matcher[];
  readonly offset?: Duration;
  readonly at?: AtModifier;
  /** Modifiers of instant selectors are only `smoothed`; of ranges also `anchored`. */
  readonly extended?: 'anchored' | 'smoothed';
}

/** `selector[range]`. Offset and `@` belong to the inner selector, as in Prometheus. */
export interface MatrixSelector extends Node {
  readonly kind: 'range';
  readonly selector: VectorSelector;
  readonly range: Duration;
}

export interface Subquery extends Node {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly range: Duration;
  /** Absent: the evaluation interval of the server. */
  readonly step?: Duration;
  readonly offset?: Duration;
  readonly at?: AtModifier;
}
