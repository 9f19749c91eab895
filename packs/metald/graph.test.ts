/** What hangs together: every query asks for what the catalogue declares, and every alert has all that belongs to it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { alertsOf, exprOf, type Query, receiversOf, recordingsOf, seriesNames } from '@belfry/sdk';
import { describe, expect, it } from 'vitest';
import metaldPack from './pack.ts';

const labelsOf = new Map<string, Set<string>>([['up', new Set()]]);
for (const { metrics } of metaldPack.catalogues) {
  for (const metric of Object.values(metrics)) {
    for (const name of seriesNames(metric)) {
      const known = labelsOf.get(name) ?? new Set(['le', 'quantile']);
      for (const label of Object.keys(metric.labels)) known.add(label);
      labelsOf.set(name, known);
    }
  }
}
for (const { name } of recordingsOf(metaldPack)) labelsOf.set(name, new Set());

const queries: [where: string, query: Query][] = [
  ...alertsOf(metaldPack).map((a) => [a.name, a.query] as [string, Query]),
  ...recordingsOf(metaldPack).map((r) => [r.name, r.query] as [string, Query]),
  ...metaldPack.dashboards.flatMap((d) =>
    d.rows.flatMap((r) =>
      r.panels.flatMap((p) => p.targets.map((t) => [`${d.uid}: ${p.title}`, t.query] as [string, Query])),
    ),
  ),
];

/** Every selector of a tree, found by its shape. */
function selectorsIn(node: unknown): { name?: string; matchers: { name: string }[] }[] {
  if (typeof node !== 'object' || node === null) return [];
  const own = (node as { kind?: string }).kind === 'selector' ? [node as never] : [];
  return [...own, ...Object.values(node).flatMap(selectorsIn)];
}

describe('the metald pack', () => {
  it.each(queries)('%s asks for what is exported', (_, query) => {
    for (const { name, matchers } of selectorsIn(exprOf(query, 'query'))) {
      const known = labelsOf.get(name ?? '');
      expect(known, name).toBeDefined();
      for (const label of matchers.map((m) => m.name)) {
        if (['__name__', 'job', 'instance'].includes(label)) continue;
        expect([...known!], `${name}{${label}}`).toContain(label);
      }
    }
  });

  it('has a runbook, a scenario, a team and a route to somebody for each alert', () => {
    const rehearsed = new Set(metaldPack.scenarios.flatMap((s) => s.expects.map((e) => e.alert.name)));
    const severities = metaldPack.routing!.root.routes.map((r) => r.when.severity);
    for (const alert of alertsOf(metaldPack)) {
      expect(existsSync(join(metaldPack.directory, 'runbooks', `${alert.runbook}.md`)), alert.name).toBe(true);
      // Budgets burn over hours; what burns them is rehearsed by the alerts on causes.
      expect(rehearsed.has(alert.name) || alert.labels.slo !== undefined, alert.name).toBe(true);
      expect(alert.labels.team, alert.name).toBeTruthy();
      // What is only worth knowing goes to the root's receiver.
      expect([...severities, 'info'], alert.name).toContain(alert.labels.severity);
    }
    expect(receiversOf(metaldPack.routing!.root).map((r) => r.name)).toEqual(['default', 'pagerduty', 'slack']);
  });

  it('has the dashboards of the documents under their addresses, with their times', () => {
    expect(metaldPack.dashboards.slice(0, 5).map((d) => [d.uid, d.refresh, d.from])).toEqual(
      [
        'metald-vm-ops',
        'metald-security-ops',
        'metald-billing',
        'metald-multi-tenant-billing',
        'metald-system-health',
      ].map((uid) => [uid, '5s', 'now-15m']),
    );
  });

  it('uses every variable that a dashboard offers', () => {
    for (const { uid, variables, rows } of metaldPack.dashboards) {
      const text = rows.flatMap((r) => r.panels.flatMap((p) => p.targets.map((t) => t.query.text))).join('\n');
      for (const { name } of variables) expect(text.includes(`$${name}`), `${uid}: ${name}`).toBe(true);
    }
  });
});
