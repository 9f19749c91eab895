/** Which file of the pack each imported thing becomes. */
import { BelfryError } from '@belfry/model';
import type { GeneratedFile } from './build.ts';
import {
  type ReadAlertmanager,
  type ReadDashboard,
  type ReadPrometheus,
  type ReadRuleFile,
  type ReadThing,
  readImport,
} from './import-read.ts';

export interface ImportPlan {
  /** By the name of the file that their groups are built into. */
  readonly rules: ReadonlyMap<string, ReadRuleFile>;
  /** By uid. */
  readonly dashboards: ReadonlyMap<string, ReadDashboard>;
  readonly prometheus: readonly ReadPrometheus[];
  readonly alertmanager: ReadAlertmanager | undefined;
  /** Files that hold nothing that a pack has. */
  readonly others: readonly string[];
}

/** @throws BelfryError `bad_data` for a file that cannot be read, `conflict` for two alertmanager.yml */
export function planImport(files: readonly GeneratedFile[]): ImportPlan {
  const things = new Map<GeneratedFile, readonly ReadThing[]>(files.map((file) => [file, readImport(file)]));
  const all = [...things.values()].flat();
  const alertmanagers = all.filter((t) => t.kind === 'alertmanager');
  if (alertmanagers.length > 1) {
    const paths = alertmanagers.map((a) => a.path).join(', ');
    throw new BelfryError('conflict', `a pack has one alertmanager.yml, and these are several: ${paths}`);
  }
  const rules = new Map<string, ReadRuleFile>();
  const dashboards = new Map<string, ReadDashboard>();
  for (const thing of all) {
    if (thing.kind === 'rules') rules.set(free(stemOf(thing.path), rules), thing);
    if (thing.kind === 'dashboard') dashboards.set(free(uidOf(thing), dashboards), thing);
  }
  return {
    rules,
    dashboards,
    prometheus: all.filter((t) => t.kind === 'prometheus'),
    alertmanager: alertmanagers[0],
    others: [...things].filter(([, found]) => found.length === 0).map(([file]) => file.path),
  };
}

function stemOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.ya?ml$/i, '');
  return name.replace(/[^\w.-]+/g, '-') || 'rules';
}

const LONGEST_UID = 40;

function uidOf({ model, path }: ReadDashboard): string {
  if (typeof model.uid === 'string' && /^[a-zA-Z0-9_-]{1,40}$/.test(model.uid)) return model.uid;
  const slug = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, LONGEST_UID)
      .replace(/^-+|-+$/g, '');
  return slug(model.title) || slug(path) || 'dashboard';
}

/** `name`, or with a number when it is taken. */
function free(name: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(name)) return name;
  for (let n = 2; ; n++) {
    const other = `${name.slice(0, LONGEST_UID - 4)}-${n}`;
    if (!taken.has(other)) return other;
  }
}
