/** Rules over a server elsewhere: anything that speaks Prometheus' HTTP API. */
import type { HttpClient } from '@belfry/config';
import { BelfryError, formatMatcher, labelsFrom, labelsKey, type Matcher, STALE_NAN } from '@belfry/model';
import type { RawSeries } from '@belfry/promql';
import type { RestoreSource } from './restore.ts';
import type { RuleQuery, VectorSample } from './sample.ts';

export interface RemoteQueryOptions {
  /** Of the server, without `/api/v1/…`; no user or password in it (they belong to the client). */
  readonly url: string;
  readonly client: HttpClient;
  /** For one query, in milliseconds. */
  readonly timeoutMs: number;
}

/** Answers may be this large. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_SHOWN_CHARS = 200;
/** How far an instant query looks back: where it finds nothing later than a sample, the series was ended on purpose. */
const LOOKBACK_MS = 5 * 60_000;
/** Different times of last samples for which this is asked. */
const MAX_ENDS = 20;

interface Answer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly errorType?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

type Point = readonly [seconds: number, value: string];
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
  readonly histogram?: unknown;
}

/**
 * Instant queries by POST. What fails rejects with BelfryError and the other server's words: `query_execution` when it
 * refuses, `unavailable` when it cannot be reached or answers something else.
 */
export function remoteQuery(options: RemoteQueryOptions): RuleQuery {
  return async (query, timeMs, signal) => {
    const { resultType, result } = await ask(options, query, timeMs, signal);
    if (resultType === 'scalar') return [{ labels: labelsFrom({}), value: numberOf((result as Point)[1]) }];
    if (resultType !== 'vector') throw new BelfryError('query_type', 'rule result is not a vector or scalar');
    return (result as readonly Series[]).map(vectorSample);
  };
}

function vectorSample({ metric, value, histogram }: Series): VectorSample {
  if (histogram !== undefined || !value) {
    throw new BelfryError(
      'query_execution',
      'the result holds native histograms, whose exact buckets the HTTP API does not tell; use histogram_quantile, ' +
        'histogram_count or another function that makes numbers of them',
    );
  }
  return { labels: labelsFrom(metric), value: numberOf(value[1]) };
}

/**
 * Raw samples from the other server, for state from before a restart. The API leaves markers of the end out: a series
 * that an instant query finds no more shortly after its last sample is given one.
 */
export function remoteRestoreSource(options: RemoteQueryOptions): RestoreSource {
  return async (matchers, afterMs, untilMs, signal) => {
    const selector = selectorOf(matchers);
    const seconds = Math.max(1, Math.round((untilMs - afterMs) / 1000));
    const { result } = await ask(options, `${selector}[${seconds}s]`, untilMs, signal);
    const found = (result as readonly Series[]).filter(({ values }) => values && values.length > 0).map(rawSeries);
    const alive = new Map<number, Set<string>>();
    for (const endMs of [...new Set(found.map(lastMs))].slice(0, MAX_ENDS)) {
      const { result: then } = await ask(options, selector, Math.min(untilMs, endMs + LOOKBACK_MS - 1000), signal);
      alive.set(endMs, new Set((then as readonly Series[]).map(({ metric }) => labelsKey(labelsFrom(metric)))));
    }
    return found.map((series) => {
      const endMs = lastMs(series);
      return alive.get(endMs)?.has(labelsKey(series.labels)) ? series : ended(series, endMs + 1);
    });
  };
}

/** What the first source knows, and, of series that it does not have, what the second knows. */
export function firstThen(first: RestoreSource, second: RestoreSource): RestoreSource {
  return async (...asked) => {
    const own = await first(...asked);
    const known = new Set(own.map(({ labels }) => labelsKey(labels)));
    const more = await second(...asked);
    return [...own, ...more.filter(({ labels }) => !known.has(labelsKey(labels)))];
  };
}

function rawSeries({ metric, values = [] }: Series): RawSeries {
  return {
    labels: labelsFrom(metric),
    timestamps: Float64Array.from(values, ([at]) => Math.round(at * 1000)),
    values: Float64Array.from(values, ([, value]) => numberOf(value)),
  };
}

function lastMs({ timestamps }: RawSeries): number {
  return timestamps[timestamps.length - 1]!;
}

function ended(series: RawSeries, atMs: number): RawSeries {
  return {
    ...series,
    timestamps: Float64Array.from([...series.timestamps, atMs]),
    values: Float64Array.from([...series.values, STALE_NAN]),
  };
}

function selectorOf(matchers: readonly Matcher[]): string {
  return `{${matchers.map(formatMatcher).join(', ')}}`;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

async function ask(
  { url, client, timeoutMs }: RemoteQueryOptions,
  query: string,
  timeMs: number,
  signal: AbortSignal | undefined,
): Promise<NonNullable<Answer['data']>> {
  const response = await client.request({
    method: 'POST',
    url: `${url.replace(/\/+$/, '')}/api/v1/query`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({ query, time: String(timeMs / 1000), timeout: `${timeoutMs}ms` }).toString(),
    timeoutMs,
    maxBodyBytes: MAX_ANSWER_BYTES,
    ...(signal ? { signal } : {}),
  });
  const text = new TextDecoder().decode(response.body);
  const answer = parse(text);
  if (!answer) {
    const shown = text.trim().slice(0, MAX_SHOWN_CHARS);
    throw new BelfryError('unavailable', `${url} is no Prometheus API: status ${response.status}: ${shown}`);
  }
  if (answer.status === 'success' && answer.data) return answer.data;
  const code = response.status === 400 || response.status === 422 ? 'query_execution' : 'unavailable';
  throw new BelfryError(code, `${url}: ${answer.errorType ?? 'error'}: ${answer.error ?? `status ${response.status}`}`);
}

function parse(text: string): Answer | undefined {
  try {
    const answer = JSON.parse(text) as Answer | null;
    return answer?.status === 'success' || answer?.status === 'error' ? answer : undefined;
  } catch {
    return undefined;
  }
}
