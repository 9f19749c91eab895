/** Taking over alerts from before a restart, out of the series that were written about them. */
import { isStaleNaN, type Labels, labelsKey, labelsWith, type Matcher, METRIC_NAME } from '@belfry/model';
import type { RawSeries } from '@belfry/promql';
import type { ActiveAlert } from './alert-state.ts';
import {
  ALERT_NAME,
  ALERTS_FOR_STATE,
  ALERTS_KEEP_FIRING_SINCE,
  ALERTS_KEEP_FIRING_VALUE,
  expandFields,
  newAlert,
  tell,
} from './evaluate-alerting.ts';
import type { AlertingState, GroupState, RuleWorld } from './rule-state.ts';

/** Samples with `afterMs < t <= untilMs` of the series that satisfy all matchers, as `Queryable.raw` gives them. */
export type RestoreSource = (
  matchers: readonly Matcher[],
  afterMs: number,
  untilMs: number,
  signal: AbortSignal | undefined,
) => Promise<readonly RawSeries[]>;

export interface RestoreLimits {
  /** Alerts that were last seen longer ago than this are not taken over. */
  readonly outageToleranceMs: number;
  /** After a restart an alert that was nearly due waits at least this long; rules with a shorter `for` just begin anew. */
  readonly forGracePeriodMs: number;
}

/** The last thing known of an alert. */
interface Trace {
  readonly labels: Labels;
  readonly lastSeenMs: number;
  readonly value: number;
}

/** Restores all alerting rules of a group. A source that fails costs the state, never the rules. */
export async function restoreGroup(
  group: GroupState,
  nowMs: number,
  source: RestoreSource,
  limits: RestoreLimits,
  world: RuleWorld,
): Promise<void> {
  for (const state of group.rules) {
    if (state.kind !== 'alerting') continue;
    try {
      await restoreRule(state, group, nowMs, source, limits, world);
    } catch (error) {
      if (world.signal?.aborted) return;
      world.log('restoring the state of an alert failed', { alert: state.rule.name, error });
    }
    state.restored = true;
  }
}

async function restoreRule(
  state: AlertingState,
  group: GroupState,
  nowMs: number,
  source: RestoreSource,
  limits: RestoreLimits,
  world: RuleWorld,
): Promise<void> {
  const { holdMs, keepFiringForMs } = state.rule;
  const restoresFor = holdMs >= limits.forGracePeriodMs;
  if (!restoresFor && keepFiringForMs === 0) return;
  const traces = (name: string) => findTraces(state, name, nowMs, source, limits, world);
  const forState = await traces(ALERTS_FOR_STATE);
  if (restoresFor) {
    for (const alert of state.active.values()) {
      const trace = forState.get(labelsKey(alert.labels));
      if (trace) restoreFor(alert, trace, nowMs, holdMs, limits.forGracePeriodMs);
    }
  }
  if (keepFiringForMs === 0) return;
  const since = await traces(ALERTS_KEEP_FIRING_SINCE);
  const values = await traces(ALERTS_KEEP_FIRING_VALUE);
  for (const [key, trace] of forState) {
    if (state.active.has(key) || trace.lastSeenMs - trace.value * 1000 < holdMs) continue;
    const kept = since.get(key);
    const sinceMs = kept ? kept.value * 1000 : trace.lastSeenMs + group.intervalMs;
    if (nowMs - sinceMs >= keepFiringForMs) continue;
    await restoreKept(state, group, trace, sinceMs, values.get(key)?.value ?? Number.NaN, nowMs, world);
  }
}

async function findTraces(
  state: AlertingState,
  name: string,
  nowMs: number,
  source: RestoreSource,
  limits: RestoreLimits,
  world: RuleWorld,
): Promise<Map<string, Trace>> {
  const matchers: Matcher[] = [
    { name: METRIC_NAME, op: '=', value: name },
    { name: ALERT_NAME, op: '=', value: state.rule.name },
  ];
  for (const [label, text] of state.rule.labelTexts) {
    // A template's text is not what stands in the series.
    if (text !== '' && !text.includes('{{') && label !== ALERT_NAME) {
      matchers.push({ name: label, op: '=', value: text });
    }
  }
  const series = await source(matchers, nowMs - limits.outageToleranceMs - 1, nowMs, world.signal);
  const traces = new Map<string, Trace>();
  for (const { labels, timestamps, values } of series) {
    const last = timestamps.length - 1;
    if (last < 0 || isStaleNaN(values[last]!)) continue;
    const own = labelsWith(labels, METRIC_NAME, '');
    traces.set(labelsKey(own), { labels: own, lastSeenMs: timestamps[last]!, value: values[last]! });
  }
  return traces;
}

/** The time that the server was down does not count as time that the alert was pending. */
function restoreFor(alert: ActiveAlert, trace: Trace, nowMs: number, holdMs: number, graceMs: number): void {
  const downAtMs = Math.floor(trace.lastSeenMs / 1000) * 1000;
  const activeAtMs = Math.floor(trace.value) * 1000;
  const remainingMs = holdMs - (downAtMs - activeAtMs);
  if (remainingMs <= 0) alert.activeAtMs = activeAtMs;
  else if (remainingMs < graceMs) alert.activeAtMs = nowMs + graceMs - holdMs;
  else alert.activeAtMs = activeAtMs + (nowMs - downAtMs);
}

async function restoreKept(
  state: AlertingState,
  group: GroupState,
  trace: Trace,
  sinceMs: number,
  value: number,
  nowMs: number,
  world: RuleWorld,
): Promise<void> {
  const labels = alertLabels(state, trace.labels);
  const annotations = await expandFields(
    state,
    'annotation',
    labels,
    value,
    {
      query: world.query,
      timeMs: nowMs,
      externalLabels: world.externalLabels(),
      externalUrl: world.externalUrl(),
      clock: world.clock,
      signal: world.signal,
    },
    world,
  );
  const alert = newAlert(labels, annotations, trace.value * 1000, value, undefined);
  alert.state = 'firing';
  alert.firedAtMs = trace.value * 1000 + state.rule.holdMs;
  alert.holdAtFiringMs = state.rule.holdMs;
  alert.keepFiringSinceMs = sinceMs;
  state.active.set(labelsKey(labels), alert);
  tell(state, group, world, alert, 'inactive', 'restored', nowMs);
}

/** A label whose template came to nothing stands in the series with the template's text. */
function alertLabels(state: AlertingState, series: Labels): Labels {
  let labels = series;
  for (let i = 0; i < series.length; i += 2) {
    const text = state.rule.labelTexts.find(([name]) => name === series[i])?.[1];
    if (text?.includes('{{') && text === series[i + 1]) labels = labelsWith(labels, series[i]!, '');
  }
  return labels;
}
