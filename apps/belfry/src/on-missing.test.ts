/** What alerts do about missing data, as built: on virtual time, and by promtool. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { diskFiles } from '@belfry/config';
import { systemClock } from '@belfry/model';
import { formatRuleTests, runRuleTests } from '@belfry/rules';
import { alert, build, type OnMissing, pack, ruleGroup } from '@belfry/sdk';
import { afterAll, describe, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'belfry-on-missing-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const promtool = spawnSync('sh', ['-c', 'command -v promtool']).status === 0;

const texts = { severity: 'critical', summary: '{{ $labels.tank }} {{ $value }}', description: 'd' } as const;
const made = (name: string, expr: string, onMissing: OnMissing, window: '0s' | '2m' = '0s') =>
  alert(name, {
    query: { kind: 'query', text: expr, metrics: [], binding: 3 },
    for: window,
    onMissing,
    missingFor: '30m',
    ...texts,
  });

const rules = ruleGroup('tanks', '1m', [
  made('HighResolve', 'level > 90', 'resolve'),
  made('HighKeep', 'level > 90', 'keep'),
  made('HighKeepFlipped', '90 < level', 'keep'),
  made('HighAlert', 'level > 90', 'alert'),
  made('HighAlertFor', 'level > 90', 'alert', '2m'),
  made('OverKeep', 'level > on (tank) limit', 'keep'),
  made('OverAlert', 'level > on (tank) limit', 'alert'),
]);
const files = build([pack({ name: 'tanks', title: 'Tanks', directory, catalogues: [], rules: [rules], scrape: [] })]);
for (const { path, text } of files) {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

/** `full` vanishes full at 5m and comes back empty at 20m; `low` vanishes low at 5m for good; `ok` stays. */
const SERIES = `
  - {series: 'level{tank="full"}', values: '95x5 _x14 10x100'}
  - {series: 'level{tank="low"}', values: '20x5 _x115'}
  - {series: 'level{tank="ok"}', values: '30x120'}
  - {series: 'limit{tank="full"}', values: '90x120'}
  - {series: 'limit{tank="low"}', values: '90x120'}
  - {series: 'limit{tank="ok"}', values: '90x120'}`;

const expected = (time: string, alertname: string, tanks: readonly (readonly [tank: string, value: string])[]) =>
  `  - eval_time: ${time}\n    alertname: ${alertname}\n    exp_alerts:\n${tanks
    .map(
      ([tank, value]) =>
        `    - {exp_labels: {severity: critical, pack: tanks, tank: ${tank}}, exp_annotations: {summary: '${tank} ${value}', description: d}}\n`,
    )
    .join('')}`;

// A series counts as present for five minutes after its last sample: from 5m on nothing comes, and at 10m it is gone.
const CASES: readonly (readonly [mode: string, checks: readonly string[]])[] = [
  [
    'resolve: no data ends the alert',
    [
      expected('3m', 'HighResolve', [['full', '95']]),
      expected('15m', 'HighResolve', []),
      expected('25m', 'HighResolve', []),
    ],
  ],
  [
    'keep: what was high stays high until data says otherwise; what was low does not begin',
    ['HighKeep', 'HighKeepFlipped'].flatMap((name) => [
      expected('3m', name, [['full', '95']]),
      expected('15m', name, [['full', '95']]),
      expected('25m', name, []),
    ]),
  ],
  [
    'alert: whatever vanishes alerts, with its last value, until it is back or taken for gone',
    [
      expected('3m', 'HighAlert', [['full', '95']]),
      expected('15m', 'HighAlert', [
        ['full', '95'],
        ['low', '20'],
      ]),
      expected('25m', 'HighAlert', [['low', '20']]),
      expected('60m', 'HighAlert', []),
      expected('11m', 'HighAlertFor', [['full', '95']]),
      expected('15m', 'HighAlertFor', [
        ['full', '95'],
        ['low', '20'],
      ]),
    ],
  ],
  [
    'comparisons of two vectors: whether it held is what is remembered',
    [
      expected('3m', 'OverKeep', [['full', '95']]),
      expected('15m', 'OverKeep', [['full', '1']]),
      expected('25m', 'OverKeep', []),
      expected('15m', 'OverAlert', [
        ['full', '1'],
        ['low', '0'],
      ]),
      expected('60m', 'OverAlert', []),
    ],
  ],
];

describe.each(CASES)('%s', (mode, checks) => {
  const file = join(directory, `${mode.split(':')[0]}-test.yml`);
  writeFileSync(
    file,
    `rule_files: [rules/tanks-tanks.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:${SERIES}\n  alert_rule_test:\n${checks.join('')}`,
  );
  test('on virtual time', async () => {
    const report = await runRuleTests([file], { files: diskFiles, clock: systemClock });
    expect(report.ok, formatRuleTests(report)).toBe(true);
  });
  test.skipIf(!promtool)('by promtool', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });
});

test.skipIf(!promtool)('promtool accepts the rules', () => {
  const file = join(directory, 'rules/tanks-tanks.yml');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
});

test('a condition that compares nothing is refused', () => {
  expect(() => made('X', 'level', 'keep')).toThrow(
    "alert X: onMissing: 'keep' needs a comparison such as `x > 5` as its condition, which level is not",
  );
  expect(() => made('X', 'a > 1 and b > 1', 'alert')).toThrow('needs a comparison');
  expect(() => made('X', 'a > 1 and b > 1', 'resolve')).not.toThrow();
});
