import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build, type GeneratedFile } from '@belfry/sdk';
import pc from 'picocolors';
import { linkSdk, type PackNames, packNames, refuseOccupied, writeNew } from '../new-pack.ts';
import { loadPacks, writeFiles } from '../packs.ts';
import { ROOT } from '../root.ts';

const TEMPLATE = join(ROOT, 'apps/belfry/templates/pack');

/** Makes a pack in a new directory that passes its checks, and builds it once so that its rule tests run. */
export async function init(directory: string, options: { readonly name?: string } = {}): Promise<void> {
  const names = packNames(directory, options.name);
  refuseOccupied(directory);
  const files = newPackFiles(names);
  writeNew(directory, files);
  linkSdk(directory);
  const file = join(directory, 'pack.ts');
  writeFiles(join(directory, 'build'), build(await loadPacks([file])));
  for (const { path } of files) console.log(pc.dim(`${directory}/`) + path);
  console.log(`
The pack ${names.kebab} is made. Next:

    ./belfry check ${file}
    ./belfry build ${file} --out ${join(directory, 'build')}
    ./belfry test rules ${join(directory, 'tests/alerts.yml')}`);
}

/** The template's files, with the pack's names in the place of the example's. */
function newPackFiles(names: PackNames): readonly GeneratedFile[] {
  const files = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(TEMPLATE, path), text: rename(readFileSync(path, 'utf8'), names) }));
  // Not in the template: there it would hold back its own files.
  return [...files, { path: '.gitignore', text: 'build/\nnode_modules/\n' }];
}

function rename(text: string, { kebab, snake, camel, pascal, title }: PackNames): string {
  return text
    .replaceAll('acme-shop', kebab)
    .replaceAll('acme_shop', snake)
    .replaceAll('acmeShop', camel)
    .replaceAll('AcmeShop', pascal)
    .replaceAll('Acme shop', title);
}
