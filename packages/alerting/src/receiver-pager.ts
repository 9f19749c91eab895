import type { ConfigOf } from './config-receivers.ts';
import { compact, type Deliver, judge, truncate, type Verdict } from './delivery.ts';
import { parseJson } from './receiver-chat.ts';
import { webhookPayload } from './receiver-webhook.ts';

const PUSHOVER = {
  url: 'https://api.pushover.net/1/messages.json',
  maxTitleChars: 250,
  maxMessageChars: 1024,
  maxUrlChars: 512,
};

/** A Pushover message; retry and expire are for priority 2 only, and harmless else. */
export const deliverPushover: Deliver<ConfigOf<'pushover'>> = async (config, delivery) => {
  const { say, steer } = delivery;
  const message = config.html ? delivery.sayHtml(config.message) : say(config.message);
  const seconds = (ms: number) => String(Math.floor(ms / 1000));
  const form = compact({
    token: await delivery.secret(config.token, config.token_file),
    user: await delivery.secret(config.user_key, config.user_key_file),
    title: truncate(say(config.title), PUSHOVER.maxTitleChars),
    // Pushover refuses an empty message.
    message: truncate(message, PUSHOVER.maxMessageChars).trim() || '(no details)',
    url: truncate(steer(config.url), PUSHOVER.maxUrlChars),
    url_title: say(config.url_title),
    priority: steer(config.priority, delivery.data.status === 'firing' ? '2' : '0'),
    retry: seconds(config.retry),
    expire: seconds(config.expire),
    ttl: config.ttl > 0 ? seconds(config.ttl) : '',
    device: steer(config.device),
    sound: steer(config.sound),
    html: config.html ? '1' : '',
    monospace: config.monospace ? '1' : '',
  }) as Record<string, string>;
  return judge(await delivery.send({ url: PUSHOVER.url, form }));
};

const MAX_STATE_MESSAGE_CHARS = 20_480;
const VICTOROPS_TYPES = ['INFO', 'WARNING', 'CRITICAL'];

/** An alert of VictorOps' (Splunk On-Call's) generic REST integration. */
export const deliverVictorOps: Deliver<ConfigOf<'victorops'>> = async (config, delivery) => {
  const { say, steer, data, keyHash } = delivery;
  const key = await delivery.secret(config.api_key, config.api_key_file);
  const wanted = steer(config.message_type).toUpperCase();
  const trigger = VICTOROPS_TYPES.includes(wanted) ? wanted : 'CRITICAL';
  const json = {
    message_type: data.status === 'resolved' ? 'RECOVERY' : trigger,
    entity_id: keyHash,
    entity_display_name: say(config.entity_display_name),
    state_message: truncate(say(config.state_message), MAX_STATE_MESSAGE_CHARS),
    monitoring_tool: say(config.monitoring_tool),
    ...Object.fromEntries(Object.entries(config.custom_fields).map(([name, value]) => [name, say(value)])),
  };
  const url = `${config.api_url}${key}/${encodeURIComponent(steer(config.routing_key))}`;
  return judge(await delivery.send({ url, json }));
};

/** An alert event of incident.io: the webhook's payload with a token. */
export const deliverIncidentIo: Deliver<ConfigOf<'incidentio'>> = async (config, delivery) => {
  const token = await delivery.secret(config.alert_source_token, config.alert_source_token_file);
  const response = await delivery.send({
    url: config.url ?? (await delivery.secret(undefined, config.url_file)),
    headers: token ? { authorization: `Bearer ${token}` } : {},
    json: webhookPayload(delivery, config.max_alerts),
    timeoutMs: config.timeout,
  });
  return judge(response);
};

const WECHAT_TOKEN_LIFE_MS = 2 * 3600_000;
const WECHAT_TOKEN_INVALID = [40014, 42001];

/** An app message of WeChat Work. One deliverer for each integration: it keeps the access token. */
export function createWeChat(): Deliver<ConfigOf<'wechat'>> {
  let token: { readonly value: string; readonly untilMs: number } | undefined;
  return async (config, delivery) => {
    const { say, steer } = delivery;
    if (!token || delivery.nowMs >= token.untilMs) {
      const secret = await delivery.secret(config.api_secret, config.api_secret_file);
      const query = new URLSearchParams({ corpid: config.corp_id, corpsecret: secret });
      const response = await delivery.send({ method: 'GET', url: `${config.api_url}gettoken?${query}` });
      const verdict = judge(response);
      if (!verdict.ok) return verdict;
      const answer = parseJson(response.text) as { access_token?: string; errmsg?: string } | undefined;
      if (!answer?.access_token && !delivery.preview) {
        return {
          ok: false,
          retry: false,
          error: `invalid APISecret for CorpID: ${answer?.errmsg ?? 'no access token'}`,
        };
      }
      token = {
        value: answer?.access_token ?? '',
        untilMs: delivery.preview ? 0 : delivery.nowMs + WECHAT_TOKEN_LIFE_MS,
      };
    }
    const type = config.message_type;
    const json = {
      ...compact({ touser: steer(config.to_user), toparty: steer(config.to_party), totag: steer(config.to_tag) }),
      agentid: steer(config.agent_id),
      safe: '0',
      msgtype: type,
      [type]: { content: say(config.message) },
    };
    const response = await delivery.send({
      url: `${config.api_url}message/send?access_token=${encodeURIComponent(token.value)}`,
      json,
    });
    const verdict = judgeWeChat(response.text, judge(response));
    if (!verdict.ok && verdict.retry) token = undefined;
    return verdict;
  };
}

function judgeWeChat(text: string, verdict: Verdict): Verdict {
  if (!verdict.ok) return verdict;
  const { errcode = 0, errmsg = '' } = (parseJson(text) ?? {}) as { errcode?: number; errmsg?: string };
  if (errcode === 0) return verdict;
  return {
    ok: false,
    retry: WECHAT_TOKEN_INVALID.includes(errcode),
    error: `error response from WeChat: ${errcode} ${errmsg}`,
  };
}
