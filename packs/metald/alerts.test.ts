/** The alerts against Prometheus itself: promtool evaluates the built rules over series that break, and series that do not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from '@belfry/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import metaldPack from './pack.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-alerts-'));
afterAll(() => rmSync(dir, { recursive: true }));
const rules: string[] = [];
for (const { path, text } of build([metaldPack])) {
  if (!path.startsWith('rules/')) continue;
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
  rules.push(path);
}

interface Case {
  readonly name: string;
  /** Series and values in promtool's notation, a value every 15 s. */
  readonly input: Readonly<Record<string, string>>;
  readonly at: string;
  readonly alert: string;
  /** The description that it fires with; nothing when it must stay silent. */
  readonly says: string | undefined;
}

const METALD = 'job="metald", instance="a"';
const BILLAGED = 'job="billaged", instance="b"';
const rising = (step: number) => `0+${step}x200`;
const never = '0x200';

const cases: readonly Case[] = [
  {
    name: 'down for three minutes',
    input: { [`up{${BILLAGED}}`]: '0x200' },
    at: '3m',
    alert: 'ServiceDown',
    says: 'b has been down for more than 2 minutes',
  },
  {
    name: 'down for one minute',
    input: { [`up{${BILLAGED}}`]: '0x200' },
    at: '1m',
    alert: 'ServiceDown',
    says: undefined,
  },
  { name: 'another job down', input: { 'up{job="node"}': '0x200' }, at: '30m', alert: 'ServiceDown', says: undefined },
  {
    name: 'a tenth of the calls fails',
    input: {
      [`metald_errors_total{${METALD}, component="api"}`]: rising(1),
      [`metald_api_requests_total{${METALD}, method="x"}`]: rising(10),
    },
    at: '15m',
    alert: 'HighErrorRate',
    says: '10% of the calls to metald fail by its own fault',
  },
  {
    name: 'one call in a hundred fails, though many a second',
    input: {
      [`metald_errors_total{${METALD}, component="api"}`]: rising(100),
      [`metald_api_requests_total{${METALD}, method="x"}`]: rising(10_000),
    },
    at: '15m',
    alert: 'HighErrorRate',
    says: undefined,
  },
  {
    name: 'billing fails, the API does not',
    input: {
      [`metald_errors_total{${METALD}, component="billing"}`]: rising(10),
      [`metald_errors_total{${METALD}, component="api"}`]: never,
      [`metald_api_requests_total{${METALD}, method="x"}`]: rising(10),
    },
    at: '15m',
    alert: 'HighErrorRate',
    says: undefined,
  },
  {
    name: 'nobody calls',
    input: {
      [`billaged_errors_total{${BILLAGED}, component="api"}`]: never,
      [`billaged_api_requests_total{${BILLAGED}, method="x"}`]: never,
    },
    at: '15m',
    alert: 'HighErrorRate',
    says: undefined,
  },
  {
    name: 'billaged fails at every second call',
    input: {
      [`billaged_errors_total{${BILLAGED}, component="api"}`]: rising(1),
      [`billaged_api_requests_total{${BILLAGED}, method="x"}`]: rising(2),
    },
    at: '15m',
    alert: 'HighErrorRate',
    says: '50% of the calls to billaged fail by its own fault',
  },
  {
    name: 'no batch arrives',
    input: {
      [`metald_billing_batch_failures_total{${METALD}, reason="unavailable"}`]: rising(1),
      [`metald_billing_batches_sent_total{${METALD}}`]: never,
    },
    at: '15m',
    alert: 'BillingDataLossRisk',
    says: '100% of the billing batches of metald fail; failed batches are dropped',
  },
  {
    name: 'one batch in twenty is lost',
    input: {
      [`metald_billing_batch_failures_total{${METALD}, reason="timeout"}`]: rising(1),
      [`metald_billing_batches_sent_total{${METALD}, vm_id="v"}`]: rising(19),
    },
    at: '15m',
    alert: 'BillingDataLossRisk',
    says: undefined,
  },
  {
    name: 'metald has 3 GB',
    input: { [`process_resident_memory_bytes{${METALD}}`]: '3000000000x200' },
    at: '15m',
    alert: 'HighMemoryUsage',
    says: 'a has 2.794GiB resident',
  },
  {
    name: 'billaged has 1.5 GB',
    input: { [`process_resident_memory_bytes{${BILLAGED}}`]: '1500000000x200' },
    at: '15m',
    alert: 'HighMemoryUsage',
    says: 'b has 1.397GiB resident',
  },
  {
    name: 'metald has 1.5 GB',
    input: { [`process_resident_memory_bytes{${METALD}}`]: '1500000000x200' },
    at: '15m',
    alert: 'HighMemoryUsage',
    says: undefined,
  },
  {
    name: 'batches take between 250 and 500 ms',
    input: {
      [`billaged_processing_duration_seconds_bucket{${BILLAGED}, le="0.1"}`]: never,
      [`billaged_processing_duration_seconds_bucket{${BILLAGED}, le="0.5"}`]: rising(10),
      [`billaged_processing_duration_seconds_bucket{${BILLAGED}, le="+Inf"}`]: rising(10),
    },
    at: '20m',
    alert: 'SlowBillingProcessing',
    says: '5 % of the batches take 480ms or longer to process',
  },
  {
    name: 'batches take below 5 ms',
    input: {
      [`billaged_processing_duration_seconds_bucket{${BILLAGED}, le="0.005"}`]: rising(10),
      [`billaged_processing_duration_seconds_bucket{${BILLAGED}, le="+Inf"}`]: rising(10),
    },
    at: '20m',
    alert: 'SlowBillingProcessing',
    says: undefined,
  },
  {
    name: 'a quarter of the boots fails',
    input: {
      [`metald_vm_operations_total{${METALD}, operation="boot", status="failed"}`]: rising(1),
      [`metald_vm_operations_total{${METALD}, operation="boot", status="success"}`]: rising(3),
    },
    at: '20m',
    alert: 'VMBootFailures',
    says: '25% of VM boots are failing',
  },
  {
    name: 'creates fail, boots do not',
    input: {
      [`metald_vm_operations_total{${METALD}, operation="create", status="failed"}`]: rising(5),
      [`metald_vm_operations_total{${METALD}, operation="boot", status="failed"}`]: never,
      [`metald_vm_operations_total{${METALD}, operation="boot", status="success"}`]: rising(3),
    },
    at: '20m',
    alert: 'VMBootFailures',
    says: undefined,
  },
  {
    name: 'shutdowns fail, nothing else',
    input: {
      [`metald_vm_operations_total{${METALD}, operation="shutdown", status="failed"}`]: rising(1),
      [`metald_vm_operations_total{${METALD}, operation="shutdown", status="success"}`]: rising(9),
      [`metald_vm_operations_total{${METALD}, operation="boot", status="success"}`]: rising(9),
    },
    at: '30m',
    alert: 'VMOperationFailures',
    says: '10% of the operations shutdown fail at the hypervisor',
  },
  {
    name: 'one operation in a hundred fails',
    input: {
      [`metald_vm_operations_total{${METALD}, operation="boot", status="failed"}`]: rising(1),
      [`metald_vm_operations_total{${METALD}, operation="boot", status="success"}`]: rising(99),
    },
    at: '30m',
    alert: 'VMOperationFailures',
    says: undefined,
  },
  {
    name: 'metald has 600 MB',
    input: { [`process_resident_memory_bytes{${METALD}}`]: '600000000x200' },
    at: '15m',
    alert: 'NotableMemoryUsage',
    says: 'a has 572.2MiB resident',
  },
  {
    name: 'metald has 100 MB',
    input: { [`process_resident_memory_bytes{${METALD}}`]: '100000000x200' },
    at: '15m',
    alert: 'NotableMemoryUsage',
    says: undefined,
  },
  {
    name: 'batches are refused',
    input: { [`metald_billing_batch_failures_total{${METALD}, reason="refused"}`]: rising(1) },
    at: '15m',
    alert: 'BillingBatchFailures',
    says: '40 billing batches were lost within ten minutes (refused)',
  },
  {
    name: 'none fails any more',
    input: { [`metald_billing_batch_failures_total{${METALD}, reason="refused"}`]: '7x200' },
    at: '15m',
    alert: 'BillingBatchFailures',
    says: undefined,
  },
  {
    name: 'every heartbeat fails',
    input: { [`metald_heartbeat_failures_total{${METALD}, instance_id="i"}`]: '0+0.5x200' },
    at: '15m',
    alert: 'BillingHeartbeatsFailing',
    says: '10 heartbeats of metald failed within five minutes',
  },
  {
    name: 'one heartbeat failed',
    input: { [`metald_heartbeat_failures_total{${METALD}, instance_id="i"}`]: '0x20 1x180' },
    at: '7m',
    alert: 'BillingHeartbeatsFailing',
    says: undefined,
  },
  ...(['boot', 'shutdown', 'delete'] as const).map((broken) => ({
    name: `somebody tries to ${broken} the VMs of others`,
    input: Object.fromEntries(
      (['boot', 'shutdown', 'delete'] as const).map((op) => [
        `unkey_metald_vm_${op}_failures_total{${METALD}, error_type="ownership_validation_failed"}`,
        op === broken ? rising(15) : never,
      ]),
    ),
    at: '15m',
    alert: 'CrossTenantProbing',
    says: '1 calls per second are for VMs of another customer',
  })),
  {
    name: 'two calls in a hundred fail',
    input: {
      [`metald_api_errors_total{${METALD}, method="x", code="internal"}`]: '0+20x400',
      [`metald_api_requests_total{${METALD}, method="x"}`]: '0+1000x400',
    },
    at: '90m',
    alert: 'MetaldApiAvailabilityBurnFast',
    says: '2% of the events are bad; 99.9 % good ones within 30d are the objective',
  },
  {
    name: 'two calls in a hundred fail, of few',
    input: {
      [`metald_api_errors_total{${METALD}, method="x", code="internal"}`]: '0+1x400',
      [`metald_api_requests_total{${METALD}, method="x"}`]: '0+50x400',
    },
    at: '90m',
    alert: 'MetaldApiAvailabilityBurnFast',
    says: undefined,
  },
  {
    name: 'callers make mistakes',
    input: {
      [`metald_api_errors_total{${METALD}, method="x", code="invalid_argument"}`]: '0+500x400',
      [`metald_api_requests_total{${METALD}, method="x"}`]: '0+1000x400',
    },
    at: '90m',
    alert: 'MetaldApiAvailabilityBurnFast',
    says: undefined,
  },
  {
    name: 'four calls in a thousand fail for hours',
    input: {
      [`metald_api_errors_total{${METALD}, method="x", code="internal"}`]: '0+4x1200',
      [`metald_api_requests_total{${METALD}, method="x"}`]: '0+1000x1200',
    },
    at: '4h',
    alert: 'MetaldApiAvailabilityBurnSlow',
    says: '0.4% of the events are bad; 99.9 % good ones within 30d are the objective',
  },
  {
    name: 'half of what may fail fails',
    input: {
      [`metald_api_errors_total{${METALD}, method="x", code="internal"}`]: '0+1x1200',
      [`metald_api_requests_total{${METALD}, method="x"}`]: '0+2000x1200',
    },
    at: '4h',
    alert: 'MetaldApiAvailabilityBurnSlow',
    says: undefined,
  },
  {
    name: 'every tenth look takes longer than half a second',
    input: {
      [`metald_api_duration_seconds_bucket{${METALD}, method="/s/ListVms", le="0.5"}`]: '0+900x400',
      [`metald_api_duration_seconds_bucket{${METALD}, method="/s/ListVms", le="+Inf"}`]: '0+1000x400',
      [`metald_api_duration_seconds_count{${METALD}, method="/s/ListVms"}`]: '0+1000x400',
    },
    at: '90m',
    alert: 'MetaldApiLatencyBurnSlow',
    says: '10% of the events are bad; 99 % good ones within 30d are the objective',
  },
  {
    name: 'creating takes long',
    input: {
      [`metald_api_duration_seconds_bucket{${METALD}, method="/s/CreateVm", le="0.5"}`]: never,
      [`metald_api_duration_seconds_count{${METALD}, method="/s/CreateVm"}`]: '0+1000x400',
    },
    at: '90m',
    alert: 'MetaldApiLatencyBurnSlow',
    says: undefined,
  },
  {
    name: 'one batch in a hundred is lost',
    input: {
      [`metald_billing_batch_failures_total{${METALD}, reason="timeout"}`]: '0+1x400',
      [`metald_billing_batches_sent_total{${METALD}}`]: '0+99x400',
    },
    at: '90m',
    alert: 'BillingDataCompletenessBurnFast',
    says: '1% of the events are bad; 99.99 % good ones within 30d are the objective',
  },
  {
    name: 'billaged takes 99 of 100 samples',
    input: {
      [`billaged_metrics_received_total{${BILLAGED}}`]: '0+10000x400',
      [`billaged_metrics_processed_total{${BILLAGED}}`]: '0+9900x400',
    },
    at: '90m',
    alert: 'BillagedProcessingSuccessBurnFast',
    says: '1% of the events are bad; 99.95 % good ones within 30d are the objective',
  },
  {
    name: 'a mistake now and then',
    input: {
      [`unkey_metald_vm_boot_failures_total{${METALD}, error_type="ownership_validation_failed"}`]: rising(1),
      [`unkey_metald_vm_shutdown_failures_total{${METALD}, error_type="ownership_validation_failed"}`]: never,
      [`unkey_metald_vm_delete_failures_total{${METALD}, error_type="ownership_validation_failed"}`]: never,
    },
    at: '15m',
    alert: 'CrossTenantProbing',
    says: undefined,
  },
];

/** What each case's alert says when it fires, by the case's name; nothing when it is silent. All in one run of promtool. */
function verdicts(): ReadonlyMap<string, string> {
  const tests = cases.map(({ name, input, at, alert }) => ({
    name,
    interval: '15s',
    input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
    // Whatever fires is unexpected, and promtool prints it whole.
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: [] }],
  }));
  const file = join(dir, 'test.json');
  writeFileSync(file, JSON.stringify({ rule_files: rules, evaluation_interval: '1m', tests }));
  const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  const told = (stdout + stderr).split(/^ +name: /m).slice(1);
  return new Map(
    told.map((text) => [/^(.*),$/m.exec(text)![1]!, /description="([^"]*)"/.exec(text)?.[1] ?? text] as const),
  );
}

describe.skipIf(spawnSync('promtool', ['--version']).status !== 0)('alerts, by promtool (skipped without it)', () => {
  let said: ReadonlyMap<string, string>;
  beforeAll(() => {
    said = verdicts();
  });
  it.each(cases.map((c) => [c.alert, c.name, c] as const))('%s: %s', (_, __, c) => {
    expect(said.get(c.name)).toBe(c.says);
  });
  it('each fires in one case at least, and stays silent in another', () => {
    const told = (fires: boolean) => new Set(cases.filter((c) => (c.says !== undefined) === fires).map((c) => c.alert));
    const names = metaldPack.rules.flatMap((g) => g.rules).filter((r) => r.kind === 'alert');
    // The SLOs share one form.
    for (const { name } of names.filter((a) => a.labels.slo === undefined)) {
      expect([told(true).has(name), told(false).has(name)], name).toEqual([true, true]);
    }
  });
});
