import { configFingerprint, httpClient, relabeller, type ScrapeConfig } from '@belfry/config';
import { type Clock, type Labels, labelsKey } from '@belfry/model';
import {
  type ClientFactory,
  type Discovery,
  type DiscoveryDependencies,
  discover,
  type TargetsFound,
} from './discovery.ts';
import { type DnsResolver, systemDns } from './discovery-dns.ts';
import { type DiscoveryFiles, diskDiscoveryFiles } from './discovery-file.ts';
import type { IngestConfig, IngestTarget, ScrapeReport, ScrapeSink } from './ingest-contract.ts';
import {
  type LoopDependencies,
  type LoopSettings,
  type ScrapeLoop,
  startLoop,
  type TargetState,
} from './scrape-loop.ts';
import { makeTarget, type Target } from './target.ts';

/** What the operator should know, or a log may note. */
export type ScrapeEvent =
  | { readonly kind: 'discovery-problem'; readonly pool: string; readonly message: string }
  | { readonly kind: 'target-invalid'; readonly pool: string; readonly message: string }
  | {
      readonly kind: 'scrape-failed';
      readonly pool: string;
      readonly url: string;
      readonly error: string;
      /** Where the configuration wants failures noted; empty for nowhere. */
      readonly logFile: string;
    }
  | { readonly kind: 'samples-refused'; readonly pool: string; readonly url: string; readonly report: ScrapeReport };

export interface ScrapeManagerOptions {
  readonly clock: Clock;
  readonly sink: ScrapeSink;
  readonly client?: ClientFactory;
  readonly files?: DiscoveryFiles;
  readonly dns?: DnsResolver;
  readonly userAgent?: string;
  /** Where a cluster tells its pods how to reach it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Sets this server's place within the intervals apart from other servers': their external labels, for one. */
  readonly offsetSeed?: string;
  /** How far a timestamp may be moved onto the exact interval; at most a hundredth of it. */
  readonly timestampToleranceMs?: number;
  /** Features of `--enable-feature`. */
  readonly startTimestamps?: boolean;
  readonly typeAndUnitLabels?: boolean;
  readonly onEvent?: (event: ScrapeEvent) => void;
}

export interface DroppedTarget {
  readonly pool: string;
  readonly discoveredLabels: Labels;
}

export interface PoolStatus {
  readonly name: string;
  readonly active: readonly TargetState[];
  /** No more of them than `keep_dropped_targets`. */
  readonly dropped: readonly DroppedTarget[];
  readonly droppedCount: number;
}

/** Scrapes what a configuration names. */
export interface ScrapeManager {
  /**
   * Puts scrape sections in force. Those that did not change go on undisturbed; targets that stay the same keep their
   * rhythm and the memory of their series.
   */
  apply(configs: readonly ScrapeConfig[]): void;
  pools(): readonly PoolStatus[];
  /** Stops scraping; series are left open, to be taken up again after the restart. */
  stop(): Promise<void>;
}

/** As far as a timer may be late on an idle machine. */
const DEFAULT_TOLERANCE_MS = 10;

export function createScrapeManager(options: ScrapeManagerOptions): ScrapeManager {
  const userAgent = options.userAgent ?? 'Belfry';
  const client = options.client ?? ((config, more) => httpClient(config, { clock: options.clock, userAgent, ...more }));
  const context: PoolContext = {
    options,
    client,
    discovery: {
      clock: options.clock,
      files: options.files ?? diskDiscoveryFiles,
      dns: options.dns ?? systemDns(),
      client,
      userAgent,
      environment: options.environment ?? process.env,
    },
    emit: options.onEvent ?? (() => {}),
    retired: new Map(),
  };
  const pools = new Map<string, Pool>();
  return {
    apply(configs) {
      const names = new Set(configs.map((c) => c.job_name));
      for (const [name, pool] of pools) {
        if (names.has(name)) continue;
        pools.delete(name);
        pool.retire();
      }
      for (const config of configs) {
        const pool = pools.get(config.job_name);
        if (pool) pool.configure(config);
        else pools.set(config.job_name, startPool(config, context));
      }
    },
    pools: () => [...pools.values()].map((p) => p.status()).sort((a, b) => (a.name < b.name ? -1 : 1)),
    async stop() {
      const all = [...pools.values()];
      pools.clear();
      const leaving = [...context.retired.values()].map((l) => l.stop());
      context.retired.clear();
      await Promise.all([...all.map((p) => p.stop()), ...leaving]);
    },
  };
}

interface PoolContext {
  readonly options: ScrapeManagerOptions;
  readonly client: ClientFactory;
  readonly discovery: Omit<DiscoveryDependencies, 'onProblem'>;
  readonly emit: (event: ScrapeEvent) => void;
  /** Loops whose target went away a short while ago, and may come back. */
  readonly retired: Map<string, ScrapeLoop>;
}

interface Pool {
  configure(config: ScrapeConfig): void;
  status(): PoolStatus;
  retire(): void;
  stop(): Promise<void>;
}

function startPool(first: ScrapeConfig, context: PoolContext): Pool {
  const { options } = context;
  let config = first;
  let client = context.client(config);
  let fingerprint = configFingerprint(config);
  let found: readonly TargetsFound[] = [];
  const loops = new Map<string, ScrapeLoop>();
  let dropped: readonly DroppedTarget[] = [];
  let droppedCount = 0;
  let told = new Set<string>();
  let over = false;

  const loopDependencies: LoopDependencies = {
    clock: options.clock,
    sink: options.sink,
    offsetSeed: options.offsetSeed ?? '',
    timestampToleranceMs: options.timestampToleranceMs ?? DEFAULT_TOLERANCE_MS,
    onReport: (state, report) => tell(state, report),
  };
  const tell = (state: TargetState, report: ScrapeReport) => {
    const pool = config.job_name;
    const { url } = state.target;
    if (report.error !== undefined) {
      context.emit({ kind: 'scrape-failed', pool, url, error: report.error, logFile: config.scrape_failure_log_file });
    } else if (report.outOfOrder + report.duplicates + report.outOfBounds > 0) {
      context.emit({ kind: 'samples-refused', pool, url, report });
    }
  };

  const sync = () => {
    if (over) return;
    const { targets, dropped: nowDropped, invalid } = collectTargets(config, found);
    dropped = config.keep_dropped_targets > 0 ? nowDropped.slice(0, config.keep_dropped_targets) : nowDropped;
    droppedCount = nowDropped.length;
    for (const message of invalid) {
      if (!told.has(message)) context.emit({ kind: 'target-invalid', pool: config.job_name, message });
    }
    told = new Set(invalid);
    const limit = config.target_limit;
    const forcedError =
      limit > 0 && targets.size > limit
        ? `target_limit exceeded (number of targets: ${targets.size}, limit: ${limit})`
        : undefined;
    for (const [key, loop] of loops) {
      if (targets.has(key)) continue;
      loops.delete(key);
      retire(key, loop);
    }
    const ingest = ingestConfig(config, options);
    for (const [key, target] of targets) settle(key, target, ingest, forcedError);
  };

  const retire = (key: string, loop: ScrapeLoop) => {
    context.retired.set(key, loop);
    loop.retire(() => {
      if (context.retired.get(key) === loop) context.retired.delete(key);
    });
  };

  const settle = (key: string, target: Target, ingest: IngestConfig, forcedError: string | undefined) => {
    const ingestTarget: IngestTarget = { key, labels: target.labels, timeoutMs: target.timeoutMs, config: ingest };
    const settings: LoopSettings = { config, client, ingest: ingestTarget, forcedError };
    const known = loops.get(key);
    if (known) {
      known.configure(settings);
      return;
    }
    const back = context.retired.get(key);
    context.retired.delete(key);
    if (back?.revive()) {
      back.configure(settings);
      loops.set(key, back);
    } else loops.set(key, startLoop(target, settings, loopDependencies));
  };

  let queued = false;
  const startDiscovery = (): Discovery => {
    const onProblem = (message: string) => context.emit({ kind: 'discovery-problem', pool: config.job_name, message });
    return discover(config, { ...context.discovery, onProblem }, (all) => {
      found = all;
      if (queued) return;
      queued = true;
      // What several mechanisms tell at once is taken in at once.
      queueMicrotask(() => {
        queued = false;
        sync();
      });
    });
  };
  let discovery = startDiscovery();
  let discoveryFingerprint = discoveryPart(config);

  return {
    configure(next) {
      const nextFingerprint = configFingerprint(next);
      if (nextFingerprint === fingerprint) return;
      fingerprint = nextFingerprint;
      config = next;
      const before = client;
      client = context.client(next);
      // Running scrapes may finish on the old connections.
      void before.close().catch(() => undefined);
      const nextDiscovery = discoveryPart(next);
      if (nextDiscovery !== discoveryFingerprint) {
        discoveryFingerprint = nextDiscovery;
        discovery.stop();
        discovery = startDiscovery();
      } else sync();
    },
    status: () => ({
      name: config.job_name,
      active: [...loops.values()].map((l) => l.state),
      dropped,
      droppedCount,
    }),
    retire() {
      over = true;
      discovery.stop();
      for (const [key, loop] of loops) retire(key, loop);
      void client.close().catch(() => undefined);
    },
    async stop() {
      over = true;
      discovery.stop();
      await Promise.all([...loops.values()].map((l) => l.stop()));
      await client.close().catch(() => undefined);
    },
  };
}

function discoveryPart(config: ScrapeConfig): string {
  return configFingerprint([
    config.static_configs,
    config.file_sd_configs,
    config.http_sd_configs,
    config.dns_sd_configs,
    config.kubernetes_sd_configs,
    config.docker_sd_configs,
    config.consul_sd_configs,
  ]);
}

function collectTargets(config: ScrapeConfig, found: readonly TargetsFound[]) {
  const relabel = relabeller(config.relabel_configs, config.metric_name_validation_scheme);
  const targets = new Map<string, Target>();
  const dropped: DroppedTarget[] = [];
  const invalid: string[] = [];
  const seenDropped = new Set<string>();
  for (const group of found) {
    group.targets.forEach((own, i) => {
      const result = makeTarget(config, relabel, own, group.labels);
      if (result.kind === 'active') {
        if (!targets.has(result.target.key)) targets.set(result.target.key, result.target);
      } else if (result.kind === 'invalid') {
        invalid.push(`instance ${i} in group ${group.source}: ${result.error}`);
      } else if (!seenDropped.has(labelsKey(result.discoveredLabels))) {
        seenDropped.add(labelsKey(result.discoveredLabels));
        dropped.push({ pool: config.job_name, discoveredLabels: result.discoveredLabels });
      }
    });
  }
  return { targets, dropped, invalid };
}

function ingestConfig(config: ScrapeConfig, options: ScrapeManagerOptions): IngestConfig {
  return {
    honorLabels: config.honor_labels,
    honorTimestamps: config.honor_timestamps,
    trackTimestampsStaleness: config.track_timestamps_staleness,
    fallbackProtocol: config.fallback_scrape_protocol,
    nativeHistograms: config.scrape_native_histograms,
    alwaysClassicHistograms: config.always_scrape_classic_histograms,
    convertClassicHistograms: config.convert_classic_histograms_to_nhcb,
    nameValidation: config.metric_name_validation_scheme,
    sampleLimit: config.sample_limit,
    labelLimit: config.label_limit,
    labelNameLengthLimit: config.label_name_length_limit,
    labelValueLengthLimit: config.label_value_length_limit,
    nativeHistogramBucketLimit: config.native_histogram_bucket_limit,
    nativeHistogramMinBucketFactor: config.native_histogram_min_bucket_factor,
    extraScrapeMetrics: config.extra_scrape_metrics,
    metricRelabelConfigs: config.metric_relabel_configs,
    startTimestamps: options.startTimestamps ?? false,
    typeAndUnitLabels: options.typeAndUnitLabels ?? false,
  };
}
