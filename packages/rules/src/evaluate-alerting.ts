import { type FloatHistogram, type Labels, labelsKey, labelsWith, METRIC_NAME } from '@belfry/model';
import {
  type ActiveAlert,
  type AlertStateName,
  type AlertTransition,
  RESOLVED_RETENTION_MS,
  type TransitionReason,
} from './alert-state.ts';
import { expandAlertTemplate, type TemplateWorld } from './alert-template.ts';
import type { AlertingState, GroupState, RuleWorld } from './rule-state.ts';
import type { VectorSample } from './sample.ts';
import type { SampleToWrite } from './write-samples.ts';

export const ALERTS = 'ALERTS';
export const ALERTS_FOR_STATE = 'ALERTS_FOR_STATE';
/**
 * Ours: since when (Unix seconds) an alert fires only because of `keep_firing_for`, and the value it had last. Written
 * while that lasts, so that a restart does not forget it.
 */
export const ALERTS_KEEP_FIRING_SINCE = 'ALERTS_KEEP_FIRING_SINCE';
export const ALERTS_KEEP_FIRING_VALUE = 'ALERTS_KEEP_FIRING_VALUE';
export const ALERT_NAME = 'alertname';
export const ALERT_STATE = 'alertstate';

/** Evaluates an alerting rule and moves its alerts on; gives the series to write. @throws Error when the query fails */
export async function evaluateAlerting(
  state: AlertingState,
  group: GroupState,
  slotMs: number,
  world: RuleWorld,
): Promise<readonly SampleToWrite[]> {
  const timeMs = slotMs - group.queryOffsetMs;
  const result = await world.query(state.rule.query, timeMs, world.signal);
  const found = await expandAll(state, result, slotMs, world);
  mergeFound(state, found, (alert) => tell(state, group, world, alert, 'inactive', 'appeared', slotMs));
  const settling = slotMs < group.settlingUntilMs;
  const { samples, live } = advanceAlerts(state, found, slotMs, settling, (alert, from, reason) =>
    tell(state, group, world, alert, from, reason, slotMs),
  );
  const { limit } = group.group;
  if (limit > 0 && live > limit) {
    for (const alert of state.active.values()) {
      const from = alert.state;
      alert.state = 'inactive';
      if (from !== 'inactive') tell(state, group, world, alert, from, 'limit-exceeded', slotMs);
    }
    state.active = new Map();
    throw new Error(`exceeded limit of ${limit} with ${live} alerts`);
  }
  return state.restored ? samples : [];
}

export function tell(
  state: AlertingState,
  group: GroupState,
  world: RuleWorld,
  alert: ActiveAlert,
  from: AlertStateName,
  reason: TransitionReason,
  atMs: number,
): void {
  if (!world.onTransition) return;
  const transition: AlertTransition = {
    kind: 'alert-transition',
    file: group.group.file,
    group: group.group.name,
    alert: state.rule.name,
    labels: alert.labels,
    from,
    to: alert.state,
    reason,
    atMs,
    activeAtMs: alert.activeAtMs,
    query: state.rule.query,
    value: alert.value,
  };
  world.onTransition(transition);
}

async function expandAll(
  state: AlertingState,
  result: readonly VectorSample[],
  slotMs: number,
  world: RuleWorld,
): Promise<Map<string, ActiveAlert>> {
  const templates: TemplateWorld = {
    query: world.query,
    timeMs: slotMs,
    externalLabels: world.externalLabels(),
    externalUrl: world.externalUrl(),
    clock: world.clock,
    signal: world.signal,
  };
  const found = new Map<string, ActiveAlert>();
  for (const sample of result) {
    const alert = await expandOne(state, sample, slotMs, templates, world);
    const key = labelsKey(alert.labels);
    if (found.has(key)) {
      throw new Error('vector contains metrics with the same labelset after applying alert labels');
    }
    found.set(key, alert);
  }
  return found;
}

async function expandOne(
  state: AlertingState,
  sample: VectorSample,
  slotMs: number,
  templates: TemplateWorld,
  world: RuleWorld,
): Promise<ActiveAlert> {
  const value = sample.histogram ?? sample.value;
  let labels = labelsWith(sample.labels, METRIC_NAME, '');
  for (const [name, text] of await expandFields(state, 'label', sample.labels, value, templates, world)) {
    labels = labelsWith(labels, name, text);
  }
  labels = labelsWith(labels, ALERT_NAME, state.rule.name);
  const annotations = await expandFields(state, 'annotation', sample.labels, value, templates, world);
  return newAlert(labels, annotations, slotMs, sample.histogram ? 0 : sample.value, sample.histogram);
}

export function newAlert(
  labels: Labels,
  annotations: ActiveAlert['annotations'],
  activeAtMs: number,
  value: number,
  histogram: FloatHistogram | undefined,
): ActiveAlert {
  return {
    labels,
    annotations,
    state: 'pending',
    value,
    histogram,
    activeAtMs,
    firedAtMs: undefined,
    resolvedAtMs: undefined,
    lastSentAtMs: undefined,
    validUntilMs: undefined,
    keepFiringSinceMs: undefined,
    holdAtFiringMs: 0,
  };
}

/** Labels or annotations of an element, expanded; failures are in the texts and in the log. */
export async function expandFields(
  state: AlertingState,
  field: 'label' | 'annotation',
  labels: Labels,
  value: number | FloatHistogram,
  templates: TemplateWorld,
  world: RuleWorld,
): Promise<[name: string, text: string][]> {
  const expanded: [string, string][] = [];
  for (const [name, template] of field === 'label' ? state.labelTemplates : state.annotationTemplates) {
    const { text, error } = await expandAlertTemplate(template, labels, value, templates);
    world.onTemplate?.(state.rule, field, name, error);
    if (error) world.log('expanding an alert template failed', { alert: state.rule.name, [field]: name, error });
    expanded.push([name, text]);
  }
  return expanded;
}

function mergeFound(
  state: AlertingState,
  found: ReadonlyMap<string, ActiveAlert>,
  appeared: (alert: ActiveAlert) => void,
): void {
  for (const [key, alert] of found) {
    const known = state.active.get(key);
    if (known && known.state !== 'inactive') {
      known.value = alert.value;
      known.histogram = alert.histogram;
      known.annotations = alert.annotations;
      continue;
    }
    // An alert that comes back begins anew, also while it is still being told as resolved.
    state.active.set(key, alert);
    appeared(alert);
  }
}

type Changed = (alert: ActiveAlert, from: AlertStateName, reason: TransitionReason) => void;

function advanceAlerts(
  state: AlertingState,
  found: ReadonlyMap<string, ActiveAlert>,
  slotMs: number,
  settling: boolean,
  changed: Changed,
): { samples: SampleToWrite[]; live: number } {
  const samples: SampleToWrite[] = [];
  let live = 0;
  for (const [key, alert] of state.active) {
    if (found.has(key)) alert.keepFiringSinceMs = undefined;
    else if (!advanceVanished(state, key, alert, slotMs, settling, changed)) continue;
    live++;
    advanceHeld(state, alert, slotMs, changed);
    samples.push(...alertSamples(state, alert));
  }
  return { samples, live };
}

/** An alert that the result no longer has. @returns whether it goes on all the same */
function advanceVanished(
  state: AlertingState,
  key: string,
  alert: ActiveAlert,
  slotMs: number,
  settling: boolean,
  changed: Changed,
): boolean {
  const before = alert.state;
  if (settling && before !== 'inactive') return true;
  const keepMs = state.rule.keepFiringForMs;
  if (before === 'firing' && keepMs > 0) {
    if (alert.keepFiringSinceMs === undefined) {
      alert.keepFiringSinceMs = slotMs;
      changed(alert, 'firing', 'keep-firing');
    }
    if (slotMs - alert.keepFiringSinceMs < keepMs) return true;
  }
  const resolvedLongAgo = alert.resolvedAtMs !== undefined && slotMs - alert.resolvedAtMs > RESOLVED_RETENTION_MS;
  if (before === 'pending' || resolvedLongAgo) state.active.delete(key);
  if (before !== 'inactive') {
    alert.state = 'inactive';
    alert.resolvedAtMs = slotMs;
    changed(alert, before, alert.keepFiringSinceMs === undefined ? 'vanished' : 'keep-firing-ended');
  }
  return false;
}

function advanceHeld(state: AlertingState, alert: ActiveAlert, slotMs: number, changed: Changed): void {
  const { holdMs } = state.rule;
  const heldMs = slotMs - alert.activeAtMs;
  if (alert.state === 'pending' && heldMs >= holdMs) {
    alert.state = 'firing';
    alert.firedAtMs = slotMs;
    alert.holdAtFiringMs = holdMs;
    changed(alert, 'pending', 'held');
  } else if (alert.state === 'firing' && holdMs > alert.holdAtFiringMs && heldMs < holdMs) {
    alert.state = 'pending';
    alert.firedAtMs = undefined;
    alert.lastSentAtMs = undefined;
    alert.keepFiringSinceMs = undefined;
    changed(alert, 'firing', 'hold-raised');
  }
}

/** The series that tell of an alert. Of its rule's labels, those count whose expansion came to nothing. */
function alertSamples(state: AlertingState, alert: ActiveAlert): SampleToWrite[] {
  const labels = seriesLabels(state, alert.labels);
  const named = (name: string) => labelsWith(labels, METRIC_NAME, name);
  const samples: SampleToWrite[] = [
    { labels: labelsWith(named(ALERTS), ALERT_STATE, alert.state), value: 1 },
    { labels: named(ALERTS_FOR_STATE), value: Math.floor(alert.activeAtMs / 1000) },
  ];
  if (alert.keepFiringSinceMs !== undefined) {
    samples.push(
      { labels: named(ALERTS_KEEP_FIRING_SINCE), value: alert.keepFiringSinceMs / 1000 },
      { labels: named(ALERTS_KEEP_FIRING_VALUE), value: alert.value },
    );
  }
  return samples;
}

export function seriesLabels(state: AlertingState, alert: Labels): Labels {
  let labels = alert;
  for (const [name, text] of state.rule.labelTexts) {
    if (text !== '' && !hasLabel(alert, name)) labels = labelsWith(labels, name, text);
  }
  return labels;
}

function hasLabel(labels: Labels, name: string): boolean {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return true;
  return false;
}
