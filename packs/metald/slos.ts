/** The guide's indicators as recording rules, and its objectives on them. */
import { among, like, promql, quantile, ratio, recording, ruleGroup, slo } from '@belfry/sdk';
import { batchFailureShare } from './alerts.ts';
import { billaged, metald, SERVER_FAULTS } from './metrics.ts';

const window = '5m';

const apiFailureShare = ratio(metald.apiErrors, metald.apiRequests, {
  by: ['job'],
  window,
  wherePart: { code: among(...SERVER_FAULTS) },
});

/** Share of the calls that did not fail by metald's own fault. */
export const availability = recording('job:metald_api_availability:ratio_rate5m', promql`1 - ${apiFailureShare}`);

export const latencyP99 = recording(
  'job:metald_api_duration_seconds:p99_rate5m',
  // The other methods wait for a hypervisor: creating a VM takes seconds when all is well.
  quantile(0.99, metald.apiDuration, { by: ['job'], window, where: { method: like('.*/(GetVmInfo|ListVms)') } }),
);

/** Share of the batches that billaged took. */
export const completeness = recording('job:metald_billing_completeness:ratio_rate5m', promql`1 - ${batchFailureShare}`);

export const processingSuccess = recording(
  'job:billaged_processing_success:ratio_rate5m',
  ratio(billaged.samplesProcessed, billaged.samplesReceived, { by: ['job'], window }),
);

export const aggregationLatency = recording(
  'job:billaged_aggregation_duration_seconds:p95_rate5m',
  quantile(0.95, billaged.aggregationDuration, { by: ['job'], window }),
);

export const indicators = ruleGroup('indicators', '30s', [
  availability,
  latencyP99,
  completeness,
  processingSuccess,
  aggregationLatency,
]);

export const slos = [
  slo('metald API availability', { indicator: availability, objective: { atLeast: 0.999 }, window: '30d' }),
  slo('metald API latency', { indicator: latencyP99, objective: { atMost: 0.5 }, window: '30d' }),
  slo('Billing data completeness', { indicator: completeness, objective: { atLeast: 0.9999 }, window: '30d' }),
  slo('billaged processing success', { indicator: processingSuccess, objective: { atLeast: 0.9995 }, window: '30d' }),
];
