import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parsePrometheusConfig } from '@belfry/config';
import { EMPTY_LABELS, labelsFrom, systemClock } from '@belfry/model';
import { afterEach, expect, test } from 'vitest';
import { createNotifier, type Notifier, type NotifierOptions, type RuleAlert } from './index.ts';

interface Received {
  readonly path: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly alerts: { labels: Record<string, string>; annotations: Record<string, string>; endsAt: string }[];
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  while (open.length > 0) await open.pop()!();
});

/** A receiver that answers as told, and tells when it has had enough. */
async function receiver(answer: (n: number) => number) {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ path: request.url!, headers: request.headers, alerts: JSON.parse(body) });
      response.writeHead(answer(received.length)).end('why');
      for (const w of waiting) if (received.length >= w.count) w.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => server.close(() => resolve())));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const had = (count: number) =>
    new Promise<void>((resolve) => {
      if (received.length >= count) resolve();
      else waiting.push({ count, resolve });
    });
  return { address, received, had };
}

function notifierFor(alerting: string, options: Partial<NotifierOptions> = {}): Notifier {
  const notifier = createNotifier({ clock: systemClock, ...options });
  const { config } = parsePrometheusConfig(`alerting:\n${alerting}`, 'prometheus.yml');
  notifier.update({
    alertmanagers: config.alerting.alertmanagers,
    alertRelabelConfigs: config.alerting.alert_relabel_configs,
    externalLabels: labelsFrom({ region: 'eu', job: 'outer' }),
  });
  open.push(() => notifier.stop());
  return notifier;
}

function alert(labels: Record<string, string>): RuleAlert {
  return {
    labels: labelsFrom({ alertname: 'Down', ...labels }),
    annotations: [['summary', 'it is down']],
    startsAtMs: Date.UTC(2024, 0, 1),
    endsAtMs: Date.UTC(2024, 0, 1, 0, 4),
    resolved: false,
    generatorUrl: 'http://belfry/graph',
    source: { file: 'f', group: 'g', alert: 'Down', query: 'up == 0', labels: EMPTY_LABELS, value: 0, activeAtMs: 0 },
  };
}

test('alerts arrive relabelled, with the external labels they lack, in batches', async () => {
  const am = await receiver(() => 200);
  const notifier = notifierFor(`
  alert_relabel_configs:
  - {source_labels: [secret], regex: "yes", action: drop}
  - {regex: replica, action: labeldrop}
  alertmanagers:
  - path_prefix: /am
    basic_auth: {username: u, password: p}
    static_configs: [{targets: ["${am.address}"]}]
    alert_relabel_configs: [{target_label: via, replacement: one}]
`);
  const many = Array.from({ length: 100 }, (_, i) => alert({ job: `j${i}`, replica: 'x' }));
  notifier.send([alert({ secret: 'yes' }), ...many]);
  await am.had(2);
  expect(am.received.map((r) => r.alerts.length)).toEqual([64, 36]);
  const [first] = am.received;
  expect(first!.path).toBe('/am/api/v2/alerts');
  expect(first!.headers.authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  expect(first!.alerts[0]).toEqual({
    labels: { alertname: 'Down', job: 'j0', region: 'eu', via: 'one' },
    annotations: { summary: 'it is down' },
    startsAt: '2024-01-01T00:00:00.000Z',
    endsAt: '2024-01-01T00:04:00.000Z',
    generatorURL: 'http://belfry/graph',
  });
  expect(notifier.alertmanagers().activeAlertmanagers).toEqual([{ url: `http://${am.address}/am/api/v2/alerts` }]);
});

test('a busy receiver is tried again, a refusing one is not, and neither delays the other', async () => {
  const busy = await receiver((n) => (n < 3 ? 503 : 200));
  const refusing = await receiver(() => 400);
  const delays: number[] = [];
  const impatient = {
    ...systemClock,
    after: (ms: number, callback: () => void, o?: { background?: boolean }) => {
      if (ms < 10_000) delays.push(ms);
      return systemClock.after(ms < 10_000 ? 0 : ms, callback, o);
    },
  };
  const notifier = notifierFor(
    `  alertmanagers:\n  - static_configs: [{targets: ["${busy.address}", "${refusing.address}"]}]\n`,
    { clock: impatient },
  );
  notifier.send([alert({})]);
  await busy.had(3);
  await refusing.had(1);
  await notifier.stop();
  expect(refusing.received).toHaveLength(1);
  expect(busy.received).toHaveLength(3);
  expect(delays).toEqual([1000, 2000]);
});

test('a full queue drops the oldest; failures are told without what is secret', async () => {
  const logged: string[] = [];
  const notifier = notifierFor(
    '  alertmanagers:\n  - basic_auth: {username: u, password: hunter2}\n    static_configs: [{targets: ["127.0.0.1:1"]}]\n',
    { queueCapacity: 10, log: (m, d) => logged.push(`${m} ${JSON.stringify(d)}`) },
  );
  notifier.send(Array.from({ length: 25 }, (_, i) => alert({ job: `${i}` })));
  expect(notifier.status()[0]).toMatchObject({ dropped: 15 });
  await notifier.stop();
  expect(logged.join('\n')).toMatch(/the oldest are dropped/);
  expect(logged.join('\n')).toMatch(/sending alerts failed/);
  expect(logged.join('\n')).not.toContain('hunter2');
});

test('targets come and go with discovery and relabelling', () => {
  const notifier = notifierFor(`
  alertmanagers:
  - scheme: https
    relabel_configs: [{source_labels: [drop], regex: "yes", action: drop}]
    static_configs: [{targets: ["127.0.0.1:9093"]}]
`);
  notifier.setTargets(0, [
    labelsFrom({ __address__: 'a:9093', __alerts_path__: '/x' }),
    labelsFrom({ __address__: 'b:9093', drop: 'yes' }),
  ]);
  expect(notifier.alertmanagers()).toEqual({
    activeAlertmanagers: [{ url: 'https://127.0.0.1:9093/api/v2/alerts' }, { url: 'https://a:9093/x' }],
    droppedAlertmanagers: [{ url: 'https://b:9093/api/v2/alerts' }],
  });
  notifier.setTargets(0, []);
  expect(notifier.alertmanagers().activeAlertmanagers).toHaveLength(1);
});
