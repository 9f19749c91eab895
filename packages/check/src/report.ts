import { BelfryError, excerpt, nearest } from '@belfry/model';
import type { Problem, Severity } from './problem.ts';
import { reportJunit } from './report-junit.ts';
import { reportSarif } from './report-sarif.ts';
import type { SourceFile } from './source.ts';

export const REPORT_FORMATS = ['text', 'json', 'github', 'sarif', 'junit'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  /** ANSI colours, of text only. */
  readonly colours?: boolean;
}

/**
 * Findings as text in a format, ending in a newline. `sources` give text its source lines; findings in others have none.
 * @throws BelfryError `usage` for a format that there is not
 */
export function report(
  format: string,
  problems: readonly Problem[],
  sources: readonly SourceFile[],
  options: ReportOptions = {},
): string {
  switch (format) {
    case 'text':
      return reportText(problems, sources, options);
    case 'json':
      return `${JSON.stringify(problems, null, 2)}\n`;
    case 'github':
      return reportGithub(problems);
    case 'sarif':
      return reportSarif(problems);
    case 'junit':
      return reportJunit(problems, sources);
  }
  const near = nearest(format, REPORT_FORMATS);
  throw new BelfryError(
    'usage',
    `unknown format ${JSON.stringify(format)}${near ? `, did you mean ${near}?` : ''}; there are ${REPORT_FORMATS.join(', ')}`,
  );
}

const COLOURS: Readonly<Record<Severity | 'dim' | 'bold', string>> = {
  error: '31',
  warning: '33',
  info: '36',
  dim: '2',
  bold: '1',
};

function reportText(
  problems: readonly Problem[],
  sources: readonly SourceFile[],
  { colours = false }: ReportOptions,
): string {
  const paint = (colour: keyof typeof COLOURS, text: string) =>
    colours ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  const byPath = new Map(sources.map((s) => [s.path, s]));
  const blocks = problems.map((p) => {
    const head = `${paint('bold', `${p.path}:${p.line}:${p.column}:`)} ${paint(p.severity, p.severity)}: ${p.message} ${paint('dim', `[${p.check}]`)}`;
    const source = byPath.get(p.path);
    const shown = source ? shownLines(source, p, (caret) => paint(p.severity, caret)) : [];
    const help = p.suggestion ? [`  ${paint('dim', 'help:')} ${p.suggestion.replaceAll('\n', '\n        ')}`] : [];
    return [head, ...shown, ...help].join('\n');
  });
  return `${[...blocks, summary(problems)].join('\n\n')}\n`;
}

/** Longer source lines are shown around the finding only. */
const MAX_SHOWN = 140;

function shownLines(source: SourceFile, p: Problem, paint: (caret: string) => string): string[] {
  const [line = '', caret = ''] = excerpt(source.text, p).split('\n');
  const from = line.length > MAX_SHOWN ? Math.max(0, p.column - 1 - 40) : 0;
  const cut = line.slice(from, from + MAX_SHOWN);
  const number = String(p.line);
  const gutter = ' '.repeat(number.length);
  const shownCaret = caret.slice(from, from + MAX_SHOWN);
  return [
    ` ${number} | ${from > 0 ? '…' : ''}${cut}`,
    ` ${gutter} | ${from > 0 ? ' ' : ''}${shownCaret.replace(/\^+/, paint)}`,
  ];
}

function summary(problems: readonly Problem[]): string {
  if (problems.length === 0) return 'No problems found.';
  const count = (severity: Severity) => problems.filter((p) => p.severity === severity).length;
  const say = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  const fixable = problems.filter((p) => p.fix).length;
  const parts = [say(count('error'), 'error'), say(count('warning'), 'warning'), `${count('info')} info`];
  return `${parts.join(', ')}${fixable > 0 ? `; ${fixable} can be repaired with --fix` : ''}`;
}

const GITHUB_WORD: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'notice' };

/** Workflow commands that GitHub shows beside the lines of a change. */
function reportGithub(problems: readonly Problem[]): string {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return problems
    .map((p) => {
      // GitHub takes columns only within one line, and an end that is inclusive.
      const columns = p.line === p.endLine ? `,col=${p.column},endColumn=${Math.max(p.column, p.endColumn - 1)}` : '';
      const at = `file=${property(p.path)},line=${p.line},endLine=${p.endLine}${columns},title=${property(p.check)}`;
      return `::${GITHUB_WORD[p.severity]} ${at}::${data(p.suggestion ? `${p.message}\n${p.suggestion}` : p.message)}\n`;
    })
    .join('');
}
