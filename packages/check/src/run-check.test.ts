import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyFixes, type CheckOptions, readSuppressions, report, runCheck, sourceFile } from './index.ts';

const files = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(([path, text]) => sourceFile(path, text));
const check = async (all: Readonly<Record<string, string>>, options: Omit<CheckOptions, 'files'> = {}) =>
  (await runCheck({ files: files(all), ...options })).problems;
const found = async (all: Readonly<Record<string, string>>, ...only: string[]) =>
  (await check(all, { only })).map((p) => `${p.path}:${p.line}:${p.column}-${p.endLine}:${p.endColumn} ${p.check}`);

const RULES = `groups:
  - name: shop
    rules:
      - alert: Errors
        expr: |
          rate(errors_total[5m])
            by (job)
        labels: { severity: warning }
        annotations: { summary: Errors }
`;

describe('one finding from end to end', () => {
  test('an error in a block scalar is told at its own line, and makes the exit code 1', async () => {
    const sources = files({ 'rules.yml': RULES });
    const { problems, exitCode } = await runCheck({ files: sources, only: ['parse-error'] });
    expect(exitCode).toBe(1);
    expect(report('text', problems, sources)).toBe(`rules.yml:7:13: error: unexpected <by> [parse-error]
 7 |             by (job)
   |             ^^
  help: by (job) belongs to an aggregation, such as \`sum by (job) (rate(errors_total[5m]))\`

1 error, 0 warnings, 0 info
`);
  });

  test('without an error the exit code is 0', async () => {
    const sound = RULES.replace(
      'rate(errors_total[5m])\n            by (job)',
      'sum by (job) (rate(errors_total[5m])) > 1',
    );
    expect((await runCheck({ files: files({ 'rules.yml': sound }) })).exitCode).toBe(0);
  });
});

describe('places through every wrapping', () => {
  test('a dashboard: escapes in JSON', async () => {
    const json = '{"title": "T", "panels": [{"type": "stat", "targets": [{"expr": "up{a=\\"\\u0062\\"} by (x)"}]}]}';
    expect(await found({ 'd.json': json }, 'parse-error')).toEqual([
      `d.json:1:${json.indexOf('by (') + 1}-1:${json.indexOf('by (') + 3} parse-error`,
    ]);
  });

  test('a dashboard in its envelope, in a ConfigMap, of several documents', async () => {
    const yaml = `kind: Service
apiVersion: v1
---
apiVersion: v1
kind: ConfigMap
metadata: { name: d }
data:
  d.json: |
    {"dashboard": {"title": "T",
      "panels": [{"targets": [{"expr": "rate(a[5m]) by (b)"}]}]}}
`;
    expect(await found({ 'd.yaml': yaml }, 'parse-error')).toEqual(['d.yaml:10:53-10:55 parse-error']);
  });

  test('a rule of a PrometheusRule, folded and quoted', async () => {
    const yaml = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
spec:
  groups:
    - name: a
      rules:
        - alert: A
          expr: "rate(a[5m])
            by (b)"
        - alert: B
          expr: >-
            rate(a[5m])
            by (b)
        - alert: C
          expr: 'up{a=''b''} by (c)'
`;
    expect(await found({ 'd.yaml': yaml }, 'parse-error')).toEqual([
      'd.yaml:9:13-9:15 parse-error',
      'd.yaml:13:13-13:15 parse-error',
      'd.yaml:15:30-15:32 parse-error',
    ]);
  });

  test('Markdown: fences, heredocs, tables', async () => {
    const md = `# Doc

\`\`\`promql
# a comment
rate(a_total[5m]) by (b)

up
\`\`\`

\`\`\`bash
cat > rules.yml << 'EOF'
groups:
  - name: a
    rules:
      - alert: A
        expr: rate(a_total[5m]) by (b)
EOF
curl http://127.0.0.1:9093/api/v1/alerts -d 'query=up by (a)'
\`\`\`
`;
    expect(await found({ 'a.md': md }, 'parse-error', 'deprecated-field')).toEqual([
      'a.md:5:19-5:21 parse-error',
      'a.md:16:33-16:35 parse-error',
      'a.md:18:22-18:41 deprecated-field',
      'a.md:18:55-18:57 parse-error',
    ]);
  });

  test('windows line ends do not move anything', async () => {
    const at = await found({ 'rules.yml': RULES.replaceAll('\n', '\r\n') }, 'parse-error');
    expect(at).toEqual(['rules.yml:7:13-7:15 parse-error']);
  });
});

describe('variables of Grafana', () => {
  const panel = (expr: string) => ({
    'd.json': JSON.stringify({
      title: 'T',
      templating: {
        list: [
          { name: 'job', type: 'custom' },
          { name: 'n', type: 'custom' },
          { name: 'w', type: 'interval' },
        ],
      },
      panels: [{ type: 'stat', title: 'P', targets: [{ refId: 'A', expr }] }],
    }),
  });
  test.each([
    'sum(rate(a_total{job=~"$job"}[$__rate_interval]))',
    'sum(rate(a_total{job=~"${job:regex}"}[$w]))',
    'topk($n, a)',
    'sum by ($job) (a)',
    'a{job="[[job]]"} offset $w',
    'increase(a_total[$__range]) / $__range_s',
    '$n * a > ${n}',
    'rate(a_total[${w}])',
  ])('%s is sound', async (expr) => {
    expect(await found(panel(expr), 'parse-error', 'variable-undefined')).toEqual([]);
  });
  test('what is wrong besides is still found', async () => {
    expect((await found(panel('sum(rate(a_total{job=~"$job"}[5m]) by (x)'), 'parse-error')).length).toBe(1);
  });
});

describe('disabling', () => {
  const rules = (comment: string, trailing = '') => ({
    'rules.yml': `groups:
  - name: a
    rules:
      ${comment}
      - record: shop_errors
        expr: sum(up) ${trailing}
      - record: shop_others
        expr: sum(up)
`,
  });
  test('a comment before a rule is for that rule', async () => {
    const problems = await check(rules('# belfry:disable recording-name the old dashboards use it'), {
      only: ['recording-name'],
    });
    expect(problems.map((p) => p.line)).toEqual([7]);
  });
  test('disable-file is for the file', async () => {
    const problems = await check(rules('# belfry:disable-file recording-name old names'), { only: ['recording-name'] });
    expect(problems).toEqual([]);
  });
  test('without a reason it disables nothing and is told', async () => {
    const problems = await check(rules('# belfry:disable recording-name'), {
      only: ['recording-name', 'disable-comment'],
    });
    expect(problems.map((p) => p.check)).toEqual(['disable-comment', 'recording-name', 'recording-name']);
  });
  test('of an unknown check it is told', async () => {
    const problems = await check(rules('# belfry:disable recording-nam why'), { only: ['disable-comment'] });
    expect(problems[0]?.message).toContain('there is no recording-nam');
  });
  test('in Markdown it is for the next fence', async () => {
    const md = (comment: string) =>
      `${comment}\n\n\`\`\`promql\nup by (a)\n\`\`\`\n\n\`\`\`promql\nup by (b)\n\`\`\`\n`;
    expect(await found({ 'a.md': md('<!-- belfry:disable parse-error shown as wrong -->') }, 'parse-error')).toEqual([
      'a.md:8:4-8:6 parse-error',
    ]);
  });
  test('by configuration, for files without comments', async () => {
    const json = { 'x/d.json': '{"title": "T", "panels": [{"targets": [{"expr": "up by (x)"}]}]}' };
    const disabled = [{ check: 'parse-error', path: 'x/*.json', reason: 'an example' }];
    expect(await check(json, { only: ['parse-error'], disabled })).toEqual([]);
    expect(
      (await check(json, { only: ['parse-error'], disabled: [{ ...disabled[0]!, path: 'y/*.json' }] })).length,
    ).toBe(1);
  });
});

describe('repairing', () => {
  const repaired = async (name: string, text: string, ...only: string[]) => {
    const file = sourceFile(name, text);
    const { problems } = await runCheck({ files: [file], only });
    return applyFixes(file, problems);
  };
  test('match becomes matchers, and the result has the same meaning', async () => {
    const text = `route:
  receiver: a
  routes:
    - match:
        severity: critical
        team: "a b"
      receiver: a
    - match_re: { service: "x|y" }
      receiver: a
receivers:
  - name: a
`;
    const { text: now, applied } = await repaired('alertmanager.yml', text, 'deprecated-field');
    expect(applied).toBe(2);
    expect(now).toBe(`route:
  receiver: a
  routes:
    - matchers: ['severity="critical"', 'team="a b"']
      receiver: a
    - matchers: ['service=~"x|y"']
      receiver: a
receivers:
  - name: a
`);
    expect(
      (await runCheck({ files: [sourceFile('alertmanager.yml', now)], only: ['deprecated-field', 'config-schema'] }))
        .problems,
    ).toEqual([]);
  });
  test('parentheses around a denominator', async () => {
    const md = '```promql\nsum(a) / sum(a) + sum(b)\n```\n';
    expect((await repaired('a.md', md, 'precedence-suspicious')).text).toBe(
      '```promql\nsum(a) / (sum(a) + sum(b))\n```\n',
    );
  });
  test('text that was decoded twice', async () => {
    expect((await repaired('a.md', 'cafÃ© and naÃ¯ve\n', 'mojibake')).text).toBe('café and naïve\n');
  });
});

describe('sound rules that people use', () => {
  const data = process.env.CONFORMANCE_DATA;
  const folder = data ? join(data, 'rules') : '';
  test.skipIf(!data || !existsSync(folder))('have no finding of severity error (needs CONFORMANCE_DATA)', async () => {
    const all = readdirSync(folder).filter((f) => f.endsWith('.yml'));
    expect(all.length).toBeGreaterThan(10);
    for (const name of all) {
      const sources = [sourceFile(name, readFileSync(join(folder, name), 'utf8'))];
      const { problems } = await runCheck({ files: sources, minSeverity: 'error' });
      expect(report('text', problems, sources)).toBe('No problems found.\n');
    }
  });
});

describe('files that only look like others', () => {
  test.each([
    ['a test of rules', 'rule_files: [a.yml]\nevaluation_interval: 1m\ntests: []\n'],
    [
      'Grafana’s own alerting',
      'apiVersion: 1\ngroups:\n  - orgId: 1\n    name: a\n    folder: b\n    rules:\n      - uid: x\n        title: t\n',
    ],
    [
      'Promtail',
      'clients: [{url: "http://127.0.0.1/loki"}]\nscrape_configs:\n  - job_name: a\n    pipeline_stages: []\n',
    ],
    [
      'rules of Loki',
      'groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: sum(rate({job="a"} |= "error" [5m])) > 1\n',
    ],
    ['a compose file', 'services:\n  a:\n    image: b\n'],
  ])('%s', async (_, text) => {
    expect(await check({ 'a.yml': text }, { minSeverity: 'error' })).toEqual([]);
  });

  test('a Secret with stringData is read, a Helm template is not', async () => {
    const secret =
      'apiVersion: v1\nkind: Secret\nstringData:\n  alertmanager.yaml: |\n    route: { receiver: x }\n    receivers: []\n';
    expect(await found({ 's.yaml': secret }, 'config-schema')).toHaveLength(1);
    const helm = 'groups:\n{{- range .Values.groups }}\n  - name: {{ . }}\n{{- end }}\n';
    const problems = await check({ 'h.yaml': helm }, { only: ['yaml-syntax'] });
    expect(problems.map((p) => p.severity)).toEqual(['info']);
  });
});

test('the configuration of what is disabled is read strictly', () => {
  expect(readSuppressions('disable:\n  - { check: mojibake, reason: old }\n', 'c.yml')).toEqual([
    { check: 'mojibake', reason: 'old' },
  ]);
  const read = (text: string) => () => readSuppressions(text, 'c.yml');
  expect(read('disable:\n  - { check: mojibak, reason: old }\n')).toThrow(/did you mean mojibake/);
  expect(read('disable:\n  - { check: mojibake }\n')).toThrow(/reason/);
  expect(read('disabled: []\n')).toThrow(/disabled/);
});
