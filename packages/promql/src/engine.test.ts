import { BelfryError, formatLabels, labelsFrom, VirtualClock } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import { createEngine, type EngineOptions, explain, type QueryResult, resultSeries } from './engine.ts';
import { evaluateLeaf, queryable } from './leaf.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';
import type { LeafPlan, Queryable } from './storage.ts';

const SERIES = 4;

function filledStore(): MemoryStore {
  const store = createMemoryStore();
  const appender = store.appender();
  for (let s = 0; s < SERIES; s++) {
    const labels = labelsFrom({ __name__: 'http_requests_total', job: s % 2 === 0 ? 'a' : 'b', i: String(s) });
    let ref = 0;
    for (let k = 0; k < 100; k++) ref = appender.append(ref, labels, k * 15_000, k * (s + 1));
    const load = labelsFrom({ __name__: 'load', job: s % 2 === 0 ? 'a' : 'b', i: String(s) });
    appender.append(0, load, 885_000, s);
    appender.append(0, load, 900_000, s);
  }
  appender.commit();
  return store;
}

function setUp(options: Partial<EngineOptions> = {}) {
  const clock = new VirtualClock(1_000_000);
  const store = filledStore();
  const engine = createEngine({ clock, ...options });
  return { clock, store, engine, source: queryable(store, { clock }) };
}

const shown = (result: QueryResult) =>
  [...resultSeries(result.value)].map((s) => `${formatLabels(s.labels)} ${[...s.values].join(' ')}`);

async function failureOf(promise: Promise<unknown>): Promise<BelfryError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(BelfryError);
    return error as BelfryError;
  }
  throw new Error('expected a failure');
}

const instant = async (query: string, options: Partial<EngineOptions> = {}) => {
  const { engine, source } = setUp(options);
  return engine.instant({ query, timeMs: 900_000, queryable: source });
};

/** A store whose leaves answer when told. */
function stalled(): { source: Queryable; aborted: () => boolean } {
  let aborted = false;
  const never = (signal?: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        aborted = true;
        reject(signal.reason);
      });
    });
  const { source } = setUp();
  return { source: { ...source, leaf: (_plan, signal) => never(signal) }, aborted: () => aborted };
}

describe('results', () => {
  test('a vector, a scalar, a string, a matrix', async () => {
    expect(shown(await instant('sum by (job) (rate(http_requests_total[5m]))'))).toHaveLength(2);
    expect((await instant('1 + 1')).value).toEqual({ type: 'scalar', timeMs: 900_000, values: Float64Array.of(2) });
    expect((await instant('"x"')).value).toEqual({ type: 'string', timeMs: 900_000, value: 'x' });
    const raw = await instant('http_requests_total{i="0"}[30s]');
    expect(shown(raw)).toEqual(['http_requests_total{i="0", job="a"} 59 60']);
  });

  test('a range query is sorted by labels, and of a scalar one row without labels', async () => {
    const { engine, source } = setUp();
    const range = { startMs: 0, endMs: 60_000, stepMs: 30_000, queryable: source };
    const result = await engine.range({ query: 'http_requests_total * -1 or vector(time())', ...range });
    expect(shown(result)[0]).toBe('{} 0 30 60');
    expect(shown(await engine.range({ query: '2', ...range }))).toEqual(['{} 2 2 2']);
    expect((await engine.range({ query: '2', ...range, endMs: -1 })).value).toMatchObject({
      columns: { labels: [{}] },
    });
    const error = await failureOf(engine.range({ query: 'http_requests_total[1m]', ...range }));
    expect(error.message).toBe(
      'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    );
  });

  test('sort and topk give their order', async () => {
    expect(shown(await instant('sort_desc(load)')).map((s) => s.split(' ').at(-1))).toEqual(['3', '2', '1', '0']);
    expect(shown(await instant('topk(2, load)')).map((s) => s.split(' ').at(-1))).toEqual(['3', '2']);
    expect(shown(await instant('bottomk by (job) (1, load)')).map((s) => s.split(' ').at(-1))).toEqual(['0', '1']);
  });

  test('annotations have their place in the query', async () => {
    expect((await instant('sum(rate(load[5m]))')).infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "load" (1:10)',
    ]);
    expect((await instant('quantile(2, load)')).warnings).toEqual([
      'PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)',
    ]);
    const { engine, source } = setUp();
    const range = { startMs: 0, endMs: 60_000, stepMs: 30_000, queryable: source };
    expect((await engine.range({ query: 'sort(load)', ...range })).warnings).toEqual([
      'PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)',
    ]);
  });

  test('statistics', async () => {
    const { engine, source } = setUp();
    const query = 'sum(rate(http_requests_total[1m]))';
    const { stats } = await engine.instant({ query, timeMs: 900_000, queryable: source, stats: true });
    expect(stats.totalSamples).toBe(SERIES * 4);
    expect(stats.peakSamples).toBeGreaterThan(0);
    expect(stats.nodes!.map((n) => n.text)).toEqual(['rate(http_requests_total[1m])', query]);
  });
});

describe('names', () => {
  const two = '{__name__=~"http_requests_total|load"}';

  test('are dropped at once, unless delayed', async () => {
    const error = await failureOf(instant(`-${two}`));
    expect(error.message).toBe('vector cannot contain metrics with the same labelset');
    const delayed = new Set(['promql-delayed-name-removal']);
    expect((await failureOf(instant(`-${two}`, { features: delayed }))).message).toBe(error.message);
    expect(shown(await instant(`count(-${two})`, { features: delayed }))).toEqual(['{} 8']);
    expect((await failureOf(instant(`count(-${two})`))).message).toBe(error.message);
    expect(shown(await instant('count by (__name__) (-load)'))).toEqual(['{} 4']);
  });

  test('any text may stand in labels', async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore();
    const appender = store.appender();
    appender.append(0, labelsFrom({ __name__: 'x', a: '1\xff', b: '2' }), 1000, 1);
    appender.append(0, labelsFrom({ __name__: 'x', a: '1', b: '\xff2' }), 1000, 1);
    appender.commit();
    const engine = createEngine({ clock });
    const query = 'count by (a, b) (x) + on(a, b) count by (a, b) (x)';
    expect(shown(await engine.instant({ query, timeMs: 2000, queryable: queryable(store, { clock }) }))).toHaveLength(
      2,
    );
  });

  test('ambiguous matches are refused in Prometheus’ words', async () => {
    expect((await failureOf(instant('load + on(job) load'))).message).toMatch(
      /^found duplicate series for the match group \{job="[ab]"\} on the right hand-side of the operation: \[.*\];many-to-many matching not allowed/,
    );
    expect((await failureOf(instant('load + on(job) sum by (job) (load)'))).message).toBe(
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    );
    expect((await failureOf(instant('topk(NaN, load)'))).message).toBe('Parameter value is NaN');
    expect((await failureOf(instant('label_replace(load, "i", "", "", "")'))).code).toBe('query_execution');
  });
});

describe('limits', () => {
  test('samples', async () => {
    const error = await failureOf(instant('http_requests_total', { maxSamples: SERIES - 1 }));
    expect(error.code).toBe('query_too_many_samples');
    expect(error.message).toBe('query processing would load too many samples into memory in query execution');
  });

  test('what is computed from no longer counts', async () => {
    const result = await instant(`load${' * 1'.repeat(50)}`, { maxSamples: 3 * SERIES });
    expect(shown(result)).toHaveLength(SERIES);
    expect(result.stats.peakSamples).toBeLessThanOrEqual(3 * SERIES);
  });

  test('time, and a client that leaves', async () => {
    const { clock, engine } = setUp({ timeoutMs: 5000 });
    const { source, aborted } = stalled();
    const late = failureOf(engine.instant({ query: 'up', timeMs: 0, queryable: source }));
    await clock.advance(5000);
    expect((await late).message).toBe('query timed out in expression evaluation');
    expect(aborted()).toBe(true);

    const controller = new AbortController();
    const left = failureOf(engine.instant({ query: 'up', timeMs: 0, queryable: source, signal: controller.signal }));
    await clock.advance(1);
    controller.abort();
    expect(await left).toMatchObject({
      code: 'query_canceled',
      message: 'query was canceled in expression evaluation',
    });
    expect(engine.activeQueries()).toEqual([]);
  });

  test('a part that fails stops the others', async () => {
    const { engine, source } = setUp();
    const other = stalled();
    const half: Queryable = {
      ...source,
      leaf: (plan, signal) =>
        plan.matchers.some((m) => m.value === 'load')
          ? Promise.reject(new BelfryError('data_corrupt', 'broken'))
          : other.source.leaf(plan, signal),
    };
    const error = await failureOf(engine.instant({ query: 'up + load', timeMs: 0, queryable: half }));
    expect(error.code).toBe('data_corrupt');
    expect(other.aborted()).toBe(true);
  });

  test('queries at once: the rest wait in order, and their time runs', async () => {
    const { clock, engine, source } = setUp({ maxConcurrent: 1, timeoutMs: 5000 });
    const controller = new AbortController();
    const { source: stuck } = stalled();
    const first = failureOf(engine.instant({ query: 'a', timeMs: 0, queryable: stuck, signal: controller.signal }));
    const second = engine.instant({ query: '1', timeMs: 0, queryable: source });
    await clock.advance(1);
    expect(engine.activeQueries().map((q) => [q.query, q.queued])).toEqual([
      ['a', false],
      ['1', true],
    ]);
    controller.abort();
    await first;
    expect((await second).value.type).toBe('scalar');

    const blocking = failureOf(engine.instant({ query: 'a', timeMs: 0, queryable: stuck }));
    await clock.advance(1);
    const waiting = failureOf(engine.instant({ query: '1', timeMs: 0, queryable: source, limits: { timeoutMs: 100 } }));
    await clock.advance(100);
    expect((await waiting).message).toBe('query timed out in query queue');
    await clock.advance(5000);
    await blocking;
  });
});

describe('leaves', () => {
  const plan = (grid = { startMs: 300_000, stepMs: 60_000, count: 10 }): LeafPlan => ({
    matchers: [{ name: '__name__', op: '=', value: 'http_requests_total' }],
    grid,
    offsetMs: 0,
    operation: { kind: 'over-time', func: 'rate', rangeMs: 300_000, params: [], lookbackMs: 300_000 },
    maxSamples: 1e6,
  });

  test('are the same in slices as in one go', async () => {
    const { clock, store } = setUp();
    let yields = 0;
    const sliced = queryable(store, {
      clock: { ...clock, now: () => 0, after: clock.after.bind(clock), monotonic: () => yields * 10 },
      sliceMs: 0,
      yieldNow: async () => {
        yields++;
      },
    });
    const whole = evaluateLeaf(plan(), store);
    expect(await sliced.leaf(plan())).toEqual(whole);
    expect(yields).toBeGreaterThanOrEqual(SERIES);
    expect(whole.columns.dropName).toEqual(new Uint8Array(SERIES).fill(1));
  });

  test('stop when nobody waits any longer', async () => {
    const { clock, store } = setUp();
    const controller = new AbortController();
    const sliced = queryable(store, { clock, sliceMs: 0, yieldNow: async () => controller.abort(new Error('gone')) });
    await expect(sliced.leaf(plan(), controller.signal)).rejects.toThrow('gone');
  });

  test('a selector that occurs twice is read once', async () => {
    const { engine, source } = setUp();
    let leaves = 0;
    const counting: Queryable = {
      ...source,
      leaf: (p, signal) => {
        leaves++;
        return source.leaf(p, signal);
      },
    };
    const query = 'sum(rate(http_requests_total[5m])) / (sum(rate(http_requests_total[5m])) + count(load @ 900))';
    await engine.range({ query, startMs: 300_000, endMs: 900_000, stepMs: 60_000, queryable: counting });
    expect(leaves).toBe(2);
    const plans = explain(query);
    expect(plans.inputs[0]).toMatchObject({ kind: 'aggregation', shared: true, stepInvariant: false });
    expect(plans.inputs[0]!.inputs[0]).toMatchObject({ text: 'rate(http_requests_total[5m])', leaf: true, inputs: [] });
  });
});

test('the memory store refuses what is out of order and shows nothing before commit', () => {
  const store = createMemoryStore();
  const labels = labelsFrom({ __name__: 'x' });
  const appender = store.appender();
  const ref = appender.append(0, labels, 1000, 1);
  expect(ref).toBeGreaterThan(0);
  expect(appender.append(ref, labels, 500, 1)).toBeLessThan(0);
  const matchers = [{ name: '__name__', op: '=', value: 'x' }] as const;
  expect([...store.select(matchers, 0, 2000)]).toEqual([]);
  appender.commit();
  expect([...store.select(matchers, 0, 2000)].map((s) => [...s.values])).toEqual([[1]]);
  expect(store.appender().append(ref, labels, 1000, 1)).toBe(ref);
  expect(store.appender().append(ref, labels, 1000, 2)).toBeLessThan(0);
  expect(store.labelNames([], 0, 2000)).toEqual(['__name__']);
  expect(store.labelValues('__name__', [matchers], 0, 2000)).toEqual(['x']);
  expect(store.labelValues('__name__', [matchers], 2000, 3000)).toEqual([]);
});
