import { isGiven } from './config-fields.ts';
import type { ConfigOf } from './config-receivers.ts';
import {
  compact,
  type Deliver,
  type Delivery,
  type DeliveryResponse,
  judge,
  truncate,
  type Verdict,
} from './delivery.ts';

const MAX_TITLE_CHARS = 1024;

/** An attachment to an incoming webhook, or to `chat.postMessage` with an app's token. */
export const deliverSlack: Deliver<ConfigOf<'slack'>> = async (config, delivery) => {
  const app = isGiven(config.app_token) || config.app_token_file !== '';
  const url = app ? config.app_url! : await delivery.secret(config.api_url, config.api_url_file);
  const token = app ? await delivery.secret(config.app_token, config.app_token_file) : '';
  const message = compact({
    channel: delivery.steer(config.channel),
    username: delivery.steer(config.username),
    icon_emoji: delivery.steer(config.icon_emoji),
    icon_url: delivery.steer(config.icon_url),
    link_names: config.link_names,
    text: config.message_text ? delivery.say(config.message_text) : '',
    attachments: [attachmentOf(config, delivery)],
  });
  const headers = app ? { authorization: `Bearer ${token}` } : {};
  return judgeSlack(await delivery.send({ url, json: message, headers, timeoutMs: config.timeout }));
};

function attachmentOf(config: ConfigOf<'slack'>, { say, steer }: Delivery) {
  return compact({
    title: truncate(say(config.title), MAX_TITLE_CHARS),
    title_link: steer(config.title_link),
    pretext: say(config.pretext),
    text: say(config.text),
    fallback: say(config.fallback),
    callback_id: steer(config.callback_id),
    image_url: steer(config.image_url),
    thumb_url: steer(config.thumb_url),
    footer: say(config.footer),
    color: steer(config.color),
    mrkdwn_in: config.mrkdwn_in.length > 0 ? config.mrkdwn_in : ['fallback', 'pretext', 'text'],
    fields: config.fields.map((f) => ({
      title: say(f.title),
      value: say(f.value),
      short: f.short ?? config.short_fields,
    })),
    actions: config.actions.map((a) =>
      compact({
        type: steer(a.type),
        text: say(a.text),
        url: steer(a.url),
        style: steer(a.style),
        name: a.url ? '' : steer(a.name),
        value: a.url ? '' : steer(a.value),
        confirm:
          a.confirm && !a.url
            ? compact({
                title: say(a.confirm.title),
                text: say(a.confirm.text),
                ok_text: say(a.confirm.ok_text),
                dismiss_text: say(a.confirm.dismiss_text),
              })
            : undefined,
      }),
    ),
  });
}

/** Slack says some failures with status 200 and `ok: false`. */
function judgeSlack(response: DeliveryResponse): Verdict {
  const verdict = judge(response);
  if (!verdict.ok || !/json/.test(response.headers['content-type'] ?? '')) return verdict;
  try {
    const answer = JSON.parse(response.text) as { ok?: boolean; error?: string };
    if (answer.ok === false) {
      return {
        ok: false,
        retry: false,
        status: response.status,
        error: `error response from Slack: ${answer.error ?? 'unknown'}`,
      };
    }
  } catch {
    return { ok: false, retry: false, status: response.status, error: 'the answer from Slack is not JSON' };
  }
  return verdict;
}
