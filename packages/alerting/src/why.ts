import { labelsToObject } from '@belfry/model';
import type { Alert } from './alert.ts';
import type { GroupView } from './dispatcher.ts';
import type { IntervalVerdict } from './flush.ts';
import type { InhibitionVerdict } from './inhibitor.ts';
import type { Integration } from './integration.ts';
import { formatAlertMatchers, matchesAll } from './matchers.ts';
import type { NotificationLog } from './notification-log.ts';
import { describeAlert, type StoredNotification, statusOf } from './provenance.ts';
import type { QueryContext } from './queries.ts';
import { groupLabelsOf, matchRoutes, type Route } from './route.ts';
import { silenceState } from './silences.ts';
import { judgeIntervals, mutedBy } from './stage-time.ts';
import { formatTime } from './time.ts';

/** One node of the routing tree that was looked at for an alert. */
export interface RouteStep {
  readonly depth: number;
  readonly receiver: string;
  readonly matchers: string;
  readonly matched: boolean;
  /** This node takes the alert. */
  readonly taken: boolean;
  readonly reason: string;
}

/** One route that an alert takes, and what will come of it. */
export interface RouteOutlook {
  readonly receiver: string;
  readonly route: string;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly intervals: readonly IntervalVerdict[];
  readonly mutedBy: readonly string[];
  /** RFC 3339; absent when the group does not exist (any more). */
  readonly nextFlush?: string;
  readonly lastFlush?: string;
  /** What each integration was last told about the group. */
  readonly told: readonly {
    readonly integration: string;
    readonly at: string;
    readonly asFiring: boolean;
    readonly asResolved: boolean;
  }[];
}

/** Everything that decides whether an alert is told, now, and what was told before. */
export interface WhyReport {
  readonly alert: ReturnType<typeof describeAlert>;
  readonly updatedAt: string;
  /** When it counts as resolved if nobody renews it. */
  readonly expiresAt: string;
  readonly origin?: unknown;
  /** In one sentence, what happens with it. */
  readonly summary: string;
  readonly steps: readonly RouteStep[];
  readonly routes: readonly RouteOutlook[];
  readonly inhibitions: readonly InhibitionVerdict[];
  /** Silences whose matchers match, in any state. */
  readonly silences: readonly {
    readonly id: string;
    readonly state: string;
    readonly comment: string;
    readonly createdBy: string;
    readonly endsAt: string;
  }[];
  readonly notifications: readonly StoredNotification[];
}

export interface WhyContext extends QueryContext {
  readonly groups: readonly GroupView[];
  readonly log: NotificationLog;
  readonly integrations: ReadonlyMap<string, readonly Integration[]>;
  readonly originOf: (fingerprint: string) => unknown;
  readonly notificationsOf: (fingerprint: string) => readonly StoredNotification[];
}

export function explainAlert(context: WhyContext, alert: Alert): WhyReport {
  const { nowMs } = context;
  const routes = matchRoutes(context.route, alert.labels);
  const inhibitions = context.inhibitor.explain(alert.labels, nowMs);
  const silences = context.silences
    .list()
    .filter((s) => matchesSilence(context, s.id, alert))
    .map((s) => ({
      id: s.id,
      state: silenceState(s, nowMs),
      comment: s.comment,
      createdBy: s.createdBy,
      endsAt: formatTime(s.endsAtMs),
    }));
  const outlooks = routes.map((route) => outlookOf(context, alert, route));
  const origin = context.originOf(alert.fingerprint);
  const report = {
    alert: describeAlert(alert, statusOf(alert, nowMs)),
    updatedAt: formatTime(alert.updatedAtMs),
    expiresAt: formatTime(alert.endsAtMs),
    ...(origin === undefined ? {} : { origin }),
    steps: [...stepsOf(context.route, alert, new Set(routes), 0)],
    routes: outlooks,
    inhibitions,
    silences,
    notifications: context.notificationsOf(alert.fingerprint),
  };
  return { ...report, summary: summarize(report) };
}

function matchesSilence(context: WhyContext, id: string, alert: Alert): boolean {
  const silence = context.silences.get(id)!;
  // Asked as of a moment in which it is active, whatever its state is now.
  return context.silences.silencing(alert.labels, silence.startsAtMs).includes(id);
}

function outlookOf(context: WhyContext, alert: Alert, route: Route): RouteOutlook {
  const labels = groupLabelsOf(route, alert.labels);
  const group = context.groups.find((g) => g.route.id === route.id && g.labels.join('\xff') === labels.join('\xff'));
  const intervals = judgeIntervals(route, context.intervals, context.nowMs);
  const told = (context.integrations.get(route.receiver) ?? []).flatMap((integration) => {
    const entry = group && context.log.get(group.groupKey, integration.key);
    if (!entry) return [];
    const { fingerprint } = alert;
    return [
      {
        integration: integration.key,
        at: formatTime(entry.atMs),
        asFiring: entry.firing.has(fingerprint),
        asResolved: entry.resolved.has(fingerprint),
      },
    ];
  });
  return {
    receiver: route.receiver,
    route: route.id,
    groupKey: group?.groupKey ?? '',
    groupLabels: labelsToObject(labels),
    intervals,
    mutedBy: mutedBy(intervals),
    ...(group ? { nextFlush: formatTime(group.nextFlushMs) } : {}),
    ...(group?.lastFlushMs === undefined ? {} : { lastFlush: formatTime(group.lastFlushMs) }),
    told,
  };
}

function* stepsOf(route: Route, alert: Alert, taken: ReadonlySet<Route>, depth: number): Generator<RouteStep> {
  const failing = route.matchers.filter((m) => !matchesAll([m], alert.labels)).map((m) => m.matcher);
  const matched = failing.length === 0;
  const reasons = {
    taken: 'matches, and none of its children does',
    passed: 'matches, and a child takes it',
    failed: `does not match ${formatAlertMatchers(failing)}`,
  };
  const isTaken = taken.has(route);
  yield {
    depth,
    receiver: route.receiver,
    matchers: formatAlertMatchers(route.matchers.map((m) => m.matcher)),
    matched,
    taken: isTaken,
    reason: matched ? (isTaken ? reasons.taken : reasons.passed) : reasons.failed,
  };
  if (!matched) return;
  for (const child of route.routes) {
    const steps = [...stepsOf(child, alert, taken, depth + 1)];
    yield* steps;
    // As in matching: a sibling that matched without `continue` ends the search.
    if (steps[0]!.matched && !child.continue) break;
  }
}

function summarize(report: Omit<WhyReport, 'summary'>): string {
  const { alert, routes, inhibitions, silences } = report;
  const inhibited = inhibitions.find((i) => i.applied);
  if (inhibited)
    return `not told: inhibited by rule ${inhibited.name ?? inhibited.rule} (source ${inhibited.sources.join(', ')})`;
  const silence = silences.find((s) => s.state === 'active');
  if (silence)
    return `not told: silenced by ${silence.createdBy} until ${silence.endsAt} (${silence.comment || 'no comment'})`;
  const open = routes.filter((r) => r.mutedBy.length === 0);
  if (open.length === 0) return `not told: muted by the time interval ${routes.flatMap((r) => r.mutedBy).join(', ')}`;
  const parts = open.map((r) => {
    const told = r.told.filter((t) => (alert.status === 'firing' ? t.asFiring : t.asResolved));
    if (told.length > 0) return `told to ${r.receiver} at ${told.map((t) => t.at).join(', ')}`;
    return r.nextFlush ? `to be told to ${r.receiver} at ${r.nextFlush}` : `routed to ${r.receiver}`;
  });
  return parts.join('; ');
}
