import {
  BelfryError,
  type Clock,
  deadline,
  formatLabels,
  type Labels,
  labelsKey,
  quote,
  type Timer,
} from '@belfry/model';
import { type Alert, compareAlerts, compareLabelSets, isResolved, NO_TIME } from './alert.ts';
import type { Flush } from './flush.ts';
import { groupLabelsOf, matchRoutes, type Route } from './route.ts';

/** A notification gets at least this much time, however short the group's interval. */
const MIN_FLUSH_TIMEOUT_MS = 10_000;
const MAINTENANCE_MS = 30_000;
/** How long flushes are started without letting others have a turn. */
const MAX_BUSY_MS = 8;

export interface DispatcherLimits {
  /** Aggregation groups over all routes; 0: no limit. */
  readonly maxGroups: number;
}

/** A group as others may see it. */
export interface GroupView {
  readonly route: Route;
  readonly groupKey: string;
  readonly labels: Labels;
  /** Sorted as in notifications. */
  readonly alerts: readonly Alert[];
  readonly nextFlushMs: number;
  readonly lastFlushMs: number | undefined;
}

export interface Dispatcher {
  /** Puts the alert, new or changed, into the group of every route that it takes. */
  insert(alert: Alert): void;
  /** Sorted by labels, then receiver. */
  groups(): GroupView[];
  /** Ends all timers and aborts what is being sent. Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

interface Group {
  readonly route: Route;
  readonly key: string;
  readonly labels: Labels;
  readonly alerts: Map<string, Alert>;
  timer: Timer;
  nextFlushMs: number;
  lastFlushMs: number | undefined;
  /** From when a flush is due until it has ended. */
  running: boolean;
  /** The timer fired while a flush was running: the next one follows at once. */
  due: boolean;
}

/**
 * Keeps the aggregation groups: each waits `group_wait` before its first flush, then flushes every `group_interval`; an
 * alert that is older than `group_wait` when it comes makes its group flush at once.
 * `flush` gets the alerts of the group as they are then, sorted, with the end of firing ones taken off, so that none
 * resolves while it is being told; it says whether resolved ones may be forgotten. It must not throw.
 */
export function createDispatcher(options: {
  clock: Clock;
  route: Route;
  limits: DispatcherLimits;
  flush: (flush: Flush, alerts: readonly Alert[]) => Promise<boolean>;
  /** Called before a group decides which of its alerts are resolved. */
  beforeFlush?: () => void;
  onLimit?: (error: BelfryError) => void;
}): Dispatcher {
  const { clock, route: root, limits, flush, onLimit } = options;
  const groups = new Map<string, Group>();
  const running = new Set<Promise<void>>();
  const waiting: Group[] = [];
  const stopping = new AbortController();

  const arm = (group: Group, delayMs: number) => {
    group.timer.cancel();
    group.nextFlushMs = clock.now() + delayMs;
    group.timer = clock.after(delayMs, () => tick(group), { background: true });
  };

  const tick = (group: Group) => {
    if (stopping.signal.aborted) return;
    arm(group, group.route.groupIntervalMs);
    if (group.running) {
      group.due = true;
      return;
    }
    group.running = true;
    waiting.push(group);
    if (waiting.length === 1) startWaiting();
  };

  /** Hundreds of groups may fall due at the same moment: between some of them others get a turn at the event loop. */
  const startWaiting = () => {
    const sinceMs = clock.monotonic();
    while (waiting.length > 0 && !stopping.signal.aborted) {
      if (clock.monotonic() - sinceMs > MAX_BUSY_MS) {
        clock.after(0, startWaiting, { background: true });
        return;
      }
      const work = runFlush(waiting[0]!).finally(() => running.delete(work));
      running.add(work);
      waiting.shift();
    }
  };

  const runFlush = async (group: Group) => {
    try {
      do {
        group.due = false;
        await flushOnce(group);
      } while (group.due && !stopping.signal.aborted);
    } finally {
      group.running = false;
    }
  };

  const flushOnce = async (group: Group) => {
    options.beforeFlush?.();
    const nowMs = clock.now();
    group.lastFlushMs = nowMs;
    if (group.alerts.size === 0) return;
    const alerts = [...group.alerts.values()]
      .map((a) => (isResolved(a, nowMs) ? a : { ...a, endsAtMs: NO_TIME }))
      .sort(compareAlerts);
    const timeoutMs = Math.max(MIN_FLUSH_TIMEOUT_MS, group.route.groupIntervalMs);
    const over = () =>
      new BelfryError('delivery_failed', `not delivered within ${timeoutMs / 1000} s, the time of one flush`);
    const limit = deadline(clock, timeoutMs, over, stopping.signal);
    const { route, key: groupKey, labels: groupLabels } = group;
    const ok = await flush({ kind: 'flush', nowMs, route, groupKey, groupLabels, signal: limit.signal }, alerts);
    limit.done();
    if (ok) forgetResolved(group, alerts, nowMs);
  };

  const insertInto = (route: Route, alert: Alert) => {
    const labels = groupLabelsOf(route, alert.labels);
    const id = `${route.id}\xff${labelsKey(labels)}`;
    let group = groups.get(id);
    if (!group) {
      if (limits.maxGroups > 0 && groups.size >= limits.maxGroups) {
        onLimit?.(
          new BelfryError(
            'limit_exceeded',
            `too many aggregation groups (limit: ${limits.maxGroups}): no group for ${formatLabels(alert.labels)}`,
          ),
        );
        return;
      }
      group = {
        route,
        key: `${route.key}:${formatLabelSet(labels)}`,
        labels,
        alerts: new Map(),
        timer: { cancel() {} },
        nextFlushMs: 0,
        lastFlushMs: undefined,
        running: false,
        due: false,
      };
      groups.set(id, group);
      arm(group, route.groupWaitMs);
    }
    group.alerts.set(alert.fingerprint, alert);
    const waited = alert.startsAtMs + route.groupWaitMs < clock.now();
    if (waited && group.lastFlushMs === undefined && group.nextFlushMs > clock.now()) arm(group, 0);
  };

  const maintenance = () => {
    for (const [id, group] of groups) {
      if (group.alerts.size > 0 || group.running) continue;
      group.timer.cancel();
      groups.delete(id);
    }
    maintenanceTimer = clock.after(MAINTENANCE_MS, maintenance, { background: true });
  };
  let maintenanceTimer = clock.after(MAINTENANCE_MS, maintenance, { background: true });

  return {
    insert(alert) {
      if (stopping.signal.aborted) return;
      for (const route of matchRoutes(root, alert.labels)) insertInto(route, alert);
    },
    groups: () =>
      [...groups.values()].map(viewOf).sort((a, b) => compareLabelSets(a.labels, b.labels) || compareReceivers(a, b)),
    async stop() {
      stopping.abort(new BelfryError('unavailable', 'the alert router is stopping or reloading'));
      maintenanceTimer.cancel();
      for (const group of groups.values()) group.timer.cancel();
      await Promise.all(running);
    },
  };
}

/** Those that did not change during the flush: one that fired again meanwhile stays. */
function forgetResolved(group: Group, told: readonly Alert[], nowMs: number): void {
  for (const alert of told) {
    if (!isResolved(alert, nowMs)) continue;
    if (group.alerts.get(alert.fingerprint)?.updatedAtMs === alert.updatedAtMs) group.alerts.delete(alert.fingerprint);
  }
}

function viewOf(group: Group): GroupView {
  const { route, key: groupKey, labels, nextFlushMs, lastFlushMs } = group;
  return { route, groupKey, labels, alerts: [...group.alerts.values()].sort(compareAlerts), nextFlushMs, lastFlushMs };
}

function compareReceivers(a: GroupView, b: GroupView): number {
  return a.route.receiver < b.route.receiver ? -1 : a.route.receiver > b.route.receiver ? 1 : 0;
}

/** As Alertmanager prints label sets in group keys: `{alertname="A", job="b"}`. */
function formatLabelSet(labels: Labels): string {
  const parts: string[] = [];
  for (let i = 0; i < labels.length; i += 2) parts.push(`${labels[i]}=${quote(labels[i + 1]!)}`);
  return `{${parts.join(', ')}}`;
}
