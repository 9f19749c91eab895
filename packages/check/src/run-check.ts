import type { Check, Finding } from './check.ts';
import { CHECKS } from './checks/index.ts';
import { compareProblems, type Edit, type Problem, SEVERITIES, type Severity, urlOf } from './problem.ts';
import type { PackSource } from './read-pack.ts';
import { fileSpan, isWritten, rangeOf, type SourceFile } from './source.ts';
import { type ConfiguredSuppression, isSuppressed, type Suppression, suppressionsOf } from './suppress.ts';
import { buildWorld, type World } from './world.ts';

export interface CheckOptions {
  /** What is checked. Dumps of `/metrics` and listings in Markdown serve as the catalogue. */
  readonly files: readonly SourceFile[];
  readonly packs?: readonly PackSource[];
  /** Files that only tell which metrics exist; nothing is reported of them. */
  readonly catalogues?: readonly SourceFile[];
  readonly disabled?: readonly ConfiguredSuppression[];
  /** Only these checks; all when absent. */
  readonly only?: readonly string[];
  /** Findings below it are left out. Default `info`: all are told. */
  readonly minSeverity?: Severity;
}

export interface CheckResult {
  /** In the order of files and lines. */
  readonly problems: readonly Problem[];
  /** 1 when a finding is an error, else 0. */
  readonly exitCode: 0 | 1;
}

/** Checks files and packs together. Reads nothing but what it is given. */
export async function runCheck(options: CheckOptions): Promise<CheckResult> {
  const world = buildWorld([...options.files, ...(options.catalogues ?? [])], options.packs ?? []);
  return checkWorld(world, options);
}

/** As {@link runCheck}, of what was read already. */
export function checkWorld(world: World, options: Omit<CheckOptions, 'files' | 'packs'> = {}): CheckResult {
  const names = new Set(CHECKS.map((c) => c.name));
  const comments = new Map<string, readonly Suppression[]>();
  const silent = new Set((options.catalogues ?? []).map((f) => f.path));
  const found: Problem[] = [];
  const sources = [...world.files, ...world.packs.map((p) => p.at.in.file)];
  for (const file of sources) {
    const { active, problems } = suppressionsOf(file, names);
    comments.set(file.path, active);
    found.push(...problems);
  }
  const only = options.only && new Set(options.only);
  for (const check of CHECKS) {
    if (!only || only.has(check.name)) check.run(world, (finding) => found.push(problemOf(check, finding)));
  }
  const least = SEVERITIES.indexOf(options.minSeverity ?? 'info');
  const problems = unique(found.sort(compareProblems)).filter(
    (p) =>
      !silent.has(p.path) &&
      SEVERITIES.indexOf(p.severity) >= least &&
      (!only || only.has(p.check)) &&
      !isSuppressed(p, comments, options.disabled ?? []),
  );
  return { problems, exitCode: problems.some((p) => p.severity === 'error') ? 1 : 0 };
}

function problemOf(check: Check, finding: Finding): Problem {
  const path = finding.at.in.file.path;
  const written = finding.fix?.every((r) => isWritten(r.at)) ? finding.fix : undefined;
  const fix = written?.map((r): Edit => ({ path, ...fileSpan(r.at), text: r.text }));
  return {
    path,
    ...rangeOf(finding.at),
    check: check.name,
    severity: finding.severity ?? check.severity,
    message: finding.message,
    ...(finding.suggestion ? { suggestion: finding.suggestion } : {}),
    url: urlOf(check.name),
    ...(fix ? { fix } : {}),
  };
}

/** One expression may be reached in two ways (an anchor used twice): what is said of it is said once. */
function unique(sorted: readonly Problem[]): Problem[] {
  return sorted.filter((p, i) => {
    const before = sorted[i - 1];
    return !(
      before &&
      before.path === p.path &&
      before.line === p.line &&
      before.column === p.column &&
      before.check === p.check &&
      before.message === p.message
    );
  });
}

/** The text with every edit of the findings made that does not overlap an earlier one; how many were made. */
export function applyFixes(file: SourceFile, problems: readonly Problem[]): { text: string; applied: number } {
  const groups = problems.flatMap((p) => (p.path === file.path && p.fix ? [p.fix] : []));
  const taken: Edit[] = [];
  let applied = 0;
  for (const group of groups) {
    const clash = group.some(
      (e) => taken.some((t) => e.start < t.end && t.start < e.end) || taken.some((t) => t.start === e.start),
    );
    if (clash) continue;
    taken.push(...group);
    applied++;
  }
  let { text } = file;
  for (const edit of taken.sort((a, b) => b.start - a.start)) {
    text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
  }
  return { text, applied };
}
