import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BelfryError, messageOf } from '@belfry/model';
import type { GeneratedFile, Pack } from '@belfry/sdk';
import { ROOT } from './root.ts';

/** The files of the packs that come with Belfry. */
export function ownPackFiles(): string[] {
  const folder = join(ROOT, 'packs');
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name, 'pack.ts'))
    .sort();
}

/**
 * Loads the packs that the files export as default.
 * @throws BelfryError `file_unreadable`, `config_invalid` when a file cannot be loaded or exports no pack
 */
export async function loadPacks(files: readonly string[]): Promise<Pack[]> {
  return Promise.all(
    files.map(async (file) => {
      let loaded: { default?: unknown };
      try {
        loaded = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown };
      } catch (error) {
        if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') {
          throw new BelfryError('file_unreadable', `cannot load the pack ${file}: ${messageOf(error)}`);
        }
        if (error instanceof BelfryError) throw new BelfryError(error.code, error.message, { file, cause: error });
        throw new BelfryError('config_invalid', `cannot load the pack: ${messageOf(error)}`, { file, cause: error });
      }
      if ((loaded.default as { kind?: unknown } | undefined)?.kind !== 'pack') {
        throw new BelfryError('config_invalid', 'expected `export default pack({…})`', { file });
      }
      return loaded.default as Pack;
    }),
  );
}

/** Replaces what an earlier build left in `directory` by `files`. Only files that a build writes are removed. */
export function writeFiles(directory: string, files: readonly GeneratedFile[]): void {
  for (const owned of ['rules', 'grafana', 'runbooks'])
    rmSync(join(directory, owned), { recursive: true, force: true });
  for (const { path, text } of files) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}
