import { type CountedFamily, metricsText, single } from './metrics-text.ts';
import { notifierFamilies } from './notifier-metrics.ts';
import { remoteWriteFamilies } from './remote-write-metrics.ts';
import type { Parts } from './tower.ts';
import { VERSION } from './version.ts';

/** The tower's own metrics, under Prometheus' names where it has them, in the text format. */
export async function towerMetrics(parts: Parts): Promise<string> {
  const store = await storeFamilies(parts);
  const newestMs = store.find(({ name }) => name === 'prometheus_tsdb_head_max_time')?.samples[0]?.value ?? 0;
  return metricsText([
    ...processFamilies(parts),
    ...store,
    ...remoteWriteFamilies(parts.remoteWrites.queues(), newestMs),
    ...ruleFamilies(parts),
    ...notifierFamilies(
      parts.alertmanagers.notifier.status(),
      Number(parts.options.flags['alertmanager.notification-queue-capacity']),
    ),
    ...(parts.router?.alertmanager.metrics() ?? []),
    ...scrapeFamilies(parts),
  ]);
}

function processFamilies({ options, life, engine }: Parts): CountedFamily[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      name: 'belfry_build_info',
      type: 'gauge',
      help: 'Which Belfry this is.',
      samples: [{ labels: { version: VERSION, node: process.version }, value: 1 }],
    },
    single('process_cpu_seconds_total', 'counter', 'User and system time, in seconds.', (user + system) / 1e6),
    single('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss()),
    single('process_start_time_seconds', 'gauge', 'Start, Unix time.', life.startedMs / 1000),
    single('prometheus_ready', 'gauge', 'Whether the server is ready.', 1),
    single(
      'prometheus_config_last_reload_successful',
      'gauge',
      'Whether the last reload went well.',
      life.lastReloadOk ? 1 : 0,
    ),
    single(
      'prometheus_config_last_reload_success_timestamp_seconds',
      'gauge',
      'Time of the last good reload.',
      life.lastReloadMs / 1000,
    ),
    single('prometheus_engine_queries', 'gauge', 'Queries under way or waiting.', engine.activeQueries().length),
    single(
      'prometheus_engine_queries_concurrent_max',
      'gauge',
      'Queries that run at once.',
      Number(options.flags['query.max-concurrency']),
    ),
  ];
}

async function storeFamilies({ storage }: Parts): Promise<CountedFamily[]> {
  const families = new Map<
    string,
    { name: string; type: 'counter' | 'gauge'; help: string; samples: CountedFamily['samples'][number][] }
  >();
  for (const { name, type, help, value, labels } of await storage.database.metrics()) {
    const family = families.get(name) ?? { name, type, help, samples: [] };
    family.samples.push({ value, ...(labels ? { labels } : {}) });
    families.set(name, family);
  }
  return [...families.values()];
}

function ruleFamilies({ rules }: Parts): CountedFamily[] {
  const groups = rules.groups().map((state) => ({
    labels: { rule_group: `${state.group.file};${state.group.name}` },
    state,
  }));
  const each = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    value: (g: (typeof groups)[number]['state']) => number,
  ) => ({
    name,
    type,
    help,
    samples: groups.map(({ labels, state }) => ({ labels, value: value(state) })),
  });
  return [
    each('prometheus_rule_evaluations_total', 'counter', 'Rules evaluated.', (g) => g.counters.evaluations),
    each('prometheus_rule_evaluation_failures_total', 'counter', 'Failed ones.', (g) => g.counters.evaluationFailures),
    each(
      'prometheus_rule_group_iterations_total',
      'counter',
      'Evaluations of the group.',
      (g) => g.counters.iterations,
    ),
    each(
      'prometheus_rule_group_iterations_missed_total',
      'counter',
      'Missed ones.',
      (g) => g.counters.iterationsMissed,
    ),
    each('prometheus_rule_group_interval_seconds', 'gauge', 'Interval of the group.', (g) => g.intervalMs / 1000),
    each('prometheus_rule_group_last_duration_seconds', 'gauge', 'Last duration.', (g) => g.evaluationMs / 1000),
    each('prometheus_rule_group_rules', 'gauge', 'Rules of the group.', (g) => g.rules.length),
  ];
}

function scrapeFamilies({ scraping }: Parts): CountedFamily[] {
  return [
    {
      name: 'prometheus_target_scrape_pool_targets',
      type: 'gauge',
      help: 'Targets of the pool.',
      samples: scraping.pools().map((p) => ({ labels: { scrape_job: p.name }, value: p.active.length })),
    },
  ];
}
