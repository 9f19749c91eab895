import type { ConfigOf } from './config-receivers.ts';
import { compact, type Deliver, type DeliveryResponse, judge, truncate, type Verdict } from './delivery.ts';

const DISCORD = {
  maxTitleChars: 256,
  maxDescriptionChars: 4096,
  maxContentChars: 2000,
  red: 0x992d22,
  green: 0x2ecc71,
};

/** An embed to a Discord webhook. */
export const deliverDiscord: Deliver<ConfigOf<'discord'>> = async (config, delivery) => {
  const { say, steer, data } = delivery;
  const url = await delivery.secret(config.webhook_url, config.webhook_url_file);
  const json = {
    content: truncate(say(config.content), DISCORD.maxContentChars),
    embeds: [
      {
        title: truncate(say(config.title), DISCORD.maxTitleChars),
        description: truncate(say(config.message), DISCORD.maxDescriptionChars),
        color: data.status === 'firing' ? DISCORD.red : DISCORD.green,
      },
    ],
    ...compact({ username: steer(config.username), avatar_url: steer(config.avatar_url) }),
  };
  return judge(await delivery.send({ url, json }));
};

const TEAMS = { red: '8C1A1A', green: '2DC72D' };

/** A message card to an Office 365 connector. */
export const deliverMsTeams: Deliver<ConfigOf<'msteams'>> = async (config, delivery) => {
  const { say, data } = delivery;
  const url = await delivery.secret(config.webhook_url, config.webhook_url_file);
  const json = {
    '@context': 'http://schema.org/extensions',
    type: 'MessageCard',
    title: say(config.title),
    summary: say(config.summary),
    text: say(config.text),
    themeColor: data.status === 'firing' ? TEAMS.red : TEAMS.green,
  };
  return judge(await delivery.send({ url, json }));
};

/** An adaptive card to a Teams workflow. */
export const deliverMsTeamsV2: Deliver<ConfigOf<'msteamsv2'>> = async (config, delivery) => {
  const { say, data } = delivery;
  const url = await delivery.secret(config.webhook_url, config.webhook_url_file);
  const title = {
    type: 'TextBlock',
    text: say(config.title),
    weight: 'Bolder',
    size: 'Medium',
    wrap: true,
    style: 'heading',
    color: data.status === 'firing' ? 'attention' : 'good',
  };
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    body: [title, { type: 'TextBlock', text: say(config.text), wrap: true }],
    msteams: { width: 'full' },
  };
  const attachments = [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }];
  return judge(await delivery.send({ url, json: { type: 'message', attachments } }));
};

const MAX_TELEGRAM_CHARS = 4096;

/** `sendMessage` of Telegram's bot API. */
export const deliverTelegram: Deliver<ConfigOf<'telegram'>> = async (config, delivery) => {
  const token = await delivery.secret(config.bot_token, config.bot_token_file);
  const chat = config.chat_id_file ? Number(await delivery.secret(undefined, config.chat_id_file)) : config.chat_id;
  const text = config.parse_mode === 'HTML' ? delivery.sayHtml(config.message) : delivery.say(config.message);
  const json = {
    chat_id: chat,
    text: truncate(text, MAX_TELEGRAM_CHARS),
    disable_notification: config.disable_notifications,
    disable_web_page_preview: true,
    ...compact({ parse_mode: config.parse_mode, message_thread_id: config.message_thread_id }),
  };
  const url = `${config.api_url!.replace(/\/$/, '')}/bot${token}/sendMessage`;
  const response = await delivery.send({ url, json });
  const verdict = judge(response);
  if (verdict.ok || !verdict.retry) return verdict;
  const seconds = (parseJson(response.text) as { parameters?: { retry_after?: number } } | undefined)?.parameters
    ?.retry_after;
  return seconds ? { ...verdict, retryAfterMs: seconds * 1000 } : verdict;
};

const MAX_WEBEX_BYTES = 7439;

/** A message in a Webex room. */
export const deliverWebex: Deliver<ConfigOf<'webex'>> = async (config, delivery) => {
  const markdown = truncateBytes(delivery.say(config.message), MAX_WEBEX_BYTES);
  return judge(
    await delivery.send({ url: config.api_url!, json: { markdown, roomId: delivery.steer(config.room_id) } }),
  );
};

function truncateBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return `${new TextDecoder().decode(bytes.subarray(0, maxBytes - 3)).replace(/\uFFFD+$/, '')}…`;
}

/** An attachment by Rocket.Chat's `chat.postMessage`. */
export const deliverRocketchat: Deliver<ConfigOf<'rocketchat'>> = async (config, delivery) => {
  const { say, steer } = delivery;
  const attachment = compact({
    title: say(config.title),
    title_link: steer(config.title_link),
    text: say(config.text),
    image_url: steer(config.image_url),
    thumb_url: steer(config.thumb_url),
    color: steer(config.color),
    fields: config.fields.map((f) => ({
      title: say(f.title),
      value: say(f.value),
      short: f.short ?? config.short_fields,
    })),
    actions: config.actions.map((a) =>
      compact({ ...a, type: steer(a.type), text: say(a.text), url: steer(a.url), msg: say(a.msg) }),
    ),
  });
  const json = compact({
    channel: steer(config.channel),
    emoji: steer(config.emoji),
    avatar: steer(config.icon_url),
    parseUrls: config.link_names,
    attachments: [attachment],
  });
  const headers = {
    'x-user-id': await delivery.secret(config.token_id, config.token_id_file),
    'x-auth-token': await delivery.secret(config.token, config.token_file),
  };
  const url = `${config.api_url!.replace(/\/$/, '')}/api/v1/chat.postMessage`;
  return judgeFlag(await delivery.send({ url, json, headers }), 'success', 'Rocket.Chat');
};

/** A message to an incoming webhook of Mattermost. */
export const deliverMattermost: Deliver<ConfigOf<'mattermost'>> = async (config, delivery) => {
  const { say, steer } = delivery;
  const url = await delivery.secret(config.webhook_url, config.webhook_url_file);
  const json = compact({
    channel: steer(config.channel),
    username: steer(config.username),
    text: say(config.text),
    icon_url: steer(config.icon_url),
    icon_emoji: steer(config.icon_emoji),
    type: steer(config.type),
    attachments: config.attachments.map((a) =>
      compact({
        ...Object.fromEntries(
          Object.entries(a).flatMap(([k, v]) =>
            typeof v === 'string' ? [[k, /url|link|icon|color/.test(k) ? steer(v) : say(v)]] : [],
          ),
        ),
        fields: a.fields.map((f) => ({ title: say(f.title), value: say(f.value), short: f.short ?? false })),
      }),
    ),
    props: config.props?.card === undefined ? undefined : { card: say(config.props.card) },
    priority: config.priority ? { ...config.priority, priority: steer(config.priority.priority) } : undefined,
  });
  return judge(await delivery.send({ url, json }));
};

function judgeFlag(response: DeliveryResponse, flag: string, who: string): Verdict {
  const verdict = judge(response);
  const answer = parseJson(response.text) as Record<string, unknown> | undefined;
  if (!verdict.ok || answer?.[flag] !== false) return verdict;
  return {
    ok: false,
    retry: false,
    status: response.status,
    error: `error response from ${who}: ${String(answer.error ?? 'unknown')}`,
  };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
