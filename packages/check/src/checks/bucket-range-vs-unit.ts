import { defineCheck } from '../check.ts';
import { unitByName } from '../units.ts';

const OTEL = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];
const dump = (bounds: readonly number[]) =>
  `# TYPE shop_pay_duration_seconds histogram\n${bounds.map((b) => `shop_pay_duration_seconds_bucket{le="${b}"} 1\n`).join('')}shop_pay_duration_seconds_bucket{le="+Inf"} 1\nshop_pay_duration_seconds_sum 1\nshop_pay_duration_seconds_count 1\n`;

export const bucketRangeVsUnit = defineCheck({
  name: 'bucket-range-vs-unit',
  finds: 'A histogram in seconds whose buckets are those of milliseconds.',
  severity: 'warning',
  why: `OpenTelemetry’s default bounds (0, 5, 10, 25 … 10000) are meant for milliseconds. On a metric in seconds every
observation falls into the first bucket, and every quantile says 2.5 or 4.75 seconds.`,
  bad: { 'metrics.txt': dump(OTEL) },
  good: { 'metrics.txt': dump([0.05, 0.1, 0.5, 1, 5]) },
  run: ({ catalogue }, report) => {
    for (const metric of catalogue.metrics) {
      const { buckets, at } = metric;
      const seconds = (metric.unit ?? unitByName(metric.name)) === 'seconds';
      if (!buckets || buckets.length < 3 || !at || !seconds) continue;
      const finite = buckets.filter((b) => b > 0);
      if (finite[0]! >= 5 && finite.at(-1)! >= 5000) {
        report({
          at,
          message: `${metric.name} is in seconds, but its buckets (${finite[0]} … ${finite.at(-1)}) are for milliseconds`,
          suggestion: 'set bounds in seconds, such as 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10',
        });
      }
    }
  },
});
