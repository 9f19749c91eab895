import { BelfryError } from '@belfry/model';
import { checkedDuration, type DurationText } from './duration-text.ts';
import type { Query } from './query.ts';
import { exprOf } from './query-expr.ts';

export type Severity = 'critical' | 'warning' | 'info';

/** A condition that somebody is told about. */
export interface Alert {
  readonly kind: 'alert';
  readonly name: string;
  readonly query: Query;
  readonly for: string;
  readonly keepFiringFor?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Name of the file in the pack's `runbooks` folder, without `.md`. */
  readonly runbook?: string;
}

export interface AlertOptions {
  readonly query: Query;
  /** How long the condition has to hold. */
  readonly for: DurationText | '0s';
  readonly keepFiringFor?: DurationText;
  readonly severity: Severity;
  readonly labels?: Readonly<Record<string, string>>;
  /** One line; Go template with `$labels` and `$value`. */
  readonly summary: string;
  /** What is wrong, with the value and its unit; Go template. */
  readonly description: string;
  readonly runbook?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * @throws BelfryError `bad_data` for a duration that is none or a query with a variable of a dashboard,
 * `query_syntax` or `query_type` for a query that Prometheus would refuse
 */
export function alert(name: string, options: AlertOptions): Alert {
  checkRuleQuery(options.query, `alert ${name}`);
  return Object.freeze({
    kind: 'alert',
    name,
    query: options.query,
    for: checkedDuration(options.for, `alert ${name}: for`),
    ...(options.keepFiringFor
      ? { keepFiringFor: checkedDuration(options.keepFiringFor, `alert ${name}: keepFiringFor`) }
      : {}),
    labels: { severity: options.severity, ...options.labels },
    annotations: { summary: options.summary, description: options.description, ...options.annotations },
    ...(options.runbook ? { runbook: options.runbook } : {}),
  });
}

/** A query whose result is stored under a name of its own. */
export interface Recording {
  readonly kind: 'recording';
  /** `level:metric:operations`. */
  readonly name: string;
  readonly query: Query;
  readonly labels: Readonly<Record<string, string>>;
}

const RECORDING_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*(:[a-zA-Z0-9_]+){1,}$/;

/** @throws BelfryError `bad_data` for a name that is not `level:metric:operations`; as {@link alert} for the query */
export function recording(name: string, query: Query, labels: Readonly<Record<string, string>> = {}): Recording {
  if (!RECORDING_NAME.test(name)) {
    throw new BelfryError('bad_data', `recording rule ${name}: expected a name like level:metric:operations`);
  }
  checkRuleQuery(query, `recording rule ${name}`);
  return Object.freeze({ kind: 'recording', name, query, labels });
}

/** Reads what a recording rule stored. */
export function recorded<L extends string = string>(rule: Recording): Query<L> {
  return { kind: 'query', text: rule.name, metrics: rule.query.metrics, binding: 7 };
}

/** Rules evaluated together, in order. */
export interface RuleGroup {
  readonly kind: 'rule-group';
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly (Alert | Recording)[];
}

/** @throws BelfryError `bad_data` for an interval that is not a duration, or a group without rules */
export function ruleGroup(name: string, interval: DurationText, rules: readonly (Alert | Recording)[]): RuleGroup {
  if (rules.length === 0) throw new BelfryError('bad_data', `rule group ${name} has no rules`);
  return Object.freeze({ kind: 'rule-group', name, interval: checkedDuration(interval, `rule group ${name}`), rules });
}

const VARIABLE = /\$\w+/;

/** Rules are evaluated by Prometheus, which knows no variables. */
function checkRuleQuery(query: Query, where: string): void {
  const variable = VARIABLE.exec(query.text);
  if (variable) {
    throw new BelfryError('bad_data', `${where}: ${variable[0]} exists only in dashboards; name a window such as '5m'`);
  }
  exprOf(query, where);
}
