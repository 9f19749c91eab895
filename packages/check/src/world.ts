import type { Expr } from '@belfry/promql';
import { walk } from '@belfry/promql';
import { buildCatalogue, type Catalogue, type KnownMetric, packMetrics } from './catalogue.ts';
import type {
  AlertmanagerDocument,
  AlertRule,
  DashboardDocument,
  Document,
  Indicator,
  MonitorDocument,
  PackDocument,
  Panel,
  PrometheusDocument,
  ProseDocument,
  RecordingRule,
  Rule,
  RulesDocument,
  SloDocument,
} from './documents.ts';
import { type Expression, type ExpressionReader, expressionReader } from './expression.ts';
import { createInference, type Inference } from './infer.ts';
import type { ReadFault } from './read-json.ts';
import { type PackSource, readPack } from './read-pack.ts';
import { emptyReadings, recogniseFile } from './recognise.ts';
import type { Snippet, SourceFile } from './source.ts';

/** Everything that is checked together, read once; checks only look at it. */
export interface World extends Inference {
  readonly files: readonly SourceFile[];
  readonly documents: readonly Document[];
  readonly faults: readonly ReadFault[];
  readonly catalogue: Catalogue;
  /** Every declaration of a metric, before those of one name were merged. */
  readonly declared: readonly KnownMetric[];
  readonly rules: readonly Rule[];
  readonly alerts: readonly AlertRule[];
  readonly recordings: readonly RecordingRule[];
  readonly rulesDocuments: readonly RulesDocument[];
  readonly dashboards: readonly DashboardDocument[];
  readonly panels: readonly Panel[];
  readonly prometheus: readonly PrometheusDocument[];
  readonly monitors: readonly MonitorDocument[];
  readonly alertmanagers: readonly AlertmanagerDocument[];
  readonly slos: readonly SloDocument[];
  readonly indicators: readonly Indicator[];
  readonly prose: readonly ProseDocument[];
  readonly packs: readonly PackDocument[];
  readonly shell: readonly Snippet[];
  /** Every PromQL expression, wherever it stands. */
  readonly expressions: readonly Expression[];
  /** Names that recording rules store. */
  readonly recorded: ReadonlyMap<string, RecordingRule>;
  /** The nodes of all parsed expressions, outer ones first, with those around them. Walks each tree once. */
  readonly nodes: readonly Visited[];
  readonly reader: ExpressionReader;
}

export interface Visited {
  readonly expression: Expression;
  readonly node: Expr;
  readonly around: readonly Expr[];
}

export function buildWorld(files: readonly SourceFile[], packs: readonly PackSource[]): World {
  const reader = expressionReader();
  const readings = emptyReadings();
  for (const file of files) recogniseFile(file, readings, reader);
  for (const source of packs) {
    const documents = readPack(source, reader);
    readings.documents.push(...documents);
    readings.metrics.push(...packMetrics(source.pack, (documents[0] as PackDocument).placeOf));
  }
  const { documents } = readings;
  const of = <K extends Document['kind']>(kind: K) =>
    documents.filter((d): d is Extract<Document, { kind: K }> => d.kind === kind);
  const catalogue = buildCatalogue(readings);
  const rulesDocuments = of('rules');
  const rules = rulesDocuments.flatMap((d) => d.groups.flatMap((g) => g.rules));
  const recordings = rules.filter((r) => r.kind === 'recording');
  const dashboards = of('dashboard');
  const panels = dashboards.flatMap((d) => d.panels);
  const prometheus = of('prometheus');
  const slos = of('slos');
  const indicators = slos.flatMap((s) => s.indicators);
  const prose = of('prose');
  const expressions = [
    ...rules.flatMap((r) => r.expression ?? []),
    ...panels.flatMap((p) => p.targets.flatMap((t) => t.expression ?? [])),
    ...dashboards.flatMap((d) => d.variables.flatMap((v) => v.expression ?? [])),
    ...indicators.flatMap((i) => i.expression ?? []),
    ...prose.flatMap((p) => p.expressions),
  ];
  const targetLabels = prometheus.flatMap((p) => p.jobs.flatMap((j) => j.labels));
  return {
    files,
    documents,
    faults: readings.faults,
    catalogue,
    declared: readings.metrics,
    rules,
    alerts: rules.filter((r) => r.kind === 'alert'),
    recordings,
    rulesDocuments,
    dashboards,
    panels,
    prometheus,
    monitors: of('monitor'),
    alertmanagers: of('alertmanager'),
    slos,
    indicators,
    prose,
    packs: of('pack'),
    shell: readings.shell,
    expressions,
    recorded: new Map(recordings.map((r) => [r.name, r])),
    nodes: visitAll(expressions),
    reader,
    ...createInference(catalogue, targetLabels),
  };
}

function visitAll(expressions: readonly Expression[]): Visited[] {
  const out: Visited[] = [];
  for (const expression of expressions) {
    if (!expression.ast) continue;
    walk(expression.ast, (node, around) => {
      out.push({ expression, node, around: [...around] });
    });
  }
  return out;
}
