/** Recursive descent with precedence climbing. The grammar and the words of its messages are Prometheus' (3.14). */
import {
  BelfryError,
  compileMatcher,
  type Matcher,
  type MatchOperator,
  METRIC_NAME,
  parseDuration,
  quote,
} from '@belfry/model';
import type {
  Aggregation,
  AggregationOperator,
  AtModifier,
  Binary,
  BinaryOperator,
  Duration,
  Expr,
  NumberLiteral,
  Span,
  Subquery,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { AGGREGATIONS, FUNCTIONS } from './functions.ts';
import { isAggregator, isKeyword, isOperator, isPreprocessor, Token, type Tokens, tokenize, unquote } from './lexer.ts';
import { syntaxError } from './parse-error.ts';
import { parseNumber } from './parse-number.ts';
import { typecheck } from './typecheck.ts';
import { valueTypeOf } from './value-type.ts';

/** The features that change what is accepted; the names are those of Prometheus' `--enable-feature`. */
export const PROMQL_FEATURES: ReadonlySet<string> = new Set([
  'promql-experimental-functions',
  'promql-duration-expr',
  'promql-extended-range-selectors',
  'promql-binop-fill-modifiers',
]);

export interface ParseOptions {
  /** Names out of {@link PROMQL_FEATURES}; others are ignored. None by default. */
  readonly features?: ReadonlySet<string>;
}

/**
 * Deepest nesting of parentheses, calls and signs, and longest chain of operators, together: the height of the tree.
 * Whoever walks trees recursively may rely on it.
 */
export const MAX_EXPRESSION_DEPTH = 1000;
/** Deepest nesting alone: parsing needs more of the stack for a level than walking does. */
const MAX_NESTING = 500;

/** Longest text of an expression, in UTF-16 units: far beyond what anybody writes, far below what hurts. */
const MAX_EXPRESSION_LENGTH = 4 * 1024 * 1024;

interface Parser {
  readonly text: string;
  readonly tokens: Tokens;
  readonly features: ReadonlySet<string>;
  readonly matchingAsWritten: Map<Expr, VectorMatching>;
  /** Index of the next token, and its kind. */
  at: number;
  type: number;
  nesting: number;
  /** Height of the expression that was parsed last. */
  height: number;
  /** What «unexpected …» adds, of the innermost construct that has words of its own. */
  context: string;
}

const NO_FEATURES: ReadonlySet<string> = new Set();

/**
 * Parses and type-checks a PromQL expression. All nodes are frozen.
 * @throws BelfryError `query_syntax` with Prometheus' message and the place; see {@link formatParseError}.
 */
export function parseExpr(text: string, options: ParseOptions = {}): Expr {
  const p = newParser(text, options);
  if (p.type === Token.END) throw syntaxError(text, 'no expression found in input', 0, 0);
  const expr = parseBinary(p, 1);
  if (p.type !== Token.END) unexpected(p);
  typecheck(expr, p);
  return expr;
}

/**
 * Parses a series selector, as `match[]` parameters have it: matchers, without offset or range. The selector need not
 * have a non-empty matcher.
 * @throws BelfryError `query_syntax`
 */
export function parseSelector(text: string): readonly Matcher[] {
  const p = newParser(text, {});
  if (!isMetricIdentifier(p.type) && p.type !== Token.LEFT_BRACE) unexpected(p);
  const selector = parseVectorSelector(p);
  if (p.type !== Token.END) unexpected(p);
  return selector.matchers;
}

function newParser(text: string, options: ParseOptions): Parser {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw syntaxError('', `the expression is longer than ${MAX_EXPRESSION_LENGTH} characters`, 0, 0);
  }
  const tokens = tokenize(text);
  return {
    text,
    tokens,
    features: options.features ?? NO_FEATURES,
    matchingAsWritten: new Map(),
    at: 0,
    type: tokens.types[0]!,
    nesting: 0,
    height: 0,
    context: '',
  };
}

// --- Tokens -------------------------------------------------------------------------------------------------------

function advance(p: Parser): void {
  p.at++;
  p.type = p.tokens.types[p.at]!;
}

const startOf = (p: Parser): number => p.tokens.starts[p.at]!;
/** End of the token taken last. */
const endOfLast = (p: Parser): number => p.tokens.ends[p.at - 1]!;
const textOf = (p: Parser): string => p.text.slice(p.tokens.starts[p.at], p.tokens.ends[p.at]);

function accept(p: Parser, type: number): boolean {
  if (p.type !== type) return false;
  advance(p);
  return true;
}

/** For where the compiler believes that the kind of the next token is still the one asked before. */
const nextIs = (p: Parser, type: number): boolean => p.type === type;

function expect(p: Parser, type: number): void {
  if (p.type !== type) unexpected(p);
  advance(p);
}

function failAt(p: Parser, start: number, end: number, message: string): never {
  throw syntaxError(p.text, message, start, end);
}

/** «unexpected <next token> in <context>», or what the lexer found wrong with the next token. */
function unexpected(p: Parser, context = p.context): never {
  const end = p.tokens.ends[p.at]!;
  if (p.type === Token.ERROR) failAt(p, startOf(p), end, p.tokens.message);
  failAt(p, startOf(p), end, `unexpected ${describe(p)}${context}`);
}

const MAX_SHOWN_CHARACTERS = 10;

function describe(p: Parser): string {
  const { type } = p;
  const text = textOf(p);
  if (type === Token.END) return 'end of input';
  if (type === Token.IDENTIFIER) return `identifier ${quote(text)}`;
  if (type === Token.METRIC_IDENTIFIER) return `metric identifier ${quote(text)}`;
  if (isKeyword(type)) return `<${text}>`;
  if (isOperator(type)) return `<op:${text}>`;
  if (isAggregator(type)) return `<aggr:${text}>`;
  const long = Buffer.byteLength(text) > MAX_SHOWN_CHARACTERS;
  const shown = long ? `${quote([...text].slice(0, MAX_SHOWN_CHARACTERS).join(''))}...` : quote(text);
  const noun = type === Token.STRING ? 'string ' : type === Token.NUMBER ? 'number ' : '';
  return `${type === Token.DURATION ? 'duration ' : noun}${shown}`;
}

/** Runs `body` with its own words for «unexpected …». */
function within<T>(p: Parser, context: string, body: (p: Parser) => T): T {
  const outer = p.context;
  p.context = context;
  const result = body(p);
  p.context = outer;
  return result;
}

function tooDeep(p: Parser): never {
  failAt(p, startOf(p), startOf(p), `expression is nested too deeply: more than ${MAX_NESTING} levels`);
}

function raise(p: Parser, height: number): void {
  if (height > MAX_EXPRESSION_DEPTH) {
    failAt(p, startOf(p), startOf(p), `expression has too many levels: more than ${MAX_EXPRESSION_DEPTH}`);
  }
  p.height = height;
}

// --- Binary expressions -------------------------------------------------------------------------------------------

const UNARY_PRECEDENCE = 5;
const POWER_PRECEDENCE = 6;
/** Precedence by token kind; 0 is none. Only `^` associates to the right. */
const PRECEDENCE: readonly number[] = (() => {
  const table = new Array<number>(100).fill(0);
  const set = (level: number, ...types: number[]) => {
    for (const type of types) table[type] = level;
  };
  set(1, Token.OR);
  set(2, Token.AND, Token.UNLESS);
  set(3, Token.EQUAL_TO, Token.NOT_EQUAL, Token.LESS, Token.LESS_OR_EQUAL, Token.GREATER, Token.GREATER_OR_EQUAL);
  set(3, Token.TRIM_UPPER, Token.TRIM_LOWER);
  set(4, Token.ADD, Token.SUB);
  set(UNARY_PRECEDENCE, Token.MUL, Token.DIV, Token.MOD, Token.ATAN2);
  set(POWER_PRECEDENCE, Token.POW);
  return table;
})();

function parseBinary(p: Parser, least: number): Expr {
  if (++p.nesting > MAX_NESTING) tooDeep(p);
  let left = parseUnary(p);
  let height = p.height;
  for (;;) {
    const precedence = PRECEDENCE[p.type]!;
    if (precedence === 0 || precedence < least) break;
    const op = textOf(p).toLowerCase() as BinaryOperator;
    advance(p);
    const bool = accept(p, Token.BOOL);
    const matching = parseMatching(p);
    const right = parseBinary(p, precedence === POWER_PRECEDENCE ? precedence : precedence + 1);
    raise(p, Math.max(height, p.height) + 1);
    height = p.height;
    left = newBinary(p, op, bool, left, right, matching);
  }
  p.height = height;
  p.nesting--;
  return left;
}

const NO_LABELS: readonly string[] = Object.freeze([]);
const PLAIN_MATCHING: VectorMatching = Object.freeze({
  cardinality: 'one-to-one',
  on: false,
  labels: NO_LABELS,
  include: NO_LABELS,
});
const SET_MATCHING: VectorMatching = Object.freeze({ ...PLAIN_MATCHING, cardinality: 'many-to-many' });

function newBinary(
  p: Parser,
  op: BinaryOperator,
  bool: boolean,
  left: Expr,
  right: Expr,
  written: VectorMatching | undefined,
): Binary {
  const span = spanOf(left.span.start, right.span.end);
  const fills = written && (written.fillLeft !== undefined || written.fillRight !== undefined);
  if (fills && !p.features.has('promql-binop-fill-modifiers')) {
    failAt(p, span.start, span.end, 'binop fill modifiers are experimental and not enabled');
  }
  let matching: VectorMatching | undefined;
  if (valueTypeOf(left) === 'vector' && valueTypeOf(right) === 'vector') {
    const isSet = op === 'and' || op === 'or' || op === 'unless';
    if (!written) matching = isSet ? SET_MATCHING : PLAIN_MATCHING;
    else if (isSet && written.cardinality === 'one-to-one') {
      matching = Object.freeze({ ...written, cardinality: 'many-to-many' });
    } else matching = written;
  }
  const node: Binary = Object.freeze({
    kind: 'binary',
    op,
    left,
    right,
    bool,
    ...(matching ? { matching } : {}),
    span,
  });
  if (written) p.matchingAsWritten.set(node, written);
  return node;
}

/** `on (…) group_left (…) fill (…)` between operator and right side; nothing when none of it is written. */
function parseMatching(p: Parser): VectorMatching | undefined {
  const first = p.at;
  let on = false;
  let labels = NO_LABELS;
  let include = NO_LABELS;
  let cardinality: VectorMatching['cardinality'] = 'one-to-one';
  if (p.type === Token.ON || p.type === Token.IGNORING) {
    on = p.type === Token.ON;
    advance(p);
    labels = parseGroupingLabels(p);
    const manyLeft = accept(p, Token.GROUP_LEFT);
    if (manyLeft || accept(p, Token.GROUP_RIGHT)) {
      cardinality = manyLeft ? 'many-to-one' : 'one-to-many';
      if (nextIs(p, Token.LEFT_PAREN)) include = parseGroupingLabels(p);
    }
  }
  const fill = parseFill(p);
  return p.at === first ? undefined : Object.freeze({ cardinality, on, labels, include, ...fill });
}

function parseFill(p: Parser): { fillLeft?: number; fillRight?: number } {
  const first = p.type;
  if (first !== Token.FILL && first !== Token.FILL_LEFT && first !== Token.FILL_RIGHT) return {};
  const value = parseFillValue(p);
  if (first === Token.FILL) return { fillLeft: value, fillRight: value };
  const second = first === Token.FILL_LEFT ? Token.FILL_RIGHT : Token.FILL_LEFT;
  const other = p.type === second ? parseFillValue(p) : undefined;
  const [left, right] = first === Token.FILL_LEFT ? [value, other] : [other, value];
  return { ...(left === undefined ? {} : { fillLeft: left }), ...(right === undefined ? {} : { fillRight: right }) };
}

function parseFillValue(p: Parser): number {
  advance(p);
  expect(p, Token.LEFT_PAREN);
  const negative = p.type === Token.SUB;
  if (p.type === Token.ADD || negative) advance(p);
  if (p.type !== Token.NUMBER && p.type !== Token.DURATION) unexpected(p);
  const { value } = takeNumber(p);
  expect(p, Token.RIGHT_PAREN);
  return negative ? -value : value;
}

// --- Unary and primary expressions --------------------------------------------------------------------------------

function spanOf(start: number, end: number): Span {
  return Object.freeze({ start, end });
}

function parseUnary(p: Parser): Expr {
  if (p.type !== Token.ADD && p.type !== Token.SUB) return parsePostfix(p, parsePrimary(p));
  const start = startOf(p);
  const op = p.type === Token.SUB ? '-' : '+';
  advance(p);
  const expr = parseBinary(p, UNARY_PRECEDENCE + 1);
  const span = spanOf(start, expr.span.end);
  if (expr.kind === 'number') return Object.freeze({ ...expr, value: op === '-' ? -expr.value : expr.value, span });
  raise(p, p.height + 1);
  return Object.freeze({ kind: 'unary', op, expr, span });
}

function parsePrimary(p: Parser): Expr {
  p.height = 1;
  const { type } = p;
  if (type === Token.LEFT_PAREN) return parseParen(p);
  if (type === Token.NUMBER || type === Token.DURATION) return takeNumber(p);
  if (type === Token.STRING) {
    const start = startOf(p);
    const value = unquote(textOf(p));
    advance(p);
    return Object.freeze({ kind: 'string', value, span: spanOf(start, endOfLast(p)) });
  }
  if (type === Token.LEFT_BRACE) return parseVectorSelector(p);
  const next = p.tokens.types[p.at + 1];
  if (isAggregator(type) && (next === Token.LEFT_PAREN || next === Token.BY || next === Token.WITHOUT)) {
    return parseAggregation(p);
  }
  if (next === Token.LEFT_PAREN && (type === Token.IDENTIFIER || isPreprocessor(type))) return parseCall(p);
  if (isMetricIdentifier(type)) return parseVectorSelector(p);
  unexpected(p);
}

function parseParen(p: Parser): Expr {
  const start = startOf(p);
  advance(p);
  const expr = parseBinary(p, 1);
  expect(p, Token.RIGHT_PAREN);
  raise(p, p.height + 1);
  return Object.freeze({ kind: 'paren', expr, span: spanOf(start, endOfLast(p)) });
}

function takeNumber(p: Parser): NumberLiteral {
  const start = startOf(p);
  const end = p.tokens.ends[p.at]!;
  const duration = p.type === Token.DURATION;
  const text = textOf(p);
  const value = duration ? durationSeconds(p, text) : parseNumber(text);
  if (typeof value === 'string') failAt(p, start, end, `error parsing number: ${value}`);
  advance(p);
  return Object.freeze({ kind: 'number', value, duration, span: spanOf(start, end) });
}

function durationSeconds(p: Parser, text: string): number {
  try {
    return parseDuration(text) / 1000;
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    failAt(p, startOf(p), p.tokens.ends[p.at]!, error.message);
  }
}

function parseCall(p: Parser): Expr {
  const start = startOf(p);
  const nameEnd = p.tokens.ends[p.at]!;
  const func = textOf(p);
  advance(p);
  const args = parseArguments(p);
  raise(p, p.height + 1);
  const signature = FUNCTIONS.get(func);
  if (!signature) failAt(p, start, nameEnd, `unknown function with name ${quote(func)}`);
  if (signature.experimental && !p.features.has('promql-experimental-functions')) {
    failAt(p, start, nameEnd, `function "${func}" is not enabled`);
  }
  return Object.freeze({ kind: 'call', func, args, span: spanOf(start, endOfLast(p)) });
}

function parseArguments(p: Parser): readonly Expr[] {
  expect(p, Token.LEFT_PAREN);
  const args: Expr[] = [];
  if (accept(p, Token.RIGHT_PAREN)) return Object.freeze(args);
  let height = 0;
  for (;;) {
    args.push(parseBinary(p, 1));
    height = Math.max(height, p.height);
    if (accept(p, Token.RIGHT_PAREN)) break;
    const comma = startOf(p);
    expect(p, Token.COMMA);
    if (p.type !== Token.ERROR && !startsExpression(p.type)) {
      failAt(p, comma, comma + 1, 'trailing commas not allowed in function call args');
    }
  }
  p.height = height;
  return Object.freeze(args);
}

function startsExpression(type: number): boolean {
  if (type === Token.ADD || type === Token.SUB || type === Token.LEFT_PAREN || type === Token.LEFT_BRACE) return true;
  return (type >= Token.IDENTIFIER && type <= Token.DURATION) || isMetricIdentifier(type);
}

// --- Aggregations -------------------------------------------------------------------------------------------------

function parseAggregation(p: Parser): Expr {
  return within(p, ' in aggregation', parseAggregationBody);
}

function parseAggregationBody(p: Parser): Expr {
  const start = startOf(p);
  const op = textOf(p).toLowerCase() as AggregationOperator;
  advance(p);
  let grouping = parseAggregationModifier(p);
  const args = parseArguments(p);
  raise(p, p.height + 1);
  grouping ??= parseAggregationModifier(p);
  const end = endOfLast(p);
  if (args.length === 0) failAt(p, start, end, 'no arguments for aggregate expression provided');
  const signature = AGGREGATIONS.get(op)!;
  if (signature.experimental && !p.features.has('promql-experimental-functions')) {
    const flag = '--enable-feature=promql-experimental-functions';
    failAt(p, start, end, `${op}() is experimental and must be enabled with ${flag}`);
  }
  const wanted = signature.param ? 2 : 1;
  if (args.length !== wanted) {
    const message = `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`;
    failAt(p, start, end, message);
  }
  return Object.freeze({
    kind: 'aggregation',
    op,
    expr: args[wanted - 1]!,
    ...(wanted === 2 ? { param: args[0]! } : {}),
    grouping: grouping?.labels ?? NO_LABELS,
    without: grouping?.without ?? false,
    span: spanOf(start, end),
  } satisfies Aggregation);
}

function parseAggregationModifier(p: Parser): { labels: readonly string[]; without: boolean } | undefined {
  if (p.type !== Token.BY && p.type !== Token.WITHOUT) return undefined;
  const without = p.type === Token.WITHOUT;
  advance(p);
  return { labels: parseGroupingLabels(p), without };
}

function parseGroupingLabels(p: Parser): readonly string[] {
  if (p.type !== Token.LEFT_PAREN) unexpected(p, ' in grouping opts, expected "("');
  advance(p);
  const labels: string[] = [];
  while (!accept(p, Token.RIGHT_PAREN)) {
    labels.push(parseGroupingLabel(p));
    if (accept(p, Token.RIGHT_PAREN)) break;
    if (!nextIs(p, Token.COMMA)) unexpected(p, ' in grouping opts, expected "," or ")"');
    advance(p);
  }
  return Object.freeze(labels);
}

function parseGroupingLabel(p: Parser): string {
  if (p.type === Token.STRING) {
    const label = unquote(textOf(p));
    if (label === '') failAt(p, startOf(p), p.tokens.ends[p.at]!, 'invalid label name for grouping: ""');
    advance(p);
    return label;
  }
  if (!isLabelWord(p.type)) unexpected(p, ' in grouping opts, expected label');
  const label = textOf(p);
  advance(p);
  return label;
}

// --- Selectors ----------------------------------------------------------------------------------------------------

/** Words that may be the name of a metric: all but those that are only ever modifiers of operators. */
function isMetricIdentifier(type: number): boolean {
  if (type === Token.IDENTIFIER || type === Token.METRIC_IDENTIFIER) return true;
  if (isAggregator(type) || isPreprocessor(type)) return true;
  if (type === Token.AND || type === Token.OR || type === Token.UNLESS) return true;
  return isKeyword(type) && !MODIFIERS_ONLY.has(type);
}
const MODIFIERS_ONLY: ReadonlySet<number> = new Set([
  Token.BOOL,
  Token.ON,
  Token.IGNORING,
  Token.GROUP_LEFT,
  Token.GROUP_RIGHT,
]);

function isLabelWord(type: number): boolean {
  if (type === Token.WITHOUT) return false;
  return isMetricIdentifier(type) || MODIFIERS_ONLY.has(type) || type === Token.ATAN2;
}

function parseVectorSelector(p: Parser): VectorSelector {
  const start = startOf(p);
  const matchers: Matcher[] = [];
  let name: string | undefined;
  if (p.type !== Token.LEFT_BRACE) {
    name = textOf(p);
    advance(p);
  }
  if (p.type === Token.LEFT_BRACE) parseMatchers(p, matchers);
  if (name !== undefined) matchers.push(Object.freeze({ name: METRIC_NAME, op: '=', value: name }));
  return Object.freeze({
    kind: 'selector',
    ...(name === undefined ? {} : { name }),
    matchers: Object.freeze(matchers),
    span: spanOf(start, endOfLast(p)),
  });
}

function parseMatchers(p: Parser, matchers: Matcher[]): void {
  advance(p);
  while (!accept(p, Token.RIGHT_BRACE)) {
    matchers.push(parseMatcher(p));
    if (accept(p, Token.RIGHT_BRACE)) break;
    if (p.type !== Token.COMMA) unexpected(p, ' in label matching, expected "," or "}"');
    advance(p);
  }
}

const MATCH_OPERATORS: ReadonlySet<number> = new Set([Token.EQUAL, Token.NOT_EQUAL, Token.MATCHES, Token.NOT_MATCHES]);

function parseMatcher(p: Parser): Matcher {
  const start = startOf(p);
  const quoted = p.type === Token.STRING;
  if (!quoted && p.type !== Token.IDENTIFIER) unexpected(p, ' in label matching, expected identifier or "}"');
  const name = quoted ? unquote(textOf(p)) : textOf(p);
  advance(p);
  if (!MATCH_OPERATORS.has(p.type)) {
    if (!quoted) unexpected(p, ' in label matching, expected label matching operator');
    return Object.freeze({ name: METRIC_NAME, op: '=', value: name });
  }
  const op = textOf(p) as MatchOperator;
  advance(p);
  if (p.type !== Token.STRING) unexpected(p, ' in label matching, expected string');
  const matcher: Matcher = Object.freeze({ name, op, value: unquote(textOf(p)) });
  advance(p);
  if (op === '=~' || op === '!~') checkRegex(p, matcher, start);
  return matcher;
}

function checkRegex(p: Parser, matcher: Matcher, start: number): void {
  try {
    compileMatcher(matcher);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    // The flag that makes dots match newlines is not the author's.
    failAt(p, start, endOfLast(p), error.message.replace('`(?s)', '`'));
  }
}

// --- Range, subquery, offset, @, anchored, smoothed ---------------------------------------------------------------

const DURATION_WORDS = 'number, duration, step(), or range()';

function parsePostfix(p: Parser, expr: Expr): Expr {
  for (;;) {
    switch (p.type) {
      case Token.LEFT_BRACKET:
        expr = parseBrackets(p, expr);
        break;
      case Token.OFFSET:
        expr = parseOffset(p, expr);
        break;
      case Token.AT:
        expr = parseAt(p, expr);
        break;
      case Token.ANCHORED:
      case Token.SMOOTHED:
        expr = parseExtended(p, expr);
        break;
      default:
        return expr;
    }
  }
}

function parseBrackets(p: Parser, expr: Expr): Expr {
  const open = startOf(p);
  advance(p);
  const inSelector = ` in subquery or range selector, expected ${DURATION_WORDS}`;
  const range = within(p, inSelector, parsePositiveDuration);
  if (accept(p, Token.COLON)) return parseSubquery(p, expr, range);
  if (p.type !== Token.RIGHT_BRACKET) unexpected(p, ' in subquery or range, expected ":" or "]"');
  advance(p);
  const end = endOfLast(p);
  if (expr.kind !== 'selector') failAt(p, open, end, 'ranges only allowed for vector selectors');
  if (expr.offset?.kind === 'duration') failAt(p, open, end, 'no offset modifiers allowed before range');
  if (expr.at?.kind === 'timestamp') failAt(p, open, end, 'no @ modifiers allowed before range');
  raise(p, p.height + 1);
  return Object.freeze({ kind: 'range', selector: expr, range, span: spanOf(expr.span.start, end) });
}

function parseSubquery(p: Parser, expr: Expr, range: Duration): Subquery {
  let step: Duration | undefined;
  if (p.type !== Token.RIGHT_BRACKET) {
    const context = ' in subquery selector, expected number, duration, step(), range(), or "]"';
    step = within(p, context, parsePositiveDuration);
    if (p.type !== Token.RIGHT_BRACKET) unexpected(p, ' in subquery selector, expected "]"');
  }
  advance(p);
  raise(p, p.height + 1);
  const span = spanOf(expr.span.start, endOfLast(p));
  return Object.freeze({ kind: 'subquery', expr, range, ...(step ? { step } : {}), span });
}

interface Modified {
  readonly offset?: Duration;
  readonly at?: AtModifier;
  readonly extended?: 'anchored' | 'smoothed';
}

/** The same selector, range or subquery with a modifier more, reaching to the token taken last. */
function modify(p: Parser, expr: Expr, change: Modified): Expr {
  const span = spanOf(expr.span.start, endOfLast(p));
  if (expr.kind === 'range') {
    return Object.freeze({ ...expr, selector: Object.freeze({ ...expr.selector, ...change }), span });
  }
  return Object.freeze({ ...expr, ...change, span }) as Expr;
}

/** What carries `offset` and `@`: the selector itself, that of a range, or the subquery. */
function carrierOf(expr: Expr): VectorSelector | Subquery | undefined {
  if (expr.kind === 'range') return expr.selector;
  return expr.kind === 'selector' || expr.kind === 'subquery' ? expr : undefined;
}

const CARRIERS = 'must be preceded by an instant vector selector or range vector selector or a subquery';

function parseOffset(p: Parser, expr: Expr): Expr {
  advance(p);
  const offset = within(p, ` in offset, expected ${DURATION_WORDS}`, parseOffsetDuration);
  const carrier = carrierOf(expr);
  if (!carrier) failAt(p, expr.span.start, expr.span.end, `offset modifier ${CARRIERS}`);
  if (carrier.offset) failAt(p, expr.span.start, expr.span.end, 'offset may not be set multiple times');
  // None and an offset of 0 are the same.
  return modify(p, expr, offset.kind === 'duration' && offset.ms === 0 ? {} : { offset });
}

function parseAt(p: Parser, expr: Expr): Expr {
  advance(p);
  const at = within(p, ' in @, expected timestamp', (q) => parseAtModifier(q, expr));
  const carrier = carrierOf(expr);
  if (!carrier) failAt(p, expr.span.start, expr.span.end, `@ modifier ${CARRIERS}`);
  if (carrier.at) failAt(p, expr.span.start, expr.span.end, '@ <timestamp> may not be set multiple times');
  return modify(p, expr, { at });
}

const MAX_TIMESTAMP_SECONDS = 2 ** 63;

function parseAtModifier(p: Parser, expr: Expr): AtModifier {
  if (p.type === Token.START || p.type === Token.ENDING) {
    const kind = p.type === Token.START ? 'start' : 'end';
    advance(p);
    expect(p, Token.LEFT_PAREN);
    expect(p, Token.RIGHT_PAREN);
    return Object.freeze({ kind });
  }
  const negative = p.type === Token.SUB;
  if (p.type === Token.ADD || negative) advance(p);
  if (p.type !== Token.NUMBER && p.type !== Token.DURATION) unexpected(p);
  const { value } = takeNumber(p);
  const seconds = negative ? -value : value;
  if (!(Math.abs(seconds) < MAX_TIMESTAMP_SECONDS)) {
    const shown = Number.isFinite(seconds) ? `${BigInt(seconds)}.000000` : formatSpecial(seconds);
    failAt(p, expr.span.start, expr.span.end, `timestamp out of bounds for @ modifier: ${shown}`);
  }
  return Object.freeze({ kind: 'timestamp', ms: roundHalfAway(seconds * 1000) });
}

const formatSpecial = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf');
/** Rounds halves away from zero; never gives −0. */
const roundHalfAway = (value: number): number => (value < 0 ? -Math.round(-value) : Math.round(value)) + 0;

function parseExtended(p: Parser, expr: Expr): Expr {
  const extended = p.type === Token.ANCHORED ? 'anchored' : 'smoothed';
  advance(p);
  const { start, end } = expr.span;
  if (!p.features.has('promql-extended-range-selectors')) {
    failAt(p, start, end, `${extended} modifier is experimental and not enabled`);
  }
  const carrier = carrierOf(expr);
  if (!carrier) failAt(p, start, end, `${extended} modifier not implemented`);
  if (carrier.kind === 'subquery') failAt(p, start, end, `${extended} modifier is not supported for subqueries`);
  if (carrier.extended && carrier.extended !== extended) {
    failAt(p, start, end, 'anchored and smoothed modifiers cannot be used together');
  }
  return modify(p, expr, { extended });
}

// --- Durations ----------------------------------------------------------------------------------------------------

/** Beyond this many seconds nanoseconds do not fit into 64 bits. */
const MAX_DURATION_SECONDS = 2 ** 63 / 1e9;

/** Of `range` and `step`: what is known now must be greater than 0. */
function parsePositiveDuration(p: Parser): Duration {
  const duration = parseDurationBinary(p, 1);
  const literal = literalOf(duration);
  if (literal && literal.ms <= 0) {
    failAt(p, literal.span.start, literal.span.end, 'duration must be greater than 0');
  }
  return settle(duration);
}

function literalOf(duration: Duration): (Duration & { kind: 'duration' }) | undefined {
  if (duration.kind === 'duration-paren') return literalOf(duration.inner);
  return duration.kind === 'duration' ? duration : undefined;
}

/** A duration that stands alone counts in whole milliseconds. */
function settle(duration: Duration): Duration {
  if (duration.kind !== 'duration' || Number.isInteger(duration.ms)) return duration;
  return Object.freeze({ ...duration, ms: Math.trunc(roundHalfAway(duration.ms * 1e6) / 1e6) + 0 });
}

/** After `offset` a plain duration ends at once: `x offset 5m + 1` adds 1 to x. Arithmetic needs parentheses. */
function parseOffsetDuration(p: Parser): Duration {
  if (p.type !== Token.ADD && p.type !== Token.SUB) return settle(parseDurationPrimary(p));
  const start = startOf(p);
  const negative = p.type === Token.SUB;
  advance(p);
  return settle(signed(p, negative, parseDurationPrimary(p), start));
}

function parseDurationBinary(p: Parser, least: number): Duration {
  if (++p.nesting > MAX_NESTING) tooDeep(p);
  let left = parseDurationUnary(p);
  let height = p.height;
  while (p.type >= Token.ADD && p.type <= Token.POW && PRECEDENCE[p.type]! >= least) {
    const precedence = PRECEDENCE[p.type]!;
    const opStart = startOf(p);
    const op = textOf(p) as '+' | '-' | '*' | '/' | '%' | '^';
    advance(p);
    const right = parseDurationBinary(p, precedence === POWER_PRECEDENCE ? precedence : precedence + 1);
    raise(p, Math.max(height, p.height) + 1);
    height = p.height;
    requireDurationExpressions(p, left.span);
    if ((op === '/' || op === '%') && literalOf(right)?.ms === 0) {
      failAt(p, opStart, opStart + 1, op === '/' ? 'division by zero' : 'modulo by zero');
    }
    left = Object.freeze({ kind: 'duration-binary', op, left, right, span: spanOf(left.span.start, right.span.end) });
  }
  p.nesting--;
  return left;
}

function requireDurationExpressions(p: Parser, span: Span): void {
  if (p.features.has('promql-duration-expr')) return;
  failAt(p, span.start, span.end, 'experimental duration expression is not enabled');
}

function parseDurationUnary(p: Parser): Duration {
  if (p.type !== Token.ADD && p.type !== Token.SUB) return parseDurationPrimary(p);
  const start = startOf(p);
  const negative = p.type === Token.SUB;
  advance(p);
  return signed(p, negative, parseDurationBinary(p, UNARY_PRECEDENCE + 1), start);
}

function signed(p: Parser, negative: boolean, operand: Duration, start: number): Duration {
  const span = spanOf(start, operand.span.end);
  if (operand.kind === 'duration')
    return Object.freeze({ ...operand, ms: negative ? 0 - operand.ms : operand.ms, span });
  if (!negative) return operand;
  raise(p, p.height + 1);
  return Object.freeze({ kind: 'duration-unary', op: '-', operand, span });
}

function parseDurationPrimary(p: Parser): Duration {
  const start = startOf(p);
  switch (p.type) {
    case Token.NUMBER:
    case Token.DURATION:
      return takeDuration(p);
    case Token.STEP:
    case Token.RANGE: {
      const kind = p.type === Token.STEP ? 'duration-step' : 'duration-range';
      advance(p);
      expect(p, Token.LEFT_PAREN);
      expect(p, Token.RIGHT_PAREN);
      const span = spanOf(start, endOfLast(p));
      requireDurationExpressions(p, span);
      p.height = 1;
      return Object.freeze({ kind, span });
    }
    case Token.MIN_OF:
    case Token.MAX_OF:
      return parseDurationChoice(p);
    case Token.LEFT_PAREN: {
      advance(p);
      const inner = parseDurationBinary(p, 1);
      expect(p, Token.RIGHT_PAREN);
      requireDurationExpressions(p, inner.span);
      raise(p, p.height + 1);
      return Object.freeze({ kind: 'duration-paren', inner, span: spanOf(start, endOfLast(p)) });
    }
  }
  unexpected(p);
}

function parseDurationChoice(p: Parser): Duration {
  const start = startOf(p);
  const op = p.type === Token.MIN_OF ? 'min' : 'max';
  advance(p);
  expect(p, Token.LEFT_PAREN);
  const left = parseDurationBinary(p, 1);
  const height = p.height;
  expect(p, Token.COMMA);
  const right = parseDurationBinary(p, 1);
  expect(p, Token.RIGHT_PAREN);
  raise(p, Math.max(height, p.height) + 1);
  const span = spanOf(start, endOfLast(p));
  requireDurationExpressions(p, span);
  return Object.freeze({ kind: 'duration-binary', op, left, right, span });
}

function takeDuration(p: Parser): Duration {
  const { value, duration, span } = takeNumber(p);
  p.height = 1;
  if (!(Math.abs(value) <= MAX_DURATION_SECONDS)) failAt(p, span.start, span.end, 'duration out of range');
  return Object.freeze({ kind: 'duration', ms: Math.round(value * 1e9) / 1e6, bare: !duration, span });
}
