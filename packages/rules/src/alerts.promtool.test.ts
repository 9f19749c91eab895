import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskFiles } from '@belfry/config';
import { formatLabels, seededRandom } from '@belfry/model';
import { expect, test } from 'vitest';
import { runRuleTests } from './index.ts';

const MINUTES = 60;
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** Series that come, go and change at random, and rules that wait and hold for random times. */
function simulation(seed: number) {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const values = () =>
    Array.from({ length: MINUTES }, () => {
      const kind = random();
      return kind < 0.1 ? '_' : kind < 0.15 ? 'stale' : String(below(3));
    }).join(' ');
  const series = ['a', 'b', 'c'].map((job) => ({ series: `x{job="${job}"}`, values: values() }));
  const rules = Array.from({ length: 6 }, (_, i) => ({
    alert: `A${i % 5}`,
    expr: ['x > 0', 'x > 1', 'x == 0', 'sum by (job) (x) > 1', 'absent(x{job="a"})', 'x < 2'][i],
    for: `${below(4)}m`,
    keep_firing_for: `${below(4)}m`,
    labels: { rule: `${i}` },
  }));
  const names = ['ALERTS', 'ALERTS_FOR_STATE', 'count(ALERTS) by (alertname)'];
  return {
    rules: { groups: [{ name: 'g', rules }] },
    tests: {
      rule_files: ['rules.yml'],
      tests: [
        {
          interval: '1m',
          input_series: series,
          promql_expr_test: Array.from({ length: MINUTES }, (_, minute) =>
            // What nothing equals fails every test, so that both tell what they have.
            names.map((expr) => ({ expr, eval_time: `${minute}m`, exp_samples: [{ labels: 'never', value: 1 }] })),
          ).flat(),
        },
      ],
    },
  };
}

/** `labels value` of each test that promtool reports, in order. */
function reported(output: string): string[][] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('        got: '))
    .map((line) => [...line.matchAll(/(\{.*?\}) ([0-9.E+-]+)(?:, |$)/g)].map((m) => `${m[1]} ${Number(m[2])}`).sort());
}

test.skipIf(!hasPromtool).each([1, 2, 3, 4, 5, 6])(
  'alerts live as in Prometheus, minute by minute: seed %i (skipped where promtool is not installed)',
  async (seed) => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-alerts-'));
    try {
      const { rules, tests } = simulation(seed);
      writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules));
      const file = join(folder, 'test.yml');
      writeFileSync(file, JSON.stringify(tests));
      const theirs = reported(spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' }).stderr);
      const report = await runRuleTests([file], { files: diskFiles });
      const ours = report.files[0]!.groups[0]!.failures.map((failure) =>
        failure.kind === 'expression'
          ? failure.got.map((s) => `${bracesOnly(formatLabels(s.labels))} ${s.value}`).sort()
          : [failure.kind],
      );
      expect(ours).toEqual(theirs);
      expect(theirs).toHaveLength(3 * MINUTES);
      expect(theirs.flat().length).toBeGreaterThan(100);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

/** promtool writes the metric's name among the labels. */
function bracesOnly(text: string): string {
  const match = /^([A-Z_]+)\{(.*)\}$/.exec(text);
  return match ? `{__name__="${match[1]}", ${match[2]}}` : text;
}
