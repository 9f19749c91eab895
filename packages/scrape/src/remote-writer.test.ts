import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  httpClient,
  parsePrometheusConfig,
} from '@belfry/config';
import { decodeRemoteWrite } from '@belfry/exposition';
import {
  BelfryError,
  type Clock,
  formatLabels,
  isStaleNaNAt,
  type Labels,
  labelsFrom,
  STALE_NAN,
  seededRandom,
  systemClock,
  VirtualClock,
  type WriteBatch,
} from '@belfry/model';
import { afterAll, describe, expect, test } from 'vitest';
import { type SampleTail, startRemoteWriter } from './index.ts';

const running: ChildProcess[] = [];
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A tail over a growing list of batches; positions are indices. */
function fakeTail(clock: Clock) {
  const batches: WriteBatch[] = [];
  let wake = () => {};
  const tail: SampleTail = {
    async read(position, _, signal) {
      const at = position === undefined ? 0 : Number(position);
      while (batches.length <= at) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          if (signal.aborted) reject(signal.reason);
        });
      }
      return { batch: batches[at]!, next: String(at + 1) };
    },
  };
  const append = (...samples: [string, number, number][]) => {
    const labels: Labels[] = samples.map(([name]) => labelsFrom({ __name__: name }));
    batches.push({
      labels,
      series: Uint32Array.from(samples.keys()),
      timestamps: Float64Array.from(samples.map((s) => clock.now() + s[1])),
      values: Float64Array.from(samples.map((s) => s[2])),
    });
    wake();
  };
  return { tail, append };
}

function section(yaml: string) {
  return parsePrometheusConfig(`remote_write: [{url: "http://receiver/write", ${yaml}}]`, '/p.yml').config
    .remote_write[0]!;
}

function setUp(
  yaml: string,
  answer: (n: number, request: HttpRequest) => Partial<HttpResponse> | Error,
  position?: string,
) {
  const clock = new VirtualClock(1_000_000);
  const { tail, append } = fakeTail(clock);
  const received: string[] = [];
  const requests: HttpRequest[] = [];
  const saved: string[] = [];
  const events: string[] = [];
  const client: HttpClient = {
    async request(request) {
      requests.push(request);
      const given = answer(requests.length, request);
      if (given instanceof Error) throw given;
      const message = request.headers!['content-type']!.includes('v2')
        ? 'io.prometheus.write.v2.Request'
        : 'prometheus.WriteRequest';
      if ((given.status ?? 204) < 300) {
        const { batch } = decodeRemoteWrite(request.body as Uint8Array, message);
        batch.series.forEach((s, i) => {
          received.push(
            `${formatLabels(batch.labels[s]!)} ${isStaleNaNAt(batch.values, i) ? 'stale' : batch.values[i]}`,
          );
        });
      }
      return { status: 204, headers: {}, body: new Uint8Array(), ...given };
    },
    stream: () => Promise.reject(new Error('not in this test')),
    close: async () => undefined,
  };
  const writer = startRemoteWriter({
    config: section(yaml),
    clock,
    random: seededRandom(1),
    client,
    tail,
    externalLabels: labelsFrom({ region: 'eu' }),
    position,
    savePosition: (p) => saved.push(p),
    metadata: () => [{ family: 'a', type: 'counter', help: 'All of a.', unit: '' }],
    onEvent: (e) => events.push(e.message),
  });
  return { clock, append, received, requests, saved, events, writer };
}

test('samples are sent when enough are there, or have waited long enough; then their position is saved', async () => {
  const { clock, append, received, requests, saved, writer } = setUp(
    'queue_config: {max_samples_per_send: 3, batch_send_deadline: 5s, max_shards: 1}',
    () => ({}),
  );
  append(['a', 0, 1], ['b', 0, STALE_NAN]);
  await clock.advance(4000);
  expect(requests).toEqual([]);
  await clock.advance(1000);
  expect(received).toEqual(['a{region="eu"} 1', 'b{region="eu"} stale']);
  expect(requests[0]!.headers).toMatchObject({
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'x-prometheus-remote-write-version': '0.1.0',
  });
  append(['a', 0, 2], ['b', 0, 2], ['c', 0, 2], ['d', 0, 2]);
  await clock.advance(0);
  expect(received).toHaveLength(5);
  expect(saved).toEqual(['1']);
  await clock.advance(5000);
  expect(saved).toEqual(['1', '2']);
  expect(writer.stats()).toMatchObject({ sent: 6, failed: 0, pending: 0 });
  await writer.stop(1000);
});

test('while the receiver is away nothing is lost and order is kept; what it refuses is given up', async () => {
  const { clock, append, received, events, saved, writer } = setUp(
    'protobuf_message: io.prometheus.write.v2.Request, queue_config: {batch_send_deadline: 100ms, max_shards: 1}',
    (n) =>
      n <= 2
        ? new BelfryError('delivery_failed', 'connection refused')
        : n === 3
          ? { status: 503, headers: { 'retry-after': '60' } }
          : n === 5
            ? { status: 400, body: Buffer.from('out of order sample\n') }
            : {},
  );
  append(['a', 0, 1]);
  await clock.advance(1000);
  append(['a', 0, 2]);
  await clock.advance(30_000);
  expect([received, saved]).toEqual([[], []]);
  await clock.advance(40_000);
  expect(received).toEqual(['a{region="eu"} 1']);
  append(['a', 0, 3]);
  await clock.advance(1000);
  expect(received).toEqual(['a{region="eu"} 1', 'a{region="eu"} 3']);
  expect(saved.at(-1)).toBe('3');
  expect(writer.stats()).toMatchObject({ sent: 2, failed: 1, retries: 3 });
  expect(events).toEqual([
    'remote write to http://receiver/write is retried: connection refused',
    'remote write to http://receiver/write: 1 samples refused: server returned HTTP status 400: out of order sample',
  ]);
  await writer.stop(0);
});

test('what is known of metrics is sent from time to time', async () => {
  const { clock, requests, writer } = setUp('metadata_config: {send_interval: 1m}', () => ({}));
  await clock.advance(150_000);
  expect(requests).toHaveLength(2);
  // Field 3 with the type, the name and the help.
  expect(Buffer.from(requests[0]!.body as Uint8Array).toString('latin1')).toContain('\x08\x01\x12\x01a"\x09All of a.');
  await writer.stop(0);
});

test('relabelling and age decide what is sent', async () => {
  const yaml =
    'queue_config: {sample_age_limit: 1m, batch_send_deadline: 1s}, write_relabel_configs: [{source_labels: [__name__], regex: "drop.*", action: drop}, {regex: region, action: labeldrop}]';
  const { clock, append, received, writer, saved } = setUp(yaml, () => ({}));
  append(['a', 0, 1], ['drop_me', 0, 1], ['old', -100_000, 1]);
  append(['drop_me', 0, 2]);
  await clock.advance(2000);
  expect(received).toEqual(['a 1']);
  expect(writer.stats().dropped).toBe(3);
  expect(saved.at(-1)).toBe('2');
  await writer.stop(0);
});

test('a restart goes on from the saved position, and what was not taken is sent again', async () => {
  const first = setUp('queue_config: {batch_send_deadline: 1s}', () => ({ status: 503 }));
  first.append(['a', 0, 1]);
  await first.clock.advance(5000);
  const stopped = first.writer.stop(1000);
  await first.clock.advance(1500);
  await stopped;
  expect(first.saved).toEqual([]);
  const second = setUp('queue_config: {batch_send_deadline: 1s}', () => ({}), '1');
  second.append(['a', 0, 1]);
  second.append(['a', 0, 2]);
  await second.clock.advance(2000);
  expect(second.received).toEqual(['a{region="eu"} 2']);
  await second.writer.stop(0);
});

test('after a restart, what was refused together goes time by time: some of it may be there already', async () => {
  const { clock, append, received, writer } = setUp(
    'queue_config: {batch_send_deadline: 1s, max_shards: 1}',
    (_, { body }) => {
      const { batch } = decodeRemoteWrite(body as Uint8Array, 'prometheus.WriteRequest');
      return batch.values.includes(1) ? { status: 400 } : {};
    },
    '0',
  );
  append(['a', -3000, 1], ['b', -3000, 1]);
  append(['a', -2000, 2], ['b', -2000, 2]);
  append(['a', -1000, 3]);
  await clock.advance(2000);
  expect(received.map((r) => r.replace('{region="eu"}', ''))).toEqual(['a 2', 'b 2', 'a 3']);
  expect(writer.stats()).toMatchObject({ sent: 3, failed: 2, pending: 0 });
  await writer.stop(0);
});

test('stops in time while the receiver is away and the number of shards is about to change', async () => {
  const { clock, append, writer } = setUp(
    'queue_config: {capacity: 4, max_samples_per_send: 2, batch_send_deadline: 1s, max_shards: 4}',
    () => ({ status: 503 }),
  );
  for (let i = 0; i < 20; i++) append(['a', i, i], ['b', i, i]);
  await clock.advance(30_000);
  let stopped = false;
  const stopping = writer.stop(1000).then(() => {
    stopped = true;
  });
  await clock.advance(1500);
  expect(stopped).toBe(true);
  await stopping;
});

test('a full queue stops reading, and more shards are opened', async () => {
  let slow = true;
  const { clock, append, received, writer } = setUp(
    'queue_config: {capacity: 10, max_samples_per_send: 5, batch_send_deadline: 1s, max_shards: 4}',
    () => (slow ? { status: 500 } : {}),
  );
  for (let i = 0; i < 100; i++)
    append(...Array.from({ length: 5 }, (_, s): [string, number, number] => [`m${s}`, i, i]));
  await clock.advance(20_000);
  expect(writer.stats().pending).toBeLessThanOrEqual(15);
  slow = false;
  await clock.advance(60_000);
  expect(received).toHaveLength(500);
  for (let s = 0; s < 5; s++) {
    const own = received.filter((r) => r.startsWith(`m${s}{`)).map((r) => Number(r.split(' ').at(-1)));
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
  await writer.stop(0);
});

describe.skipIf(!existsSync('/usr/bin/prometheus'))('a real Prometheus (skipped where it is not installed)', () => {
  test('takes what is sent', async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const directory = mkdtempSync(join(tmpdir(), 'belfry-rw-'));
    writeFileSync(join(directory, 'p.yml'), '');
    const arguments_ = [
      '--config.file=p.yml',
      '--storage.tsdb.path=data',
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
    ];
    running.push(spawn('/usr/bin/prometheus', arguments_, { cwd: directory, stdio: 'ignore' }));
    const url = `http://127.0.0.1:${port}`;
    for (let i = 0; i < 200; i++) {
      if (
        await fetch(`${url}/-/ready`)
          .then((r) => r.ok)
          .catch(() => false)
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { tail, append } = fakeTail(systemClock);
    const config = { ...section('queue_config: {batch_send_deadline: 10ms}'), url: `${url}/api/v1/write` };
    const events: string[] = [];
    let settled = () => {};
    const delivered = new Promise<void>((resolve) => {
      settled = resolve;
    });
    const client = httpClient(config, { clock: systemClock });
    const writer = startRemoteWriter({
      config,
      clock: systemClock,
      random: seededRandom(1),
      client,
      tail,
      externalLabels: labelsFrom({ from: 'belfry' }),
      position: undefined,
      savePosition: () => settled(),
      onEvent: (e) => events.push(e.message),
    });
    append(['answer', -1000, 42], ['half', -1000, 0.5]);
    await delivered;
    await writer.stop(1000);
    await client.close();
    const answer = (await (
      await fetch(`${url}/api/v1/query?query=${encodeURIComponent('{from="belfry"}')}`)
    ).json()) as { data: { result: { metric: object; value: [number, string] }[] } };
    expect(events).toEqual([]);
    expect(answer.data.result.map((r) => [r.metric, r.value[1]]).sort((a, b) => Number(b[1]) - Number(a[1]))).toEqual([
      [{ __name__: 'answer', from: 'belfry' }, '42'],
      [{ __name__: 'half', from: 'belfry' }, '0.5'],
    ]);
  });
});
