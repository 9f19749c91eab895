import { BelfryError } from '@belfry/model';
import type { Duration, Span } from './ast.ts';

/** What a duration may depend on. */
export interface DurationContext {
  /** Resolution of the query, what `step()` stands for; 0 for an instant query. Milliseconds. */
  readonly stepMs: number;
  /** From the query's start to its end, what `range()` stands for; 0 for an instant query. Milliseconds. */
  readonly rangeMs: number;
  /** Offsets may be negative or zero, ranges and steps of subqueries may not. */
  readonly allowNegative?: boolean;
}

/** Beyond this many seconds nanoseconds do not fit into 64 bits. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/**
 * The length of a duration in whole milliseconds, with its arithmetic done (in seconds, as Prometheus does).
 * @throws BelfryError `query_syntax`, with Prometheus' message: division by zero, not greater than 0, out of range
 */
export function durationMs(duration: Duration, context: DurationContext): number {
  if (duration.kind === 'duration') return duration.ms;
  const seconds = evaluate(duration, context);
  if (!(seconds > 0) && !context.allowNegative) fail(duration.span, 'duration must be greater than 0');
  if (!(Math.abs(seconds) < MAX_SECONDS)) fail(duration.span, 'duration is out of range');
  const ms = Math.round(Math.abs(seconds) * 1000);
  return seconds < 0 ? 0 - ms : ms;
}

function fail(span: Span, message: string): never {
  throw new BelfryError('query_syntax', `${span.start}:${span.end}: ${message}`);
}

function evaluate(duration: Duration, context: DurationContext): number {
  switch (duration.kind) {
    case 'duration':
      return duration.ms / 1000;
    case 'duration-step':
      return context.stepMs / 1000;
    case 'duration-range':
      return context.rangeMs / 1000;
    case 'duration-paren':
      return evaluate(duration.inner, context);
    case 'duration-unary':
      return -evaluate(duration.operand, context);
    case 'duration-binary': {
      const left = evaluate(duration.left, context);
      const right = evaluate(duration.right, context);
      if (right === 0 && duration.op === '/') fail(duration.span, 'division by zero');
      if (right === 0 && duration.op === '%') fail(duration.span, 'modulo by zero');
      return calculate(duration.op, left, right);
    }
  }
}

function calculate(op: '+' | '-' | '*' | '/' | '%' | '^' | 'min' | 'max', left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return left ** right;
    case 'min':
      return Math.min(left, right);
    case 'max':
      return Math.max(left, right);
  }
}
