import { BelfryError, compilePattern, type Labels, labelsToObject, type Matcher, messageOf } from '@belfry/model';
import { type Alert, isResolved } from './alert.ts';
import type { AlertStore } from './alert-store.ts';
import type { GroupView } from './dispatcher.ts';
import type { Inhibitor } from './inhibitor.ts';
import { compileAlertMatchers, matchesAll, parseMatcher } from './matchers.ts';
import { matchRoutes, type Route } from './route.ts';
import { type Silence, type SilenceState, type Silences, silenceState } from './silences.ts';
import { judgeIntervals, mutedBy, type TimeIntervals } from './stage-time.ts';
import { formatApiTime } from './time.ts';

/** `gettableAlert` of API v2. */
export interface GettableAlert {
  readonly annotations: Readonly<Record<string, string>>;
  readonly endsAt: string;
  readonly fingerprint: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly startsAt: string;
  readonly status: {
    readonly inhibitedBy: readonly string[];
    readonly mutedBy: readonly string[];
    readonly silencedBy: readonly string[];
    readonly state: 'unprocessed' | 'active' | 'suppressed';
  };
  readonly updatedAt: string;
  readonly generatorURL?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** `alertGroup` of API v2. */
export interface AlertGroup {
  readonly alerts: readonly GettableAlert[];
  readonly labels: Readonly<Record<string, string>>;
  readonly receiver: { readonly name: string };
}

/** `gettableSilence` of API v2. */
export interface GettableSilence {
  readonly id: string;
  readonly status: { readonly state: SilenceState };
  readonly updatedAt: string;
  readonly comment: string;
  readonly createdBy: string;
  readonly endsAt: string;
  readonly matchers: readonly {
    readonly isEqual: boolean;
    readonly isRegex: boolean;
    readonly name: string;
    readonly value: string;
  }[];
  readonly startsAt: string;
}

/** Which alerts are asked for; what is absent is true or everything. */
export interface AlertQuery {
  /** Matchers as texts, all of which must match. */
  readonly filter?: readonly string[];
  readonly active?: boolean;
  readonly silenced?: boolean;
  readonly inhibited?: boolean;
  readonly unprocessed?: boolean;
  readonly muted?: boolean;
  /** An anchored regular expression on receiver names. */
  readonly receiver?: string;
}

export interface QueryContext {
  readonly nowMs: number;
  readonly route: Route;
  readonly store: AlertStore;
  readonly inhibitor: Inhibitor;
  readonly silences: Silences;
  readonly intervals: TimeIntervals;
}

type Filter = (alert: Alert) => GettableAlert['status'] | undefined;

/** Sorted by fingerprint. @throws BelfryError `bad_data`, `regex_invalid` */
export function queryAlerts(context: QueryContext, query: AlertQuery): GettableAlert[] {
  const filter = alertFilter(context, query);
  const receiver = receiverFilter(query.receiver);
  const found: GettableAlert[] = [];
  for (const alert of context.store.list()) {
    const receivers = matchRoutes(context.route, alert.labels).map((r) => r.receiver);
    if (!receivers.some(receiver)) continue;
    const status = filter(alert);
    if (status) found.push(toGettable(alert, status, receivers));
  }
  return found.sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
}

/** Groups in the order of their labels, then receivers; those without a matching alert are left out. */
export function queryGroups(context: QueryContext, groups: readonly GroupView[], query: AlertQuery): AlertGroup[] {
  const filter = alertFilter(context, query);
  const receiver = receiverFilter(query.receiver);
  const receiversOf = new Map<string, string[]>();
  const kept = groups.flatMap((group) => {
    if (!receiver(group.route.receiver)) return [];
    const alerts = group.alerts.flatMap((alert) => {
      const status = filter(alert);
      if (!status) return [];
      receiversOf.set(alert.fingerprint, [...(receiversOf.get(alert.fingerprint) ?? []), group.route.receiver]);
      return [{ alert, status }];
    });
    return alerts.length > 0 ? [{ group, alerts }] : [];
  });
  return kept.flatMap(({ group, alerts }) => {
    const muted = mutedBy(judgeIntervals(group.route, context.intervals, context.nowMs));
    if (query.muted === false && muted.length > 0) return [];
    return [
      {
        alerts: alerts.map(({ alert, status }) => {
          const receivers = [...receiversOf.get(alert.fingerprint)!].sort();
          const shown = muted.length > 0 ? { ...status, mutedBy: muted, state: 'suppressed' as const } : status;
          return toGettable(alert, shown, receivers);
        }),
        labels: labelsToObject(group.labels),
        receiver: { name: group.route.receiver },
      },
    ];
  });
}

function alertFilter(context: QueryContext, query: AlertQuery): Filter {
  const matchers = compileAlertMatchers((query.filter ?? []).map(readFilter));
  const { nowMs, inhibitor, silences } = context;
  return (alert) => {
    if (isResolved(alert, nowMs) && alert.endsAtMs < nowMs) return undefined;
    if (!matchesAll(matchers, alert.labels)) return undefined;
    const status = statusOf(alert.labels, nowMs, inhibitor, silences);
    if (query.active === false && status.state === 'active') return undefined;
    if (query.silenced === false && status.silencedBy.length > 0) return undefined;
    if (query.inhibited === false && status.inhibitedBy.length > 0) return undefined;
    return status;
  };
}

function statusOf(labels: Labels, nowMs: number, inhibitor: Inhibitor, silences: Silences): GettableAlert['status'] {
  const inhibitedBy = [...new Set(inhibitor.inhibitions(labels, nowMs).flatMap((i) => i.sources))];
  const silencedBy = silences.silencing(labels, nowMs);
  const state = inhibitedBy.length > 0 || silencedBy.length > 0 ? 'suppressed' : 'active';
  return { inhibitedBy, mutedBy: [], silencedBy, state };
}

function toGettable(alert: Alert, status: GettableAlert['status'], receivers: readonly string[]): GettableAlert {
  return {
    annotations: labelsToObject(alert.annotations),
    endsAt: formatApiTime(alert.endsAtMs),
    fingerprint: alert.fingerprint,
    receivers: receivers.map((name) => ({ name })),
    startsAt: formatApiTime(alert.startsAtMs),
    status,
    updatedAt: formatApiTime(alert.updatedAtMs),
    ...(alert.generatorUrl ? { generatorURL: alert.generatorUrl } : {}),
    labels: labelsToObject(alert.labels),
  };
}

function readFilter(text: string): Matcher {
  return parseMatcher(text);
}

function receiverFilter(pattern: string | undefined): (receiver: string) => boolean {
  if (pattern === undefined) return () => true;
  try {
    const compiled = compilePattern(pattern);
    return compiled.matches;
  } catch (error) {
    throw new BelfryError('bad_data', `failed to parse receiver param: ${messageOf(error)}`);
  }
}

const STATE_ORDER: Readonly<Record<SilenceState, number>> = { active: 1, pending: 2, expired: 3 };

/** Active ones first, the next to end first; then pending, the next to start first; then expired, the latest first. */
export function querySilences(
  silences: Silences,
  nowMs: number,
  query: { filter?: readonly string[]; createdBy?: readonly string[] },
): GettableSilence[] {
  const wanted = (query.filter ?? []).map(readFilter);
  const has = (silence: Silence, m: Matcher) =>
    silence.matchers.some((own) => own.name === m.name && own.op === m.op && own.value === m.value);
  const key = (s: Silence) => {
    const state = silenceState(s, nowMs);
    return [
      STATE_ORDER[state],
      state === 'pending' ? s.startsAtMs : state === 'active' ? s.endsAtMs : -s.endsAtMs,
    ] as const;
  };
  return silences
    .list()
    .filter((s) => wanted.every((m) => has(s, m)))
    .filter((s) => !query.createdBy?.length || query.createdBy.includes(s.createdBy))
    .sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1])
    .map((s) => toGettableSilence(s, nowMs));
}

export function toGettableSilence(silence: Silence, nowMs: number): GettableSilence {
  return {
    id: silence.id,
    status: { state: silenceState(silence, nowMs) },
    updatedAt: formatApiTime(silence.updatedAtMs),
    comment: silence.comment,
    createdBy: silence.createdBy,
    endsAt: formatApiTime(silence.endsAtMs),
    matchers: silence.matchers.map(({ name, op, value }) => ({
      isEqual: op === '=' || op === '=~',
      isRegex: op === '=~' || op === '!~',
      name,
      value,
    })),
    startsAt: formatApiTime(silence.startsAtMs),
  };
}
