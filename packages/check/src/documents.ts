import type { Matcher } from '@belfry/model';
import type { Pack } from '@belfry/sdk';
import type { Expression } from './expression.ts';
import type { Place, Snippet, SourceFile } from './source.ts';
import type { MapTree, Tree } from './tree.ts';

/** Where a document comes from: what is shown in prose may be a fragment, or meant as an example. */
export type Origin = 'file' | 'kubernetes' | 'markdown' | 'pack';

interface Common {
  readonly origin: Origin;
  /** The text that the document was read from. */
  readonly source: Snippet;
}

export type Document =
  | RulesDocument
  | PrometheusDocument
  | AlertmanagerDocument
  | DashboardDocument
  | SloDocument
  | CollectorDocument
  | MonitorDocument
  | DatasourcesDocument
  | ProseDocument
  | PackDocument;

/** A text with the place of its characters, and of the key that it stands under. */
export interface Text {
  readonly key: Place;
  readonly value: Snippet;
}

export interface RulesDocument extends Common {
  readonly kind: 'rules';
  readonly tree?: Tree;
  readonly groups: readonly RuleGroup[];
}

export interface RuleGroup {
  readonly name: string;
  readonly at: Place;
  readonly intervalMs: number | undefined;
  readonly rules: readonly Rule[];
  readonly tree?: MapTree;
}

interface RuleCommon {
  readonly name: string;
  /** Of the name. */
  readonly at: Place;
  readonly expression: Expression | undefined;
  readonly labels: ReadonlyMap<string, Text>;
  readonly group: string;
  readonly intervalMs: number | undefined;
  readonly document: { readonly origin: Origin; readonly path: string };
  readonly tree?: MapTree;
}

export interface AlertRule extends RuleCommon {
  readonly kind: 'alert';
  readonly forMs: number;
  readonly annotations: ReadonlyMap<string, Text>;
}

export interface RecordingRule extends RuleCommon {
  readonly kind: 'recording';
}

export type Rule = AlertRule | RecordingRule;

export interface PrometheusDocument extends Common {
  readonly kind: 'prometheus';
  readonly tree: MapTree;
  readonly jobs: readonly ScrapeJob[];
  readonly scrapeIntervalMs: number | undefined;
  readonly ruleFiles: readonly Text[];
}

export interface ScrapeJob {
  readonly name: string;
  readonly at: Place;
  /** Its own, or the global one; nothing when neither is written. */
  readonly intervalMs: number | undefined;
  readonly intervalAt: Place | undefined;
  readonly metricRelabeling: readonly Relabeling[];
  /** Labels that targets of this job carry beside job and instance, as far as written. */
  readonly labels: readonly string[];
}

export interface Relabeling {
  readonly at: Place;
  readonly action: string;
  readonly sourceLabels: readonly string[];
  readonly regex: string | undefined;
  readonly targetLabel: string | undefined;
}

/** ServiceMonitor and PodMonitor. */
export interface MonitorDocument extends Common {
  readonly kind: 'monitor';
  readonly name: string;
  readonly at: Place;
  readonly endpoints: readonly {
    readonly at: Place;
    readonly intervalMs: number | undefined;
    readonly metricRelabeling: readonly Relabeling[];
  }[];
}

export interface AlertmanagerDocument extends Common {
  readonly kind: 'alertmanager';
  readonly tree: MapTree;
  readonly root: Route | undefined;
  readonly receivers: readonly Receiver[];
  readonly inhibitions: readonly Inhibition[];
}

export interface Route {
  readonly at: Place;
  readonly tree: MapTree;
  readonly parent: Route | undefined;
  readonly receiver: string | undefined;
  readonly receiverAt: Place | undefined;
  readonly matchers: readonly Matcher[];
  readonly continue: boolean;
  readonly continueAt: Place | undefined;
  readonly groupBy: readonly { readonly name: string; readonly at: Place }[];
  readonly routes: readonly Route[];
}

export interface Receiver {
  readonly name: string;
  readonly at: Place;
  readonly integrations: readonly { readonly type: string; readonly tree: Tree; readonly at: Place }[];
}

export interface Inhibition {
  readonly at: Place;
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  readonly equal: readonly string[];
}

export interface DashboardDocument extends Common {
  readonly kind: 'dashboard';
  readonly tree: MapTree;
  /** Of the title, or of the opening brace. */
  readonly at: Place;
  readonly title: string;
  readonly uid: string | undefined;
  readonly panels: readonly Panel[];
  readonly variables: readonly Variable[];
  readonly refreshMs: number | undefined;
}

export interface Panel {
  readonly tree: MapTree;
  readonly at: Place;
  readonly type: string;
  readonly title: string;
  readonly titleAt: Place;
  readonly unit: string | undefined;
  readonly unitAt: Place | undefined;
  readonly thresholds: readonly Threshold[];
  readonly targets: readonly Target[];
  readonly dashboard: { readonly title: string };
}

export interface Threshold {
  readonly at: Place;
  readonly color: string;
  /** Absent for the base colour. */
  readonly value: number | undefined;
}

export interface Target {
  readonly tree: MapTree;
  readonly at: Place;
  readonly expression: Expression | undefined;
  readonly legend: Snippet | undefined;
  readonly refId: string | undefined;
}

export interface Variable {
  readonly name: string;
  readonly at: Place;
  readonly type: string;
  readonly tree: MapTree;
  /** Of `label_values(metric{…}, label)`. */
  readonly label: string | undefined;
  readonly expression: Expression | undefined;
  readonly query: Snippet | undefined;
}

/** Indicators and objectives as documents write them. */
export interface SloDocument extends Common {
  readonly kind: 'slos';
  readonly indicators: readonly Indicator[];
  readonly objectives: readonly Objective[];
}

export interface Indicator {
  readonly name: string;
  readonly at: Place;
  readonly expression: Expression | undefined;
}

export interface Objective {
  readonly name: string;
  readonly at: Place;
  /** The name of the indicator, where it is a reference. */
  readonly indicator: string | undefined;
  readonly indicatorAt: Place | undefined;
  /** As written: 99.9 or 0.999. */
  readonly target: number | undefined;
  readonly targetAt: Place | undefined;
  /** A bound in the indicator's own unit instead of a share. */
  readonly bound: number | undefined;
  readonly window: string | undefined;
  /** Whether the objective itself says how it alerts (Sloth's `alerting`). */
  readonly alerts: boolean;
}

/** An OpenTelemetry Collector's configuration. */
export interface CollectorDocument extends Common {
  readonly kind: 'collector';
  readonly tree: MapTree;
}

/** Grafana's provisioning of datasources. */
export interface DatasourcesDocument extends Common {
  readonly kind: 'datasources';
  readonly uids: readonly string[];
  readonly names: readonly string[];
}

/** Markdown: what is said in words. */
export interface ProseDocument extends Common {
  readonly kind: 'prose';
  readonly file: SourceFile;
  readonly lines: readonly Snippet[];
  readonly tables: readonly Table[];
  /** PromQL in fences and code spans. */
  readonly expressions: readonly Expression[];
  /** Metric names in code spans, where they are not in a listing: mentions. */
  readonly mentions: readonly { readonly name: string; readonly at: Place }[];
  /** `metric_*_total` in code spans. */
  readonly globs: readonly { readonly pattern: string; readonly at: Place }[];
}

export interface Table {
  readonly header: readonly Snippet[];
  readonly rows: readonly (readonly Snippet[])[];
}

/** A pack, beside the rules, dashboards and routing that are read from it. */
export interface PackDocument extends Common {
  readonly kind: 'pack';
  readonly pack: Pack;
  readonly at: Place;
  /** Where the pack's files name something; the pack file itself when they do not. */
  readonly placeOf: (name: string) => Place;
}
