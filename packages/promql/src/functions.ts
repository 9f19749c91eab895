import type { AggregationOperator, ValueType } from './ast.ts';

/** What the type checker knows of a function. */
export interface FunctionSignature {
  readonly name: string;
  readonly args: readonly ValueType[];
  /**
   * 0: exactly `args`. Above 0: the last of `args` may be given from none up to this many times.
   * -1: the last of `args` may be given any number of times, or not at all.
   */
  readonly variadic: number;
  readonly returns: ValueType;
  /** Refused unless the feature `promql-experimental-functions` is on. */
  readonly experimental: boolean;
}

const TYPES: Readonly<Record<string, ValueType>> = { s: 'scalar', v: 'vector', m: 'matrix', t: 'string' };

/** Arguments by first letter (`t` is a string), then names. All of these return an instant vector. */
const TO_VECTOR: readonly (readonly [args: string, variadic: number, names: string])[] = [
  [
    'v',
    0,
    `abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count histogram_stddev
     histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp`,
  ],
  ['v', 1, 'day_of_month day_of_week day_of_year days_in_month hour minute month year'],
  [
    'm',
    0,
    `absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time
     min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time`,
  ],
  ['vss', 0, 'clamp'],
  ['vs', 0, 'clamp_max clamp_min'],
  ['vs', 1, 'round'],
  ['ssv', 0, 'histogram_fraction'],
  ['sv', 0, 'histogram_quantile'],
  ['vttt', -1, 'label_join'],
  ['vtttt', 0, 'label_replace'],
  ['ms', 0, 'predict_linear'],
  ['sm', 0, 'quantile_over_time'],
  ['s', 0, 'vector'],
];

const EXPERIMENTAL_TO_VECTOR: typeof TO_VECTOR = [
  ['v', 0, 'start_timestamp'],
  [
    'm',
    0,
    'first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time',
  ],
  ['mss', 0, 'double_exponential_smoothing'],
  ['vtss', 9, 'histogram_quantiles'],
  ['vv', 1, 'info'],
  ['vt', -1, 'sort_by_label sort_by_label_desc'],
];

function signature(name: string, args: string, variadic: number, returns: ValueType, experimental: boolean) {
  const types = Object.freeze([...args].map((letter) => TYPES[letter]!));
  return Object.freeze({ name, args: types, variadic, returns, experimental }) satisfies FunctionSignature;
}

function buildTable(): ReadonlyMap<string, FunctionSignature> {
  const table = new Map<string, FunctionSignature>();
  const add = (s: FunctionSignature) => table.set(s.name, s);
  for (const [rows, experimental] of [[TO_VECTOR, false] as const, [EXPERIMENTAL_TO_VECTOR, true] as const]) {
    for (const [args, variadic, names] of rows) {
      for (const name of names.split(/\s+/)) add(signature(name, args, variadic, 'vector', experimental));
    }
  }
  add(signature('pi', '', 0, 'scalar', false));
  add(signature('time', '', 0, 'scalar', false));
  add(signature('scalar', 'v', 0, 'scalar', false));
  for (const name of ['start', 'end', 'step', 'range']) add(signature(name, '', 0, 'scalar', true));
  for (const name of ['min_of', 'max_of']) add(signature(name, 'ss', 0, 'scalar', true));
  return table;
}

/** Every function of PromQL 3.14 by its name (function names are case sensitive). */
export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = buildTable();

export interface AggregationSignature {
  readonly name: AggregationOperator;
  /** Type of the parameter before the vector, for those that have one. */
  readonly param?: 'scalar' | 'string';
  /** Refused unless the feature `promql-experimental-functions` is on. */
  readonly experimental: boolean;
}

const PLAIN: readonly AggregationOperator[] = ['avg', 'count', 'group', 'max', 'min', 'stddev', 'stdvar', 'sum'];
const WITH_SCALAR: readonly AggregationOperator[] = ['bottomk', 'limit_ratio', 'limitk', 'quantile', 'topk'];

/** Every aggregation of PromQL 3.14 by its name. */
export const AGGREGATIONS: ReadonlyMap<AggregationOperator, AggregationSignature> = new Map(
  [
    ...PLAIN.map((name) => ({ name, experimental: false })),
    ...WITH_SCALAR.map((name) => ({ name, param: 'scalar' as const, experimental: name.startsWith('limit') })),
    { name: 'count_values' as const, param: 'string' as const, experimental: false },
  ].map((signature) => [signature.name, Object.freeze(signature)]),
);
