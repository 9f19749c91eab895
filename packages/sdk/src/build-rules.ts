import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BelfryError } from '@belfry/model';
import { prettyExpr } from '@belfry/promql';
import { type Alert, alertExpr, type Recording, type RuleGroup } from './alert.ts';
import type { BuildSettings, GeneratedFile } from './build.ts';
import { alertsOf, type Pack } from './pack.ts';
import { exprOf } from './query-expr.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

/** One file a rule group; groups from elsewhere stay together as they were. */
export function ruleFiles(pack: Pack, settings: BuildSettings): readonly GeneratedFile[] {
  const files = new Map<string, RuleGroup[]>();
  for (const group of pack.rules) {
    const name = group.exact?.file ?? group.name;
    files.set(name, [...(files.get(name) ?? []), group]);
  }
  return [...files].map(([name, groups]) => ({
    path: `rules/${pack.name}-${name}.yml`,
    text: yamlText({ groups: groups.map((g) => groupYaml(pack, g, settings)) }, [GENERATED]),
  }));
}

/** A rule group as it stands in a rule file. */
export function groupYaml(pack: Pack, group: RuleGroup, settings: BuildSettings) {
  return {
    name: group.name,
    ...(group.exact ? group.exact.fields : { interval: group.interval }),
    rules: group.rules.map((rule) => (rule.kind === 'alert' ? alertYaml(pack, rule, settings) : recordingYaml(rule))),
  };
}

function alertYaml(pack: Pack, alert: Alert, settings: BuildSettings) {
  if (alert.exact) return exactAlertYaml(alert);
  const linked = alert.runbook && settings.runbookBaseUrl !== '';
  const runbook = linked ? { runbook_url: `${settings.runbookBaseUrl}/${pack.name}/${alert.runbook}` } : {};
  return {
    alert: alert.name,
    expr: prettyExpr(alertExpr(alert)),
    for: alert.for,
    ...(alert.keepFiringFor ? { keep_firing_for: alert.keepFiringFor } : {}),
    // `pack` lets several packs share one Alertmanager without their routes or names meeting.
    labels: { ...alert.labels, pack: pack.name },
    annotations: { ...alert.annotations, ...runbook },
  };
}

function exactAlertYaml(alert: Alert) {
  const filled = (record: Readonly<Record<string, string>>) => Object.keys(record).length > 0;
  return {
    alert: alert.name,
    expr: prettyExpr(alertExpr(alert)),
    ...(alert.for === '0s' ? {} : { for: alert.for }),
    ...(alert.keepFiringFor ? { keep_firing_for: alert.keepFiringFor } : {}),
    ...(filled(alert.labels) ? { labels: alert.labels } : {}),
    ...(filled(alert.annotations) ? { annotations: alert.annotations } : {}),
  };
}

function recordingYaml(rule: Recording) {
  const labels = Object.keys(rule.labels).length > 0 ? { labels: rule.labels } : {};
  return { record: rule.name, expr: prettyExpr(exprOf(rule.query, `recording rule ${rule.name}`)), ...labels };
}

/** The runbooks that the pack's alerts name, each once. */
export function runbookFiles(pack: Pack): readonly GeneratedFile[] {
  const names = [...new Set(alertsOf(pack).flatMap((a) => (a.runbook ? [a.runbook] : [])))];
  return names.map((name) => ({ path: `runbooks/${pack.name}/${name}.md`, text: readRunbook(pack, name) }));
}

function readRunbook(pack: Pack, name: string): string {
  const file = join(pack.directory, 'runbooks', `${name}.md`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `runbook ${name} of pack ${pack.name} cannot be read`, {
      cause: error,
      file,
    });
  }
}
