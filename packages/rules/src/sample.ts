import type { FloatHistogram, Labels } from '@belfry/model';

/** One element of an instant vector. */
export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
  /** When present, `value` has no meaning. */
  readonly histogram?: FloatHistogram;
}

/**
 * Evaluates an instant query. A scalar comes as one element without labels; a result that is neither vector nor scalar
 * is an error. Rejects with BelfryError.
 */
export type RuleQuery = (
  expr: string,
  timeMs: number,
  signal: AbortSignal | undefined,
) => Promise<readonly VectorSample[]>;
