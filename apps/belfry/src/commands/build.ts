import { BelfryError } from '@belfry/model';
import { buildTargets, build as compile, type TargetOptions, targetNames } from '@belfry/sdk';
import pc from 'picocolors';
import { loadPacks, ownPackFiles, writeFiles } from '../packs.ts';
import { writeTargets } from '../target-files.ts';

interface Options {
  readonly out: string;
  readonly target?: readonly string[];
  readonly traces: string;
  readonly namespace: string;
  readonly runbookUrl?: string;
}

/** Compiles packs into `out`: what a tower loads, or the targets that are named. */
export async function build(files: readonly string[], options: Options): Promise<void> {
  const targets = options.target && targetNames(options.target.flatMap((t) => t.split(',')));
  const settings = targetOptions(options);
  const packs = await loadPacks(files.length > 0 ? files : ownPackFiles());
  const built = targets ? buildTargets(packs, targets, settings) : compile(packs, settings);
  if (targets) writeTargets(options.out, built);
  else writeFiles(options.out, built);
  for (const { path } of built) console.log(pc.dim(`${options.out}/`) + path);
  console.log(`${built.length} files from ${packs.map((p) => p.name).join(', ')}`);
}

function targetOptions({ traces, namespace, runbookUrl }: Options): TargetOptions {
  if (traces !== 'tempo' && traces !== 'jaeger')
    throw new BelfryError('bad_data', `--traces ${traces}: expected tempo or jaeger`);
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace))
    throw new BelfryError('bad_data', `--namespace ${namespace}: lower-case letters, digits and -, at most 63`);
  return { traces, namespace, ...(runbookUrl ? { runbookBaseUrl: runbookUrl.replace(/\/$/, '') } : {}) };
}
