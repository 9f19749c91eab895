import { formatDuration, messageOf } from '@belfry/model';
import { uncovered } from './coverage.ts';
import type { RuleTestFailure, RuleTestFileResult, RuleTestReport } from './unit-test.ts';
import { alertText, sampleText } from './unit-test-diff.ts';

/** As promtool tells it, with differences instead of whole lists. */
export function formatRuleTests(report: RuleTestReport, options: { readonly coverage?: boolean } = {}): string {
  const lines: string[] = [];
  for (const file of report.files) {
    lines.push(`Unit Testing:  ${file.file}`);
    for (const warning of file.warnings) lines.push(`  WARNING: ${warning}`);
    lines.push(...(file.ok ? ['  SUCCESS'] : ['  FAILED:', ...failureLines(file)]), '');
  }
  if (options.coverage) lines.push(...coverageLines(report));
  return `${lines.join('\n')}\n`;
}

function failureLines(file: RuleTestFileResult): string[] {
  const lines = file.problems.map((problem) => `    ${messageOf(problem)}`);
  for (const { name, failures } of file.groups) {
    for (const failure of failures) {
      lines.push(`    ${place(file.file, failure)}name: ${name}, ${headline(failure)}`);
      lines.push(...details(failure).map((line) => `        ${line}`));
    }
  }
  return lines;
}

function place(file: string, failure: RuleTestFailure): string {
  return failure.range ? `${file}:${failure.range.line}:${failure.range.column}: ` : '';
}

function headline(failure: RuleTestFailure): string {
  switch (failure.kind) {
    case 'setup':
      return failure.message;
    case 'evaluation':
      return `rule: ${failure.rule}, time: ${formatDuration(failure.timeMs)}, err: ${failure.message}`;
    case 'alert':
      return `alertname: ${failure.alertname}, time: ${formatDuration(failure.timeMs)}`;
    case 'expression': {
      const base = `expr: ${JSON.stringify(failure.expr)}, time: ${formatDuration(failure.timeMs)}`;
      return failure.message === undefined ? base : `${base}, err: ${failure.message}`;
    }
  }
}

function details(failure: RuleTestFailure): readonly string[] {
  if (failure.kind !== 'alert' && failure.kind !== 'expression') return [];
  if (failure.kind === 'expression' && failure.message !== undefined) return [];
  const nothing = failure.got.length === 0 ? ['(nothing there)'] : [];
  return [...failure.diff, ...nothing];
}

function coverageLines({ coverage }: RuleTestReport): string[] {
  const percent = coverage.total === 0 ? 100 : Math.floor((100 * coverage.covered) / coverage.total);
  const lines = [`Coverage: ${percent}% (${coverage.covered} of ${coverage.total})`];
  for (const rule of coverage.rules) {
    const open = uncovered(rule);
    if (open.length === 0) continue;
    lines.push(
      `  ${rule.file}:${rule.line}: ${rule.kind === 'alert' ? 'alert' : 'record'} ${rule.name}: ${open.join(', ')}`,
    );
  }
  return [...lines, ''];
}

/** For machines: every result and the coverage. */
export function ruleTestsJson(report: RuleTestReport): string {
  const files = report.files.map((file) => ({
    file: file.file,
    ok: file.ok,
    warnings: file.warnings,
    problems: file.problems.map((p) => ({ message: p.message, file: p.file, range: p.range })),
    groups: file.groups.map((group) => ({
      name: group.name,
      durationMs: group.durationMs,
      failures: group.failures.map(failureJson),
    })),
  }));
  return `${JSON.stringify({ ok: report.ok, files, coverage: report.coverage }, null, 2)}\n`;
}

function failureJson(failure: RuleTestFailure): object {
  const headlineText = headline(failure);
  if (failure.kind === 'alert') {
    const { expected, got, ...rest } = failure;
    return { ...rest, message: headlineText, expected: expected.map(alertText), got: got.map(alertText) };
  }
  if (failure.kind === 'expression') {
    const { expected, got, message, ...rest } = failure;
    const error = message === undefined ? {} : { error: message };
    return { ...rest, ...error, message: headlineText, expected: expected.map(sampleText), got: got.map(sampleText) };
  }
  return { ...failure, message: headlineText };
}

/** For continuous integration: a suite a file, a case a test group. */
export function ruleTestsJunit(report: RuleTestReport): string {
  const suites = report.files.map(junitSuite);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('')}</testsuites>\n`;
}

function junitSuite(file: RuleTestFileResult): string {
  const failed = file.groups.filter((g) => g.failures.length > 0).length;
  const cases = file.groups.map(({ name, failures, durationMs }) => {
    const head = `    <testcase classname="${xml(file.file)}" name="${xml(name)}" time="${(durationMs / 1000).toFixed(3)}"`;
    if (failures.length === 0) return `${head}/>\n`;
    const inner = failures.map((failure) => {
      const text = details(failure).join('\n');
      return `      <failure message="${xml(headline(failure))}">${xml(`${place(file.file, failure)}\n${text}`.trim())}</failure>\n`;
    });
    return `${head}>\n${inner.join('')}    </testcase>\n`;
  });
  const problems = file.problems.map(
    (p) =>
      `    <testcase classname="${xml(file.file)}" name="load"><error message="${xml(messageOf(p))}"/></testcase>\n`,
  );
  const counts = `tests="${cases.length + problems.length}" failures="${failed}" errors="${problems.length}"`;
  return `  <testsuite name="${xml(file.file)}" ${counts}>\n${problems.join('')}${cases.join('')}  </testsuite>\n`;
}

const XML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

function xml(text: string): string {
  // What XML 1.0 cannot hold at all becomes the sign for something unreadable.
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be replaced
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"\n]/g, (char) => XML_ESCAPES[char]!)
  );
}
