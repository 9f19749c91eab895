import { BelfryError, type Clock, parseDuration } from '@belfry/model';
import {
  type Environment,
  LOG_LEVELS,
  type LogSink,
  oneOfSetting,
  PORTS,
  readSettings,
  withoutEffect,
} from '@belfry/service-kit';

/** Settings of billaged. What a field is called in the environment stands beside it; `UNKEY_` may be left out there. */
export interface BillagedOptions {
  readonly clock?: Clock;
  /** UNKEY_BILLAGED_PORT, 8081; 0: any free port. */
  readonly port?: number;
  /** UNKEY_BILLAGED_ADDRESS. Default 127.0.0.1; the document's default is every interface. */
  readonly address?: string;
  /** UNKEY_BILLAGED_OTEL_PROMETHEUS_PORT, 9465. */
  readonly metricsPort?: number;
  /** UNKEY_BILLAGED_OTEL_PROMETHEUS_INTERFACE, 127.0.0.1. */
  readonly metricsAddress?: string;
  /** UNKEY_BILLAGED_OTEL_ENABLED and UNKEY_BILLAGED_OTEL_PROMETHEUS_ENABLED: whether the metrics' port is opened. Default true. */
  readonly telemetry?: boolean;
  /** UNKEY_BILLAGED_OTEL_HIGH_CARDINALITY_ENABLED: labels for single customers. Default true. */
  readonly highCardinality?: boolean;
  /** UNKEY_BILLAGED_OTEL_SERVICE_NAME, billaged. */
  readonly serviceName?: string;
  /** UNKEY_BILLAGED_OTEL_SERVICE_VERSION. */
  readonly version?: string;
  /** UNKEY_BILLAGED_AGGREGATION_INTERVAL, 60s: between usage summaries. A VM that is silent for two of them is forgotten. */
  readonly aggregationIntervalMs?: number;
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

export const FLAGS = {
  port: 'UNKEY_BILLAGED_PORT',
  address: 'UNKEY_BILLAGED_ADDRESS',
  'metrics-port': 'UNKEY_BILLAGED_OTEL_PROMETHEUS_PORT',
  'aggregation-interval': 'UNKEY_BILLAGED_AGGREGATION_INTERVAL',
  seed: 'BELFRY_SEED',
  'latency-scale': 'BELFRY_LATENCY_SCALE',
  'log-level': 'LOG_LEVEL',
} as const;

/** No traces are made and nothing is pushed; there is no TLS. */
const NO_EFFECT = [
  'UNKEY_BILLAGED_OTEL_ENDPOINT',
  'UNKEY_BILLAGED_OTEL_SAMPLING_RATE',
  'UNKEY_BILLAGED_TLS_MODE',
] as const;

/** @throws BelfryError `usage`, naming the variable and what was expected */
export function billagedOptions(env: Environment, argv: readonly string[]): BillagedOptions {
  const s = readSettings(withOldNames(env), argv, FLAGS);
  oneOfSetting('LOG_FORMAT', s.text('LOG_FORMAT', 'json'), ['json']);
  return {
    port: s.integer('UNKEY_BILLAGED_PORT', 8081, PORTS),
    address: s.text('UNKEY_BILLAGED_ADDRESS', '127.0.0.1'),
    metricsPort: s.integer('UNKEY_BILLAGED_OTEL_PROMETHEUS_PORT', 9465, PORTS),
    metricsAddress: s.text('UNKEY_BILLAGED_OTEL_PROMETHEUS_INTERFACE', '127.0.0.1'),
    telemetry: s.flag('UNKEY_BILLAGED_OTEL_ENABLED', true) && s.flag('UNKEY_BILLAGED_OTEL_PROMETHEUS_ENABLED', true),
    highCardinality: s.flag('UNKEY_BILLAGED_OTEL_HIGH_CARDINALITY_ENABLED', true),
    serviceName: s.text('UNKEY_BILLAGED_OTEL_SERVICE_NAME', 'billaged'),
    version: s.text('UNKEY_BILLAGED_OTEL_SERVICE_VERSION', '0.1.0'),
    aggregationIntervalMs: intervalOf(s.text('UNKEY_BILLAGED_AGGREGATION_INTERVAL', '60s')),
    seed: s.integer('BELFRY_SEED', 1),
    latencyScale: s.number('BELFRY_LATENCY_SCALE', 1),
    logLevel: oneOfSetting('LOG_LEVEL', s.text('LOG_LEVEL', 'info'), LOG_LEVELS),
    withoutEffect: withoutEffect(withOldNames(env), NO_EFFECT),
  };
}

/** The monitoring guide writes `BILLAGED_OTEL_ENABLED`, later documents `UNKEY_BILLAGED_OTEL_ENABLED`. */
function withOldNames(env: Environment): Environment {
  const old = Object.entries(env).filter(([name]) => name.startsWith('BILLAGED_'));
  return { ...Object.fromEntries(old.map(([name, value]) => [`UNKEY_${name}`, value])), ...env };
}

function intervalOf(text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms >= 1000) return ms;
  } catch {
    // The message below says what was expected.
  }
  throw new BelfryError(
    'usage',
    `UNKEY_BILLAGED_AGGREGATION_INTERVAL is ${JSON.stringify(text)}; expected a duration from 1s`,
  );
}
