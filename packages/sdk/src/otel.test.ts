import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { shopPack } from './example-shop.ts';
import { buildTargets } from './targets.ts';

const endpoint = z.string().regex(/^(0\.0\.0\.0:\d+|\$\{env:[A-Z_]+:-http:\/\/[\w.-]+:\d+(\/otlp)?\})$/);
const pipeline = z.strictObject({
  receivers: z.array(z.string()).min(1),
  processors: z.array(z.string()),
  exporters: z.array(z.string()).min(1),
});
/** As far as this compiler uses the Collector; no schema of its components is published as a package. */
const collector = z.strictObject({
  receivers: z.strictObject({
    otlp: z.strictObject({
      protocols: z.strictObject({ grpc: z.strictObject({ endpoint }), http: z.strictObject({ endpoint }) }),
    }),
  }),
  processors: z.strictObject({
    memory_limiter: z.strictObject({ check_interval: z.string(), limit_mib: z.int(), spike_limit_mib: z.int() }),
    resource: z.strictObject({
      attributes: z.array(
        z.strictObject({ key: z.string(), value: z.string(), action: z.enum(['insert', 'update', 'upsert']) }),
      ),
    }),
    batch: z.strictObject({ timeout: z.string(), send_batch_size: z.int() }),
  }),
  exporters: z.strictObject({
    'otlp_http/traces': z.strictObject({ endpoint }),
    'otlp_http/logs': z.strictObject({ endpoint }),
    prometheus: z.strictObject({
      endpoint,
      resource_to_telemetry_conversion: z.strictObject({ enabled: z.boolean() }),
    }),
  }),
  extensions: z.strictObject({ health_check: z.strictObject({ endpoint }) }),
  service: z.strictObject({
    extensions: z.array(z.string()),
    telemetry: z.unknown(),
    pipelines: z.strictObject({ traces: pipeline, metrics: pipeline, logs: pipeline }),
  }),
});

describe('the configuration of the Collector', () => {
  const [file] = buildTargets([shopPack], ['otel']);
  const config = collector.parse(parse(file!.text));
  it('uses every component that it configures, and no other', () => {
    const pipelines = Object.values(config.service.pipelines);
    for (const part of ['receivers', 'processors', 'exporters'] as const) {
      const used = new Set(pipelines.flatMap((p) => p[part]));
      expect([...used].sort()).toEqual(Object.keys(config[part]).sort());
    }
    expect(config.service.extensions).toEqual(Object.keys(config.extensions));
  });
  it('limits memory first and batches last', () => {
    for (const { processors } of Object.values(config.service.pipelines)) {
      expect(processors.at(0)).toBe('memory_limiter');
      expect(processors.at(-1)).toBe('batch');
    }
  });
  it('knows no exporter that the Collector has dropped', () => {
    expect(file!.text).not.toMatch(/^ {2}(jaeger|logging|loki|opencensus)\b/m);
  });
});
