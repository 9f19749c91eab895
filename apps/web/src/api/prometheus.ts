/** Prometheus' HTTP API. Answers are read leniently: what a server leaves out is empty. */
import { listOf, numberOf, objectOf, textOf } from '../dashboard/model.ts';
import type { TimeRange } from '../format/time-range.ts';
import { apiError, query, requestJson } from './http.ts';

export type Labels = Readonly<Record<string, string>>;

export interface RangeSeries {
  readonly labels: Labels;
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

export interface InstantSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  /** Set for a native histogram instead of a float. */
  readonly histogram?: HistogramValue;
}

export interface HistogramValue {
  readonly count: number;
  readonly sum: number;
}

export interface QueryStats {
  readonly totalSamples: number;
  readonly peakSamples: number;
  readonly evalMs: number;
}

interface AnswerExtras {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats?: QueryStats;
  /** As the browser saw it. */
  readonly durationMs: number;
  readonly bytes?: number;
}

export type QueryAnswer = AnswerExtras &
  (
    | { readonly kind: 'matrix'; readonly series: readonly RangeSeries[] }
    | { readonly kind: 'vector'; readonly samples: readonly InstantSample[] }
    | { readonly kind: 'scalar'; readonly timeMs: number; readonly value: number }
    | { readonly kind: 'string'; readonly timeMs: number; readonly text: string }
  );

export function labelsOf(json: unknown): Labels {
  return Object.fromEntries(Object.entries(objectOf(json)).map(([k, v]) => [k, textOf(v)]));
}

export function sampleNumber(text: unknown): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

interface Envelope {
  readonly data: unknown;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

async function ask(path: string, init: RequestInit): Promise<Envelope> {
  const body = objectOf(await requestJson(path, init));
  if (body.status === 'error')
    throw apiError(textOf(body.error, 'The query failed.'), 422, textOf(body.errorType), path);
  return {
    data: body.data,
    warnings: listOf(body.warnings).map((w) => textOf(w)),
    infos: listOf(body.infos).map((w) => textOf(w)),
  };
}

function post(parameters: Readonly<Record<string, string | number | undefined>>, signal?: AbortSignal): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: query(parameters).slice(1),
    ...(signal ? { signal } : {}),
  };
}

const get = (signal?: AbortSignal): RequestInit => (signal ? { signal } : {});

function answerOf({ data, warnings, infos }: Envelope, startedMs: number): QueryAnswer {
  const body = objectOf(data);
  const extras = { warnings, infos, durationMs: performance.now() - startedMs, ...statsOf(body.stats) };
  const result = listOf(body.result);
  switch (body.resultType) {
    case 'matrix':
      return { ...extras, kind: 'matrix', series: result.map(seriesOf) };
    case 'vector':
      return { ...extras, kind: 'vector', samples: result.map(sampleOf) };
    case 'scalar':
      return { ...extras, kind: 'scalar', timeMs: Number(result[0]) * 1000, value: sampleNumber(result[1]) };
    default:
      return { ...extras, kind: 'string', timeMs: Number(result[0]) * 1000, text: textOf(result[1]) };
  }
}

function statsOf(json: unknown): { stats?: QueryStats } {
  const stats = objectOf(json);
  const samples = objectOf(stats.samples);
  if (samples.totalQueryableSamples === undefined) return {};
  return {
    stats: {
      totalSamples: numberOf(samples.totalQueryableSamples) ?? 0,
      peakSamples: numberOf(samples.peakSamples) ?? 0,
      evalMs: (numberOf(objectOf(stats.timings).evalTotalTime) ?? 0) * 1000,
    },
  };
}

function seriesOf(json: unknown): RangeSeries {
  const { metric, values, histograms } = objectOf(json);
  const points = listOf(values) as readonly (readonly [number, string])[];
  const timesMs = new Array<number>(points.length);
  const numbers = new Array<number>(points.length);
  for (let i = 0; i < points.length; i++) {
    timesMs[i] = Math.round(points[i]![0] * 1000);
    numbers[i] = sampleNumber(points[i]![1]);
  }
  // A native histogram has no line of its own; its count is what can be drawn.
  for (const point of listOf(histograms) as readonly (readonly [number, unknown])[]) {
    timesMs.push(Math.round(point[0] * 1000));
    numbers.push(sampleNumber(objectOf(point[1]).count));
  }
  return { labels: labelsOf(metric), timesMs, values: numbers };
}

function sampleOf(json: unknown): InstantSample {
  const { metric, value, histogram } = objectOf(json);
  const labels = labelsOf(metric);
  const h = listOf(histogram);
  if (h.length === 2) {
    const { count, sum } = objectOf(h[1]);
    const shape = { count: sampleNumber(count), sum: sampleNumber(sum) };
    return { labels, timeMs: Number(h[0]) * 1000, value: shape.count, histogram: shape };
  }
  const [time, v] = listOf(value);
  return { labels, timeMs: Number(time) * 1000, value: sampleNumber(v) };
}

/** Evaluates at one moment (epoch milliseconds). */
export async function queryInstant(expr: string, timeMs: number, signal?: AbortSignal): Promise<QueryAnswer> {
  const started = performance.now();
  return answerOf(
    await ask('/api/v1/query', post({ query: expr, time: timeMs / 1000, stats: 'true' }, signal)),
    started,
  );
}

/** Evaluates at every step of a range. */
export async function queryRange(
  expr: string,
  range: TimeRange,
  stepMs: number,
  signal?: AbortSignal,
): Promise<QueryAnswer> {
  const started = performance.now();
  const parameters = {
    query: expr,
    start: range.fromMs / 1000,
    end: range.toMs / 1000,
    step: stepMs / 1000,
    stats: 'true',
  };
  return answerOf(await ask('/api/v1/query_range', post(parameters, signal)), started);
}

function bounds(range?: TimeRange): { start?: number; end?: number } {
  return range ? { start: Math.floor(range.fromMs / 1000), end: Math.ceil(range.toMs / 1000) } : {};
}

export async function labelNames(match: string, range?: TimeRange, signal?: AbortSignal): Promise<readonly string[]> {
  const { data } = await ask(`/api/v1/labels${query({ 'match[]': match, ...bounds(range) })}`, get(signal));
  return listOf(data).map((v) => textOf(v));
}

export async function labelValues(
  label: string,
  match: string,
  range?: TimeRange,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const path = `/api/v1/label/${encodeURIComponent(label)}/values${query({ 'match[]': match, ...bounds(range) })}`;
  const { data } = await ask(path, get(signal));
  return listOf(data).map((v) => textOf(v));
}

export async function series(match: string, range?: TimeRange, signal?: AbortSignal): Promise<readonly Labels[]> {
  const { data } = await ask(`/api/v1/series${query({ 'match[]': match, ...bounds(range) })}`, get(signal));
  return listOf(data).map(labelsOf);
}

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export async function metricMetadata(signal?: AbortSignal): Promise<ReadonlyMap<string, MetricMetadata>> {
  const { data } = await ask('/api/v1/metadata', get(signal));
  return new Map(
    Object.entries(objectOf(data)).map(([name, list]) => {
      const { type, help, unit } = objectOf(listOf(list)[0]);
      return [name, { type: textOf(type), help: textOf(help), unit: textOf(unit) }];
    }),
  );
}

export type Health = 'up' | 'down' | 'unknown';

export interface ScrapeTarget {
  readonly pool: string;
  readonly url: string;
  readonly labels: Labels;
  readonly discovered: Labels;
  readonly health: Health;
  readonly lastError: string;
  readonly lastScrapeMs: number | undefined;
  readonly lastDurationMs: number;
  readonly interval: string;
  readonly timeout: string;
}

export interface Targets {
  readonly active: readonly ScrapeTarget[];
  readonly dropped: readonly { readonly discovered: Labels; readonly pool: string }[];
}

export async function targets(signal?: AbortSignal): Promise<Targets> {
  const { data } = await ask('/api/v1/targets', get(signal));
  const body = objectOf(data);
  return {
    active: listOf(body.activeTargets).map(targetOf),
    dropped: listOf(body.droppedTargets).map((t) => ({
      discovered: labelsOf(objectOf(t).discoveredLabels),
      pool: textOf(objectOf(t).scrapePool),
    })),
  };
}

/** Epoch milliseconds; undefined for an absent time and for Go's zero time. */
export function timeOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || text === '' || text.startsWith('0001-')) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function targetOf(json: unknown): ScrapeTarget {
  const t = objectOf(json);
  const health = textOf(t.health);
  return {
    pool: textOf(t.scrapePool),
    url: textOf(t.scrapeUrl),
    labels: labelsOf(t.labels),
    discovered: labelsOf(t.discoveredLabels),
    health: health === 'up' || health === 'down' ? health : 'unknown',
    lastError: textOf(t.lastError),
    lastScrapeMs: timeOf(t.lastScrape),
    lastDurationMs: (numberOf(t.lastScrapeDuration) ?? 0) * 1000,
    interval: textOf(t.scrapeInterval),
    timeout: textOf(t.scrapeTimeout),
  };
}

export type AlertState = 'inactive' | 'pending' | 'firing' | 'unknown';

export interface ActiveAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: AlertState;
  readonly activeAtMs: number | undefined;
  readonly keepFiringSinceMs: number | undefined;
  readonly value: number;
}

export interface Rule {
  readonly kind: 'alerting' | 'recording';
  readonly name: string;
  readonly query: string;
  readonly durationMs: number;
  readonly keepFiringForMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: AlertState;
  readonly alerts: readonly ActiveAlert[];
  readonly health: string;
  readonly lastError: string;
  readonly evaluationMs: number;
  readonly lastEvaluationMs: number | undefined;
}

export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly rules: readonly Rule[];
  readonly evaluationMs: number;
  readonly lastEvaluationMs: number | undefined;
}

export async function ruleGroups(signal?: AbortSignal): Promise<readonly RuleGroup[]> {
  const { data } = await ask('/api/v1/rules', get(signal));
  return listOf(objectOf(data).groups).map((json) => {
    const g = objectOf(json);
    return {
      name: textOf(g.name),
      file: textOf(g.file),
      intervalMs: (numberOf(g.interval) ?? 0) * 1000,
      rules: listOf(g.rules).map(ruleOf),
      evaluationMs: (numberOf(g.evaluationTime) ?? 0) * 1000,
      lastEvaluationMs: timeOf(g.lastEvaluation),
    };
  });
}

function stateOf(json: unknown): AlertState {
  return json === 'firing' || json === 'pending' || json === 'inactive' ? json : 'unknown';
}

function ruleOf(json: unknown): Rule {
  const r = objectOf(json);
  return {
    kind: r.type === 'recording' ? 'recording' : 'alerting',
    name: textOf(r.name),
    query: textOf(r.query),
    durationMs: (numberOf(r.duration) ?? 0) * 1000,
    keepFiringForMs: (numberOf(r.keepFiringFor) ?? 0) * 1000,
    labels: labelsOf(r.labels),
    annotations: labelsOf(r.annotations),
    state: stateOf(r.state),
    alerts: listOf(r.alerts).map(alertOf),
    health: textOf(r.health, 'unknown'),
    lastError: textOf(r.lastError),
    evaluationMs: (numberOf(r.evaluationTime) ?? 0) * 1000,
    lastEvaluationMs: timeOf(r.lastEvaluation),
  };
}

function alertOf(json: unknown): ActiveAlert {
  const a = objectOf(json);
  return {
    labels: labelsOf(a.labels),
    annotations: labelsOf(a.annotations),
    state: stateOf(a.state),
    activeAtMs: timeOf(a.activeAt),
    keepFiringSinceMs: timeOf(a.keepFiringSince),
    value: sampleNumber(a.value),
  };
}

export async function statusTexts(
  name: 'buildinfo' | 'runtimeinfo' | 'flags',
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { data } = await ask(`/api/v1/status/${name}`, get(signal));
  return Object.fromEntries(
    Object.entries(objectOf(data)).map(([k, v]) => [k, typeof v === 'boolean' ? String(v) : textOf(v)]),
  );
}

export async function statusConfig(signal?: AbortSignal): Promise<string> {
  const { data } = await ask('/api/v1/status/config', get(signal));
  return textOf(objectOf(data).yaml);
}

export interface Cardinality {
  readonly name: string;
  readonly value: number;
}

export interface TsdbStatus {
  readonly series: number;
  readonly chunks: number;
  readonly labelPairs: number;
  readonly minTimeMs: number | undefined;
  readonly maxTimeMs: number | undefined;
  readonly seriesByMetric: readonly Cardinality[];
  readonly valuesByLabel: readonly Cardinality[];
  readonly memoryByLabel: readonly Cardinality[];
  readonly seriesByPair: readonly Cardinality[];
}

export async function tsdbStatus(signal?: AbortSignal): Promise<TsdbStatus> {
  const { data } = await ask('/api/v1/status/tsdb?limit=20', get(signal));
  const d = objectOf(data);
  const head = objectOf(d.headStats);
  const list = (json: unknown): readonly Cardinality[] =>
    listOf(json).map((c) => ({ name: textOf(objectOf(c).name), value: numberOf(objectOf(c).value) ?? 0 }));
  // An empty head has the extremes of int64 here.
  const time = (json: unknown) => {
    const ms = numberOf(json);
    return ms !== undefined && Math.abs(ms) < 8.64e15 ? ms : undefined;
  };
  return {
    series: numberOf(head.numSeries) ?? 0,
    chunks: numberOf(head.chunkCount) ?? 0,
    labelPairs: numberOf(head.numLabelPairs) ?? 0,
    minTimeMs: time(head.minTime),
    maxTimeMs: time(head.maxTime),
    seriesByMetric: list(d.seriesCountByMetricName),
    valuesByLabel: list(d.labelValueCountByLabelName),
    memoryByLabel: list(d.memoryInBytesByLabelName),
    seriesByPair: list(d.seriesCountByLabelValuePair),
  };
}
