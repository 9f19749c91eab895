import {
  createParser,
  customBucketsParser,
  ENTRY,
  type ExpositionFormat,
  type ExpositionParser,
  familyOf,
  formatOf,
} from '@belfry/exposition';
import {
  type Appendable,
  type Appender,
  BelfryError,
  type Clock,
  type Exemplar,
  type Labels,
  labelsFrom,
  labelValue,
  METRIC_NAME,
  type Metadata,
  type MetricType,
  messageOf,
  REFUSED,
  type SeriesRef,
  STALE_NAN,
} from '@belfry/model';
import { limited, schemaForFactor } from './histogram-limits.ts';
import type { FamilyMetadata, IngestTarget, ScrapeJob, ScrapeReport } from './ingest-contract.ts';
import { labelFault, type SampleLabels, sampleLabels } from './sample-labels.ts';
import {
  addEntry,
  compacted,
  isDropped,
  keyOf,
  newSeriesCache,
  type SeriesCache,
  setOrder,
  truncateCache,
} from './series-cache.ts';

/** Samples dated further ahead than this are refused: a target's clock is wrong. */
const MAX_AHEAD_MS = 10 * 60_000;
/** Metadata that a target no longer tells is remembered for so many scrapes. */
const METADATA_KEPT_SCRAPES = 10;

/**
 * Writes scrapes into a store of the same thread. It remembers each target's series, so that a line seen before costs a
 * comparison and an append. A scrape is one transaction: a malformed body leaves nothing of itself, and its series end.
 */
export interface ScrapeIngester {
  open(target: IngestTarget): void;
  /** @throws never for what the target did; a store that fails is told in the report too. */
  ingest(job: ScrapeJob): ScrapeReport;
  close(key: string, staleAtMs?: number): void;
}

export function scrapeIngester(store: Appendable, clock: Clock): ScrapeIngester {
  const targets = new Map<string, TargetState>();
  return {
    open(target) {
      const known = targets.get(target.key);
      targets.set(target.key, known ? reconfigured(known, target) : newTargetState(target));
    },
    ingest(job) {
      const state = targets.get(job.key);
      if (!state) return emptyReport(job.elapsedMs, `no such target: ${job.key}`);
      const began = clock.monotonic();
      return ingestScrape(state, store, job, () => job.elapsedMs + clock.monotonic() - began, clock.now());
    },
    close(key, staleAtMs) {
      const state = targets.get(key);
      targets.delete(key);
      if (state && staleAtMs !== undefined) endTarget(state, store, staleAtMs);
    },
  };
}

interface TargetState {
  readonly target: IngestTarget;
  readonly toStored: SampleLabels;
  readonly maxSchema: number;
  cache: SeriesCache;
  iteration: number;
  /** The last scrape that had a body: series that it did not have count as new when they come. */
  lastFilled: number;
  /** Series that are to end when they do not come again. */
  tracked: Tracked[];
  readonly reports: ReportSeries[];
  readonly metadata: Map<string, MetadataEntry>;
}

interface Tracked {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  /** The entry in the cache; −1 for one of an earlier configuration. */
  readonly entry: number;
}

interface ReportSeries {
  readonly labels: Labels;
  ref: SeriesRef;
}

interface MetadataEntry {
  type: MetricType;
  help: string;
  unit: string;
  seenIn: number;
  changedIn: number;
}

const REPORT_NAMES = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;
const EXTRA_REPORT_NAMES = ['scrape_timeout_seconds', 'scrape_sample_limit', 'scrape_body_size_bytes'] as const;

function newTargetState(target: IngestTarget): TargetState {
  const names = target.config.extraScrapeMetrics ? [...REPORT_NAMES, ...EXTRA_REPORT_NAMES] : REPORT_NAMES;
  const own: [string, string][] = [];
  for (let i = 0; i < target.labels.length; i += 2) own.push([target.labels[i]!, target.labels[i + 1]!]);
  return {
    target,
    toStored: sampleLabels(target),
    maxSchema: schemaForFactor(target.config.nativeHistogramMinBucketFactor),
    cache: newSeriesCache(),
    iteration: 0,
    lastFilled: -1,
    tracked: [],
    reports: names.map((name) => ({ labels: labelsFrom([...own, [METRIC_NAME, name]]), ref: 0 })),
    metadata: new Map(),
  };
}

/** Under another configuration the same bytes may be another series; those it does not bring forth again will end. */
function reconfigured(state: TargetState, target: IngestTarget): TargetState {
  if (JSON.stringify(state.target) === JSON.stringify(target)) return state;
  const fresh = newTargetState(target);
  fresh.tracked = state.tracked.map((t) => ({ ...t, entry: -1 }));
  return fresh;
}

/** What is counted while a body is read. */
interface Counts {
  scraped: number;
  afterRelabelling: number;
  seriesAdded: number;
  /** Samples offered to the store, for the limit. */
  offered: number;
  outOfOrder: number;
  duplicates: number;
  outOfBounds: number;
  sampleLimitHit: boolean;
  bucketLimitHit: boolean;
}

const noCounts = (): Counts => ({
  scraped: 0,
  afterRelabelling: 0,
  seriesAdded: 0,
  offered: 0,
  outOfOrder: 0,
  duplicates: 0,
  outOfBounds: 0,
  sampleLimitHit: false,
  bucketLimitHit: false,
});

function emptyReport(durationMs: number, error: string): ScrapeReport {
  const none = { scraped: 0, afterRelabelling: 0, seriesAdded: 0, outOfOrder: 0, duplicates: 0, outOfBounds: 0 };
  return { error, durationMs, ...none };
}

function ingestScrape(
  state: TargetState,
  store: Appendable,
  job: ScrapeJob,
  elapsedMs: () => number,
  nowMs: number,
): ScrapeReport {
  const counts = noCounts();
  state.iteration++;
  let error = job.failure;
  const { body } = job;
  const known = state.cache.starts.length;
  try {
    let appender = store.appender();
    if (body && body.length > 0 && error === undefined) {
      try {
        readBody(state, appender, job, body, counts, nowMs);
        endMissing(state, appender, job.timestampMs);
      } catch (failure) {
        error = failureText(failure);
        appender.rollback();
        undo(state, known);
        appender = store.appender();
      }
    }
    const filled = body !== undefined && body.length > 0 && error === undefined;
    if (!filled) endMissing(state, appender, job.timestampMs, true);
    const durationMs = elapsedMs();
    appendReports(state, appender, job, counts, durationMs, error);
    appender.commit();
    settle(state, filled);
    return { ...reportOf(counts, durationMs, error), ...changedMetadata(state) };
  } catch (failure) {
    // The store itself failed: nothing of this scrape is there.
    undo(state, known);
    return reportOf(counts, elapsedMs(), messageOf(failure));
  }
}

function failureText(failure: unknown): string {
  if (failure instanceof BelfryError && failure.code === 'exposition_syntax') return `exposition:${failure.located}`;
  return messageOf(failure);
}

function reportOf(counts: Counts, durationMs: number, error: string | undefined): ScrapeReport {
  const { scraped, afterRelabelling, seriesAdded, outOfOrder, duplicates, outOfBounds } = counts;
  const base = { durationMs, scraped, afterRelabelling, seriesAdded, outOfOrder, duplicates, outOfBounds };
  return error === undefined ? base : { ...base, error };
}

function readBody(
  state: TargetState,
  appender: Appender,
  job: ScrapeJob,
  body: Uint8Array,
  counts: Counts,
  nowMs: number,
): void {
  const { config } = state.target;
  const format: ExpositionFormat = formatOf(job.contentType, config.fallbackProtocol);
  const plain = createParser(format, body, {
    nativeHistograms: config.nativeHistograms,
    alwaysClassic: config.alwaysClassicHistograms,
    startTimestamps: config.startTimestamps,
    typeAndUnitLabels: config.typeAndUnitLabels,
  });
  const parser = config.convertClassicHistograms ? customBucketsParser(plain, config.alwaysClassicHistograms) : plain;
  const scrape: BodyScrape = { state, parser, appender, counts, job, maxMs: nowMs + MAX_AHEAD_MS, family: undefined };
  const { cache } = state;
  const expected = cache.order;
  const expectedLength = cache.orderLength;
  let orderLength = 0;
  cache.order = new Int32Array(Math.max(64, expectedLength));
  let position = 0;
  for (;;) {
    if (position < expectedLength) {
      const foretold = expected[position]!;
      parser.expect(cache.bytes, cache.starts[foretold]!, cache.ends[foretold]!);
    } else parser.expect(cache.bytes, 0, 0);
    const entry = parser.next();
    if (entry === ENTRY.end) break;
    if (entry !== ENTRY.series && entry !== ENTRY.histogram) {
      scrape.family = noteMetadata(state, parser, entry);
      continue;
    }
    counts.scraped++;
    const found = parser.expected ? expected[position]! : findEntry(state, parser);
    // Behind one that came out of turn the old order goes on from where that one stood.
    position = (parser.expected ? position : cache.seenIn[found] === -1 ? position - 1 : cache.positions[found]!) + 1;
    setOrder(cache, orderLength++, found);
    if (isDropped(cache, found)) cache.seenIn[found] = state.iteration;
    else takeSample(scrape, found, entry === ENTRY.histogram);
  }
  cache.orderLength = orderLength;
  if (counts.sampleLimitHit) throw new BelfryError('limit_exceeded', 'sample limit exceeded');
  if (counts.bucketLimitHit) throw new BelfryError('limit_exceeded', 'histogram bucket limit exceeded');
}

interface BodyScrape {
  readonly state: TargetState;
  readonly parser: ExpositionParser;
  readonly appender: Appender;
  readonly counts: Counts;
  readonly job: ScrapeJob;
  readonly maxMs: number;
  family: { readonly name: string; readonly entry: MetadataEntry } | undefined;
}

/** The cache's entry of the parser's current series, made where there is none. */
function findEntry(state: TargetState, parser: ExpositionParser): number {
  const { cache } = state;
  const { keyBytes, keyStart, keyEnd } = parser;
  const key = keyOf(keyBytes, keyStart, keyEnd);
  const known = cache.byKey.get(key);
  if (known !== undefined) return known;
  const labels = state.toStored(parser.labels(), parser.emptyNames);
  if (labels !== undefined && labels.length > 0) {
    const fault = labelFault(labels, state.target);
    if (fault !== undefined) throw new BelfryError('limit_exceeded', fault);
    return addEntry(cache, keyBytes, keyStart, keyEnd, key, labels);
  }
  return addEntry(cache, keyBytes, keyStart, keyEnd, key, undefined);
}

function takeSample(scrape: BodyScrape, entry: number, isHistogram: boolean): void {
  const { state, parser, counts, job } = scrape;
  const { cache, iteration } = state;
  const { config } = state.target;
  const own = config.honorTimestamps ? parser.timestampMs : NaN;
  const dated = own === own;
  const isNew = cache.seenIn[entry]! < state.lastFilled || cache.seenIn[entry] === -1;
  if (cache.seenIn[entry] === iteration && !dated) {
    counts.duplicates++;
    counts.afterRelabelling++;
    return;
  }
  const timestampMs = dated ? own : job.timestampMs;
  const ref = offer(scrape, entry, timestampMs, isHistogram);
  counts.afterRelabelling++;
  if (ref <= 0) {
    if (ref === REFUSED.outOfOrder) counts.outOfOrder++;
    else if (ref === REFUSED.duplicate) counts.duplicates++;
    else if (ref < 0) counts.outOfBounds++;
    if (ref < 0 && !isNew) cache.seenIn[entry] = state.iteration;
    return;
  }
  cache.refs[entry] = ref;
  markSeen(state, entry, dated);
  if (isNew && !counts.sampleLimitHit && !counts.bucketLimitHit) counts.seriesAdded++;
  appendExemplars(scrape, ref, timestampMs, isHistogram);
  if (scrape.family) appendMetadata(scrape, scrape.family, entry, ref, isNew);
}

function markSeen(state: TargetState, entry: number, dated: boolean): void {
  state.cache.seenIn[entry] = state.iteration;
  if (!dated || state.target.config.trackTimestampsStaleness) state.cache.trackedIn[entry] = state.iteration;
}

/** Offers the sample to the store; 0 when a limit of the scrape keeps it away. */
function offer(scrape: BodyScrape, entry: number, timestampMs: number, isHistogram: boolean): number {
  const { state, parser, appender, counts } = scrape;
  const { cache } = state;
  const { config } = state.target;
  if (config.sampleLimit > 0 && ++counts.offered > config.sampleLimit) {
    counts.sampleLimitHit = true;
    return 0;
  }
  if (timestampMs > scrape.maxMs) return REFUSED.outOfBounds;
  const ref = cache.refs[entry]!;
  const labels = cache.labels[entry]!;
  let result: number;
  if (isHistogram) {
    const histogram = limited(parser.histogram(), config.nativeHistogramBucketLimit, state.maxSchema);
    if (histogram === undefined) {
      counts.bucketLimitHit = true;
      return 0;
    }
    result = appender.appendHistogram(ref, labels, timestampMs, histogram);
  } else result = appender.append(ref, labels, timestampMs, parser.value);
  if (result > 0 && config.startTimestamps && appender.appendStartTimestamp) {
    const startMs = parser.startTimestampMs();
    if (startMs > 0) appender.appendStartTimestamp(result, timestampMs, startMs);
  }
  return result;
}

function appendExemplars(scrape: BodyScrape, ref: SeriesRef, timestampMs: number, isHistogram: boolean): void {
  const { parser, appender } = scrape;
  let exemplar = parser.exemplar();
  if (exemplar === undefined) return;
  const all: Exemplar[] = [];
  for (; exemplar !== undefined; exemplar = parser.exemplar()) {
    // Of a native histogram an exemplar without a time could not be told from its own repetition.
    if (exemplar.timestampMs !== undefined) all.push(exemplar);
    else if (!isHistogram) all.push({ ...exemplar, timestampMs });
  }
  all.sort((a, b) => a.timestampMs! - b.timestampMs! || a.value - b.value);
  for (const e of all) appender.appendExemplar(ref, e);
}

function appendMetadata(
  scrape: BodyScrape,
  family: NonNullable<BodyScrape['family']>,
  entry: number,
  ref: SeriesRef,
  isNew: boolean,
): void {
  const { state, appender } = scrape;
  if (!isNew && family.entry.changedIn !== state.iteration) return;
  const labels = state.cache.labels[entry]!;
  const name = labelValue(labels, METRIC_NAME);
  const { type, help, unit } = family.entry;
  if (name !== family.name && familyOf(name, type) !== familyOf(family.name, type)) return;
  const metadata: Metadata = { type, help, unit };
  appender.updateMetadata(ref, labels, metadata);
}

function noteMetadata(state: TargetState, parser: ExpositionParser, entry: number): BodyScrape['family'] {
  const name = parser.familyName;
  let known = state.metadata.get(name);
  if (!known) {
    known = { type: 'unknown', help: '', unit: '', seenIn: 0, changedIn: 0 };
    state.metadata.set(name, known);
  }
  known.seenIn = state.iteration;
  const change = (was: string, now: string) => {
    if (was !== now) known.changedIn = state.iteration;
  };
  if (entry === ENTRY.type) {
    change(known.type, parser.metricType);
    known.type = parser.metricType;
  } else if (entry === ENTRY.help) {
    change(known.help, parser.text);
    known.help = parser.text;
  } else {
    change(known.unit, parser.text);
    known.unit = parser.text;
  }
  return { name, entry: known };
}

function changedMetadata(state: TargetState): { metadata?: readonly FamilyMetadata[] } {
  let changed = false;
  for (const [family, entry] of state.metadata) {
    if (entry.changedIn === state.iteration) changed = true;
    if (entry.seenIn < state.iteration - METADATA_KEPT_SCRAPES) {
      state.metadata.delete(family);
      changed = true;
    }
  }
  if (!changed) return {};
  return {
    metadata: [...state.metadata].map(([family, { type, help, unit }]) => ({ family, type, help, unit })),
  };
}

/** Ends the series that did not come again; after a failed scrape, all of them. */
function endMissing(state: TargetState, appender: Appender, timestampMs: number, all = false): void {
  for (const { entry, ref, labels } of state.tracked) {
    if (!all && entry >= 0 && state.cache.trackedIn[entry] === state.iteration) continue;
    // One that cannot be ended because something newer is there has been taken up by another target.
    appender.append(entry >= 0 ? Math.max(0, state.cache.refs[entry]!) : ref, labels, timestampMs, STALE_NAN);
  }
}

/** Notes which series are to end when the next scrape lacks them. */
function settle(state: TargetState, filled: boolean): void {
  const { cache, iteration } = state;
  if (!filled) {
    state.tracked = [];
    return;
  }
  state.lastFilled = iteration;
  state.cache = compacted(cache, iteration);
  const kept = state.cache;
  const tracked: Tracked[] = [];
  for (let i = 0; i < kept.orderLength; i++) {
    const entry = kept.order[i]!;
    if (kept.trackedIn[entry] !== iteration) continue;
    tracked.push({ entry, ref: kept.refs[entry]!, labels: kept.labels[entry]! });
  }
  state.tracked = tracked;
}

/** Forgets what a scrape brought that was rolled back. What was known before stays known. */
function undo(state: TargetState, known: number): void {
  const { cache, iteration } = state;
  truncateCache(cache, known);
  cache.orderLength = 0;
  for (let entry = 0; entry < known; entry++) {
    if (cache.seenIn[entry] === iteration) cache.seenIn[entry] = state.lastFilled;
    if (cache.trackedIn[entry] === iteration) cache.trackedIn[entry] = -1;
  }
}

function appendReports(
  state: TargetState,
  appender: Appender,
  job: ScrapeJob,
  counts: Counts,
  durationMs: number,
  error: string | undefined,
): void {
  const values = [
    error === undefined ? 1 : 0,
    durationMs / 1000,
    counts.scraped,
    counts.afterRelabelling,
    counts.seriesAdded,
    state.target.timeoutMs / 1000,
    state.target.config.sampleLimit,
    job.bodyTooLarge ? -1 : (job.body?.length ?? 0),
  ];
  state.reports.forEach((report, i) => {
    const ref = appender.append(report.ref, report.labels, job.timestampMs, values[i]!);
    if (ref > 0) report.ref = ref;
  });
}

function endTarget(state: TargetState, store: Appendable, staleAtMs: number): void {
  const appender = store.appender();
  state.iteration++;
  endMissing(state, appender, staleAtMs, true);
  for (const report of state.reports) appender.append(report.ref, report.labels, staleAtMs, STALE_NAN);
  appender.commit();
}
