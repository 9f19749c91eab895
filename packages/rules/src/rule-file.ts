import { checkYaml, duration, type Loaded, readYamlSource, type YamlPath } from '@belfry/config';
import {
  BelfryError,
  compareText,
  isValidName,
  type Labels,
  labelsFrom,
  labelsKey,
  METRIC_NAME,
  messageOf,
  quote,
  type SourceRange,
} from '@belfry/model';
import { type Expr, formatExpr, formatParseError, type ParseOptions, parseExpr } from '@belfry/promql';
import { z } from 'zod';
import { prepareAlertTemplate } from './alert-template.ts';
import { placeInScalar } from './scalar-place.ts';

interface RuleBase {
  readonly name: string;
  readonly expr: Expr;
  /** The expression as Prometheus prints it; what is evaluated and shown. */
  readonly query: string;
  /** Those of its group, overridden by its own; for alerts their values are templates. Without empty ones. */
  readonly labels: Labels;
  /** The same by name, with the empty ones: an empty value takes the label away from the result. */
  readonly labelTexts: readonly (readonly [name: string, text: string])[];
  /** Where the rule stands in its file. */
  readonly range: SourceRange;
}

/** Writes the result of its expression under its name. */
export interface RecordingRule extends RuleBase {
  readonly kind: 'recording';
}

/** Each element of its expression's result is an alert. Label and annotation values are templates. */
export interface AlertingRule extends RuleBase {
  readonly kind: 'alerting';
  /** `for`: how long the expression must hold before the alert fires. */
  readonly holdMs: number;
  readonly keepFiringForMs: number;
  /** In the order of their names. */
  readonly annotations: readonly (readonly [name: string, text: string])[];
}

export type Rule = RecordingRule | AlertingRule;

/** Rules that are evaluated one after the other, at the same time. */
export interface RuleGroup {
  readonly kind: 'rule-group';
  readonly file: string;
  readonly name: string;
  /** Absent: the server's evaluation interval. */
  readonly intervalMs?: number;
  /** How far in the past the group looks. Absent: the server's. */
  readonly queryOffsetMs?: number;
  /** Most series or alerts that a rule may make; 0 is no limit. */
  readonly limit: number;
  readonly rules: readonly Rule[];
  readonly range: SourceRange;
}

export interface RuleFile {
  readonly kind: 'rule-file';
  readonly file: string;
  readonly text: string;
  readonly groups: readonly RuleGroup[];
}

const text = z.string().default('');
const texts = z.record(z.string(), z.string()).default({});

const RuleSchema = z.strictObject({
  record: text,
  alert: text,
  expr: text,
  for: duration.default(0),
  keep_firing_for: duration.default(0),
  labels: texts,
  annotations: texts,
});

const GroupSchema = z.strictObject({
  name: text,
  interval: duration.default(0),
  query_offset: duration.optional(),
  limit: z.number().int('expected a whole number').default(0),
  labels: texts,
  rules: z.array(RuleSchema).default([]),
  /** Of Mimir and Cortex: which tenants the rules read. Accepted, as one tenant is all there is here. */
  source_tenants: z.array(z.string()).optional(),
});

const FileSchema = z.strictObject({ groups: z.array(GroupSchema).default([]) });

type RawFile = z.output<typeof FileSchema>;
type RawGroup = RawFile['groups'][number];
type RawRule = RawGroup['rules'][number];

export type RuleFileCheck =
  | { readonly ok: true; readonly ruleFile: RuleFile }
  | { readonly ok: false; readonly problems: readonly BelfryError[] };

/**
 * Reads a rule file with the verdicts of `promtool check rules` (Prometheus 3).
 * @throws BelfryError `config_invalid`: the first problem, with file, line and column. {@link checkRuleFile} gives all.
 */
export function loadRuleFile(source: string, file: string, options: ParseOptions = {}): RuleFile {
  const result = checkRuleFile(source, file, options);
  if (!result.ok) throw result.problems[0]!;
  return result.ruleFile;
}

/** As {@link loadRuleFile}, but with every problem, in the order of the file. */
export function checkRuleFile(source: string, file: string, options: ParseOptions = {}): RuleFileCheck {
  const result = checkYaml(FileSchema, source, file);
  if (!result.ok) return result;
  const reader: Reader = { loaded: result.loaded, options, problems: [] };
  const groups = readGroups(reader, file);
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems };
  return { ok: true, ruleFile: { kind: 'rule-file', file, text: source, groups } };
}

interface Reader {
  readonly loaded: Loaded<RawFile>;
  readonly options: ParseOptions;
  readonly problems: BelfryError[];
}

function complain(r: Reader, path: YamlPath, message: string): void {
  r.problems.push(r.loaded.problem(path, message));
}

function readGroups(r: Reader, file: string): RuleGroup[] {
  const names = new Set<string>();
  return r.loaded.data.groups.map((group, i) => {
    const path = ['groups', i] as const;
    if (group.name === '') complain(r, path, 'Groupname must not be empty');
    if (names.has(group.name)) {
      complain(r, [...path, 'name'], `groupname: "${group.name}" is repeated in the same file`);
    }
    names.add(group.name);
    checkLabels(r, [...path, 'labels'], group.labels, '');
    const rules = group.rules.map((rule, k) => readRule(r, [...path, 'rules', k], group, rule, k + 1));
    return {
      kind: 'rule-group',
      file,
      name: group.name,
      ...(group.interval === 0 ? {} : { intervalMs: group.interval }),
      ...(group.query_offset === undefined ? {} : { queryOffsetMs: group.query_offset }),
      limit: group.limit,
      rules: rules.filter((rule) => rule !== undefined),
      range: r.loaded.rangeOf(path),
    };
  });
}

function readRule(r: Reader, path: YamlPath, group: RawGroup, raw: RawRule, number: number): Rule | undefined {
  const name = raw.alert || raw.record;
  const prefix = `group ${quote(group.name)}, rule ${number}, ${quote(name)}: `;
  const say = (at: readonly (string | number)[], message: string) => complain(r, [...path, ...at], prefix + message);
  if (raw.record !== '' && raw.alert !== '') say(['record'], "only one of 'record' and 'alert' must be set");
  if (name === '') say([], "one of 'record' or 'alert' must be set");
  const expr = readExpr(r, path, raw, prefix);
  if (raw.record !== '') checkRecording(raw, say);
  checkLabels(r, [...path, 'labels'], raw.labels, prefix);
  for (const key of Object.keys(raw.annotations)) {
    if (!isValidName(key)) say(['annotations', key], `invalid annotation name: ${key}`);
  }
  if (raw.alert !== '') checkTemplates(raw, say);
  if (!expr) return undefined;
  const labels = { ...group.labels, ...raw.labels };
  const base = {
    name,
    expr,
    query: formatExpr(expr),
    labels: labelsFrom(labels),
    labelTexts: sortedEntries(labels),
    range: r.loaded.rangeOf(path),
  };
  if (raw.record !== '') return { kind: 'recording', ...base };
  const annotations = sortedEntries(raw.annotations);
  return { kind: 'alerting', ...base, holdMs: raw.for, keepFiringForMs: raw.keep_firing_for, annotations };
}

function readExpr(r: Reader, path: YamlPath, raw: RawRule, prefix: string): Expr | undefined {
  if (raw.expr === '') {
    complain(r, path, `${prefix}field 'expr' must be set in rule`);
    return undefined;
  }
  try {
    return parseExpr(raw.expr, r.options);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    const where = r.loaded.rangeOf([...path, 'expr']);
    const range = (error.range && placeInScalar(r.loaded.text, where, error.range)) ?? where;
    const message = `${prefix}could not parse expression: ${formatParseError(error, raw.expr)}`;
    r.problems.push(new BelfryError('config_invalid', message, { file: r.loaded.file, range, cause: error }));
    return undefined;
  }
}

function checkRecording(raw: RawRule, say: (at: readonly string[], message: string) => void): void {
  if (Object.keys(raw.annotations).length > 0) say(['annotations'], "invalid field 'annotations' in recording rule");
  if (raw.for !== 0) say(['for'], "invalid field 'for' in recording rule");
  if (raw.keep_firing_for !== 0) say(['keep_firing_for'], "invalid field 'keep_firing_for' in recording rule");
  if (!isValidName(raw.record)) say(['record'], `invalid recording rule name: ${raw.record}`);
  if (/[{}]/.test(raw.record)) {
    say(['record'], `braces present in the recording rule name; should it be in expr?: ${raw.record}`);
  }
}

function checkLabels(r: Reader, path: YamlPath, labels: Readonly<Record<string, string>>, prefix: string): void {
  for (const [name, value] of Object.entries(labels)) {
    if (!isValidName(name) || name === METRIC_NAME) {
      complain(r, [...path, name], `${prefix}invalid label name: ${name}`);
    }
    if (!value.isWellFormed()) complain(r, [...path, name], `${prefix}invalid label value: ${value}`);
  }
}

function checkTemplates(raw: RawRule, say: (at: readonly string[], message: string) => void): void {
  const check = (field: string, word: string, map: Readonly<Record<string, string>>) => {
    for (const [key, value] of Object.entries(map)) {
      try {
        prepareAlertTemplate(raw.alert, value);
      } catch (error) {
        say([field, key], `${word} ${quote(key)}: ${messageOf(error)}`);
      }
    }
  };
  check('labels', 'label', raw.labels);
  check('annotations', 'annotation', raw.annotations);
}

function sortedEntries(map: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(map).sort((a, b) => compareText(a[0], b[0]));
}

/** Rules with the same name and labels: legal, but their results may collide. As `promtool check rules` reports them. */
export interface DuplicateRules {
  readonly name: string;
  readonly labels: Labels;
  readonly places: readonly { readonly file: string; readonly group: string; readonly range: SourceRange }[];
}

/** Finds rules that have name and labels in common, over all files given. */
export function findDuplicateRules(files: readonly RuleFile[]): DuplicateRules[] {
  const found = new Map<string, { name: string; labels: Labels; places: DuplicateRules['places'][number][] }>();
  for (const { file, groups } of files) {
    for (const group of groups) {
      for (const { name, labels, range } of group.rules) {
        const key = `${name}\xff${labelsKey(labels)}`;
        const entry = found.get(key) ?? { name, labels, places: [] };
        entry.places.push({ file, group: group.name, range });
        found.set(key, entry);
      }
    }
  }
  return [...found.values()].filter((d) => d.places.length > 1);
}

/** Whether a text is a rule file by its shape; for tools that are given files of several kinds. */
export function looksLikeRuleFile(source: string): boolean {
  try {
    const { data } = readYamlSource(source);
    return typeof data === 'object' && data !== null && Array.isArray((data as { groups?: unknown }).groups);
  } catch {
    return false;
  }
}
