export type { Annotation } from './annotations.ts';
export type * from './ast.ts';
export * from './columns.ts';
export { combineQueryables } from './combined-queryable.ts';
export { type DurationContext, durationMs } from './duration-expr.ts';
export {
  type ActiveQuery,
  createEngine,
  ENGINE_FEATURES,
  type Engine,
  type EngineOptions,
  type ExplainNode,
  explain,
  type InstantRequest,
  type NodeStats,
  type QueryResult,
  type QueryStats,
  type QueryValue,
  type RangeRequest,
  type ResultSeries,
  resultSeries,
} from './engine.ts';
export { AGGREGATIONS, type AggregationSignature, FUNCTIONS, type FunctionSignature } from './functions.ts';
export {
  formatHistogram,
  formatHistogramNotation,
  type HistogramBucket,
  histogramBuckets,
} from './histogram-format.ts';
export { evaluateLeaf, leafSteps, type QueryableOptions, queryable } from './leaf.ts';
export { createMemoryStore, type MemoryStore } from './memory-store.ts';
export { formatParseError } from './parse-error.ts';
export { MAX_EXPRESSION_DEPTH, type ParseOptions, PROMQL_FEATURES, parseExpr, parseSelector } from './parser.ts';
export { formatExpr, prettyExpr } from './printer.ts';
export { type PromqlTestOptions, type PromqlTestResult, runPromqlTest } from './promqltest.ts';
export { parseSequence, parseSeriesNotation, type SequenceValue, type SeriesNotation } from './series-notation.ts';
export { calculate, type SharedSubtree, sharedSubtrees, simplify } from './simplify.ts';
export type * from './storage.ts';
export { type ParseTree, toParseTree } from './tree.ts';
export { documentedType, valueTypeOf } from './value-type.ts';
export { childrenOf, mapExpr, metricNameOf, metricNamesOf, selectorsOf, walk } from './walk.ts';
