/**
 * The script language in which Prometheus tests PromQL (`promql/promqltest/README.md` there): `load` series, `eval`
 * expressions, compare. Instant queries are, as there, evaluated once more with every selector pinned by `@` at other
 * times, and as one step of a range query.
 */
import {
  BelfryError,
  type Clock,
  compareLabels,
  type FloatHistogram,
  formatFloat,
  formatLabels,
  type Labels,
  labelsKey,
  parseDuration,
  systemClock,
} from '@belfry/model';
import type { Expr, VectorSelector } from './ast.ts';
import { createEngine, type Engine, type QueryResult, resultSeries } from './engine.ts';
import {
  boundsMatch,
  compact,
  copyHistogram,
  customBounds,
  spansMatch,
  usesCustomBuckets,
} from './histogram-buckets.ts';
import { formatHistogramNotation } from './histogram-format.ts';
import { almostEqual } from './histogram-quantile.ts';
import { queryable } from './leaf.ts';
import { unquote } from './lexer.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';
import { parseExpr } from './parser.ts';
import { appendLoaded, parseLoad, ScriptError } from './promqltest-load.ts';
import { parseSeriesNotation, type SequenceValue } from './series-notation.ts';
import type { Queryable } from './storage.ts';
import { valueTypeOf } from './value-type.ts';
import { walk } from './walk.ts';

export interface PromqlTestOptions {
  /** Features on top of those that Prometheus' own test engine has. */
  readonly features?: Iterable<string>;
  readonly clock?: Clock;
  /** Only the evaluation as written, not the pinned ones and the range. */
  readonly plain?: boolean;
}

export interface PromqlTestResult {
  /** `eval` commands met. */
  readonly evals: number;
  /** 1-based lines. At most one failure an `eval`; an error in the script itself ends it. */
  readonly failures: readonly { readonly line: number; readonly message: string }[];
}

/** What Prometheus' test engine has switched on. */
const TEST_FEATURES = [
  'promql-experimental-functions',
  'promql-duration-expr',
  'promql-extended-range-selectors',
  'promql-binop-fill-modifiers',
  'promql-delayed-name-removal',
  'use-start-timestamps',
];
const EPSILON = 1e-6;
const MINUTE_MS = 60_000;

type ExpectKind = 'fail' | 'ordered' | 'warn' | 'no_warn' | 'info' | 'no_info';

interface Expectation {
  readonly kind: ExpectKind;
  readonly matches: (text: string) => boolean;
  readonly source: string;
}

interface Expected {
  readonly position: number;
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

interface Eval {
  readonly expr: string;
  readonly line: number;
  readonly isRange: boolean;
  /** Of the evaluation. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** Of the points that are compared; differs for range vectors. */
  expectStartMs: number;
  expectEndMs: number;
  expectStepMs: number;
  onlyInstant: boolean;
  expectedString: string | undefined;
  scalar: SequenceValue | undefined;
  readonly series: Map<string, Expected>;
  readonly expectations: Expectation[];
}

interface Runner {
  readonly engine: Engine;
  readonly store: MemoryStore;
  readonly queryable: Queryable;
  readonly plain: boolean;
}

/** Runs a script. Never rejects for what the script says. */
export async function runPromqlTest(text: string, options: PromqlTestOptions = {}): Promise<PromqlTestResult> {
  const clock = options.clock ?? systemClock;
  const features = new Set([...TEST_FEATURES, ...(options.features ?? [])]);
  const store = createMemoryStore();
  const engine = createEngine({ clock, features });
  const runner: Runner = { engine, store, queryable: queryable(store, { clock }), plain: options.plain ?? false };
  const lines = text.split('\n').map((line) => {
    const trimmed = line.trim();
    return trimmed.startsWith('#') ? '' : trimmed;
  });
  const failures: { line: number; message: string }[] = [];
  let evals = 0;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const command = line.split(/[ \t]+/, 1)[0]!.toLowerCase();
    try {
      if (line === '') at++;
      else if (command === 'clear') {
        store.clear();
        at++;
      } else if (command.startsWith('load')) {
        const { series, next } = parseLoad(lines, at);
        appendLoaded(store, series, at);
        at = next;
      } else if (command.startsWith('eval')) {
        evals++;
        const { parsed, next } = parseEval(lines, at);
        at = next;
        const message = await runEval(runner, parsed);
        if (message) failures.push({ line: parsed.line, message });
      } else throw new ScriptError(at, `invalid command ${JSON.stringify(line)}`);
    } catch (error) {
      const where = error instanceof ScriptError ? error.line : at;
      failures.push({ line: where + 1, message: error instanceof Error ? error.message : String(error) });
      if (!command.startsWith('eval')) break;
      while (at < lines.length && lines[at] !== '') at++;
    }
  }
  return { evals, failures };
}

// --- Reading an eval ------------------------------------------------------------------------------------------------

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const EXPECT_RANGE = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;
const ANY: (text: string) => boolean = () => true;

function parseEval(lines: readonly string[], at: number): { parsed: Eval; next: number } {
  const line = lines[at]!;
  const instant = INSTANT.exec(line);
  const range = RANGE.exec(line);
  if (!instant && !range) throw new ScriptError(at, `invalid evaluation command ${JSON.stringify(line)}`);
  const startMs = parseDuration(instant ? (instant[2] ?? '0') : range![2]!);
  const endMs = instant ? startMs : parseDuration(range![3]!);
  const stepMs = instant ? 0 : parseDuration(range![4]!);
  if (endMs < startMs) throw new ScriptError(at, 'invalid test definition, end timestamp is before start timestamp');
  const parsed: Eval = {
    expr: instant ? instant[3]! : range![5]!,
    line: at + 1,
    isRange: !instant,
    startMs,
    endMs,
    stepMs,
    expectStartMs: startMs,
    expectEndMs: endMs,
    expectStepMs: stepMs,
    onlyInstant: false,
    expectedString: undefined,
    scalar: undefined,
    series: new Map(),
    expectations: [],
  };
  const old = (instant ?? range)![1] as ExpectKind | undefined;
  if (old) parsed.expectations.push({ kind: old, matches: ANY, source: '' });
  let next = at + 1;
  for (; next < lines.length && lines[next] !== ''; next++) if (!parseExpected(parsed, lines[next]!, next)) break;
  while (next < lines.length && lines[next] !== '' && !/^(clear|load|eval)/.test(lines[next]!)) next++;
  return { parsed, next };
}

/** Whether more lines may follow. */
function parseExpected(parsed: Eval, line: string, at: number): boolean {
  const failing = parsed.expectations.find((e) => e.kind === 'fail');
  const old = /^expected_fail_(message|regexp)\s+(.*)$/.exec(line);
  if (failing && old) {
    parsed.expectations.splice(parsed.expectations.indexOf(failing), 1, {
      kind: 'fail',
      ...matcherOf(old[1] === 'regexp' ? 'regex' : 'msg', old[2]!),
    });
    return false;
  }
  if (line.startsWith('expect range vector')) {
    const match = EXPECT_RANGE.exec(line);
    if (!match) throw new ScriptError(at, `invalid range vector definition ${JSON.stringify(line)}`);
    parsed.expectStartMs = parseDuration(match[1]!);
    parsed.expectEndMs = parseDuration(match[2]!);
    parsed.expectStepMs = parseDuration(match[3]!);
    parsed.onlyInstant = true;
    return true;
  }
  if (line.startsWith('expect string')) {
    parsed.expectedString = goString(line.slice('expect string'.length).trim(), at);
    parsed.onlyInstant = true;
    return true;
  }
  if (line.split(' ')[0] === 'expect') {
    const match = EXPECT.exec(line);
    if (!match) {
      throw new ScriptError(at, 'invalid expect statement, must match `expect <type> <match_type>: <string>` format');
    }
    const matcher = match[2] ? matcherOf(match[2] as 'regex' | 'msg', match[3]!) : { matches: ANY, source: '' };
    parsed.expectations.push({ kind: match[1] as ExpectKind, ...matcher });
    return true;
  }
  const number = parseNumberLine(line);
  if (number !== undefined) {
    parsed.scalar = { omitted: false, value: number };
    return false;
  }
  const { labels, values } = parseSeriesNotation(line);
  if (values.length > 1 && !parsed.isRange && !parsed.onlyInstant) {
    throw new ScriptError(at, 'expecting multiple values in instant evaluation not allowed');
  }
  parsed.series.set(labelsKey(labels), { position: parsed.series.size + 1, labels, values });
  return true;
}

function matcherOf(kind: 'regex' | 'msg', text: string) {
  const source = text.trim();
  if (kind === 'msg') return { matches: (t: string) => t === source, source };
  const regex = new RegExp(source.replace(/^\(\?s\)/, ''), 's');
  return { matches: (t: string) => regex.test(t), source };
}

function goString(text: string, at: number): string {
  try {
    return unquote(text) as string;
  } catch {
    throw new ScriptError(at, 'expected string literal not valid - check that the string is correctly quoted');
  }
}

function parseNumberLine(line: string): number | undefined {
  if (/^[+-]?(inf(inity)?|nan)$/i.test(line)) {
    if (/nan/i.test(line)) return NaN;
    return line.startsWith('-') ? -Infinity : Infinity;
  }
  if (!/^[+-]?(0x[0-9a-f_]+|[\d_]+\.?[\d_]*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?)$/i.test(line)) return undefined;
  const negative = line.startsWith('-');
  const value = Number(line.replace(/^[+-]/, '').replaceAll('_', ''));
  return negative ? -value : value;
}

// --- Running an eval ------------------------------------------------------------------------------------------------

async function runEval(runner: Runner, test: Eval): Promise<string | undefined> {
  const { engine } = runner;
  let expr: Expr;
  try {
    expr = parseExpr(test.expr, { features: engine.features });
  } catch (error) {
    return failure(test, error);
  }
  if (test.isRange) return rangeOutcome(runner, test, expr);
  const first = await instantOutcome(runner, test, expr, test.startMs);
  if (first !== undefined || runner.plain) return first;
  for (const timeMs of otherTimes(expr, test.expectEndMs)) {
    const pinned = pinSelectors(expr, test.expectEndMs);
    const message = await instantOutcome(runner, test, pinned, timeMs);
    if (message !== undefined)
      return `with every selector @ ${test.expectEndMs / 1000}, at ${timeMs / 1000}: ${message}`;
  }
  return undefined;
}

async function rangeOutcome(runner: Runner, test: Eval, expr: Expr): Promise<string | undefined> {
  const { startMs, endMs, stepMs } = test;
  let result: QueryResult;
  try {
    result = await runner.engine.range({
      query: expr,
      text: test.expr,
      startMs,
      endMs,
      stepMs,
      queryable: runner.queryable,
    });
  } catch (error) {
    return failure(test, error);
  }
  return unexpectedSuccess(test) ?? wrongAnnotations(test, result) ?? wrongSeries(test, result);
}

async function instantOutcome(runner: Runner, test: Eval, expr: Expr, timeMs: number): Promise<string | undefined> {
  let result: QueryResult;
  try {
    result = await runner.engine.instant({ query: expr, text: test.expr, timeMs, queryable: runner.queryable });
  } catch (error) {
    return failure(test, error);
  }
  const wrong = unexpectedSuccess(test) ?? wrongAnnotations(test, result) ?? wrongSeries(test, result);
  if (wrong !== undefined || runner.plain || test.onlyInstant || result.value.type === 'string') return wrong;
  if (/(start|end|range|step)\(\)/.test(test.expr)) return undefined;
  const message = await middleOutcome(runner, test, expr, timeMs);
  return message === undefined ? undefined : `in range mode: ${message}`;
}

/** The instant query as the middle one of three steps. */
async function middleOutcome(runner: Runner, test: Eval, expr: Expr, timeMs: number): Promise<string | undefined> {
  let result: QueryResult;
  try {
    result = await runner.engine.range({
      query: expr,
      text: test.expr,
      startMs: timeMs - MINUTE_MS,
      endMs: timeMs + MINUTE_MS,
      stepMs: MINUTE_MS,
      queryable: runner.queryable,
    });
  } catch (error) {
    return messageOf(error);
  }
  if (test.expectations.some((e) => e.kind === 'ordered')) return undefined;
  const points: Point[] = [];
  for (const s of resultSeries(result.value)) {
    const i = s.timestamps.indexOf(timeMs);
    if (i >= 0) points.push({ labels: s.labels, value: s.values[i]!, histogram: s.histograms?.[i] });
  }
  return wrongPoints(test, points, valueTypeOf(expr) === 'scalar');
}

function messageOf(error: unknown): string {
  return error instanceof BelfryError
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
}

function failure(test: Eval, error: unknown): string | undefined {
  const expected = test.expectations.find((e) => e.kind === 'fail');
  const message = messageOf(error);
  if (!(error instanceof BelfryError)) return `error evaluating query: ${message}`;
  if (!expected) return `error evaluating query: ${message}`;
  return expected.matches(message)
    ? undefined
    : `expected error ${JSON.stringify(expected.source)}, but got: ${message}`;
}

function unexpectedSuccess(test: Eval): string | undefined {
  return test.expectations.some((e) => e.kind === 'fail') ? 'expected error but got none' : undefined;
}

function wrongAnnotations(test: Eval, result: QueryResult): string | undefined {
  for (const level of ['warn', 'info'] as const) {
    const found = result.annotations.filter((a) => a.level.startsWith(level)).map((a) => a.message);
    const expected = test.expectations.filter((e) => e.kind === level);
    const none = test.expectations.some((e) => e.kind === `no_${level}`);
    if (none && found.length > 0) return `unexpected ${level} annotations: ${found.join('; ')}`;
    if (expected.length === 0) continue;
    if (found.length === 0) return `expected ${level} annotations but none were found`;
    for (const e of expected) {
      if (!found.some(e.matches))
        return `expected ${level} annotation ${JSON.stringify(e.source)}, found: ${found.join('; ')}`;
    }
    const odd = found.find((text) => !expected.some((e) => e.matches(text)));
    if (odd) return `unexpected ${level} annotation ${JSON.stringify(odd)}`;
  }
  return undefined;
}

interface Point {
  readonly labels: Labels;
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

function wrongSeries(test: Eval, result: QueryResult): string | undefined {
  const { value } = result;
  if (value.type === 'string') {
    return value.value === test.expectedString
      ? undefined
      : `expected string "${test.expectedString}" but got "${value.value}"`;
  }
  if (value.type === 'matrix') return wrongMatrix(test, result);
  const points: Point[] = [];
  for (const s of resultSeries(value)) {
    points.push({ labels: s.labels, value: s.values[0]!, histogram: s.histograms?.[0] });
  }
  return wrongPoints(test, points, value.type === 'scalar');
}

function wrongPoints(test: Eval, points: readonly Point[], scalar: boolean): string | undefined {
  if (scalar) {
    if (!test.scalar) return `expected vector or matrix result, but got scalar ${points[0]!.value}`;
    const { value } = points[0]!;
    return almostEqual(test.scalar.value, value, EPSILON)
      ? undefined
      : `expected scalar ${test.scalar.value} but got ${value}`;
  }
  if (test.scalar) return 'expected scalar result, but got vector';
  const ordered = test.expectations.some((e) => e.kind === 'ordered');
  const seen = new Set<string>();
  for (const [i, point] of points.entries()) {
    const key = labelsKey(point.labels);
    const expected = test.series.get(key);
    if (!expected) return `unexpected metric ${formatLabels(point.labels)} in result, has value ${shown(point)}`;
    if (ordered && expected.position !== i + 1) {
      return `expected metric ${formatLabels(point.labels)} at position ${expected.position} but was at ${i + 1}`;
    }
    const wrong = wrongPoint(expected.values[0]!, point);
    if (wrong) return `${formatLabels(point.labels)}: ${wrong}`;
    seen.add(key);
  }
  return missing(test, seen);
}

function missing(test: Eval, seen: ReadonlySet<string>): string | undefined {
  for (const [key, { labels }] of test.series)
    if (!seen.has(key)) return `expected metric ${formatLabels(labels)} not found`;
  return undefined;
}

function shown({ value, histogram }: Point): string {
  return histogram ? formatHistogramNotation(histogram) : formatFloat(value);
}

function wrongPoint(expected: SequenceValue, point: Point): string | undefined {
  const want = expected.histogram ? formatHistogramNotation(expected.histogram) : formatFloat(expected.value);
  const message = `expected ${want} but got ${shown(point)}`;
  if (!expected.histogram !== !point.histogram) return message;
  if (expected.histogram) {
    return sameHistogram(expected.histogram, point.histogram!, expected.hintGiven === true) ? undefined : message;
  }
  return almostEqual(expected.value, point.value, EPSILON) ? undefined : message;
}

function sameHistogram(want: FloatHistogram, got: FloatHistogram, hint: boolean): boolean {
  const a = compact(copyHistogram(want));
  const b = compact(copyHistogram(got));
  const near = (x: number, y: number) => almostEqual(x, y, EPSILON);
  const allNear = (x: readonly number[], y: readonly number[]) =>
    x.length === y.length && x.every((v, i) => near(v, y[i]!));
  if (a.schema !== b.schema || !near(a.count, b.count) || !near(a.sum, b.sum)) return false;
  if (usesCustomBuckets(a) && !boundsMatch(customBounds(a), customBounds(b))) return false;
  if (a.zeroThreshold !== b.zeroThreshold || !near(a.zeroCount, b.zeroCount)) return false;
  if (!spansMatch(a.negativeSpans, b.negativeSpans) || !allNear(a.negativeBuckets, b.negativeBuckets)) return false;
  if (!spansMatch(a.positiveSpans, b.positiveSpans) || !allNear(a.positiveBuckets, b.positiveBuckets)) return false;
  return !hint || a.counterResetHint === b.counterResetHint;
}

function wrongMatrix(test: Eval, result: QueryResult): string | undefined {
  const list = [...resultSeries(result.value)];
  if (test.scalar) return 'expected scalar result, but got matrix';
  for (let i = 1; i < list.length; i++) {
    if (compareLabels(list[i - 1]!.labels, list[i]!.labels) > 0) return 'matrix result is not sorted by labels';
  }
  const seen = new Set<string>();
  for (const s of list) {
    const key = labelsKey(s.labels);
    const expected = test.series.get(key);
    const text = () =>
      Array.from(
        s.timestamps,
        (t, i) => `${shown({ labels: s.labels, value: s.values[i]!, histogram: s.histograms?.[i] })}@${t}`,
      ).join(' ');
    if (!expected) return `unexpected metric ${formatLabels(s.labels)} in result, has ${text()}`;
    seen.add(key);
    const wanted = expected.values
      .map((v, i) => ({ v, t: test.expectStartMs + i * test.expectStepMs }))
      .filter(({ v }) => !v.omitted);
    if (wanted.some(({ t }) => t > test.expectEndMs)) {
      return `expected ${expected.values.length} points for ${formatLabels(s.labels)}, but query time range cannot return this many`;
    }
    if (wanted.length !== s.timestamps.length) {
      return `expected ${wanted.length} points for ${formatLabels(s.labels)}, but got ${text()}`;
    }
    for (const [i, { v, t }] of wanted.entries()) {
      const wrong = wrongPoint(v, { labels: s.labels, value: s.values[i]!, histogram: s.histograms?.[i] });
      if (s.timestamps[i] !== t || wrong) {
        return `${formatLabels(s.labels)} point ${i} (t=${t}): ${wrong ?? `has time ${s.timestamps[i]}`} (result has ${text()})`;
      }
    }
  }
  return missing(test, seen);
}

// --- The same at other times ----------------------------------------------------------------------------------------

const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  ...['days_in_month', 'day_of_month', 'day_of_week', 'day_of_year', 'hour', 'minute', 'month', 'year'],
  ...['end', 'range', 'start', 'step', 'predict_linear', 'time', 'timestamp'],
]);

function otherTimes(expr: Expr, t: number): number[] {
  let dependent = false;
  walk(expr, (node) => {
    if (node.kind === 'call' && TIME_DEPENDENT.has(node.func)) dependent = true;
  });
  if (dependent) return [];
  return t === 0 ? [-1000, 0, 1000] : [-10 * t, 0, Math.trunc(t / 5), t, 10 * t];
}

/** Every selector and subquery that is not pinned yet, outside of subqueries, pinned to `ms`. */
function pinSelectors(expr: Expr, ms: number): Expr {
  const at = { kind: 'timestamp', ms } as const;
  const pinSelector = (s: VectorSelector): VectorSelector => (s.at?.kind === 'timestamp' ? s : { ...s, at });
  switch (expr.kind) {
    case 'selector':
      return pinSelector(expr);
    case 'range':
      return { ...expr, selector: pinSelector(expr.selector) };
    case 'subquery':
      return expr.at?.kind === 'timestamp' ? expr : { ...expr, at };
    case 'paren':
    case 'unary':
      return { ...expr, expr: pinSelectors(expr.expr, ms) };
    case 'binary':
      return { ...expr, left: pinSelectors(expr.left, ms), right: pinSelectors(expr.right, ms) };
    case 'aggregation':
      return {
        ...expr,
        expr: pinSelectors(expr.expr, ms),
        ...(expr.param ? { param: pinSelectors(expr.param, ms) } : {}),
      };
    case 'call':
      // The second argument of `info` is conditions, not a selector.
      return { ...expr, args: expr.args.map((a, i) => (expr.func === 'info' && i === 1 ? a : pinSelectors(a, ms))) };
    default:
      return expr;
  }
}
