import * as fs from 'node:fs';
import { type FloatHistogram, formatFloat, labelPairs, labelsFrom, quote, STALE_NAN } from '@belfry/model';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  BASE_MS,
  metric,
  open,
  prometheus,
  promtool,
  promtoolDump,
  startPrometheus,
  temporaryDirectory,
} from './testing.ts';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

describe.skipIf(!promtool)('promtool reads what we wrote (skipped: promtool is not installed)', () => {
  test('the log of a store that was killed', () => {
    const db = open(directory);
    const expected: string[] = [];
    for (let k = 0; k < 300; k++) {
      const a = db.appender();
      for (let i = 0; i < 3; i++) {
        a.append(0, metric('m', { i: String(i) }), BASE_MS + k * 15_000, i + k);
        expected.push(`{__name__="m", i="${i}"} ${i + k} ${BASE_MS + k * 15_000}`);
      }
      a.commit();
    }
    expect(promtoolDump(directory).sort()).toEqual(expected.sort());
    db.close();
    expect(promtoolDump(directory).sort()).toEqual(expected.sort());
  });
});

describe.skipIf(!prometheus)('Prometheus goes on with what we wrote (skipped: prometheus is not installed)', () => {
  test.each(['a kill', 'a close'])(
    'native histograms, integer and float, with stale markers, after %s',
    async (how) => {
      const db = open(directory);
      for (const integer of [true, false]) {
        for (let k = 0; k < 200; k++) {
          const a = db.appender();
          const name = metric(integer ? 'integers' : 'floats');
          const t = BASE_MS + k * 15_000;
          if (k % 50 !== 49) a.appendHistogram(0, name, t, growing(k, integer));
          else a.append(a.appendHistogram(0, name, t - 1, growing(k, integer)), name, t, STALE_NAN);
          a.commit();
        }
      }
      if (how === 'a close') db.close();
      const other = await startPrometheus(directory);
      try {
        for (const name of ['integers', 'floats']) {
          const at = (BASE_MS + 200 * 15_000) / 1000;
          const { result } = (await other.get(`/api/v1/query?query=${name}[2h]&time=${at}`)) as {
            result: {
              histograms: [number, { count: string; sum: string; buckets: [number, string, string, string][] }][];
            }[];
          };
          const got = result[0].histograms;
          expect(got.length).toBe(200);
          expect(got[2]).toEqual([
            BASE_MS / 1000 + 30,
            {
              count: '9',
              sum: '2.5',
              buckets: [
                [1, '-4', '-2', '2'],
                [3, '-0.0009765625', '0.0009765625', '3'],
                [0, '2', '4', '2'],
                [0, '4', '8', '2'],
              ],
            },
          ]);
          expect(got.at(-1)![1].buckets.length).toBe(5);
          const counts = got.map(([, h]) => h.count);
          expect(counts).toEqual(Array.from({ length: 200 }, (_, k) => String(growing(k, true).count)));
        }
      } finally {
        await other.stop('SIGKILL');
      }
    },
  );

  test('exemplars and deletions, from our log', async () => {
    const db = open(directory);
    const a = db.appender();
    const ref = a.append(0, metric('m'), BASE_MS, 1) as number;
    a.append(ref, metric('m'), BASE_MS + 60_000, 2);
    a.append(ref, metric('m'), BASE_MS + 120_000, 3);
    a.appendExemplar(ref, { labels: labelsFrom({ trace_id: 'abc' }), value: 0.5, timestampMs: BASE_MS + 1 });
    a.updateMetadata(ref, metric('m'), { type: 'counter', unit: '', help: 'Something.' });
    a.commit();
    db.deleteSamples([[{ name: '__name__', op: '=', value: 'm' }]], BASE_MS + 30_000, BASE_MS + 90_000);
    const other = await startPrometheus(directory);
    try {
      const [start, end] = [BASE_MS / 1000 - 1, BASE_MS / 1000 + 1000];
      expect(await other.get(`/api/v1/query_exemplars?query=m&start=${start}&end=${end}`)).toEqual([
        {
          seriesLabels: { __name__: 'm' },
          exemplars: [{ labels: { trace_id: 'abc' }, value: '0.5', timestamp: BASE_MS / 1000 + 0.001 }],
        },
      ]);
      const { result } = (await other.get(`/api/v1/query?query=m[1h]&time=${end}`)) as {
        result: { values: unknown[] }[];
      };
      expect(result[0].values).toEqual([
        [BASE_MS / 1000, '1'],
        [BASE_MS / 1000 + 120, '3'],
      ]);
    } finally {
      await other.stop('SIGKILL');
    }
    fs.rmSync(`${directory}/lock`);
    const again = open(directory);
    expect(again.exemplars!([[]], 0, 1e15)).toMatchObject([{ exemplars: [{ value: 0.5 }] }]);
    expect(again.state.head.metadata.size).toBe(1);
    again.close();
  });

  test('a directory that Prometheus has open is refused, naming its process', async () => {
    // Debian's takes no lock unless it is asked to; then its open files tell.
    const other = await startPrometheus(directory);
    try {
      expect(() => open(directory)).toThrow(/in use by process \d+/);
    } finally {
      await other.stop('SIGTERM');
    }
    open(directory).close();
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('we go on with what Prometheus wrote, after its %s', async (signal) => {
    const other = await startPrometheus(directory, [], (port) => [
      'global: {scrape_interval: 100ms}',
      `scrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:${port}']}]}]`,
    ]);
    for (;;) {
      const { result } = (await other.get('/api/v1/query?query=count_over_time(up[1m])')) as {
        result: { value: [number, string] }[];
      };
      if (Number(result[0]?.value[1]) >= 15) break;
    }
    await other.stop(signal);
    const expected = promtoolDump(directory).map(normalized).sort();
    const db = open(directory);
    const ours: string[] = [];
    for (const s of db.select([{ name: '__name__', op: '=~', value: '.+' }], 0, 1e15)) {
      const labels = [...labelPairs(s.labels)].map(([n, v]) => `${n}=${quote(v)}`).join(', ');
      for (let i = 0; i < s.count; i++)
        ours.push(normalized(`{${labels}} ${formatFloat(s.values[i])} ${s.timestamps[i]}`));
    }
    expect(ours.length).toBe(expected.length);
    expect(ours.sort()).toEqual(expected);
    db.close();
    expect(promtoolDump(directory).map(normalized).sort()).toEqual(expected);
  });
});

/** promtool writes 1e+06 where we write 1000000. */
function normalized(line: string): string {
  return line.replace(/ ([-+.\de]+) (\d+)$/, (_, value, t) => ` ${Number(value)} ${t}`);
}

function growing(k: number, integer: boolean): FloatHistogram {
  const more = k >= 100 ? [k] : [];
  return {
    schema: 0,
    zeroThreshold: 2 ** -10,
    zeroCount: k + 1,
    count: 4 * k + 1 + (k >= 100 ? k : 0),
    sum: k + 0.5,
    positiveSpans: [{ offset: 2, length: 2 }, ...(k >= 100 ? [{ offset: 3, length: 1 }] : [])],
    negativeSpans: [{ offset: 2, length: 1 }],
    positiveBuckets: [k, k, ...more],
    negativeBuckets: [k],
    counterResetHint: 'unknown',
    ...(integer ? { integer: true } : {}),
  };
}
