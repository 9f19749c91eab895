import { BelfryError, EMPTY_LABELS } from '@belfry/model';
import type { Engine, Queryable } from '@belfry/promql';
import { HISTOGRAM } from '@belfry/promql';
import type { RuleQuery, VectorSample } from './sample.ts';

/** Lets rules ask an engine over a store in this process. */
export function engineQuery(engine: Engine, queryable: Queryable): RuleQuery {
  return async (query, timeMs, signal) => {
    const { value } = await engine.instant({ query, timeMs, queryable, ...(signal ? { signal } : {}) });
    if (value.type === 'scalar') return [{ labels: EMPTY_LABELS, value: value.values[0]! }];
    if (value.type !== 'vector') throw new BelfryError('query_type', 'rule result is not a vector or scalar');
    const { labels, values, present, histograms } = value.columns;
    return labels.map((own, i): VectorSample => {
      const histogram = present[i] === HISTOGRAM ? histograms?.get(i) : undefined;
      return histogram ? { labels: own, value: 0, histogram } : { labels: own, value: values[i]! };
    });
  };
}
