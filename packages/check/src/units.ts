import { type Binary, type Expr, metricNameOf, selectorsOf, type VectorSelector } from '@belfry/promql';
import type { Catalogue } from './catalogue.ts';
import { isScalar } from './infer.ts';
import { kindOfName } from './metric-kind.ts';
import { bare } from './windows.ts';

/** What a value measures: `factor` of `base`, a second or not. A share of 0 to 1 is `ratio`, times 100 has factor 100. */
export interface Unit {
  readonly base: string;
  readonly perSecond: boolean;
  readonly factor: number;
}

const unit = (base: string, perSecond = false, factor = 1): Unit => ({ base, perSecond, factor });

const SUFFIXES: readonly (readonly [RegExp, string])[] = [
  [/_timestamp(?:_seconds)?$|_start_time_seconds$/, 'timestamp'],
  [/_seconds$/, 'seconds'],
  [/_(?:milliseconds|ms)$/, 'milliseconds'],
  [/_bytes$/, 'bytes'],
  [/_ratio$/, 'ratio'],
  [/_(?:percent|percentage)$/, 'percent'],
  [/_celsius$/, 'celsius'],
];

/** By the end of a metric's name, as the field's conventions have it. */
export function unitByName(name: string): string | undefined {
  const base = name.replace(/_(?:total|sum)$/, '');
  return SUFFIXES.find(([pattern]) => pattern.test(base))?.[1];
}

function unitOfSelector(selector: VectorSelector, catalogue: Catalogue): Unit | undefined {
  const name = metricNameOf(selector);
  if (name === undefined) return undefined;
  const found = catalogue.find(name);
  if (/_(?:bucket|count)$/.test(name) && found?.part !== 'value') return unit('count');
  const known = found?.metric.unit ?? unitByName(name);
  if (known) return unit(known);
  return kindOfName(catalogue, name).type === 'counter' ? unit('count') : undefined;
}

const KEEPS =
  /^(?:abs|ceil|floor|round|clamp|clamp_min|clamp_max|sort|sort_desc|label_replace|label_join|increase|delta|idelta|(?:avg|min|max|last|sum|quantile|first)_over_time|scalar|vector)$/;

/** The unit of an expression, as far as it can be told. */
export function unitOf(expr: Expr, catalogue: Catalogue): Unit | undefined {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return undefined;
    case 'paren':
    case 'unary':
    case 'subquery':
      return unitOf(expr.expr, catalogue);
    case 'selector':
      return unitOfSelector(expr, catalogue);
    case 'range':
      return unitOfSelector(expr.selector, catalogue);
    case 'aggregation':
      return /^(?:count|group|count_values)$/.test(expr.op) ? unit('count') : unitOf(expr.expr, catalogue);
    case 'call':
      return unitOfCall(expr, catalogue);
    case 'binary':
      return unitOfBinary(expr, catalogue);
  }
}

function unitOfCall(expr: Extract<Expr, { kind: 'call' }>, catalogue: Catalogue): Unit | undefined {
  if (expr.func === 'time') return unit('timestamp');
  if (expr.func === 'histogram_quantile') {
    const name = selectorsOf(expr)
      .map(metricNameOf)[0]
      ?.replace(/_bucket$/, '');
    const known = name && (catalogue.find(name)?.metric.unit ?? unitByName(name));
    return known ? unit(known) : undefined;
  }
  const arg = expr.args.find((a) => a.kind !== 'number' && a.kind !== 'string');
  if (!arg) return undefined;
  if (/^(?:rate|irate|deriv)$/.test(expr.func)) {
    const of = unitOf(arg, catalogue);
    return of && { ...of, perSecond: true };
  }
  if (/^(?:count_over_time|changes|resets)$/.test(expr.func)) return unit('count');
  return KEEPS.test(expr.func) ? unitOf(arg, catalogue) : undefined;
}

function unitOfBinary(expr: Binary, catalogue: Catalogue): Unit | undefined {
  if (expr.bool) return unit('bool');
  const left = unitOf(expr.left, catalogue);
  const right = unitOf(expr.right, catalogue);
  const a = numberIn(expr.left);
  const b = numberIn(expr.right);
  switch (expr.op) {
    case '*':
      if (b !== undefined) return left && { ...left, factor: left.factor * b };
      return a === undefined ? undefined : right && { ...right, factor: right.factor * a };
    case '/':
      if (b !== undefined) return left && { ...left, factor: left.factor / b };
      return a === undefined ? quotient(left, right) : undefined;
    case '+':
    case '-':
      if (left?.base === 'timestamp' && right?.base === 'timestamp') return unit('seconds');
      if (isScalar(expr.left)) return right;
      return isScalar(expr.right) || same(left, right) ? left : undefined;
    case '%':
    case '^':
    case 'atan2':
      return undefined;
    default:
      return isScalar(expr.left) ? right : left;
  }
}

function same(a: Unit | undefined, b: Unit | undefined): boolean {
  return (
    a !== undefined && b !== undefined && a.base === b.base && a.perSecond === b.perSecond && a.factor === b.factor
  );
}

function quotient(a: Unit | undefined, b: Unit | undefined): Unit | undefined {
  if (!a || !b) return undefined;
  if (a.base === b.base && a.perSecond === b.perSecond) return unit('ratio', false, a.factor / b.factor);
  // Seconds a second by events a second: seconds an event.
  if (a.perSecond === b.perSecond && b.base === 'count')
    return { base: a.base, perSecond: false, factor: a.factor / b.factor };
  return undefined;
}

/** The value of an expression that is a number, also in parentheses or as a product of numbers. */
export function numberIn(expr: Expr): number | undefined {
  const inner = bare(expr);
  if (inner.kind === 'number') return inner.value;
  if (inner.kind === 'unary') {
    const value = numberIn(inner.expr);
    return value === undefined ? undefined : inner.op === '-' ? -value : value;
  }
  if (inner.kind !== 'binary') return undefined;
  const a = numberIn(inner.left);
  const b = numberIn(inner.right);
  if (a === undefined || b === undefined) return undefined;
  return { '*': a * b, '/': a / b, '+': a + b, '-': a - b }[inner.op as '*'];
}
