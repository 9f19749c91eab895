/** Remote write out and in, remote read: between Belfry and Belfry, and with real Prometheus servers on either side. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  belfry,
  eventually,
  freePort,
  getJson,
  installed,
  type Running,
  start,
  temporaryDirectory,
} from './harness.ts';

const peers = ['prometheus', 'prometheus-node-exporter'].every(installed);

interface Matrix {
  readonly data: { readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[] };
}

/** Every sample of the ten minutes up to `at` (Unix seconds), one line a series; without the labels that tell senders apart. */
async function samplesOf(base: string, selector: string, at: number): Promise<string[]> {
  const expr = encodeURIComponent(`${selector}[10m]`);
  const { data } = await getJson<Matrix>(`${base}/api/v1/query?time=${at}&query=${expr}`);
  return data.result
    .map(({ metric, values }) => {
      const { sender, protocol, ...labels } = metric;
      return `${JSON.stringify(Object.entries(labels).sort())} ${JSON.stringify(values)}`;
    })
    .sort();
}

interface Place {
  readonly base: string;
  readonly selector: string;
}

/** Until `there` has exactly what `here` has, of all until now. */
async function sameEventually(what: string, here: Place, there: Place, running?: Running): Promise<number> {
  const at = Date.now() / 1000;
  const ours = await samplesOf(here.base, here.selector, at);
  expect(ours.length).toBeGreaterThan(50);
  let theirs: string[] = [];
  try {
    await eventually(
      what,
      30_000,
      async () => {
        theirs = await samplesOf(there.base, there.selector, at);
        return theirs.length === ours.length && theirs.every((line, i) => line === ours[i]);
      },
      running,
    );
  } catch (error) {
    const first = ours.findIndex((line, i) => line !== theirs[i]);
    const counts = `${ours.length} series here, ${theirs.length} there; first difference`;
    throw new Error(`${counts}:\n${ours[first]}\n${theirs[first]}\n${(error as Error).message}`);
  }
  return ours.reduce((n, line) => n + line.split('],[').length, 0);
}

const ready = (what: string, base: string, running: Running) =>
  eventually(`${what} is ready`, 30_000, async () => (await fetch(`${base}/-/ready`)).ok, running);

describe.skipIf(!peers)('remote write', () => {
  const directory = temporaryDirectory();
  const url = { sender: '', belfry: '', prometheus: '', scraper: '', reader: '' };
  const running: Partial<Record<keyof typeof url | 'node', Running>> = {};
  let node = 0;

  const config = (name: string, text: string) => {
    const file = join(directory.path, `${name}.yml`);
    writeFileSync(file, text);
    return file;
  };
  const flags = (name: keyof typeof url, text: string) => [
    `--config.file=${config(name, text)}`,
    `--storage.tsdb.path=${join(directory.path, name)}`,
    `--web.listen-address=${url[name].slice('http://'.length)}`,
  ];
  const scrape = () => `scrape_configs:\n  - job_name: node\n    static_configs: [{targets: ['127.0.0.1:${node}']}]\n`;
  const queue = 'queue_config: {batch_send_deadline: 500ms, max_backoff: 500ms}';
  const senderConfig = (more = '') => `global: {scrape_interval: 1s, external_labels: {sender: belfry}}
${scrape()}
remote_write:
  - {name: one, url: '${url.belfry}/api/v1/write', ${queue}}
  - name: two
    url: ${url.belfry}/api/v1/write
    protobuf_message: io.prometheus.write.v2.Request
    ${queue}
    write_relabel_configs: [{target_label: protocol, replacement: v2}]
  - {name: prometheus, url: '${url.prometheus}/api/v1/write', ${queue}}
${more}`;

  const startSender = async () => {
    running.sender = belfry(
      'serve',
      ...flags('sender', senderConfig()),
      '--web.enable-lifecycle',
      '--storage.remote.flush-deadline=2s',
    );
    await ready('the sender', url.sender, running.sender);
  };
  const startReceivers = async () => {
    running.belfry = belfry('serve', ...flags('belfry', '{}'), '--web.enable-remote-write-receiver');
    running.prometheus = start('prometheus', [...flags('prometheus', '{}'), '--web.enable-remote-write-receiver']);
    await ready('the receiving Belfry', url.belfry, running.belfry);
    await ready('the receiving Prometheus', url.prometheus, running.prometheus);
  };
  const stopReceivers = async (signal: NodeJS.Signals) => {
    await Promise.all([running.belfry!.stop(signal), running.prometheus!.stop(signal)]);
  };
  const here = (): Place => ({ base: url.sender, selector: '{job="node"}' });
  const everywhere = async () => {
    const { sender } = running;
    const selector = '{job="node",sender="belfry"';
    const counts = [
      await sameEventually('version 1', here(), { base: url.belfry, selector: `${selector},protocol=""}` }, sender),
      await sameEventually('version 2', here(), { base: url.belfry, selector: `${selector},protocol="v2"}` }, sender),
      await sameEventually('to Prometheus', here(), { base: url.prometheus, selector: `${selector}}` }, sender),
    ];
    for (const count of counts) expect(count).toBeGreaterThan(100);
  };
  const metric = async (name: string): Promise<Record<string, number>> => {
    const text = await (await fetch(`${url.sender}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return Object.fromEntries(
      lines.map((line) => [/remote_name="([^"]*)"/.exec(line)![1]!, Number(line.split(' ').at(-1))]),
    );
  };
  const scrapes = async (least: number) => {
    const from = Date.now() / 1000;
    await eventually('more scrapes', 30_000, async () => {
      const now = Math.ceil(Date.now() / 1000);
      const expr = `count_over_time(up[${Math.max(1, Math.ceil(now - from))}s])`;
      const answer = await getJson<{ data: { result: { value: [number, string] }[] } }>(
        `${url.sender}/api/v1/query?time=${now}&query=${encodeURIComponent(expr)}`,
      );
      return Number(answer.data.result[0]?.value[1] ?? 0) >= least;
    });
  };

  beforeAll(async () => {
    node = await freePort();
    for (const name of Object.keys(url) as (keyof typeof url)[]) url[name] = `http://127.0.0.1:${await freePort()}`;
    const collectors = ['cpu', 'meminfo', 'loadavg', 'stat', 'vmstat'].map((name) => `--collector.${name}`);
    const flagsOfNode = [`--web.listen-address=127.0.0.1:${node}`, '--collector.disable-defaults', ...collectors];
    running.node = start('prometheus-node-exporter', flagsOfNode);
    await startReceivers();
    await startSender();
  });

  afterAll(async () => {
    for (const r of Object.values(running)) await r?.stop('SIGKILL');
    directory.remove();
  });

  test('every sample arrives, by both versions, here and at a real Prometheus', async () => {
    await scrapes(4);
    await everywhere();
    expect(await metric('prometheus_remote_storage_samples_failed_total')).toEqual({ one: 0, two: 0, prometheus: 0 });
    const sent = await metric('prometheus_remote_storage_samples_total');
    expect(Math.min(...Object.values(sent))).toBeGreaterThan(100);
  });

  test('receivers go away and come back: nothing is missing', async () => {
    await stopReceivers('SIGTERM');
    await scrapes(4);
    await eventually('retries', 30_000, async () => {
      const retried = await metric('prometheus_remote_storage_samples_retried_total');
      return ['one', 'two', 'prometheus'].every((name) => retried[name]! > 0);
    });
    await startReceivers();
    await everywhere();
  });

  test('the sender is killed while receivers are away, and started again: nothing is missing', async () => {
    await stopReceivers('SIGTERM');
    await scrapes(3);
    await running.sender!.stop('SIGKILL');
    await startSender();
    await scrapes(2);
    await startReceivers();
    await everywhere();
  });

  test('all are killed at once, and started again: nothing is missing', async () => {
    await Promise.all([running.sender!.stop('SIGKILL'), stopReceivers('SIGKILL')]);
    await startReceivers();
    await startSender();
    await scrapes(2);
    await everywhere();
  });

  test('a reload keeps unchanged queues, tells what has no effect, and begins new ones from then on', async () => {
    const before = await metric('prometheus_remote_storage_samples_total');
    config(
      'sender',
      senderConfig(`  - name: late
    url: ${url.belfry}/api/v1/write
    ${queue}
    write_relabel_configs: [{target_label: protocol, replacement: late}]
remote_read: [{url: '${url.belfry}/api/v1/read'}]
`),
    );
    expect((await fetch(`${url.sender}/-/reload`, { method: 'POST' })).status).toBe(200);
    expect(running.sender!.output()).toMatch(/remote_read has no effect here/);
    const after = await metric('prometheus_remote_storage_samples_total');
    for (const name of ['one', 'two', 'prometheus']) expect(after[name]).toBeGreaterThanOrEqual(before[name]!);
    await scrapes(2);
    await eventually('the new queue sends', 30_000, async () => {
      const samples = await samplesOf(url.belfry, '{job="node",protocol="late"}', Date.now() / 1000);
      return samples.length > 50;
    });
    await everywhere();
  });

  test('a real Prometheus sends to us', async () => {
    const text = `global: {scrape_interval: 1s, external_labels: {sender: prometheus}}
${scrape()}
remote_write: [{url: '${url.belfry}/api/v1/write', ${queue}}]
`;
    running.scraper = start('prometheus', flags('scraper', text));
    await ready('the scraping Prometheus', url.scraper, running.scraper);
    const selector = '{job="node",sender="prometheus"}';
    await eventually('something arrives', 30_000, async () => {
      return (await samplesOf(url.belfry, selector, Date.now() / 1000)).length > 50;
    });
    await sameEventually(
      'what Prometheus sends',
      { base: url.scraper, selector: '{job="node"}' },
      { base: url.belfry, selector },
      running.scraper,
    );
  });

  test('a real Prometheus reads from us', async () => {
    const text = `remote_read: [{url: '${url.sender}/api/v1/read', read_recent: true}]\n`;
    running.reader = start('prometheus', flags('reader', text));
    await ready('the reading Prometheus', url.reader, running.reader);
    await sameEventually(
      'what Prometheus reads',
      here(),
      { base: url.reader, selector: '{job="node"}' },
      running.reader,
    );
    const byExternalLabel = { base: url.reader, selector: '{job="node",sender="belfry"}' };
    await sameEventually('asked by our external label', here(), byExternalLabel, running.reader);
  });
});
