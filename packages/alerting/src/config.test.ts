import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkConfig, loadConfig } from './config.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-alerting-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const amtool = spawnSync('amtool', ['--version']).status === 0;

const base = (receiver: string, rest = '') =>
  `route:\n  receiver: r\nreceivers:\n- name: r\n${receiver.replace(/^/gm, '  ')}\n${rest}`;
const routed = (route: string, rest = '') =>
  `route:\n  receiver: r\n${route.replace(/^/gm, '  ')}\nreceivers:\n- name: r\n- name: other\n${rest}`;
const webhook = 'webhook_configs:\n- url: http://127.0.0.1:1/hook';

/** `newer`: current Alertmanager accepts it, the one of Debian does not. */
type Verdict = 'ok' | 'bad' | 'newer';
const CASES: readonly [name: string, verdict: Verdict, yaml: string, complaint?: string | RegExp][] = [
  ['minimal', 'ok', base(webhook)],
  ['a receiver of nothing', 'ok', 'route: {receiver: r}\nreceivers: [{name: r}]\n'],
  ['empty', 'bad', '', 'a.yml:1:1: no route provided in config'],
  ['no receiver', 'bad', 'route: {}\n', 'a.yml:1:8: root route must specify a default receiver'],
  [
    'undefined receiver',
    'bad',
    'route:\n  receiver: x\nreceivers: [{name: r}]\n',
    'a.yml:2:13: undefined receiver "x" used in route',
  ],
  [
    'receiver twice',
    'bad',
    'route: {receiver: r}\nreceivers:\n- name: r\n- name: r\n',
    'a.yml:4:9: notification config name "r" is not unique',
  ],
  [
    'receiver without name',
    'bad',
    'route: {receiver: r}\nreceivers:\n- name: r\n- webhook_configs: []\n',
    /missing name in receiver/,
  ],
  ['root with matchers', 'bad', routed('match: {a: b}'), /root route must not have any matchers/],
  ['root with continue', 'bad', routed('continue: true'), 'a.yml:3:13: cannot have continue in root route'],
  ['unknown field', 'bad', routed('recever: x'), 'a.yml:3:3: field recever not found in route, did you mean receiver?'],
  [
    'both kinds of matchers',
    'ok',
    routed('routes:\n- match: {a: b}\n  match_re: {c: "d|e"}\n  matchers: [f="g", h!~i, "j=k,l=m"]\n  receiver: other'),
  ],
  ['bad regex', 'bad', routed('routes:\n- match_re: {c: "("}'), /^a\.yml:4:19: .*error parsing regexp/],
  [
    'bad matcher',
    'bad',
    routed('routes:\n- matchers: ["foo"]'),
    'a.yml:4:16: route.routes[0].matchers[0]: bad matcher format: foo',
  ],
  ['UTF-8 matcher', 'newer', routed('routes:\n- matchers: [\'"a.b"="c d"\']')],
  ['name in match', 'bad', routed('routes:\n- match: {"a.b": c}'), /invalid label name "a\.b"/],
  ['group_by all', 'ok', routed("group_by: ['...']")],
  ['group_by all and more', 'bad', routed("group_by: ['...', a]"), /cannot have wildcard group_by/],
  ['group_by twice', 'bad', routed('group_by: [a, a]'), /duplicated label "a" in group_by/],
  ['zero group_interval', 'bad', routed('group_interval: 0s'), /group_interval cannot be zero/],
  ['zero group_wait', 'ok', routed('group_wait: 0s')],
  ['bad duration', 'bad', routed('group_wait: 10'), 'a.yml:3:15: route.group_wait: not a valid duration string: "10"'],
  [
    'root muted',
    'bad',
    routed('mute_time_intervals: [x]', 'time_intervals: [{name: x, time_intervals: []}]\n'),
    /root route must not have any mute time intervals/,
  ],
  [
    'undefined interval',
    'bad',
    routed('routes:\n- mute_time_intervals: [x]'),
    'a.yml:4:27: undefined time interval "x" used in route',
  ],
  [
    'intervals',
    'ok',
    routed(
      'routes:\n- active_time_intervals: [x]\n  mute_time_intervals: [y]',
      'mute_time_intervals:\n- name: y\n  time_intervals: [{weekdays: [sunday]}]\ntime_intervals:\n- name: x\n  time_intervals:\n  - times: [{start_time: 09:00, end_time: 17:00}]\n    weekdays: ["monday:friday"]\n    days_of_month: ["1:15", "-3:-1"]\n    months: ["january:march", "12"]\n    years: ["2024:2030"]\n    location: Europe/Berlin\n',
    ),
  ],
  [
    'interval twice',
    'bad',
    routed(
      '',
      'mute_time_intervals: [{name: y, time_intervals: []}]\ntime_intervals: [{name: y, time_intervals: []}]\n',
    ),
    /time interval "y" is not unique/,
  ],
  [
    'bad zone',
    'bad',
    routed('', 'time_intervals: [{name: y, time_intervals: [{location: Mars/Olympus}]}]\n'),
    /unknown time zone Mars\/Olympus/,
  ],
  [
    'bad weekday',
    'bad',
    routed('', 'time_intervals: [{name: y, time_intervals: [{weekdays: [someday]}]}]\n'),
    /someday is not a valid weekday/,
  ],
  [
    'bad time',
    'bad',
    routed('', 'time_intervals: [{name: y, time_intervals: [{times: [{start_time: "9:00", end_time: "10:00"}]}]}]\n'),
    /couldn't parse timestamp 9:00/,
  ],
  [
    'inhibition',
    'ok',
    routed(
      '',
      'inhibit_rules:\n- source_matchers: [severity=critical]\n  target_matchers: [severity=warning]\n  equal: [alertname]\n- source_match: {a: b}\n  target_match_re: {c: d.*}\n',
    ),
  ],
  [
    'named inhibition',
    'newer',
    routed('', 'inhibit_rules:\n- name: x\n  source_matchers: [a=b]\n  target_matchers: [c=d]\n'),
  ],
  ['bad inhibition', 'bad', routed('', 'inhibit_rules:\n- source_match: {"1a": b}\n'), /invalid label name "1a"/],
  [
    'webhook without url',
    'bad',
    base('webhook_configs:\n- send_resolved: true'),
    /one of url or url_file must be configured/,
  ],
  ['webhook of another scheme', 'bad', base('webhook_configs:\n- url: ftp://x/y'), /unsupported scheme "ftp" for URL/],
  [
    'http_config',
    'ok',
    base(
      'webhook_configs:\n- url: http://x/\n  http_config: {basic_auth: {username: u, password: p}, proxy_url: "http://p:1"}',
    ),
  ],
  [
    'http_config twice',
    'bad',
    base('webhook_configs:\n- url: http://x/\n  http_config: {basic_auth: {username: u}, bearer_token: t}'),
    /at most one of basic_auth/,
  ],
  [
    'slack with global url',
    'ok',
    base(
      'slack_configs:\n- channel: "#x"\n  actions: [{type: button, text: t, url: http://x}]\n  fields: [{title: a, value: b, short: true}]',
      'global: {slack_api_url: "https://hooks.slack.com/x"}\n',
    ),
  ],
  [
    'slack without url',
    'bad',
    base('slack_configs:\n- channel: "#x"'),
    'a.yml:6:5: no global Slack API URL set either inline or in a file',
  ],
  [
    'slack both',
    'bad',
    base('slack_configs:\n- api_url: http://x\n  api_url_file: y'),
    /at most one of api_url & api_url_file/,
  ],
  [
    'slack bad action',
    'bad',
    base('slack_configs:\n- api_url: http://x\n  actions: [{type: button, text: t}]'),
    /missing name or url in Slack action/,
  ],
  [
    'email',
    'ok',
    base(
      'email_configs:\n- to: a@b.c\n  headers: {Subject: x}\n  tls_config: {insecure_skip_verify: true}',
      'global: {smtp_smarthost: "localhost:25", smtp_from: x@y.z}\n',
    ),
  ],
  ['email without smarthost', 'bad', base('email_configs:\n- to: a@b.c'), /no global SMTP smarthost set/],
  ['email without from', 'bad', base('email_configs:\n- to: a@b.c\n  smarthost: "x:25"'), /no global SMTP from set/],
  ['email without to', 'bad', base('email_configs:\n- from: a@b.c'), /missing to address in email config/],
  [
    'email header twice',
    'bad',
    base('email_configs:\n- to: a@b.c\n  headers: {Subject: x, subject: y}'),
    /duplicate header/,
  ],
  ['smarthost without port', 'bad', base(webhook, 'global: {smtp_smarthost: localhost}\n'), /missing port in address/],
  [
    'pagerduty',
    'ok',
    base(
      'pagerduty_configs:\n- routing_key: x\n  details: {a: b}\n  images: [{src: x, alt: y, href: z}]\n  links: [{href: x, text: y}]\n- service_key: y',
    ),
  ],
  ['pagerduty without key', 'bad', base('pagerduty_configs:\n- client: x'), /missing service or routing key/],
  [
    'opsgenie',
    'ok',
    base(
      'opsgenie_configs:\n- api_key: x\n  responders: [{name: a, type: team}, {id: b, type: "{{ .x }}"}]\n  update_alerts: true\n  entity: e\n  actions: a',
    ),
  ],
  ['opsgenie without key', 'bad', base('opsgenie_configs:\n- message: x'), /no global OpsGenie API Key/],
  [
    'opsgenie responder',
    'bad',
    base('opsgenie_configs:\n- api_key: x\n  responders: [{type: team}]'),
    /has to have at least one of id, username or name/,
  ],
  [
    'opsgenie responder type',
    'bad',
    base('opsgenie_configs:\n- api_key: x\n  responders: [{name: a, type: club}]'),
    /does not match valid options/,
  ],
  ['discord', 'ok', base('discord_configs:\n- webhook_url: http://x\n  title: t')],
  ['discord username', 'newer', base('discord_configs:\n- webhook_url: http://x\n  username: t')],
  [
    'telegram',
    'ok',
    base('telegram_configs:\n- bot_token: x\n  chat_id: -1001234\n  api_url: https://api.telegram.org'),
  ],
  ['telegram without chat', 'bad', base('telegram_configs:\n- bot_token: x'), /missing chat_id on telegram_config/],
  [
    'telegram parse mode',
    'bad',
    base('telegram_configs:\n- bot_token: x\n  chat_id: 1\n  parse_mode: text'),
    /unknown parse_mode/,
  ],
  ['pushover', 'ok', base('pushover_configs:\n- user_key: u\n  token: t\n  retry: 1m30s\n  expire: 1h\n  sound: s')],
  ['pushover without token', 'bad', base('pushover_configs:\n- user_key: u'), /one of token or token_file/],
  ['victorops', 'ok', base('victorops_configs:\n- api_key: x\n  routing_key: y\n  custom_fields: {a: b}')],
  ['victorops without routing', 'bad', base('victorops_configs:\n- api_key: x'), /missing Routing key/],
  [
    'victorops reserved',
    'bad',
    base('victorops_configs:\n- api_key: x\n  routing_key: y\n  custom_fields: {entity_id: b}'),
    /custom field entity_id/,
  ],
  ['wechat', 'ok', base('wechat_configs:\n- api_secret: x\n  corp_id: y\n  message_type: markdown')],
  [
    'wechat type',
    'bad',
    base('wechat_configs:\n- api_secret: x\n  corp_id: y\n  message_type: html'),
    /does not match valid options/,
  ],
  ['webex', 'ok', base('webex_configs:\n- room_id: x\n  http_config: {authorization: {credentials: y}}')],
  [
    'webex without authorization',
    'bad',
    base('webex_configs:\n- room_id: x'),
    /missing webex_configs.http_config.authorization/,
  ],
  [
    'sns',
    'ok',
    base('sns_configs:\n- topic_arn: arn:x\n  sigv4: {region: eu, access_key: a, secret_key: b}\n  attributes: {a: b}'),
  ],
  ['sns two targets', 'bad', base('sns_configs:\n- topic_arn: arn:x\n  phone_number: "1"'), /must provide either/],
  ['msteams', 'newer', base('msteams_configs:\n- webhook_url: http://x\nmsteamsv2_configs:\n- webhook_url: http://x')],
  [
    'jira',
    'newer',
    base(
      'jira_configs:\n- api_url: http://x\n  project: p\n  issue_type: Bug\n  labels: [a]\n  fields: {customfield_1: {value: x}}',
    ),
  ],
  ['jira without project', 'bad', base('jira_configs:\n- api_url: http://x'), /missing project in jira_config/],
  ['rocketchat', 'newer', base('rocketchat_configs:\n- token: t\n  token_id: i\n  channel: c')],
  ['mattermost', 'newer', base('mattermost_configs:\n- webhook_url: http://x')],
  ['tracing', 'newer', `${base(webhook)}tracing: {endpoint: "localhost:4317", insecure: true}\n`],
  ['template pattern', 'ok', base(webhook, 'templates: ["nothing-*.tmpl"]\n')],
  [
    'global both',
    'bad',
    base(webhook, 'global: {slack_api_url: "http://x", slack_api_url_file: y}\n'),
    /at most one of slack_api_url & slack_api_url_file/,
  ],
  ['not YAML', 'bad', 'route: [\n', /YAML/],
  ['a mask where a secret was', 'newer', base('webhook_configs:\n- url: <secret>')],
];

test.each(CASES)('%s: %s', (_name, verdict, yaml, complaint) => {
  const result = checkConfig(yaml, 'a.yml');
  const problems = result.ok ? [] : result.problems.map((p) => p.located);
  expect(problems.length === 0, problems.join('\n')).toBe(verdict !== 'bad');
  if (typeof complaint === 'string') expect(problems).toContain(complaint);
  else if (complaint) expect(problems.join('\n')).toMatch(complaint);
});

test.skipIf(!amtool)('amtool says the same (skipped where amtool is not installed)', () => {
  const disagreements: string[] = [];
  CASES.forEach(([name, verdict, yaml], i) => {
    const file = join(directory, `${i}.yml`);
    writeFileSync(file, yaml);
    const accepted = spawnSync('amtool', ['check-config', file]).status === 0;
    if (accepted !== (verdict === 'ok') && verdict !== 'newer')
      disagreements.push(`${name}: amtool ${accepted ? 'accepts' : 'refuses'}`);
  });
  expect(disagreements).toEqual([]);
});

const SECRETS = base(
  `webhook_configs:
- url: http://hook/s3cret-1
  http_config: {basic_auth: {username: admin, password: s3cret-2}, http_headers: {X-K: {secrets: [s3cret-3]}}}
slack_configs: [{channel: a, api_url: "http://slack/s3cret-4"}]
pagerduty_configs: [{routing_key: s3cret-5}, {service_key: s3cret-6}]
opsgenie_configs: [{api_key: s3cret-7, api_url: "http://user:s3cret-8@og/"}]
pushover_configs: [{user_key: s3cret-9, token: s3cret-10}]
telegram_configs: [{bot_token: s3cret-11, chat_id: 1}]
email_configs: [{to: a@b.c, from: a@b.c, smarthost: "x:25", auth_password: s3cret-12, auth_secret: s3cret-13}]
sns_configs: [{topic_arn: a, sigv4: {access_key: a, secret_key: s3cret-14}}]
wechat_configs: [{api_secret: s3cret-15, corp_id: c}]
victorops_configs: [{api_key: s3cret-16, routing_key: r}]
discord_configs: [{webhook_url: "http://d/s3cret-17"}]`,
  'global: {smtp_auth_password: s3cret-18, http_config: {oauth2: {client_id: a, client_secret: s3cret-19, token_url: "http://t"}}} # s3cret-20\n',
);

test('no secret is in the configuration as shown, and amtool reads it', () => {
  const { masked } = loadConfig(SECRETS);
  expect(masked).not.toContain('s3cret');
  expect(masked.match(/<secret>/g)).toHaveLength(18);
  expect(masked).toContain('http://user:xxxxx@og/');
  expect(masked).toContain('admin');
  expect(checkConfig(masked).ok).toBe(true);
  expect(JSON.stringify(loadConfig(SECRETS).receivers)).not.toMatch(/s3cret-(?!8)/);
});

test.skipIf(!amtool)('amtool reads the masked configuration', () => {
  const file = join(directory, 'masked.yml');
  writeFileSync(file, loadConfig(SECRETS.replace(', http_headers: {X-K: {secrets: [s3cret-3]}}', '')).masked);
  expect(execFileSync('amtool', ['check-config', file], { encoding: 'utf8' })).toContain('SUCCESS');
});

test('inheritance from global and files relative to the configuration', () => {
  const config = loadConfig(
    base(
      'email_configs: [{to: a@b.c}]\nwebhook_configs: [{url_file: hook.url}]',
      'global: {smtp_smarthost: "[::1]:587", smtp_from: x@y.z, smtp_auth_password_file: pw, smtp_require_tls: false}\ntemplates: [t/*.tmpl]\n',
    ),
    '/etc/am/alertmanager.yml',
  );
  expect(config.templates).toEqual(['/etc/am/t/*.tmpl']);
  const [email, hook] = config.receivers[0]!.integrations;
  expect(email!.config).toMatchObject({
    from: 'x@y.z',
    smarthost: { host: '::1', port: 587 },
    require_tls: false,
    auth_password_file: '/etc/am/pw',
  });
  expect(hook!.config).toMatchObject({ url_file: '/etc/am/hook.url' });
});
