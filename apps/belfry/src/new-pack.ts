/** What `init` and `import` share: names made from a folder, files written where nothing stands yet, the SDK in reach. */
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { BelfryError } from '@belfry/model';
import type { GeneratedFile } from '@belfry/sdk';
import { ROOT } from './root.ts';

/** One name in the ways of writing that a pack needs. */
export interface PackNames {
  /** `acme-shop`: of the pack and its scrape job. */
  readonly kebab: string;
  /** `acme_shop`: before metric names. */
  readonly snake: string;
  /** `acmeShop`: of values in TypeScript. */
  readonly camel: string;
  /** `AcmeShop`: before alert names. */
  readonly pascal: string;
  /** `Acme shop`: for people. */
  readonly title: string;
}

/** @throws BelfryError `usage` for a folder whose name has no letter to begin with */
export function packNames(directory: string, given?: string): PackNames {
  const wanted = given ?? basename(resolve(directory));
  const words = wanted
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((w) => w !== '');
  if (words.length === 0 || !/^[a-z]/.test(words[0]!)) {
    throw new BelfryError('usage', `${JSON.stringify(wanted)} gives no name for a pack: begin it with a letter`);
  }
  const pascal = words.map(capital).join('');
  return {
    kebab: words.join('-'),
    snake: words.join('_'),
    camel: pascal[0]!.toLowerCase() + pascal.slice(1),
    pascal,
    title: capital(words.join(' ')),
  };
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

/** @throws BelfryError `conflict` when there is something in the folder */
export function refuseOccupied(directory: string): void {
  if (!existsSync(directory)) return;
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch (error) {
    throw new BelfryError('usage', `${directory} is not a directory`, { cause: error });
  }
  if (entries.length > 0) {
    throw new BelfryError('conflict', `${directory} is not empty: name a directory that is new`);
  }
}

/** @throws BelfryError `file_unreadable` when the folder cannot be written */
export function writeNew(directory: string, files: readonly GeneratedFile[]): void {
  try {
    for (const { path, text } of files) {
      const target = join(directory, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot write into ${directory}`, { cause: error });
  }
}

/**
 * Lets the pack's `import … from '@belfry/sdk'` find this checkout: outside of it, by a link in the pack's own
 * `node_modules`, which its `.gitignore` leaves out.
 */
export function linkSdk(directory: string): void {
  for (let at = resolve(directory); ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules/@belfry/sdk'))) return;
    if (dirname(at) === at) break;
  }
  const scope = join(directory, 'node_modules/@belfry');
  mkdirSync(scope, { recursive: true });
  symlinkSync(join(ROOT, 'packages/sdk'), join(scope, 'sdk'), 'dir');
}
