import type { Problem } from './problem.ts';
import type { SourceFile } from './source.ts';

/** A test suite a file, a failed case a finding; information is no failure. A file without findings passes. */
export function reportJunit(problems: readonly Problem[], sources: readonly SourceFile[]): string {
  const paths = [...new Set([...sources.map((s) => s.path), ...problems.map((p) => p.path)])].sort();
  const suites = paths.map((path) =>
    suite(
      path,
      problems.filter((p) => p.path === path),
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="belfry check">\n${suites.join('')}</testsuites>\n`;
}

function suite(path: string, problems: readonly Problem[]): string {
  const failures = problems.filter((p) => p.severity !== 'info').length;
  const head = `  <testsuite name="${escapeXml(path)}" tests="${Math.max(1, problems.length)}" failures="${failures}">\n`;
  const cases = problems.length > 0 ? problems.map(testcase).join('') : '    <testcase name="no findings"/>\n';
  return `${head}${cases}  </testsuite>\n`;
}

function testcase(p: Problem): string {
  const name = escapeXml(`${p.check} at ${p.line}:${p.column}`);
  const text = escapeXml(
    `${p.path}:${p.line}:${p.column}: ${p.severity}: ${p.message}${p.suggestion ? `\n${p.suggestion}` : ''}`,
  );
  const body =
    p.severity === 'info'
      ? `<system-out>${text}</system-out>`
      : `<failure type="${p.severity}" message="${escapeXml(p.message)}">${text}</failure>`;
  return `    <testcase name="${name}" classname="${escapeXml(p.path)}">${body}</testcase>\n`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replace(/\p{Cc}/gu, '\ufffd');
}
