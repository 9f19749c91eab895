import type { ConfigOf } from './config-receivers.ts';
import { type Deliver, type Delivery, judge } from './delivery.ts';

/** A POST of the payload, version 4, as JSON. */
export const deliverWebhook: Deliver<ConfigOf<'webhook'>> = async (config, delivery) => {
  const address = await delivery.secret(config.url, config.url_file);
  const response = await delivery.send({
    url: address.includes('{{') ? delivery.steer(address, address) : address,
    json: webhookPayload(delivery, config.max_alerts),
    timeoutMs: config.timeout,
  });
  return judge(response);
};

/** What is common is common to the alerts that are left after `maxAlerts` (0: all). */
export function webhookPayload({ describe, alerts, flush }: Delivery, maxAlerts: number) {
  const left = maxAlerts > 0 ? alerts.slice(0, maxAlerts) : alerts;
  const truncatedAlerts = alerts.length - left.length;
  return { ...describe(left), version: '4', groupKey: flush.groupKey, truncatedAlerts };
}
