import { isLegacyLabelName, isValidName } from '@belfry/model';
import { z } from 'zod';
import { checkStaticTargets, discoveryFields } from './discovery-config.ts';
import { byteSize, count, duration, httpUrl, labelMap } from './fields.ts';
import { finishHttpConfig, httpConfigFields, RESERVED_HEADERS, TlsConfig } from './http-config.ts';
import { RelabelConfig } from './relabel-config.ts';

export const SCRAPE_PROTOCOLS = [
  'OpenMetricsText0.0.1',
  'OpenMetricsText1.0.0',
  'PrometheusProto',
  'PrometheusText0.0.4',
  'PrometheusText1.0.0',
] as const;
export type ScrapeProtocol = (typeof SCRAPE_PROTOCOLS)[number];

/** What is asked of targets unless said otherwise, most wanted first. */
export const DEFAULT_SCRAPE_PROTOCOLS: readonly ScrapeProtocol[] = [
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
];
/** The same where native histograms are wanted: only the protobuf format carries them. */
export const PROTO_FIRST_SCRAPE_PROTOCOLS: readonly ScrapeProtocol[] = ['PrometheusProto', ...DEFAULT_SCRAPE_PROTOCOLS];

const protocol = z.string().transform((text, context): ScrapeProtocol => {
  const found = SCRAPE_PROTOCOLS.find((p) => p === text);
  if (found) return found;
  const message = `unknown scrape protocol ${text}, supported: ${SCRAPE_PROTOCOLS.join(', ')}`;
  context.issues.push({ code: 'custom', message, input: text });
  return z.NEVER;
});
const protocols = z
  .array(protocol)
  .min(1, 'scrape_protocols cannot be empty')
  .refine((list) => new Set(list).size === list.length, 'duplicated protocol in scrape_protocols');

const VALIDATION_SCHEMES = ['utf8', 'legacy'] as const;
const ESCAPING_SCHEMES = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type EscapingScheme = (typeof ESCAPING_SCHEMES)[number];

const optionalScheme = <const T extends readonly string[]>(values: T) =>
  z.union([z.literal('').transform(() => undefined), z.enum(values)]).optional();

/** Limits of a scrape, 0 being none. */
const limitFields = {
  body_size_limit: byteSize.default(0),
  sample_limit: count.default(0),
  target_limit: count.default(0),
  label_limit: count.default(0),
  label_name_length_limit: count.default(0),
  label_value_length_limit: count.default(0),
  keep_dropped_targets: count.default(0),
};

export const GlobalConfig = z
  .strictObject({
    scrape_interval: duration.default(0),
    scrape_timeout: duration.default(0),
    scrape_protocols: protocols.optional(),
    evaluation_interval: duration.default(0),
    rule_query_offset: duration.default(0),
    query_log_file: z.string().default(''),
    scrape_failure_log_file: z.string().default(''),
    external_labels: labelMap.default({}),
    ...limitFields,
    metric_name_validation_scheme: optionalScheme(VALIDATION_SCHEMES),
    metric_name_escaping_scheme: optionalScheme(ESCAPING_SCHEMES),
    scrape_native_histograms: z.boolean().default(false),
    convert_classic_histograms_to_nhcb: z.boolean().default(false),
    always_scrape_classic_histograms: z.boolean().default(false),
    extra_scrape_metrics: z.boolean().default(false),
  })
  .transform((given, context) => {
    const complain = (message: string, field: string) => context.addIssue({ code: 'custom', message, path: [field] });
    const validation = given.metric_name_validation_scheme ?? 'utf8';
    for (const name of Object.keys(given.external_labels)) {
      if (validation === 'legacy' ? !isLegacyLabelName(name) : !isValidName(name)) {
        complain(`${JSON.stringify(name)} is not a valid label name`, 'external_labels');
      }
    }
    const interval = given.scrape_interval || DEFAULT_SCRAPE_INTERVAL_MS;
    if (given.scrape_timeout > interval)
      complain('global scrape timeout greater than scrape interval', 'scrape_timeout');
    return {
      ...given,
      scrape_interval: interval,
      scrape_timeout: given.scrape_timeout || Math.min(DEFAULT_SCRAPE_TIMEOUT_MS, interval),
      evaluation_interval: given.evaluation_interval || DEFAULT_EVALUATION_INTERVAL_MS,
      metric_name_validation_scheme: validation,
    };
  });
export type GlobalConfig = z.output<typeof GlobalConfig>;

const DEFAULT_SCRAPE_INTERVAL_MS = 60_000;
const DEFAULT_SCRAPE_TIMEOUT_MS = 10_000;
const DEFAULT_EVALUATION_INTERVAL_MS = 60_000;

/** A scrape section as written: what it leaves out is inherited when the whole file is known. */
export const RawScrapeConfig = z
  .strictObject({
    job_name: z.string().min(1, 'job_name is empty'),
    honor_labels: z.boolean().default(false),
    honor_timestamps: z.boolean().default(true),
    track_timestamps_staleness: z.boolean().default(false),
    params: z.record(z.string(), z.array(z.string())).default({}),
    scrape_interval: duration.default(0),
    scrape_timeout: duration.default(0),
    scrape_protocols: protocols.optional(),
    fallback_scrape_protocol: z.union([z.literal('').transform(() => undefined), protocol]).optional(),
    scrape_native_histograms: z.boolean().optional(),
    always_scrape_classic_histograms: z.boolean().optional(),
    convert_classic_histograms_to_nhcb: z.boolean().optional(),
    scrape_failure_log_file: z.string().default(''),
    metrics_path: z.string().default('/metrics'),
    scheme: z.string().default('http'),
    enable_compression: z.boolean().default(true),
    ...limitFields,
    native_histogram_bucket_limit: count.default(0),
    native_histogram_min_bucket_factor: z.number().default(0),
    metric_name_validation_scheme: optionalScheme(VALIDATION_SCHEMES),
    metric_name_escaping_scheme: optionalScheme(ESCAPING_SCHEMES),
    extra_scrape_metrics: z.boolean().optional(),
    ...httpConfigFields,
    ...discoveryFields,
    relabel_configs: z.array(RelabelConfig).default([]),
    metric_relabel_configs: z.array(RelabelConfig).default([]),
  })
  .transform((config, context) => {
    checkStaticTargets(config, (message, path) => context.addIssue({ code: 'custom', message, path }));
    return finishHttpConfig(config, context);
  });
export type RawScrapeConfig = z.output<typeof RawScrapeConfig>;

const cloudAuthentication = { sigv4: z.record(z.string(), z.unknown()).optional() };

const AlertmanagerConfig = z
  .strictObject({
    ...httpConfigFields,
    ...cloudAuthentication,
    ...discoveryFields,
    scheme: z.string().default('http'),
    path_prefix: z.string().default(''),
    timeout: duration.default(10_000),
    api_version: z
      .string()
      .default('v2')
      .refine((v) => v === 'v2', {
        error: (issue) => `expected Alertmanager api version to be one of [v2] but got ${issue.input}`,
      }),
    relabel_configs: z.array(RelabelConfig).default([]),
    alert_relabel_configs: z.array(RelabelConfig).default([]),
  })
  .transform((config, context) => {
    checkStaticTargets(config, (message, path) => context.addIssue({ code: 'custom', message, path }));
    if (config.sigv4 && (config.basic_auth || config.authorization || config.oauth2)) {
      const message = 'at most one of basic_auth, authorization, oauth2, & sigv4 must be configured';
      context.addIssue({ code: 'custom', message });
    }
    return finishHttpConfig(config, context);
  });
export type AlertmanagerConfig = z.output<typeof AlertmanagerConfig>;

const remoteHeaders = z.record(z.string(), z.string()).superRefine((headers, context) => {
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    // Authentication has sections of its own; the scrape timeout header is free here.
    if (lower === 'authorization') {
      const message =
        'authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter';
      context.addIssue({ code: 'custom', message, path: [name] });
    } else if (RESERVED_HEADERS.has(lower) && lower !== 'x-prometheus-scrape-timeout-seconds') {
      context.addIssue({
        code: 'custom',
        message: `${name} is a reserved header. It must not be changed`,
        path: [name],
      });
    }
  }
});

const WRITE_MESSAGES = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const;

const QueueConfig = z.strictObject({
  capacity: z.number().int().default(10_000),
  max_shards: z.number().int().default(50),
  min_shards: z.number().int().default(1),
  max_samples_per_send: z.number().int().default(2000),
  batch_send_deadline: duration.default(5000),
  min_backoff: duration.default(30),
  max_backoff: duration.default(5000),
  retry_on_http_429: z.boolean().default(false),
  sample_age_limit: duration.default(0),
});

const MetadataConfig = z.strictObject({
  send: z.boolean().default(true),
  send_interval: duration.default(60_000),
  max_samples_per_send: z.number().int().default(2000),
});

export const RemoteWriteConfig = z
  .strictObject({
    url: httpUrl,
    remote_timeout: duration.default(30_000),
    headers: remoteHeaders.default({}),
    write_relabel_configs: z.array(RelabelConfig).default([]),
    name: z.string().default(''),
    send_exemplars: z.boolean().default(false),
    send_native_histograms: z.boolean().default(false),
    round_robin_dns: z.boolean().default(false),
    protobuf_message: z.enum(WRITE_MESSAGES).default('prometheus.WriteRequest'),
    ...httpConfigFields,
    enable_http2: z.boolean().default(false),
    queue_config: QueueConfig.prefault({}),
    metadata_config: MetadataConfig.prefault({}),
    ...cloudAuthentication,
    azuread: z.record(z.string(), z.unknown()).optional(),
    google_iam: z.record(z.string(), z.unknown()).optional(),
  })
  .transform((config, context) => {
    const names = ['basic_auth', 'authorization', 'oauth2', 'sigv4', 'azuread', 'google_iam'] as const;
    const used = names.filter((name) => config[name] !== undefined);
    if (used.length > 1) {
      const message = `at most one of ${names.join(', ')} must be configured. Currently configured: ${used.join(', ')}`;
      context.addIssue({ code: 'custom', message });
      return { ...config, authorization: config.authorization };
    }
    return finishHttpConfig(config, context);
  });
export type RemoteWriteConfig = z.output<typeof RemoteWriteConfig>;

export const RemoteReadConfig = z
  .strictObject({
    url: httpUrl,
    remote_timeout: duration.default(60_000),
    chunked_read_limit: count.default(50_000_000),
    headers: remoteHeaders.default({}),
    read_recent: z.boolean().default(false),
    name: z.string().default(''),
    ...httpConfigFields,
    required_matchers: labelMap.default({}),
    filter_external_labels: z.boolean().default(true),
  })
  .transform(finishHttpConfig);
export type RemoteReadConfig = z.output<typeof RemoteReadConfig>;

const StorageConfig = z.strictObject({
  tsdb: z
    .strictObject({
      out_of_order_time_window: duration.default(0),
      stale_series_compaction_threshold: z.number().default(0),
      chunk_encoding: z.strictObject({ floats: z.enum(['xor', 'xor2']).default('xor') }).optional(),
      retention: z
        .strictObject({
          time: duration.optional(),
          size: byteSize.optional(),
          percentage: z.number().min(0).max(100).optional(),
        })
        .optional(),
    })
    .optional(),
  exemplars: z.strictObject({ max_exemplars: z.number().int().default(100_000) }).optional(),
});

const TracingConfig = z.strictObject({
  client_type: z.enum(['grpc', 'http']).default('grpc'),
  endpoint: z.string().min(1, 'tracing endpoint must be set'),
  sampling_fraction: z.number().default(0),
  insecure: z.boolean().default(false),
  tls_config: TlsConfig.optional(),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .superRefine((headers, context) => {
      for (const name of Object.keys(headers)) {
        if (name.toLowerCase() === 'authorization') {
          const message = 'custom authorization header configuration is not yet supported';
          context.addIssue({ code: 'custom', message, path: [name] });
        } else if (RESERVED_HEADERS.has(name.toLowerCase())) {
          const message = `${name} is a reserved header. It must not be changed`;
          context.addIssue({ code: 'custom', message, path: [name] });
        }
      }
    }),
  compression: z.enum(['', 'gzip']).default(''),
  timeout: duration.default(0),
});

const OTLP_STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

const OtlpConfig = z
  .strictObject({
    promote_all_resource_attributes: z.boolean().default(false),
    promote_resource_attributes: z.array(z.string()).default([]),
    ignore_resource_attributes: z.array(z.string()).default([]),
    translation_strategy: z.enum(OTLP_STRATEGIES).default('UnderscoreEscapingWithSuffixes'),
    keep_identifying_resource_attributes: z.boolean().default(false),
    convert_histograms_to_nhcb: z.boolean().default(false),
    promote_scope_metadata: z.boolean().default(false),
    label_name_underscore_sanitization: z.boolean().default(true),
    label_name_preserve_multiple_underscores: z.boolean().default(true),
  })
  .superRefine((otlp, context) => {
    const complain = (message: string, field: string) => context.addIssue({ code: 'custom', message, path: [field] });
    const promoted = otlp.promote_resource_attributes;
    const ignored = otlp.ignore_resource_attributes;
    if (otlp.promote_all_resource_attributes && promoted.length > 0) {
      const message =
        "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously";
      complain(message, 'promote_resource_attributes');
    }
    if (!otlp.promote_all_resource_attributes && ignored.length > 0) {
      const message =
        "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true";
      complain(message, 'ignore_resource_attributes');
    }
    for (const [field, list] of Object.entries({
      promote_resource_attributes: promoted,
      ignore_resource_attributes: ignored,
    })) {
      const trimmed = list.map((a) => a.trim());
      if (trimmed.includes('')) complain('empty resource attribute', field);
      if (new Set(trimmed).size !== trimmed.length) complain('duplicated resource attribute', field);
    }
  });

const GLOB = /^[^*]*(\*[^/]*)?$/;
const globPath = (what: string) =>
  z
    .string()
    .refine((p) => GLOB.test(p), { error: (issue) => `invalid ${what} file path ${JSON.stringify(issue.input)}` });

/** `prometheus.yml` as written; `loadPrometheusConfig` gives it in its final form. */
export const RawPrometheusConfig = z.strictObject({
  global: GlobalConfig.prefault({}),
  runtime: z.strictObject({ gogc: z.number().int().default(75) }).prefault({}),
  alerting: z
    .strictObject({
      alert_relabel_configs: z.array(RelabelConfig).default([]),
      alertmanagers: z.array(AlertmanagerConfig).default([]),
    })
    .prefault({}),
  rule_files: z.array(globPath('rule')).default([]),
  scrape_config_files: z.array(globPath('scrape config')).default([]),
  scrape_configs: z.array(RawScrapeConfig).default([]),
  storage: StorageConfig.prefault({}),
  tracing: TracingConfig.optional(),
  remote_write: z.array(RemoteWriteConfig).default([]),
  remote_read: z.array(RemoteReadConfig).default([]),
  otlp: OtlpConfig.prefault({}),
});
export type RawPrometheusConfig = z.output<typeof RawPrometheusConfig>;

/** A file of scrape sections, named by `scrape_config_files`. */
export const ScrapeConfigFile = z.strictObject({ scrape_configs: z.array(RawScrapeConfig).default([]) });

type Inherited =
  | 'scrape_protocols'
  | 'fallback_scrape_protocol'
  | 'scrape_native_histograms'
  | 'always_scrape_classic_histograms'
  | 'convert_classic_histograms_to_nhcb'
  | 'metric_name_validation_scheme'
  | 'metric_name_escaping_scheme'
  | 'extra_scrape_metrics';

/** A scrape section in its final form: everything decided. */
export type ScrapeConfig = Omit<RawScrapeConfig, Inherited> & {
  readonly scrape_protocols: readonly ScrapeProtocol[];
  readonly fallback_scrape_protocol: ScrapeProtocol | undefined;
  readonly scrape_native_histograms: boolean;
  readonly always_scrape_classic_histograms: boolean;
  readonly convert_classic_histograms_to_nhcb: boolean;
  readonly metric_name_validation_scheme: (typeof VALIDATION_SCHEMES)[number];
  readonly metric_name_escaping_scheme: EscapingScheme;
  readonly extra_scrape_metrics: boolean;
};

/** The whole configuration in its final form. File names are resolved against the file that names them. */
export type PrometheusConfig = Omit<RawPrometheusConfig, 'scrape_configs' | 'global'> & {
  readonly global: Omit<GlobalConfig, 'scrape_protocols'> & {
    readonly scrape_protocols?: readonly ScrapeProtocol[] | undefined;
  };
  /** Of the file itself and of every file that `scrape_config_files` names. */
  readonly scrape_configs: readonly ScrapeConfig[];
};
