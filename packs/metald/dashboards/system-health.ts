/** metald as a process: up, CPU, memory, HTTP, runtime and logs. */
import {
  dashboard,
  increase,
  mean,
  panel,
  promql,
  quantile,
  rate,
  rateInterval,
  recorded,
  row,
  select,
  steps,
  sum,
  up,
} from '@belfry/sdk';
import { LIMITS } from '../alerts.ts';
import { metald as m, metaldCatalogue } from '../metrics.ts';
import { availability, completeness, latencyP99 } from '../slos.ts';

const UP_OR_DOWN = { 0: { text: 'Down', color: 'red' }, 1: { text: 'Up', color: 'green' } };
export const systemHealth = dashboard('metald-system-health', {
  title: 'Metald System Health Dashboard',
  description: 'The process of metald: availability, resources, HTTP, runtime and logs.',
  tags: ['metald', 'system', 'health', 'go'],
  refresh: '5s',
  from: 'now-15m',
  rows: [
    row(
      'Now',
      [
        panel.stat('Service Status', up(metaldCatalogue.job), { words: UP_OR_DOWN, width: 4 }),
        panel.stat('Up Since', promql`1000 * ${m.processStartTime}`, { unit: 'dateTimeFromNow', width: 5 }),
        panel.stat('CPU Usage', rate(m.processCpuSeconds), {
          unit: 'percentunit',
          thresholds: steps('green', [0.7, 'yellow'], [0.9, 'red']),
          width: 5,
          description: 'Of one processor.',
        }),
        panel.stat('Memory Usage', select(m.processResidentMemory), {
          unit: 'bytes',
          thresholds: steps('green', [LIMITS.notableMemoryBytes, 'yellow'], [LIMITS.metaldMemoryBytes, 'red']),
          width: 5,
        }),
        panel.stat('Active Goroutines', select(m.goGoroutines), {
          thresholds: steps('green', [500, 'yellow'], [5000, 'red']),
          width: 5,
        }),
      ],
      { height: 5 },
    ),
    row(
      'Indicators',
      [
        panel.stat('API Availability', recorded(availability), {
          unit: 'percentunit',
          decimals: 2,
          thresholds: steps('red', [0.99, 'yellow'], [0.999, 'green']),
          description: "Share of the calls of the last five minutes that did not fail by metald's own fault.",
        }),
        panel.stat('API Latency p99', recorded(latencyP99), {
          unit: 's',
          thresholds: steps('green', [0.5, 'red']),
          description: 'Of the calls that wait for no hypervisor.',
        }),
        panel.stat('Billing Data Completeness', recorded(completeness), {
          unit: 'percentunit',
          decimals: 2,
          thresholds: steps('red', [0.99, 'yellow'], [0.9999, 'green']),
        }),
      ],
      { height: 4 },
    ),
    row('HTTP', [
      panel.timeseries(
        'HTTP Requests per Second',
        {
          'Scrapes - {{code}}': sum(rate(m.metricsRequests), ['code']),
          'Health - {{code}}': sum(rate(m.httpRequests, { where: { endpoint: '/_/health' } }), ['code']),
          'All - {{code}}': sum(rate(m.httpRequests), ['code']),
        },
        { unit: 'reqps' },
      ),
      panel.timeseries(
        'HTTP Request Duration',
        { p95: quantile(0.95, m.httpDuration), p50: quantile(0.5, m.httpDuration), average: mean(m.httpDuration) },
        { unit: 's', description: 'Of every endpoint; creating a VM takes seconds.' },
      ),
    ]),
    row('Runtime', [
      panel.timeseries(
        'Go Memory Statistics',
        {
          Allocated: select(m.goMemoryAlloc),
          System: select(m.goMemorySys),
          'Heap allocated': select(m.goMemoryHeapAlloc),
          'Heap in use': select(m.goMemoryHeapInuse),
        },
        { unit: 'bytes' },
      ),
      panel.timeseries(
        'GC Runs per Second',
        { runs: promql`rate(${m.goGcDuration}_count[${rateInterval}])` },
        { unit: 'ops' },
      ),
      panel.timeseries(
        'Time Spent in GC',
        { share: promql`rate(${m.goGcDuration}_sum[${rateInterval}])` },
        {
          unit: 'percentunit',
          description:
            'Share of time in pauses; go_memstats_gc_cpu_fraction, which the original draws, no longer exists.',
        },
      ),
      panel.timeseries('Log Levels Over Time', {
        'Error (5m)': increase(m.logEntries, { where: { level: 'error' }, window: '5m' }),
        'Warning (5m)': increase(m.logEntries, { where: { level: 'warn' }, window: '5m' }),
        'Info (5m)': increase(m.logEntries, { where: { level: 'info' }, window: '5m' }),
      }),
    ]),
  ],
});
