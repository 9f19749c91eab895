/** Why an alert fires: the parts of its expression, and what each gave for it. */
import { type Labels, labelValue, METRIC_NAME, messageOf } from '@belfry/model';
import { type Expr, formatExpr, valueTypeOf } from '@belfry/promql';
import type { RuleQuery } from './sample.ts';

export interface EvidenceSample {
  readonly labels: Labels;
  readonly value: number;
}

/** One part of an expression. */
export interface Evidence {
  readonly query: string;
  /** Elements whose labels do not contradict those of the alert. */
  readonly samples: readonly EvidenceSample[];
  /** How many more there were than are told. */
  readonly more: number;
  /** The part could not be evaluated. */
  readonly error?: string;
}

/** Parts of one expression, and elements of one part, that are told at most. */
const MAX_PARTS = 12;
const MAX_SAMPLES = 10;

/** What one part of an expression gave, for all alerts of its rule. */
export interface PartResult {
  readonly query: string;
  readonly samples: readonly EvidenceSample[];
  readonly error?: string;
}

/**
 * Evaluates the whole and the sides of its operators, down to the selectors, calls and aggregations that the comparison
 * stands on, at the time of the evaluation. Never rejects for a part that fails.
 */
export async function evaluateParts(
  expr: Expr,
  timeMs: number,
  query: RuleQuery,
  signal?: AbortSignal,
): Promise<readonly PartResult[]> {
  const results: PartResult[] = [];
  for (const part of partsOf(expr)) {
    const text = formatExpr(part);
    try {
      results.push({ query: text, samples: await query(text, timeMs, signal) });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      results.push({ query: text, samples: [], error: messageOf(error) });
    }
  }
  return results;
}

/** Of what the parts gave, that which belongs to one alert. */
export function evidenceFor(parts: readonly PartResult[], alert: Labels): readonly Evidence[] {
  return parts.map(({ query, samples, error }) => {
    const related = samples.filter(({ labels }) => agrees(labels, alert));
    const shown = related.slice(0, MAX_SAMPLES).map(({ labels, value }) => ({ labels, value }));
    return { query, samples: shown, more: related.length - shown.length, ...(error === undefined ? {} : { error }) };
  });
}

/** From the whole to its parts, each text once, without literals. */
function partsOf(expr: Expr): Expr[] {
  const parts = new Map<string, Expr>();
  const open: Expr[] = [expr];
  while (open.length > 0 && parts.size < MAX_PARTS) {
    const next = open.shift()!;
    if (next.kind === 'paren' || next.kind === 'unary') {
      open.push(next.expr);
      continue;
    }
    const type = valueTypeOf(next);
    if (next.kind === 'number' || (type !== 'vector' && type !== 'scalar')) continue;
    const text = formatExpr(next);
    if (!parts.has(text)) parts.set(text, next);
    if (next.kind === 'binary') open.push(next.left, next.right);
  }
  return [...parts.values()];
}

function agrees(labels: Labels, alert: Labels): boolean {
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === METRIC_NAME) continue;
    const own = labelValue(alert, labels[i]!);
    if (own !== '' && own !== labels[i + 1]) return false;
  }
  return true;
}
