import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GeneratedFile } from '@belfry/sdk';

/** The paths that builds of targets wrote, one a line. What is not in it is not ours to remove. */
const LIST = '.belfry-build';

/**
 * Writes `files` into `directory`. Of what an earlier build of targets wrote there, files that are no longer made are
 * removed where this build makes others in the same folder.
 */
export function writeTargets(directory: string, files: readonly GeneratedFile[]): void {
  const made = new Set(files.map((f) => f.path));
  const folders = new Set(files.map((f) => folderOf(f.path)));
  const earlier = readList(directory);
  for (const path of earlier) {
    if (!made.has(path) && folders.has(folderOf(path))) rmSync(join(directory, path), { force: true });
  }
  for (const { path, text } of files) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  const kept = earlier.filter((path) => !folders.has(folderOf(path)));
  writeFileSync(join(directory, LIST), `${[...new Set([...kept, ...made])].sort().join('\n')}\n`);
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path;
}

/** Only paths that stay inside of the directory. */
function readList(directory: string): readonly string[] {
  try {
    return readFileSync(join(directory, LIST), 'utf8')
      .split('\n')
      .filter((path) => path !== '' && !path.startsWith('/') && !path.split('/').includes('..'));
  } catch {
    return [];
  }
}
