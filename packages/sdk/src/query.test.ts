import { describe, expect, it } from 'vitest';
import { anyValue, catalogue, counter, gauge, histogram, oneOf, onlyWhen } from './catalogue.ts';
import * as q from './query.ts';

const backend = oneOf('firecracker', 'cloudhypervisor');
const { metrics: m } = catalogue('metald', {
  requests: counter({ name: 'x_requests_total', help: 'Requests.', labels: { backend } }),
  success: counter({ name: 'x_success_total', help: 'Successes.', labels: { backend } }),
  failures: counter({
    name: 'x_failures_total',
    help: 'Failures.',
    labels: { backend, customer_id: onlyWhen('flag', anyValue('customer', 10)) },
  }),
  running: gauge({ name: 'x_running', help: 'Running.' }),
  cpu: counter({ name: 'process_cpu_seconds_total', help: 'CPU.', unit: 'seconds', shared: true }),
  duration: histogram({
    name: 'x_duration_seconds',
    help: 'Duration.',
    unit: 'seconds',
    labels: { backend },
    buckets: [0.1, 0.5, 1],
  }),
});

const text = (query: q.Query) => query.text;

describe('composed queries', () => {
  const backendVariable = { kind: 'variable', name: 'backend' } as const;
  it.each<[string, q.Query, string]>([
    ['a selector', q.select(m.running), 'x_running'],
    [
      'a shared metric names its job',
      q.rate(m.cpu, { window: '5m' }),
      'rate(process_cpu_seconds_total{job="metald"}[5m])',
    ],
    ['a rate in a panel', q.rate(m.requests), 'rate(x_requests_total[$__rate_interval])'],
    [
      'conditions',
      q.rate(m.requests, { where: { backend: q.chosen(backendVariable), instance: q.not('a') }, window: '1m' }),
      'rate(x_requests_total{backend=~"$backend", instance!="a"}[1m])',
    ],
    ['a sum', q.sum(q.rate(m.requests), ['backend']), 'sum by (backend) (rate(x_requests_total[$__rate_interval]))'],
    ['a sum of all', q.sum(q.rate(m.requests)), 'sum(rate(x_requests_total[$__rate_interval]))'],
    [
      'a ratio',
      q.ratio(m.success, m.requests, { window: '5m', by: ['backend'] }),
      'clamp_max(sum by (backend) (rate(x_success_total[5m])) / (sum by (backend) (rate(x_requests_total[5m])) > 0), 1)',
    ],
    [
      'a quantile',
      q.quantile(0.95, m.duration, { by: ['backend'] }),
      'histogram_quantile(0.95, sum by (backend, le) (rate(x_duration_seconds_bucket[$__rate_interval])))',
    ],
    [
      'a share within a bound',
      q.shareWithin(1, m.duration, { window: '5m' }),
      'sum(rate(x_duration_seconds_bucket{le=~"1|1\\\\.0"}[5m])) / (sum(rate(x_duration_seconds_count[5m])) > 0)',
    ],
    [
      'a mean',
      q.mean(m.duration, { window: '5m' }),
      'sum(rate(x_duration_seconds_sum[5m])) / (sum(rate(x_duration_seconds_count[5m])) > 0)',
    ],
    ['a comparison', q.above(q.select(m.running), q.limit(20)), 'x_running > 20'],
    ['parentheses where needed', q.scale(q.above(q.select(m.running), 2), 100), '(x_running > 2) * 100'],
    [
      'difference, left to right',
      q.minus(q.select(m.running), q.minus(q.select(m.running), q.select(m.running))),
      'x_running - (x_running - x_running)',
    ],
    [
      'alternatives',
      q.or(q.equals(q.up('a'), 0), q.equals(q.up('b', 'c.d'), 0)),
      'up{job="a"} == 0\nor up{job=~"b|c\\\\.d"} == 0',
    ],
  ])('%s', (_, query, expected) => {
    expect(query.text).toBe(expected);
  });

  it('refuses what cannot be', () => {
    expect(() => q.shareWithin(0.7, m.duration)).toThrow('x_duration_seconds has no bucket 0.7; it has 0.1, 0.5, 1');
    expect(() => q.quantile(95, m.duration)).toThrow('quantile 95');
    expect(() => q.rate(m.requests, { window: '5mm' as '5m' })).toThrow('is not a duration');
    expect(() => q.like('(')).toThrow('error parsing regexp');
  });

  it('is checked by TypeScript', () => {
    // @ts-expect-error a label that the metric does not have
    q.rate(m.requests, { where: { customer_id: 'a' } });
    // @ts-expect-error a value that the label cannot have
    q.rate(m.requests, { where: { backend: 'docker' } });
    // @ts-expect-error grouping by what was aggregated away
    q.sum(q.sum(q.rate(m.requests), ['backend']), ['instance']);
    // @ts-expect-error the rate of a gauge
    q.rate(m.running);
    // @ts-expect-error the quantile of a counter
    expect(() => q.quantile(0.5, m.requests)).toThrow;
  });
});

describe('the promql template', () => {
  it('takes metrics, durations, limits and conditions', () => {
    const window = '5m';
    expect(text(q.promql`rate(${m.requests}{backend${q.like('fire.*')}}[${window}]) > ${q.limit(0.5)}`)).toBe(
      'rate(x_requests_total{backend=~"fire.*"}[5m]) > 0.5',
    );
  });
  it('adds the job of a shared metric, in the braces when there are some', () => {
    expect(text(q.promql`${m.cpu}`)).toBe('process_cpu_seconds_total{job="metald"}');
    expect(text(q.promql`${m.cpu}{instance="a"}`)).toBe('process_cpu_seconds_total{job="metald", instance="a"}');
    expect(text(q.promql`${m.cpu}{}`)).toBe('process_cpu_seconds_total{job="metald"}');
    expect(text(q.promql`${m.cpu}{job="other"}`)).toBe('process_cpu_seconds_total{job="other"}');
  });
  it('puts queries in parentheses where they need them, and removes indentation', () => {
    const sum = q.plus(q.select(m.running), q.select(m.running));
    expect(
      text(q.promql`
        ${sum}
          * 2
      `),
    ).toBe('(x_running + x_running)\n  * 2');
  });
});
