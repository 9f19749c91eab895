import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';

const SAID = {
  pack: 'no catalogue of the pack declares it',
  dump: 'it is not among the metrics that were dumped',
  document: 'the documents list metrics of this family, but not this one',
} as const;

export const metricUnknown = defineCheck({
  name: 'metric-unknown',
  finds: 'A metric that the catalogue does not know, though it knows others of its family.',
  severity: 'warning',
  why: `An alert on a metric that nobody exports never fires, and a panel of one is empty: neither looks like a mistake.
It is an error where a pack declares all that its services export; a dump or a document may be incomplete, so there it is
a warning.`,
  bad: withMetrics(REQUESTS, alertFile('rate(shop_request_total[5m]) > 1')),
  good: withMetrics(REQUESTS, alertFile('rate(shop_requests_total[5m]) > 1')),
  run: ({ nodes, catalogue, recorded }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const name = metricNameOf(node);
      if (name === undefined || hasVariable(name) || recorded.has(name) || catalogue.find(name)) continue;
      if (catalogue.aliased(name) || name.includes(':')) continue;
      const authority = catalogue.covers(name);
      if (!authority || authority === 'common') continue;
      const near = catalogue.near(name);
      const start = node.span.start;
      const at = placeOfSpan(expression, node.name ? { start, end: start + name.length } : node.span);
      report({
        at,
        severity: authority === 'pack' && expression.use !== 'prose' ? 'error' : 'warning',
        message: `metric ${name} is unknown: ${SAID[authority]}`,
        suggestion: near && near !== name ? `did you mean \`${near}\`?` : undefined,
      });
    }
  },
});
