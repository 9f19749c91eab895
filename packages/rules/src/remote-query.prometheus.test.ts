/** Rules over a real Prometheus, which takes what is written to it by OpenMetrics blocks of `promtool`. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_HTTP_CONFIG, httpClient } from '@belfry/config';
import { isStaleNaN, labelsToObject, systemClock } from '@belfry/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstThen, remoteQuery, remoteRestoreSource } from './index.ts';

const installed = ['prometheus', 'promtool'].every(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
);

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

describe.skipIf(!installed)('a real Prometheus', () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-remote-query-'));
  /** Full minutes a while ago, so that blocks can hold them. */
  const nowSeconds = Math.floor(Date.now() / 60_000) * 60 - 3 * 3600;
  const client = httpClient(DEFAULT_HTTP_CONFIG, { clock: systemClock });
  let prometheus: ChildProcess;
  let options: Parameters<typeof remoteQuery>[0];

  beforeAll(async () => {
    const samples = (name: string, points: readonly (readonly [number, string])[]) =>
      points.map(([at, value]) => `${name} ${value} ${at}`).join('\n');
    const every = (count: number, value: (i: number) => string) =>
      Array.from({ length: count }, (_, i) => [nowSeconds - (count - 1 - i) * 60, value(i)] as const);
    writeFileSync(
      join(directory, 'data.om'),
      [
        '# TYPE level gauge',
        samples(
          'level{tank="a b"}',
          every(10, (i) => String(i)),
        ),
        samples(
          'level{tank="inf"}',
          every(10, () => '+Inf'),
        ),
        samples(
          'level{tank="nan"}',
          every(10, () => 'NaN'),
        ),
        '# TYPE ALERTS_FOR_STATE gauge',
        samples(
          'ALERTS_FOR_STATE{alertname="High",tank="a"}',
          every(10, () => '1000'),
        ),
        '# EOF\n',
      ].join('\n'),
    );
    execFileSync('promtool', [
      'tsdb',
      'create-blocks-from',
      'openmetrics',
      join(directory, 'data.om'),
      join(directory, 'data'),
    ]);
    writeFileSync(join(directory, 'prometheus.yml'), '');
    const port = await freePort();
    prometheus = spawn('prometheus', [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    options = { url: `http://127.0.0.1:${port}/`, client, timeoutMs: 20_000 };
    const end = Date.now() + 30_000;
    while (Date.now() < end) {
      const ready = await fetch(`${options.url}-/ready`)
        .then((r) => r.ok)
        .catch(() => false);
      if (ready) return;
      await new Promise((wake) => setTimeout(wake, 100));
    }
    throw new Error('prometheus did not start');
  });
  afterAll(async () => {
    prometheus.kill();
    await new Promise((resolve) => prometheus.once('exit', resolve));
    await client.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('vectors and scalars, with all kinds of numbers', async () => {
    const query = remoteQuery(options);
    const vector = await query('level', nowSeconds * 1000, undefined);
    const values = Object.fromEntries(vector.map(({ labels, value }) => [labelsToObject(labels).tank, value]));
    expect(values).toEqual({ 'a b': 9, inf: Number.POSITIVE_INFINITY, nan: Number.NaN });
    expect(await query('1 / 0', nowSeconds * 1000, undefined)).toEqual([
      { labels: [], value: Number.POSITIVE_INFINITY },
    ]);
    expect(await query('level{tank="a b"} > 100', nowSeconds * 1000, undefined)).toEqual([]);
  });

  test('errors have the words of the server', async () => {
    const query = remoteQuery(options);
    await expect(query('sum(', 0, undefined)).rejects.toThrow(/bad_data: .*parse error/);
    await expect(query('level[5m]', nowSeconds * 1000, undefined)).rejects.toThrow('not a vector or scalar');
    await expect(query('level * on () group_left () level', nowSeconds * 1000, undefined)).rejects.toThrow(
      /execution: /,
    );
    const nobody = remoteQuery({ ...options, url: 'http://127.0.0.1:1' });
    await expect(nobody('up', 0, undefined)).rejects.toThrow(/127\.0\.0\.1:1\/api\/v1\/query.*connection refused/);
    const page = remoteQuery({ ...options, url: `${options.url}graph` });
    await expect(page('up', 0, undefined)).rejects.toThrow('no Prometheus API: status');
    await expect(query('level', 0, AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
  });

  test('raw samples for restoration: ended series are known as ended', async () => {
    const source = remoteRestoreSource(options);
    const matchers = [
      { name: '__name__', op: '=' as const, value: 'ALERTS_FOR_STATE' },
      { name: 'alertname', op: '=' as const, value: 'High' },
    ];
    const untilMs = (nowSeconds + 3600) * 1000;
    const [found] = await source(matchers, untilMs - 2 * 3600_000, untilMs, undefined);
    expect(labelsToObject(found!.labels)).toEqual({ __name__: 'ALERTS_FOR_STATE', alertname: 'High', tank: 'a' });
    expect([...found!.values]).toEqual(Array(10).fill(1000));
    expect(found!.timestamps.at(-1)).toBe(nowSeconds * 1000);
    expect(isStaleNaN(found!.values.at(-1)!)).toBe(false);

    const both = firstThen(async () => [{ ...found!, values: found!.values.map(() => 7) }], source);
    expect((await both(matchers, 0, untilMs, undefined)).map(({ values }) => values[0])).toEqual([7]);
  });
});
