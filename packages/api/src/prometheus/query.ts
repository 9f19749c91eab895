import { BelfryError, compareLabels, compileMatcher, deadline, labelsToObject, type Matcher } from '@belfry/model';
import {
  type Expr,
  formatParseError,
  parseExpr,
  parseSelector,
  prettyExpr,
  type QueryResult,
  type QueryStats,
  type QueryValue,
  selectorsOf,
  toParseTree,
} from '@belfry/promql';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { clientSignal, parametersOf } from '../http.ts';
import type { PrometheusHost } from './host.ts';
import { envelope, floatJson, matrixJson, rawSeriesJson, timeJson, vectorJson } from './json.ts';
import {
  invalid,
  MAX_TIME_MS,
  MIN_TIME_MS,
  optionalTime,
  parseDurationParameter,
  parseLimit,
  parseTime,
  requiredTime,
} from './parameters.ts';

/** Points a range query may ask for, a series. */
const MAX_POINTS_PER_SERIES = 11_000;
const METHODS: ('GET' | 'POST')[] = ['GET', 'POST'];

export function queryRoutes(app: FastifyInstance, host: PrometheusHost): void {
  app.route({ method: METHODS, url: '/api/v1/query', handler: (request, reply) => instant(host, request, reply) });
  app.route({ method: METHODS, url: '/api/v1/query_range', handler: (request, reply) => range(host, request, reply) });
  app.route({
    method: METHODS,
    url: '/api/v1/format_query',
    handler: async (request, reply) => {
      const expr = parsedQuery(host, parametersOf(request));
      return json(reply, envelope(JSON.stringify(prettyExpr(expr)), [], []));
    },
  });
  app.route({
    method: METHODS,
    url: '/api/v1/parse_query',
    handler: async (request, reply) => {
      const expr = parsedQuery(host, parametersOf(request));
      return json(reply, envelope(JSON.stringify(toParseTree(expr)), [], []));
    },
  });
  app.route({ method: METHODS, url: '/api/v1/labels', handler: (request, reply) => labels(host, request, reply) });
  app.get('/api/v1/label/:name/values', (request, reply) => labelValues(host, request, reply));
  app.route({ method: METHODS, url: '/api/v1/series', handler: (request, reply) => series(host, request, reply) });
  app.delete('/api/v1/series', async () => {
    throw new BelfryError('internal', 'not implemented');
  });
  app.route({
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
  const lookback = lookbackOf(parameters);
  const result = await limited(host, reply, parameters, (signal) =>
    host.engine.instant({
      query: parsedQuery(host, parameters),
      text: parameters.get('query') ?? '',
      timeMs,
      queryable: host.queryable,
      signal,
      ...lookback,
    }),
  );
  return json(reply, resultJson(result, limit, parameters.get('stats') ?? ''));
}

async function range(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const limit = parseLimit(parameters) || Number.POSITIVE_INFINITY;
  const startMs = requiredTime(parameters, 'start');
  const endMs = requiredTime(parameters, 'end');
  if (endMs < startMs) throw invalid('end', 'end timestamp must not be before start time');
  const stepMs = parseDurationParameter('step', parameters.get('step') ?? '');
  if (stepMs <= 0) {
    throw invalid('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
  }
  if ((endMs - startMs) / stepMs > MAX_POINTS_PER_SERIES) {
    throw new BelfryError(
      'bad_data',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  const lookback = lookbackOf(parameters);
  const result = await limited(host, reply, parameters, (signal) =>
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
  return json(reply, resultJson(result, limit, parameters.get('stats') ?? ''));
}

function lookbackOf(parameters: URLSearchParams): { lookbackMs?: number } {
  const text = parameters.get('lookback_delta');
  if (!text) return {};
  const lookbackMs = parseDurationParameter('lookback_delta', text);
  if (lookbackMs <= 0) throw invalid('lookback_delta', 'must be positive');
  return { lookbackMs };
}

/** Runs with a signal that aborts when the client goes away or its `timeout` is over. */
async function limited<T>(
  host: PrometheusHost,
  reply: FastifyReply,
  parameters: URLSearchParams,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const why = host.notReady();
  if (why) throw new BelfryError('unavailable', `not ready: ${why}`);
  const text = parameters.get('timeout');
  const timeoutMs = Math.min(text ? parseDurationParameter('timeout', text) : Infinity, host.defaultTimeoutMs);
  const reason = () => new BelfryError('query_timeout', 'query timed out in expression evaluation');
  const { signal, done } = deadline(host.clock, timeoutMs, reason, clientSignal(reply));
  try {
    return await run(signal);
  } finally {
    done();
  }
}

function parsedQuery(host: PrometheusHost, parameters: URLSearchParams): Expr {
  const text = parameters.get('query') ?? '';
  try {
    return parseExpr(text, { features: host.engine.features });
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    throw invalid('query', error.code === 'query_syntax' ? formatParseError(error, text) : error.message);
  }
}

/** The selectors of `match[]` parameters, each a list of matchers. */
export function matcherSets(texts: readonly string[], required: boolean): (readonly Matcher[])[] {
  if (required && texts.length === 0) throw new BelfryError('bad_data', 'no match[] parameter provided');
  return texts.map((text) => {
    try {
      const matchers = parseSelector(text);
      if (matchers.every((m) => compileMatcher(m).matchesEmpty)) {
        throw new BelfryError('bad_data', 'match[] must contain at least one non-empty matcher');
      }
      return matchers;
    } catch (error) {
      if (error instanceof BelfryError && error.code === 'query_syntax') {
        throw invalid('match[]', formatParseError(error, text));
      }
      throw error;
    }
  });
}

function resultJson(result: QueryResult, limit: number, stats: string): string {
  const { value, warnings, infos } = result;
  const { json: body, truncated } = valueJson(value, limit);
  const all = truncated ? [...warnings, 'results truncated due to limit'] : warnings;
  const tail = stats === '' ? '' : `,"stats":${statsJson(result.stats)}`;
  return envelope(`{"resultType":"${value.type}","result":${body}${tail}}`, all, infos);
}

function valueJson(value: QueryValue, limit: number): { json: string; truncated: boolean } {
  switch (value.type) {
    case 'scalar':
      return { json: floatJson(value.timeMs, value.values[0]!), truncated: false };
    case 'string':
      return { json: `[${timeJson(value.timeMs)},${JSON.stringify(value.value)}]`, truncated: false };
    case 'vector':
      return vectorJson(value.columns, limit);
    case 'matrix':
      return value.columns ? matrixJson(value.columns, limit) : rawSeriesJson(value.series, limit);
  }
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
  const sets = matcherSets(parameters.getAll('match[]'), false);
  const names = await limited(host, reply, parameters, (signal) =>
    host.queryable.labelNames(sets, minMs, maxMs, limit === 0 ? undefined : limit + 1, signal),
  );
  return list(reply, names, limit);
}

async function labelValues(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const name = unescapeName((request.params as { name: string }).name);
  if (!name.isWellFormed() || name === '')
    throw new BelfryError('bad_data', `invalid label name: ${JSON.stringify(name)}`);
  const { minMs, maxMs, limit } = windowOf(parameters);
  const sets = matcherSets(parameters.getAll('match[]'), false);
  const values = await limited(host, reply, parameters, (signal) =>
    host.queryable.labelValues(name, sets, minMs, maxMs, limit === 0 ? undefined : limit + 1, signal),
  );
  return list(reply, values, limit);
}

async function series(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const { minMs, maxMs, limit } = windowOf(parameters);
  const sets = matcherSets(parameters.getAll('match[]'), true);
  const found = await limited(host, reply, parameters, (signal) =>
    host.queryable.series(sets, minMs, maxMs, limit === 0 ? undefined : limit + 1, signal),
  );
  return list(reply, found.toSorted(compareLabels).map(labelsToObject), limit);
}

function list(reply: FastifyReply, items: readonly unknown[], limit: number): FastifyReply {
  const truncated = limit > 0 && items.length > limit;
  const shown = truncated ? items.slice(0, limit) : items;
  return json(reply, envelope(JSON.stringify(shown), truncated ? ['results truncated due to limit'] : [], []));
}

function windowOf(parameters: URLSearchParams): { minMs: number; maxMs: number; limit: number } {
  const limit = parseLimit(parameters);
  const minMs = optionalTime(parameters, 'start', MIN_TIME_MS);
  const maxMs = optionalTime(parameters, 'end', MAX_TIME_MS);
  return { minMs, maxMs, limit };
}

async function exemplars(host: PrometheusHost, request: Request, reply: FastifyReply): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const minMs = parameters.get('start') ? parseTime('start', parameters.get('start')!) : MIN_TIME_MS;
  const maxMs = parameters.get('end') ? parseTime('end', parameters.get('end')!) : MAX_TIME_MS;
  if (maxMs < minMs) throw new BelfryError('bad_data', 'end timestamp must not be before start timestamp');
  const sets = selectorsOf(parsedQuery(host, parameters)).map((selector) => selector.matchers);
  if (sets.length === 0) return json(reply, envelope('[]', [], []));
  const found = await limited(host, reply, parameters, (signal) =>
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
  return json(reply, envelope(JSON.stringify(data), [], []));
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
