import { BelfryError, quote } from '@belfry/model';
import type { BuildSettings, GeneratedFile } from './build.ts';
import type { Pack } from './pack.ts';
import type { Condition } from './query.ts';
import { type Inhibition, type Integration, type Receiver, type Route, receiversOf, type Secret } from './routing.ts';
import { routeWatchdog } from './watchdog.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const RESOLVE_TIMEOUT = '5m';
/** Receives what no pack routes. */
const FALLBACK = 'default';

/**
 * One pack's tree is the tree. Of several packs, each tree hangs under a route on the label `pack`, its receivers named
 * `<pack>/<receiver>`.
 */
export function alertmanagerFile(packs: readonly Pack[], settings: BuildSettings): GeneratedFile {
  const exact = exactFile(packs);
  if (exact) return exact;
  const routed = packs.filter((p) => p.routing);
  const missing = new Set<string>();
  const tree = routed.length === 1 ? single(routed[0]!, settings, missing) : several(routed, settings, missing);
  const notes = [...missing].sort().map((m) => `Left out, because its secret is not configured: ${m}`);
  const config = { global: { resolve_timeout: RESOLVE_TIMEOUT }, ...routeWatchdog(tree, settings.watchdogUrl) };
  return { path: 'alertmanager.yml', text: yamlText(config, [GENERATED, ...notes]) };
}

/** The file that a pack brings whole. @throws BelfryError `conflict` when another pack routes too */
function exactFile(packs: readonly Pack[]): GeneratedFile | undefined {
  const bringer = packs.find((p) => p.alertmanager);
  if (!bringer) return undefined;
  const other = packs.find((p) => p !== bringer && (p.routing || p.alertmanager));
  if (other) {
    throw new BelfryError(
      'conflict',
      `pack ${bringer.name} brings a whole alertmanager.yml, so it cannot be built together with ${other.name}, which routes too`,
    );
  }
  return { path: 'alertmanager.yml', text: yamlText(bringer.alertmanager!.config, [GENERATED]) };
}

function single(pack: Pack, settings: BuildSettings, missing: Set<string>) {
  const { root, inhibitions } = pack.routing!;
  const plain = (r: Receiver) => r.name;
  return {
    route: routeYaml(root, plain),
    ...inhibitionsYaml(inhibitions),
    receivers: receiversOf(root).map((r) => receiverYaml(r, r.name, settings, missing)),
  };
}

function several(packs: readonly Pack[], settings: BuildSettings, missing: Set<string>) {
  const named = (pack: Pack) => (r: Receiver) => `${pack.name}/${r.name}`;
  const routes = packs.map((pack) => {
    const { receiver, ...rest } = routeYaml(pack.routing!.root, named(pack)) as { receiver: string };
    return { receiver, matchers: [`pack=${quote(pack.name)}`], ...rest };
  });
  const own = packs.flatMap((p) => p.routing!.inhibitions.map((i) => scopeInhibition(i, p.name)));
  const fallback = { name: FALLBACK, ...inboxYaml(settings) };
  return {
    route: { receiver: FALLBACK, ...(routes.length > 0 ? { routes } : {}) },
    ...inhibitionsYaml(own),
    receivers: [
      fallback,
      ...packs.flatMap((p) => receiversOf(p.routing!.root).map((r) => receiverYaml(r, named(p)(r), settings, missing))),
    ],
  };
}

function scopeInhibition(rule: Inhibition, pack: string): Inhibition {
  return { ...rule, source: { ...rule.source, pack }, target: { ...rule.target, pack } };
}

function routeYaml(route: Route, nameOf: (r: Receiver) => string): Record<string, unknown> {
  const matchers = matchersYaml(route.when);
  return {
    receiver: nameOf(route.receiver),
    ...(matchers.length > 0 ? { matchers } : {}),
    ...(route.groupBy ? { group_by: route.groupBy } : {}),
    ...(route.groupWait ? { group_wait: route.groupWait } : {}),
    ...(route.groupInterval ? { group_interval: route.groupInterval } : {}),
    ...(route.repeatInterval ? { repeat_interval: route.repeatInterval } : {}),
    ...(route.continue ? { continue: true } : {}),
    ...(route.routes.length > 0 ? { routes: route.routes.map((r) => routeYaml(r, nameOf)) } : {}),
  };
}

function matchersYaml(when: Readonly<Record<string, string | Condition>>): string[] {
  return Object.entries(when).map(([name, wanted]) => {
    const { op, value } = typeof wanted === 'string' ? { op: '=', value: wanted } : wanted;
    return `${name}${op}${quote(value)}`;
  });
}

function inhibitionsYaml(rules: readonly Inhibition[]) {
  if (rules.length === 0) return {};
  return {
    inhibit_rules: rules.map((rule) => ({
      source_matchers: matchersYaml(rule.source),
      target_matchers: matchersYaml(rule.target),
      equal: rule.equal,
    })),
  };
}

function receiverYaml(receiver: Receiver, name: string, settings: BuildSettings, missing: Set<string>) {
  const configs: Record<string, unknown[]> = {};
  for (const integration of receiver.integrations) {
    const made = integrationYaml(integration, settings);
    if (made) configs[`${integration.kind}_configs`] = [...(configs[`${integration.kind}_configs`] ?? []), made];
    else
      missing.add(
        `${name}, ${integration.kind}: secret ${secretOf(integration)!.name} (${secretOf(integration)!.meaning})`,
      );
  }
  const inbox = inboxYaml(settings).webhook_configs ?? [];
  const hooks = [...(configs.webhook_configs ?? []), ...inbox];
  return { name, ...configs, ...(hooks.length > 0 ? { webhook_configs: hooks } : {}) };
}

function inboxYaml(settings: BuildSettings): { webhook_configs?: unknown[] } {
  return settings.inboxUrl ? { webhook_configs: [{ url: settings.inboxUrl, send_resolved: true }] } : {};
}

/** The secret that an integration needs, if it needs one. */
export function secretOf(integration: Integration): Secret | undefined {
  switch (integration.kind) {
    case 'slack':
      return integration.webhook;
    case 'pagerduty':
      return integration.routingKey;
    case 'webhook':
      return typeof integration.url === 'string' ? undefined : integration.url;
  }
}

/** Nothing, when its secret was not given. Secrets stay in their files. */
function integrationYaml(integration: Integration, settings: BuildSettings): Record<string, unknown> | undefined {
  const needed = secretOf(integration);
  const file = needed ? settings.secretFiles[needed.name] : undefined;
  if (needed && !file) return undefined;
  const send_resolved = integration.sendResolved;
  switch (integration.kind) {
    case 'slack': {
      const { channel, title, text } = integration;
      return { api_url_file: file, channel, send_resolved, ...(title ? { title } : {}), ...(text ? { text } : {}) };
    }
    case 'pagerduty': {
      const { description, severity } = integration;
      const extra = { ...(description ? { description } : {}), ...(severity ? { severity } : {}) };
      return { routing_key_file: file, send_resolved, ...extra };
    }
    case 'webhook':
      return { ...(file ? { url_file: file } : { url: integration.url }), send_resolved };
  }
}
