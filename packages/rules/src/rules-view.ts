import { createHash } from 'node:crypto';
import {
  BelfryError,
  type CompiledMatcher,
  compareText,
  compileMatcher,
  labelsToObject,
  labelValue,
} from '@belfry/model';
import { parseSelector } from '@belfry/promql';
import { formatGoFloat } from '@belfry/template';
import type { ActiveAlert, AlertStateName } from './alert-state.ts';
import type { RuleGroup } from './rule-file.ts';
import type { AlertingState, GroupState, RuleHealth, RuleState } from './rule-state.ts';

/** The parameters of `/api/v1/rules`, as they come in the query string. */
export interface RulesFilter {
  /** `alert` or `record`. */
  readonly type?: string;
  readonly rule_name?: readonly string[];
  readonly rule_group?: readonly string[];
  readonly file?: readonly string[];
  /** Selectors on the rules' labels, any of which is to match. */
  readonly match?: readonly string[];
  readonly exclude_alerts?: string;
  readonly group_limit?: string;
  readonly group_next_token?: string;
}

export interface AlertView {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: AlertStateName;
  readonly activeAt: string;
  readonly keepFiringSince?: string;
  readonly value: string;
}

interface RuleViewBase {
  readonly name: string;
  readonly query: string;
  readonly health: RuleHealth;
  readonly lastError?: string;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface AlertingRuleView extends RuleViewBase {
  readonly state: AlertStateName | 'unknown';
  readonly duration: number;
  readonly keepFiringFor: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly alerts: readonly AlertView[] | null;
  readonly type: 'alerting';
}

export interface RecordingRuleView extends RuleViewBase {
  readonly labels?: Readonly<Record<string, string>>;
  readonly type: 'recording';
}

export interface RuleGroupView {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly (AlertingRuleView | RecordingRuleView)[];
  /** Seconds. */
  readonly interval: number;
  readonly limit: number;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface RulesData {
  readonly groups: readonly RuleGroupView[];
  readonly groupNextToken?: string;
}

export interface AlertsData {
  readonly alerts: readonly AlertView[];
}

/** Identifies a group: files may have groups of the same name. */
export function groupKey({ file, name }: Pick<RuleGroup, 'file' | 'name'>): string {
  return `${file};${name}`;
}

export function sortedGroups(groups: readonly GroupState[]): GroupState[] {
  return groups.toSorted((a, b) => compareText(a.group.file, b.group.file) || compareText(a.group.name, b.group.name));
}

/** The data of `/api/v1/rules`. @throws BelfryError `bad_data` in Prometheus' words */
export function rulesView(groups: readonly GroupState[], filter: RulesFilter): RulesData {
  const request = readFilter(filter);
  const views: RuleGroupView[] = [];
  let nextToken: string | undefined;
  let found = request.token === undefined;
  for (const group of sortedGroups(groups)) {
    const { file, name } = group.group;
    if (!allows(filter.rule_group, name) || !allows(filter.file, file)) continue;
    const token = groupToken(group.group);
    if (!found) {
      if (token !== request.token) continue;
      found = true;
    }
    const rules = group.rules.filter((state) => isWanted(state, request, filter)).map((s) => ruleView(s, request));
    if (rules.length === 0) continue;
    if (views.length === request.limit) {
      nextToken = token;
      break;
    }
    views.push(groupView(group, rules));
  }
  if (!found) {
    throw invalid('group_next_token', `invalid group_next_token '${request.token}'. were rule groups changed?`);
  }
  return { groups: views, ...(nextToken === undefined ? {} : { groupNextToken: nextToken }) };
}

/** The data of `/api/v1/alerts`: all that are pending or firing. */
export function alertsView(groups: readonly GroupState[]): AlertsData {
  const states = sortedGroups(groups).flatMap((group) => group.rules);
  return { alerts: states.flatMap((state) => (state.kind === 'alerting' ? activeAlerts(state) : [])) };
}

interface Request {
  readonly alerting: boolean;
  readonly recording: boolean;
  readonly excludeAlerts: boolean;
  readonly limit: number;
  readonly token: string | undefined;
  readonly matcherSets: readonly (readonly CompiledMatcher[])[];
}

function readFilter(filter: RulesFilter): Request {
  const type = (filter.type ?? '').toLowerCase();
  if (type !== '' && type !== 'alert' && type !== 'record') throw invalid('type', `not supported value "${type}"`);
  return {
    alerting: type !== 'record',
    recording: type !== 'alert',
    excludeAlerts: readBoolean(filter.exclude_alerts ?? ''),
    ...readPaging(filter.group_limit ?? '', filter.group_next_token ?? ''),
    matcherSets: readMatchers(filter.match ?? []),
  };
}

function readBoolean(text: string): boolean {
  if (text === '') return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  const message = `error converting exclude_alerts: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw invalid('exclude_alerts', message);
}

function readPaging(limit: string, token: string): { limit: number; token: string | undefined } {
  if (token !== '' && limit === '') {
    const message = 'group_limit needs to be present in order to paginate over the groups';
    throw invalid('group_next_token', message);
  }
  if (limit === '') return { limit: Number.POSITIVE_INFINITY, token: undefined };
  const MAX_LIMIT = 2 ** 31 - 1;
  const parsed = Number(limit);
  if (!/^[+-]?\d+$/.test(limit) || parsed > MAX_LIMIT) {
    throw invalid('group_limit', `group_limit needs to be a valid number: ${JSON.stringify(limit)}`);
  }
  if (parsed <= 0) throw invalid('group_limit', 'group_limit needs to be greater than 0');
  return { limit: parsed, token: token === '' ? undefined : token };
}

function readMatchers(selectors: readonly string[]): CompiledMatcher[][] {
  return selectors.map((text) => {
    let matchers: CompiledMatcher[];
    try {
      matchers = parseSelector(text).map(compileMatcher);
    } catch (error) {
      if (error instanceof BelfryError) throw invalid('match[]', error.message);
      throw error;
    }
    if (matchers.every((m) => m.matchesEmpty)) {
      throw invalid('match[]', 'match[] must contain at least one non-empty matcher');
    }
    return matchers;
  });
}

function invalid(parameter: string, message: string): BelfryError {
  return new BelfryError('bad_data', `invalid parameter "${parameter}": ${message}`);
}

function allows(wanted: readonly string[] | undefined, value: string): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.includes(value);
}

function isWanted(state: RuleState, request: Request, filter: RulesFilter): boolean {
  if (state.kind === 'alerting' ? !request.alerting : !request.recording) return false;
  if (!allows(filter.rule_name, state.rule.name)) return false;
  const { labels } = state.rule;
  const { matcherSets } = request;
  return (
    matcherSets.length === 0 ||
    matcherSets.some((set) => set.every((m) => m.matches(labelValue(labels, m.matcher.name))))
  );
}

function groupToken(group: RuleGroup): string {
  return createHash('sha1').update(groupKey(group)).digest('hex');
}

function groupView(group: GroupState, rules: RuleGroupView['rules']): RuleGroupView {
  return {
    name: group.group.name,
    file: group.group.file,
    rules,
    interval: group.intervalMs / 1000,
    limit: group.group.limit,
    evaluationTime: group.evaluationMs / 1000,
    lastEvaluation: timeText(group.lastEvaluationMs),
  };
}

function ruleView(state: RuleState, request: Request): AlertingRuleView | RecordingRuleView {
  const tail = {
    health: state.health,
    ...(state.lastError === '' ? {} : { lastError: state.lastError }),
    evaluationTime: state.evaluationMs / 1000,
    lastEvaluation: timeText(state.lastEvaluationMs),
  };
  const { rule } = state;
  const labels = Object.fromEntries(rule.labelTexts);
  if (state.kind === 'recording') {
    const own = rule.labelTexts.length === 0 ? {} : { labels };
    return { name: rule.name, query: rule.query, ...own, ...tail, type: 'recording' };
  }
  return {
    state: ruleStateName(state),
    name: rule.name,
    query: rule.query,
    duration: state.rule.holdMs / 1000,
    keepFiringFor: state.rule.keepFiringForMs / 1000,
    labels,
    annotations: Object.fromEntries(state.rule.annotations),
    alerts: request.excludeAlerts ? null : activeAlerts(state),
    ...tail,
    type: 'alerting',
  };
}

/** That of its most advanced alert. */
export function ruleStateName(state: AlertingState): AlertStateName | 'unknown' {
  if (state.lastEvaluationMs === undefined) return 'unknown';
  let name: AlertStateName = 'inactive';
  for (const alert of state.active.values()) {
    if (alert.state === 'firing') return 'firing';
    if (alert.state === 'pending') name = 'pending';
  }
  return name;
}

function activeAlerts(state: AlertingState): AlertView[] {
  return [...state.active.values()].filter((a) => a.resolvedAtMs === undefined).map(alertView);
}

function alertView(alert: ActiveAlert): AlertView {
  return {
    labels: labelsToObject(alert.labels),
    annotations: Object.fromEntries(alert.annotations),
    state: alert.state,
    activeAt: timeText(alert.activeAtMs),
    ...(alert.keepFiringSinceMs === undefined ? {} : { keepFiringSince: timeText(alert.keepFiringSinceMs) }),
    value: exponentText(alert.value),
  };
}

function exponentText(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : formatGoFloat(value, 'e', -1);
}

/** RFC 3339, without zeros at the end of the fraction; Go's zero time for what never was. */
function timeText(ms: number | undefined): string {
  if (ms === undefined) return '0001-01-01T00:00:00Z';
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}
