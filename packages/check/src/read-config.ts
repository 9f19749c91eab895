import { parseMatchers } from '@belfry/alerting';
import { BelfryError, type Matcher } from '@belfry/model';
import type {
  AlertmanagerDocument,
  CollectorDocument,
  DatasourcesDocument,
  Inhibition,
  MonitorDocument,
  Origin,
  PrometheusDocument,
  Receiver,
  Relabeling,
  Route,
  ScrapeJob,
} from './documents.ts';
import { durationOf } from './read-rules.ts';
import type { Snippet } from './source.ts';
import {
  at,
  entriesOf,
  entryOf,
  isTrue,
  itemsOf,
  type MapTree,
  placeOf,
  snippetOf,
  type Tree,
  textOf,
} from './tree.ts';

export function readPrometheus(tree: MapTree, source: Snippet, origin: Origin): PrometheusDocument {
  const scrapeIntervalMs = durationOf(at(tree, 'global', 'scrape_interval'));
  const jobs = itemsOf(at(tree, 'scrape_configs')).flatMap((job) => readJob(job, scrapeIntervalMs));
  const ruleFiles = itemsOf(at(tree, 'rule_files')).flatMap((file) =>
    file.kind === 'scalar' ? [{ key: placeOf(file), value: snippetOf(file) }] : [],
  );
  return { kind: 'prometheus', origin, source, tree, jobs, scrapeIntervalMs, ruleFiles };
}

function readJob(tree: Tree, globalMs: number | undefined): ScrapeJob[] {
  const named = at(tree, 'job_name');
  const name = textOf(named);
  if (!named || name === undefined) return [];
  const interval = at(tree, 'scrape_interval');
  const written = [
    ...itemsOf(at(tree, 'static_configs')).flatMap((c) => entriesOf(at(c, 'labels')).map(([label]) => label)),
    ...itemsOf(at(tree, 'relabel_configs')).flatMap((c) => textOf(at(c, 'target_label')) ?? []),
    ...itemsOf(at(tree, 'metric_relabel_configs')).flatMap((c) => textOf(at(c, 'target_label')) ?? []),
  ];
  return [
    {
      name,
      at: placeOf(named),
      intervalMs: durationOf(interval) ?? globalMs,
      intervalAt: interval && placeOf(interval),
      metricRelabeling: itemsOf(at(tree, 'metric_relabel_configs')).map(readRelabeling),
      labels: written.filter((label) => !label.startsWith('__')),
    },
  ];
}

/** Prometheus' and the operator's spelling. */
function readRelabeling(tree: Tree): Relabeling {
  const labels = at(tree, 'source_labels') ?? at(tree, 'sourceLabels');
  return {
    at: placeOf(tree),
    action: textOf(at(tree, 'action')) ?? 'replace',
    sourceLabels: itemsOf(labels).flatMap((l) => textOf(l) ?? []),
    regex: textOf(at(tree, 'regex')),
    targetLabel: textOf(at(tree, 'target_label') ?? at(tree, 'targetLabel')),
  };
}

export function readMonitor(tree: MapTree, source: Snippet): MonitorDocument {
  const endpoints = [
    ...itemsOf(at(tree, 'spec', 'endpoints')),
    ...itemsOf(at(tree, 'spec', 'podMetricsEndpoints')),
  ].map((endpoint) => ({
    at: placeOf(endpoint),
    intervalMs: durationOf(at(endpoint, 'interval')),
    metricRelabeling: itemsOf(at(endpoint, 'metricRelabelings')).map(readRelabeling),
  }));
  const named = at(tree, 'metadata', 'name');
  return {
    kind: 'monitor',
    origin: 'kubernetes',
    source,
    name: textOf(named) ?? '',
    at: placeOf(named ?? tree),
    endpoints,
  };
}

export function readAlertmanager(tree: MapTree, source: Snippet, origin: Origin): AlertmanagerDocument {
  const route = at(tree, 'route');
  return {
    kind: 'alertmanager',
    origin,
    source,
    tree,
    root: route?.kind === 'map' ? readRoute(route, undefined) : undefined,
    receivers: itemsOf(at(tree, 'receivers')).flatMap(readReceiver),
    inhibitions: itemsOf(at(tree, 'inhibit_rules')).map(readInhibition),
  };
}

function readRoute(tree: MapTree, parent: Route | undefined): Route {
  const receiver = at(tree, 'receiver');
  const goOn = entryOf(tree, 'continue');
  const children: Route[] = [];
  const route: Route = {
    at: placeOf(tree),
    tree,
    parent,
    receiver: textOf(receiver) ?? parent?.receiver,
    receiverAt: receiver && placeOf(receiver),
    matchers: readMatchers(tree, ''),
    continue: isTrue(goOn?.value),
    continueAt: goOn?.key,
    groupBy: itemsOf(at(tree, 'group_by')).flatMap((l) => {
      const name = textOf(l);
      return name === undefined ? [] : [{ name, at: placeOf(l) }];
    }),
    routes: children,
  };
  for (const child of itemsOf(at(tree, 'routes'))) if (child.kind === 'map') children.push(readRoute(child, route));
  return route;
}

function readMatchers(tree: Tree, prefix: string): Matcher[] {
  const out: Matcher[] = [];
  for (const [name, { value }] of entriesOf(at(tree, `${prefix}match`))) {
    out.push({ name, op: '=', value: textOf(value) ?? '' });
  }
  for (const [name, { value }] of entriesOf(at(tree, `${prefix}match_re`))) {
    out.push({ name, op: '=~', value: textOf(value) ?? '' });
  }
  for (const item of itemsOf(at(tree, `${prefix}matchers`))) {
    try {
      out.push(...parseMatchers(textOf(item) ?? ''));
    } catch (error) {
      if (!(error instanceof BelfryError)) throw error;
    }
  }
  return out;
}

function readReceiver(tree: Tree): Receiver[] {
  const named = at(tree, 'name');
  const name = textOf(named);
  if (!named || name === undefined) return [];
  const integrations = entriesOf(tree).flatMap(([key, { key: place, value }]) =>
    key.endsWith('_configs')
      ? itemsOf(value).map((item) => ({ type: key.slice(0, -'_configs'.length), tree: item, at: place }))
      : [],
  );
  return [{ name, at: placeOf(named), integrations }];
}

function readInhibition(tree: Tree): Inhibition {
  return {
    at: placeOf(tree),
    source: readMatchers(tree, 'source_'),
    target: readMatchers(tree, 'target_'),
    equal: itemsOf(at(tree, 'equal')).flatMap((l) => textOf(l) ?? []),
  };
}

export function readCollector(tree: MapTree, source: Snippet, origin: Origin): CollectorDocument {
  return { kind: 'collector', origin, source, tree };
}

export function readDatasources(tree: MapTree, source: Snippet, origin: Origin): DatasourcesDocument {
  const items = itemsOf(at(tree, 'datasources'));
  return {
    kind: 'datasources',
    origin,
    source,
    uids: items.flatMap((d) => textOf(at(d, 'uid')) ?? []),
    names: items.flatMap((d) => textOf(at(d, 'name')) ?? []),
  };
}
