/** Everything that stands on a metric, in files and packs: rules, panels, objectives, scenarios, and who is told. */
import { type AlertmanagerConfig, buildRoute, loadConfig, matchRoutes } from '@belfry/alerting';
import { buildWorld, type PackSource, rangeOf, type SourceFile, type UseKind, usesOf, type World } from '@belfry/check';
import { BelfryError, labelsFrom, nearest } from '@belfry/model';
import { alertsOf, build, type Pack, sloRules } from '@belfry/sdk';

export interface GraphUse {
  readonly kind: UseKind | 'dashboard' | 'slo' | 'scenario' | 'receiver';
  readonly name: string;
  readonly path: string;
  /** 1-based; nothing where the whole file is meant. */
  readonly line?: number;
  readonly column?: number;
  /** What is between the metric and this, nearest to the metric first: recording rules, then an alert or objective. */
  readonly through: readonly string[];
}

export interface MetricGraph {
  readonly metric: string;
  readonly uses: readonly GraphUse[];
}

export interface GraphSources {
  readonly files: readonly SourceFile[];
  readonly packs: readonly PackSource[];
}

/** @throws BelfryError `not_found` for a metric that nothing declares and nothing asks for, with the nearest name */
export function metricGraph(sources: GraphSources, metric: string): MetricGraph {
  const world = buildWorld(sources.files, sources.packs);
  const direct = usesOf(world, metric).map(({ kind, name, at, through }): GraphUse => {
    const { line, column } = rangeOf(at);
    return { kind, name, path: at.in.file.path, line, column, through };
  });
  const uses = [
    ...direct,
    ...sources.packs.flatMap((source) => [
      ...boardUses(source, metric),
      ...objectiveUses(source, direct),
      ...scenarioUses(source, direct),
    ]),
    ...receiverUses(world, sources, direct),
  ];
  if (uses.length === 0) refuseUnknown(world, metric);
  return { metric, uses: unique(uses) };
}

function refuseUnknown(world: World, metric: string): void {
  const known = [...world.declared.map((m) => m.name), ...world.recorded.keys()];
  if (known.includes(metric)) return;
  const near = nearest(metric, known);
  throw new BelfryError('not_found', `nothing declares or asks for ${metric}${near ? `; did you mean ${near}?` : ''}`);
}

/** Dashboards in Grafana's own JSON: of their queries, only the metrics are known. */
function boardUses({ pack, files }: PackSource, metric: string): GraphUse[] {
  return pack.dashboardsJson
    .filter((d) => d.metrics.some((m) => m.name === metric))
    .map((d) => ({ kind: 'dashboard', name: d.title, ...placeOf(files, d.uid), through: [] }));
}

function objectiveUses({ pack, files }: PackSource, direct: readonly GraphUse[]): GraphUse[] {
  return pack.slos.flatMap((slo) => {
    const rules = new Set(sloRules(slo).rules.map((r) => r.name));
    const via = direct.find((use) => use.kind === 'recording' && rules.has(use.name));
    const through = via && [...via.through, via.name];
    return through ? [{ kind: 'slo' as const, name: slo.id, ...placeOf(files, slo.id), through }] : [];
  });
}

function scenarioUses({ pack, files }: PackSource, direct: readonly GraphUse[]): GraphUse[] {
  return pack.scenarios.flatMap((scenario) =>
    direct
      .filter((use) => use.kind === 'alert' && scenario.expects.some((e) => e.alert.name === use.name))
      .map((use) => ({
        kind: 'scenario' as const,
        name: scenario.name,
        ...placeOf(files, scenario.name),
        through: [...use.through, use.name],
      })),
  );
}

/** Who is told by the alerts: the packs' own routes, or those of the alertmanager.yml among the files. */
function receiverUses(world: World, { files, packs }: GraphSources, direct: readonly GraphUse[]): GraphUse[] {
  const alerts = direct.filter((use) => use.kind === 'alert');
  const ofPacks = packs.flatMap((source) => {
    if (!source.pack.routing && !source.pack.alertmanager) return [];
    const config = loadConfig(alertmanagerText(source.pack), source.files[0]!.path);
    const own = alertsOf(source.pack).map((a) => ({
      name: a.name,
      labels: { ...a.labels, ...(a.exact ? {} : { pack: source.pack.name }) },
    }));
    return toldBy(config, source.files[0]!.path, own, alerts);
  });
  const ofFiles = world.alertmanagers.flatMap(({ source }) => {
    if (!files.includes(source.file)) return [];
    const plain = world.alerts
      .filter((a) => a.document.origin !== 'pack')
      .map((a) => ({ name: a.name, labels: Object.fromEntries([...a.labels].map(([k, v]) => [k, v.value.text])) }));
    return toldBy(loadConfig(source.text, source.file.path), source.file.path, plain, alerts);
  });
  return [...ofPacks, ...ofFiles];
}

function alertmanagerText(pack: Pack): string {
  return build([pack]).find((f) => f.path === 'alertmanager.yml')!.text;
}

type LabelledAlert = { readonly name: string; readonly labels: Readonly<Record<string, string>> };

function toldBy(
  config: AlertmanagerConfig,
  path: string,
  known: readonly LabelledAlert[],
  alerts: readonly GraphUse[],
): GraphUse[] {
  const root = buildRoute(config.route);
  return alerts.flatMap((use) =>
    known
      .filter((a) => a.name === use.name)
      .flatMap((a) => matchRoutes(root, labelsFrom({ ...a.labels, alertname: a.name })))
      .map((route) => ({
        kind: 'receiver' as const,
        name: route.receiver,
        path,
        through: [...use.through, use.name],
      })),
  );
}

/** Where a pack's sources write a name; the pack's file when it is composed. */
function placeOf(files: readonly SourceFile[], name: string): { path: string; line?: number; column?: number } {
  for (const { path, text } of files) {
    const at = [`'${name}'`, `"${name}"`, `\`${name}\``].map((q) => text.indexOf(q)).find((i) => i >= 0);
    if (at === undefined) continue;
    const before = text.slice(0, at + 1).split('\n');
    return { path, line: before.length, column: before.at(-1)!.length + 1 };
  }
  return { path: files[0]!.path };
}

function unique(uses: readonly GraphUse[]): GraphUse[] {
  const seen = new Map(uses.map((use) => [JSON.stringify([use.kind, use.name, use.path, use.through]), use]));
  return [...seen.values()];
}

const HEADINGS: Readonly<Record<GraphUse['kind'], string>> = {
  recording: 'Recording rules',
  alert: 'Alerts',
  panel: 'Panels',
  dashboard: 'Dashboards in JSON',
  variable: 'Variables',
  indicator: 'Indicators',
  slo: 'Objectives',
  scenario: 'Scenarios',
  receiver: 'Who is told',
  text: 'Texts',
};

/** Each thing once, by its shortest way. */
function shortest(uses: readonly GraphUse[]): GraphUse[] {
  const best = new Map<string, GraphUse>();
  for (const use of uses) {
    const key = JSON.stringify([use.kind, use.name, use.path, use.name === '' ? use.line : 0]);
    const other = best.get(key);
    if (!other || use.through.length < other.through.length) best.set(key, use);
  }
  return [...best.values()];
}

export function graphText(graph: MetricGraph): string {
  const { metric } = graph;
  const uses = shortest(graph.uses);
  if (uses.length === 0) return `Nothing stands on ${metric}.\n`;
  const out = [`${metric}: ${uses.length} things stand on it`];
  for (const [kind, heading] of Object.entries(HEADINGS)) {
    const own = uses.filter((use) => use.kind === kind);
    if (own.length === 0) continue;
    out.push('', `${heading} (${own.length})`);
    for (const { name, path, line, column, through } of own) {
      const place = line === undefined ? path : `${path}:${line}:${column}`;
      out.push(`  ${[name || 'here', ...through.toReversed()].join(' ← ')}  ${place}`);
    }
  }
  return `${out.join('\n')}\n`;
}

/** For Graphviz. An arrow goes from what is asked to what asks. */
export function graphDot({ metric, uses }: MetricGraph): string {
  const edges = new Set<string>();
  for (const { kind, name, path, line, through } of uses) {
    const chain = [metric, ...through, name === '' ? `${path}:${line}` : name];
    for (let i = 1; i < chain.length; i++) edges.add(`  ${dotText(chain[i - 1]!)} -> ${dotText(chain[i]!)};`);
    edges.add(`  ${dotText(chain.at(-1)!)} [shape=box, tooltip=${dotText(kind)}];`);
  }
  return `digraph metric {\n  rankdir=LR;\n${[...edges].join('\n')}\n}\n`;
}

function dotText(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', ' ')}"`;
}
