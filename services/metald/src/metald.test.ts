import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BelfryError } from '@belfry/model';
import { metaldCatalogue, OPERATIONS } from '@belfry/pack-metald/metrics';
import type { JsonObject } from '@belfry/service-kit';
import { type Answer, call, scrape } from '@belfry/service-kit/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metaldOptions } from './config.ts';
import { type Metald, startMetald } from './metald.ts';

interface Received {
  readonly method: string;
  readonly tenant: string | undefined;
  readonly body: JsonObject;
}

/** Stands for billaged at the wire: keeps what it is sent, and says yes. */
async function billagedStandIn(): Promise<{ server: Server; url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const tenant = request.headers['x-tenant-id'] as string | undefined;
      received.push({ method: request.url!.split('/').pop()!, tenant, body: JSON.parse(text) });
      response.setHeader('content-type', 'application/json').end('{"success":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const lines: string[] = [];
const quiet = { write: (line: string) => void lines.push(line) };
const acme = { authorization: 'Bearer dev_user_ann', 'x-tenant-id': 'acme' };
const globex = { authorization: 'Bearer dev_user_bob', 'x-tenant-id': 'globex' };
const config = {
  cpu: { vcpu_count: 2 },
  memory: { size_bytes: '268435456' },
  boot: { kernel_path: '/vmlinux' },
  storage: [{ path: '/rootfs.ext4', is_root_device: true }],
  metadata: { my_key: 'v' },
};

let billaged: Awaited<ReturnType<typeof billagedStandIn>>;
let metald: Metald;

beforeEach(async () => {
  billaged = await billagedStandIn();
  metald = await startMetald({
    port: 0,
    metricsPort: 0,
    billingEndpoint: billaged.url,
    batchSamples: 3,
    traffic: 'off',
    latencyScale: 0,
    seed: 5,
    logSink: quiet,
  });
});
afterEach(async () => {
  await metald.close();
  await new Promise((resolve) => billaged.server.close(resolve));
});

const rpc = (method: string, request: JsonObject | string, headers: Record<string, string> = acme): Promise<Answer> =>
  call(`http://127.0.0.1:${metald.ports.api}/vmprovisioner.v1.VmService/${method}`, request, headers);

async function createVm(headers = acme): Promise<string> {
  const { body } = await rpc('CreateVm', { config }, headers);
  return body.vmId as string;
}

/** Repeats until it holds; how long that takes decides nothing. */
async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('the life of a VM', () => {
  it('goes from created over running, paused and shut down to deleted', async () => {
    const created = await rpc('CreateVm', { config });
    expect(created.body).toEqual({ vmId: expect.stringMatching(/^ud-[0-9a-f]{16}$/), state: 'VM_STATE_CREATED' });
    const vm = { vm_id: created.body.vmId };
    expect((await rpc('BootVm', vm)).body).toEqual({ success: true, state: 'VM_STATE_RUNNING' });
    expect((await rpc('PauseVm', vm)).body.state).toBe('VM_STATE_PAUSED');
    expect((await rpc('ResumeVm', { vmId: vm.vm_id })).body.state).toBe('VM_STATE_RUNNING');
    expect((await rpc('RebootVm', vm)).body.state).toBe('VM_STATE_RUNNING');
    expect((await rpc('GetVmInfo', vm)).body).toMatchObject({
      state: 'VM_STATE_RUNNING',
      config: { cpu: { vcpuCount: 2 }, memory: { sizeBytes: '268435456' }, metadata: { my_key: 'v' } },
      networkInfo: { ipAddress: '172.31.0.2', gateway: '172.31.0.1' },
    });
    expect((await rpc('ListVms', {})).body).toMatchObject({
      vms: [
        { vmId: vm.vm_id, state: 'VM_STATE_RUNNING', vcpuCount: 2, memorySizeBytes: '268435456', customerId: 'acme' },
      ],
      totalCount: 1,
    });
    expect((await rpc('ListVms', {}, globex)).body).toEqual({});
    expect((await rpc('ShutdownVm', { ...vm, force: true })).body).toEqual({
      success: true,
      state: 'VM_STATE_SHUTDOWN',
    });
    expect((await rpc('DeleteVm', vm)).body).toEqual({ success: true });
    expect((await rpc('GetVmInfo', vm)).status).toBe(404);
  });

  it('refuses what the state does not allow', async () => {
    const vmId = await createVm();
    const answer = await rpc('PauseVm', { vmId });
    expect(answer).toEqual({
      status: 400,
      body: { code: 'failed_precondition', message: `VM ${vmId} is VM_STATE_CREATED; pause needs VM_STATE_RUNNING` },
    });
  });

  it('has a limit of processes', async () => {
    const ids = await Promise.all(Array.from({ length: 26 }, () => createVm()));
    const answers = await Promise.all(ids.map((vmId) => rpc('BootVm', { vmId })));
    const refused = answers.filter((a) => a.body.code === 'resource_exhausted');
    expect(refused[0]?.body.message).toContain('the limit of 25 hypervisor processes is reached');
    expect(
      (await scrape(metald.ports.metrics)).sum('unkey_metald_process_create_failures_total', {
        error_type: 'process_limit',
      }),
    ).toBe(1);
  });
});

describe('what is refused', () => {
  it("answers the document's own curl with what is missing, and counts it", async () => {
    const fromTheDocument = '{"config":{"cpu":{"vcpu_count":1},"memory":{"size_bytes":134217728}}}';
    const { status, body } = await rpc('CreateVm', fromTheDocument, {});
    expect(status).toBe(401);
    expect(body.code).toBe('unauthenticated');
    for (const missing of [
      'Authorization: Bearer dev_user_',
      'X-Tenant-ID',
      'config.boot.kernel_path',
      'config.storage',
    ]) {
      expect(body.message).toContain(missing);
    }
    const metrics = await scrape(metald.ports.metrics);
    expect(metrics.sum('unkey_metald_vm_create_failures_total', { error_type: 'missing_customer_context' })).toBe(1);
    expect(metrics.sum('rpc_server_requests_total')).toBe(0);
  });

  const without = (field: keyof typeof config) => ({ config: { ...config, [field]: undefined } });
  it.each<[string, JsonObject, Record<string, string>, number, string, string]>([
    ['no config', {}, acme, 400, 'missing_config', 'VM configuration is required'],
    ['no config counts before no credentials', {}, {}, 400, 'missing_config', 'VM configuration is required'],
    [
      'no tenant',
      { config },
      { authorization: 'Bearer dev_user_x' },
      401,
      'missing_customer_context',
      'tenant ID is required',
    ],
    [
      'a wrong token',
      { config },
      { ...acme, authorization: 'Bearer x' },
      401,
      'authentication_failed',
      'authentication failed',
    ],
    [
      'a restricted tenant',
      { config },
      { ...acme, 'x-tenant-id': 'restricted-tenant' },
      403,
      'permission_denied',
      'access denied',
    ],
    [
      'another customer',
      { config, customer_id: 'globex' },
      acme,
      403,
      'permission_denied',
      'is not the authenticated customer',
    ],
    ['no cpu', without('cpu'), acme, 400, 'invalid_config', 'cpu configuration is required'],
    ['no memory', without('memory'), acme, 400, 'invalid_config', 'memory configuration is required'],
    ['no boot', without('boot'), acme, 400, 'invalid_config', 'boot configuration is required'],
    ['no storage', without('storage'), acme, 400, 'invalid_config', 'at least one storage device is required'],
    [
      'no processors',
      { config: { ...config, cpu: {} } },
      acme,
      400,
      'invalid_config',
      'vcpu_count must be greater than 0',
    ],
    [
      'max below count',
      { config: { ...config, cpu: { vcpuCount: 4, maxVcpuCount: 2 } } },
      acme,
      400,
      'invalid_config',
      'max_vcpu_count',
    ],
    [
      'text as number',
      { config: { ...config, cpu: { vcpuCount: 'four' } } },
      acme,
      400,
      'invalid_config',
      'must be a whole number',
    ],
    [
      'a list as message',
      { config: { ...config, memory: [1] } },
      acme,
      400,
      'invalid_config',
      'config.memory must be an object',
    ],
    [
      'a disk without path',
      { config: { ...config, storage: [{}] } },
      acme,
      400,
      'invalid_config',
      'storage device 0 has no path',
    ],
    [
      'an unknown backend',
      { config: { ...config, metadata: { backend: 'qemu' } } },
      acme,
      400,
      'invalid_config',
      'must be firecracker or cloudhypervisor',
    ],
  ])('CreateVm with %s', async (_, request, headers, status, error_type, message) => {
    const answer = await rpc('CreateVm', request, headers);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(message);
    expect((await scrape(metald.ports.metrics)).sum('unkey_metald_vm_create_failures_total', { error_type })).toBe(1);
  });

  it('keeps customers apart', async () => {
    const vmId = await createVm();
    for (const method of ['BootVm', 'ShutdownVm', 'DeleteVm', 'GetVmInfo']) {
      const answer = await rpc(method, { vmId }, globex);
      expect(answer).toEqual({
        status: 403,
        body: { code: 'permission_denied', message: `VM ${vmId} is not owned by customer globex` },
      });
    }
    const metrics = await scrape(metald.ports.metrics);
    expect(metrics.sum('unkey_metald_vm_boot_failures_total', { error_type: 'ownership_validation_failed' })).toBe(1);
    expect(lines.some((line) => line.includes('SECURITY: unauthorized vm access attempt'))).toBe(true);
  });

  it.each<[string, string, number]>([
    ['not JSON', '{', 400],
    ['an empty body', '', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['a number for a message', '{"config":7}', 400],
    ['a deep nest', `{"config":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400],
    ['a prototype', '{"__proto__":{"vmId":"x"},"constructor":1}', 400],
    ['text for a list', '{"config":{"storage":"x"}}', 400],
  ])('survives %s', async (_, body, status) => {
    const answer = await rpc('CreateVm', body);
    expect([answer.status, typeof answer.body.code]).toEqual([status, 'string']);
    expect((await rpc('ListVms', {})).status).toBe(200);
  });

  it('answers any JSON with an answer of its protocol', async () => {
    const methods = ['CreateVm', 'BootVm', 'ShutdownVm', 'PauseVm', 'ResumeVm', 'RebootVm', 'DeleteVm', 'GetVmInfo'];
    const field = fc.constantFrom(
      'vmId',
      'vm_id',
      'config',
      'customer_id',
      'force',
      'metadata',
      'cpu',
      'memory',
      'storage',
      'boot',
    );
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue()))),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), body, async (method, request) => {
        const answer = await rpc(method, JSON.stringify(request));
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(answer.body).toEqual({ code: expect.any(String), message: expect.any(String) });
      }),
      { numRuns: 200 },
    );
  });

  it('answers what it does not serve with errors of its protocol', async () => {
    expect((await rpc('Launch', {})).body).toMatchObject({ code: 'unimplemented' });
    expect((await fetch(`http://127.0.0.1:${metald.ports.api}/vmprovisioner.v1.VmService/BootVm`)).status).toBe(405);
    expect((await rpc('BootVm', {}, { ...acme, 'content-type': 'application/proto' })).status).toBe(415);
  });
});

describe('telemetry', () => {
  it('adds up: every request succeeds or fails, and every histogram counts what it holds', async () => {
    const vmId = await createVm();
    await rpc('BootVm', { vmId });
    await rpc('BootVm', { vmId });
    await rpc('RebootVm', { vmId });
    await rpc('ShutdownVm', { vmId, force: true });
    await rpc('ShutdownVm', {}, globex);
    await rpc('DeleteVm', { vmId }, globex);
    await rpc('DeleteVm', { vmId });
    const metrics = await scrape(metald.ports.metrics);
    for (const op of OPERATIONS) {
      const count = (kind: string) => metrics.sum(`unkey_metald_vm_${op}_${kind}_total`);
      expect([op, count('success') + count('failures')]).toEqual([op, count('requests')]);
    }
    expect(metrics.sum('metald_vm_operations_total', { status: 'success' })).toBe(5);
    for (const metric of Object.values(metaldCatalogue.metrics)) {
      if (metric.kind !== 'histogram') continue;
      expect(metrics.sum(`${metric.name}_bucket`, { le: '+Inf' }), metric.name).toBe(
        metrics.sum(`${metric.name}_count`),
      );
    }
  });

  it('is exactly what the catalogue declares, and promtool reads it', async () => {
    const { text } = await scrape(metald.ports.metrics);
    const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const type = (kind: string) => (kind === 'info' ? 'gauge' : kind);
    const declared = Object.values(metaldCatalogue.metrics).map((m) => `${m.name} ${type(m.kind)}`);
    expect(served.sort()).toEqual(declared.sort());
    const { error, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    // The two names that the linter dislikes are the document's.
    if (!error)
      expect(
        stderr
          .trim()
          .split('\n')
          .map((l) => l.split(' ')[0]),
      ).toEqual(['metald_billing_batch_size_histogram', 'metald_vms_total']);
    expect((await scrape(metald.ports.api, 'application/openmetrics-text')).text.endsWith('# EOF\n')).toBe(true);
  });

  it('leaves out single VMs and customers when told so', async () => {
    const small = await startMetald({
      port: 0,
      metricsPort: 0,
      billing: false,
      traffic: 'off',
      highCardinality: false,
      latencyScale: 0,
      logSink: quiet,
    });
    await call(`http://127.0.0.1:${small.ports.api}/vmprovisioner.v1.VmService/CreateVm`, { config }, acme);
    const metrics = await scrape(small.ports.metrics);
    expect(metrics.sum('unkey_metald_vm_create_success_total')).toBe(1);
    expect(metrics.text).not.toContain('customer_id=');
    await small.close();
  });
});

describe('billing', () => {
  it('sends starts, batches, heartbeats and stops, and loses nothing on the way', async () => {
    const vmId = await createVm();
    await rpc('BootVm', { vmId });
    await eventually(() => billaged.received.filter((r) => r.method === 'SendMetricsBatch').length >= 2);
    await rpc('ShutdownVm', { vmId });
    await eventually(() => billaged.received.some((r) => r.method === 'NotifyVmStopped'));
    const of = (method: string) => billaged.received.filter((r) => r.method === method);
    expect(of('SendHeartbeat')[0]?.body.instanceId).toMatch(/^metald-\d+$/);
    expect(of('NotifyVmStarted')).toMatchObject([
      { tenant: 'acme', body: { vmId, customerId: 'acme', startTime: expect.stringMatching(/^\d{19}$/) } },
    ]);
    expect(of('NotifyVmStopped')).toMatchObject([{ tenant: 'acme', body: { vmId } }]);
    const samples = of('SendMetricsBatch').flatMap((r) => r.body.metrics as readonly JsonObject[]);
    expect(samples[0]).toMatchObject({
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      cpuTimeNanos: expect.any(String),
      memoryUsageBytes: expect.any(String),
    });
    const times = samples.map((s) => Date.parse(s.timestamp as string));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const metrics = await scrape(metald.ports.metrics);
    expect(metrics.sum('metald_billing_batches_sent_total', { vm_id: vmId, customer_id: 'acme' })).toBe(
      of('SendMetricsBatch').length,
    );
    expect(metrics.sum('metald_metrics_collected_total')).toBe(samples.length);
    expect(metrics.sum('metald_billing_metrics_collected_total')).toBe(samples.length);
    expect(metrics.sum('metald_billing_batch_size_histogram_sum')).toBe(samples.length);
  });

  it('counts what billaged does not take', async () => {
    const lonely = await startMetald({
      port: 0,
      metricsPort: 0,
      billingEndpoint: 'http://127.0.0.1:9',
      batchSamples: 1,
      traffic: 'off',
      latencyScale: 0,
      logSink: quiet,
    });
    const api = (method: string, request: JsonObject) =>
      call(`http://127.0.0.1:${lonely.ports.api}/vmprovisioner.v1.VmService/${method}`, request, acme);
    const vmId = (await api('CreateVm', { config })).body.vmId as string;
    await api('BootVm', { vmId });
    await eventually(
      async () =>
        (await scrape(lonely.ports.metrics)).sum('metald_billing_batch_failures_total', { reason: 'unavailable' }) > 1,
    );
    const metrics = await scrape(lonely.ports.metrics);
    expect(metrics.sum('metald_heartbeat_failures_total')).toBe(1);
    expect(metrics.sum('metald_billing_batches_sent_total')).toBe(0);
    await lonely.close();
  });
});

describe('incidents', () => {
  const set = (name: string, on: boolean) => call(`http://127.0.0.1:${metald.ports.api}/_/breakages`, { name, on });

  it('break boots, and stop breaking them', async () => {
    expect((await set('jailer-failures', true)).status).toBe(200);
    const boots: number[] = [];
    for (let i = 0; i < 10; i++) boots.push((await rpc('BootVm', { vmId: await createVm() })).status);
    expect(boots).toContain(500);
    const metrics = await scrape(metald.ports.metrics);
    expect(metrics.sum('unkey_metald_jailer_start_failures_total')).toBeGreaterThan(0);
    expect(metrics.sum('metald_vm_operations_total', { operation: 'boot', status: 'failed' })).toBeGreaterThan(0);
    await set('jailer-failures', false);
    expect(metald.breakages.isOn('jailer-failures')).toBe(false);
  });

  it('break everything that needs the database, health included', async () => {
    await set('database-outage', true);
    expect((await rpc('ListVms', {})).body).toEqual({
      code: 'internal',
      message: 'database error: connection refused',
    });
    const health = await fetch(`http://127.0.0.1:${metald.ports.api}/_/health`);
    expect([health.status, ((await health.json()) as JsonObject).status]).toEqual([503, 'degraded']);
    expect((await scrape(metald.ports.metrics)).sum('metald_errors_total', { component: 'api' })).toBe(1);
  });

  it('are known by name', async () => {
    expect((await set('jailer-failure', true)).body.message).toContain('did you mean jailer-failures?');
    expect((await call(`http://127.0.0.1:${metald.ports.api}/_/breakages`, {})).status).toBe(400);
  });

  it('make memory seem to grow', async () => {
    metald.breakages.set('memory-growth', true);
    const first = (await scrape(metald.ports.metrics)).sum('process_resident_memory_bytes');
    await eventually(
      async () => (await scrape(metald.ports.metrics)).sum('process_resident_memory_bytes') > first + 2e6,
    );
  });
});

describe('starting', () => {
  it('says in one line which port is taken and how to choose another', async () => {
    const again = startMetald({ port: metald.ports.api, metricsPort: 0, traffic: 'off', logSink: quiet });
    await expect(again).rejects.toThrow(BelfryError);
    await expect(again).rejects.toThrow(
      `metald: port ${metald.ports.api} on 127.0.0.1 is in use; choose another with UNKEY_METALD_PORT or --port`,
    );
  });

  it('takes the environment of the documents', () => {
    const env = {
      UNKEY_METALD_PORT: '9001',
      UNKEY_METALD_OTEL_ENABLED: 'true',
      UNKEY_METALD_OTEL_PROMETHEUS_ENABLED: 'false',
      UNKEY_METALD_OTEL_PROMETHEUS_PORT: '9002',
    };
    expect(metaldOptions(env, ['--traffic', 'off'])).toMatchObject({
      port: 9001,
      metricsPort: 9002,
      telemetry: false,
      traffic: 'off',
    });
    expect(() => metaldOptions({ UNKEY_METALD_BACKEND: 'xen' }, [])).toThrow(
      'UNKEY_METALD_BACKEND is "xen"; expected firecracker or cloudhypervisor',
    );
  });

  it('says which settings of the documents have no effect, and refuses a log format that it has not', () => {
    const env = { UNKEY_METALD_OTEL_ENDPOINT: 'localhost:4318', LOG_FORMAT: 'json' };
    expect(metaldOptions(env, []).withoutEffect).toEqual(['UNKEY_METALD_OTEL_ENDPOINT']);
    expect(() => metaldOptions({ LOG_FORMAT: 'text' }, [])).toThrow('LOG_FORMAT is "text"; expected json');
  });

  it('serves health as the documents have it', async () => {
    const health = (await (await fetch(`http://127.0.0.1:${metald.ports.api}/_/health`)).json()) as JsonObject;
    expect(health).toMatchObject({
      status: 'healthy',
      version: 'dev',
      backend: { type: 'firecracker', status: 'healthy' },
      system: { cpu: { cores: expect.any(Number) }, memory: { used_percent: expect.any(Number) } },
      checks: {
        backend_ping: { status: 'healthy', duration_ms: expect.any(Number) },
        system_info: { status: 'healthy' },
      },
    });
    expect(await (await fetch(`http://127.0.0.1:${metald.ports.metrics}/health`)).json()).toMatchObject({
      status: 'ok',
      service: 'metald',
    });
  });
});
