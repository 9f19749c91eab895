import type { ExpositionProtocol } from '@belfry/exposition';
import type { Labels, Metadata } from '@belfry/model';

/** The part of a scrape section that decides what a body becomes. Plain data: crosses worker borders. */
export interface IngestConfig {
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  readonly fallbackProtocol: ExpositionProtocol | undefined;
  readonly nativeHistograms: boolean;
  readonly alwaysClassicHistograms: boolean;
  readonly convertClassicHistograms: boolean;
  readonly nameValidation: 'utf8' | 'legacy';
  /** Limits, 0 being none. */
  readonly sampleLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly nativeHistogramBucketLimit: number;
  readonly nativeHistogramMinBucketFactor: number;
  readonly extraScrapeMetrics: boolean;
  readonly metricRelabelConfigs: readonly MetricRelabelStep[];
  /** Features of `--enable-feature`. */
  readonly startTimestamps: boolean;
  readonly typeAndUnitLabels: boolean;
}

/** As `RelabelConfig` of the configuration room. */
export interface MetricRelabelStep {
  readonly source_labels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly target_label: string;
  readonly replacement: string;
  readonly action:
    | 'replace'
    | 'keep'
    | 'drop'
    | 'keepequal'
    | 'dropequal'
    | 'hashmod'
    | 'labelmap'
    | 'labeldrop'
    | 'labelkeep'
    | 'lowercase'
    | 'uppercase';
}

/** A target as those who write its samples know it. */
export interface IngestTarget {
  /** Who it is, through reloads: pool, labels and URL. */
  readonly key: string;
  /** What every series of it gets. */
  readonly labels: Labels;
  readonly timeoutMs: number;
  readonly config: IngestConfig;
}

/** One scrape, ended well or not. */
export interface ScrapeJob {
  readonly key: string;
  readonly timestampMs: number;
  /** From the beginning of the scrape until now; the ingester adds its own time. */
  readonly elapsedMs: number;
  /** What came; absent when fetching failed. Transferred, where the border allows. */
  readonly body?: Uint8Array;
  readonly contentType?: string;
  /** Why fetching failed. */
  readonly failure?: string;
  /** The body was beyond its limit. */
  readonly bodyTooLarge?: boolean;
}

export interface FamilyMetadata extends Metadata {
  readonly family: string;
}

/** What became of a scrape. */
export interface ScrapeReport {
  /** Why it failed; then nothing of its body was kept. With the line and column where those are the matter. */
  readonly error?: string;
  readonly durationMs: number;
  readonly scraped: number;
  readonly afterRelabelling: number;
  readonly seriesAdded: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  readonly outOfBounds: number;
  /** All that the target tells of its metrics, when it differs from what was told before. */
  readonly metadata?: readonly FamilyMetadata[];
}

/**
 * Where scrapes go: the storage's thread, which parses and writes them. Calls for one target come one after another.
 */
export interface ScrapeSink {
  /** Makes a target known, or tells that its configuration changed; the memory of its series is kept. */
  open(target: IngestTarget): Promise<void>;
  /** Resolves when the scrape is durable. Does not reject for what the target did wrong: that is in the report. */
  ingest(job: ScrapeJob): Promise<ScrapeReport>;
  /** The target is gone: its series end at `staleAtMs`; without, they are left to be taken up again. */
  close(key: string, staleAtMs?: number): Promise<void>;
}
