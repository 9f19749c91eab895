/** Failures that the reference services can be put into, and what must be noticed. */
import { scenario } from '@belfry/sdk';
import {
  billingDataLossRisk,
  highErrorRate,
  highMemoryUsage,
  serviceDown,
  slowBillingProcessing,
  vmBootFailures,
} from './alerts.ts';

export const scenarios = [
  scenario('billaged-stopped', {
    story: 'billaged is gone: its target is down, and the batches that metald sends are lost.',
    breaks: [{ service: 'billaged', incident: 'stopped' }],
    expects: [
      { alert: serviceDown, within: '4m' },
      { alert: billingDataLossRisk, within: '8m' },
    ],
    resolvesWithin: '8m',
  }),
  scenario('metald-stopped', {
    story: 'metald is gone.',
    breaks: [{ service: 'metald', incident: 'stopped' }],
    expects: [{ alert: serviceDown, within: '4m' }],
    resolvesWithin: '3m',
  }),
  scenario('asset-outage', {
    story: 'The asset service does not answer, so that no VM can be created.',
    breaks: [{ service: 'metald', incident: 'asset-outage' }],
    expects: [{ alert: highErrorRate, within: '12m' }],
    resolvesWithin: '10m',
  }),
  scenario('jailer-failures', {
    story: 'The jailer does not start, so that most boots fail.',
    breaks: [{ service: 'metald', incident: 'jailer-failures' }],
    expects: [{ alert: vmBootFailures, within: '16m' }],
    resolvesWithin: '10m',
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
    expects: [{ alert: highMemoryUsage, within: '20m' }],
    resolvesWithin: '3m',
  }),
];
