import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  applyFixes,
  CHECKS,
  type ConfiguredSuppression,
  collectFiles,
  type PackSource,
  type Problem,
  REPORT_FORMATS,
  readSuppressions,
  report,
  runCheck,
  SEVERITIES,
  type Severity,
  type SourceFile,
  sourceFile,
} from '@belfry/check';
import { BelfryError, nearest } from '@belfry/model';
import { loadPacks, ownPackFiles } from '../packs.ts';

export interface CheckCommandOptions {
  readonly format?: string;
  readonly catalogue?: readonly string[];
  readonly only?: readonly string[];
  readonly minSeverity?: string;
  readonly config?: string;
  readonly fix?: boolean;
  readonly color?: boolean;
}

const DEFAULT_CONFIG = '.belfry-check.yml';

/** Checks files, directories and packs; the packs of this checkout when none is named. Exits 1 when there is an error. */
export async function check(paths: readonly string[], options: CheckCommandOptions = {}): Promise<void> {
  const format = options.format ?? 'text';
  refuseUnknown('format', [format], REPORT_FORMATS);
  refuseUnknown('severity', options.minSeverity ? [options.minSeverity] : [], SEVERITIES);
  refuseUnknown(
    'check',
    options.only ?? [],
    CHECKS.map((c) => c.name),
  );
  const { files, packs } = await sourcesOf(paths.length > 0 ? paths : ownPackFiles());
  const asked = {
    packs,
    catalogues: collect(options.catalogue ?? []),
    disabled: suppressions(options.config),
    ...(options.only ? { only: options.only } : {}),
    ...(options.minSeverity ? { minSeverity: options.minSeverity as Severity } : {}),
  };
  let result = await runCheck({ files, ...asked });
  let now = files;
  if (options.fix) {
    now = fixed(files, result.problems);
    result = await runCheck({ files: now, ...asked });
  }
  const sources = [...now, ...packs.flatMap((p) => p.files)];
  const colours = options.color ?? (process.stdout.isTTY === true && process.env.NO_COLOR === undefined);
  process.stdout.write(report(format, result.problems, sources, { colours }));
  process.exitCode = result.exitCode;
}

/** More names than this are not listed. */
const MAX_LISTED = 12;

function refuseUnknown(what: string, given: readonly string[], known: readonly string[]): void {
  const wrong = given.find((g) => !known.includes(g));
  if (wrong === undefined) return;
  const near = nearest(wrong, known);
  const hint = near ? `did you mean ${near}?` : 'see docs/checks';
  const expected = known.length <= MAX_LISTED ? `expected one of ${known.join(', ')}` : hint;
  throw new BelfryError('usage', `there is no ${what} ${JSON.stringify(wrong)}; ${expected}`);
}

/** Reads the files; one that is not there is misuse, as a mistyped argument is. */
function collect(paths: readonly string[]): SourceFile[] {
  for (const path of paths) {
    if (!existsSync(path)) throw new BelfryError('usage', `there is no file or directory ${path}`);
  }
  return collectFiles(paths);
}

/** A file named pack.ts is a pack, and so is a directory that has one. */
export async function sourcesOf(paths: readonly string[]): Promise<{ files: SourceFile[]; packs: PackSource[] }> {
  const packFiles: string[] = [];
  const others: string[] = [];
  for (const path of paths) {
    const inside = join(path, 'pack.ts');
    if (/\.[cm]?[tj]s$/.test(path) && existsSync(path)) packFiles.push(path);
    else if (existsSync(inside)) packFiles.push(inside);
    else others.push(path);
  }
  const packs = await loadPacks(packFiles);
  return {
    files: collect(others),
    packs: packs.map((pack, i) => ({ pack, files: packSources(packFiles[i]!) })),
  };
}

/** The sources of a pack, the file that exports it first: findings point into them. */
export function packSources(file: string): SourceFile[] {
  const folder = join(file, '..');
  const found: string[] = [];
  const visit = (dir: string) => {
    for (const entry of readdirSync(dir).sort()) {
      const path = join(dir, entry);
      if (entry === 'node_modules') continue;
      if (statSync(path).isDirectory()) visit(path);
      else if (entry.endsWith('.ts') && !entry.endsWith('.test.ts') && path !== file) found.push(path);
    }
  };
  visit(folder);
  return [file, ...found].map((path) => sourceFile(path, readFileSync(path, 'utf8')));
}

function suppressions(file: string | undefined): readonly ConfiguredSuppression[] {
  if (file === undefined && !existsSync(DEFAULT_CONFIG)) return [];
  const path = file ?? DEFAULT_CONFIG;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${path}`, { cause: error });
  }
  return readSuppressions(text, path);
}

/** The files with what is safe to repair repaired, on the disk too. */
function fixed(files: readonly SourceFile[], problems: readonly Problem[]): SourceFile[] {
  return files.map((file) => {
    const { text, applied } = applyFixes(file, problems);
    if (applied === 0) return file;
    writeFileSync(file.path, text);
    return sourceFile(file.path, text);
  });
}
