import { formatDuration, labelsFrom, type Matcher, VirtualClock } from '@belfry/model';
import { type Alertmanager, createAlertmanager } from './alertmanager.ts';
import type { AlertmanagerConfig } from './config.ts';
import type { Integration } from './integration.ts';
import { compileAlertMatchers, formatAlertMatchers, matchesAll } from './matchers.ts';

type LabelMap = Readonly<Record<string, string>>;

/** Something that happens in a test, `atMs` after its start. */
export type RouteTestEvent =
  | {
      readonly kind: 'fire';
      readonly atMs: number;
      readonly labels: LabelMap;
      readonly annotations?: LabelMap;
      /** Resolves after so long; absent: fires until it is resolved or the test ends. */
      readonly forMs?: number;
    }
  | { readonly kind: 'resolve'; readonly atMs: number; readonly matchers: readonly Matcher[] }
  | {
      readonly kind: 'silence';
      readonly atMs: number;
      readonly matchers: readonly Matcher[];
      readonly durationMs: number;
    };

/** What must be true. Label maps match alerts that have these labels and perhaps more. */
export type RouteTestExpectation =
  | {
      readonly kind: 'notification';
      readonly atMs: number;
      readonly receiver: string;
      /** Exactly these fire in it; absent: not looked at. */
      readonly firing?: readonly LabelMap[];
      readonly resolved?: readonly LabelMap[];
      /** How far from `atMs` it may be; absent: not at all. */
      readonly withinMs?: number;
    }
  | {
      readonly kind: 'state';
      readonly atMs: number;
      readonly labels: LabelMap;
      readonly state: AlertOutlook;
      /** The silence's comment, rule's name or interval's name that must be the cause. */
      readonly by?: string;
    };

/** What would become of an alert if its group were flushed now. */
export type AlertOutlook = 'active' | 'inhibited' | 'silenced' | 'muted' | 'absent';

export interface RouteTest {
  readonly name: string;
  /** When it starts, Unix milliseconds: matters for time intervals. */
  readonly startMs: number;
  readonly events: readonly RouteTestEvent[];
  readonly expectations: readonly RouteTestExpectation[];
  /** How long the test runs at least; always until the last event or expectation. */
  readonly runForMs?: number;
  /** Whether notifications that no expectation names are allowed; not unless told. */
  readonly allowOthers?: boolean;
}

export interface SentNotification {
  readonly atMs: number;
  readonly receiver: string;
  readonly firing: readonly LabelMap[];
  readonly resolved: readonly LabelMap[];
}

export interface RouteTestProblem {
  readonly message: string;
  /** Index of the expectation that failed; absent for a notification that nobody expected. */
  readonly expectation?: number;
}

export interface RouteTestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly problems: readonly RouteTestProblem[];
  /** Everything that was told, in order. */
  readonly sent: readonly SentNotification[];
}

const DAY_MS = 24 * 3600_000;
const FOREVER_MS = 3650 * DAY_MS;
const MAX_RUN_MS = 400 * DAY_MS;

/**
 * Drives a configuration through a test on virtual time: the real router with everything but the network. Days take
 * milliseconds, and every run is the same.
 */
export async function runRouteTest(config: AlertmanagerConfig, routeTest: RouteTest): Promise<RouteTestResult> {
  const clock = new VirtualClock(routeTest.startMs);
  const sent: SentNotification[] = [];
  const record = (_receiver: string, real: Integration): Integration => ({
    ...real,
    async notify(flush, alerts) {
      // Each integration of a receiver tells the same; one stands for all.
      const first = sent.some(
        (s) => s.atMs === flush.nowMs - routeTest.startMs && keyOf(s) === `${real.receiver}${flush.groupKey}`,
      );
      if (!first) {
        const shown = (resolved: boolean) =>
          alerts
            .filter((a) => (a.endsAtMs <= flush.nowMs && Number.isFinite(a.endsAtMs)) === resolved)
            .map((a) => Object.fromEntries(pairsOf(a.labels)));
        const notification = {
          atMs: flush.nowMs - routeTest.startMs,
          receiver: real.receiver,
          firing: shown(false),
          resolved: shown(true),
        };
        keys.set(notification, `${real.receiver}${flush.groupKey}`);
        sent.push(notification);
      }
      return { ok: true, payloads: [] };
    },
    close: async () => {},
  });
  const keys = new WeakMap<SentNotification, string>();
  const keyOf = (s: SentNotification) => keys.get(s);
  const am = createAlertmanager({ config, clock, random: () => 0.5, integrations: record, guardAgainstGaps: false });
  try {
    const problems = await drive(am, clock, routeTest);
    problems.push(...compare(routeTest, sent));
    return { name: routeTest.name, ok: problems.length === 0, problems, sent };
  } finally {
    await am.close();
  }
}

async function drive(am: Alertmanager, clock: VirtualClock, routeTest: RouteTest): Promise<RouteTestProblem[]> {
  const { startMs, events, expectations } = routeTest;
  const problems: RouteTestProblem[] = [];
  const steps: { atMs: number; order: number; run: () => void }[] = [];
  for (const event of events) {
    steps.push({ atMs: event.atMs, order: 0, run: () => happen(am, clock, event) });
    if (event.kind === 'fire' && event.forMs !== undefined) {
      const end = () => post(am, event.labels, event.annotations, clock.now(), clock.now());
      steps.push({ atMs: event.atMs + event.forMs, order: 0, run: end });
    }
  }
  expectations.forEach((expected, index) => {
    if (expected.kind !== 'state') return;
    steps.push({
      atMs: expected.atMs,
      order: 1,
      run: () => {
        const message = checkState(am, expected);
        if (message) problems.push({ message, expectation: index });
      },
    });
  });
  for (const step of steps.sort((a, b) => a.atMs - b.atMs || a.order - b.order)) {
    await clock.advanceTo(startMs + step.atMs);
    step.run();
  }
  const last = Math.max(
    0,
    ...steps.map((s) => s.atMs),
    ...expectations.map((e) => e.atMs + (e.kind === 'notification' ? (e.withinMs ?? 0) : 0)),
  );
  await clock.advanceTo(startMs + Math.min(MAX_RUN_MS, Math.max(last, routeTest.runForMs ?? 0)) + 1);
  return problems;
}

function happen(am: Alertmanager, clock: VirtualClock, event: RouteTestEvent): void {
  const nowMs = clock.now();
  if (event.kind === 'fire') post(am, event.labels, event.annotations, nowMs, nowMs + FOREVER_MS);
  else if (event.kind === 'silence') {
    const { matchers, durationMs } = event;
    am.setSilence({
      matchers,
      startsAtMs: nowMs,
      endsAtMs: nowMs + durationMs,
      createdBy: 'test',
      comment: formatAlertMatchers(matchers),
    });
  } else {
    const matchers = compileAlertMatchers(event.matchers);
    for (const alert of am.getAlerts()) {
      if (matchesAll(matchers, labelsFrom(alert.labels)))
        post(am, alert.labels, alert.annotations, Date.parse(alert.startsAt), nowMs);
    }
  }
}

function post(
  am: Alertmanager,
  labels: LabelMap,
  annotations: LabelMap | undefined,
  startsAtMs: number,
  endsAtMs: number,
): void {
  const iso = (ms: number) => new Date(ms).toISOString();
  am.putAlerts([
    { labels, annotations: annotations ?? {}, startsAt: iso(Math.min(startsAtMs, endsAtMs)), endsAt: iso(endsAtMs) },
  ]);
}

function checkState(am: Alertmanager, expected: RouteTestExpectation & { kind: 'state' }): string | undefined {
  const found = am.why({
    matchers: Object.entries(expected.labels).map(([name, value]) => ({ name, op: '=', value })),
  });
  const fired = found.filter((w) => w.alert.status === 'firing');
  const what = `${show(expected.labels)} at ${time(expected.atMs)}`;
  if (fired.length === 0)
    return expected.state === 'absent' ? undefined : `${what}: expected ${expected.state}, but no such alert fires`;
  for (const report of fired) {
    const { state, by } = outlookOf(report);
    if (state !== expected.state)
      return `${what}: expected ${expected.state}, got ${state}${by ? ` by ${by}` : ''} (${report.summary})`;
    if (expected.by !== undefined && !by.split(', ').includes(expected.by))
      return `${what}: expected ${expected.state} by ${expected.by}, got by ${by}`;
  }
  return undefined;
}

function outlookOf(report: ReturnType<Alertmanager['why']>[number]): { state: AlertOutlook; by: string } {
  const inhibitions = report.inhibitions.filter((i) => i.applied);
  if (inhibitions.length > 0)
    return { state: 'inhibited', by: inhibitions.map((i) => i.name ?? String(i.rule)).join(', ') };
  if (report.routes.every((r) => r.mutedBy.length > 0))
    return { state: 'muted', by: [...new Set(report.routes.flatMap((r) => r.mutedBy))].join(', ') };
  const silences = report.silences.filter((s) => s.state === 'active');
  if (silences.length > 0) return { state: 'silenced', by: silences.map((s) => s.comment).join(', ') };
  return { state: 'active', by: '' };
}

function compare(routeTest: RouteTest, sent: readonly SentNotification[]): RouteTestProblem[] {
  const problems: RouteTestProblem[] = [];
  const left = new Set(sent);
  routeTest.expectations.forEach((expected, index) => {
    if (expected.kind !== 'notification') return;
    const found = [...left].find((s) => fits(expected, s));
    if (found) left.delete(found);
    else problems.push({ message: missing(expected, [...left]), expectation: index });
  });
  if (!routeTest.allowOthers) {
    for (const other of left) problems.push({ message: `unexpected notification ${showSent(other)}` });
  }
  return problems;
}

function fits(expected: RouteTestExpectation & { kind: 'notification' }, sent: SentNotification): boolean {
  return (
    sent.receiver === expected.receiver &&
    Math.abs(sent.atMs - expected.atMs) <= (expected.withinMs ?? 0) &&
    (!expected.firing || sameAlerts(expected.firing, sent.firing)) &&
    (!expected.resolved || sameAlerts(expected.resolved, sent.resolved))
  );
}

/** Each expected map stands for one alert, and none is left over. */
function sameAlerts(expected: readonly LabelMap[], actual: readonly LabelMap[]): boolean {
  if (expected.length !== actual.length) return false;
  const left = [...actual];
  return expected
    .toSorted((a, b) => Object.keys(b).length - Object.keys(a).length)
    .every((labels) => {
      const i = left.findIndex((a) => Object.entries(labels).every(([k, v]) => (a[k] ?? '') === v));
      if (i === -1) return false;
      left.splice(i, 1);
      return true;
    });
}

function missing(expected: RouteTestExpectation & { kind: 'notification' }, left: readonly SentNotification[]): string {
  const wanted = `expected ${showSent({ firing: [], resolved: [], ...expected })}`;
  const same = left.filter((s) => s.receiver === expected.receiver);
  const nearest = same.toSorted((a, b) => Math.abs(a.atMs - expected.atMs) - Math.abs(b.atMs - expected.atMs))[0];
  if (nearest) return `${wanted}\n     got ${showSent(nearest)}`;
  const others = left.filter((s) => s.atMs === expected.atMs).map(showSent);
  return `${wanted}\n     got ${others.length > 0 ? others.join('; ') : `nothing at receiver ${expected.receiver}`}`;
}

/** `at 30s to pager: firing {…}, resolved {…}`. */
export function showSent(sent: SentNotification): string {
  const parts = [
    ...(sent.firing.length > 0 ? [`firing ${sent.firing.map(show).join(' ')}`] : []),
    ...(sent.resolved.length > 0 ? [`resolved ${sent.resolved.map(show).join(' ')}`] : []),
  ];
  return `at ${time(sent.atMs)} to ${sent.receiver}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}

const time = (ms: number) => formatDuration(ms);

function show(labels: LabelMap): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`;
}

function* pairsOf(labels: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i]!, labels[i + 1]!];
}
