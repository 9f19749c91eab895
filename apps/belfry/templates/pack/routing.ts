/** Who is told. The webhook's URL is given when the pack is built; it must not stand in a repository. */
import { receiver, route, routing, secret, slack } from '@belfry/sdk';

const webhook = secret('SLACK_WEBHOOK_URL', 'URL of an incoming webhook of Slack');

const team = receiver('team', slack({ webhook, channel: '#acme-shop' }));
const onCall = receiver('on-call', slack({ webhook, channel: '#acme-shop-pages' }));

export const acmeShopRouting = routing(
  route({
    receiver: team,
    groupBy: ['alertname', 'job'],
    groupWait: '30s',
    groupInterval: '5m',
    repeatInterval: '12h',
    routes: [route({ when: { severity: 'critical' }, receiver: onCall })],
  }),
);
