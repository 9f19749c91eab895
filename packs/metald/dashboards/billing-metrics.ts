/** Collection of usage, and its way to billaged. */
import {
  above,
  chosen,
  dashboard,
  labelVariable,
  mean,
  minus,
  panel,
  promql,
  quantile,
  rate,
  row,
  scale,
  steps,
  sum,
} from '@belfry/sdk';
import { batchFailureShare, LIMITS } from '../alerts.ts';
import { metald as m } from '../metrics.ts';

const customerVariable = labelVariable(m.samplesCollected, 'customer_id', { title: 'Customer' });
const vmVariable = labelVariable(m.samplesCollected, 'vm_id', { title: 'VM' });
const where = { vm_id: chosen(vmVariable), customer_id: chosen(customerVariable) };
const ofCustomer = { customer_id: where.customer_id };

export const billingMetrics = dashboard('metald-billing', {
  title: 'Metald Billing & Metrics Dashboard',
  description: 'Usage samples, batches and heartbeats: ten samples a second and a batch a minute from each running VM.',
  tags: ['metald', 'billing', 'metrics'],
  refresh: '5s',
  from: 'now-15m',
  variables: [customerVariable, vmVariable],
  rows: [
    row(
      'Now',
      [
        panel.stat('VM Metrics Request Rate', sum(rate(m.vmMetricsReadings, { where: { vm_id: where.vm_id } })), {
          unit: 'cps',
          description: 'Attempts to read usage from VMs, failed ones too.',
        }),
        panel.stat('Metrics Collection Rate', sum(rate(m.samplesCollected, { where })), {
          unit: 'cps',
          description: 'Samples read; ten a second from each running VM.',
        }),
        panel.stat('Billing Batches Sent', scale(sum(rate(m.batchesSent, { where, window: '5m' })), 60), {
          description: 'Batches per minute that billaged took.',
          decimals: 1,
        }),
        panel.stat('Billing Service Heartbeats', scale(sum(rate(m.heartbeatsSent, { window: '5m' })), 60), {
          description: 'Heartbeats per minute that billaged answered; two are usual.',
          decimals: 1,
          thresholds: steps('red', [1, 'yellow'], [1.8, 'green']),
        }),
      ],
      { height: 5 },
    ),
    row('By VM', [
      panel.timeseries(
        'Metrics Collection Rate by VM',
        { '{{vm_id}}': above(sum(rate(m.samplesCollected, { where }), ['vm_id']), 0) },
        { unit: 'cps' },
      ),
      panel.timeseries(
        'Billing Batch Transmission Rate by VM',
        { '{{vm_id}}': above(scale(sum(rate(m.batchesSent, { where, window: '5m' }), ['vm_id']), 60), 0) },
        { description: 'Batches per minute.' },
      ),
    ]),
    row('Loss', [
      panel.timeseries(
        'Batches that Failed',
        { '{{reason}}': sum(rate(m.batchFailures, { window: '5m' }), ['reason']) },
        { unit: 'ops' },
      ),
      panel.timeseries(
        'Share of Batches that Failed',
        { failed: batchFailureShare },
        {
          unit: 'percentunit',
          min: 0,
          thresholds: steps('green', [LIMITS.batchFailureRatio, 'red']),
          showThresholds: true,
          description: 'Failed batches are not sent again. Above the line for five minutes, BillingDataLossRisk fires.',
        },
      ),
      panel.timeseries(
        'Samples not yet Sent',
        {
          samples: minus(promql`sum(${m.billingMetricsCollected})`, promql`sum(${m.batchSize}_sum)`),
        },
        { description: 'Collected, and still being gathered into batches.' },
      ),
    ]),
    row('Durations', [
      panel.timeseries(
        'Billing Batch Send Duration',
        {
          p95: quantile(0.95, m.batchSendDuration, { where: ofCustomer, window: '5m' }),
          p50: quantile(0.5, m.batchSendDuration, { where: ofCustomer, window: '5m' }),
          average: mean(m.batchSendDuration, { where: ofCustomer, window: '5m' }),
        },
        { unit: 's' },
      ),
      panel.timeseries(
        'Metrics Collection Duration (100ms precision)',
        {
          p95: quantile(0.95, m.collectionDuration),
          p50: quantile(0.5, m.collectionDuration),
          average: mean(m.collectionDuration),
        },
        { unit: 's' },
      ),
    ]),
  ],
});
