import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAlertmanager } from './alertmanager.ts';
import { signV4 } from './receiver-sns.ts';

interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const directory = mkdtempSync(join(tmpdir(), 'belfry-receivers-'));
let heard: Heard[] = [];
let answers: { status?: number; headers?: Record<string, string>; body?: string }[] = [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      heard.push({ method: request.method!, path: request.url!, headers: request.headers, body });
      const { status = 200, headers = {}, body: answer = 'ok' } = answers.shift() ?? {};
      response.writeHead(status, headers).end(answer);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  heard = [];
  answers = [];
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const ALERTS = [
  {
    labels: { alertname: 'DiskFull', severity: 'critical', instance: 'db-1' },
    annotations: { summary: 'Disk <b>full</b> & "burning"', description: 'no space' },
    generatorURL: 'http://prometheus/graph?g0.expr=x',
  },
  { labels: { alertname: 'DiskFull', severity: 'critical', instance: 'db-2' }, annotations: { summary: 'also' } },
];
const ENDED = '2026-01-01T00:00:00Z';
const RESOLVED = ALERTS.map((a) => ({ ...a, startsAt: '2025-12-31T23:00:00Z', endsAt: ENDED }));

/** Sends a drill to a receiver of this one section; gives what the record says. */
async function say(section: string, alerts: unknown = ALERTS, rest = '') {
  const config = `route:\n  receiver: team\n  group_by: [alertname]\nreceivers:\n- name: team\n${section.replaceAll('URL', url).replace(/^/gm, '  ')}\n${rest.replaceAll('URL', url)}`;
  const am = createAlertmanager({ config, externalUrl: 'http://belfry.example' });
  try {
    const records = await am.drill('team', alerts);
    return records[0]!;
  } finally {
    await am.close();
  }
}
const json = (i = 0) => JSON.parse(heard[i]!.body);
const SUBJECT = '[FIRING:2] DiskFull (true critical)';

describe('HTTP receivers', () => {
  test('webhook, with a secret in a file and basic authentication', async () => {
    writeFileSync(join(directory, 'url'), `${url}/hook/very-secret\n`);
    const record = await say(
      `webhook_configs: [{url_file: ${join(directory, 'url')}, http_config: {basic_auth: {username: u, password: pass-word}}}]`,
    );
    expect(record).toMatchObject({ outcome: 'sent', attempts: [{ ok: true, status: 200 }] });
    expect(heard[0]).toMatchObject({ method: 'POST', path: '/hook/very-secret' });
    expect(heard[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from('u:pass-word').toString('base64')}`,
    });
    expect(heard[0]!.headers['user-agent']).toMatch(/^Alertmanager\//);
    expect(json()).toMatchObject({
      receiver: 'team',
      status: 'firing',
      version: '4',
      commonLabels: { alertname: 'DiskFull', severity: 'critical' },
    });
    expect(Object.keys(json())).toEqual([
      'receiver',
      'status',
      'alerts',
      'groupLabels',
      'commonLabels',
      'commonAnnotations',
      'externalURL',
      'version',
      'groupKey',
      'truncatedAlerts',
    ]);
    expect(JSON.stringify(record)).not.toMatch(/very-secret|pass-word/);
  });

  test('slack by webhook', async () => {
    const record = await say(
      'slack_configs: [{api_url: "URL/slack/very-secret", channel: "#{{ .CommonLabels.severity }}", text: "{{ range .Alerts }}{{ .Annotations.summary }};{{ end }}", fields: [{title: t, value: v}], actions: [{type: button, text: Go, url: "http://x"}]}]',
    );
    expect(record.outcome).toBe('sent');
    expect(json()).toEqual({
      channel: '#critical',
      username: 'Alertmanager',
      attachments: [
        {
          title: SUBJECT,
          title_link: 'http://belfry.example/#/alerts?receiver=team',
          text: '[DRILL] Disk <b>full</b> & "burning";[DRILL] also;',
          fallback: `${SUBJECT} | http://belfry.example/#/alerts?receiver=team`,
          color: 'danger',
          mrkdwn_in: ['fallback', 'pretext', 'text'],
          fields: [{ title: 't', value: 'v', short: false }],
          actions: [{ type: 'button', text: 'Go', url: 'http://x' }],
        },
      ],
    });
    expect(JSON.stringify(record)).not.toContain('very-secret');
  });

  test('slack by app, whose failures come with status 200', async () => {
    answers = [{ headers: { 'content-type': 'application/json' }, body: '{"ok":false,"error":"channel_not_found"}' }];
    const record = await say('slack_configs: [{app_token: xoxb-very-secret, app_url: "URL/api", channel: c}]');
    expect(heard[0]!.headers.authorization).toBe('Bearer xoxb-very-secret');
    expect(record).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('error response from Slack: channel_not_found'),
    });
  });

  test('pagerduty, version 2: trigger and resolve under one key', async () => {
    const section =
      'pagerduty_configs: [{routing_key: very-secret-key, url: "URL/v2", severity: "{{ .CommonLabels.severity }}", details: {team: db, num_firing: ""}, images: [{src: ""}, {src: "http://i"}]}]';
    const record = await say(section);
    expect(json()).toMatchObject({
      routing_key: 'very-secret-key',
      event_action: 'trigger',
      dedup_key: expect.stringMatching(/^[0-9a-f]{64}$/),
      client: 'Alertmanager',
      images: [{ src: 'http://i' }],
      payload: {
        summary: SUBJECT,
        source: 'Alertmanager',
        severity: 'critical',
        custom_details: {
          team: 'db',
          num_firing: '',
          num_resolved: '0',
          firing: expect.stringContaining('instance = db-1'),
        },
      },
    });
    expect(JSON.stringify(record)).not.toContain('very-secret-key');
    await say(section, RESOLVED);
    expect(json(1)).toMatchObject({ event_action: 'resolve', dedup_key: json().dedup_key });
  });

  test('pagerduty, version 1', async () => {
    await say('pagerduty_configs: [{service_key: k, url: "URL/v1"}]');
    expect(json()).toMatchObject({
      service_key: 'k',
      event_type: 'trigger',
      description: SUBJECT,
      incident_key: expect.any(String),
    });
  });

  test('a PagerDuty event that is too large goes without details', async () => {
    await say('pagerduty_configs: [{routing_key: k, url: "URL/v2"}]', [
      { labels: { alertname: 'A' }, annotations: { text: 'x'.repeat(600_000) } },
    ]);
    expect(json().payload.custom_details).toEqual({ error: expect.stringMatching(/PagerDuty takes 512000/) });
  });

  test('opsgenie: create, update, close', async () => {
    const section =
      'opsgenie_configs: [{api_key: very-secret, api_url: "URL/og", update_alerts: true, tags: "a, b", responders: [{name: "x,y", type: teams}, {name: z, type: User}], priority: P1}]';
    await say(section);
    expect(heard.map((h) => `${h.method} ${h.path.replace(/[0-9a-f]{64}/, 'ALIAS')}`)).toEqual([
      'POST /og/v2/alerts',
      'PUT /og/v2/alerts/ALIAS/message?identifierType=alias',
      'PUT /og/v2/alerts/ALIAS/description?identifierType=alias',
    ]);
    expect(heard[0]!.headers.authorization).toBe('GenieKey very-secret');
    expect(json()).toMatchObject({
      message: SUBJECT,
      tags: ['a', 'b'],
      priority: 'P1',
      details: { alertname: 'DiskFull' },
      responders: [
        { name: 'x', type: 'team' },
        { name: 'y', type: 'team' },
        { name: 'z', type: 'user' },
      ],
    });
    heard = [];
    await say(section, RESOLVED);
    expect(heard[0]!.path).toMatch(/\/close\?identifierType=alias$/);
  });

  test('discord', async () => {
    await say('discord_configs: [{webhook_url: URL/d, username: b}]');
    expect(json()).toMatchObject({
      username: 'b',
      embeds: [{ title: SUBJECT, color: 0x992d22, description: expect.stringContaining('Firing:') }],
    });
  });

  test('microsoft teams, both kinds', async () => {
    await say('msteams_configs: [{webhook_url: URL/t}]');
    expect(json()).toMatchObject({ '@context': 'http://schema.org/extensions', title: SUBJECT, themeColor: '8C1A1A' });
    await say('msteamsv2_configs: [{webhook_url: URL/t}]', RESOLVED);
    expect(json(1)).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: { type: 'AdaptiveCard', body: [{ text: '[RESOLVED] DiskFull (true critical)', color: 'good' }, {}] },
        },
      ],
    });
  });

  test('telegram escapes values in its HTML, and its retry_after is respected', async () => {
    const section =
      'telegram_configs: [{bot_token: "123:very-secret", chat_id: -5, api_url: URL, message: "<b>{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}</b>", message_thread_id: 7}]';
    answers = [{ status: 429, body: '{"parameters":{"retry_after":1}}' }];
    const record = await say(section);
    expect(heard[0]!.path).toBe('/bot123:very-secret/sendMessage');
    expect(json()).toMatchObject({
      chat_id: -5,
      message_thread_id: 7,
      parse_mode: 'HTML',
      text: expect.stringContaining('Disk &lt;b&gt;full&lt;/b&gt;'),
    });
    expect(record.attempts.map((a) => a.status)).toEqual([429, 200]);
    expect(record.payloads[0]!.to).toBe(`POST ${url}/bot<secret>/sendMessage`);
  });

  test('victorops', async () => {
    await say(
      'victorops_configs: [{api_key: very-secret, api_url: URL/vo, routing_key: "r {{ .Status }}", message_type: warning, custom_fields: {x: "{{ .Status }}"}}]',
    );
    expect(heard[0]!.path).toBe('/vo/very-secret/r%20firing');
    expect(json()).toMatchObject({
      message_type: 'WARNING',
      entity_id: expect.stringMatching(/^[0-9a-f]{64}$/),
      x: 'firing',
      monitoring_tool: 'Alertmanager',
    });
  });

  test('webex, rocketchat, mattermost, incident.io', async () => {
    await say('webex_configs: [{room_id: r, api_url: URL/w, http_config: {authorization: {credentials: token}}}]');
    expect(heard[0]!.headers.authorization).toBe('Bearer token');
    expect(json()).toMatchObject({ roomId: 'r', markdown: expect.stringContaining(SUBJECT) });
    await say('rocketchat_configs: [{token: t, token_id: i, api_url: URL, channel: "#c"}]');
    expect(heard[1]).toMatchObject({
      path: '/api/v1/chat.postMessage',
      headers: { 'x-auth-token': 't', 'x-user-id': 'i' },
    });
    await say('mattermost_configs: [{webhook_url: URL/m, channel: c, attachments: [{title: "{{ .Status }}"}]}]');
    expect(json(2)).toMatchObject({ channel: 'c', attachments: [{ title: 'firing' }] });
    await say('incidentio_configs: [{url: URL/i, alert_source_token: very-secret, max_alerts: 1}]');
    expect(heard[3]!.headers.authorization).toBe('Bearer very-secret');
    expect(json(3)).toMatchObject({ truncatedAlerts: 1, version: '4' });
  });

  test('jira: create, update and reopen, resolve', async () => {
    const section = (more = '') =>
      `jira_configs: [{api_url: URL/rest/api/2/, project: OPS, issue_type: Bug, labels: [alert, "{{ .CommonLabels.severity }}"], fields: {customfield_1: {value: "{{ .Status }}"}}, reopen_transition: Reopen, resolve_transition: Close${more}}]`;
    answers = [{ body: '{"issues":[]}' }, { status: 201, body: '{"key":"OPS-1"}' }];
    expect((await say(section())).outcome).toBe('sent');
    expect(heard.map((h) => `${h.method} ${h.path}`)).toEqual(['POST /rest/api/2/search', 'POST /rest/api/2/issue']);
    expect(json(0).jql).toMatch(/^project = "OPS" AND labels = "ALERT\{[0-9a-f]{64}\}" ORDER BY/);
    expect(json(1).fields).toMatchObject({
      project: { key: 'OPS' },
      issuetype: { name: 'Bug' },
      summary: SUBJECT,
      labels: ['alert', 'critical', expect.stringMatching(/^ALERT/)],
      priority: { name: 'High' },
      customfield_1: { value: 'firing' },
    });
    heard = [];
    const found = (key: string) => ({
      body: JSON.stringify({ issues: [{ key: 'OPS-1', fields: { status: { statusCategory: { key } } } }] }),
    });
    const transitions = { body: '{"transitions":[{"id":"7","name":"Reopen"},{"id":"8","name":"Close"}]}' };
    answers = [found('done'), { status: 204, body: '' }, transitions, { status: 204, body: '' }];
    await say(section());
    expect(heard.map((h) => `${h.method} ${h.path}`).slice(1)).toEqual([
      'PUT /rest/api/2/issue/OPS-1',
      'GET /rest/api/2/issue/OPS-1/transitions',
      'POST /rest/api/2/issue/OPS-1/transitions',
    ]);
    expect(json(3)).toEqual({ transition: { id: '7' } });
    heard = [];
    answers = [found('new'), { status: 204, body: '' }, transitions, { status: 204, body: '' }];
    await say(section(), RESOLVED);
    expect(json(3)).toEqual({ transition: { id: '8' } });
    heard = [];
    answers = [{ body: '{"issues":[]}' }];
    expect((await say(section(), RESOLVED)).outcome).toBe('sent');
    expect(heard).toHaveLength(1);
  });

  test('wechat: a token first, and again when it is invalid', async () => {
    answers = [
      { body: '{"access_token":"tok-1"}' },
      { body: '{"errcode":40014,"errmsg":"invalid"}' },
      { body: '{"access_token":"tok-2"}' },
      { body: '{"errcode":0}' },
    ];
    const record = await say(
      'wechat_configs: [{api_secret: very-secret, corp_id: c, api_url: URL/wx, to_user: u, agent_id: "1"}]',
    );
    expect(record.outcome).toBe('sent');
    expect(heard.map((h) => h.path)).toEqual([
      '/wx/gettoken?corpid=c&corpsecret=very-secret',
      '/wx/message/send?access_token=tok-1',
      '/wx/gettoken?corpid=c&corpsecret=very-secret',
      '/wx/message/send?access_token=tok-2',
    ]);
    expect(json(3)).toMatchObject({
      touser: 'u',
      msgtype: 'text',
      text: { content: expect.stringContaining(SUBJECT) },
    });
  });

  test('sns signs its requests', async () => {
    await say(
      'sns_configs: [{api_url: "URL/", topic_arn: "arn:aws:sns:eu:1:t.fifo", sigv4: {region: eu-west-1, access_key: AKID, secret_key: very-secret}, attributes: {k: "{{ .Status }}"}}]',
    );
    const form = new URLSearchParams(heard[0]!.body);
    expect(Object.fromEntries(form)).toMatchObject({
      Action: 'Publish',
      TopicArn: 'arn:aws:sns:eu:1:t.fifo',
      Subject: SUBJECT,
      MessageGroupId: expect.any(String),
      'MessageAttributes.entry.1.Value.StringValue': 'firing',
    });
    expect(heard[0]!.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/sns\/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
    );
  });

  test('a broken template still tells, with the complaint in the text', async () => {
    const record = await say('slack_configs: [{api_url: URL/s, channel: "{{ .Nope }}", text: "{{ .Alerts.Nope }}"}]');
    expect(record.outcome).toBe('sent');
    expect(json().channel).toBeUndefined();
    expect(json().attachments[0].text).toMatch(
      /^The template of this notification failed \(template: .*Nope.*\)\.\n\[FIRING\] alertname=DiskFull .*: \[DRILL\] Disk/s,
    );
  });

  test('template files replace defaults', async () => {
    writeFileSync(
      join(directory, 'my.tmpl'),
      '{{ define "slack.default.title" }}mine {{ .Alerts.Firing | len }}{{ end }}',
    );
    await say('slack_configs: [{api_url: URL/s, channel: c}]', ALERTS, `templates: ["${directory}/*.tmpl"]`);
    expect(json().attachments[0].title).toBe('mine 2');
    writeFileSync(join(directory, 'bad.tmpl'), '{{ define "x" }}{{ nope }}{{ end }}');
    await expect(
      say('slack_configs: [{api_url: URL/s, channel: c}]', ALERTS, `templates: ["${directory}/*.tmpl"]`),
    ).rejects.toThrow('function "nope" not defined');
    rmSync(join(directory, 'bad.tmpl'));
  });

  test('a missing secret file, a refused connection: failures that name no secret', async () => {
    const missing = createAlertmanager({
      config: 'route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{api_url_file: /nope, channel: c}]}]',
    });
    await expect(missing.renderNotification('r')).rejects.toThrow('cannot read /nope');
    await missing.close();
  });
});

test('a signature names date, region and key', () => {
  const headers = signV4({
    url: 'https://sns.us-east-1.amazonaws.com/',
    body: 'Action=Publish',
    region: 'us-east-1',
    service: 'sns',
    accessKey: 'AKIDEXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    nowMs: Date.parse('2015-08-30T12:36:00Z'),
  });
  expect(headers['x-amz-date']).toBe('20150830T123600Z');
  expect(headers.authorization).toContain('Credential=AKIDEXAMPLE/20150830/us-east-1/sns/aws4_request');
});

describe('email', () => {
  interface Mail {
    readonly from: string;
    readonly to: string[];
    readonly secure: boolean;
    readonly user: string;
    readonly method: string;
    readonly text: string;
  }
  const withServer = async (options: object, section: (port: number) => string) => {
    const mails: Mail[] = [];
    const seen = { user: '', method: '' };
    const smtp = new SMTPServer({
      authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
      authOptional: true,
      onAuth(auth, _session, done) {
        seen.user = auth.username ?? '';
        seen.method = auth.method;
        const good = auth.validatePassword ? auth.validatePassword('pass-word') : auth.password === 'pass-word';
        done(good ? null : new Error('bad credentials'), good ? { user: auth.username } : undefined);
      },
      onData(stream, session, done) {
        let text = '';
        stream.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map((r: { address: string }) => r.address),
            secure: session.secure,
            ...seen,
            text,
          });
          done();
        });
      },
      ...options,
    });
    await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', () => resolve()));
    const { port } = smtp.server.address() as AddressInfo;
    try {
      return { record: await say(section(port)), mails };
    } finally {
      await new Promise<void>((resolve) => smtp.close(() => resolve()));
    }
  };

  test('STARTTLS, authentication, subject, HTML with escaped values, and text', async () => {
    const { record, mails } = await withServer(
      {},
      (port) =>
        `email_configs: [{to: "Ops <ops@x.example>, two@x.example", from: am@x.example, smarthost: "127.0.0.1:${port}", auth_username: u, auth_password: pass-word, tls_config: {insecure_skip_verify: true}, text: "plain {{ .Status }}", threading: {enabled: true}, headers: {X-Team: "{{ .CommonLabels.alertname }}"}}]`,
    );
    expect(record.outcome, record.reason).toBe('sent');
    expect(mails[0]).toMatchObject({
      from: 'am@x.example',
      to: ['ops@x.example', 'two@x.example'],
      secure: true,
      user: 'u',
    });
    expect(mails[0]!.text).toContain(`Subject: ${SUBJECT}`);
    expect(mails[0]!.text).toContain('X-Team: DiskFull');
    expect(mails[0]!.text).toMatch(/In-Reply-To: <alert-[0-9a-f]{16}-\d{4}-\d\d-\d\d@alertmanager>/);
    expect(mails[0]!.text).toContain('plain firing');
    const decoded = mails[0]!.text.replaceAll('=\r\n', '').replaceAll('=3D', '=');
    expect(decoded).toContain('Disk &lt;b&gt;full&lt;/b&gt; &amp; &#34;burning&#34;');
    expect(decoded).not.toContain('<b>full</b>');
    expect(JSON.stringify(record)).not.toContain('pass-word');
  });

  test('CRAM-MD5 with a secret, without TLS when told so', async () => {
    const { record, mails } = await withServer(
      { allowInsecureAuth: true },
      (port) =>
        `email_configs: [{to: a@x.example, from: b@x.example, smarthost: "127.0.0.1:${port}", require_tls: false, auth_username: u, auth_secret: pass-word}]`,
    );
    expect(record.outcome, record.reason).toBe('sent');
    expect(mails[0]).toMatchObject({ secure: false, method: 'CRAM-MD5' });
  });

  test('a server that cannot do the TLS that is required gets no mail', async () => {
    const { record, mails } = await withServer(
      { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] },
      (port) =>
        `email_configs: [{to: a@x.example, from: b@x.example, smarthost: "127.0.0.1:${port}", tls_config: {insecure_skip_verify: true}}]`,
    );
    expect(record).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('STARTTLS') });
    expect(mails).toEqual([]);
  });

  test('a 5xx answer is final', async () => {
    const refused = await withServer(
      {
        onRcptTo: (_a: unknown, _s: unknown, done: (e: Error) => void) =>
          done(Object.assign(new Error('no such mailbox'), { responseCode: 550 })),
      },
      (port) =>
        `email_configs: [{to: a@x.example, from: b@x.example, smarthost: "127.0.0.1:${port}", require_tls: false}]`,
    );
    expect(refused.record).toMatchObject({ outcome: 'failed', attempts: [{ status: 550 }] });
    expect(refused.record.reason).toContain('no such mailbox');
  });
});
