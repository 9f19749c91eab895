import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile, REQUESTS, withMetrics } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const bucketNotExported = defineCheck({
  name: 'bucket-not-exported',
  finds: 'A query of buckets that are not there: of a metric without buckets, or of a bound that it does not have.',
  severity: 'warning',
  why: `Many timers (Micrometer’s by default) export only a count and a sum: \`_bucket\` is empty and so is every quantile. A
matcher \`le="0.3"\` selects nothing unless 0.3 is a bound. It is an error where a pack declares the metric.`,
  bad: withMetrics(REQUESTS, alertFile('rate(shop_request_duration_seconds_bucket{le="0.3"}[5m]) < 1')),
  good: withMetrics(REQUESTS, alertFile('rate(shop_request_duration_seconds_bucket{le="0.1"}[5m]) < 1')),
  run: ({ nodes, catalogue }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const name = metricNameOf(node);
      if (!name?.endsWith('_bucket')) continue;
      const base = catalogue.find(name.slice(0, -'_bucket'.length));
      const at = placeOfSpan(expression, node.span);
      const sure = (base?.metric.authority ?? '') === 'pack' ? 'error' : 'warning';
      if (base && !catalogue.find(name) && base.metric.type !== 'unknown') {
        report({ at, severity: sure, message: `${base.metric.name} is a ${base.metric.type}: it has no buckets` });
        continue;
      }
      const count = catalogue.find(`${name.slice(0, -'_bucket'.length)}_count`);
      if (!catalogue.find(name) && count?.part === 'value') {
        report({ at, message: `${count.metric.name} is exported, but no ${name}: this histogram has no buckets` });
        continue;
      }
      const buckets = catalogue.find(name)?.metric.buckets;
      const le = node.matchers.find((m) => m.name === 'le' && m.op === '=')?.value;
      if (!buckets || le === undefined || le === '+Inf' || buckets.includes(Number(le))) continue;
      report({
        at,
        severity: sure,
        message: `${name} has no bucket le="${le}"`,
        suggestion: `bounds: ${buckets.join(', ')}`,
      });
    }
  },
});
