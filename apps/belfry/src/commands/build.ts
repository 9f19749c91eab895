import { build as compile } from '@belfry/sdk';
import pc from 'picocolors';
import { loadPacks, ownPackFiles, writeFiles } from '../packs.ts';

/** Compiles packs into `out`. */
export async function build(files: readonly string[], options: { readonly out: string }): Promise<void> {
  const packs = await loadPacks(files.length > 0 ? files : ownPackFiles());
  const built = compile(packs);
  writeFiles(options.out, built);
  for (const { path } of built) console.log(pc.dim(`${options.out}/`) + path);
  console.log(`${built.length} files from ${packs.map((p) => p.name).join(', ')}`);
}
