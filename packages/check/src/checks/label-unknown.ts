import { nearest } from '@belfry/model';
import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';
import { isAbsent, matchesEmpty } from '../infer.ts';

export const labelUnknown = defineCheck({
  name: 'label-unknown',
  finds: 'A matcher on a label that the metric does not have, so that it selects nothing.',
  severity: 'warning',
  why: `A matcher on a label that is not there compares with the empty text. One that asks for a value then selects nothing,
silently. It is an error where a pack declares the labels; elsewhere relabelling may add some that no file shows.`,
  bad: withMetrics(REQUESTS, alertFile('rate(shop_requests_total{status="500"}[5m]) > 1')),
  good: withMetrics(REQUESTS, alertFile('rate(shop_requests_total{code="500"}[5m]) > 1')),
  run: ({ nodes, found, labelsOf }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const known = found(node);
      if (!known?.metric.complete) continue;
      const bare = { ...node, matchers: node.matchers.filter((m) => m.name === '__name__') };
      const labels = labelsOf(bare);
      for (const matcher of node.matchers) {
        if (matcher.name === '__name__' || !isAbsent(labels, matcher.name) || matchesEmpty(matcher)) continue;
        const own = [...known.metric.labels.keys()];
        const near = nearest(matcher.name, own);
        report({
          at: placeOfSpan(expression, node.span),
          severity: known.metric.authority === 'pack' ? 'error' : 'warning',
          message: `${metricNameOf(node)} has no label ${matcher.name}: this selects nothing`,
          suggestion: near
            ? `did you mean ${near}?`
            : `it has ${own.length > 0 ? own.join(', ') : 'no labels of its own'}`,
        });
      }
    }
  },
});
