import { BelfryError } from '@belfry/model';
import type { Expr } from '@belfry/promql';
import { checkedDuration, type DurationText } from './duration-text.ts';
import { MISSING_FOR, type OnMissing, withMissing } from './on-missing.ts';
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
  /** Compiled into the expression of the built rule; `query` is what the author wrote. */
  readonly onMissing?: OnMissing;
  readonly missingFor?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Name of the file in the pack's `runbooks` folder, without `.md`. */
  readonly runbook?: string;
  /** Built with these labels and annotations and no others. */
  readonly exact?: true;
}

export interface AlertOptions {
  readonly query: Query;
  /** How long the condition has to hold. */
  readonly for: DurationText | '0s';
  readonly keepFiringFor?: DurationText;
  /** What happens when a measured series gives no data any more; `resolve` unless told. Needs a comparison as query. */
  readonly onMissing?: OnMissing;
  /** How long the absence of a series counts; after that it is taken for gone. One hour unless told. */
  readonly missingFor?: DurationText;
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
  const made: Alert = {
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
    ...(options.onMissing ? { onMissing: options.onMissing } : {}),
    ...(options.missingFor ? { missingFor: checkedDuration(options.missingFor, `alert ${name}: missingFor`) } : {}),
  };
  alertExpr(made);
  return Object.freeze(made);
}

/** The condition as the built rule has it: with what it does about missing data. @throws BelfryError as {@link alert} */
export function alertExpr({ name, query, onMissing = 'resolve', missingFor = MISSING_FOR }: Alert): Expr {
  return withMissing(exprOf(query, `alert ${name}`), onMissing, missingFor, `alert ${name}`);
}

/** A query whose result is stored under a name of its own. */
export interface Recording {
  readonly kind: 'recording';
  /** `level:metric:operations`. */
  readonly name: string;
  readonly query: Query;
  readonly labels: Readonly<Record<string, string>>;
  /** Its name follows no rule, and may be there several times. */
  readonly exact?: true;
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
  /** Built into this file, with these fields beside `name` and `rules`. */
  readonly exact?: { readonly file: string; readonly fields: Readonly<Record<string, unknown>> };
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
