/** Failures that the reference services can be put into, and what must be noticed. */
import { scenario } from '@belfry/sdk';
import {
  billingBatchFailures,
  billingDataLossRisk,
  billingHeartbeatsFailing,
  crossTenantProbing,
  highErrorRate,
  highMemoryUsage,
  notableMemoryUsage,
  serviceDown,
  slowBillingProcessing,
  vmBootFailures,
  vmOperationFailures,
} from './alerts.ts';

export const scenarios = [
  scenario('billaged-stopped', {
    story: 'billaged is gone: its target is down, and the batches that metald sends are lost.',
    breaks: [{ service: 'billaged', incident: 'stopped' }],
    expects: [
      { alert: serviceDown, within: '4m' },
      { alert: billingDataLossRisk, within: '8m' },
      { alert: billingBatchFailures, within: '5m' },
      { alert: billingHeartbeatsFailing, within: '6m' },
    ],
    resolvesWithin: '13m',
  }),
  scenario('metald-stopped', {
    story: 'metald is gone.',
    breaks: [{ service: 'metald', incident: 'stopped' }],
    expects: [{ alert: serviceDown, within: '4m' }],
    resolvesWithin: '3m',
  }),
  scenario('database-outage', {
    story: "metald's database does not answer: every call that needs it fails.",
    breaks: [{ service: 'metald', incident: 'database-outage' }],
    expects: [{ alert: highErrorRate, within: '12m' }],
    resolvesWithin: '10m',
  }),
  scenario('jailer-failures', {
    story: 'The jailer does not start, so that most boots fail.',
    breaks: [{ service: 'metald', incident: 'jailer-failures' }],
    expects: [
      { alert: vmBootFailures, within: '16m' },
      { alert: vmOperationFailures, within: '20m' },
    ],
    resolvesWithin: '13m',
  }),
  scenario('slow-billing', {
    story: 'billaged needs several hundred milliseconds for each batch.',
    breaks: [{ service: 'billaged', incident: 'slow-processing' }],
    expects: [{ alert: slowBillingProcessing, within: '16m' }],
    resolvesWithin: '10m',
  }),
  scenario('memory-growth', {
    story: 'metald reports ever more memory.',
    breaks: [{ service: 'metald', incident: 'memory-growth' }],
    expects: [
      { alert: notableMemoryUsage, within: '14m' },
      { alert: highMemoryUsage, within: '16m' },
    ],
    resolvesWithin: '3m',
  }),
  scenario('silent-billing', {
    story: 'metald sends its batches without tenant: heartbeats succeed, batches are refused and lost.',
    breaks: [{ service: 'metald', incident: 'missing-tenant-header' }],
    expects: [
      { alert: billingBatchFailures, within: '5m' },
      { alert: billingDataLossRisk, within: '12m' },
    ],
    resolvesWithin: '13m',
  }),
  scenario('cross-tenant-probing', {
    story: 'A customer tries to boot, stop and delete the VMs of others.',
    breaks: [{ service: 'metald', incident: 'cross-tenant-probing' }],
    expects: [{ alert: crossTenantProbing, within: '6m' }],
    resolvesWithin: '8m',
  }),
];
