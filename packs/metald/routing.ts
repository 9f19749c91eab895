import { pagerduty, receiver, route, routing, secret, slack } from '@belfry/sdk';

const slackWebhook = secret('SLACK_WEBHOOK_URL', 'URL of an incoming webhook of Slack');
const pagerdutyKey = secret('PAGERDUTY_ROUTING_KEY', 'integration key of a PagerDuty service, Events API v2');

/** #alerts: what nothing else takes, and every page once more for those who read along. */
const everyone = receiver(
  'default',
  slack({
    webhook: slackWebhook,
    channel: '#alerts',
    title: 'Alert: {{ .GroupLabels.alertname }}',
    text: '{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}',
  }),
);
const onCall = receiver(
  'pagerduty',
  pagerduty({
    routingKey: pagerdutyKey,
    description: '{{ .GroupLabels.alertname }}: {{ .CommonAnnotations.summary }}',
    severity: '{{ .CommonLabels.severity }}',
  }),
);
const channel = receiver('slack', slack({ webhook: slackWebhook, channel: '#warnings' }));

export const metaldRouting = routing(
  route({
    receiver: everyone,
    groupBy: ['alertname', 'cluster', 'service'],
    groupWait: '10s',
    groupInterval: '10s',
    repeatInterval: '12h',
    routes: [
      route({ when: { severity: 'critical' }, receiver: onCall, continue: true }),
      // Without a sibling that also matches, `continue` would change nothing.
      route({ when: { severity: 'critical' }, receiver: everyone }),
      route({ when: { severity: 'warning' }, receiver: channel }),
    ],
  }),
);
