import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BelfryError, messageOf } from '@belfry/model';
import { type SourceFile, sourceFile } from './source.ts';

/** Larger files are not read: they are no configuration. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** What is looked at inside of directories; a file that is named itself is always read. */
const READ = /\.(?:ya?ml|json|md|markdown|prom)$/i;
const SKIPPED = new Set(['node_modules', '.git', 'dist', '.belfry']);

/**
 * Reads files and directories (deeply, sorted) from the disk.
 * @throws BelfryError `file_unreadable`
 */
export function collectFiles(paths: readonly string[]): SourceFile[] {
  const seen = new Map<string, SourceFile>();
  const add = (path: string, named: boolean) => {
    let stat: ReturnType<typeof statSync>;
    try {
      stat = statSync(path);
      if (stat.isDirectory()) {
        for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
          if (SKIPPED.has(entry.name)) continue;
          if (entry.isDirectory() || READ.test(entry.name)) add(join(path, entry.name), false);
        }
        return;
      }
      if (seen.has(path)) return;
      if (stat.size <= MAX_FILE_BYTES) seen.set(path, sourceFile(path, readFileSync(path, 'utf8')));
      else if (named) throw new BelfryError('file_unreadable', `${path} is larger than ${MAX_FILE_BYTES} bytes`);
    } catch (error) {
      if (error instanceof BelfryError) throw error;
      if (named || !/ENOENT/.test(messageOf(error))) {
        throw new BelfryError('file_unreadable', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
      }
    }
  };
  for (const path of paths) add(path, true);
  return [...seen.values()];
}
