import { BelfryError, seededRandom, systemClock } from '@belfry/model';
import { ERROR_CODES, SERVER_FAULTS } from '@belfry/pack-metald/metrics';
import {
  type Breakages,
  type Call,
  type CallObserver,
  type ConnectCode,
  createBreakages,
  createJsonClient,
  createService,
  mountConnect,
  type Ports,
} from '@belfry/service-kit';
import { createBackend } from './backend.ts';
import { createBilling } from './billing.ts';
import type { MetaldOptions } from './config.ts';
import { health } from './health.ts';
import { METALD_INCIDENTS, type MetaldIncident } from './incidents.ts';
import { createProcedures } from './procedures.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { createCollector } from './usage.ts';
import { createVms, type Vm } from './vm.ts';

/** A running metald. */
export interface Metald {
  readonly ports: Ports;
  readonly breakages: Breakages<MetaldIncident>;
  /** Stops traffic and collection, sends what was collected, and frees the ports. */
  close(): Promise<void>;
}

const SERVICE = 'vmprovisioner.v1.VmService';
/** The series of a deleted VM stay this long, so that its last samples are scraped. */
const KEEP_SERIES_MS = 5 * 60_000;
const LEAK_BYTES_PER_S = 100e6;
const LEAK_MOST_BYTES = 3e9;
/** Parts of the service draw from sources of their own, so that one's appetite does not change the other's luck. */
const SEEDS = { vms: 1, hypervisors: 2, usage: 3, traffic: 4 } as const;

/**
 * Starts metald: the API, the metrics, collection and billing, and traffic unless it is off.
 * @throws BelfryError `port_in_use`
 */
export async function startMetald(options: MetaldOptions = {}): Promise<Metald> {
  const clock = options.clock ?? systemClock;
  const seed = (options.seed ?? 1) * 1000;
  const service = createService({
    name: 'metald',
    version: options.version ?? '0.1.0',
    resourceName: options.serviceName,
    clock,
    api: {
      address: options.address ?? '127.0.0.1',
      port: options.port ?? 8080,
      chosenBy: 'UNKEY_METALD_PORT or --port',
    },
    metrics:
      options.telemetry === false
        ? undefined
        : {
            address: options.metricsAddress ?? '127.0.0.1',
            port: options.metricsPort ?? 9464,
            chosenBy: 'UNKEY_METALD_OTEL_PROMETHEUS_PORT or --metrics-port',
          },
    ...(options.logLevel ? { logLevel: options.logLevel } : {}),
    ...(options.logSink ? { logSink: options.logSink } : {}),
  });
  const { log, registry, app } = service;
  const telemetry = createTelemetry(registry, options.highCardinality ?? true);
  const { to } = telemetry;
  let leakSinceMs: number | undefined;
  const breakages = createBreakages<MetaldIncident>(METALD_INCIDENTS, (name, on) => {
    if (name === 'memory-growth') leakSinceMs = on ? clock.monotonic() : undefined;
  });
  const leaked = () =>
    leakSinceMs === undefined
      ? 0
      : Math.min(LEAK_MOST_BYTES, ((clock.monotonic() - leakSinceMs) / 1000) * LEAK_BYTES_PER_S);

  const vms = createVms();
  const client = createJsonClient(clock);
  const defaultBackend = options.backend ?? 'firecracker';
  const hypervisors = createBackend({
    clock,
    random: seededRandom(seed + SEEDS.hypervisors),
    latencyScale: options.latencyScale ?? 1,
    jailer: options.jailer ?? true,
    maxProcesses: options.maxProcesses ?? 25,
    breakages,
    to,
  });
  const billing = createBilling({
    clock,
    client,
    log,
    telemetry,
    endpoint: options.billing === false ? undefined : (options.billingEndpoint ?? 'http://127.0.0.1:8081'),
    instanceId: `metald-${Math.floor(clock.now() / 1000)}`,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    sendTenant: () => !breakages.isOn('missing-tenant-header'),
    activeVms: () => collector.active,
  });
  const sending = new Set<Promise<void>>();
  const track = (work: Promise<void>) => {
    sending.add(work);
    work.finally(() => sending.delete(work));
  };
  const collector = createCollector({
    clock,
    random: seededRandom(seed + SEEDS.usage),
    telemetry,
    batchSamples: options.batchSamples ?? 600,
    batchReady: (batch) => track(billing.send(batch)),
  });
  const ended = (vm: Vm) => {
    if (!collector.stop(vm)) return;
    // After the last batch, which would otherwise make the VM known again.
    track(Promise.all([...sending]).then(() => billing.stopped(vm)));
  };
  const procedures = createProcedures({
    clock,
    random: seededRandom(seed + SEEDS.vms),
    vms,
    hypervisors,
    telemetry,
    log,
    defaultBackend,
    began(vm) {
      collector.start(vm);
      track(billing.started(vm));
    },
    ended,
    deleted: (vm) => void clock.after(KEEP_SERIES_MS, () => forgetSeries(telemetry, vm), { background: true }),
  });

  service.install({
    instruments: to,
    breakages,
    extraMemoryBytes: leaked,
    beforeScrape({ cpuSeconds, residentBytes, activities }) {
      to.ownCpuSeconds.add(Math.max(0, cpuSeconds - ownCpu));
      ownCpu = Math.max(ownCpu, cpuSeconds);
      to.ownResidentMemory.set(residentBytes);
      to.ownGoroutines.set(activities);
      const counts = vms.counts();
      for (const state of ['created', 'running', 'paused', 'shutdown'] as const) to.vms.set(counts[state], { state });
    },
    refused: (path, code) => countCall(telemetry, path, code),
  });
  let ownCpu = 0;
  initialise(telemetry, Object.keys(procedures));
  mountConnect(app, SERVICE, procedures, observeCalls(telemetry, clock));
  app.get('/_/health', (_, reply) => {
    const answer = health(clock, defaultBackend, () => {
      if (breakages.isOn('database-outage')) throw new BelfryError('unavailable', 'database does not answer');
    });
    return reply.code(answer.status).send(answer.body);
  });

  const release = () => {
    collector.close();
    billing.close();
    client.close();
  };
  let ports: Ports;
  try {
    ports = await service.listen();
  } catch (error) {
    release();
    throw error;
  }
  let traffic: Traffic | undefined;
  if (options.traffic !== 'off') {
    traffic = startTraffic({
      clock,
      random: seededRandom(seed + SEEDS.traffic),
      client,
      baseUrl: `http://127.0.0.1:${ports.api}`,
      vms,
      breakages,
      crash() {
        const running = vms.all().filter((vm) => vm.state === 'running' && !vm.busy);
        const vm = running[Math.floor(running.length / 2)];
        if (!vm) return;
        hypervisors.crashed(vm);
        ended(vm);
        vm.state = 'shutdown';
        log.warn({ vm_id: vm.id }, 'reconciler: process is dead, vm marked as shut down');
      },
    });
  }
  if (options.withoutEffect?.length)
    log.warn({ variables: options.withoutEffect }, 'these settings have no effect here');
  log.info({ ports, backend: defaultBackend, traffic: options.traffic ?? 'on' }, 'metald is ready');
  return {
    ports,
    breakages,
    async close() {
      traffic?.close();
      billing.close();
      collector.close();
      await Promise.allSettled([...sending]);
      await service.close();
      client.close();
    },
  };
}

function forgetSeries({ to, vm: vmLabel, customer }: Telemetry, vm: Vm): void {
  const vm_id = vmLabel(vm.id);
  const customer_id = customer(vm.customer);
  for (const op of ['read', 'write'] as const) to.vmDisk.remove({ vm_id: vm.id, customer_id, op });
  if (vm_id === undefined) return;
  to.samplesCollected.remove({ vm_id, customer_id });
  to.batchesSent.remove({ vm_id, customer_id });
  to.vmMetricsReadings.remove({ vm_id });
}

/** Series exist before their first event, so that it is seen. */
function initialise({ to }: Telemetry, methods: readonly string[]): void {
  for (const name of methods) {
    const method = `/${SERVICE}/${name}`;
    to.apiRequests.init({ method });
    for (const code of ERROR_CODES) to.apiErrors.init({ method, code });
  }
}

type Code = (typeof ERROR_CODES)[number];

function known(code: ConnectCode): Code {
  return (ERROR_CODES as readonly string[]).includes(code) ? (code as Code) : 'internal';
}

/** A call that ended with an error before or in its procedure. */
function countError({ to }: Telemetry, method: string, code: ConnectCode): void {
  to.apiErrors.inc({ method, code: known(code) });
  if ((SERVER_FAULTS as readonly string[]).includes(code)) to.errors.inc({ component: 'api' });
}

/** What was refused before it reached a procedure, such as a body that is not JSON. */
function countCall(telemetry: Telemetry, path: string, code: ConnectCode): void {
  if (!path.startsWith(`/${SERVICE}/`) || path.endsWith('*')) return;
  telemetry.to.apiRequests.inc({ method: path });
  countError(telemetry, path, code);
}

function observeCalls(telemetry: Telemetry, clock: { monotonic(): number }): CallObserver {
  const { to } = telemetry;
  const began = new WeakMap<Call, number>();
  return {
    began(call) {
      began.set(call, clock.monotonic());
      to.apiRequests.inc({ method: call.path });
      to.rpcActive.add(1, { rpc_method: call.path });
    },
    ended(call, code) {
      to.rpcActive.add(-1, { rpc_method: call.path });
      to.apiDuration.observe((clock.monotonic() - began.get(call)!) / 1000, { method: call.path });
      if (code !== 'ok') countError(telemetry, call.path, code);
      // Authentication stands before the interceptor that counts these.
      if (code !== 'unauthenticated') {
        to.rpcRequests.inc({ rpc_method: call.path, rpc_status: code === 'ok' ? 'ok' : known(code) });
      }
    },
  };
}
