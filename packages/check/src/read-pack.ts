import type { Dashboard, Pack, Panel as PackPanel, Query } from '@belfry/sdk';
import type {
  AlertRule,
  DashboardDocument,
  Document,
  PackDocument,
  Panel,
  RecordingRule,
  Rule,
  RulesDocument,
  Text,
} from './documents.ts';
import type { ExpressionReader, Use } from './expression.ts';
import { fixedSnippet, type Place, placeIn, type Snippet, type SourceFile, wholeFile } from './source.ts';
import type { MapTree } from './tree.ts';
import { durationMsOf } from './windows.ts';

/** A pack with the files that it is written in, the one that exports it first. */
export interface PackSource {
  readonly pack: Pack;
  readonly files: readonly SourceFile[];
}

/** The documents that a pack's objects stand for. Each thing is placed where the pack's files write its name. */
export function readPack({ pack, files }: PackSource, reader: ExpressionReader): readonly Document[] {
  const placeOf = locator(files);
  const home = placeOf('');
  const document: PackDocument = { kind: 'pack', origin: 'pack', source: home.in, pack, at: home, placeOf };
  const make = { reader, placeOf };
  return [document, packRules(pack, home, make), ...pack.dashboards.map((d) => packDashboard(d, make))];
}

interface Maker {
  readonly reader: ExpressionReader;
  readonly placeOf: (name: string) => Place;
}

/** Finds where a name is written as a text of its own, or made by a template with holes. */
function locator(files: readonly SourceFile[]): (name: string) => Place {
  const cache = new Map<string, Place>();
  const first = wholeFile(files[0]!);
  const templates = files.flatMap(templatesIn);
  const find = (name: string): Place => {
    if (name === '') return placeIn(first, 0, 0);
    for (const file of files) {
      for (const quoted of [`'${name}'`, `"${name}"`, `\`${name}\``]) {
        const at = file.text.indexOf(quoted);
        if (at >= 0) return placeIn(wholeFile(file), at + 1, at + 1 + name.length);
      }
    }
    return templates.find((t) => t.pattern.test(name))?.at ?? placeIn(first, 0, 0);
  };
  return (name) => {
    const known = cache.get(name) ?? find(name);
    cache.set(name, known);
    return known;
  };
}

/** Text templates with holes that may make names: most of such a name is written out. */
function templatesIn(file: SourceFile): { readonly pattern: RegExp; readonly at: Place }[] {
  return [...file.text.matchAll(/`([\w:-]*\$\{[^}`]*\}[\w:${}.-]*)`/g)].flatMap((match) => {
    const parts = match[1]!.split(/\$\{[^}]*\}/);
    if (parts.join('').length < 6) return [];
    const escaped = parts.map((p) => p.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    const at = placeIn(wholeFile(file), match.index + 1, match.index + match[0].length - 1);
    return [{ pattern: new RegExp(`^${escaped.join('[\\w:-]*')}$`), at }];
  });
}

function snippetAt(place: Place, text: string): Snippet {
  return fixedSnippet(place.in.file, text, place.start, Math.max(place.end, place.start));
}

function queryAt(query: Query, place: Place, use: Use, { reader }: Maker) {
  return reader.read(snippetAt(place, query.text), use, use === 'panel');
}

function packRules(pack: Pack, home: Place, make: Maker): RulesDocument {
  const groups = pack.rules.map((group) => {
    const intervalMs = durationMsOf(group.interval);
    const common = (name: string, labels: Readonly<Record<string, string>>) => {
      const at = make.placeOf(name);
      return {
        name,
        at,
        labels: texts(labels, at),
        group: group.name,
        intervalMs,
        document: { origin: 'pack' as const, path: at.in.file.path },
      };
    };
    const rules = group.rules.map((rule): Rule => {
      const base = common(rule.name, rule.labels);
      if (rule.kind === 'recording') {
        const made: RecordingRule = {
          kind: 'recording',
          ...base,
          expression: queryAt(rule.query, base.at, 'recording', make),
        };
        return made;
      }
      // A link, or the name of a page in the pack's folder.
      const runbook = rule.runbook ? { [/:\/\//.test(rule.runbook) ? 'runbook_url' : 'runbook']: rule.runbook } : {};
      const made: AlertRule = {
        kind: 'alert',
        ...base,
        expression: queryAt(rule.query, base.at, 'alert', make),
        forMs: durationMsOf(rule.for) ?? 0,
        annotations: texts({ ...rule.annotations, ...runbook }, base.at),
      };
      return made;
    });
    return { name: group.name, at: make.placeOf(group.name), intervalMs, rules };
  });
  return { kind: 'rules', origin: 'pack', source: home.in, groups };
}

function texts(record: Readonly<Record<string, string>>, at: Place): ReadonlyMap<string, Text> {
  return new Map(Object.entries(record).map(([k, v]) => [k, { key: at, value: snippetAt(at, v) }]));
}

const NO_TREE = (at: Place): MapTree => ({ kind: 'map', in: at.in, start: at.start, end: at.end, entries: new Map() });

function packDashboard(dashboard: Dashboard, make: Maker): DashboardDocument {
  const at = make.placeOf(dashboard.uid);
  return {
    kind: 'dashboard',
    origin: 'pack',
    source: at.in,
    tree: NO_TREE(at),
    at,
    title: dashboard.title,
    uid: dashboard.uid,
    panels: dashboard.rows.flatMap((row) => row.panels.map((p) => packPanel(p, dashboard.title, make))),
    variables: dashboard.variables.map((v) => ({
      name: v.name,
      at,
      type: 'query',
      tree: NO_TREE(at),
      label: v.label,
      expression: make.reader.read(snippetAt(at, seriesOf(v.metric)), 'variable', true),
      query: undefined,
    })),
    refreshMs: durationMsOf(dashboard.refresh),
  };
}

function seriesOf(metric: { readonly kind: string; readonly name: string }): string {
  return metric.kind === 'histogram' ? `${metric.name}_count` : metric.name;
}

function packPanel(panel: PackPanel, dashboard: string, make: Maker): Panel {
  const at = make.placeOf(panel.title);
  return {
    tree: NO_TREE(at),
    at,
    type: panel.type,
    title: panel.title,
    titleAt: at,
    unit: panel.unit,
    unitAt: at,
    thresholds: (panel.thresholds ?? []).map((step) => ({ at, color: step.color, value: step.value })),
    targets: panel.targets.map((target) => ({
      tree: NO_TREE(at),
      at,
      expression: queryAt(target.query, at, 'panel', make),
      legend: target.legend ? snippetAt(at, target.legend) : undefined,
      refId: 'A',
    })),
    dashboard: { title: dashboard },
  };
}
