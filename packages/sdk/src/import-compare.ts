/** Whether the build of an imported pack means what the imported files mean. */
import { isDeepStrictEqual } from 'node:util';
import { BelfryError, parseDuration } from '@belfry/model';
import { formatExpr, parseExpr } from '@belfry/promql';
import type { GeneratedFile } from './build.ts';
import { planImport } from './import-plan.ts';
import { type Fields, isFields, type ReadGroup, type ReadRule, readImport } from './import-read.ts';

/**
 * What differs between the files that were imported and the build of the pack `name`, a sentence each; empty when both
 * mean the same: rules by tree of their expression, durations by length, everything else by structure.
 */
export function importDifferences(
  imported: readonly GeneratedFile[],
  built: readonly GeneratedFile[],
  name: string,
): readonly string[] {
  const plan = planImport(imported);
  const readBuilt = (path: string) => built.filter((f) => f.path === path).flatMap(readImport)[0];
  const out: string[] = [];
  const same = (where: string, before: unknown, after: unknown) => {
    if (!isDeepStrictEqual(before, after)) out.push(`${where}: ${shortText(before)} became ${shortText(after)}`);
  };
  for (const [stem, file] of plan.rules) {
    const made = readBuilt(`rules/${name}-${stem}.yml`);
    if (made?.kind === 'rules') compareGroups(file.path, file.groups, made.groups, same);
    else if (file.groups.length > 0) out.push(`${file.path}: its groups were not built`);
  }
  for (const [uid, { path, model }] of plan.dashboards) {
    const made = readBuilt(`grafana/dashboards/${uid}.json`);
    same(path, { ...model, uid }, made?.kind === 'dashboard' ? made.model : undefined);
  }
  if (plan.alertmanager) {
    const made = readBuilt('alertmanager.yml');
    same(plan.alertmanager.path, plan.alertmanager.config, made?.kind === 'alertmanager' ? made.config : undefined);
  }
  const made = readBuilt('prometheus.yml');
  const jobs = made?.kind === 'prometheus' ? made.jobs : [];
  for (const { path, jobs: wanted } of plan.prometheus) {
    for (const job of wanted) {
      const found = jobs.find((j) => j.job_name === job.job_name);
      same(`${path}: job ${job.job_name}`, withDefaults(job), found && withDefaults(found));
    }
  }
  return out;
}

function withDefaults(job: Fields): Fields {
  return { metrics_path: '/metrics', ...job };
}

type Same = (where: string, before: unknown, after: unknown) => void;

function compareGroups(path: string, before: readonly ReadGroup[], after: readonly ReadGroup[], same: Same): void {
  const names = (groups: readonly ReadGroup[]) => groups.map((g) => g.name);
  same(`${path}: groups`, names(before), names(after));
  before.forEach((group, g) => {
    const other = after[g];
    if (!other) return;
    const where = `${path}: group ${group.name}`;
    same(where, group.fields, other.fields);
    same(`${where}: number of rules`, group.rules.length, other.rules.length);
    group.rules.forEach((rule, r) => {
      same(`${where}: rule ${r + 1}`, ruleMeaning(rule), other.rules[r] && ruleMeaning(other.rules[r]));
    });
  });
}

const DURATIONS = new Set(['for', 'keep_firing_for']);

function ruleMeaning({ fields }: ReadRule): Fields {
  const out: Record<string, unknown> = { for: 0, keep_firing_for: 0, labels: {}, annotations: {} };
  for (const [key, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    if (key === 'expr') out.expr = formatExpr(parseExpr(String(value)));
    else if (DURATIONS.has(key)) out[key] = durationOf(value);
    else if (isFields(value)) {
      out[key] = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, v === null ? '' : String(v)]));
    } else out[key] = value;
  }
  return out;
}

function durationOf(value: unknown): unknown {
  try {
    return parseDuration(String(value));
  } catch (error) {
    if (error instanceof BelfryError) return value;
    throw error;
  }
}

const LONGEST = 300;

function shortText(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
