import type { Clock } from '@belfry/model';
import { BACKENDS } from '@belfry/pack-metald/metrics';
import {
  type Environment,
  LOG_LEVELS,
  type LogSink,
  oneOfSetting,
  PORTS,
  readSettings,
  withoutEffect,
} from '@belfry/service-kit';
import type { Backend } from './vm.ts';

/** Settings of metald. What a field is called in the environment stands beside it. */
export interface MetaldOptions {
  readonly clock?: Clock;
  /** UNKEY_METALD_PORT, 8080; 0: any free port. */
  readonly port?: number;
  /** UNKEY_METALD_ADDRESS. Default 127.0.0.1; the document's default is every interface. */
  readonly address?: string;
  /** UNKEY_METALD_OTEL_PROMETHEUS_PORT, 9464. */
  readonly metricsPort?: number;
  /** UNKEY_METALD_OTEL_PROMETHEUS_INTERFACE, 127.0.0.1. */
  readonly metricsAddress?: string;
  /** UNKEY_METALD_OTEL_ENABLED and UNKEY_METALD_OTEL_PROMETHEUS_ENABLED: whether the metrics' port is opened. Default true. */
  readonly telemetry?: boolean;
  /** UNKEY_METALD_OTEL_HIGH_CARDINALITY_ENABLED: labels for single VMs and customers. Default true. */
  readonly highCardinality?: boolean;
  /** UNKEY_METALD_OTEL_SERVICE_NAME, metald. */
  readonly serviceName?: string;
  /** UNKEY_METALD_OTEL_SERVICE_VERSION. */
  readonly version?: string;
  /** UNKEY_METALD_BACKEND, firecracker: of VMs whose metadata does not say `backend`. */
  readonly backend?: Backend;
  /** UNKEY_METALD_JAILER_ENABLED, true. */
  readonly jailer?: boolean;
  /** UNKEY_METALD_MAX_PROCESSES, 25. */
  readonly maxProcesses?: number;
  /** UNKEY_METALD_BILLING_ENABLED, true. */
  readonly billing?: boolean;
  /** UNKEY_METALD_BILLING_ENDPOINT, http://127.0.0.1:8081. */
  readonly billingEndpoint?: string;
  /** BELFRY_METALD_BATCH_SAMPLES, 600: samples of a VM in a batch, ten a second. */
  readonly batchSamples?: number;
  /** BELFRY_METALD_HEARTBEAT_MS, 30,000. */
  readonly heartbeatMs?: number;
  /** BELFRY_TRAFFIC, on: random customers use the API; `off` leaves it to you. */
  readonly traffic?: 'on' | 'off';
  /** BELFRY_SEED, 1. */
  readonly seed?: number;
  /** BELFRY_LATENCY_SCALE, 1: factor on every emulated duration; 0 for tests. */
  readonly latencyScale?: number;
  /** LOG_LEVEL, info. */
  readonly logLevel?: string;
  readonly logSink?: LogSink;
  /** Names of settings that the documents know and that have no effect here; said once in the log. */
  readonly withoutEffect?: readonly string[];
}

/** No traces are made and nothing is pushed; there are no assets, no chroots, no TLS. */
const NO_EFFECT = [
  'UNKEY_METALD_OTEL_ENDPOINT',
  'UNKEY_METALD_OTEL_SAMPLING_RATE',
  'UNKEY_METALD_ASSETMANAGER_ENABLED',
  'UNKEY_METALD_ASSETMANAGER_ENDPOINT',
  'UNKEY_METALD_JAILER_UID',
  'UNKEY_METALD_JAILER_GID',
  'UNKEY_METALD_JAILER_CHROOT_DIR',
  'UNKEY_METALD_DATA_DIR',
  'UNKEY_METALD_TLS_MODE',
  'UNKEY_METALD_BILLING_MOCK_MODE',
] as const;

export const FLAGS = {
  port: 'UNKEY_METALD_PORT',
  address: 'UNKEY_METALD_ADDRESS',
  'metrics-port': 'UNKEY_METALD_OTEL_PROMETHEUS_PORT',
  'billing-endpoint': 'UNKEY_METALD_BILLING_ENDPOINT',
  'batch-samples': 'BELFRY_METALD_BATCH_SAMPLES',
  traffic: 'BELFRY_TRAFFIC',
  seed: 'BELFRY_SEED',
  'latency-scale': 'BELFRY_LATENCY_SCALE',
  'log-level': 'LOG_LEVEL',
} as const;

const MAX_BATCH_SAMPLES = 1000;
const MAX_PROCESSES = 1000;

/** @throws BelfryError `usage`, naming the variable and what was expected */
export function metaldOptions(env: Environment, argv: readonly string[]): MetaldOptions {
  const s = readSettings(env, argv, FLAGS);
  oneOfSetting('LOG_FORMAT', s.text('LOG_FORMAT', 'json'), ['json']);
  return {
    withoutEffect: withoutEffect(env, NO_EFFECT),
    port: s.integer('UNKEY_METALD_PORT', 8080, PORTS),
    address: s.text('UNKEY_METALD_ADDRESS', '127.0.0.1'),
    metricsPort: s.integer('UNKEY_METALD_OTEL_PROMETHEUS_PORT', 9464, PORTS),
    metricsAddress: s.text('UNKEY_METALD_OTEL_PROMETHEUS_INTERFACE', '127.0.0.1'),
    telemetry: s.flag('UNKEY_METALD_OTEL_ENABLED', true) && s.flag('UNKEY_METALD_OTEL_PROMETHEUS_ENABLED', true),
    highCardinality: s.flag('UNKEY_METALD_OTEL_HIGH_CARDINALITY_ENABLED', true),
    serviceName: s.text('UNKEY_METALD_OTEL_SERVICE_NAME', 'metald'),
    version: s.text('UNKEY_METALD_OTEL_SERVICE_VERSION', '0.1.0'),
    backend: oneOfSetting('UNKEY_METALD_BACKEND', s.text('UNKEY_METALD_BACKEND', 'firecracker'), BACKENDS),
    jailer: s.flag('UNKEY_METALD_JAILER_ENABLED', true),
    maxProcesses: s.integer('UNKEY_METALD_MAX_PROCESSES', 25, [1, MAX_PROCESSES]),
    billing: s.flag('UNKEY_METALD_BILLING_ENABLED', true),
    billingEndpoint: s.text('UNKEY_METALD_BILLING_ENDPOINT', 'http://127.0.0.1:8081').replace(/\/$/, ''),
    batchSamples: s.integer('BELFRY_METALD_BATCH_SAMPLES', 600, [1, MAX_BATCH_SAMPLES]),
    heartbeatMs: s.integer('BELFRY_METALD_HEARTBEAT_MS', 30_000, [100, 3_600_000]),
    traffic: oneOfSetting('BELFRY_TRAFFIC', s.text('BELFRY_TRAFFIC', 'on'), ['on', 'off'] as const),
    seed: s.integer('BELFRY_SEED', 1),
    latencyScale: s.number('BELFRY_LATENCY_SCALE', 1),
    logLevel: oneOfSetting('LOG_LEVEL', s.text('LOG_LEVEL', 'info'), LOG_LEVELS),
  };
}
