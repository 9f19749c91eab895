import type { ConfigOf } from './config-receivers.ts';
import { type Deliver, judge } from './delivery.ts';

/** A POST of the payload, version 4, as JSON. */
export const deliverWebhook: Deliver<ConfigOf<'webhook'>> = async (config, delivery) => {
  const { data, flush } = delivery;
  const limit = config.max_alerts > 0 ? config.max_alerts : data.alerts.length;
  const address = await delivery.secret(config.url, config.url_file);
  const response = await delivery.send({
    url: address.includes('{{') ? delivery.steer(address, address) : address,
    json: {
      ...data,
      alerts: data.alerts.slice(0, limit),
      version: '4',
      groupKey: flush.groupKey,
      truncatedAlerts: Math.max(0, data.alerts.length - limit),
    },
    timeoutMs: config.timeout,
  });
  return judge(response);
};
