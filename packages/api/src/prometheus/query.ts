import { BelfryError, compareLabels, compileMatcher, deadline, labelsToObject, type Matcher } from '@belfry/model';
import {
  type Expr,
  formatParseError,
  parseExpr,
  parseSelector,
  prettyExpr,
  type QueryResult,
  type QueryStats,
  selectorsOf,
  toParseTree,
} from '@belfry/promql';
import type { FastifyReply } from 'fastify';
import { clientSignal, parametersOf } from '../http.ts';
import type { Doors } from './doors.ts';
import type { PrometheusHost } from './host.ts';
import { envelope, labelsJson, matrixRows, rawSeriesRows, remarksJson, scalarJson, vectorRows } from './json.ts';
import {
  durationOf,
  invalid,
  MAX_TIME_MS,
  MIN_TIME_MS,
  optionalTime,
  parseDurationParameter,
  parseLimit,
  requiredTime,
} from './parameters.ts';
import { sendRows } from './stream.ts';

/** Points a range query may ask for, a series. */
const MAX_POINTS_PER_SERIES = 11_000;
const TRUNCATED = 'results truncated due to limit';
const METHODS: ('GET' | 'POST')[] = ['GET', 'POST'];

export function queryRoutes(doors: Doors, host: PrometheusHost): void {
  doors.route({ method: METHODS, url: '/api/v1/query', handler: (request, reply) => instant(host, request, reply) });
  doors.route({
    method: METHODS,
    url: '/api/v1/query_range',
    handler: (request, reply) => range(host, request, reply),
  });
  doors.route({
    method: METHODS,
    url: '/api/v1/format_query',
    handler: async (request, reply) => {
      const expr = parsedQuery(host, parametersOf(request));
      return json(reply, envelope(JSON.stringify(prettyExpr(expr))));
    },
  });
  doors.route({
    method: METHODS,
    url: '/api/v1/parse_query',
    handler: async (request, reply) => {
      const expr = parsedQuery(host, parametersOf(request));
      return json(reply, envelope(JSON.stringify(toParseTree(expr))));
    },
  });
  doors.route({ method: METHODS, url: '/api/v1/labels', handler: (request, reply) => labels(host, request, reply) });
  doors.get('/api/v1/label/:name/values', (request, reply) => labelValues(host, request, reply));
  doors.route({ method: METHODS, url: '/api/v1/series', handler: (request, reply) => series(host, request, reply) });
  doors.delete('/api/v1/series', async () => {
    throw new BelfryError('internal', 'not implemented');
  });
  doors.route({
    method: METHODS,
    url: '/api/v1/query_exemplars',
    handler: (request, reply) => exemplars(host, request, reply),
  });
}

type Request = Parameters<typeof parametersOf>[0];

async function instant(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const limit = parseLimit(parameters) || Number.POSITIVE_INFINITY;
  const timeMs = optionalTime(parameters, 'time', host.clock.now());
  const timeoutMs = timeoutOf(parameters);
  const lookback = lookbackOf(parameters);
  const result = await limited(host, reply, timeoutMs, (signal) =>
    host.engine.instant({
      query: parsedQuery(host, parameters),
      text: parameters.get('query') ?? '',
      timeMs,
      queryable: host.queryable,
      signal,
      ...lookback,
    }),
  );
  return sendResult(reply, result, limit, parameters.get('stats') ?? '');
}

async function range(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const limit = parseLimit(parameters) || Number.POSITIVE_INFINITY;
  const startMs = requiredTime(parameters, 'start');
  const endMs = requiredTime(parameters, 'end');
  if (endMs < startMs) throw invalid('end', 'end timestamp must not be before start time');
  const exactStepMs = parseDurationParameter('step', parameters.get('step') ?? '');
  if (exactStepMs <= 0) {
    throw invalid('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
  }
  if (Math.floor((endMs - startMs) / exactStepMs) > MAX_POINTS_PER_SERIES) {
    throw new BelfryError(
      'bad_data',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  // Samples have milliseconds: a finer step would never get on.
  const stepMs = Math.trunc(exactStepMs);
  if (stepMs === 0) throw invalid('step', 'query resolution step widths below a millisecond are not accepted');
  const timeoutMs = timeoutOf(parameters);
  const lookback = lookbackOf(parameters);
  const result = await limited(host, reply, timeoutMs, (signal) =>
    host.engine.range({
      query: parsedQuery(host, parameters),
      text: parameters.get('query') ?? '',
      startMs,
      endMs,
      stepMs,
      queryable: host.queryable,
      signal,
      ...lookback,
    }),
  );
  return sendResult(reply, result, limit, parameters.get('stats') ?? '');
}

/** Zero and less mean the server's own. */
function lookbackOf(parameters: URLSearchParams): { lookbackMs?: number } {
  const text = parameters.get('lookback_delta');
  if (!text) return {};
  const lookbackMs = durationOf(text);
  if (typeof lookbackMs === 'string') {
    throw new BelfryError('bad_data', `error parsing lookback delta duration: ${lookbackMs}`);
  }
  return lookbackMs > 0 ? { lookbackMs } : {};
}

function timeoutOf(parameters: URLSearchParams): number {
  const text = parameters.get('timeout');
  return text ? parseDurationParameter('timeout', text) : Number.POSITIVE_INFINITY;
}

/** Runs with a signal that aborts when the client goes away or the time it gave is over. */
async function limited<T>(
  host: PrometheusHost,
  reply: FastifyReply,
  clientTimeoutMs: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const why = host.notReady();
  if (why) throw new BelfryError('unavailable', `not ready: ${why}`);
  if (clientTimeoutMs <= 0) throw new BelfryError('query_timeout', 'query timed out in query execution');
  const timeoutMs = Math.min(clientTimeoutMs, host.defaultTimeoutMs);
  const reason = () => new BelfryError('query_timeout', 'query timed out in expression evaluation');
  const { signal, done } = deadline(host.clock, timeoutMs, reason, clientSignal(reply));
  try {
    return await run(signal);
  } finally {
    done();
  }
}

function parsedQuery(host: PrometheusHost, parameters: URLSearchParams): Expr {
  return naming('query', () => parsed(host, parameters));
}

function parsed(host: PrometheusHost, parameters: URLSearchParams): Expr {
  const text = parameters.get('query') ?? '';
  try {
    return parseExpr(text, { features: host.engine.features });
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    throw new BelfryError('bad_data', error.code === 'query_syntax' ? formatParseError(error, text) : error.message);
  }
}

/**
 * The selectors of `match[]` parameters, each a list of matchers.
 * @throws BelfryError `bad_data` at what is no selector, and at one that could select everything
 */
export function matcherSets(texts: readonly string[]): (readonly Matcher[])[] {
  const sets = texts.map(selectorOf);
  if (sets.some((matchers) => matchers.every((m) => compileMatcher(m).matchesEmpty))) {
    throw new BelfryError('bad_data', 'match[] must contain at least one non-empty matcher');
  }
  return sets;
}

/** A selector, be it as wide as it likes. @throws BelfryError `bad_data` */
export function selectorOf(text: string): readonly Matcher[] {
  try {
    return parseSelector(text);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    throw new BelfryError('bad_data', error.code === 'query_syntax' ? formatParseError(error, text) : error.message);
  }
}

/** Runs `read`; what it finds wrong is said of the parameter. */
export function naming<T>(parameter: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BelfryError && error.code === 'bad_data') throw invalid(parameter, error.message);
    throw error;
  }
}

function sendResult(reply: FastifyReply, result: QueryResult, limit: number, stats: string): FastifyReply {
  const { value, warnings, infos } = result;
  const head = `{"status":"success","data":{"resultType":"${value.type}","result":`;
  const end = stats === '' ? '}' : `,"stats":${statsJson(result.stats)}}`;
  const remarks = remarksJson(warnings, infos);
  switch (value.type) {
    case 'scalar':
      return json(reply, `${head}${scalarJson(value.timeMs, value.values[0]!)}${end}${remarks}`);
    case 'string':
      return json(reply, `${head}[${value.timeMs / 1000},${JSON.stringify(value.value)}]${end}${remarks}`);
    default:
      return sendRows(reply, {
        head: `${head}[`,
        rows: rowsOf(value),
        limit,
        tail: (truncated) => `]${end}${truncated ? remarksJson([...warnings, TRUNCATED], infos) : remarks}`,
      });
  }
}

function rowsOf(value: Extract<QueryResult['value'], { type: 'vector' | 'matrix' }>): Iterable<string> {
  if (value.type === 'vector') return vectorRows(value.columns);
  return value.columns ? matrixRows(value.columns) : rawSeriesRows(value.series);
}

/** Prometheus' names; times in seconds. */
function statsJson(stats: QueryStats): string {
  const seconds = (ms: number) => ms / 1000;
  const { queueMs, prepareMs, evalMs, sortMs } = stats;
  return JSON.stringify({
    timings: {
      evalTotalTime: seconds(prepareMs + evalMs + sortMs),
      resultSortTime: seconds(sortMs),
      queryPreparationTime: seconds(prepareMs),
      innerEvalTime: seconds(evalMs),
      execQueueTime: seconds(queueMs),
      execTotalTime: seconds(queueMs + prepareMs + evalMs + sortMs),
    },
    samples: { totalQueryableSamples: stats.totalSamples, peakSamples: stats.peakSamples },
  });
}

async function labels(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const { minMs, maxMs, limit } = windowOf(parameters);
  const sets = matcherSets(parameters.getAll('match[]'));
  const names = await limited(host, reply, Number.POSITIVE_INFINITY, (signal) =>
    host.queryable.labelNames(sets, minMs, maxMs, limit === 0 ? undefined : limit + 1, signal),
  );
  return list(reply, names, limit, JSON.stringify);
}

async function labelValues(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const name = unescapeName((request.params as { name: string }).name);
  if (!name.isWellFormed() || name === '')
    throw new BelfryError('bad_data', `invalid label name: ${JSON.stringify(name)}`);
  const { minMs, maxMs, limit } = windowOf(parameters);
  const sets = matcherSets(parameters.getAll('match[]'));
  const values = await limited(host, reply, Number.POSITIVE_INFINITY, (signal) =>
    host.queryable.labelValues(name, sets, minMs, maxMs, limit === 0 ? undefined : limit + 1, signal),
  );
  return list(reply, values, limit, JSON.stringify);
}

async function series(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const texts = someMatches(parameters);
  const { minMs, maxMs, limit } = windowOf(parameters);
  const sets = naming('match[]', () => matcherSets(texts));
  const found = await limited(host, reply, Number.POSITIVE_INFINITY, (signal) =>
    host.queryable.series(sets, minMs, maxMs, limit === 0 ? undefined : limit + 1, signal),
  );
  return list(reply, found.toSorted(compareLabels), limit, labelsJson);
}

/** The texts of `match[]`, one at least. */
export function someMatches(parameters: URLSearchParams): string[] {
  const texts = parameters.getAll('match[]');
  if (texts.length === 0) throw new BelfryError('bad_data', 'no match[] parameter provided');
  return texts;
}

function list<T>(reply: FastifyReply, items: readonly T[], limit: number, itemJson: (item: T) => string): FastifyReply {
  return sendRows(reply, {
    head: '{"status":"success","data":[',
    rows: items.values().map((item) => itemJson(item)),
    limit: limit || Number.POSITIVE_INFINITY,
    tail: (truncated) => `]${remarksJson(truncated ? [TRUNCATED] : [], [])}`,
  });
}

function windowOf(parameters: URLSearchParams): { minMs: number; maxMs: number; limit: number } {
  const limit = parseLimit(parameters);
  const minMs = optionalTime(parameters, 'start', MIN_TIME_MS);
  const maxMs = optionalTime(parameters, 'end', MAX_TIME_MS);
  return { minMs, maxMs, limit };
}

async function exemplars(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const minMs = optionalTime(parameters, 'start', MIN_TIME_MS);
  const maxMs = optionalTime(parameters, 'end', MAX_TIME_MS);
  if (maxMs < minMs) throw new BelfryError('bad_data', 'end timestamp must not be before start timestamp');
  const sets = selectorsOf(parsed(host, parameters)).map((selector) => selector.matchers);
  if (sets.length === 0) return reply.status(204).send();
  const found = await limited(host, reply, Number.POSITIVE_INFINITY, (signal) =>
    host.queryable.exemplars(sets, minMs, maxMs, signal),
  );
  const data = found.map((s) => ({
    seriesLabels: labelsToObject(s.labels),
    exemplars: s.exemplars.map((e) => ({
      labels: labelsToObject(e.labels),
      value: String(e.value),
      timestamp: (e.timestampMs ?? 0) / 1000,
    })),
  }));
  return json(reply, envelope(JSON.stringify(data)));
}

/** `U__` names: how a UTF-8 label name is written in a path. */
function unescapeName(name: string): string {
  if (!name.startsWith('U__')) return name;
  return name
    .slice(3)
    .replace(/__|_([0-9a-fA-F]{1,6})_/g, (whole, hex?: string) =>
      hex === undefined ? '_' : codePointText(Number.parseInt(hex, 16), whole),
    );
}

function codePointText(code: number, fallback: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : fallback;
}

function json(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json').send(text);
}
