/** How bad a finding is. An error is truly wrong: it fails, or can never do what it says. The rest is advice. */
export type Severity = 'info' | 'warning' | 'error';

export const SEVERITIES: readonly Severity[] = ['info', 'warning', 'error'];

/** Replaces the UTF-16 offsets `[start, end)` of the file by `text`. */
export interface Edit {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A finding. Lines and columns are 1-based, columns in UTF-16 units, the end exclusive. */
export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** Name of the check, as comments that disable it write it. */
  readonly check: string;
  readonly severity: Severity;
  readonly message: string;
  readonly suggestion?: string;
  /** The page that explains the check. */
  readonly url: string;
  /** Edits that repair it without changing what the author meant. */
  readonly fix?: readonly Edit[];
}

/** Where the pages of the checks are, relative to the repository. */
export const CHECK_PAGES = 'docs/checks';

export function urlOf(check: string): string {
  return `${CHECK_PAGES}/${check}.md`;
}

/** By file, place and check: the order in which findings are told. */
export function compareProblems(a: Problem, b: Problem): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.line - b.line || a.column - b.column || (a.check < b.check ? -1 : a.check > b.check ? 1 : 0);
}
