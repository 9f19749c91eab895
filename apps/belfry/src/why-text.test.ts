import { createAlertmanager } from '@belfry/alerting';
import { labelsFrom, seededRandom, VirtualClock } from '@belfry/model';
import { expect, test } from 'vitest';
import { openProvenance } from './provenance.ts';
import { whyText } from './why-text.ts';

const START = Date.parse('2026-01-05T08:00:00Z');
const MINUTE = 60_000;

const CONFIG = `
route:
  receiver: default
  group_by: [alertname]
  routes:
    - matchers: [severity="critical"]
      receiver: pager
      continue: true
    - matchers: [team="web"]
      receiver: web
inhibit_rules:
  - source_matchers: [alertname="ClusterDown"]
    target_matchers: [severity="critical"]
    equal: [cluster]
receivers:
  - name: default
  - name: pager
    webhook_configs: [{url: 'http://pager.invalid/'}]
  - name: web
`;

test('the story of an alert', async () => {
  const clock = new VirtualClock(START);
  const labels = labelsFrom({ alertname: 'DiskFull', instance: 'a', severity: 'critical', cluster: 'eu' });
  const source = { file: 'disk.yml', group: 'disk', alert: 'DiskFull', query: 'free / size < 0.1', labels };
  const provenance = openProvenance({
    file: ':memory:',
    clock,
    onProblem: (m) => expect.unreachable(m),
    explain: async () => [
      { query: 'free / size < 0.1', samples: [{ labels: labelsFrom({ instance: 'a' }), value: 0.05 }], more: 0 },
      {
        query: 'free',
        samples: [1, 2].map((value) => ({ labels: labelsFrom({ disk: `sd${value}` }), value })),
        more: 7,
      },
      { query: 'size', samples: [], more: 0, error: 'too slow' },
    ],
  });
  const am = createAlertmanager({
    config: CONFIG,
    clock,
    random: seededRandom(1),
    originOf: provenance.originOf,
    integrations: (_, real) => ({ ...real, notify: async () => ({ ok: true, status: 200, payloads: [] }) }),
  });
  const step = { kind: 'alert-transition' as const, ...source, activeAtMs: START - MINUTE, value: 0.05 };
  provenance.changed({ ...step, from: 'inactive', to: 'pending', reason: 'appeared', atMs: START - MINUTE });
  provenance.changed({ ...step, from: 'pending', to: 'firing', reason: 'held', atMs: START });
  const { activeAtMs, value } = step;
  const times = { startsAtMs: START, endsAtMs: START + 5 * MINUTE };
  provenance.told([
    { labels, annotations: [], ...times, resolved: false, generatorUrl: '', source: { ...source, activeAtMs, value } },
  ]);
  am.putAlerts([{ labels: { alertname: 'DiskFull', instance: 'a', severity: 'critical', cluster: 'eu' } }]);
  am.setSilence({
    matchers: [{ name: 'instance', op: '=', value: 'a' }],
    startsAtMs: START + 30 * MINUTE,
    endsAtMs: START + 60 * MINUTE,
    createdBy: 'ann',
    comment: 'new disks',
  });
  await clock.advance(MINUTE);

  const [report] = am.why({ matchers: [{ name: 'alertname', op: '=', value: 'DiskFull' }] });
  const text = whyText(report!).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '<id>');
  expect(text).toMatchInlineSnapshot(`
    "DiskFull{cluster="eu", instance="a", severity="critical"} is firing since 2026-01-05T08:00:00Z.
    Told to pager at 2026-01-05T08:00:30Z.

    How it came to be
      Rule DiskFull of group disk in disk.yml:
        free / size < 0.1
      2026-01-05T07:59:00Z  inactive → pending: the expression gave it, value 0.05
          free / size < 0.1 = 0.05  {instance="a"}
          free
            1  {disk="sd1"}
            2  {disk="sd2"}
            and 7 more
          size  too slow
      2026-01-05T08:00:00Z  pending → firing: it held for as long as \`for\` asks, value 0.05
          free / size < 0.1 = 0.05  {instance="a"}
          free
            1  {disk="sd1"}
            2  {disk="sd2"}
            and 7 more
          size  too slow

    Route
      · (root) to default: matches, and a child takes it
        → {severity="critical"} to pager: matches, and none of its children does
        × {team="web"} to web: does not match {team="web"}

    Groups
      {alertname="DiskFull"} to pager: pager/webhook[0] was told at 2026-01-05T08:00:30Z; last looked at 2026-01-05T08:00:30Z; next at 2026-01-05T08:05:30Z

    Inhibition
      does not apply: rule 0: no source alert

    Silences
      pending: <id> by ann until 2026-01-05T09:00:00Z: new disks

    Notifications
      2026-01-05T08:00:30.000Z  sent to pager by webhook, 1 alert: first notification of this group
          delivered, status 200, 0 ms"
  `);
  await am.close();
  await provenance.close();
});

test('an alert of another sender says where it came from', async () => {
  const am = createAlertmanager({
    config: 'route: {receiver: r}\nreceivers: [{name: r}]',
    clock: new VirtualClock(START),
  });
  am.putAlerts([{ labels: { alertname: 'Foreign' }, generatorURL: 'http://elsewhere/graph' }]);
  const [report] = am.why({ matchers: [{ name: 'alertname', op: '=', value: 'Foreign' }] });
  expect(whyText(report!)).toMatchInlineSnapshot(`
    "Foreign is firing since 2026-01-05T08:00:00Z.
    To be told to r at 2026-01-05T08:00:30Z.

    How it came to be
      It was not sent by rules of this server, so nothing more is known. It names http://elsewhere/graph as its source.

    Route
      → (root) to r: matches, and none of its children does

    Groups
      {} to r: next at 2026-01-05T08:00:30Z

    Inhibition
      No rule has it as a target.

    Silences
      None matches.

    Notifications
      None yet."
  `);
  await am.close();
});
