import { checkedDuration, type DurationText } from './duration-text.ts';
import type { Condition } from './query.ts';

/** A value that must not stand in a repository: named here, given as a file when the configuration is built. */
export interface Secret {
  readonly kind: 'secret';
  readonly name: string;
  readonly meaning: string;
}

/** `name` is how `--secret NAME=FILE` and the environment variable `NAME_FILE` call it. */
export function secret(name: string, meaning: string): Secret {
  return Object.freeze({ kind: 'secret', name, meaning });
}

export interface Slack {
  readonly kind: 'slack';
  readonly webhook: Secret;
  readonly channel: string;
  readonly title?: string;
  readonly text?: string;
  readonly sendResolved: boolean;
}

export interface PagerDuty {
  readonly kind: 'pagerduty';
  /** Integration key of the Events API v2. */
  readonly routingKey: Secret;
  readonly description?: string;
  readonly severity?: string;
  readonly sendResolved: boolean;
}

export interface Webhook {
  readonly kind: 'webhook';
  readonly url: string | Secret;
  readonly sendResolved: boolean;
}

export type Integration = Slack | PagerDuty | Webhook;

type Made<T> = Omit<T, 'kind' | 'sendResolved'> & { readonly sendResolved?: boolean };

/** A message to a channel. */
export function slack(options: Made<Slack>): Slack {
  return Object.freeze({ kind: 'slack', sendResolved: true, ...options });
}
/** A page to whoever is on call. */
export function pagerduty(options: Made<PagerDuty>): PagerDuty {
  return Object.freeze({ kind: 'pagerduty', sendResolved: true, ...options });
}
/** Alertmanager's own JSON to a URL. */
export function webhook(options: Made<Webhook>): Webhook {
  return Object.freeze({ kind: 'webhook', sendResolved: true, ...options });
}

/** Somebody to be told, by one way or several. */
export interface Receiver {
  readonly kind: 'receiver';
  readonly name: string;
  readonly integrations: readonly Integration[];
}

export function receiver(name: string, ...integrations: readonly Integration[]): Receiver {
  return Object.freeze({ kind: 'receiver', name, integrations });
}

/** Which alerts go where. Without `when`, all that reach it. The first matching child takes an alert unless `continue`. */
export interface Route {
  readonly kind: 'route';
  readonly when: Readonly<Record<string, string | Condition>>;
  readonly receiver: Receiver;
  readonly groupBy?: readonly string[];
  readonly groupWait?: string;
  readonly groupInterval?: string;
  readonly repeatInterval?: string;
  readonly continue: boolean;
  readonly routes: readonly Route[];
}

export interface RouteOptions {
  readonly when?: Readonly<Record<string, string | Condition>>;
  readonly receiver: Receiver;
  /** Labels by which alerts share a notification; `...` for none shared. */
  readonly groupBy?: readonly string[];
  readonly groupWait?: DurationText;
  readonly groupInterval?: DurationText;
  readonly repeatInterval?: DurationText;
  /** Go on to the next sibling even after this one matched. */
  readonly continue?: boolean;
  readonly routes?: readonly Route[];
}

/** @throws BelfryError `bad_data` for a duration that is none */
export function route(options: RouteOptions): Route {
  const { groupWait, groupInterval, repeatInterval } = options;
  const at = `route to ${options.receiver.name}`;
  return Object.freeze({
    kind: 'route',
    when: options.when ?? {},
    receiver: options.receiver,
    ...(options.groupBy ? { groupBy: options.groupBy } : {}),
    ...(groupWait ? { groupWait: checkedDuration(groupWait, at) } : {}),
    ...(groupInterval ? { groupInterval: checkedDuration(groupInterval, at) } : {}),
    ...(repeatInterval ? { repeatInterval: checkedDuration(repeatInterval, at) } : {}),
    continue: options.continue ?? false,
    routes: options.routes ?? [],
  });
}

/** While an alert of `source` fires, those of `target` with the same `equal` labels are not told. */
export interface Inhibition {
  readonly kind: 'inhibition';
  readonly source: Readonly<Record<string, string | Condition>>;
  readonly target: Readonly<Record<string, string | Condition>>;
  readonly equal: readonly string[];
}

export function inhibition(options: Omit<Inhibition, 'kind'>): Inhibition {
  return Object.freeze({ kind: 'inhibition', ...options });
}

/** How the alerts of a pack reach people. */
export interface Routing {
  readonly kind: 'routing';
  readonly root: Route;
  readonly inhibitions: readonly Inhibition[];
}

export function routing(root: Route, inhibitions: readonly Inhibition[] = []): Routing {
  return Object.freeze({ kind: 'routing', root, inhibitions });
}

/** Every receiver of a routing tree, each once, in the order of appearance. */
export function receiversOf(root: Route): readonly Receiver[] {
  const found = new Map<string, Receiver>();
  const visit = (r: Route) => {
    if (!found.has(r.receiver.name)) found.set(r.receiver.name, r.receiver);
    r.routes.forEach(visit);
  };
  visit(root);
  return [...found.values()];
}
