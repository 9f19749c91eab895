import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpClient, HttpRequest, HttpResponse } from '@belfry/config';
import { type BelfryError, seededRandom, VirtualClock } from '@belfry/model';
import { afterAll, expect, test } from 'vitest';
import { NO_TIME } from './alert.ts';
import { type AlertmanagerOptions, createAlertmanager } from './alertmanager.ts';
import { parseMatchers } from './matchers.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-alertmanager-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const START = Date.parse('2026-01-05T08:00:00Z');
const SECOND = 1000;
const MINUTE = 60 * SECOND;

interface Told {
  readonly atSeconds: number;
  readonly url: string;
  readonly body: {
    status: string;
    groupKey: string;
    alerts: { status: string; labels: Record<string, string> }[];
    [key: string]: unknown;
  };
}

/** A router on virtual time, whose messages land in `told` instead of on the network. */
function rig(
  config: string,
  more: Partial<AlertmanagerOptions> & { answer?: (request: HttpRequest) => Partial<HttpResponse> } = {},
) {
  const clock = new VirtualClock(START);
  const told: Told[] = [];
  const httpClient = (): HttpClient => ({
    async request(request) {
      told.push({ atSeconds: (clock.now() - START) / 1000, url: request.url, body: JSON.parse(String(request.body)) });
      return { status: 200, headers: {}, body: new Uint8Array(), ...more.answer?.(request) };
    },
    stream: () => Promise.reject(new Error('not here')),
    close: async () => {},
  });
  const am = createAlertmanager({ config, clock, random: seededRandom(1), httpClient, ...more });
  const heard = () =>
    told.map(
      (t) =>
        `${t.atSeconds}s ${new URL(t.url).pathname} ${t.body.status} ${t.body.alerts.map((a) => `${a.labels.alertname}:${a.labels.instance ?? ''}:${a.status}`).join(' ')}`,
    );
  return { am, clock, told, heard };
}

const firing = (alertname: string, labels: Record<string, string> = {}, more: object = {}) => ({
  labels: { alertname, ...labels },
  ...more,
});
const resolved = (alertname: string, labels: Record<string, string>, atMs: number) =>
  firing(alertname, labels, { endsAt: new Date(atMs).toISOString() });

const CONFIG = `
global: {resolve_timeout: 10m}
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
receivers:
- name: hook
  webhook_configs: [{url: http://x/hook}]
`;

test('a group is told after group_wait, its changes at group_interval, the rest at repeat_interval', async () => {
  const { am, clock, heard, told } = rig(CONFIG);
  am.putAlerts([firing('A', { instance: '1' })]);
  await clock.advance(10 * SECOND);
  am.putAlerts([firing('A', { instance: '2' }), firing('B')]);
  await clock.advance(50 * SECOND);
  am.putAlerts([resolved('A', { instance: '1' }, clock.now())]);
  for (let i = 0; i < 16; i++) {
    await clock.advance(5 * MINUTE);
    am.putAlerts([firing('A', { instance: '2' }), firing('B')]);
  }
  expect(heard()).toEqual([
    '30s /hook firing A:1:firing A:2:firing',
    '40s /hook firing B::firing',
    '330s /hook firing A:1:resolved A:2:firing',
    '3640s /hook firing B::firing',
    '3930s /hook firing A:2:firing',
  ]);
  expect(told[0]!.body).toMatchObject({
    receiver: 'hook',
    version: '4',
    groupKey: '{}:{alertname="A"}',
    groupLabels: { alertname: 'A' },
    commonLabels: { alertname: 'A' },
    truncatedAlerts: 0,
    externalURL: 'http://localhost:9093',
  });
  await am.close();
});

test('an alert that nobody renews resolves after resolve_timeout', async () => {
  const { am, clock, heard } = rig(CONFIG);
  am.putAlerts([firing('A')]);
  await clock.advance(16 * MINUTE);
  expect(heard()).toEqual(['30s /hook firing A::firing', '630s /hook resolved A::resolved']);
  expect(am.getAlerts()).toEqual([]);
  await am.close();
});

test('an alert that came and went within group_wait is not told', async () => {
  const { am, clock, heard } = rig(CONFIG);
  am.putAlerts([firing('A')]);
  await clock.advance(SECOND);
  am.putAlerts([resolved('A', {}, clock.now())]);
  await clock.advance(20 * MINUTE);
  expect(heard()).toEqual([]);
  await am.close();
});

const RULED = `
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 1h
  routes:
  - matchers: [alertname="Nightly"]
    mute_time_intervals: [nights]
receivers: [{name: hook, webhook_configs: [{url: http://x/hook}]}]
inhibit_rules:
- name: node-down
  source_matchers: [alertname="NodeDown"]
  target_matchers: [alertname!="NodeDown"]
  equal: [instance]
time_intervals:
- name: nights
  time_intervals: [{times: [{start_time: "00:00", end_time: "09:00"}]}]
`;

test('what is inhibited, silenced or muted is not told, and every decision has its reason', async () => {
  const { am, clock, heard } = rig(RULED);
  const id = am.setSilence({
    matchers: parseMatchers('alertname=Known'),
    startsAtMs: NO_TIME,
    endsAtMs: START + 10 * MINUTE,
    createdBy: 'ann',
    comment: 'being repaired',
  });
  const all = () =>
    am.putAlerts([
      firing('NodeDown', { instance: '1' }),
      firing('DiskFull', { instance: '1' }),
      firing('Known'),
      firing('Nightly'),
    ]);
  all();
  await clock.advance(2 * MINUTE);
  expect(heard()).toEqual(['10s /hook firing NodeDown:1:firing']);
  const outcomes = am
    .notifications()
    .map(
      (n) =>
        `${n.alerts[0]!.labels.alertname} ${n.outcome}: ${n.reason.replace(/[0-9a-f-]{36}/, 'ID').replace(/[0-9a-f]{16}/, 'FP')}`,
    );
  expect(outcomes.sort()).toEqual([
    'DiskFull suppressed: inhibited by rule node-down (FP)',
    'Known suppressed: silenced by ID',
    'Nightly suppressed: in the mute time interval nights',
    'NodeDown sent: first notification of this group',
  ]);
  const status = Object.fromEntries(am.getAlerts().map((a) => [a.labels.alertname!, a.status]));
  expect(status.DiskFull).toMatchObject({
    state: 'suppressed',
    inhibitedBy: [expect.stringMatching(/^[0-9a-f]{16}$/)],
  });
  expect(status.Known).toMatchObject({ state: 'suppressed', silencedBy: [id] });
  expect(am.getGroups({ muted: false }).map((g) => g.labels.alertname)).toEqual(['DiskFull', 'Known', 'NodeDown']);
  expect(am.getGroups().find((g) => g.labels.alertname === 'Nightly')!.alerts[0]!.status).toMatchObject({
    state: 'suppressed',
    mutedBy: ['nights'],
  });
  expect(
    am
      .getAlerts({ silenced: false, inhibited: false })
      .map((a) => a.labels.alertname)
      .sort(),
  ).toEqual(['Nightly', 'NodeDown']);
  expect(am.getAlerts({ filter: ['alertname=~"N.*"'], receiver: 'ho.k' })).toHaveLength(2);
  const [why] = am.why({ matchers: parseMatchers('alertname=DiskFull') });
  expect(why!.summary).toMatch(/^not told: inhibited by rule node-down/);
  expect(why!.steps.map((s) => [s.receiver, s.matched, s.taken])).toEqual([
    ['hook', true, true],
    ['hook', false, false],
  ]);
  expect(am.why({ matchers: parseMatchers('alertname=Known') })[0]!.summary).toMatch(
    /silenced by ann until .*being repaired/,
  );
  expect(am.why({ matchers: parseMatchers('alertname=Nightly') })[0]!.summary).toMatch(
    /muted by the time interval nights/,
  );
  expect(am.why({ matchers: parseMatchers('alertname=NodeDown') })[0]!.summary).toMatch(/^told to hook at 2026/);
  all();
  await clock.advance(4 * MINUTE);
  all();
  await clock.advance(4.5 * MINUTE);
  // The silence has ended; the night has not.
  expect(heard().filter((h) => /Known|Nightly/.test(h))).toEqual(['610s /hook firing Known::firing']);
  await am.close();
});

test('a malformed alert does not cost its neighbours', async () => {
  const { am } = rig(CONFIG);
  const result = am.putAlerts([
    firing('A'),
    { labels: {} },
    { labels: { a: 1 } },
    7,
    firing('B', {}, { startsAt: 'soon' }),
    firing('C', {}, { startsAt: '2026-01-02T00:00:00Z', endsAt: '2026-01-01T00:00:00Z' }),
    firing('D'),
  ]);
  expect(result.accepted).toBe(2);
  expect(result.refused.map((r) => `${r.index} ${r.reason}`)).toEqual([
    '1 at least one label pair required',
    '2 labels.a must be a text, got 1',
    '3 an alert must be an object with labels',
    '4 startsAt: not a time: "soon" (expected RFC 3339, such as 2026-01-02T15:04:05Z)',
    '5 start time must be before end time',
  ]);
  expect(
    am
      .getAlerts()
      .map((a) => a.labels.alertname)
      .sort(),
  ).toEqual(['A', 'D']);
  expect(() => am.putAlerts({})).toThrow('expected a list of alerts');
  await am.close();
});

test('a temporary failure is tried again with growing pauses, a final one is not', async () => {
  const temporary = rig(CONFIG, { answer: () => ({ status: 503, body: new TextEncoder().encode('busy') }) });
  temporary.am.putAlerts([firing('A', {}, { endsAt: new Date(START + 60 * MINUTE).toISOString() })]);
  await temporary.clock.advance(2 * MINUTE);
  expect(temporary.am.inFlight()).toMatchObject([
    { receiver: 'hook', integration: 'hook/webhook[0]', lastError: 'unexpected status code 503: busy' },
  ]);
  await temporary.clock.advance(3 * MINUTE + 40 * SECOND);
  const [record] = temporary.am.notifications();
  expect(record).toMatchObject({
    outcome: 'failed',
    reason: expect.stringMatching(/given up after \d+ attempts: unexpected status code 503: busy/),
  });
  expect(record!.attempts.length).toBeGreaterThan(8);
  expect(record!.attempts.every((a) => !a.ok && a.status === 503)).toBe(true);
  await temporary.am.close();

  const final = rig(CONFIG, { answer: () => ({ status: 400 }) });
  final.am.putAlerts([firing('A')]);
  await final.clock.advance(MINUTE);
  expect(final.told).toHaveLength(1);
  expect(final.am.notifications()[0]).toMatchObject({
    outcome: 'failed',
    reason: expect.stringContaining('cannot succeed by trying again'),
  });
  await final.am.close();
});

test('Retry-After is respected', async () => {
  let first = true;
  const { am, clock, told } = rig(CONFIG, {
    answer: () => {
      const answer = first ? { status: 429, headers: { 'retry-after': '90' } } : {};
      first = false;
      return answer;
    },
  });
  am.putAlerts([firing('A')]);
  await clock.advance(3 * MINUTE);
  expect(told.map((t) => t.atSeconds)).toEqual([30, 120]);
  await am.close();
});

test('a receiver that hangs holds up nobody else', async () => {
  const hanging = `
route: {receiver: both, group_wait: 1s, group_interval: 1m, group_by: ['...']}
receivers: [{name: both, webhook_configs: [{url: http://x/dead}, {url: http://x/alive}]}]
`;
  const clock = new VirtualClock(START);
  const told: string[] = [];
  const httpClient = (): HttpClient => ({
    request(request) {
      if (request.url.endsWith('dead')) {
        return new Promise((_, reject) =>
          request.signal!.addEventListener('abort', () => reject(request.signal!.reason)),
        );
      }
      told.push(`${clock.now() - START}`);
      return Promise.resolve({ status: 200, headers: {}, body: new Uint8Array() });
    },
    stream: () => Promise.reject(new Error('not here')),
    close: async () => {},
  });
  const am = createAlertmanager({ config: hanging, clock, httpClient });
  am.putAlerts([firing('A')]);
  await clock.advance(500);
  am.putAlerts([firing('B')]);
  await clock.advance(2 * MINUTE);
  expect(told).toEqual(['1000', '1500']);
  await am.close();
});

test('the state survives, and nothing is told twice or resolved by a restart', async () => {
  const path = join(directory, 'restart');
  const one = rig(CONFIG, { statePath: path });
  const id = one.am.setSilence({
    matchers: parseMatchers('alertname=S'),
    startsAtMs: NO_TIME,
    endsAtMs: START + 600 * MINUTE,
    createdBy: 'a',
    comment: 'c',
  });
  one.am.putAlerts([firing('A'), firing('S')]);
  await one.clock.advance(MINUTE);
  expect(one.heard()).toHaveLength(1);
  expect(() => createAlertmanager({ config: CONFIG, statePath: path })).toThrow('in use by another process');
  // Not closed in order: what a kill leaves behind is what every call left behind.
  await one.am.close();
  const two = rig(CONFIG, { statePath: path });
  await two.clock.advance(60 * MINUTE);
  two.am.putAlerts([firing('A')]);
  expect(two.am.silences().map((s) => s.id)).toEqual([id]);
  expect(two.am.notifications().map((n) => n.outcome)).toContain('sent');
  await two.am.close();
});

test('reload keeps alerts, silences and the notification log; a bad configuration changes nothing', async () => {
  const { am, clock, heard } = rig(CONFIG);
  const refresh = () => am.putAlerts([firing('A')]);
  refresh();
  await clock.advance(MINUTE);
  await expect(am.reload('route: {}')).rejects.toThrow('root route must specify a default receiver');
  expect((am.reloadError as BelfryError).range).toMatchObject({ line: 1 });
  refresh();
  await clock.advance(5 * MINUTE);
  await am.reload(`${CONFIG}- name: other\n`);
  expect(am.reloadError).toBeUndefined();
  expect(am.receivers()).toEqual([{ name: 'hook' }, { name: 'other' }]);
  refresh();
  await clock.advance(5 * MINUTE);
  expect(heard()).toEqual(['30s /hook firing A::firing']);
  await am.close();
});

test('a suspended machine does not resolve what it could not hear about', async () => {
  const clock = new VirtualClock(START);
  let ahead = 0;
  const jumping = {
    now: () => clock.now() + ahead,
    monotonic: () => clock.monotonic(),
    after: clock.after.bind(clock),
  };
  const { am, heard } = rig(CONFIG, { clock: jumping });
  am.putAlerts([firing('A')]);
  await clock.advance(MINUTE);
  ahead = 8 * 60 * MINUTE;
  await clock.advance(MINUTE);
  expect(am.getAlerts()).toHaveLength(1);
  am.putAlerts([firing('A')]);
  await clock.advance(6 * MINUTE);
  expect(heard().filter((h) => h.includes('resolved'))).toEqual([]);
  await am.close();
});

test('what cannot be sent is refused by name when the configuration is loaded', () => {
  const sns = 'route: {receiver: r}\nreceivers: [{name: r, sns_configs: [{topic_arn: a, sigv4: {role_arn: x}}]}]\n';
  expect(() => createAlertmanager({ config: sns })).toThrow(
    'receiver "r": sns_configs: sigv4 with profile or role_arn is not supported',
  );
});

test('limits: groups, silences, notifications a minute', async () => {
  const events: string[] = [];
  const { am, clock, told } = rig(CONFIG, {
    limits: { maxGroups: 1, maxSilences: 1, maxNotificationsPerMinute: 1 },
    onEvent: (e) => events.push(e.kind),
  });
  am.putAlerts([firing('A'), firing('B')]);
  expect(events).toContain('limit');
  const silence = {
    matchers: parseMatchers('a=b'),
    startsAtMs: NO_TIME,
    endsAtMs: START + MINUTE,
    createdBy: '',
    comment: '',
  };
  am.setSilence(silence);
  expect(() => am.setSilence(silence)).toThrow('exceeded maximum number of silences: 1 (limit: 1)');
  await clock.advance(MINUTE);
  expect(told).toHaveLength(1);
  await am.close();
});

test('how an alert came to be is kept with what was told about it', async () => {
  const { am, clock, told } = rig(CONFIG);
  const origin = { rule: 'A', query: 'up == 0', value: 0 };
  am.putAlerts([firing('A', {}, { origin }), firing('B', {}, { origin: 'x'.repeat(20_000) })]);
  await clock.advance(MINUTE);
  expect(am.why({ matchers: parseMatchers('alertname=A') })[0]).toMatchObject({ origin });
  expect(am.notifications({ alertname: 'A' })[0]!.alerts[0]).toMatchObject({ origin });
  expect(am.notifications({ alertname: 'B' })[0]!.alerts[0]!.origin).toEqual({
    omitted: '20002 characters (limit: 16384)',
  });
  expect(JSON.stringify(told)).not.toContain('up == 0');
  await am.close();
});

test('preview and drill', async () => {
  const { am, told } = rig(CONFIG);
  const [preview] = await am.renderNotification('hook');
  expect(preview).toMatchObject({ receiver: 'hook', integration: 'hook/webhook[0]' });
  expect(JSON.parse(preview!.payloads[0]!.body).alerts[0].labels.alertname).toBe('SampleAlert');
  expect(told).toEqual([]);
  const [record] = await am.drill('hook', [firing('A', {}, { annotations: { summary: 'it burns' } })]);
  expect(record).toMatchObject({ outcome: 'sent', drill: true });
  expect(told[0]!.body.alerts[0]).toMatchObject({
    labels: { alertname: 'A', drill: 'true' },
    annotations: { summary: '[DRILL] it burns' },
  });
  await expect(am.drill('nobody')).rejects.toThrow('no receiver is called "nobody" (there are: hook)');
  await am.close();
});

test('of quick repetitions, signs of life, the history keeps the first notification and the newest repetition', async () => {
  const { am, clock, told } = rig(`
route: {receiver: watchdog, group_wait: 0s, group_interval: 30s, repeat_interval: 10s}
receivers: [{name: watchdog, webhook_configs: [{url: 'http://hooks/watchdog'}]}]
`);
  am.putAlerts([firing('Watchdog', {}, { endsAt: new Date(START + 60 * MINUTE).toISOString() })]);
  await clock.advance(10 * MINUTE);
  expect(told.length).toBeGreaterThan(15);
  const kept = am.notifications();
  expect(kept.map((n) => n.reason)).toEqual(['repeat_interval has passed', 'first notification of this group']);
  expect(kept[0]!.atMs).toBeGreaterThan(START + 9 * MINUTE);
  await am.close();
});

test('heartbeats have metrics', async () => {
  const clock = new VirtualClock(START);
  const config = 'route: {receiver: r}\nreceivers: [{name: r}]';
  const am = createAlertmanager({ config, clock, heartbeats: [{ name: 'backup', everyMs: MINUTE, graceMs: 0 }] });
  const value = (name: string) =>
    am
      .metrics()
      .find((f) => f.name === name)
      ?.samples.map((s) => s.value);
  expect(value('belfry_heartbeat_missing')).toEqual([0]);
  expect(value('belfry_heartbeat_last_seen_timestamp_seconds')).toEqual([]);
  await clock.advance(2 * MINUTE);
  expect(value('belfry_heartbeat_missing')).toEqual([1]);
  am.heartbeats.ping('backup');
  expect(value('belfry_heartbeat_missing')).toEqual([0]);
  expect(value('belfry_heartbeat_last_seen_timestamp_seconds')).toEqual([START / 1000 + 120]);
  await am.close();
});
