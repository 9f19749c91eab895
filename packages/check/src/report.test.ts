import { BelfryError } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import { type Problem, report, sourceFile } from './index.ts';

const source = sourceFile('rules/a.yml', 'groups:\n  - name: x\n    expr: rate(a) by (b)\n');
const problem: Problem = {
  path: 'rules/a.yml',
  line: 3,
  column: 19,
  endLine: 3,
  endColumn: 21,
  check: 'parse-error',
  severity: 'error',
  message: 'unexpected <by>',
  suggestion: 'sum by (b) (rate(a))',
  url: 'docs/checks/parse-error.md',
};
const note: Problem = {
  ...problem,
  check: 'recording-name',
  severity: 'info',
  message: '100%: "a" & b',
  line: 2,
  column: 5,
};

describe('reporters', () => {
  test('text has the source line, a caret under it, and a summary', () => {
    expect(report('text', [problem], [source])).toBe(`rules/a.yml:3:19: error: unexpected <by> [parse-error]
 3 |     expr: rate(a) by (b)
   |                   ^^
  help: sum by (b) (rate(a))

1 error, 0 warnings, 0 info
`);
    expect(report('text', [], [])).toBe('No problems found.\n');
  });

  test('text in colours is the same text', () => {
    const coloured = report('text', [problem], [source], { colours: true });
    expect(coloured).toContain('\u001b[31merror\u001b[0m');
    const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    expect(coloured.replace(colour, '')).toBe(report('text', [problem], [source]));
  });

  test('json is exactly the array of findings', () => {
    expect(JSON.parse(report('json', [problem, note], [source]))).toEqual([problem, note]);
    expect(report('json', [], [])).toBe('[]\n');
  });

  test('github escapes what its commands give a meaning', () => {
    expect(report('github', [problem, note], [source])).toBe(
      '::error file=rules/a.yml,line=3,endLine=3,col=19,endColumn=20,title=parse-error::unexpected <by>%0Asum by (b) (rate(a))\n' +
        '::notice file=rules/a.yml,line=2,endLine=3,title=recording-name::100%25: "a" & b%0Asum by (b) (rate(a))\n',
    );
  });

  test('sarif names the rule and the region', () => {
    const log = JSON.parse(report('sarif', [problem], [source]));
    expect(log.version).toBe('2.1.0');
    const [run] = log.runs;
    expect(run.tool.driver.rules[0].id).toBe('parse-error');
    expect(run.results[0]).toMatchObject({ ruleId: 'parse-error', ruleIndex: 0, level: 'error' });
    expect(run.results[0].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'rules/a.yml' },
      region: { startLine: 3, startColumn: 19, endLine: 3, endColumn: 21 },
    });
  });

  test('junit has a suite a file; information does not fail', () => {
    expect(report('junit', [problem, note], [source, sourceFile('b.yml', '')])).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="belfry check">
        <testsuite name="b.yml" tests="1" failures="0">
          <testcase name="no findings"/>
        </testsuite>
        <testsuite name="rules/a.yml" tests="2" failures="1">
          <testcase name="parse-error at 3:19" classname="rules/a.yml"><failure type="error" message="unexpected &lt;by&gt;">rules/a.yml:3:19: error: unexpected &lt;by&gt;&#10;sum by (b) (rate(a))</failure></testcase>
          <testcase name="recording-name at 2:5" classname="rules/a.yml"><system-out>rules/a.yml:2:5: info: 100%: &quot;a&quot; &amp; b&#10;sum by (b) (rate(a))</system-out></testcase>
        </testsuite>
      </testsuites>
      "
    `);
  });

  test('an unknown format is misuse', () => {
    expect(() => report('jsno', [], [])).toThrow(BelfryError);
    expect(() => report('jsno', [], [])).toThrow(/did you mean json/);
  });
});
