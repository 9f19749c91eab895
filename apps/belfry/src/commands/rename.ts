import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type PackSource, type SourceFile, sourceFile } from '@belfry/check';
import { graphText, metricGraph } from '../metric-graph.ts';
import { diffText, renamed } from '../metric-rename.ts';
import { ownPackFiles } from '../packs.ts';
import { sourcesOf } from './check.ts';

/** Renames a metric in packs and files, after showing what stands on it. With `dryRun`, shows the changed lines only. */
export async function rename(
  from: string,
  to: string,
  paths: readonly string[],
  options: { readonly dryRun?: boolean },
): Promise<void> {
  const sources = await sourcesOf(paths.length > 0 ? paths : ownPackFiles());
  const graph = metricGraph(sources, from);
  const files = renamed(sources, sources.packs.flatMap(textsBeside), from, to);
  process.stdout.write(`${graphText(graph)}\n`);
  const places = files.reduce((sum, f) => sum + f.places, 0);
  if (options.dryRun) {
    for (const file of files) process.stdout.write(diffText(file));
    console.log(`\nWould change ${places} places in ${files.length} files; nothing is written.`);
    return;
  }
  for (const { file, text } of files) writeFileSync(file.path, text);
  for (const { file, places: own } of files) console.log(`${file.path}: ${own}`);
  console.log(`Changed ${places} places in ${files.length} files. Series already stored keep the name ${from}.`);
}

const SKIPPED = new Set(['node_modules', 'build', 'dist']);
const TEXT = /\.(?:ya?ml|json|md|test\.ts|snap)$/;

/** Tests, runbooks and other texts in a pack's folder, beside the sources that the checker reads. */
function textsBeside({ files }: PackSource): SourceFile[] {
  const found: SourceFile[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(path);
      } else if (TEXT.test(entry.name)) found.push(sourceFile(path, readFileSync(path, 'utf8')));
    }
  };
  visit(dirname(files[0]!.path));
  return found;
}
