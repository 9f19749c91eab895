import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labelsToObject } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import { checkRuleFile, findDuplicateRules, loadRuleFile, looksLikeRuleFile } from './index.ts';

const complaints = (text: string): string[] => {
  const result = checkRuleFile(text, 'r.yml');
  return result.ok ? [] : result.problems.map((p) => p.located);
};
const rule = (body: string) => `groups:\n- name: g\n  rules:\n  - ${body.replaceAll('\n', '\n    ')}\n`;

test('reads every field', () => {
  const text = `groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 5
  labels: {team: a, tier: x}
  source_tenants: [t1]
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {tier: "", kind: sum}
  - alert: Down
    expr: up==0
    for: 5m
    keep_firing_for: 10m
    labels: {severity: "{{ $labels.job }}"}
    annotations: {summary: "{{ $value }}"}
`;
  const { groups } = loadRuleFile(text, 'r.yml');
  expect(groups[0]).toMatchObject({ name: 'g', intervalMs: 30_000, queryOffsetMs: 60_000, limit: 5, file: 'r.yml' });
  const [record, alert] = groups[0]!.rules;
  expect(record).toMatchObject({ kind: 'recording', name: 'job:up:sum', query: 'sum by (job) (up)' });
  expect(record!.labelTexts).toEqual([
    ['kind', 'sum'],
    ['team', 'a'],
    ['tier', ''],
  ]);
  expect(labelsToObject(record!.labels)).toEqual({ kind: 'sum', team: 'a' });
  expect(alert).toMatchObject({ kind: 'alerting', holdMs: 300_000, keepFiringForMs: 600_000, query: 'up == 0' });
});

test('an empty file has no groups; other YAML is no rule file', () => {
  expect(loadRuleFile('', 'r.yml').groups).toEqual([]);
  expect(loadRuleFile('groups:\n', 'r.yml').groups).toEqual([]);
  expect(looksLikeRuleFile('groups: []')).toBe(true);
  expect(looksLikeRuleFile('scrape_configs: []')).toBe(false);
  expect(looksLikeRuleFile(': :')).toBe(false);
});

/** What is wrong, with the complaint expected; promtool is asked for the same verdict below. */
const BAD: [name: string, text: string, expected: string][] = [
  ['no name', 'groups:\n- rules: []\n', 'r.yml:2:3: Groupname must not be empty'],
  ['same name twice', 'groups:\n- name: a\n- name: a\n', 'r.yml:3:9: groupname: "a" is repeated in the same file'],
  [
    'neither alert nor record',
    rule('expr: up'),
    'r.yml:4:5: group "g", rule 1, "": one of \'record\' or \'alert\' must be set',
  ],
  [
    'both',
    rule('alert: a\nrecord: b\nexpr: up'),
    'r.yml:5:13: group "g", rule 1, "a": only one of \'record\' and \'alert\' must be set',
  ],
  ['no expression', rule('alert: a'), 'r.yml:4:5: group "g", rule 1, "a": field \'expr\' must be set in rule'],
  [
    'broken expression',
    rule('record: a\nexpr: sum(up'),
    'r.yml:5:17: group "g", rule 1, "a": could not parse expression: 1:7: parse error: unclosed left parenthesis',
  ],
  [
    'broken expression in a block',
    rule('record: a\nexpr: |\n  up\n  and and up'),
    'r.yml:7:15: group "g", rule 1, "a": could not parse expression: 2:9: parse error: unexpected identifier "up"',
  ],
  [
    'for in a recording rule',
    rule('record: a\nexpr: up\nfor: 5m'),
    'r.yml:6:10: group "g", rule 1, "a": invalid field \'for\' in recording rule',
  ],
  [
    'annotations in a recording rule',
    rule('record: a\nexpr: up\nannotations: {a: b}'),
    'r.yml:6:18: group "g", rule 1, "a": invalid field \'annotations\' in recording rule',
  ],
  [
    'keep_firing_for in a recording rule',
    rule('record: a\nexpr: up\nkeep_firing_for: 5m'),
    'r.yml:6:22: group "g", rule 1, "a": invalid field \'keep_firing_for\' in recording rule',
  ],
  [
    'braces in a record name',
    rule('record: \'a{b="c"}\'\nexpr: up'),
    'r.yml:4:13: group "g", rule 1, "a{b=\\"c\\"}": braces present in the recording rule name; should it be in expr?: a{b="c"}',
  ],
  [
    'reserved label',
    rule('record: a\nexpr: up\nlabels: {__name__: b}'),
    'r.yml:6:24: group "g", rule 1, "a": invalid label name: __name__',
  ],
  [
    'broken template',
    rule('alert: a\nexpr: up\nannotations: {s: "{{ $labels.x"}'),
    'r.yml:6:22: group "g", rule 1, "a": annotation "s": template: __alert_a:1: unclosed action',
  ],
  [
    'unknown function in a template',
    rule('alert: a\nexpr: up\nlabels: {s: "{{ tmpl `x` . }}"}'),
    'r.yml:6:17: group "g", rule 1, "a": label "s": template: __alert_a:1: function "tmpl" not defined',
  ],
  [
    'unknown field',
    rule('alert: a\nexpr: up\nfo: 5m'),
    'r.yml:6:5: field fo not found in groups[0].rules[0], did you mean for?',
  ],
  [
    'bad duration',
    rule('alert: a\nexpr: up\nfor: 5'),
    'r.yml:6:10: groups[0].rules[0].for: not a valid duration string: "5"',
  ],
  [
    'labels as a list',
    rule('alert: a\nexpr: up\nlabels: [a]'),
    'r.yml:6:13: groups[0].rules[0].labels: expected a map, got a list',
  ],
];

test.each(BAD)('refuses: %s', (_, text, expected) => {
  expect(complaints(text)[0]).toBe(expected);
});

const GOOD: [name: string, text: string][] = [
  ['labels that look like numbers', rule('alert: a\nexpr: 1\nlabels: {a: 1, b: true, c: 1.10}')],
  ['an expression over lines', rule('alert: a\nexpr: |\n  up\n    == 0')],
  ['the same rule twice', 'groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n  - {record: a, expr: up}\n'],
  [
    'templates of all sorts',
    rule(
      'alert: a\nexpr: up\nannotations:\n  d: \'{{ range query "up" }}{{ .Labels.job | title }}{{ end }} {{ with $value }}{{ . | humanize }}{{ end }}\'',
    ),
  ],
  ['empty interval and limit', 'groups:\n- name: g\n  interval: 0s\n  limit: 0\n  rules:\n'],
];

test.each(GOOD)('accepts: %s', (_, text) => expect(complaints(text)).toEqual([]));

test('duplicates are found across files', () => {
  const files = ['a.yml', 'b.yml'].map((file) => loadRuleFile(rule('record: x\nexpr: up\nlabels: {a: b}'), file));
  expect(findDuplicateRules(files)).toMatchObject([{ name: 'x', places: [{ file: 'a.yml' }, { file: 'b.yml' }] }]);
  expect(findDuplicateRules(files.slice(1))).toEqual([]);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe.skipIf(!hasPromtool)('promtool check rules (skipped where promtool is not installed)', () => {
  const verdicts = (texts: readonly string[]): boolean[] => {
    const directory = mkdtempSync(join(tmpdir(), 'belfry-rules-'));
    try {
      return texts.map((text, i) => {
        const file = join(directory, `${i}.yml`);
        writeFileSync(file, text);
        return spawnSync('promtool', ['check', 'rules', '--lint=none', file]).status === 0;
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  test('gives the same verdicts', () => {
    const texts = [...BAD.map(([, text]) => text), ...GOOD.map(([, text]) => text)];
    const names = [...BAD.map(([name]) => name), ...GOOD.map(([name]) => name)];
    const theirs = verdicts(texts).map((ok, i) => `${names[i]}: ${ok}`);
    expect(texts.map((text, i) => `${names[i]}: ${checkRuleFile(text, 'r.yml').ok}`)).toEqual(theirs);
  });
});

const data = process.env.CONFORMANCE_DATA;

test.skipIf(!data)('all rule files of the field load (skipped without CONFORMANCE_DATA)', () => {
  const folder = join(data!, 'rules');
  const failures: string[] = [];
  let rules = 0;
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.yml'))) {
    const result = checkRuleFile(readFileSync(join(folder, file), 'utf8'), file);
    if (result.ok) rules += result.ruleFile.groups.reduce((n, g) => n + g.rules.length, 0);
    else failures.push(...result.problems.map((p) => p.located));
  }
  expect(failures).toEqual([]);
  expect(rules).toBeGreaterThan(100);
});
