import { BelfryError } from '@belfry/model';
import { billagedCatalogue } from '@belfry/pack-metald/metrics';
import type { JsonObject } from '@belfry/service-kit';
import { type Answer, call, scrape } from '@belfry/service-kit/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAggregator, resourceScore, summaryLines, type UsageSample } from './aggregator.ts';
import { type Billaged, startBillaged } from './billaged.ts';
import { billagedOptions } from './config.ts';

const sample = (cpuTimeNanos: number, memoryUsageBytes = 100): UsageSample => ({
  cpuTimeNanos,
  memoryUsageBytes,
  diskReadBytes: 0,
  diskWriteBytes: 0,
  networkRxBytes: 0,
  networkTxBytes: 0,
});

describe('the aggregator', () => {
  it('adds up rises, and takes a fall for a new beginning', () => {
    const aggregator = createAggregator();
    aggregator.start('vm', 'acme', 0);
    const { usage, growth } = aggregator.add('vm', 'acme', [sample(10), sample(30, 500), sample(5), sample(7)], 1);
    expect(growth.cpuTimeNanos).toBe(22);
    expect(aggregator.add('vm', 'acme', [sample(9, 200)], 2).growth.cpuTimeNanos).toBe(2);
    expect(usage).toMatchObject({ memoryBytes: 500, samples: 5, totals: { cpuTimeNanos: 24 } });
  });

  it('gives the same however samples are cut into batches', () => {
    const counters = fc.array(fc.nat(1e9), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(counters, fc.nat(39), (values, cut) => {
        const [whole, parts] = [createAggregator(), createAggregator()];
        const all = values.map((v) => sample(v, v));
        const once = whole.add('vm', 'acme', all, 0).usage;
        parts.add('vm', 'acme', all.slice(0, cut), 0);
        const twice = parts.add('vm', 'acme', all.slice(cut), 0).usage;
        expect(twice).toEqual(once);
      }),
    );
  });

  it('forgets what stopped or fell silent', () => {
    const aggregator = createAggregator();
    for (const id of ['a', 'b', 'c']) aggregator.add(id, 'acme', [sample(0)], id === 'a' ? 0 : 100);
    expect(aggregator.stop('b')?.vmId).toBe('b');
    expect(aggregator.stop('b')).toBeUndefined();
    expect(aggregator.expire(50).map((u) => u.vmId)).toEqual(['a']);
    expect(aggregator.active).toBe(1);
  });

  it('scores processors, memory and disks', () => {
    const aggregator = createAggregator();
    const last = { ...sample(2e9, 2 ** 31), diskReadBytes: 2 ** 20, diskWriteBytes: 2 ** 20 };
    const { usage } = aggregator.add('vm', 'acme', [sample(0), last], 0);
    expect(resourceScore(usage)).toBeCloseTo(2 + 1 + 0.6);
    expect(summaryLines(usage)).toContain('BILLING METRICS: resource_score 3.600, sample_count 2');
  });
});

const lines: string[] = [];
let billaged: Billaged;

beforeEach(async () => {
  lines.length = 0;
  billaged = await startBillaged({
    port: 0,
    metricsPort: 0,
    latencyScale: 0,
    logSink: { write: (l) => void lines.push(l) },
  });
});
afterEach(() => billaged.close());

const acme = { 'x-tenant-id': 'acme' };
const rpc = (method: string, request: JsonObject | string, headers: Record<string, string> = acme): Promise<Answer> =>
  call(`http://127.0.0.1:${billaged.ports.api}/billing.v1.BillingService/${method}`, request, headers);
const metric = (cpu: number) => ({
  timestamp: '2026-01-01T00:00:00Z',
  cpu_time_nanos: String(cpu),
  memoryUsageBytes: '2048',
});
const batch = (...metrics: readonly JsonObject[]) => ({ vmId: 'vm-1', customerId: 'acme', metrics });
const stats = async () => (await fetch(`http://127.0.0.1:${billaged.ports.api}/stats`)).json();

describe('billaged', () => {
  it('accounts a VM from its start to its stop', async () => {
    await rpc('NotifyVmStarted', { vmId: 'vm-1', customerId: 'acme', startTime: '1795229645000000000' });
    expect(await stats()).toEqual({ active_vms: 1, aggregation_interval: '1m' });
    expect(await rpc('SendMetricsBatch', batch(metric(1e9), metric(3e9)))).toEqual({
      status: 200,
      body: { success: true, message: 'processed 2 metrics' },
    });
    expect(await rpc('SendHeartbeat', { instanceId: 'metald-1', activeVms: ['vm-1'] }, {})).toMatchObject({
      body: { success: true },
    });
    const metrics = await scrape(billaged.ports.metrics);
    expect(metrics.sum('billaged_metrics_received_total')).toBe(2);
    expect(metrics.sum('billaged_metrics_processed_total')).toBe(2);
    expect(metrics.sum('billaged_usage_records_processed_total', { customer_id: 'acme' })).toBe(1);
    expect(metrics.sum('billaged_customer_cpu_seconds_total', { customer_id: 'acme' })).toBe(2);
    expect(metrics.sum('billaged_customer_memory_bytes', { customer_id: 'acme' })).toBe(2048);
    expect(metrics.sum('billaged_active_vms')).toBe(1);
    await rpc('NotifyVmStopped', { vmId: 'vm-1', stopTime: '1795229646000000000' });
    expect(await stats()).toMatchObject({ active_vms: 0 });
    expect(lines.some((l) => l.includes('=== BILLAGED USAGE SUMMARY ===') && l.includes('"sample_count":2'))).toBe(
      true,
    );
    expect((await scrape(billaged.ports.metrics)).sum('billaged_customer_memory_bytes', { customer_id: 'acme' })).toBe(
      0,
    );
  });

  it('counts notices of gaps', async () => {
    await rpc('NotifyPossibleGap', { vmId: 'vm-1', lastSent: '1000000', resumeTime: '6000000' });
    expect(lines.some((l) => l.includes('"gap_ms":5'))).toBe(true);
    expect((await scrape(billaged.ports.metrics)).sum('billaged_gap_notifications_total')).toBe(1);
  });

  it.each<[string, string, JsonObject | string, Record<string, string>, number, string]>([
    ['an empty batch', 'SendMetricsBatch', batch(), acme, 200, 'no metrics provided'],
    ['no tenant', 'SendMetricsBatch', batch(metric(1)), {}, 401, 'tenant ID is required'],
    [
      'another tenant',
      'SendMetricsBatch',
      batch(metric(1)),
      { 'x-tenant-id': 'x' },
      403,
      'is not the tenant of the call',
    ],
    ['no VM', 'SendMetricsBatch', { customerId: 'acme', metrics: [metric(1)] }, acme, 400, 'vm_id is required'],
    ['a sample without time', 'SendMetricsBatch', batch({}), acme, 400, 'metrics[0].timestamp is not an RFC 3339 time'],
    ['a negative counter', 'SendMetricsBatch', batch(metric(-1)), acme, 400, 'metrics[0].cpuTimeNanos is negative'],
    ['too many samples', 'SendMetricsBatch', batch(...Array(1001).fill(metric(1))), acme, 400, 'at most 1000 metrics'],
    [
      'metrics that are no list',
      'SendMetricsBatch',
      { vmId: 'x', customerId: 'acme', metrics: 7 },
      acme,
      400,
      'must be a list',
    ],
    ['no instance', 'SendHeartbeat', {}, {}, 400, 'instance_id is required'],
    ['not JSON', 'SendHeartbeat', '{', {}, 400, 'JSON'],
    ['no such method', 'Charge', {}, acme, 501, 'is not a method of billing.v1.BillingService'],
  ])('answers %s', async (_, method, request, headers, status, message) => {
    const answer = await rpc(method, request, headers);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(message);
    expect((await rpc('SendHeartbeat', { instanceId: 'x' })).status).toBe(200);
  });

  it('counts every sample that it takes no account of', async () => {
    billaged.breakages.set('overload', true);
    expect((await rpc('SendMetricsBatch', batch(metric(1)))).status).toBe(500);
    billaged.breakages.set('overload', false);
    billaged.breakages.set('silent-refusal', true);
    expect((await rpc('SendMetricsBatch', batch(metric(1)))).body).toMatchObject({ success: false });
    const metrics = await scrape(billaged.ports.metrics);
    expect(metrics.sum('billaged_metrics_received_total')).toBe(2);
    expect(metrics.sum('billaged_metrics_processed_total')).toBe(0);
    expect(metrics.sum('billaged_errors_total', { component: 'api' })).toBe(1);
    expect(metrics.sum('rpc_server_requests_total', { rpc_status: 'ok' })).toBe(1);
  });

  it('serves exactly what its catalogue declares', async () => {
    const { text } = await scrape(billaged.ports.metrics);
    const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const type = (kind: string) => (kind === 'info' ? 'gauge' : kind);
    const declared = Object.values(billagedCatalogue.metrics).map((m) => `${m.name} ${type(m.kind)}`);
    expect(served.sort()).toEqual(declared.sort());
    expect(await (await fetch(`http://127.0.0.1:${billaged.ports.api}/health`)).json()).toEqual({
      status: 'ok',
      service: 'billaged',
    });
  });

  it('takes the environment of both documents', () => {
    expect(billagedOptions({ BILLAGED_PORT: '9000', UNKEY_BILLAGED_AGGREGATION_INTERVAL: '5m' }, [])).toMatchObject({
      port: 9000,
      aggregationIntervalMs: 300_000,
    });
    expect(() => billagedOptions({ UNKEY_BILLAGED_AGGREGATION_INTERVAL: 'soon' }, [])).toThrow(
      'expected a duration from 1s',
    );
  });

  it('says which port is taken', async () => {
    const again = startBillaged({ port: 0, metricsPort: billaged.ports.metrics, logSink: { write() {} } });
    await expect(again).rejects.toThrow(BelfryError);
    await expect(again).rejects.toThrow(`billaged: port ${billaged.ports.metrics} on 127.0.0.1 is in use`);
  });
});
