/** The alerts of the monitoring guide, each asking what its text says. */
import {
  above,
  alert,
  equals,
  increase,
  limit,
  or,
  plus,
  quantile,
  rate,
  ratio,
  ruleGroup,
  select,
  shareOf,
  sum,
  up,
} from '@belfry/sdk';
import { billaged, billagedCatalogue, metald, metaldCatalogue } from './metrics.ts';

/** Thresholds, shared with the dashboards. */
export const LIMITS = {
  errorRatio: limit(0.05),
  batchFailureRatio: limit(0.1),
  bootFailureRatio: limit(0.01),
  processingSeconds: limit(0.1),
  metaldMemoryBytes: limit(2e9),
  billagedMemoryBytes: limit(1e9),
  operationFailureRatio: limit(0.05),
  notableMemoryBytes: limit(500e6),
  heartbeatFailures: limit(2),
  ownershipViolationsPerSecond: limit(0.2),
} as const;

/** Which service an alert is about, for grouping as the guide's `group_by` has it. */
const service = '{{ $labels.job }}';

export const serviceDown = alert('ServiceDown', {
  query: equals(up(metaldCatalogue.job, billagedCatalogue.job), 0),
  for: '2m',
  severity: 'critical',
  labels: { team: 'platform', service },
  summary: '{{ $labels.job }} is down',
  description: '{{ $labels.instance }} has been down for more than 2 minutes',
  runbook: 'service-down',
});

export const highErrorRate = alert('HighErrorRate', {
  query: or(
    above(
      ratio(metald.errors, metald.apiRequests, { by: ['job'], window: '5m', wherePart: { component: 'api' } }),
      LIMITS.errorRatio,
    ),
    above(
      ratio(billaged.errors, billaged.apiRequests, { by: ['job'], window: '5m', wherePart: { component: 'api' } }),
      LIMITS.errorRatio,
    ),
  ),
  for: '5m',
  severity: 'critical',
  labels: { team: 'platform', service },
  summary: 'High error rate of {{ $labels.job }}',
  description: '{{ $value | humanizePercentage }} of the calls to {{ $labels.job }} fail by its own fault',
  runbook: 'high-error-rate',
});

const batchFailures = sum(rate(metald.batchFailures, { window: '5m' }), ['job']);

/** Share of the batches that billaged did not take. */
export const batchFailureShare = shareOf(
  batchFailures,
  plus(batchFailures, sum(rate(metald.batchesSent, { window: '5m' }), ['job'])),
);

export const billingDataLossRisk = alert('BillingDataLossRisk', {
  query: above(batchFailureShare, LIMITS.batchFailureRatio),
  for: '5m',
  severity: 'critical',
  labels: { team: 'billing', service },
  summary: 'Billing batches are being lost',
  description:
    '{{ $value | humanizePercentage }} of the billing batches of {{ $labels.job }} fail; failed batches are dropped',
  runbook: 'billing-data-loss-risk',
});

export const highMemoryUsage = alert('HighMemoryUsage', {
  query: or(
    above(select(metald.processResidentMemory), LIMITS.metaldMemoryBytes),
    above(select(billaged.processResidentMemory), LIMITS.billagedMemoryBytes),
  ),
  for: '10m',
  severity: 'warning',
  labels: { team: 'platform', service },
  summary: 'High memory usage of {{ $labels.job }}',
  description: '{{ $labels.instance }} has {{ $value | humanize1024 }}B resident',
  runbook: 'high-memory-usage',
});

export const slowBillingProcessing = alert('SlowBillingProcessing', {
  query: above(quantile(0.95, billaged.processingDuration, { by: ['job'], window: '5m' }), LIMITS.processingSeconds),
  for: '10m',
  severity: 'warning',
  labels: { team: 'billing', service },
  summary: 'Slow billing processing',
  description: '5 % of the batches take {{ $value | humanizeDuration }} or longer to process',
  runbook: 'slow-billing-processing',
});

export const vmBootFailures = alert('VMBootFailures', {
  query: above(
    ratio(metald.vmOperations, metald.vmOperations, {
      by: ['job'],
      window: '5m',
      where: { operation: 'boot' },
      wherePart: { status: 'failed' },
    }),
    LIMITS.bootFailureRatio,
  ),
  for: '10m',
  severity: 'warning',
  labels: { team: 'platform', service },
  summary: 'Elevated VM boot failure rate',
  description: '{{ $value | humanizePercentage }} of VM boots are failing',
  runbook: 'vm-boot-failures',
});

/** The dashboards' README calls these thresholds ready for alerting, and has no alert for them. */
export const vmOperationFailures = alert('VMOperationFailures', {
  query: above(
    ratio(metald.vmOperations, metald.vmOperations, {
      by: ['job', 'operation'],
      window: '10m',
      wherePart: { status: 'failed' },
    }),
    LIMITS.operationFailureRatio,
  ),
  for: '10m',
  severity: 'warning',
  labels: { team: 'platform', service },
  summary: 'VM operations fail: {{ $labels.operation }}',
  description: '{{ $value | humanizePercentage }} of the operations {{ $labels.operation }} fail at the hypervisor',
  runbook: 'vm-operation-failures',
});

export const notableMemoryUsage = alert('NotableMemoryUsage', {
  query: above(select(metald.processResidentMemory), LIMITS.notableMemoryBytes),
  for: '10m',
  severity: 'info',
  labels: { team: 'platform', service },
  summary: 'Notable memory usage of {{ $labels.job }}',
  description: '{{ $labels.instance }} has {{ $value | humanize1024 }}B resident',
  runbook: 'high-memory-usage',
});

export const billingBatchFailures = alert('BillingBatchFailures', {
  query: above(sum(increase(metald.batchFailures, { window: '10m' }), ['job', 'reason']), 0),
  for: '1m',
  severity: 'warning',
  labels: { team: 'billing', service },
  summary: 'Billing batches failed: {{ $labels.reason }}',
  description: '{{ $value | humanize }} billing batches were lost within ten minutes ({{ $labels.reason }})',
  runbook: 'billing-data-loss-risk',
});

/** Heartbeats are 30 s apart: three that fail within five minutes. */
export const billingHeartbeatsFailing = alert('BillingHeartbeatsFailing', {
  query: above(sum(increase(metald.heartbeatFailures, { window: '5m' }), ['job']), LIMITS.heartbeatFailures),
  for: '1m',
  severity: 'critical',
  labels: { team: 'billing', service },
  summary: 'billaged does not answer heartbeats',
  description: '{{ $value | humanize }} heartbeats of {{ $labels.job }} failed within five minutes',
  runbook: 'billing-data-loss-risk',
});

const foreign = { window: '5m', where: { error_type: 'ownership_validation_failed' } } as const;

export const crossTenantProbing = alert('CrossTenantProbing', {
  query: above(
    plus(
      sum(rate(metald.bootFailures, foreign), ['job']),
      sum(rate(metald.shutdownFailures, foreign), ['job']),
      sum(rate(metald.deleteFailures, foreign), ['job']),
    ),
    LIMITS.ownershipViolationsPerSecond,
  ),
  for: '2m',
  severity: 'warning',
  labels: { team: 'security', service },
  summary: 'Somebody tries the VMs of other customers',
  description: '{{ $value | humanize }} calls per second are for VMs of another customer',
  runbook: 'cross-tenant-probing',
});

export const critical = ruleGroup('critical', '30s', [serviceDown, highErrorRate, billingDataLossRisk]);
export const warnings = ruleGroup('warnings', '1m', [highMemoryUsage, slowBillingProcessing, vmBootFailures]);
export const further = ruleGroup('further', '1m', [
  vmOperationFailures,
  notableMemoryUsage,
  billingBatchFailures,
  billingHeartbeatsFailing,
  crossTenantProbing,
]);
