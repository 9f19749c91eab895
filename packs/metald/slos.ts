/** The guide's indicators as recording rules, and its objectives on them. */
import {
  among,
  eventRatio,
  latency,
  like,
  minus,
  plus,
  promql,
  quantile,
  rate,
  ratio,
  recording,
  ruleGroup,
  slo,
  sum,
} from '@belfry/sdk';
import { batchFailureShare } from './alerts.ts';
import { billaged, metald, SERVER_FAULTS } from './metrics.ts';

const window = '5m';
/** The other methods wait for a hypervisor: creating a VM takes seconds when all is well. */
const readingCalls = { method: like('.*/(GetVmInfo|ListVms)') } as const;

const apiFailureShare = ratio(metald.apiErrors, metald.apiRequests, {
  by: ['job'],
  window,
  wherePart: { code: among(...SERVER_FAULTS) },
});

/** Share of the calls that did not fail by metald's own fault. */
export const availability = recording('job:metald_api_availability:ratio_rate5m', promql`1 - ${apiFailureShare}`);

export const latencyP99 = recording(
  'job:metald_api_duration_seconds:p99_rate5m',
  quantile(0.99, metald.apiDuration, { by: ['job'], window, where: readingCalls }),
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
  slo('metald_api_availability', {
    title: 'metald API availability',
    indicator: eventRatio({
      bad: metald.apiErrors,
      total: metald.apiRequests,
      whereBad: { code: among(...SERVER_FAULTS) },
    }),
    objective: 0.999,
    window: '30d',
    team: 'platform',
    runbook: 'error-budget',
    leastEvents: 20_000,
  }),
  slo('metald_api_latency', {
    title: 'metald API latency',
    // The guide asks for a p99 of at most half a second: 99 % of the calls within it.
    indicator: latency({ histogram: metald.apiDuration, within: 0.5, where: readingCalls }),
    objective: 0.99,
    window: '30d',
    team: 'platform',
    runbook: 'error-budget',
    leastEvents: 2_000,
  }),
  slo('billing_data_completeness', {
    title: 'Billing data completeness',
    indicator: {
      kind: 'events',
      bad: (window) => sum(rate(metald.batchFailures, { window }), ['job']),
      total: (window) =>
        plus(sum(rate(metald.batchFailures, { window }), ['job']), sum(rate(metald.batchesSent, { window }), ['job'])),
    },
    objective: 0.9999,
    window: '30d',
    team: 'billing',
    runbook: 'error-budget',
    leastEvents: 500,
  }),
  slo('billaged_processing_success', {
    title: 'billaged processing success',
    indicator: {
      kind: 'events',
      bad: (window) =>
        minus(
          sum(rate(billaged.samplesReceived, { window }), ['job']),
          sum(rate(billaged.samplesProcessed, { window }), ['job']),
        ),
      total: (window) => sum(rate(billaged.samplesReceived, { window }), ['job']),
    },
    objective: 0.9995,
    window: '30d',
    team: 'billing',
    runbook: 'error-budget',
    leastEvents: 100_000,
  }),
];
