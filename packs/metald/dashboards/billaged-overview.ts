/** billaged: the four panels of the monitoring guide, and those of the overview that its README promises. */
import { dashboard, differs, mean, panel, quantile, rate, recorded, row, select, steps, sum, up } from '@belfry/sdk';
import { LIMITS } from '../alerts.ts';
import { billaged as b, billagedCatalogue, metald as m } from '../metrics.ts';
import { aggregationLatency, processingSuccess } from '../slos.ts';

const window = '5m';

export const billagedOverview = dashboard('billaged-overview', {
  title: 'billaged Billing System',
  description: 'What billaged takes in, how fast, what it refuses, and the process itself.',
  tags: ['billaged', 'billing'],
  refresh: '10s',
  from: 'now-30m',
  rows: [
    row(
      'Now',
      [
        panel.stat('Status', up(billagedCatalogue.job), {
          words: { 0: { text: 'Down', color: 'red' }, 1: { text: 'Up', color: 'green' } },
          width: 4,
        }),
        panel.stat('Active VMs Tracked', select(b.activeVms), {
          width: 5,
          description: "Equals metald's running VMs.",
        }),
        panel.stat('Usage Records', sum(rate(b.recordsProcessed, { window })), { unit: 'ops', width: 5, decimals: 2 }),
        panel.stat('Processing Success', recorded(processingSuccess), {
          unit: 'percentunit',
          thresholds: steps('red', [0.99, 'yellow'], [0.9995, 'green']),
          width: 5,
          decimals: 2,
        }),
        panel.stat('Aggregation p95', recorded(aggregationLatency), { unit: 's', width: 5 }),
      ],
      { height: 5 },
    ),
    row('Work', [
      panel.timeseries(
        'Metrics Processing Rate',
        {
          received: sum(rate(b.samplesReceived, { window })),
          processed: sum(rate(b.samplesProcessed, { window })),
        },
        { unit: 'cps' },
      ),
      panel.timeseries(
        'Batch Size Distribution',
        {
          p50: quantile(0.5, b.batchSize, { window }),
          p95: quantile(0.95, b.batchSize, { window }),
        },
        { description: 'Samples in a batch; 600 are usual, fewer when a VM stops.' },
      ),
      panel.timeseries(
        'Processing Latency',
        {
          p50: quantile(0.5, b.processingDuration, { window }),
          p95: quantile(0.95, b.processingDuration, { window }),
          p99: quantile(0.99, b.processingDuration, { window }),
        },
        {
          unit: 's',
          thresholds: steps('green', [LIMITS.processingSeconds, 'red']),
          showThresholds: true,
          description: 'p95 above the line for ten minutes: SlowBillingProcessing fires.',
        },
      ),
      panel.timeseries('VMs Tracked and Running', {
        tracked: select(b.activeVms),
        'running at metald': select(m.vms, { state: 'running' }),
      }),
    ]),
    row('Errors', [
      panel.timeseries(
        'Errors by Type',
        { '{{error_type}}': sum(rate(b.aggregationErrors, { window }), ['error_type']) },
        { unit: 'ops' },
      ),
      panel.timeseries(
        'Calls by Status',
        { '{{rpc_status}}': differs(sum(rate(b.rpcRequests, { window }), ['rpc_status']), 0) },
        { unit: 'reqps' },
      ),
      panel.timeseries('Possible Gaps', { notices: sum(rate(b.gapNotifications, { window })) }, { unit: 'ops' }),
    ]),
    row('Process', [
      panel.timeseries(
        'CPU',
        { used: rate(b.processCpuSeconds) },
        { unit: 'percentunit', description: 'Of one processor.' },
      ),
      panel.timeseries(
        'Memory',
        { resident: select(b.processResidentMemory), heap: select(b.goMemoryHeapInuse) },
        { unit: 'bytes' },
      ),
      panel.timeseries('Goroutines', { goroutines: select(b.goGoroutines) }),
      panel.timeseries('Aggregation Duration', { average: mean(b.aggregationDuration, { window }) }, { unit: 's' }),
    ]),
  ],
});
