import { isGiven } from './config-fields.ts';
import type { ConfigOf } from './config-receivers.ts';
import { compact, type Deliver, type Delivery, judge, truncate } from './delivery.ts';

const MAX_SUMMARY_CHARS = 1024;
const MAX_EVENT_BYTES = 512_000;
const V1_URL = 'https://events.pagerduty.com/generic/2010-04-15/create_event.json';
const V2_URL = 'https://events.pagerduty.com/v2/enqueue';
const FORBIDDEN = 403;

const DEFAULT_DETAILS: Readonly<Record<string, string>> = {
  firing: '{{ template "pagerduty.default.instances" .Alerts.Firing }}',
  resolved: '{{ template "pagerduty.default.instances" .Alerts.Resolved }}',
  num_firing: '{{ .Alerts.Firing | len }}',
  num_resolved: '{{ .Alerts.Resolved | len }}',
};

/** An event of the Events API: version 2 with a routing key, version 1 with a service key. */
export const deliverPagerDuty: Deliver<ConfigOf<'pagerduty'>> = (config, delivery) =>
  isGiven(config.service_key) || config.service_key_file ? deliverV1(config, delivery) : deliverV2(config, delivery);

const deliverV1: Deliver<ConfigOf<'pagerduty'>> = async (config, delivery) => {
  const { say, steer, data, keyHash } = delivery;
  const resolved = data.status === 'resolved';
  const event = {
    service_key: await delivery.secret(config.service_key, config.service_key_file),
    event_type: resolved ? 'resolve' : 'trigger',
    incident_key: keyHash,
    description: truncate(say(config.description), MAX_SUMMARY_CHARS),
    ...(resolved ? {} : compact({ client: say(config.client), client_url: steer(config.client_url) })),
    details: detailsOf(config, delivery),
  };
  // The configured URL counts when it is another server, not when it is the default of version 2.
  const url = config.url && config.url !== V2_URL ? config.url : V1_URL;
  const json = withinLimit(event, (details) => ({ ...event, details }));
  return judge(await delivery.send({ url, json, timeoutMs: config.timeout }), { retryStatus: [FORBIDDEN] });
};

const deliverV2: Deliver<ConfigOf<'pagerduty'>> = async (config, delivery) => {
  const { say, steer, data, keyHash } = delivery;
  const payload = {
    summary: truncate(say(config.description), MAX_SUMMARY_CHARS),
    source: say(config.source),
    severity: steer(config.severity) || 'error',
    ...compact({ class: say(config.class), component: say(config.component), group: say(config.group) }),
    custom_details: detailsOf(config, delivery),
  };
  const event = {
    routing_key: await delivery.secret(config.routing_key, config.routing_key_file),
    dedup_key: keyHash,
    event_action: data.status === 'resolved' ? 'resolve' : 'trigger',
    payload,
    ...compact({
      client: say(config.client),
      client_url: steer(config.client_url),
      images: config.images
        .map((i) => compact({ src: steer(i.src), alt: say(i.alt), href: steer(i.href) }))
        .filter((i) => i.src),
      links: config.links.map((l) => compact({ href: steer(l.href), text: say(l.text) })).filter((l) => l.href),
    }),
  };
  const json = withinLimit(event, (custom_details) => ({ ...event, payload: { ...payload, custom_details } }));
  return judge(await delivery.send({ url: config.url ?? V2_URL, json, timeoutMs: config.timeout }));
};

function detailsOf(config: ConfigOf<'pagerduty'>, { say }: Delivery): Record<string, unknown> {
  const expand = (value: unknown): unknown => {
    if (typeof value === 'string') return say(value);
    if (Array.isArray(value)) return value.map(expand);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, expand(v)]));
  };
  return expand({ ...DEFAULT_DETAILS, ...config.details }) as Record<string, unknown>;
}

/** PagerDuty refuses larger events; one without details is better than none. */
function withinLimit<T>(event: T, withDetails: (details: { error: string }) => T): T {
  const bytes = Buffer.byteLength(JSON.stringify(event));
  if (bytes <= MAX_EVENT_BYTES) return event;
  return withDetails({
    error: `The details were left out: with them the event has ${bytes} bytes, and PagerDuty takes ${MAX_EVENT_BYTES}.`,
  });
}
