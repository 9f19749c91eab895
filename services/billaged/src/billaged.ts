import { formatDuration, seededRandom, systemClock } from '@belfry/model';
import { ERROR_CODES, SERVER_FAULTS } from '@belfry/pack-metald/metrics';
import {
  type Breakages,
  type CallObserver,
  type ConnectCode,
  createBreakages,
  createService,
  type Logger,
  mountConnect,
  type Ports,
} from '@belfry/service-kit';
import { type Aggregator, createAggregator, resourceScore, summaryLines, type VmUsage } from './aggregator.ts';
import type { BillagedOptions } from './config.ts';
import { BILLAGED_INCIDENTS, type BillagedIncident } from './incidents.ts';
import { createProcedures } from './procedures.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

/** A running billaged. */
export interface Billaged {
  readonly ports: Ports;
  readonly breakages: Breakages<BillagedIncident>;
  close(): Promise<void>;
}

const SERVICE = 'billing.v1.BillingService';
const DEFAULT_INTERVAL_MS = 60_000;
/** A VM that is silent for so many intervals is forgotten. */
const SILENT_INTERVALS = 2;

/**
 * Starts billaged: the API, the metrics, and the summaries.
 * @throws BelfryError `port_in_use`
 */
export async function startBillaged(options: BillagedOptions = {}): Promise<Billaged> {
  const clock = options.clock ?? systemClock;
  const service = createService({
    name: 'billaged',
    version: options.version ?? '0.1.0',
    resourceName: options.serviceName,
    clock,
    api: {
      address: options.address ?? '127.0.0.1',
      port: options.port ?? 8081,
      chosenBy: 'UNKEY_BILLAGED_PORT or --port',
    },
    metrics:
      options.telemetry === false
        ? undefined
        : {
            address: options.metricsAddress ?? '127.0.0.1',
            port: options.metricsPort ?? 9465,
            chosenBy: 'UNKEY_BILLAGED_OTEL_PROMETHEUS_PORT or --metrics-port',
          },
    ...(options.logLevel ? { logLevel: options.logLevel } : {}),
    ...(options.logSink ? { logSink: options.logSink } : {}),
  });
  const { log, app } = service;
  const telemetry = createTelemetry(service.registry, options.highCardinality ?? true);
  const breakages = createBreakages<BillagedIncident>(BILLAGED_INCIDENTS);
  const aggregator = createAggregator();
  const summarise = (usage: VmUsage) => {
    telemetry.to.summaries.inc();
    writeSummary(log, usage);
  };
  const procedures = createProcedures({
    clock,
    random: seededRandom(options.seed ?? 1),
    latencyScale: options.latencyScale ?? 1,
    aggregator,
    telemetry,
    breakages,
    log,
    summarise,
  });

  let ownCpu = 0;
  const customers = new Set<string>();
  service.install({
    instruments: telemetry.to,
    breakages,
    beforeScrape({ cpuSeconds, residentBytes }) {
      telemetry.to.ownCpuSeconds.add(Math.max(0, cpuSeconds - ownCpu));
      ownCpu = Math.max(ownCpu, cpuSeconds);
      telemetry.to.ownResidentMemory.set(residentBytes);
      showCustomers(telemetry, aggregator, customers);
    },
    refused(path, code) {
      if (!path.startsWith(`/${SERVICE}/`) || path.endsWith('*')) return;
      telemetry.to.apiRequests.inc({ method: path });
      countFault(telemetry, code);
    },
  });
  for (const method of Object.keys(procedures)) telemetry.to.apiRequests.init({ method: `/${SERVICE}/${method}` });
  mountConnect(app, SERVICE, procedures, observeCalls(telemetry));

  const intervalMs = options.aggregationIntervalMs ?? DEFAULT_INTERVAL_MS;
  app.get('/health', () => ({ status: 'ok', service: 'billaged' }));
  app.get('/stats', () => ({ active_vms: aggregator.active, aggregation_interval: formatDuration(intervalMs) }));
  const ports = await service.listen();

  const aggregate = () => {
    for (const usage of aggregator.expire(clock.now() - SILENT_INTERVALS * intervalMs)) summarise(usage);
    for (const usage of aggregator.vms()) summarise(usage);
    timer = clock.after(intervalMs, aggregate, { background: true });
  };
  let timer = clock.after(intervalMs, aggregate, { background: true });
  if (options.withoutEffect?.length)
    log.warn({ variables: options.withoutEffect }, 'these settings have no effect here');
  log.info({ ports }, 'billaged is ready');
  return {
    ports,
    breakages,
    async close() {
      timer.cancel();
      await service.close();
    },
  };
}

function writeSummary(log: Logger, usage: VmUsage): void {
  const fields = {
    vm_id: usage.vmId,
    customer_id: usage.customer,
    resource_score: resourceScore(usage),
    sample_count: usage.samples,
  };
  log.info(fields, summaryLines(usage).join('\n'));
}

/** Gauges over the VMs that are being accounted; a customer that has none any more shows 0. */
function showCustomers({ to, account }: Telemetry, aggregator: Aggregator, seen: Set<string>): void {
  to.activeVms.set(aggregator.active);
  const now = new Map([...seen].map((customer) => [customer, { bytes: 0, score: 0 }]));
  for (const usage of aggregator.vms()) {
    const customer = account(usage.customer);
    const { bytes, score } = now.get(customer) ?? { bytes: 0, score: 0 };
    now.set(customer, { bytes: bytes + usage.memoryBytes, score: score + resourceScore(usage) });
  }
  for (const [customer_id, { bytes, score }] of now) {
    seen.add(customer_id);
    to.customerMemory.set(bytes, { customer_id });
    to.customerScore.set(score, { customer_id });
  }
}

type Code = (typeof ERROR_CODES)[number];

function countFault({ to }: Telemetry, code: ConnectCode): void {
  if ((SERVER_FAULTS as readonly string[]).includes(code)) to.errors.inc({ component: 'api' });
}

function observeCalls(telemetry: Telemetry): CallObserver {
  const { to } = telemetry;
  return {
    began(call) {
      to.apiRequests.inc({ method: call.path });
      to.rpcActive.add(1, { rpc_method: call.path });
    },
    ended(call, code) {
      to.rpcActive.add(-1, { rpc_method: call.path });
      if (code !== 'ok') countFault(telemetry, code);
      const known = (ERROR_CODES as readonly string[]).includes(code) ? (code as Code) : 'internal';
      if (code !== 'unauthenticated')
        to.rpcRequests.inc({ rpc_method: call.path, rpc_status: code === 'ok' ? 'ok' : known });
    },
  };
}
