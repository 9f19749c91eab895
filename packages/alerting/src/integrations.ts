import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { HttpClient, HttpConfig } from '@belfry/config';
import { BelfryError, type Clock, messageOf } from '@belfry/model';
import type { Alert } from './alert.ts';
import type { ConfigOf, IntegrationType } from './config-receivers.ts';
import type { IntegrationConfig } from './config-resolve.ts';
import type { Deliver, Delivery, DeliveryRequest, DeliveryResponse, Verdict } from './delivery.ts';
import type { Flush } from './flush.ts';
import type { AttemptResult, Integration, SentPayload } from './integration.ts';
import { secretsIn } from './mask-config.ts';
import { notificationData } from './notification-data.ts';
import { integrationKey } from './notification-log.ts';
import {
  deliverDiscord,
  deliverMattermost,
  deliverMsTeams,
  deliverMsTeamsV2,
  deliverRocketchat,
  deliverTelegram,
  deliverWebex,
} from './receiver-chat.ts';
import { deliverEmail } from './receiver-email.ts';
import { deliverJira } from './receiver-jira.ts';
import { deliverOpsgenie } from './receiver-opsgenie.ts';
import { createWeChat, deliverIncidentIo, deliverPushover, deliverVictorOps } from './receiver-pager.ts';
import { deliverPagerDuty } from './receiver-pagerduty.ts';
import { deliverSlack } from './receiver-slack.ts';
import { deliverSns } from './receiver-sns.ts';
import { deliverWebhook } from './receiver-webhook.ts';
import { redactor } from './redact.ts';
import type { Renderer } from './renderer.ts';

/** A receiver that does not answer holds up its own notifications only, and no longer than this an attempt. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1 << 20;
/** Notifications of one integration on their way at the same time; more wait their turn. */
const MAX_CONCURRENT_SENDS = 64;

export interface IntegrationDependencies {
  readonly clock: Clock;
  readonly renderer: Renderer;
  readonly externalUrl: string;
  readonly httpClient: (config: HttpConfig) => HttpClient;
  readonly userAgent: string;
}

const DELIVERERS: { readonly [T in IntegrationType]: () => Deliver<ConfigOf<T>> } = {
  webhook: () => deliverWebhook,
  slack: () => deliverSlack,
  email: () => deliverEmail,
  pagerduty: () => deliverPagerDuty,
  opsgenie: () => deliverOpsgenie,
  discord: () => deliverDiscord,
  msteams: () => deliverMsTeams,
  msteamsv2: () => deliverMsTeamsV2,
  telegram: () => deliverTelegram,
  pushover: () => deliverPushover,
  victorops: () => deliverVictorOps,
  wechat: createWeChat,
  webex: () => deliverWebex,
  rocketchat: () => deliverRocketchat,
  mattermost: () => deliverMattermost,
  incidentio: () => deliverIncidentIo,
  sns: () => deliverSns,
  jira: () => deliverJira,
};

/** Why this version cannot send to a receiver; undefined when it can. Asked when a configuration is loaded. */
export function unsupportedReason({ type, config }: IntegrationConfig): string | undefined {
  if (type === 'sns') {
    const { sigv4 } = config;
    if (sigv4.profile || sigv4.role_arn)
      return 'sns_configs: sigv4 with profile or role_arn is not supported by this version of Belfry';
    if (!sigv4.access_key || !sigv4.region)
      return 'sns_configs: this version of Belfry needs sigv4 with region, access_key and secret_key';
  }
  return undefined;
}

/** Makes one `*_configs` entry able to send. @throws BelfryError `config_invalid` for what {@link unsupportedReason} names */
export function createIntegration(
  receiver: string,
  entry: IntegrationConfig,
  dependencies: IntegrationDependencies,
): Integration {
  const reason = unsupportedReason(entry);
  if (reason) throw new BelfryError('config_invalid', reason);
  const deliver = DELIVERERS[entry.type]() as Deliver<unknown>;
  const config = entry.config as { send_resolved: boolean; http_config?: HttpConfig };
  const redact = redactor(secretsIn(config));
  let client: HttpClient | undefined;
  const connect = () => {
    client ??= dependencies.httpClient(config.http_config!);
    return client;
  };
  const turns = semaphore(MAX_CONCURRENT_SENDS);

  return {
    kind: 'integration',
    receiver,
    type: entry.type,
    index: entry.index,
    key: integrationKey(receiver, entry.type, entry.index),
    sendResolved: config.send_resolved,
    async notify(flush, alerts) {
      const payloads: SentPayload[] = [];
      const done = await turns();
      try {
        const delivery = deliveryOf({ flush, alerts, preview: false, payloads, redact, connect, dependencies });
        return toResult(await deliver(config, delivery), payloads, redact);
      } catch (error) {
        // No answer, an unreadable secret: both may be different the next time.
        return { ok: false, retry: !flush.signal.aborted, error: redact(messageOf(error)), payloads };
      } finally {
        done();
      }
    },
    async preview(flush, alerts) {
      const payloads: SentPayload[] = [];
      await deliver(config, deliveryOf({ flush, alerts, preview: true, payloads, redact, connect, dependencies }));
      return payloads;
    },
    close: async () => client?.close(),
  };
}

function toResult(verdict: Verdict, payloads: readonly SentPayload[], redact: (text: string) => string): AttemptResult {
  return verdict.ok ? { ...verdict, payloads } : { ...verdict, error: redact(verdict.error), payloads };
}

function deliveryOf(parts: {
  readonly flush: Flush;
  readonly alerts: readonly Alert[];
  readonly preview: boolean;
  readonly payloads: SentPayload[];
  readonly redact: ReturnType<typeof redactor>;
  readonly connect: () => HttpClient;
  readonly dependencies: IntegrationDependencies;
}): Delivery {
  const { flush, alerts, preview, payloads, redact, dependencies } = parts;
  const { renderer, clock } = dependencies;
  const data = notificationData(flush, alerts, dependencies.externalUrl);
  const input = { receiver: flush.route.receiver, data, alerts, nowMs: flush.nowMs };
  const show = (payload: SentPayload) => {
    const headers = Object.fromEntries(Object.entries(payload.headers).map(([k, v]) => [k, redact(v)]));
    payloads.push({ to: redact(payload.to), headers, body: redact(payload.body) });
  };
  return {
    flush,
    alerts,
    data,
    keyHash: createHash('sha256').update(flush.groupKey).digest('hex'),
    nowMs: clock.now(),
    preview,
    describe: (some) => notificationData(flush, some, dependencies.externalUrl),
    say: (template) => renderer.say(template, input),
    sayHtml: (template) => renderer.sayHtml(template, input),
    steer: (template, fallback = '') => renderer.steer(template, input, fallback),
    async secret(inline, file) {
      const text = file ? await readSecret(file) : (inline?.reveal() ?? '');
      redact.add(text);
      return text;
    },
    send: (request) => send(request, parts, show),
    show,
  };
}

async function send(
  request: DeliveryRequest,
  parts: Parameters<typeof deliveryOf>[0],
  show: (payload: SentPayload) => void,
): Promise<DeliveryResponse> {
  const { flush, preview, connect, dependencies } = parts;
  const { method = 'POST', url } = request;
  const [type, body] = encodeBody(request);
  const headers = { ...(type ? { 'content-type': type } : {}), ...request.headers };
  show({ to: `${method} ${url}`, headers, body });
  if (preview) return { status: 200, headers: {}, text: '{}' };
  const response = await connect().request({
    method,
    url,
    headers: { 'user-agent': dependencies.userAgent, ...headers },
    ...(method === 'GET' ? {} : { body }),
    timeoutMs: request.timeoutMs ? Math.min(request.timeoutMs, REQUEST_TIMEOUT_MS) : REQUEST_TIMEOUT_MS,
    maxBodyBytes: MAX_ANSWER_BYTES,
    signal: flush.signal,
  });
  return { status: response.status, headers: response.headers, text: new TextDecoder().decode(response.body) };
}

function encodeBody({ json, form, body }: DeliveryRequest): [type: string, body: string] {
  if (json !== undefined) return ['application/json', JSON.stringify(json)];
  if (form) return ['application/x-www-form-urlencoded', new URLSearchParams(form).toString()];
  return ['', body ?? ''];
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** At most `slots` at the same time; the rest in the order they came. Gives the function that frees the slot. */
function semaphore(slots: number): () => Promise<() => void> {
  let free = slots;
  const waiting: (() => void)[] = [];
  const done = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return async () => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return done;
  };
}
