import type { SourceRange } from '@belfry/model';
import type { LoadedPrometheusConfig } from './load-prometheus.ts';
import { readYamlSource, type YamlPath } from './yaml-source.ts';

/** Something in a configuration that is accepted, because Prometheus knows it, and has no effect here. */
export interface NotCarriedOut {
  readonly field: string;
  readonly range: SourceRange;
  /** What does not happen, and what to do instead where there is something. */
  readonly message: string;
}

/** All that the main file says without effect. Whoever starts a server on it must tell. */
export function notCarriedOut({ config, file, text, rangeOf }: LoadedPrometheusConfig): NotCarriedOut[] {
  const written = (readYamlSource(text, file).data ?? {}) as Readonly<Record<string, unknown>>;
  const found: NotCarriedOut[] = [];
  const tell = (path: YamlPath, message: string) =>
    found.push({ field: path.filter((step) => typeof step === 'string').join('.'), range: rangeOf(path), message });
  config.remote_read.forEach((_, i) => {
    tell(['remote_read', i], 'other servers are not read from: queries see the samples of this server only');
  });
  config.remote_write.forEach(({ round_robin_dns }, i) => {
    if (round_robin_dns) tell(['remote_write', i, 'round_robin_dns'], 'connections are made as the system resolves');
  });
  if (config.tracing) tell(['tracing'], 'no traces of this server are sent');
  if ('otlp' in written) tell(['otlp'], 'there is no OTLP receiver');
  if ('runtime' in written) tell(['runtime'], 'these settings are for the Go runtime');
  if (config.global.query_log_file !== '') tell(['global', 'query_log_file'], 'queries are not logged to a file');
  const failureLog = 'scrape_failure_log_file';
  const instead = 'failed scrapes are in the log of this server, at level debug';
  if (hasField(written, ['global', failureLog])) tell(['global', failureLog], instead);
  config.scrape_configs.forEach(({ job_name, scrape_failure_log_file: given }, i) => {
    if (hasField(written, ['scrape_configs', i, failureLog])) tell(['scrape_configs', i, failureLog], instead);
    // From a file of its own.
    else if (!hasField(written, ['scrape_configs', i]) && given !== config.global.scrape_failure_log_file) {
      tell(['scrape_config_files'], `${failureLog} of job ${JSON.stringify(job_name)}: ${instead}`);
    }
  });
  const { tsdb } = config.storage;
  if (tsdb?.retention) {
    tell(
      ['storage', 'tsdb', 'retention'],
      'give --storage.tsdb.retention.time and --storage.tsdb.retention.size instead',
    );
  }
  if (tsdb?.stale_series_compaction_threshold) {
    tell(['storage', 'tsdb', 'stale_series_compaction_threshold'], 'stale series leave memory with the next block');
  }
  return found;
}

function hasField(data: unknown, path: YamlPath): boolean {
  let at = data;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !(step in at)) return false;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at !== null && at !== '';
}
