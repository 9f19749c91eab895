export type * from './ast.ts';
export * from './columns.ts';
export { FUNCTIONS, type FunctionSignature } from './functions.ts';
export { formatParseError } from './parse-error.ts';
export { MAX_EXPRESSION_DEPTH, type ParseOptions, PROMQL_FEATURES, parseExpr, parseSelector } from './parser.ts';
export type * from './storage.ts';
export { documentedType, valueTypeOf } from './value-type.ts';
