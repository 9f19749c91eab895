import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Dashboard, DashboardEntry } from '@belfry/api';
import type { Logger } from './log.ts';

/** Grafana dashboard JSON files below a directory, read again when a file's time changes. */
export interface DashboardStore {
  list(): readonly DashboardEntry[];
}

interface Cached {
  readonly changedMs: number;
  readonly entry: DashboardEntry | undefined;
}

/** A file that is no dashboard is left out and said in the log, once a change. */
export function dashboardStore(directory: string, log: Logger): DashboardStore {
  const cache = new Map<string, Cached>();
  return {
    list() {
      const entries: DashboardEntry[] = [];
      for (const file of jsonFiles(directory)) {
        const changedMs = statSync(file).mtimeMs;
        let cached = cache.get(file);
        if (cached?.changedMs !== changedMs) {
          cached = { changedMs, entry: read(file, directory, log) };
          cache.set(file, cached);
        }
        if (cached.entry) entries.push(cached.entry);
      }
      return entries.sort((a, b) => a.dashboard.title.localeCompare(b.dashboard.title, 'en'));
    },
  };
}

function jsonFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
}

/** Takes a dashboard as it is exported, or wrapped as `{"dashboard": …}` as the API takes it. */
function read(file: string, root: string, log: Logger): DashboardEntry | undefined {
  const refuse = (why: string) => {
    log.warn({ file }, `not a dashboard: ${why}`);
    return undefined;
  };
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  const outer = (json ?? {}) as { dashboard?: unknown };
  const found = (
    typeof outer.dashboard === 'object' && outer.dashboard !== null ? outer.dashboard : outer
  ) as Dashboard;
  if (typeof found.title !== 'string') return refuse('it has no title');
  if (!Array.isArray(found.panels) && !Array.isArray(found.rows)) return refuse('it has no panels');
  const uid = typeof found.uid === 'string' && found.uid !== '' ? found.uid : basename(file, '.json');
  const folder = dirname(file) === root ? 'General' : basename(dirname(file));
  return { dashboard: { ...found, uid }, folder };
}
