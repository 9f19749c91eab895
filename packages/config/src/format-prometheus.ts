import { formatDuration } from '@belfry/model';
import { Document, isMap, isScalar, isSeq, type Node, visit } from 'yaml';
import { redactUrl } from './http-client.ts';
import { GlobalConfig, type PrometheusConfig, RawScrapeConfig } from './prometheus-config.ts';
import { DEFAULT_RELABEL } from './relabel-config.ts';
import { isSecret, SECRET_MASK } from './secret.ts';

const DURATIONS: ReadonlySet<string> = new Set([
  'scrape_interval',
  'scrape_timeout',
  'evaluation_interval',
  'rule_query_offset',
  'refresh_interval',
  'timeout',
  'remote_timeout',
  'batch_send_deadline',
  'min_backoff',
  'max_backoff',
  'sample_age_limit',
  'send_interval',
  'out_of_order_time_window',
  'time',
]);
const SIZES: ReadonlySet<string> = new Set(['body_size_limit', 'size']);
const URLS: ReadonlySet<string> = new Set(['url', 'proxy_url', 'token_url', 'api_server']);

/** What is shown even when it is false, zero or empty. */
const ALWAYS_SHOWN: ReadonlySet<string> = new Set([
  'job_name',
  'honor_timestamps',
  'track_timestamps_staleness',
  'enable_compression',
  'always_scrape_classic_histograms',
  'convert_classic_histograms_to_nhcb',
  'follow_redirects',
  'enable_http2',
  'send',
  'allow_stale',
  'match_first_network',
  'targets',
]);

/**
 * The configuration as `/api/v1/status/config` shows it: YAML, in force rather than as written (with what was inherited
 * and defaulted), empty fields left out, secrets as `<secret>`. Scrape sections of other files are not repeated.
 */
export function formatPrometheusConfig(config: PrometheusConfig, ownJobs?: ReadonlySet<string>): string {
  const shown = { ...config, scrape_configs: config.scrape_configs.filter((c) => ownJobs?.has(c.job_name) ?? true) };
  const document = new Document(plain(shown, ''));
  visit(document, {
    Pair(_, pair) {
      if (isScalar(pair.key) && pair.key.value === 'source_labels' && isSeq(pair.value as Node)) {
        (pair.value as { flow?: boolean }).flow = true;
      }
    },
    Map(_, map) {
      if (isMap(map) && map.items.length === 0) map.flow = true;
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0, flowCollectionPadding: false });
}

function plain(value: unknown, key: string): unknown {
  if (isSecret(value)) return SECRET_MASK;
  if (Array.isArray(value)) return value.map((item) => plain(item, ''));
  if (typeof value === 'number' && DURATIONS.has(key)) return formatDuration(value);
  if (typeof value === 'number' && SIZES.has(key)) return formatByteSize(value);
  if (typeof value === 'string' && URLS.has(key)) return redactUrl(value);
  if (typeof value !== 'object' || value === null) return value;
  const relabelling = 'separator' in value && 'replacement' in value;
  const entries = ordered(value)
    .filter(([k, v]) => !(relabelling && k === 'regex' && v === DEFAULT_RELABEL.regex))
    .filter(([k, v]) => !isEmpty(v) || ALWAYS_SHOWN.has(k) || (relabelling && k === 'replacement'))
    .map(([k, v]) => [k, plain(v, k)] as const);
  return Object.fromEntries(entries.filter(([k, v]) => !isEmpty(v) || ALWAYS_SHOWN.has(k) || relabelling));
}

const SCRAPE_ORDER = Object.keys(RawScrapeConfig.in.shape);
const GLOBAL_ORDER = Object.keys(GlobalConfig.in.shape);

/** In the order of the schema: filling in what is inherited has mixed it. */
function ordered(value: object): [string, unknown][] {
  const order = 'job_name' in value ? SCRAPE_ORDER : 'evaluation_interval' in value ? GLOBAL_ORDER : undefined;
  const entries = Object.entries(value);
  return order ? entries.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)) : entries;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && !isSecret(value) && Object.keys(value).length === 0;
}

/** A size as Go's units library prints it: in descending powers of 1024, `1GiB512MiB`. */
export function formatByteSize(bytes: number): string {
  if (bytes === 0) return '0B';
  const UNITS = ['EiB', 'PiB', 'TiB', 'GiB', 'MiB', 'KiB', 'B'];
  let out = '';
  UNITS.forEach((unit, i) => {
    const size = 1024 ** (UNITS.length - 1 - i);
    const n = Math.floor(bytes / size);
    if (n > 0) out += `${n}${unit}`;
    bytes -= n * size;
  });
  return out;
}
