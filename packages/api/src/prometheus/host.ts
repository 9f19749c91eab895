import type { Clock, Labels, Matcher, Metadata } from '@belfry/model';
import type { Engine, Queryable } from '@belfry/promql';

/** What the routes of Prometheus' API stand on; the composition gives it. Optional parts answer as switched off. */
export interface PrometheusHost {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly queryable: Queryable;
  /** Undefined once ready; before that, what is still going on, in words. */
  notReady(): string | undefined;
  /** JSON as in Prometheus' API, made by the rooms that own it. */
  readonly views: PrometheusViews;
  readonly lifecycle: { readonly enabled: boolean; reload(): Promise<void>; quit(): void };
  readonly admin?: TsdbAdmin;
  /** The remote write receiver. */
  readonly receive?: (body: Buffer, headers: ReceiveHeaders) => Promise<ReceiveResult>;
  /** Remote read: a snappy-compressed protobuf request in, the response body out. */
  readonly read?: (body: Buffer, signal: AbortSignal) => Promise<Buffer>;
  /** This server's own metrics in the text format. */
  metrics(): Promise<string>;
  readonly defaultTimeoutMs: number;
  readonly lookbackMs: number;
  readonly externalLabels: () => Labels;
}

export interface PrometheusViews {
  targets(state: string, pool: string | undefined): unknown;
  scrapePools(): readonly string[];
  targetMetadata(matchers: readonly Matcher[] | undefined, metric: string, limit: number): unknown;
  metadata(
    metric: string | undefined,
  ): ReadonlyMap<string, readonly Metadata[]> | Promise<ReadonlyMap<string, readonly Metadata[]>>;
  rules(parameters: URLSearchParams): unknown;
  alerts(): unknown;
  alertmanagers(): unknown;
  config(): string;
  flags(): Readonly<Record<string, string>>;
  runtimeInfo(): Promise<unknown> | unknown;
  buildInfo(): unknown;
  tsdbStatus(limit: number): Promise<unknown>;
  walReplay(): Promise<unknown> | unknown;
  tsdbBlocks?(): Promise<unknown>;
  notifications(): unknown;
  features?(): unknown;
}

export interface TsdbAdmin {
  deleteSeries(matcherSets: readonly (readonly Matcher[])[], minMs: number, maxMs: number): Promise<void>;
  cleanTombstones(): Promise<void>;
  /** Answers the snapshot's folder name. */
  snapshot(skipHead: boolean): Promise<string>;
}

export interface ReceiveHeaders {
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly version: string;
}

export interface ReceiveResult {
  readonly status: number;
  readonly message?: string;
  /** Of remote write 2.0: what was written. */
  readonly written?: { readonly samples: number; readonly histograms: number; readonly exemplars: number };
}
