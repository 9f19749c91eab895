import { BelfryError } from '@belfry/model';
import type { KnownMetric } from './catalogue.ts';
import type { Document, Origin } from './documents.ts';
import type { ExpressionReader } from './expression.ts';
import { isMetricsDump, readMetricsDump } from './metrics-dump.ts';
import { readAlertmanager, readCollector, readDatasources, readMonitor, readPrometheus } from './read-config.ts';
import { readDashboard } from './read-dashboard.ts';
import { jsonFault, type ReadFault, readJson } from './read-json.ts';
import { heredocsOf, isListing, readMarkdown } from './read-markdown.ts';
import { readRules } from './read-rules.ts';
import { readIndicators, readSlos } from './read-slos.ts';
import { readYaml } from './read-yaml.ts';
import { type Snippet, type SourceFile, wholeFile } from './source.ts';
import { at, entriesOf, itemsOf, type MapTree, snippetOf, type Tree, textOf } from './tree.ts';

/** What reading the files gives. */
export interface Readings {
  readonly documents: Document[];
  readonly faults: ReadFault[];
  readonly metrics: KnownMetric[];
  readonly globs: string[];
  readonly defaultBuckets: (readonly number[])[];
  /** Other texts with addresses in them: shell blocks of Markdown. */
  readonly shell: Snippet[];
}

export function emptyReadings(): Readings {
  return { documents: [], faults: [], metrics: [], globs: [], defaultBuckets: [], shell: [] };
}

/** Reads a file into what it is, by its name and its shape. */
export function recogniseFile(file: SourceFile, into: Readings, reader: ExpressionReader): void {
  if (/\.(?:md|markdown)$/i.test(file.path)) recogniseMarkdown(file, into, reader);
  else if (/\.json$/i.test(file.path)) recogniseJson(wholeFile(file), into, reader, 'file');
  else if (/\.ya?ml(?:\.\w+)?$/i.test(file.path)) recogniseYaml(wholeFile(file), into, reader, 'file');
  else if (isMetricsDump(file.text)) {
    const { metrics, fault } = readMetricsDump(file);
    into.metrics.push(...metrics);
    if (fault) into.faults.push(fault);
  }
}

function recogniseMarkdown(file: SourceFile, into: Readings, reader: ExpressionReader): void {
  const markdown = readMarkdown(file, reader);
  into.documents.push(markdown.prose);
  into.metrics.push(...markdown.metrics);
  into.globs.push(...markdown.globs);
  into.defaultBuckets.push(...markdown.defaultBuckets);
  for (const { lang, body } of markdown.fences) {
    if (lang === 'json') recogniseJson(body, into, reader, 'markdown');
    else if (/^ya?ml$/.test(lang) && !isListing(body)) recogniseYaml(body, into, reader, 'markdown');
    else if (/^(?:bash|sh|shell|console)$/.test(lang)) {
      into.shell.push(body);
      for (const { name, text } of heredocsOf(body)) {
        if (/\.json$/.test(name)) recogniseJson(text, into, reader, 'markdown');
        else if (/\.ya?ml$/.test(name) || /^(?:groups|route|scrape_configs|apiVersion):/m.test(text.text)) {
          recogniseYaml(text, into, reader, 'markdown');
        }
      }
    }
  }
}

function recogniseJson(snippet: Snippet, into: Readings, reader: ExpressionReader, origin: Origin): void {
  let tree: Tree;
  try {
    tree = readJson(snippet);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    // In prose only what means to be a dashboard; commands show all kinds of JSON with gaps.
    if (origin !== 'markdown' || /"(?:panels|targets)"\s*:/.test(snippet.text)) into.faults.push(jsonFault(error));
    return;
  }
  recogniseTree(tree, snippet, into, reader, origin);
}

const KNOWN_SHAPE = /^(?:groups|route|receivers|scrape_configs|rule_files|kind|slos):/m;

function recogniseYaml(snippet: Snippet, into: Readings, reader: ExpressionReader, origin: Origin): void {
  const { trees, faults } = readYaml(snippet);
  if (origin !== 'markdown' || KNOWN_SHAPE.test(snippet.text)) into.faults.push(...faults);
  for (const tree of trees) recogniseTree(tree, snippet, into, reader, origin);
}

function has(tree: Tree, ...keys: readonly string[]): boolean {
  return keys.every((key) => at(tree, key) !== undefined);
}

function recogniseTree(tree: Tree, source: Snippet, into: Readings, reader: ExpressionReader, origin: Origin): void {
  if (tree.kind === 'list') {
    const indicators =
      tree.items.length > 0 && tree.items.every((i) => has(i, 'name') && (has(i, 'expression') || has(i, 'query')));
    if (indicators) into.documents.push(readIndicators(tree, source, origin, reader));
    return;
  }
  if (tree.kind !== 'map') return;
  if (has(tree, 'kind', 'apiVersion') && typeof textOf(at(tree, 'kind')) === 'string') {
    recogniseKubernetes(tree, source, into, reader, origin);
    return;
  }
  const document = documentOf(tree, source, reader, origin);
  if (document) into.documents.push(document);
}

function documentOf(tree: MapTree, source: Snippet, reader: ExpressionReader, origin: Origin): Document | undefined {
  // Files that only look like Prometheus': rule tests, Grafana's own alerting, Promtail.
  if (has(tree, 'tests') || (has(tree, 'apiVersion') && !has(tree, 'datasources'))) return undefined;
  if (has(tree, 'clients') || has(tree, 'positions')) return undefined;
  const groups = at(tree, 'groups');
  if (groups && (groups.kind === 'list' || tree.entries.size === 1)) return readRules(tree, source, origin, reader);
  if (has(tree, 'route', 'receivers')) return readAlertmanager(tree, source, origin);
  if (has(tree, 'exporters', 'service') && at(tree, 'service', 'pipelines')) return readCollector(tree, source, origin);
  if (has(tree, 'scrape_configs') || has(tree, 'rule_files') || at(tree, 'global', 'scrape_interval')) {
    return readPrometheus(tree, source, origin);
  }
  const inner = at(tree, 'dashboard');
  if (inner?.kind === 'map') return readDashboard(inner, source, origin, reader);
  if (has(tree, 'panels') || has(tree, 'schemaVersion', 'title')) return readDashboard(tree, source, origin, reader);
  if (at(tree, 'slos')?.kind === 'list') return readSlos(tree, source, origin, reader);
  if (at(tree, 'datasources')?.kind === 'list') return readDatasources(tree, source, origin);
  return undefined;
}

function recogniseKubernetes(
  tree: MapTree,
  source: Snippet,
  into: Readings,
  reader: ExpressionReader,
  origin: Origin,
): void {
  const kind = textOf(at(tree, 'kind'));
  const from: Origin = origin === 'markdown' ? 'markdown' : 'kubernetes';
  const spec = at(tree, 'spec');
  if (kind === 'List') {
    for (const item of itemsOf(at(tree, 'items'))) recogniseTree(item, source, into, reader, from);
  } else if (kind === 'PrometheusRule' && spec?.kind === 'map') {
    into.documents.push(readRules(spec, source, from, reader));
  } else if (kind === 'ServiceMonitor' || kind === 'PodMonitor') into.documents.push(readMonitor(tree, source));
  else if (kind === 'ConfigMap' || kind === 'Secret') {
    for (const [name, { value }] of entriesOf(at(tree, kind === 'Secret' ? 'stringData' : 'data'))) {
      if (value.kind !== 'scalar') continue;
      if (/\.json$/.test(name)) recogniseJson(snippetOf(value), into, reader, from);
      else if (/\.ya?ml$/.test(name)) recogniseYaml(snippetOf(value), into, reader, from);
    }
  }
}
