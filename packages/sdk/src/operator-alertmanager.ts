import type { KubernetesObject } from './kubernetes-object.ts';
import type { Pack } from './pack.ts';
import type { Condition } from './query.ts';
import {
  type Inhibition,
  type Integration,
  type Receiver,
  type Route,
  type Routing,
  receiversOf,
  type Secret,
} from './routing.ts';

/** The Kubernetes secret that holds the receivers' secrets, a key for each. */
const RECEIVER_SECRET = 'alertmanager-receivers';

/** A pack's routing as an AlertmanagerConfig: only its own alerts enter. */
export function alertmanagerConfig(pack: Pack, { root, inhibitions }: Routing, namespace: string): KubernetesObject {
  const own = { name: 'pack', value: pack.name, matchType: '=' };
  return {
    apiVersion: 'monitoring.coreos.com/v1alpha1',
    kind: 'AlertmanagerConfig',
    metadata: { name: pack.name, namespace, labels: { 'app.kubernetes.io/part-of': pack.name } },
    spec: {
      route: { ...routeOf(root), matchers: [own, ...matchersOf(root.when)] },
      ...(inhibitions.length > 0 ? { inhibitRules: inhibitions.map((i) => inhibitionOf(i, own)) } : {}),
      receivers: receiversOf(root).map(receiverOf),
    },
  };
}

function matchersOf(when: Readonly<Record<string, string | Condition>>) {
  return Object.entries(when).map(([name, wanted]) =>
    typeof wanted === 'string'
      ? { name, value: wanted, matchType: '=' }
      : { name, value: wanted.value, matchType: wanted.op },
  );
}

function routeOf(route: Route): Readonly<Record<string, unknown>> {
  const matchers = matchersOf(route.when);
  return {
    receiver: route.receiver.name,
    ...(matchers.length > 0 ? { matchers } : {}),
    ...(route.groupBy ? { groupBy: route.groupBy } : {}),
    ...(route.groupWait ? { groupWait: route.groupWait } : {}),
    ...(route.groupInterval ? { groupInterval: route.groupInterval } : {}),
    ...(route.repeatInterval ? { repeatInterval: route.repeatInterval } : {}),
    ...(route.continue ? { continue: true } : {}),
    ...(route.routes.length > 0 ? { routes: route.routes.map(routeOf) } : {}),
  };
}

function inhibitionOf(rule: Inhibition, own: Readonly<Record<string, string>>) {
  return {
    sourceMatch: [own, ...matchersOf(rule.source)],
    targetMatch: [own, ...matchersOf(rule.target)],
    equal: rule.equal,
  };
}

function receiverOf(receiver: Receiver) {
  const configs: Record<string, unknown[]> = {};
  for (const integration of receiver.integrations) {
    const key = `${integration.kind}Configs`;
    configs[key] = [...(configs[key] ?? []), integrationOf(integration)];
  }
  return { name: receiver.name, ...configs };
}

function integrationOf(integration: Integration): Readonly<Record<string, unknown>> {
  const from = (secret: Secret) => ({ name: RECEIVER_SECRET, key: secret.name });
  const { sendResolved } = integration;
  switch (integration.kind) {
    case 'slack': {
      const { channel, title, text, webhook } = integration;
      return { apiURL: from(webhook), channel, sendResolved, ...(title ? { title } : {}), ...(text ? { text } : {}) };
    }
    case 'pagerduty': {
      const { description, severity, routingKey } = integration;
      const extra = { ...(description ? { description } : {}), ...(severity ? { severity } : {}) };
      return { routingKey: from(routingKey), sendResolved, ...extra };
    }
    case 'webhook': {
      const { url } = integration;
      return { ...(typeof url === 'string' ? { url } : { urlSecret: from(url) }), sendResolved };
    }
  }
}
