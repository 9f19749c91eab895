import type { Clock, Labels, Writer } from '@belfry/model';
import type { ActiveAlert, AlertTransition, RuleAlert } from './alert-state.ts';
import { type AlertTemplate, prepareAlertTemplate } from './alert-template.ts';
import type { AlertingRule, RecordingRule, Rule, RuleGroup } from './rule-file.ts';
import type { RuleQuery } from './sample.ts';
import { groupOffsetMs } from './schedule.ts';

export type RuleHealth = 'unknown' | 'ok' | 'err';

interface StateBase {
  health: RuleHealth;
  lastError: string;
  /** How long the last evaluation took. */
  evaluationMs: number;
  /** When the last evaluation began; absent before the first. */
  lastEvaluationMs: number | undefined;
  /** What the last evaluation wrote, by label key: what is gone from it next time gets a staleness marker. */
  written: Map<string, Labels>;
}

export interface RecordingState extends StateBase {
  readonly kind: 'recording';
  readonly rule: RecordingRule;
}

export interface AlertingState extends StateBase {
  readonly kind: 'alerting';
  readonly rule: AlertingRule;
  readonly labelTemplates: readonly (readonly [name: string, template: AlertTemplate])[];
  readonly annotationTemplates: readonly (readonly [name: string, template: AlertTemplate])[];
  /** By label key. */
  active: Map<string, ActiveAlert>;
  /** ALERTS series are written only after what was before a restart has been taken over. */
  restored: boolean;
}

export type RuleState = RecordingState | AlertingState;

/** What a group remembers between evaluations. Belongs to whoever runs the group. */
export interface GroupState {
  readonly group: RuleGroup;
  readonly intervalMs: number;
  readonly offsetMs: number;
  readonly queryOffsetMs: number;
  readonly rules: readonly RuleState[];
  /** Series of rules that are no more, to be marked stale. */
  staleSeries: Labels[];
  shouldRestore: boolean;
  /** How long the last evaluation took, when it began, and the slot it was for. */
  evaluationMs: number;
  lastEvaluationMs: number | undefined;
  lastSlotMs: number | undefined;
  /** Until then, what vanishes from a result is not taken for resolved: the machine was asleep, and nothing is scraped yet. */
  settlingUntilMs: number;
  readonly counters: GroupCounters;
}

/** Counted since the group exists; names as in Prometheus' `prometheus_rule_*` metrics. */
export interface GroupCounters {
  iterations: number;
  iterationsMissed: number;
  evaluations: number;
  evaluationFailures: number;
  lastSamples: number;
}

/** What evaluating needs of the world. */
export interface RuleWorld {
  readonly clock: Clock;
  readonly query: RuleQuery;
  readonly writer: Writer;
  readonly notify: (alerts: readonly RuleAlert[]) => void;
  readonly onTransition?: ((transition: AlertTransition) => void) | undefined;
  /** Told of every template that was expanded, for coverage. */
  readonly onTemplate?:
    | ((rule: AlertingRule, field: 'label' | 'annotation', name: string, error: string | undefined) => void)
    | undefined;
  readonly externalLabels: () => Labels;
  readonly externalUrl: () => string;
  readonly resendDelayMs: number;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly signal: AbortSignal | undefined;
}

export interface GroupDefaults {
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
}

export function newGroupState(group: RuleGroup, defaults: GroupDefaults, shouldRestore: boolean): GroupState {
  const intervalMs = group.intervalMs ?? defaults.intervalMs;
  return {
    group,
    intervalMs,
    offsetMs: groupOffsetMs(group.file, group.name, intervalMs),
    queryOffsetMs: group.queryOffsetMs ?? defaults.queryOffsetMs,
    rules: group.rules.map((rule) => newRuleState(rule, !shouldRestore)),
    staleSeries: [],
    shouldRestore,
    evaluationMs: 0,
    lastEvaluationMs: undefined,
    lastSlotMs: undefined,
    settlingUntilMs: Number.NEGATIVE_INFINITY,
    counters: { iterations: 0, iterationsMissed: 0, evaluations: 0, evaluationFailures: 0, lastSamples: 0 },
  };
}

function newRuleState(rule: Rule, restored: boolean): RuleState {
  const base = {
    health: 'unknown' as const,
    lastError: '',
    evaluationMs: 0,
    lastEvaluationMs: undefined,
    written: new Map<string, Labels>(),
  };
  if (rule.kind === 'recording') return { kind: 'recording', rule, ...base };
  const prepare = ([name, text]: readonly [string, string]) => [name, prepareAlertTemplate(rule.name, text)] as const;
  return {
    kind: 'alerting',
    rule,
    ...base,
    labelTemplates: rule.labelTexts.map(prepare),
    annotationTemplates: rule.annotations.map(prepare),
    active: new Map(),
    restored,
  };
}

/** Everything that makes two groups the same to run: then a reload leaves the running one alone. */
export function sameGroup(a: GroupState, b: GroupState): boolean {
  const shape = ({ group, intervalMs, queryOffsetMs }: GroupState) =>
    JSON.stringify([group.limit, intervalMs, queryOffsetMs, group.rules.map(ruleShape)]);
  return shape(a) === shape(b);
}

function ruleShape(rule: Rule): unknown {
  const base = [rule.kind, rule.name, rule.query, rule.labelTexts];
  return rule.kind === 'recording' ? base : [...base, rule.holdMs, rule.keepFiringForMs, rule.annotations];
}

/**
 * Takes over alerts and written series from the group that ran before a reload. Rules are matched by name and labels;
 * of several alike, the first with the first. What has no successor becomes stale.
 */
export function copyGroupState(to: GroupState, from: GroupState): void {
  to.evaluationMs = from.evaluationMs;
  to.lastEvaluationMs = from.lastEvaluationMs;
  to.settlingUntilMs = from.settlingUntilMs;
  to.shouldRestore = from.shouldRestore;
  Object.assign(to.counters, from.counters);
  const waiting = new Map<string, RuleState[]>();
  for (const state of from.rules) {
    const key = identity(state.rule);
    const list = waiting.get(key);
    if (list) list.push(state);
    else waiting.set(key, [state]);
  }
  for (const state of to.rules) {
    const before = waiting.get(identity(state.rule))?.shift();
    if (!before) continue;
    state.written = before.written;
    if (state.kind !== 'alerting' || before.kind !== 'alerting') continue;
    state.active = before.active;
    state.restored = before.restored;
  }
  to.staleSeries = [...from.staleSeries];
  for (const list of waiting.values()) for (const left of list) to.staleSeries.push(...left.written.values());
}

function identity(rule: Rule): string {
  return JSON.stringify([rule.name, rule.labelTexts]);
}
