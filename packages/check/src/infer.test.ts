import { parseExpr } from '@belfry/promql';
import { describe, expect, test } from 'vitest';
import { buildWorld, sourceFile } from './index.ts';
import { isAbsent } from './infer.ts';
import { unitOf } from './units.ts';

const METRICS = `# TYPE a_total counter
a_total{code="200",method="GET"} 1
a_total 1
# TYPE b_total counter
b_total{code="200"} 1
b_total 1
# TYPE e_total counter
e_total{code="200"} 1
e_total{code="500"} 1
# TYPE d_seconds histogram
d_seconds_bucket{method="GET",le="1"} 1
d_seconds_bucket{method="GET",le="+Inf"} 1
d_seconds_sum{method="GET"} 1
d_seconds_count{method="GET"} 1
`;
const world = buildWorld([sourceFile('metrics.txt', METRICS)], []);

/** `+x` surely there, `x` perhaps, `-x` surely not. */
function labels(text: string, asked: string): string {
  const set = world.labelsOf(parseExpr(text));
  return asked
    .split(' ')
    .map((l) => (set.present.has(l) ? `+${l}` : isAbsent(set, l) ? `-${l}` : l))
    .join(' ');
}

describe('labels of an expression', () => {
  test.each([
    ['a_total', 'code -path job'],
    ['unknown', 'code job'],
    ['unknown{code="1"}', '+code job'],
    ['unknown{code=""}', '-code job'],
    ['unknown{code=~".*"}', 'code'],
    ['sum(a_total)', '-code -method -job'],
    ['sum by (code) (a_total)', 'code -method -job'],
    ['sum by (path) (a_total)', '-path'],
    ['sum by (code) (a_total{code!=""})', '+code'],
    ['sum without (code) (a_total)', '-code method job'],
    ['sum without (code) (unknown)', '-code method'],
    ['rate(d_seconds_bucket[5m])', '+le +method'],
    ['histogram_quantile(0.5, rate(d_seconds_bucket[5m]))', '-le +method'],
    ['e_total', '+code job -method'],
    ['sum by (code, job) (e_total)', '+code job'],
    ['e_total{code=~".*"}', 'code'],
    ['histogram_quantile(0.5, sum by (le) (rate(d_seconds_bucket[5m])))', '-le -method'],
    ['topk(3, a_total)', 'code job'],
    ['count_values("v", a_total)', '+v -code'],
    ['label_replace(sum(a_total), "x", "$1", "y", "(.*)")', 'x -code'],
    ['absent(up{job="a", x=~"b"})', '+job -x -instance'],
    ['vector(1)', '-job'],
    ['time() - a_total', 'code'],
    ['sum by (code) (a_total) / on (code) sum by (code, method) (a_total)', 'code -method'],
    ['sum by (code, method) (a_total) / ignoring (method) sum by (code) (b_total)', 'code -method'],
    ['sum by (code) (a_total) * on (code) group_left (x) unknown', 'code x -method'],
    ['sum by (code) (a_total) and unknown', 'code -method'],
    ['sum by (code) (a_total) or sum by (method) (a_total)', 'code method -job'],
    ['sum by (code) (a_total) > 5', 'code -method'],
    ['max_over_time(sum by (code) (rate(a_total[5m]))[1h:])', 'code -method'],
  ])('%s: %s', (text, expected) => {
    expect(labels(text, expected.replace(/[+-]/g, ''))).toBe(expected);
  });
});

describe('units of an expression', () => {
  const unit = (text: string) => {
    const of = unitOf(parseExpr(text), world.catalogue);
    return of ? `${of.factor === 1 ? '' : `${of.factor} `}${of.base}${of.perSecond ? '/s' : ''}` : '';
  };
  test.each([
    ['a_total', 'count'],
    ['rate(a_total[5m])', 'count/s'],
    ['sum(rate(a_total[5m])) * 60', '60 count/s'],
    ['sum(rate(a_total[5m])) / sum(rate(b_total[5m]))', 'ratio'],
    ['100 * sum(rate(a_total[5m])) / sum(rate(b_total[5m]))', '100 ratio'],
    ['1 - sum(rate(a_total[5m])) / sum(rate(b_total[5m]))', 'ratio'],
    ['rate(d_seconds_sum[5m]) / rate(d_seconds_count[5m])', 'seconds'],
    ['rate(d_seconds_sum[5m]) / rate(d_seconds_count[5m]) * 1000', '1000 seconds'],
    ['histogram_quantile(0.9, rate(d_seconds_bucket[5m]))', 'seconds'],
    ['rate(process_cpu_seconds_total[5m])', 'seconds/s'],
    ['time() - process_start_time_seconds', 'seconds'],
    ['process_resident_memory_bytes / (1024 * 1024)', `${1 / 1024 / 1024} bytes`],
    ['unknown', ''],
    ['count(a_total)', 'count'],
    ['increase(a_total[1h])', 'count'],
    ['a_total > bool 5', 'bool'],
  ])('%s: %s', (text, expected) => {
    expect(unit(text)).toBe(expected);
  });
});
