import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labelsFrom, type Matcher, seededRandom, VirtualClock } from '@belfry/model';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createAlertmanager } from './alertmanager.ts';
import { checkConfigFile } from './check-file.ts';
import { formatAlertMatchers, parseMatchers } from './matchers.ts';
import { redactor } from './redact.ts';
import { buildRoute, matchRoutes, type RouteConfig } from './route.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-alerting-properties-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const name = fc.oneof(
  fc.constantFrom('job', 'a_b', 'severity'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
);
const value = fc.string({ unit: 'grapheme', maxLength: 12 });
const matcher: fc.Arbitrary<Matcher> = fc.record({ name, op: fc.constantFrom('=', '!='), value });

test('matchers read as they print', () => {
  fc.assert(
    fc.property(fc.array(matcher, { minLength: 1, maxLength: 4 }), (matchers) => {
      // A name that needs no quotes must be one that the classic syntax, which decides first, can read.
      fc.pre(matchers.every((m) => /^[a-zA-Z_:][\w:]*$/.test(m.name) || /[\s{}!=~,\\"'`]/.test(m.name)));
      expect(parseMatchers(formatAlertMatchers(matchers))).toEqual(matchers);
    }),
  );
});

const small = fc.constantFrom('x', 'y', 'z');
const nodeOf = (depth: number): fc.Arbitrary<RouteConfig> =>
  fc.record({
    receiver: fc.constantFrom('r1', 'r2'),
    matchers: fc.array(fc.record({ name: small, op: fc.constantFrom('=' as const, '!=' as const), value: small }), {
      maxLength: 2,
    }),
    continue: fc.boolean(),
    routes: depth === 0 ? fc.constant([]) : fc.array(nodeOf(depth - 1), { maxLength: 3 }),
    muteTimeIntervals: fc.constant([]),
    activeTimeIntervals: fc.constant([]),
  });

/** The same said as the specification says it, on the configuration itself. */
function naive(route: RouteConfig, labels: Record<string, string>, path: string): string[] {
  const holds = (m: Matcher) => (m.op === '=') === ((labels[m.name] ?? '') === m.value);
  if (!route.matchers.every(holds)) return [];
  const taken: string[] = [];
  for (const [i, child] of route.routes.entries()) {
    const inner = naive(child, labels, `${path}/${i}`);
    taken.push(...inner);
    if (inner.length > 0 && !child.continue) break;
  }
  return taken.length > 0 ? taken : [path];
}

test('an alert takes the routes that the specification says, and always at least one', () => {
  const paths = (route: ReturnType<typeof buildRoute>, path: string, into: Map<object, string>) => {
    into.set(route, path);
    route.routes.forEach((child, i) => {
      paths(child, `${path}/${i}`, into);
    });
    return into;
  };
  fc.assert(
    fc.property(nodeOf(3), fc.dictionary(small, small), (config, labels) => {
      const root = { ...config, matchers: [] };
      const route = buildRoute(root);
      const byRoute = paths(route, '', new Map());
      const taken = matchRoutes(route, labelsFrom(labels)).map((r) => byRoute.get(r)!);
      expect(taken).toEqual(naive(root, labels, ''));
      expect(taken.length).toBeGreaterThan(0);
    }),
  );
});

test('no form of a secret passes the redactor', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 3, maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      (secret, text) => {
        const redact = redactor([secret]);
        const shown = redact(
          `${text} ${secret} ${JSON.stringify({ secret })} ${encodeURIComponent(secret)} ${Buffer.from(secret).toString('base64')}`,
        );
        // What is left may hold it only where the mask itself does.
        expect(
          shown.replaceAll('<secret>', '').includes(secret) &&
            !text.includes(secret) &&
            !'{"secret":""} '.includes(secret),
        ).toBe(false);
      },
    ),
  );
});

test('what fires is told, what ends is told as ended, whatever the order of reports', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          alert: fc.integer({ min: 0, max: 3 }),
          fire: fc.boolean(),
          waitS: fc.integer({ min: 0, max: 400 }),
        }),
        { maxLength: 25 },
      ),
      async (reports) => {
        const clock = new VirtualClock(Date.parse('2026-01-05T00:00:00Z'));
        const known = new Map<string, string>();
        const am = createAlertmanager({
          config:
            'route: {receiver: r, group_by: [alertname], group_wait: 10s, group_interval: 1m}\nreceivers: [{name: r, webhook_configs: [{url: "http://x"}]}]\n',
          clock,
          random: seededRandom(1),
          guardAgainstGaps: false,
          httpClient: () => ({
            async request(request) {
              for (const a of JSON.parse(String(request.body)).alerts) known.set(a.labels.alertname, a.status);
              return { status: 200, headers: {}, body: new Uint8Array() };
            },
            stream: () => Promise.reject(new Error('not here')),
            close: async () => {},
          }),
        });
        const last = new Map<string, boolean>();
        for (const { alert, fire, waitS } of reports) {
          const alertname = `A${alert}`;
          const endsAt = new Date(fire ? clock.now() + 1e9 : clock.now()).toISOString();
          am.putAlerts([{ labels: { alertname }, ...(fire ? {} : { startsAt: endsAt }), endsAt }]);
          last.set(alertname, fire);
          await clock.advance(waitS * 1000);
        }
        await clock.advance(10 * 60_000);
        for (const [alertname, fires] of last) {
          if (fires) expect(known.get(alertname)).toBe('firing');
          else expect(known.get(alertname)).not.toBe('firing');
        }
        await am.close();
      },
    ),
    { numRuns: 40 },
  );
});

test('every default template renders for every kind of receiver', async () => {
  const hook = 'webhook_url: "http://127.0.0.1:9/x"';
  const am = createAlertmanager({
    config: `
global: {smtp_smarthost: "127.0.0.1:9", smtp_from: a@b.c, jira_api_url: "http://127.0.0.1:9/rest/api/3"}
route: {receiver: all, group_by: [alertname]}
receivers:
- name: all
  slack_configs: [{api_url: "http://127.0.0.1:9/x", channel: c}]
  email_configs: [{to: x@y.z}]
  pagerduty_configs: [{routing_key: key}, {service_key: key}]
  opsgenie_configs: [{api_key: key}]
  discord_configs: [{${hook}}]
  msteams_configs: [{${hook}}]
  msteamsv2_configs: [{${hook}}]
  telegram_configs: [{bot_token: key, chat_id: 1}]
  pushover_configs: [{user_key: key, token: key}]
  victorops_configs: [{api_key: key, routing_key: r}]
  wechat_configs: [{api_secret: key, corp_id: c}]
  webex_configs: [{room_id: r, http_config: {authorization: {credentials: key}}}]
  rocketchat_configs: [{token: key, token_id: key, channel: c}]
  mattermost_configs: [{${hook}}]
  jira_configs: [{project: P, issue_type: Bug}]
  sns_configs: [{topic_arn: arn, sigv4: {region: r, access_key: k, secret_key: key}}]
  webhook_configs: [{url: "http://127.0.0.1:9/x"}]
`,
  });
  const ended = { startsAt: '2026-01-01T00:00:00Z', endsAt: '2026-01-01T01:00:00Z' };
  const mixed = [
    { labels: { alertname: 'A', severity: 'critical' }, annotations: { summary: 's' }, generatorURL: 'http://g' },
    { labels: { alertname: 'A', instance: 'i' }, ...ended },
  ];
  for (const alerts of [undefined, mixed, [mixed[1]]]) {
    const previews = await am.renderNotification('all', alerts);
    expect(previews).toHaveLength(18);
    for (const { integration, payloads } of previews) {
      const text = JSON.stringify(payloads);
      expect(text, integration).not.toMatch(/template of this notification failed|no value|%!/);
      // Closing an alert at Opsgenie needs no words.
      if (!text.includes('/close?')) expect(text, integration).toContain('A');
    }
  }
  await am.close();
});

test('checking a file: problems, broken template files, and warnings about texts', () => {
  const check = (text: string) => {
    const file = join(directory, 'am.yml');
    writeFileSync(file, text);
    const { problems, warnings } = checkConfigFile(file);
    return {
      problems: problems.map((p) => p.located.replace(`${directory}/`, '')),
      warnings: warnings.map((w) => w.message),
    };
  };
  const base = (more = '', top = '') =>
    `route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{api_url: "http://x", channel: c${more}}]}]\n${top}`;
  expect(check(base())).toEqual({ problems: [], warnings: [] });
  expect(check('route: {}')).toEqual({
    problems: ['am.yml:1:8: root route must specify a default receiver'],
    warnings: [],
  });
  expect(check(base(', text: "{{ .Status }"')).warnings).toEqual([
    expect.stringMatching(/^receiver "r", slack_configs\[0\]: text: template: text:1: /),
  ]);
  writeFileSync(join(directory, 'x.tmpl'), '{{ define "a" }}\n{{ if }}{{ end }}{{ end }}');
  expect(check(base('', 'templates: ["*.tmpl"]')).problems).toEqual([
    expect.stringMatching(/template: x\.tmpl:2: missing value for if/),
  ]);
  expect(checkConfigFile(join(directory, 'nope.yml')).problems[0]!.message).toMatch(/^cannot read/);
});
