import { HttpConfig, httpUrl, secretText, TlsConfig } from '@belfry/config';
import { messageOf } from '@belfry/model';
import { ALERTMANAGER_FUNCTIONS, parseTemplates } from '@belfry/template';
import { z } from 'zod';
import {
  atMostOne,
  baseUrl,
  count,
  file,
  flag,
  goDuration,
  hostPort,
  isGiven,
  optionalSecret,
  promDuration,
  refine,
  secretUrl,
  template,
  text,
  textMap,
  texts,
  wholeNumber,
} from './config-fields.ts';

const common = (sendResolved: boolean) => ({
  send_resolved: flag(sendResolved),
  http_config: HttpConfig.optional(),
});
const named = (name: string) => `{{ template "${name}" . }}`;

const Webhook = z
  .strictObject({
    ...common(true),
    url: secretUrl.optional(),
    url_file: file,
    max_alerts: count.default(0),
    timeout: goDuration.default(0),
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.url && !c.url_file) complain('one of url or url_file must be configured');
      if (c.url && c.url_file) complain('at most one of url & url_file must be configured', ['url_file']);
    }),
  );

const SlackConfirmation = z
  .strictObject({ text, title: text, ok_text: text, dismiss_text: text })
  .superRefine(refine((c, complain) => void (c.text || complain('missing text in Slack confirmation configuration'))));
const SlackAction = z
  .strictObject({
    type: text,
    text,
    url: text,
    style: text,
    name: text,
    value: text,
    confirm: SlackConfirmation.optional(),
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.type) complain('missing type in Slack action configuration');
      if (!c.text) complain('missing text in Slack action configuration');
      if (!c.url && !c.name) complain('missing name or url in Slack action configuration');
    }),
  );
const SlackField = z.strictObject({ title: text, value: text, short: z.boolean().optional() }).superRefine(
  refine((c, complain) => {
    if (!c.title) complain('missing title in Slack field configuration');
    if (!c.value) complain('missing value in Slack field configuration');
  }),
);

const Slack = z
  .strictObject({
    ...common(false),
    api_url: secretUrl.optional(),
    api_url_file: file,
    app_token: optionalSecret,
    app_token_file: file,
    app_url: httpUrl.optional(),
    channel: text,
    username: template(named('slack.default.username')),
    color: template('{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'),
    title: template(named('slack.default.title')),
    title_link: template(named('slack.default.titlelink')),
    pretext: template(named('slack.default.pretext')),
    text: template(named('slack.default.text')),
    message_text: text,
    fields: z.array(SlackField).default([]),
    short_fields: flag(false),
    footer: template(named('slack.default.footer')),
    fallback: template(named('slack.default.fallback')),
    callback_id: template(named('slack.default.callbackid')),
    icon_emoji: template(named('slack.default.iconemoji')),
    icon_url: template(named('slack.default.iconurl')),
    image_url: text,
    thumb_url: text,
    link_names: flag(false),
    mrkdwn_in: texts,
    actions: z.array(SlackAction).default([]),
    timeout: goDuration.default(0),
  })
  .superRefine(
    refine((c, complain) => {
      if (c.api_url && c.api_url_file)
        complain('at most one of api_url & api_url_file must be configured', ['api_url_file']);
      atMostOne(c, 'app_token', 'app_token_file', complain);
      if ((c.api_url || c.api_url_file) && (isGiven(c.app_token) || c.app_token_file)) {
        complain('at most one of api_url/api_url_file & app_token/app_token_file must be configured');
      }
    }),
  );

const Email = z
  .strictObject({
    send_resolved: flag(false),
    to: text,
    from: text,
    hello: text,
    smarthost: hostPort.optional(),
    auth_username: text,
    auth_password: optionalSecret,
    auth_password_file: file,
    auth_secret: optionalSecret,
    auth_secret_file: file,
    auth_identity: text,
    headers: textMap,
    html: template(named('email.default.html')),
    text,
    require_tls: z.boolean().optional(),
    force_implicit_tls: z.boolean().optional(),
    threading: z.strictObject({ enabled: flag(false), thread_by_date: template('daily') }).optional(),
    tls_config: TlsConfig.optional(),
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.to) complain('missing to address in email config');
      if (c.threading && !['daily', 'none'].includes(c.threading.thread_by_date)) {
        complain('thread_by_date must be daily or none', ['threading', 'thread_by_date']);
      }
      const seen = new Set<string>();
      for (const name of Object.keys(c.headers)) {
        const normal = name.toLowerCase();
        if (seen.has(normal)) complain(`duplicate header ${JSON.stringify(name)} in email config`, ['headers', name]);
        seen.add(normal);
      }
    }),
  );

const PagerDuty = z
  .strictObject({
    ...common(true),
    service_key: optionalSecret,
    service_key_file: file,
    routing_key: optionalSecret,
    routing_key_file: file,
    url: httpUrl.optional(),
    client: template(named('pagerduty.default.client')),
    client_url: template(named('pagerduty.default.clientURL')),
    description: template(named('pagerduty.default.description')),
    details: z.record(z.string(), z.unknown()).default({}),
    images: z.array(z.strictObject({ src: text, alt: text, href: text })).default([]),
    links: z.array(z.strictObject({ href: text, text })).default([]),
    source: text,
    severity: text,
    class: text,
    component: text,
    group: text,
    timeout: goDuration.default(0),
  })
  .superRefine(
    refine((c, complain) => {
      if (!isGiven(c.routing_key) && !isGiven(c.service_key) && !c.routing_key_file && !c.service_key_file) {
        complain('missing service or routing key in PagerDuty config');
      }
      atMostOne(c, 'routing_key', 'routing_key_file', complain);
      atMostOne(c, 'service_key', 'service_key_file', complain);
    }),
  );

const RESPONDER_TYPES = ['team', 'teams', 'user', 'escalation', 'schedule'];
const Responder = z.strictObject({ id: text, name: text, username: text, type: text }).superRefine(
  refine((c, complain) => {
    if (!c.id && !c.name && !c.username) {
      complain('an OpsGenie responder has to have at least one of id, username or name specified');
    }
    if (c.type.includes('{{')) {
      try {
        parseTemplates([{ name: '', text: c.type }], ALERTMANAGER_FUNCTIONS);
      } catch (error) {
        complain(`OpsGenie responder type is not a valid template: ${messageOf(error)}`, ['type']);
      }
    } else if (!RESPONDER_TYPES.includes(c.type.toLowerCase())) {
      complain(
        `OpsGenie responder type ${JSON.stringify(c.type)} does not match valid options ${RESPONDER_TYPES.join(', ')}`,
        ['type'],
      );
    }
  }),
);

const Opsgenie = z
  .strictObject({
    ...common(true),
    api_key: optionalSecret,
    api_key_file: file,
    api_url: baseUrl.optional(),
    message: template(named('opsgenie.default.message')),
    description: template(named('opsgenie.default.description')),
    source: template(named('opsgenie.default.source')),
    details: textMap,
    entity: text,
    responders: z.array(Responder).default([]),
    actions: text,
    tags: text,
    note: text,
    priority: text,
    update_alerts: flag(false),
  })
  .superRefine(refine((c, complain) => atMostOne(c, 'api_key', 'api_key_file', complain)));

const webhookUrl = {
  webhook_url: secretUrl.optional(),
  webhook_url_file: file,
};
const oneWebhookUrl = refine<{ webhook_url?: unknown; webhook_url_file: string }>((c, complain) => {
  if (!c.webhook_url && !c.webhook_url_file) complain('one of webhook_url or webhook_url_file must be configured');
  if (c.webhook_url && c.webhook_url_file) {
    complain('at most one of webhook_url & webhook_url_file must be configured', ['webhook_url_file']);
  }
});

const Discord = z
  .strictObject({
    ...common(true),
    ...webhookUrl,
    content: text,
    title: template(named('discord.default.title')),
    message: template(named('discord.default.message')),
    username: text,
    avatar_url: text,
  })
  .superRefine(oneWebhookUrl);

const MsTeams = z
  .strictObject({
    ...common(true),
    ...webhookUrl,
    title: template(named('msteams.default.title')),
    summary: template(named('msteams.default.summary')),
    text: template(named('msteams.default.text')),
  })
  .superRefine(oneWebhookUrl);

const MsTeamsV2 = z
  .strictObject({
    ...common(true),
    ...webhookUrl,
    title: template(named('msteamsv2.default.title')),
    text: template(named('msteamsv2.default.text')),
  })
  .superRefine(oneWebhookUrl);

const PARSE_MODES = ['', 'Markdown', 'MarkdownV2', 'HTML'];
const Telegram = z
  .strictObject({
    ...common(true),
    api_url: httpUrl.optional(),
    bot_token: optionalSecret,
    bot_token_file: file,
    chat_id: wholeNumber.default(0),
    chat_id_file: file,
    message_thread_id: wholeNumber.default(0),
    message: template(named('telegram.default.message')),
    disable_notifications: flag(false),
    parse_mode: template('HTML'),
  })
  .superRefine(
    refine((c, complain) => {
      atMostOne(c, 'bot_token', 'bot_token_file', complain);
      if (c.chat_id === 0 && !c.chat_id_file) complain('missing chat_id on telegram_config');
      if (c.chat_id !== 0 && c.chat_id_file)
        complain('at most one of chat_id & chat_id_file must be configured', ['chat_id_file']);
      if (!PARSE_MODES.includes(c.parse_mode)) {
        complain('unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string', [
          'parse_mode',
        ]);
      }
    }),
  );

const Pushover = z
  .strictObject({
    ...common(true),
    user_key: optionalSecret,
    user_key_file: file,
    token: optionalSecret,
    token_file: file,
    title: template(named('pushover.default.title')),
    message: template(named('pushover.default.message')),
    url: template(named('pushover.default.url')),
    url_title: text,
    device: text,
    sound: text,
    priority: template('{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'),
    retry: goDuration.default(60_000),
    expire: goDuration.default(3600_000),
    ttl: goDuration.default(0),
    html: flag(false),
    monospace: flag(false),
  })
  .superRefine(
    refine((c, complain) => {
      if (!isGiven(c.user_key) && !c.user_key_file) complain('one of user_key or user_key_file must be configured');
      if (!isGiven(c.token) && !c.token_file) complain('one of token or token_file must be configured');
      atMostOne(c, 'user_key', 'user_key_file', complain);
      atMostOne(c, 'token', 'token_file', complain);
      if (c.html && c.monospace) complain('at most one of monospace & html must be configured', ['monospace']);
    }),
  );

const VICTOROPS_FIELDS = [
  'routing_key',
  'message_type',
  'state_message',
  'entity_display_name',
  'monitoring_tool',
  'entity_id',
  'entity_state',
];
const VictorOps = z
  .strictObject({
    ...common(true),
    api_key: optionalSecret,
    api_key_file: file,
    api_url: baseUrl.optional(),
    routing_key: text,
    message_type: template('CRITICAL'),
    state_message: template(named('victorops.default.state_message')),
    entity_display_name: template(named('victorops.default.entity_display_name')),
    monitoring_tool: template(named('victorops.default.monitoring_tool')),
    custom_fields: textMap,
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.routing_key) complain('missing Routing key in VictorOps config');
      atMostOne(c, 'api_key', 'api_key_file', complain);
      for (const name of VICTOROPS_FIELDS) {
        if (name in c.custom_fields) {
          complain(
            `VictorOps config contains custom field ${name} which cannot be used as it conflicts with the fixed/static fields`,
            ['custom_fields', name],
          );
        }
      }
    }),
  );

const Webex = z
  .strictObject({
    ...common(true),
    api_url: httpUrl.optional(),
    room_id: text,
    message: template(named('webex.default.message')),
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.room_id) complain('missing room_id on webex_config');
      if (!c.http_config?.authorization) complain('missing webex_configs.http_config.authorization');
    }),
  );

const WeChat = z
  .strictObject({
    ...common(false),
    api_secret: optionalSecret,
    api_secret_file: file,
    corp_id: text,
    message: template(named('wechat.default.message')),
    api_url: baseUrl.optional(),
    to_user: template(named('wechat.default.to_user')),
    to_party: template(named('wechat.default.to_party')),
    to_tag: template(named('wechat.default.to_tag')),
    agent_id: template(named('wechat.default.agent_id')),
    message_type: text,
  })
  .superRefine(
    refine((c, complain) => {
      if (!['', 'text', 'markdown'].includes(c.message_type)) {
        complain(`WeChat message type ${JSON.stringify(c.message_type)} does not match valid options text, markdown`, [
          'message_type',
        ]);
      }
      atMostOne(c, 'api_secret', 'api_secret_file', complain);
    }),
  );

const RocketchatAction = z.strictObject({
  type: text,
  text,
  url: text,
  image_url: text,
  is_webview: flag(false),
  webview_height_ratio: text,
  msg: text,
  msg_in_chat_window: flag(false),
  msg_processing_type: text,
});
const Rocketchat = z
  .strictObject({
    ...common(false),
    api_url: httpUrl.optional(),
    token_id: optionalSecret,
    token_id_file: file,
    token: optionalSecret,
    token_file: file,
    channel: text,
    color: template('{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'),
    title: template(named('rocketchat.default.title')),
    title_link: template(named('rocketchat.default.titlelink')),
    text: template(named('rocketchat.default.text')),
    fields: z.array(z.strictObject({ title: text, value: text, short: z.boolean().optional() })).default([]),
    short_fields: flag(false),
    emoji: template(named('rocketchat.default.emoji')),
    icon_url: template(named('rocketchat.default.iconurl')),
    image_url: text,
    thumb_url: text,
    link_names: flag(false),
    actions: z.array(RocketchatAction).default([]),
  })
  .superRefine(
    refine((c, complain) => {
      atMostOne(c, 'token', 'token_file', complain);
      atMostOne(c, 'token_id', 'token_id_file', complain);
    }),
  );

const MattermostAttachment = z.strictObject({
  fallback: text,
  color: text,
  pretext: text,
  text,
  author_name: text,
  author_link: text,
  author_icon: text,
  title: text,
  title_link: text,
  fields: z.array(z.strictObject({ title: text, value: text, short: z.boolean().optional() })).default([]),
  thumb_url: text,
  footer: text,
  footer_icon: text,
  image_url: text,
});
const Mattermost = z
  .strictObject({
    ...common(true),
    ...webhookUrl,
    channel: text,
    username: template(named('mattermost.default.username')),
    text: template(named('mattermost.default.text')),
    icon_url: text,
    icon_emoji: text,
    attachments: z.array(MattermostAttachment).default([]),
    type: text,
    props: z.strictObject({ card: z.string().optional() }).optional(),
    priority: z
      .strictObject({
        priority: text,
        requested_ack: flag(false),
        persistent_notifications: flag(false),
      })
      .optional(),
  })
  .superRefine(
    refine((c, complain) => {
      if (c.webhook_url && c.webhook_url_file) {
        complain('at most one of webhook_url & webhook_url_file must be configured', ['webhook_url_file']);
      }
    }),
  );

const IncidentIo = z
  .strictObject({
    ...common(true),
    url: httpUrl.optional(),
    url_file: file,
    alert_source_token: optionalSecret,
    alert_source_token_file: file,
    max_alerts: count.default(0),
    timeout: goDuration.default(0),
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.url && !c.url_file) complain('one of url or url_file must be configured');
      if (c.url && c.url_file) complain('at most one of url & url_file must be configured', ['url_file']);
      atMostOne(c, 'alert_source_token', 'alert_source_token_file', complain);
      const token = isGiven(c.alert_source_token) || c.alert_source_token_file;
      if (!token && !c.http_config?.authorization) {
        complain(
          'at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured',
        );
      }
    }),
  );

const JiraField = z.union([
  z.string().transform((t) => ({ template: t, enable_update: true })),
  z.strictObject({ template: text, enable_update: flag(true) }),
]);
const Jira = z
  .strictObject({
    ...common(true),
    api_url: httpUrl.optional(),
    api_type: template('auto'),
    project: text,
    summary: JiraField.default({ template: named('jira.default.summary'), enable_update: true }),
    description: JiraField.default({ template: named('jira.default.description'), enable_update: true }),
    labels: texts,
    priority: template(named('jira.default.priority')),
    issue_type: text,
    reopen_transition: text,
    resolve_transition: text,
    wont_fix_resolution: text,
    reopen_duration: promDuration.default(0),
    fields: z.record(z.string(), z.unknown()).default({}),
    custom_fields: z.record(z.string(), z.unknown()).optional(),
  })
  .superRefine(
    refine((c, complain) => {
      if (!c.project) complain('missing project in jira_config');
      if (!c.issue_type) complain('missing issue_type in jira_config');
      if (!['auto', 'cloud', 'datacenter'].includes(c.api_type)) {
        complain('unknown api_type on jira_config, must be cloud, datacenter or auto', ['api_type']);
      }
    }),
  );

const Sns = z
  .strictObject({
    ...common(true),
    api_url: text,
    sigv4: z
      .strictObject({
        region: text,
        access_key: text,
        secret_key: optionalSecret,
        profile: text,
        role_arn: text,
        external_id: text,
        use_fips_sts_endpoint: flag(false),
      })
      .default({
        region: '',
        access_key: '',
        profile: '',
        role_arn: '',
        external_id: '',
        use_fips_sts_endpoint: false,
      }),
    topic_arn: text,
    phone_number: text,
    target_arn: text,
    subject: template(named('sns.default.subject')),
    message: template(named('sns.default.message')),
    attributes: textMap,
  })
  .superRefine(
    refine((c, complain) => {
      // Alertmanager's own condition: it lets all three through together.
      if ([c.target_arn, c.topic_arn, c.phone_number].filter((t) => t === '').length % 2 === 1) {
        complain('must provide either a Target ARN, Topic ARN, or Phone Number for SNS config');
      }
      if ((c.sigv4.access_key === '') !== !isGiven(c.sigv4.secret_key)) {
        complain(
          'must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config',
          ['sigv4'],
        );
      }
    }),
  );

/** Every kind of receiver integration, by the name it has in records; the section is `<name>_configs`. */
export const INTEGRATION_SCHEMAS = {
  discord: Discord,
  email: Email,
  incidentio: IncidentIo,
  pagerduty: PagerDuty,
  slack: Slack,
  webhook: Webhook,
  opsgenie: Opsgenie,
  wechat: WeChat,
  pushover: Pushover,
  victorops: VictorOps,
  sns: Sns,
  telegram: Telegram,
  webex: Webex,
  msteams: MsTeams,
  msteamsv2: MsTeamsV2,
  jira: Jira,
  rocketchat: Rocketchat,
  mattermost: Mattermost,
} as const;

export type IntegrationType = keyof typeof INTEGRATION_SCHEMAS;
export type ConfigOf<T extends IntegrationType> = z.output<(typeof INTEGRATION_SCHEMAS)[T]>;

const list = <S extends z.ZodType>(schema: S) => z.array(schema).default([]);

export const Receiver = z.strictObject({
  name: text,
  discord_configs: list(Discord),
  email_configs: list(Email),
  incidentio_configs: list(IncidentIo),
  pagerduty_configs: list(PagerDuty),
  slack_configs: list(Slack),
  webhook_configs: list(Webhook),
  opsgenie_configs: list(Opsgenie),
  wechat_configs: list(WeChat),
  pushover_configs: list(Pushover),
  victorops_configs: list(VictorOps),
  sns_configs: list(Sns),
  telegram_configs: list(Telegram),
  webex_configs: list(Webex),
  msteams_configs: list(MsTeams),
  msteamsv2_configs: list(MsTeamsV2),
  jira_configs: list(Jira),
  rocketchat_configs: list(Rocketchat),
  mattermost_configs: list(Mattermost),
});
export type RawReceiver = z.output<typeof Receiver>;

export const Global = z.strictObject({
  resolve_timeout: promDuration.default(5 * 60_000),
  http_config: HttpConfig.optional(),
  jira_api_url: httpUrl.optional(),
  smtp_from: text,
  smtp_hello: template('localhost'),
  smtp_smarthost: hostPort.optional(),
  smtp_auth_username: text,
  smtp_auth_password: optionalSecret,
  smtp_auth_password_file: file,
  smtp_auth_secret: optionalSecret,
  smtp_auth_secret_file: file,
  smtp_auth_identity: text,
  smtp_require_tls: flag(true),
  smtp_force_implicit_tls: z.boolean().optional(),
  smtp_tls_config: TlsConfig.optional(),
  slack_api_url: secretUrl.optional(),
  slack_api_url_file: file,
  slack_app_token: optionalSecret,
  slack_app_token_file: file,
  slack_app_url: httpUrl.default('https://slack.com/api/chat.postMessage'),
  pagerduty_url: httpUrl.default('https://events.pagerduty.com/v2/enqueue'),
  opsgenie_api_url: baseUrl.default('https://api.opsgenie.com/'),
  opsgenie_api_key: optionalSecret,
  opsgenie_api_key_file: file,
  wechat_api_url: baseUrl.default('https://qyapi.weixin.qq.com/cgi-bin/'),
  wechat_api_secret: optionalSecret,
  wechat_api_secret_file: file,
  wechat_api_corp_id: text,
  victorops_api_url: baseUrl.default('https://alert.victorops.com/integrations/generic/20131114/alert/'),
  victorops_api_key: optionalSecret,
  victorops_api_key_file: file,
  telegram_api_url: httpUrl.default('https://api.telegram.org'),
  telegram_bot_token: optionalSecret,
  telegram_bot_token_file: file,
  webex_api_url: httpUrl.default('https://webexapis.com/v1/messages'),
  rocketchat_api_url: httpUrl.default('https://open.rocket.chat/'),
  rocketchat_token: secretText.optional(),
  rocketchat_token_file: file,
  rocketchat_token_id: secretText.optional(),
  rocketchat_token_id_file: file,
  mattermost_webhook_url: secretUrl.optional(),
  mattermost_webhook_url_file: file,
});
export type RawGlobal = z.output<typeof Global>;
