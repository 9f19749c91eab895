import { BelfryError, isValidName, nearest, parseDuration } from '@belfry/model';
import { defineCheck, type Report } from '../check.ts';
import type { RulesDocument } from '../documents.ts';
import { at, entriesOf, itemsOf, placeOf, type Tree, textOf } from '../tree.ts';

const GROUP = [
  'name',
  'interval',
  'query_offset',
  'limit',
  'labels',
  'rules',
  'partial_response_strategy',
  'source_tenants',
];
const RULE = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];

export const ruleSchema = defineCheck({
  name: 'rule-schema',
  finds:
    'A rule file that Prometheus refuses: unknown or missing fields, wrong durations, names that are not valid, groups of one name.',
  severity: 'error',
  why: 'Prometheus refuses the whole file and goes on with what it had; a new rule in it is never evaluated.',
  bad: {
    'rules.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Down\n        expression: up == 0\n        for: 5 minutes\n',
  },
  good: {
    'rules.yml': 'groups:\n  - name: a\n    rules:\n      - alert: Down\n        expr: up == 0\n        for: 5m\n',
  },
  run: ({ rulesDocuments }, report) => {
    for (const document of rulesDocuments) if (document.tree) checkDocument(document, report);
  },
});

function checkDocument({ tree, origin }: RulesDocument, report: Report): void {
  const groups = at(tree, 'groups');
  if (groups && groups.kind !== 'list') report({ at: placeOf(groups), message: 'groups must be a list' });
  const seen = new Set<string>();
  for (const group of itemsOf(groups)) {
    if (group.kind !== 'map') {
      report({ at: placeOf(group), message: 'a group must be a map with name and rules' });
      continue;
    }
    fields(group, GROUP, 'a rule group', report);
    duration(at(group, 'interval'), report);
    duration(at(group, 'query_offset'), report);
    const name = textOf(at(group, 'name'));
    if (!name) report({ at: placeOf(at(group, 'name') ?? group), message: 'a rule group needs a name' });
    else if (seen.has(name)) {
      report({ at: placeOf(at(group, 'name')!), message: `two groups of this file are named ${JSON.stringify(name)}` });
    }
    seen.add(name ?? '');
    const rules = at(group, 'rules');
    if (rules && rules.kind !== 'list' && textOf(rules) !== undefined)
      report({ at: placeOf(rules), message: 'rules must be a list' });
    for (const rule of itemsOf(rules)) checkRule(rule, origin === 'markdown', report);
  }
}

function checkRule(rule: Tree, prose: boolean, report: Report): void {
  if (rule.kind !== 'map') {
    report({ at: placeOf(rule), message: 'a rule must be a map with record or alert, and expr' });
    return;
  }
  fields(rule, RULE, 'a rule', report);
  const alert = at(rule, 'alert');
  const record = at(rule, 'record');
  const name = alert ?? record;
  if (alert && record) report({ at: placeOf(alert), message: 'a rule has either record or alert, not both' });
  if (!name || !textOf(name)) {
    report({ at: placeOf(name ?? rule), message: 'a rule needs record or alert' });
    return;
  }
  const expr = at(rule, 'expr');
  if (!expr || !textOf(expr)?.trim()) {
    report({
      at: placeOf(expr ?? name),
      message: `rule ${textOf(name)} has no expr`,
      severity: prose ? 'warning' : 'error',
    });
  }
  duration(at(rule, 'for'), report);
  duration(at(rule, 'keep_firing_for'), report);
  if (!alert) checkRecording(rule, textOf(record)!, report);
  for (const [label, { key, value }] of [...entriesOf(at(rule, 'labels')), ...entriesOf(at(rule, 'annotations'))]) {
    if (label === '__name__' || !isValidName(label))
      report({ at: key, message: `invalid label name ${JSON.stringify(label)}` });
    if (value.kind !== 'scalar') report({ at: placeOf(value), message: `the value of ${label} must be a text` });
  }
}

function checkRecording(rule: Tree, name: string, report: Report): void {
  if (/[{}]/.test(name)) {
    report({
      at: placeOf(at(rule, 'record')!),
      message: `${JSON.stringify(name)} is not a metric name: braces are no part of one`,
    });
  }
  for (const field of ['for', 'keep_firing_for', 'annotations']) {
    const value = at(rule, field);
    if (value) report({ at: placeOf(value), message: `a recording rule has no ${field}` });
  }
}

function fields(tree: Tree, known: readonly string[], what: string, report: Report): void {
  for (const [name, { key }] of entriesOf(tree)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    report({
      at: key,
      message: `${what} has no field ${name}`,
      suggestion: near ? `did you mean ${near}?` : `its fields: ${known.join(', ')}`,
    });
  }
}

function duration(tree: Tree | undefined, report: Report): void {
  const text = textOf(tree);
  if (!tree || text === undefined) return;
  try {
    parseDuration(text);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    report({ at: placeOf(tree), message: error.message });
  }
}
