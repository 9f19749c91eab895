import { type Problem, urlOf } from './problem.ts';
import type { SourceFile } from './source.ts';

/** Lines of a file in which a check says nothing. */
export interface Suppression {
  readonly path: string;
  readonly check: string;
  readonly reason: string;
  /** 1-based, inclusive. */
  readonly from: number;
  readonly to: number;
}

/** In `.belfry-check.yml`, for formats without comments. Absent `path`: everywhere. It may hold `*`. */
export interface ConfiguredSuppression {
  readonly check: string;
  readonly path?: string | undefined;
  /** A text that the message contains. */
  readonly matching?: string | undefined;
  readonly reason: string;
}

const COMMENT = /(?:#|\/\/|<!--)\s*belfry:(disable(?:-file)?)\b[ \t]*([\w-]*)[ \t]*(.*?)\s*(?:-->)?\s*$/;

/**
 * The comments of a file that disable checks. After code, one is for its line; on a line of its own, for what follows: the
 * next line and those indented deeper, in Markdown the next paragraph or fence; `disable-file` for the whole file.
 * One without a reason, or for a check that does not exist, disables nothing and is told.
 */
export function suppressionsOf(
  file: SourceFile,
  known: ReadonlySet<string>,
): { readonly active: readonly Suppression[]; readonly problems: readonly Problem[] } {
  if (!file.text.includes('belfry:disable')) return { active: [], problems: [] };
  const active: Suppression[] = [];
  const problems: Problem[] = [];
  const lines = file.text.split('\n');
  const markdown = /\.(?:md|markdown)$/i.test(file.path);
  lines.forEach((text, i) => {
    const match = COMMENT.exec(text);
    if (!match) return;
    const [, word, check = '', reason = ''] = match;
    const fault = known.has(check)
      ? reason === '' && `belfry:disable ${check} gives no reason; write why after the name of the check`
      : `belfry:disable names no check: ${check === '' ? 'nothing follows' : `there is no ${check}`}`;
    if (fault) {
      problems.push({
        path: file.path,
        line: i + 1,
        column: match.index + 1,
        endLine: i + 1,
        endColumn: text.length + 1,
        check: 'disable-comment',
        severity: 'warning',
        message: fault,
        url: urlOf('disable-comment'),
      });
      return;
    }
    const own = text.slice(0, match.index).trim() === '';
    const from = word === 'disable-file' ? 1 : i + 1;
    const to =
      word === 'disable-file' ? lines.length : !own ? i + 1 : markdown ? paragraphEnd(lines, i) : blockEnd(lines, i);
    active.push({ path: file.path, check, reason, from, to });
  });
  return { active, problems };
}

const indentOf = (line: string) => line.length - line.trimStart().length;

/** The last line of what follows a comment: its first line of code, and all below it that are indented deeper. */
function blockEnd(lines: readonly string[], comment: number): number {
  let first = comment + 1;
  while (first < lines.length && /^\s*(?:#.*|\/\/.*)?$/.test(lines[first]!)) first++;
  const indent = indentOf(lines[first] ?? '');
  let end = first;
  while (end + 1 < lines.length && (lines[end + 1]!.trim() === '' || indentOf(lines[end + 1]!) > indent)) end++;
  return end + 1;
}

function paragraphEnd(lines: readonly string[], comment: number): number {
  let at = comment + 1;
  while (at < lines.length && lines[at]!.trim() === '') at++;
  const fence = /^\s*(`{3,}|~{3,})/.exec(lines[at] ?? '')?.[1];
  if (fence) {
    for (at++; at < lines.length && !lines[at]!.trim().startsWith(fence); at++);
    return at + 1;
  }
  while (at < lines.length && lines[at]!.trim() !== '') at++;
  return at;
}

/** Whether a finding is disabled by a comment or by the configuration. */
export function isSuppressed(
  problem: Problem,
  comments: ReadonlyMap<string, readonly Suppression[]>,
  configured: readonly ConfiguredSuppression[],
): boolean {
  const here = comments.get(problem.path) ?? [];
  if (here.some((s) => s.check === problem.check && s.from <= problem.line && problem.line <= s.to)) return true;
  return configured.some(
    (c) =>
      c.check === problem.check &&
      (c.path === undefined || pathMatches(c.path, problem.path)) &&
      (c.matching === undefined || problem.message.includes(c.matching)),
  );
}

function pathMatches(pattern: string, path: string): boolean {
  const source = pattern.split('*').map((p) => p.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?:^|/)${source.join('.*')}$`).test(path);
}
