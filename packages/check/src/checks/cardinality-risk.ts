import { defineCheck } from '../check.ts';

const table = (label: string) => `| Metric | Type | Labels | Description |
| ------ | ---- | ------ | ----------- |
| \`shop_orders_total\` | Counter | \`${label}\` | Orders |
`;
/** Labels that have a value for each request, user or object: no bound. */
const UNBOUNDED =
  /^(?:(?:user|request|trace|span|session|job|vm|order|message|transaction|correlation|tenant|customer|account)_?id|uuid|guid|email|url|path|uri|query|sql|ip|client_ip|remote_addr|timestamp|vm_name|filename|error_message|user)$/i;
/** Series of one metric in one target that a Prometheus of ordinary size should not be asked to keep. */
const MANY_SERIES = 10_000;

export const cardinalityRisk = defineCheck({
  name: 'cardinality-risk',
  finds: 'A metric with a label of unbounded values, or with more series than a target should have.',
  severity: 'info',
  why: `Each combination of label values is a series that Prometheus keeps in memory. A label with a value for every user,
request or path grows without end, and takes the monitoring down with it.`,
  bad: { 'README.md': table('user_id') },
  good: { 'README.md': table('region') },
  run: ({ catalogue }, report) => {
    for (const metric of catalogue.metrics) {
      if (!metric.at) continue;
      let series = metric.type === 'histogram' ? (metric.buckets?.length ?? 10) + 3 : 1;
      for (const [name, label] of metric.labels) {
        if (label.conditional === undefined) series *= label.values?.length ?? label.cardinality ?? 1;
        if (metric.authority === 'document' && !label.values && UNBOUNDED.test(name)) {
          report({
            at: metric.at,
            message: `label ${name} of ${metric.name} may take any number of values, each of them a series`,
            suggestion: 'leave it to logs or traces, or state how many values are expected',
          });
        }
      }
      if (metric.authority === 'pack' && series > MANY_SERIES) {
        report({ at: metric.at, message: `${metric.name} is expected to have about ${series} series in one target` });
      }
    }
  },
});
