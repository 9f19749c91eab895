/** What unit tests made rules go through. */
import type { AlertTransition } from './alert-state.ts';
import type { AlertingRule, Rule, RuleFile } from './rule-file.ts';
import type { GroupState } from './rule-state.ts';

export type CoveredState = 'inactive' | 'pending' | 'firing' | 'resolved';

export interface TemplateCoverage {
  readonly field: 'label' | 'annotation';
  readonly name: string;
  /** How often it was expanded, and how often that failed. */
  readonly executed: number;
  readonly failed: number;
}

export interface AlertCoverage {
  readonly kind: 'alert';
  readonly file: string;
  readonly group: string;
  readonly name: string;
  readonly line: number;
  readonly evaluations: number;
  /** The states that it can be seen in: a rule without `for` is never pending after an evaluation. */
  readonly possible: readonly CoveredState[];
  /** In which states a test saw it. */
  readonly seen: Readonly<Record<CoveredState, boolean>>;
  readonly templates: readonly TemplateCoverage[];
}

export interface RecordingCoverage {
  readonly kind: 'recording';
  readonly file: string;
  readonly group: string;
  readonly name: string;
  readonly line: number;
  readonly evaluations: number;
  /** Whether any evaluation gave a sample. */
  readonly produced: boolean;
}

export interface CoverageReport {
  readonly rules: readonly (AlertCoverage | RecordingCoverage)[];
  /** Of alerts: states seen and templates executed; of recording rules: whether they produced anything. */
  readonly covered: number;
  readonly total: number;
}

interface Entry {
  readonly report: Mutable<AlertCoverage> | Mutable<RecordingCoverage>;
  readonly templates: Map<string, Mutable<TemplateCoverage>>;
  readonly query: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Collects over any number of tests. */
export interface Coverage {
  /** Rules that are loaded, evaluated or not. */
  addFiles(files: readonly RuleFile[]): void;
  onTransition(transition: AlertTransition): void;
  onTemplate(
    file: string,
    group: string,
    rule: AlertingRule,
    field: 'label' | 'annotation',
    name: string,
    error: string | undefined,
  ): void;
  /** After a group was evaluated. */
  onEvaluated(group: GroupState): void;
  report(): CoverageReport;
}

export function createCoverage(): Coverage {
  const entries = new Map<string, Entry>();
  const find = (file: string, group: string, rule: Rule) => entries.get(keyOf(file, group, rule));

  return {
    addFiles(files) {
      for (const { groups } of files) {
        for (const group of groups) {
          for (const rule of group.rules) {
            const key = keyOf(group.file, group.name, rule);
            if (!entries.has(key)) entries.set(key, newEntry(group.file, group.name, rule));
          }
        }
      }
    },
    onTransition({ file, group, alert, query: expr, from, to }) {
      for (const { report, query } of entries.values()) {
        if (query !== expr) continue;
        if (report.kind !== 'alert' || report.file !== file || report.group !== group || report.name !== alert)
          continue;
        if (from === 'firing' && to === 'inactive') report.seen = { ...report.seen, resolved: true };
      }
    },
    onTemplate(file, group, rule, field, name, error) {
      const template = find(file, group, rule)?.templates.get(`${field} ${name}`);
      if (!template) return;
      template.executed++;
      if (error !== undefined) template.failed++;
    },
    onEvaluated(group) {
      for (const state of group.rules) {
        const entry = find(group.group.file, group.group.name, state.rule);
        if (!entry) continue;
        const { report } = entry;
        report.evaluations++;
        if (report.kind === 'recording') {
          if (state.written.size > 0) report.produced = true;
          continue;
        }
        if (state.kind !== 'alerting') continue;
        const states = [...state.active.values()].map((alert) => alert.state);
        const seen = { ...report.seen };
        if (states.includes('pending')) seen.pending = true;
        if (states.includes('firing')) seen.firing = true;
        if (states.every((s) => s === 'inactive')) seen.inactive = true;
        report.seen = seen;
      }
    },
    report: () => summarize([...entries.values()]),
  };
}

function keyOf(file: string, group: string, { range }: Rule): string {
  return [file, group, range.line, range.column].join('\0');
}

function newEntry(file: string, group: string, rule: Rule): Entry {
  const base = { file, group, name: rule.name, line: rule.range.line, evaluations: 0 };
  if (rule.kind === 'recording') {
    return { report: { kind: 'recording', ...base, produced: false }, templates: new Map(), query: rule.query };
  }
  const seen = { inactive: false, pending: false, firing: false, resolved: false };
  const templates = new Map<string, Mutable<TemplateCoverage>>();
  const add = (field: 'label' | 'annotation', list: readonly (readonly [string, string])[]) => {
    for (const [name, text] of list) {
      if (text.includes('{{')) templates.set(`${field} ${name}`, { field, name, executed: 0, failed: 0 });
    }
  };
  add('label', rule.labelTexts);
  add('annotation', rule.annotations);
  const possible: CoveredState[] = ['inactive', ...(rule.holdMs > 0 ? ['pending' as const] : []), 'firing', 'resolved'];
  return { report: { kind: 'alert', ...base, possible, seen, templates: [] }, templates, query: rule.query };
}

function summarize(entries: readonly Entry[]): CoverageReport {
  let covered = 0;
  let total = 0;
  const rules = entries.map(({ report, templates }) => {
    if (report.kind === 'recording') {
      total++;
      if (report.produced) covered++;
      return { ...report };
    }
    const list = [...templates.values()].map((t) => ({ ...t }));
    total += report.possible.length + list.length;
    covered += report.possible.filter((state) => report.seen[state]).length + list.filter((t) => t.executed > 0).length;
    return { ...report, templates: list };
  });
  return { rules, covered, total };
}

/** The parts of a rule that no test touched, in words. */
export function uncovered(rule: CoverageReport['rules'][number]): string[] {
  if (rule.evaluations === 0) return ['never evaluated'];
  if (rule.kind === 'recording') return rule.produced ? [] : ['never produced a sample'];
  return [
    ...rule.possible.filter((state) => !rule.seen[state]).map((state) => `never ${state}`),
    ...rule.templates.filter((t) => t.executed === 0).map((t) => `${t.field} ${t.name} never executed`),
    ...rule.templates.filter((t) => t.failed > 0).map((t) => `${t.field} ${t.name} failed ${t.failed} times`),
  ];
}
