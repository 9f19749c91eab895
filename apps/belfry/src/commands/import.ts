import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { collectFiles } from '@belfry/check';
import { BelfryError } from '@belfry/model';
import { build, type GeneratedFile } from '@belfry/sdk';
import { importDifferences, importPack } from '@belfry/sdk/import';
import pc from 'picocolors';
import { linkSdk, packNames, refuseOccupied, writeNew } from '../new-pack.ts';
import { loadPacks } from '../packs.ts';
import { ROOT } from '../root.ts';

/**
 * Turns files of Prometheus, Alertmanager and Grafana into a pack, builds it, and compares the build with the files:
 * exit code 1 when it does not mean the same.
 */
export async function importFiles(
  paths: readonly string[],
  options: { readonly out: string; readonly name?: string },
): Promise<void> {
  const names = packNames(options.out, options.name);
  refuseOccupied(options.out);
  const imported = collectFiles(paths).filter((file) => /\.(?:ya?ml|json)$/i.test(file.path));
  if (imported.length === 0) throw new BelfryError('usage', `no .yml, .yaml or .json file in ${paths.join(', ')}`);
  const made = importPack(belowCommonFolder(imported), { name: names.kebab, title: names.title });
  const files = [...made.files, ...surroundings(names.kebab)];
  writeNew(options.out, files);
  linkSdk(options.out);
  for (const { path } of files) console.log(pc.dim(`${options.out}/`) + path);
  for (const note of made.notes) console.log(pc.yellow(`note: ${note}`));
  const built = build(await loadPacks([join(options.out, 'pack.ts')]));
  const differences = importDifferences(belowCommonFolder(imported), built, names.kebab);
  for (const difference of differences) console.log(pc.red(`differs: ${difference}`));
  if (differences.length > 0) process.exitCode = 1;
  else console.log(`The build of ${options.out}/pack.ts means the same as the ${imported.length} files.`);
}

/** The files by their paths from the folder that all of them are in. */
function belowCommonFolder(files: readonly GeneratedFile[]): readonly GeneratedFile[] {
  const paths = files.map((file) => resolve(file.path));
  let common = dirname(paths[0]!);
  while (!paths.every((path) => path.startsWith(join(common, '/')))) common = dirname(common);
  return files.map(({ text }, i) => ({ path: relative(common, paths[i]!).replaceAll('\\', '/'), text }));
}

/** What makes a folder of sources a package. */
function surroundings(name: string): readonly GeneratedFile[] {
  const manifest = {
    name: `@belfry/pack-${name}`,
    version: '0.1.0',
    private: true,
    type: 'module',
    exports: { '.': './pack.ts' },
    dependencies: { '@belfry/sdk': '0.1.0' },
  };
  return [
    { path: 'package.json', text: `${JSON.stringify(manifest, undefined, 2)}\n` },
    { path: 'tsconfig.json', text: readFileSync(join(ROOT, 'apps/belfry/templates/pack/tsconfig.json'), 'utf8') },
    { path: '.gitignore', text: 'build/\nnode_modules/\n' },
  ];
}
