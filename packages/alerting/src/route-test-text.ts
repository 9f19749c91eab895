import { excerpt } from '@belfry/model';
import { type SentNotification, showSent } from './route-test.ts';
import type { RouteTestReport } from './route-test-file.ts';

/**
 * The outcome of a file of route tests for a terminal: one line a test, and under those that failed every difference with
 * its place and line, then all that was told. `source` is the file's text, for the lines; absent: without them.
 */
export function routeTestText(report: RouteTestReport, source?: string): string {
  const lines = report.results.flatMap(({ name, ok, problems, sent }) => {
    if (ok) return [`  ok    ${name} (${sent.length} notifications)`];
    const differences = problems.flatMap((p) => [
      ...indent(p.located, '        '),
      ...(source && p.range ? indent(excerpt(source, p.range), '          ') : []),
    ]);
    return [`  FAIL  ${name}`, ...differences, '        told:', ...timeline(sent)];
  });
  return `${report.file}\n${lines.join('\n')}\n`;
}

function timeline(sent: readonly SentNotification[]): string[] {
  return sent.length === 0 ? ['          nothing'] : sent.map((s) => `          ${showSent(s)}`);
}

function indent(text: string, by: string): string[] {
  return text.split('\n').map((line) => `${by}${line}`);
}
