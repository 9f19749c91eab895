/** Belfry's own API: notifications with their reasons, and the fleet of reference services. */
import { listOf, numberOf, objectOf, textOf } from '../dashboard/model.ts';
import { query, requestJson, requestText } from './http.ts';
import { type Labels, labelsOf, timeOf } from './prometheus.ts';

export type Outcome = 'delivered' | 'failed' | 'pending' | 'suppressed' | 'unknown';

export interface NotifiedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAtMs: number | undefined;
  readonly endsAtMs: number | undefined;
  readonly status: 'firing' | 'resolved';
  readonly fingerprint: string;
  readonly generatorURL: string;
}

export interface Decision {
  readonly stage: string;
  readonly outcome: string;
  readonly reason: string;
}

export interface Attempt {
  readonly atMs: number | undefined;
  readonly durationMs: number;
  readonly statusCode?: number;
  readonly error: string;
}

export interface Notification {
  readonly id: string;
  readonly atMs: number;
  readonly receiver: string;
  readonly integration: string;
  readonly status: 'firing' | 'resolved';
  readonly outcome: Outcome;
  /** Why it was not sent, where it was not. */
  readonly reason: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly routePath: readonly string[];
  readonly alerts: readonly NotifiedAlert[];
  readonly decisions: readonly Decision[];
  readonly attempts: readonly Attempt[];
  readonly payload: string;
}

const OUTCOMES: readonly Outcome[] = ['delivered', 'failed', 'pending', 'suppressed'];

export async function notifications(
  filter: { readonly limit?: number; readonly receiver?: string; readonly alertname?: string },
  signal?: AbortSignal,
): Promise<readonly Notification[]> {
  const body = objectOf(await requestJson(`/api/belfry/notifications${query(filter)}`, signal ? { signal } : {}));
  return listOf(body.notifications).map(notificationOf);
}

function notificationOf(json: unknown): Notification {
  const n = objectOf(json);
  const payload = n.payload;
  return {
    id: textOf(n.id),
    atMs: timeOf(n.at) ?? 0,
    receiver: textOf(n.receiver),
    integration: textOf(n.integration),
    status: n.status === 'resolved' ? 'resolved' : 'firing',
    outcome: OUTCOMES.find((o) => o === n.outcome) ?? 'unknown',
    reason: textOf(n.reason),
    groupKey: textOf(n.groupKey),
    groupLabels: labelsOf(n.groupLabels),
    routePath: listOf(n.routePath).map((p) => textOf(p)),
    alerts: listOf(n.alerts).map(notifiedAlertOf),
    decisions: listOf(n.decisions).map((d) => ({
      stage: textOf(objectOf(d).stage),
      outcome: textOf(objectOf(d).outcome),
      reason: textOf(objectOf(d).reason),
    })),
    attempts: listOf(n.attempts).map(attemptOf),
    payload: typeof payload === 'string' ? payload : payload === undefined ? '' : JSON.stringify(payload, undefined, 2),
  };
}

function notifiedAlertOf(json: unknown): NotifiedAlert {
  const a = objectOf(json);
  return {
    labels: labelsOf(a.labels),
    annotations: labelsOf(a.annotations),
    startsAtMs: timeOf(a.startsAt),
    endsAtMs: timeOf(a.endsAt),
    status: a.status === 'resolved' ? 'resolved' : 'firing',
    fingerprint: textOf(a.fingerprint),
    generatorURL: textOf(a.generatorURL),
  };
}

function attemptOf(json: unknown): Attempt {
  const a = objectOf(json);
  const statusCode = numberOf(a.statusCode);
  return {
    atMs: timeOf(a.at),
    durationMs: numberOf(a.durationMs) ?? 0,
    ...(statusCode === undefined ? {} : { statusCode }),
    error: textOf(a.error),
  };
}

export type ServiceState = 'running' | 'stopped' | 'starting' | 'failed';

export interface Service {
  readonly name: string;
  readonly description: string;
  readonly state: ServiceState;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly url: string }[];
  readonly pid?: number;
  readonly error: string;
  readonly breakages: readonly { readonly name: string; readonly description: string; readonly active: boolean }[];
}

export async function fleet(signal?: AbortSignal): Promise<readonly Service[]> {
  return servicesOf(await requestJson('/api/belfry/fleet', signal ? { signal } : {}));
}

export async function controlService(name: string, action: 'start' | 'stop'): Promise<readonly Service[]> {
  return servicesOf(await requestJson(`/api/belfry/fleet/${encodeURIComponent(name)}/${action}`, { method: 'POST' }));
}

export async function setBreakage(name: string, breakage: string, on: boolean): Promise<readonly Service[]> {
  const path = `${encodeURIComponent(name)}/breakages/${encodeURIComponent(breakage)}/${on ? 'on' : 'off'}`;
  return servicesOf(await requestJson(`/api/belfry/fleet/${path}`, { method: 'POST' }));
}

function servicesOf(body: unknown): readonly Service[] {
  return listOf(objectOf(body).services).map((json) => {
    const s = objectOf(json);
    const state = textOf(s.state);
    const pid = numberOf(s.pid);
    return {
      name: textOf(s.name),
      description: textOf(s.description),
      state: state === 'running' || state === 'starting' || state === 'failed' ? state : 'stopped',
      ports: listOf(s.ports).map((p) => ({
        name: textOf(objectOf(p).name),
        port: numberOf(objectOf(p).port) ?? 0,
        url: textOf(objectOf(p).url),
      })),
      ...(pid === undefined ? {} : { pid }),
      error: textOf(s.error),
      breakages: listOf(s.breakages).map((b) => ({
        name: textOf(objectOf(b).name),
        description: textOf(objectOf(b).description),
        active: objectOf(b).active === true,
      })),
    };
  });
}

/** A runbook in Markdown. */
export async function runbook(pack: string, name: string, signal?: AbortSignal): Promise<string> {
  const path = `${encodeURIComponent(pack)}/${encodeURIComponent(name)}`;
  return requestText(`/api/belfry/runbooks/${path}`, signal ? { signal } : {});
}

export interface RouteStep {
  readonly depth: number;
  readonly receiver: string;
  readonly matchers: string;
  readonly matched: boolean;
  readonly taken: boolean;
  readonly reason: string;
}

export interface RouteTaken {
  readonly receiver: string;
  readonly groupLabels: Labels;
  readonly mutedBy: readonly string[];
  readonly nextFlushMs: number | undefined;
  readonly lastFlushMs: number | undefined;
}

/** What the alert router does with one alert, and why. */
export interface Explanation {
  readonly labels: Labels;
  readonly status: string;
  readonly steps: readonly RouteStep[];
  readonly routes: readonly RouteTaken[];
  readonly inhibitions: readonly string[];
  readonly silences: readonly {
    readonly id: string;
    readonly state: string;
    readonly comment: string;
    readonly createdBy: string;
  }[];
}

export async function explain(alertname: string, signal?: AbortSignal): Promise<readonly Explanation[]> {
  const filter = `alertname=${JSON.stringify(alertname)}`;
  const body = await requestJson(`/api/belfry/alerting/why${query({ filter })}`, signal ? { signal } : {});
  return listOf(objectOf(body).alerts).map(explanationOf);
}

function explanationOf(json: unknown): Explanation {
  const e = objectOf(json);
  const alert = objectOf(e.alert);
  return {
    labels: labelsOf(alert.labels),
    status: textOf(alert.status),
    steps: listOf(e.steps).map((s) => {
      const { depth, receiver, matchers, matched, taken, reason } = objectOf(s);
      return {
        depth: numberOf(depth) ?? 0,
        receiver: textOf(receiver),
        matchers: textOf(matchers),
        matched: matched === true,
        taken: taken === true,
        reason: textOf(reason),
      };
    }),
    routes: listOf(e.routes).map((r) => {
      const route = objectOf(r);
      return {
        receiver: textOf(route.receiver),
        groupLabels: labelsOf(route.groupLabels),
        mutedBy: listOf(route.mutedBy).map((m) => textOf(m)),
        nextFlushMs: timeOf(route.nextFlush),
        lastFlushMs: timeOf(route.lastFlush),
      };
    }),
    inhibitions: listOf(e.inhibitions).map(inhibitionText),
    silences: listOf(e.silences).map((s) => {
      const { id, state, comment, createdBy } = objectOf(s);
      return { id: textOf(id), state: textOf(state), comment: textOf(comment), createdBy: textOf(createdBy) };
    }),
  };
}

function inhibitionText(json: unknown): string {
  if (typeof json === 'string') return json;
  const { reason, source, by, fingerprint } = objectOf(json);
  const labels = labelsOf(objectOf(source).labels ?? source);
  return textOf(reason) || textOf(by) || labels.alertname || textOf(fingerprint) || JSON.stringify(json);
}
