import { BelfryError, parseDuration } from '@belfry/model';
import type { Duration, Expr } from '@belfry/promql';
import { walk } from '@belfry/promql';
import type { Expression } from './expression.ts';

/** Milliseconds of a duration's text; nothing when it is none. */
export function durationMsOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof BelfryError) return undefined;
    throw error;
  }
}

export function literalMs(duration: Duration): number | undefined {
  return duration.kind === 'duration' ? duration.ms : undefined;
}

export interface Window {
  readonly ms: number;
  readonly span: { readonly start: number; readonly end: number };
  /** The innermost call around it. */
  readonly func: string | undefined;
}

/** The ranges that an expression writes itself, not those that a dashboard fills in. */
export function windowsOf(expression: Expression): readonly Window[] {
  const out: Window[] = [];
  if (!expression.ast) return out;
  walk(expression.ast, (node, around) => {
    if (node.kind !== 'range') return;
    const ms = literalMs(node.range);
    if (ms === undefined || expression.intervals.has(node.range.span.start)) return;
    const parent = around.at(-1);
    out.push({ ms, span: node.range.span, func: parent?.kind === 'call' ? parent.func : undefined });
  });
  return out;
}

/** Removes parentheses. */
export function bare(expr: Expr): Expr {
  return expr.kind === 'paren' ? bare(expr.expr) : expr;
}
