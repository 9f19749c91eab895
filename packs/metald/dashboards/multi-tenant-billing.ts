/** What each customer does, uses and is refused: the breakdown that the README lists as missing. */
import {
  above,
  chosen,
  dashboard,
  labelVariable,
  panel,
  quantile,
  rate,
  row,
  scale,
  select,
  sortDescending,
  steps,
  sum,
  topk,
} from '@belfry/sdk';
import { billaged as b, metald as m } from '../metrics.ts';

const customerVariable = labelVariable(m.samplesCollected, 'customer_id', { title: 'Customer', required: true });
const where = { customer_id: chosen(customerVariable) };
const by = ['customer_id'] as const;
const window = '5m';

const failuresPerMinute = scale(sum(rate(m.createFailures, { where, window }), by), 60);

export const multiTenantBilling = dashboard('metald-multi-tenant-billing', {
  title: 'Metald Multi-Tenant Billing & Usage',
  description:
    'Operations, usage, failures and billing of each customer. Needs the labels for customers to be switched on.',
  tags: ['metald', 'billing', 'multi-tenant', 'customer'],
  refresh: '5s',
  from: 'now-15m',
  variables: [customerVariable],
  rows: [
    row('Usage', [
      panel.timeseries(
        'CPU in Use by Customer',
        { '{{customer_id}}': sum(rate(b.customerCpu, { where, window }), by) },
        {
          stacked: true,
          description: 'Processors, from what billaged accounted: CPU seconds per second.',
        },
      ),
      panel.timeseries(
        'Memory by Customer',
        { '{{customer_id}}': sum(select(b.customerMemory, where), by) },
        {
          unit: 'bytes',
          stacked: true,
        },
      ),
      panel.table(
        'Customers by Resource Score',
        {
          Score: sortDescending(sum(select(b.customerScore, where), by)),
          'CPU (processors)': sum(rate(b.customerCpu, { where, window }), by),
          'Memory (GiB)': scale(sum(select(b.customerMemory, where), by), 1 / 2 ** 30),
        },
        {
          columns: { customer_id: 'Customer' },
          decimals: 1,
          description: 'Score: CPU seconds + 0.5 x memory GiB + 0.3 x disk MiB of the VMs being accounted.',
        },
      ),
    ]),
    row('Input and output', [
      panel.timeseries(
        'Disk by Customer',
        { '{{customer_id}} {{op}}': sum(rate(b.customerDisk, { where, window }), ['customer_id', 'op']) },
        { unit: 'Bps' },
      ),
      panel.timeseries(
        'Network by Customer',
        {
          '{{customer_id}} {{direction}}': topk(
            10,
            sum(rate(b.customerNetwork, { where, window }), ['customer_id', 'direction']),
          ),
        },
        { unit: 'Bps', description: 'The ten greatest at each moment.' },
      ),
    ]),
    row('Operations', [
      panel.timeseries(
        'VM Operations by Customer',
        {
          'Create - {{customer_id}}': sum(rate(m.createRequests, { where, window }), by),
          'Boot - {{customer_id}}': sum(rate(m.bootRequests, { where, window }), by),
          'Delete - {{customer_id}}': sum(rate(m.deleteRequests, { where, window }), by),
        },
        { unit: 'reqps' },
      ),
      panel.table(
        'Customer Failure Rates (per minute)',
        {
          'Create failures': above(sortDescending(failuresPerMinute), 0),
          'Boot failures': above(scale(sum(rate(m.bootFailures, { where, window }), by), 60), 0),
          'Delete failures': above(scale(sum(rate(m.deleteFailures, { where, window }), by), 60), 0),
        },
        { columns: { customer_id: 'Customer' }, decimals: 2, thresholds: steps('green', [5, 'yellow'], [10, 'red']) },
      ),
    ]),
    row('Billing', [
      panel.table(
        'Customer Metrics Collection Rate (per minute)',
        { Samples: sortDescending(scale(sum(rate(m.samplesCollected, { where }), by), 60)) },
        {
          columns: { customer_id: 'Customer' },
          decimals: 0,
        },
      ),
      panel.timeseries(
        'Billing Batch Transmission by Customer',
        { '{{customer_id}}': scale(sum(rate(m.batchesSent, { where, window }), by), 60) },
        {
          description: 'Batches per minute.',
        },
      ),
      panel.timeseries(
        'Billing Duration by Customer',
        {
          'p95 - {{customer_id}}': quantile(0.95, m.batchSendDuration, { where, by, window }),
          'p50 - {{customer_id}}': quantile(0.5, m.batchSendDuration, { where, by, window }),
        },
        { unit: 's' },
      ),
    ]),
  ],
});
