import { BelfryError, EMPTY_LABELS } from '@belfry/model';
import { type Engine, HISTOGRAM, type Queryable } from '@belfry/promql';
import type { RuleQuery, VectorSample } from '@belfry/rules';

/** Instant queries for rules: the vector as elements, a scalar as one without labels. */
export function ruleQuery(engine: Engine, queryable: Queryable): RuleQuery {
  return async (query, timeMs, signal) => {
    const { value } = await engine.instant({ query, timeMs, queryable, ...(signal ? { signal } : {}) });
    if (value.type === 'scalar') return [{ labels: EMPTY_LABELS, value: value.values[0]! }];
    if (value.type !== 'vector') throw new BelfryError('query_execution', 'rule result is not a vector or scalar');
    const { labels, values, present, histograms } = value.columns;
    return labels.map((set, i): VectorSample => {
      const histogram = present[i] === HISTOGRAM ? histograms?.get(i) : undefined;
      return { labels: set, value: values[i]!, ...(histogram ? { histogram } : {}) };
    });
  };
}
