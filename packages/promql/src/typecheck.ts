import { compileMatcher, METRIC_NAME, quote } from '@belfry/model';
import type { Aggregation, Binary, Call, Expr, Span, ValueType, VectorMatching, VectorSelector } from './ast.ts';
import { AGGREGATIONS, FUNCTIONS, type FunctionSignature } from './functions.ts';
import { syntaxError } from './parse-error.ts';
import { documentedType, valueTypeOf } from './value-type.ts';

/** The rules that the grammar alone cannot hold, in Prometheus' order: the first fault found is the one told. */
export interface TypecheckInput {
  readonly text: string;
  /** What was written between operator and right side, also where the tree leaves it out for want of vectors. */
  readonly matchingAsWritten: ReadonlyMap<Expr, VectorMatching>;
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const SETS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

/** @throws BelfryError `query_syntax` */
export function typecheck(expr: Expr, input: TypecheckInput): ValueType {
  switch (expr.kind) {
    case 'aggregation':
      checkAggregation(expr, input);
      break;
    case 'binary':
      checkBinary(expr, input);
      break;
    case 'call':
      checkCall(expr, input);
      break;
    case 'paren':
      typecheck(expr.expr, input);
      break;
    case 'unary': {
      const type = typecheck(expr.expr, input);
      if (type === 'scalar' || type === 'vector') break;
      const got = quote(documentedType(type));
      fail(
        input,
        expr.span,
        `unary expression only allowed on expressions of type scalar or instant vector, got ${got}`,
      );
      break;
    }
    case 'subquery': {
      const type = typecheck(expr.expr, input);
      if (type !== 'vector') fail(input, expr.span, `subquery is only allowed on instant vector, got ${type} instead`);
      break;
    }
    case 'range':
      checkSelector(expr.selector, input, false);
      break;
    case 'selector':
      checkSelector(expr, input, false);
      break;
  }
  return valueTypeOf(expr);
}

function fail(input: TypecheckInput, span: Span, message: string): never {
  throw syntaxError(input.text, message, span.start, span.end);
}

function expectType(expr: Expr, want: ValueType, context: string, input: TypecheckInput): void {
  const type = typecheck(expr, input);
  if (type === want) return;
  fail(input, expr.span, `expected type ${documentedType(want)} in ${context}, got ${documentedType(type)}`);
}

function checkAggregation(node: Aggregation, input: TypecheckInput): void {
  expectType(node.expr, 'vector', 'aggregation expression', input);
  if (!node.param) return;
  expectType(node.param, AGGREGATIONS.get(node.op)!.param!, 'aggregation parameter', input);
}

function checkBinary(node: Binary, input: TypecheckInput): void {
  const left = typecheck(node.left, input);
  const right = typecheck(node.right, input);
  const written = input.matchingAsWritten.get(node);
  const isSet = SETS.has(node.op);
  if (node.bool && !COMPARISONS.has(node.op)) {
    fail(input, operatorSpan(node, input.text), 'bool modifier can only be used on comparison operators');
  }
  if (COMPARISONS.has(node.op) && !node.bool && left === 'scalar' && right === 'scalar') {
    fail(input, operatorSpan(node, input.text), 'comparisons between scalars must use BOOL modifier');
  }
  const twice = written?.on ? written.labels.find((label) => written.include.includes(label)) : undefined;
  if (twice !== undefined) {
    const message = `label ${quote(twice)} must not occur in ON and GROUP clause at once`;
    fail(input, operatorSpan(node, input.text), message);
  }
  for (const [type, side] of [[left, node.left] as const, [right, node.right] as const]) {
    if (type === 'scalar' || type === 'vector') continue;
    fail(input, side.span, 'binary expression must contain only scalar and instant vector types');
  }
  const bothVectors = left === 'vector' && right === 'vector';
  if (written) checkMatching(node, written, bothVectors, isSet, input);
  if (isSet && !bothVectors)
    fail(input, node.span, `set operator "${node.op}" not allowed in binary scalar expression`);
}

function checkMatching(
  node: Binary,
  written: VectorMatching,
  bothVectors: boolean,
  isSet: boolean,
  input: TypecheckInput,
): void {
  const fills = written.fillLeft !== undefined || written.fillRight !== undefined;
  if (!bothVectors) {
    if (written.labels.length > 0) fail(input, node.span, 'vector matching only allowed between instant vectors');
    if (fills) fail(input, node.span, 'filling in missing series only allowed between instant vectors');
  } else if (isSet) {
    if (written.cardinality !== 'one-to-one') fail(input, node.span, `no grouping allowed for "${node.op}" operation`);
    if (fills) fail(input, node.span, 'filling in missing series not allowed for set operators');
  }
}

function operatorSpan(node: Binary, text: string): Span {
  let start = node.left.span.end;
  while (/\s/.test(text[start] ?? '')) start++;
  let end = node.right.span.start - 1;
  while (end > start && /\s/.test(text[end] ?? '')) end--;
  return { start, end };
}

function checkCall(node: Call, input: TypecheckInput): void {
  const signature = FUNCTIONS.get(node.func)!;
  checkArity(node, signature, input);
  const ignoresMatchers = node.func === 'info' && node.args.length > 1;
  if (ignoresMatchers) checkInfoSelector(node, input);
  node.args.forEach((arg, i) => {
    const want = signature.args[Math.min(i, signature.args.length - 1)]!;
    if (i === 1 && ignoresMatchers && arg.kind === 'selector') checkSelector(arg, input, true);
    else expectType(arg, want, `call to function "${node.func}"`, input);
  });
}

function checkArity(node: Call, signature: FunctionSignature, input: TypecheckInput): void {
  const { variadic } = signature;
  const listed = signature.args.length;
  const got = node.args.length;
  const least = variadic === 0 ? listed : listed - 1;
  const most = variadic < 0 ? Number.POSITIVE_INFINITY : least + variadic;
  if (got >= least && got <= most) return;
  const how = variadic === 0 ? '' : got < least ? 'at least ' : 'at most ';
  const bound = got < least ? least : most;
  fail(input, node.span, `expected ${how}${bound} argument(s) in call to "${node.func}", got ${got}`);
}

/** The second argument of `info` is a selector by shape, but a list of conditions on labels by meaning. */
function checkInfoSelector(node: Call, input: TypecheckInput): void {
  const selector = node.args[1]!;
  const type = valueTypeOf(selector);
  if (type !== 'vector') {
    fail(input, node.span, `expected type instant vector in call to function "info", got ${documentedType(type)}`);
  }
  if (selector.kind !== 'selector') fail(input, selector.span, 'expected label selectors only');
  if (selector.name !== undefined) {
    fail(input, selector.span, 'expected label selectors only, got vector selector instead');
  }
}

function checkSelector(node: VectorSelector, input: TypecheckInput, mayBeEmpty: boolean): void {
  if (node.name !== undefined) {
    const other = node.matchers.slice(0, -1).find((matcher) => matcher.name === METRIC_NAME);
    if (!other) return;
    const names = `${quote(node.name)} or ${quote(other.value)}`;
    fail(input, node.span, `metric name must not be set twice: ${names}`);
  }
  if (mayBeEmpty || node.matchers.some((matcher) => !compileMatcher(matcher).matchesEmpty)) return;
  fail(input, node.span, 'vector selector must contain at least one non-empty matcher');
}
