import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { diskFiles, type FileDiscovery, loadYaml, TargetGroups } from '@belfry/config';
import { messageOf } from '@belfry/model';
import type { Discovery, DiscoveryDependencies, EmitTargets, TargetsFound } from './discovery.ts';
import { repeat } from './repeat.ts';

/** Files that tell of targets. */
export interface DiscoveryFiles {
  readText(path: string): string;
  glob(pattern: string): readonly string[];
  /** Calls back some time after anything in the folder changes. A folder that does not exist is not watched. */
  watch(directory: string, changed: () => void): { close(): void };
}

export const diskDiscoveryFiles: DiscoveryFiles = {
  readText: diskFiles.readText,
  glob: diskFiles.glob,
  watch(directory, changed) {
    let watcher: FSWatcher | undefined;
    try {
      watcher = watch(directory, { persistent: false }, changed);
      watcher.on('error', () => watcher?.close());
    } catch {
      // Looked at again at the next refresh all the same.
    }
    return { close: () => watcher?.close() };
  },
};

/** Editors write a file in several steps; it is read once they are through. */
const SETTLE_MS = 200;

/** Targets from JSON and YAML files, read when they change and at each refresh. A file gone wrong keeps its targets. */
export function discoverFiles(config: FileDiscovery, deps: DiscoveryDependencies, emit: EmitTargets): Discovery {
  const sources = new Map<string, Set<string>>();
  const problems = new Map<string, string>();
  const problem = (file: string, message: string) => {
    // Told once, not at every refresh.
    if (problems.get(file) !== message) deps.onProblem(message);
    problems.set(file, message);
  };
  const refresh = async () => {
    const found: TargetsFound[] = [];
    const files = new Set(config.files.flatMap((pattern) => deps.files.glob(pattern)));
    for (const file of files) {
      try {
        const groups = readGroups(deps.files.readText(file), file);
        problems.delete(file);
        const before = sources.get(file) ?? new Set();
        sources.set(file, new Set(groups.map((g) => g.source)));
        for (const source of before)
          if (!sources.get(file)!.has(source)) found.push({ source, targets: [], labels: {} });
        found.push(...groups);
      } catch (error) {
        problem(file, `targets file ${file}: ${messageOf(error)}`);
      }
    }
    for (const [file, gone] of sources) {
      if (files.has(file)) continue;
      sources.delete(file);
      for (const source of gone) found.push({ source, targets: [], labels: {} });
    }
    emit(found);
  };
  const loop = repeat(deps.clock, config.refresh_interval, refresh);
  let pending = false;
  const changed = () => {
    if (pending) return;
    pending = true;
    deps.clock.after(
      SETTLE_MS,
      () => {
        pending = false;
        loop.now();
      },
      { background: true },
    );
  };
  const directories = new Set(config.files.map((pattern) => dirname(pattern)));
  const watchers = [...directories].map((directory) => deps.files.watch(directory, changed));
  return {
    stop() {
      loop.stop();
      for (const watcher of watchers) watcher.close();
    },
  };
}

function readGroups(text: string, file: string): TargetsFound[] {
  // JSON is YAML, and so has positions too.
  const groups = text.trim() === '' ? [] : loadYaml(TargetGroups, text, file).data;
  return groups.map((group, i) => ({
    source: `${file}:${i}`,
    targets: group.targets.map((address) => ({ __address__: address })),
    labels: { ...group.labels, __meta_filepath: file },
  }));
}
