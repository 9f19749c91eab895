import type { ConfigOf } from './config-receivers.ts';
import { compact, type Deliver, type Delivery, judge, truncate } from './delivery.ts';

const MAX_MESSAGE_CHARS = 130;

/** Creates an alert at Opsgenie under an alias made from the group key, updates it if asked to, closes it when resolved. */
export const deliverOpsgenie: Deliver<ConfigOf<'opsgenie'>> = async (config, delivery) => {
  const { say, data, keyHash } = delivery;
  const key = await delivery.secret(config.api_key, config.api_key_file);
  const headers = { authorization: `GenieKey ${key}` };
  const api = `${config.api_url}v2/alerts`;
  const source = say(config.source);
  if (data.status === 'resolved') {
    const url = `${api}/${keyHash}/close?identifierType=alias`;
    return judge(await delivery.send({ url, headers, json: compact({ source }) }));
  }
  const message = truncate(say(config.message), MAX_MESSAGE_CHARS);
  const description = say(config.description);
  const created = judge(
    await delivery.send({
      url: api,
      headers,
      json: compact({ alias: keyHash, message, description, source, ...extras(config, delivery) }),
    }),
  );
  if (!created.ok || !config.update_alerts) return created;
  for (const [part, json] of [
    ['message', { message }],
    ['description', { description }],
  ] as const) {
    const url = `${api}/${keyHash}/${part}?identifierType=alias`;
    const updated = judge(await delivery.send({ method: 'PUT', url, headers, json }));
    if (!updated.ok) return updated;
  }
  return created;
};

function extras(config: ConfigOf<'opsgenie'>, { say, steer, data }: Delivery) {
  const details: Record<string, string> = { ...data.commonLabels };
  for (const [name, value] of Object.entries(config.details)) details[name] = say(value);
  return {
    details,
    responders: config.responders.flatMap((r): Record<string, string>[] => {
      const type = steer(r.type).toLowerCase();
      const one = compact({ id: steer(r.id), name: steer(r.name), username: steer(r.username) });
      if (Object.keys(one).length === 0) return [];
      if (type === 'teams') return splitList(one.name ?? '').map((name) => ({ name, type: 'team' }));
      return [{ ...one, type }];
    }),
    tags: splitList(say(config.tags)),
    note: say(config.note),
    priority: steer(config.priority),
    entity: say(config.entity),
    actions: splitList(say(config.actions)),
  };
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((t) => t.trim())
    .filter((t) => t !== '');
}
