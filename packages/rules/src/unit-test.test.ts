import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { diskFiles } from '@belfry/config';
import { afterAll, describe, expect, test } from 'vitest';
import { formatRuleTests, type RuleTestReport, ruleTestsJson, ruleTestsJunit, runRuleTests } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'belfry-unit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RULES = `groups:
- name: first
  rules:
  - record: job:requests:rate1m
    expr: sum by (job) (rate(requests_total[2m]))
  - record: reads:second
    expr: from:second
- name: second
  query_offset: 1m
  rules:
  - record: from:second
    expr: count(up)
- name: alerts
  rules:
  - alert: InstanceDown
    expr: up == 0
    for: 5m
    keep_firing_for: 2m
    labels: {severity: page, empty: "", where: "{{ $labels.job }}@{{ $externalLabels.region }}"}
    annotations:
      summary: "{{ $labels.instance }} of {{ $labels.job }} down, {{ $value | humanize }}"
      link: "{{ $externalURL }}/x"
      others: '{{ range query "count by (job) (up)" | sortByLabel "job" }}{{ .Labels.job }}={{ .Value }};{{ end }}'
  - alert: Many
    expr: job:requests:rate1m > 1
  - alert: Never
    expr: vector(1) > 2
    for: 1m
    annotations: {summary: "{{ $value }}"}
`;
writeFileSync(join(folder, 'rules.yml'), RULES);
writeFileSync(join(folder, 'broken.yml'), 'groups:\n- name: x\n  rules:\n  - {record: y, expr: "1 +"}\n');

const SERIES = `
  input_series:
  - series: up{job="api", instance="a:1"}
    values: 1 1 0x12 1x10
  - series: up{job="db", instance="b:1"}
    values: 1x30
  - series: requests_total{job="api"}
    values: 0+120x20
`;
const head = 'rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n';
const DOWN =
  '[{exp_labels: {severity: page, job: api, instance: "a:1", where: "api@eu"}, exp_annotations: ' +
  '{summary: "a:1 of api down, 0", link: "http://p/prefix/x", others: "api=1;db=1;"}}]';
const group = (checks: string, more = '') =>
  `- interval: 1m\n  external_labels: {region: eu}\n  external_url: http://p/prefix\n${more}${SERIES.slice(1)}${checks}`;
const alertTest = (time: string, name: string, alerts: string) =>
  `  alert_rule_test:\n  - eval_time: ${time}\n    alertname: ${name}\n    exp_alerts: ${alerts}\n`;
const exprTest = (expr: string, time: string, samples: string) =>
  `  promql_expr_test:\n  - expr: ${expr}\n    eval_time: ${time}\n    exp_samples: ${samples}\n`;

/** Files, and whether they pass; promtool is asked the same below. */
const CASES: [name: string, passes: boolean, text: string][] = [
  ['not firing before its time', true, head + group(alertTest('6m', 'InstanceDown', '[]'))],
  ['firing', true, head + group(alertTest('7m', 'InstanceDown', DOWN))],
  ['firing, between two evaluations', true, head + group(alertTest('7m59s', 'InstanceDown', DOWN))],
  ['kept firing', true, head + group(alertTest('16m', 'InstanceDown', DOWN))],
  ['no longer kept firing', true, head + group(alertTest('17m', 'InstanceDown', '[]'))],
  ['a label missing', false, head + group(alertTest('7m', 'InstanceDown', '[{exp_labels: {severity: page}}]'))],
  ['an alert too many', false, head + group(alertTest('7m', 'InstanceDown', '[]'))],
  ['an alert that is not there', false, head + group(alertTest('1m', 'InstanceDown', '[{}]'))],
  ['an alert that no rule has', true, head + group(alertTest('1m', 'Nobody', '[]'))],
  [
    'a recorded series',
    true,
    head + group(exprTest('job:requests:rate1m', '5m', '[{labels: \'job:requests:rate1m{job="api"}\', value: 2}]')),
  ],
  [
    'ALERTS',
    true,
    head +
      group(
        exprTest(
          'ALERTS',
          '3m',
          '[{labels: \'ALERTS{alertname="InstanceDown", alertstate="pending", instance="a:1", job="api", severity="page", where="api@eu"}\', value: 1}, {labels: \'ALERTS{alertname="Many", alertstate="firing", job="api"}\', value: 1}]',
        ),
      ),
  ],
  [
    'ALERTS_FOR_STATE',
    true,
    head +
      group(
        exprTest(
          'ALERTS_FOR_STATE{alertname="InstanceDown"}',
          '4m',
          '[{labels: \'ALERTS_FOR_STATE{alertname="InstanceDown", instance="a:1", job="api", severity="page", where="api@eu"}\', value: 120}]',
        ),
      ),
  ],
  ['an expression without rules', true, head + group(exprTest('sum(up)', '1m', '[{labels: "{}", value: 2}]'))],
  ['a scalar', true, head + group(exprTest('"1 + 1"', '0m', '[{value: 2}]'))],
  ['a wrong value', false, head + group(exprTest('sum(up)', '1m', '[{labels: "{}", value: 3}]'))],
  [
    'a missing sample',
    false,
    head + group(exprTest('up', '1m', '[{labels: \'up{job="db", instance="b:1"}\', value: 1}]')),
  ],
  ['a string result', false, head + group(exprTest('\'"x"\'', '1m', '[]'))],
  ['a broken expression', false, head + group(exprTest('sum(', '1m', '[]'))],
  ['NaN is not NaN', false, head + group(exprTest('0 / 0', '1m', '[{labels: "{}", value: .nan}]'))],
  ['infinity is', true, head + group(exprTest('1 / 0', '1m', '[{labels: "{}", value: .inf}]'))],
  [
    'order of groups as they are',
    true,
    `group_eval_order: [second, first]\n${head}${group(exprTest('reads:second', '2m', '[{labels: "reads:second", value: 2}]'))}`,
  ],
  [
    'groups in the other order',
    true,
    `group_eval_order: [first, second]\n${head}${group(exprTest('reads:second', '2m', '[{labels: "reads:second", value: 2}]'))}`,
  ],
  ['a group twice in the order', false, `group_eval_order: [first, first]\n${head}${group('')}`],
  ['no alert name', false, `${head}${group('  alert_rule_test: [{eval_time: 1m}]\n')}`],
  ['an unknown field', false, `${head}${group('  alert_rule_tests: []\n')}`],
  ['broken input', false, `${head}- interval: 1m\n  input_series: [{series: "up{", values: "1"}]\n`],
  ['broken rules', false, 'rule_files: [broken.yml]\ntests: [{interval: 1m}]\n'],
  ['broken rules that no test reads', true, 'rule_files: [broken.yml]\n'],
  ['no file matches', true, 'rule_files: ["nothing*.yml"]\ntests: [{interval: 1m}]\n'],
  ['nothing at all', true, ''],
  [
    'samples after the last evaluation are not there',
    true,
    `${head}- interval: 30s\n  input_series: [{series: x, values: "0+1x10"}]\n${exprTest('x', '90s', '[{labels: x, value: 2}]')}`,
  ],
  [
    'stale and missing samples',
    true,
    `${head}- interval: 1m\n  input_series: [{series: x, values: "1 stale _ 4"}]\n  promql_expr_test:\n  - {expr: x, eval_time: 1m, exp_samples: []}\n  - {expr: x, eval_time: 2m, exp_samples: []}\n  - {expr: x, eval_time: 3m, exp_samples: [{labels: x, value: 4}]}\n`,
  ],
  [
    'subqueries step at the evaluation interval',
    true,
    `${head.replace('1m', '5m')}- interval: 1m\n  input_series: [{series: x, values: "0+1x20"}]\n${exprTest('count_over_time(x[12m:])', '20m', '[{labels: "{}", value: 3}]')}`,
  ],
];

const write = (name: string, text: string) => {
  const file = join(folder, `${name.replaceAll(' ', '-')}.test.yml`);
  writeFileSync(file, text);
  return file;
};
const run = (name: string, text: string): Promise<RuleTestReport> =>
  runRuleTests([write(name, text)], { files: diskFiles });
const plain = (text: string) => text.replaceAll(`${folder}/`, '');

test.each(CASES)('%s: passes %s', async (name, passes, text) => {
  const report = await run(name, text);
  expect(report.ok, formatRuleTests(report)).toBe(passes);
});

/** What promtool of Debian 12 does not know yet. */
const NEWER: [name: string, passes: boolean, text: string][] = [
  [
    'neighbouring floats with fuzzy_compare',
    true,
    `fuzzy_compare: true\ntests:\n- interval: 1m\n  promql_expr_test:\n  - {expr: 0.1 + 0.2, exp_samples: [{value: 0.3}]}\n`,
  ],
  [
    'neighbouring floats without',
    false,
    `tests:\n- interval: 1m\n  promql_expr_test:\n  - {expr: 0.1 + 0.2, exp_samples: [{value: 0.3}]}\n`,
  ],
  [
    'distant floats with fuzzy_compare',
    false,
    `fuzzy_compare: true\ntests:\n- interval: 1m\n  promql_expr_test:\n  - {expr: "0.3001", exp_samples: [{value: 0.3}]}\n`,
  ],
  [
    'a start in the field',
    true,
    `tests:\n- interval: 1m\n  start_timestamp: 2024-01-01T00:00:00Z\n  input_series: [{series: x, values: 7x5}]\n  promql_expr_test:\n  - {expr: x, eval_time: 2m, exp_samples: [{labels: x, value: 7}]}\n  - {expr: time(), eval_time: 2m, exp_samples: [{value: 1704067320}]}\n`,
  ],
  [
    'a start in seconds',
    true,
    `tests:\n- interval: 1m\n  start_timestamp: 1704067200\n  promql_expr_test:\n  - {expr: time(), eval_time: 2m, exp_samples: [{value: 1704067320}]}\n`,
  ],
  ['a start that is no time', false, 'tests:\n- start_timestamp: soon\n'],
  [
    'a histogram',
    true,
    `tests:\n- interval: 1m\n  input_series: [{series: h, values: "{{schema:0 count:3 sum:5 buckets:[1 2]}}x3"}]\n  promql_expr_test:\n  - {expr: h, eval_time: 1m, exp_samples: [{labels: h, histogram: "{{schema:0 count:3 sum:5 buckets:[1 2]}}"}]}\n`,
  ],
  [
    'another histogram',
    false,
    `tests:\n- interval: 1m\n  input_series: [{series: h, values: "{{schema:0 count:3 sum:5 buckets:[1 2]}}x3"}]\n  promql_expr_test:\n  - {expr: h, eval_time: 1m, exp_samples: [{labels: h, histogram: "{{schema:0 count:3 sum:5 buckets:[2 1]}}"}]}\n`,
  ],
  [
    'an interval left out',
    true,
    `evaluation_interval: 30s\ntests:\n- input_series: [{series: x, values: 0 1 2}]\n  promql_expr_test:\n  - {expr: x, eval_time: 1m, exp_samples: [{labels: x, value: 2}]}\n`,
  ],
];

test.each(NEWER)('%s: passes %s', async (name, passes, text) => {
  const report = await run(name, text);
  expect(report.ok, formatRuleTests(report)).toBe(passes);
});

test('a failure shows what differs, and where the test stands', async () => {
  const checks = `  alert_rule_test:
  - eval_time: 7m
    alertname: InstanceDown
    exp_alerts:
    - exp_labels: {severity: ticket, job: api, instance: "a:1", where: "api@eu"}
      exp_annotations: {summary: "a:1 of api down, 0", others: "api=1;db=1;"}
    - exp_labels: {job: gone}
  - {eval_time: 6m, alertname: Many, exp_alerts: []}
`;
  const report = await run('diff', `${head}- name: the name\n  ${group(checks).slice(2)}`);
  expect(plain(formatRuleTests(report))).toBe(`Unit Testing:  diff.test.yml
  FAILED:
    diff.test.yml:22:5: name: the name, alertname: Many, time: 6m
        + {alertname="Many", job="api"}
    diff.test.yml:16:5: name: the name, alertname: InstanceDown, time: 7m
        ~ {alertname="InstanceDown", instance="a:1", job="api", severity="ticket", where="api@eu"} summary="a:1 of api down, 0" others="api=1;db=1;"
            label severity: expected "ticket", got "page"
            annotation link: expected none, got "http://p/prefix/x"
        - {alertname="InstanceDown", job="gone"}

`);
});

test('coverage tells what no test touched', async () => {
  const report = await run('coverage', head + group(alertTest('7m', 'Nobody', '[]')));
  expect(plain(formatRuleTests(report, { coverage: true }))).toBe(`Unit Testing:  coverage.test.yml
  SUCCESS

Coverage: 68% (13 of 19)
  rules.yml:15: alert InstanceDown: never resolved
  rules.yml:24: alert Many: never resolved
  rules.yml:26: alert Never: never pending, never firing, never resolved, annotation summary never executed

`);
});

test('the same for machines', async () => {
  const report = await run('machines', head + group(alertTest('7m', 'InstanceDown', '[]')));
  const json = JSON.parse(ruleTestsJson(report));
  expect(json).toMatchObject({
    ok: false,
    files: [{ groups: [{ name: 'unnamed#0', failures: [{ kind: 'alert' }] }] }],
  });
  expect(json.coverage.rules).toHaveLength(6);
  const junit = ruleTestsJunit(report);
  expect(junit).toContain('<testsuite name="');
  expect(junit).toContain('tests="1" failures="1" errors="0"');
  expect(junit).toMatch(/<failure message="alertname: InstanceDown, time: 7m">/);
  expect(ruleTestsJunit(await run('x', 'nonsense: 1'))).toContain('errors="1"');
});

test('a single group can be picked', async () => {
  const text = `${head}- {name: good, interval: 1m}\n- name: bad\n  ${group(exprTest('1', '0m', '[]')).slice(2)}`;
  const file = write('pick', text);
  expect((await runRuleTests([file], { files: diskFiles, run: /good/ })).ok).toBe(true);
  expect((await runRuleTests([file], { files: diskFiles })).ok).toBe(false);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

describe.skipIf(!hasPromtool)('promtool test rules (skipped where promtool is not installed)', () => {
  test('gives the same verdicts', async () => {
    // The one of Debian 12 is too old for query_offset.
    const old = join(folder, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'rules.yml'), RULES.replace('  query_offset: 1m\n', ''));
    copyFileSync(join(folder, 'broken.yml'), join(old, 'broken.yml'));
    const theirs: string[] = [];
    const ours: string[] = [];
    for (const [name, , text] of CASES) {
      const file = join(old, `${name.replaceAll(' ', '-')}.yml`);
      writeFileSync(file, text);
      const result = spawnSync('promtool', ['test', 'rules', basename(file)], { cwd: old, encoding: 'utf8' });
      theirs.push(`${name}: ${result.status === 0}`);
      ours.push(`${name}: ${(await runRuleTests([file], { files: diskFiles })).ok}`);
    }
    expect(ours).toEqual(theirs);
  });
});
