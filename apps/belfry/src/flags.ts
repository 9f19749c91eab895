import { BelfryError, nearest, parseDuration } from '@belfry/model';

/**
 * A command-line flag under the name Prometheus or Alertmanager gives it. `accepted` flags belong to those programs and
 * change nothing here: taken, so that existing command lines work, and said at start.
 */
export interface Flag {
  readonly name: string;
  readonly kind: 'text' | 'flag' | 'duration' | 'size' | 'number' | 'list';
  readonly fallback: string;
  readonly help: string;
  readonly accepted?: true;
}

export type FlagValues = Readonly<Record<string, string>>;

const WEB: readonly Flag[] = [
  { name: 'web.external-url', kind: 'text', fallback: '', help: 'URL under which users reach this server.' },
  { name: 'web.cors.origin', kind: 'text', fallback: '.*', help: 'Origins allowed for browsers, an anchored pattern.' },
  {
    name: 'web.allow-unauthenticated',
    kind: 'flag',
    fallback: 'false',
    help: 'Listen on an address that others can reach, without authentication.',
  },
  { name: 'web.config.file', kind: 'text', fallback: '', help: 'TLS and authentication.', accepted: true },
  { name: 'web.read-timeout', kind: 'duration', fallback: '5m', help: 'Of a request.', accepted: true },
  { name: 'web.max-connections', kind: 'number', fallback: '512', help: 'At once.', accepted: true },
  { name: 'web.route-prefix', kind: 'text', fallback: '', help: 'Prefix of all routes.', accepted: true },
];

const LOG: readonly Flag[] = [
  { name: 'log.level', kind: 'text', fallback: 'info', help: 'debug, info, warn or error.' },
  { name: 'log.format', kind: 'text', fallback: 'json', help: 'json (the only one).', accepted: true },
];

const HEARTBEATS: Flag = {
  name: 'heartbeats.file',
  kind: 'text',
  fallback: '',
  help: 'Signs of life that are expected; the router raises an alert for what stays away (docs/alerting.md).',
};

export const SERVE_FLAGS: readonly Flag[] = [
  { name: 'config.file', kind: 'text', fallback: 'prometheus.yml', help: 'Configuration, as Prometheus reads it.' },
  { name: 'web.listen-address', kind: 'list', fallback: '127.0.0.1:9090', help: 'Address of the API and UI.' },
  { name: 'web.enable-lifecycle', kind: 'flag', fallback: 'false', help: 'Allow /-/reload and /-/quit.' },
  { name: 'web.enable-admin-api', kind: 'flag', fallback: 'false', help: 'Allow /api/v1/admin/….' },
  { name: 'web.enable-remote-write-receiver', kind: 'flag', fallback: 'false', help: 'Take remote write requests.' },
  { name: 'web.page-title', kind: 'text', fallback: 'Belfry', help: 'Title of the pages.', accepted: true },
  { name: 'web.console.templates', kind: 'text', fallback: 'consoles', help: 'Console templates.', accepted: true },
  { name: 'web.console.libraries', kind: 'text', fallback: 'console_libraries', help: 'Libraries.', accepted: true },
  ...WEB,
  { name: 'storage.tsdb.path', kind: 'text', fallback: 'data/', help: 'Directory of the store.' },
  { name: 'storage.tsdb.retention.time', kind: 'duration', fallback: '15d', help: 'How long samples are kept.' },
  { name: 'storage.tsdb.retention.size', kind: 'size', fallback: '0', help: 'How many bytes of blocks; 0: any.' },
  { name: 'storage.tsdb.retention', kind: 'duration', fallback: '15d', help: 'Old name of …retention.time.' },
  {
    name: 'storage.tsdb.min-block-duration',
    kind: 'duration',
    fallback: '2h',
    help: 'Smallest block.',
    accepted: true,
  },
  { name: 'storage.tsdb.max-block-duration', kind: 'duration', fallback: '', help: 'Largest block.', accepted: true },
  { name: 'storage.tsdb.no-lockfile', kind: 'flag', fallback: 'false', help: 'No lock file.', accepted: true },
  { name: 'storage.tsdb.wal-compression', kind: 'flag', fallback: 'true', help: 'Compress the log.', accepted: true },
  { name: 'storage.tsdb.wal-compression-type', kind: 'text', fallback: 'snappy', help: 'How.', accepted: true },
  { name: 'storage.tsdb.wal-segment-size', kind: 'size', fallback: '0', help: 'Segments.', accepted: true },
  { name: 'storage.tsdb.allow-overlapping-blocks', kind: 'flag', fallback: 'true', help: 'Always.', accepted: true },
  {
    name: 'storage.remote.flush-deadline',
    kind: 'duration',
    fallback: '1m',
    help: 'How long stopping waits for remote write; the rest is sent after the next start.',
  },
  { name: 'storage.remote.read-sample-limit', kind: 'number', fallback: '50000000', help: 'Of a remote read; 0: any.' },
  { name: 'storage.remote.read-concurrent-limit', kind: 'number', fallback: '10', help: 'Remote reads at once.' },
  {
    name: 'storage.remote.read-max-bytes-in-frame',
    kind: 'number',
    fallback: '1048576',
    help: 'Frames of streamed remote reads; answers are sampled here.',
    accepted: true,
  },
  { name: 'rules.alert.for-outage-tolerance', kind: 'duration', fallback: '1h', help: 'Outage that `for` survives.' },
  { name: 'rules.alert.for-grace-period', kind: 'duration', fallback: '10m', help: 'Least wait after a restart.' },
  { name: 'rules.alert.resend-delay', kind: 'duration', fallback: '1m', help: 'Least time between two sends.' },
  { name: 'rules.max-concurrent-evals', kind: 'number', fallback: '4', help: 'Concurrency.', accepted: true },
  { name: 'alertmanager.notification-queue-capacity', kind: 'number', fallback: '10000', help: 'Alerts that wait.' },
  { name: 'query.lookback-delta', kind: 'duration', fallback: '5m', help: 'How far an instant selector looks back.' },
  { name: 'query.timeout', kind: 'duration', fallback: '2m', help: 'Longest time a query may take.' },
  { name: 'query.max-concurrency', kind: 'number', fallback: '20', help: 'Queries at once.' },
  {
    name: 'query.url',
    kind: 'text',
    fallback: '',
    help: 'Rules ask this server, by Prometheus’ HTTP API, in place of the store; a user and password in it are sent.',
  },
  { name: 'query.max-samples', kind: 'number', fallback: '50000000', help: 'Samples one query may load.' },
  { name: 'enable-feature', kind: 'list', fallback: '', help: 'Experimental features, by Prometheus’ names.' },
  { name: 'agent', kind: 'flag', fallback: 'false', help: 'Agent mode.', accepted: true },
  ...LOG,
  {
    name: 'alertmanager.config.file',
    kind: 'text',
    fallback: '',
    help: 'Run the alert router too, with this configuration.',
  },
  { name: 'alertmanager.listen-address', kind: 'text', fallback: '127.0.0.1:9093', help: 'Where the router listens.' },
  {
    name: 'alertmanager.storage.path',
    kind: 'text',
    fallback: '',
    help: 'The router’s state; beside the store if empty.',
  },
  HEARTBEATS,
  { name: 'dashboards.path', kind: 'text', fallback: '', help: 'Directory of Grafana dashboard JSON to show.' },
  { name: 'runbooks.path', kind: 'text', fallback: '', help: 'Directory of runbooks in Markdown to show.' },
];

export const ALERTMANAGER_FLAGS: readonly Flag[] = [
  { name: 'config.file', kind: 'text', fallback: 'alertmanager.yml', help: 'Configuration, as Alertmanager reads it.' },
  { name: 'storage.path', kind: 'text', fallback: 'data/', help: 'Directory of silences and the notification log.' },
  { name: 'web.listen-address', kind: 'list', fallback: '127.0.0.1:9093', help: 'Address of the API.' },
  ...WEB,
  { name: 'data.retention', kind: 'duration', fallback: '120h', help: 'How long ended silences and log entries stay.' },
  HEARTBEATS,
  { name: 'data.maintenance-interval', kind: 'duration', fallback: '15m', help: 'Clean-up.', accepted: true },
  {
    name: 'alerts.gc-interval',
    kind: 'duration',
    fallback: '30m',
    help: 'Clean-up of resolved alerts.',
    accepted: true,
  },
  { name: 'web.get-concurrency', kind: 'number', fallback: '0', help: 'GETs at once.', accepted: true },
  { name: 'web.timeout', kind: 'duration', fallback: '0s', help: 'Of a request.', accepted: true },
  { name: 'cluster.listen-address', kind: 'text', fallback: '', help: 'Clustering is not supported.', accepted: true },
  { name: 'enable-feature', kind: 'list', fallback: '', help: 'Features of Alertmanager.', accepted: true },
  ...LOG,
];

/**
 * Reads Go-style flags: `--name=value`, `--name value`, `-name=value`, `--flag`, `--no-flag`. Returns every flag's value,
 * given or fallback; a list's values are joined by commas.
 * @throws BelfryError `usage` for an unknown flag (with the nearest known one), a missing or malformed value.
 */
export function parseFlags(
  flags: readonly Flag[],
  argv: readonly string[],
): { values: FlagValues; given: Set<string> } {
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const values: Record<string, string> = Object.fromEntries(flags.map((flag) => [flag.name, flag.fallback]));
  const given = new Set<string>();
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(argument);
    if (!match) throw new BelfryError('usage', `unexpected argument ${JSON.stringify(argument)}`);
    const written = match[1]!;
    const negated = written.startsWith('no-') && byName.get(written.slice(3))?.kind === 'flag';
    const name = negated ? written.slice(3) : written;
    const flag = byName.get(name);
    if (!flag) {
      const near = nearest(name, byName.keys());
      throw new BelfryError('usage', `unknown flag --${name}${near ? ` (did you mean --${near}?)` : ''}`);
    }
    let value = match[2];
    if (flag.kind === 'flag') value = negated ? 'false' : (value ?? 'true');
    else if (value === undefined) {
      value = argv[++i];
      if (value === undefined) throw new BelfryError('usage', `--${name} needs a value`);
    }
    checkValue(flag, value);
    values[name] = flag.kind === 'list' && given.has(name) ? `${values[name]},${value}` : value;
    given.add(name);
  }
  return { values, given };
}

function checkValue(flag: Flag, value: string): void {
  const refuse = (expected: string) =>
    new BelfryError('usage', `--${flag.name}=${value}: expected ${expected}, such as ${flag.fallback || '1'}`);
  if (flag.kind === 'flag' && value !== 'true' && value !== 'false') throw refuse('true or false');
  if (flag.kind === 'number' && !/^\d+$/.test(value)) throw refuse('a whole number');
  if (flag.kind === 'size') parseSize(value, flag.name);
  if (flag.kind === 'duration' && value !== '') {
    try {
      parseDuration(value);
    } catch {
      throw refuse('a duration');
    }
  }
}

const SIZE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** `512MB` in bytes; the units are powers of 1024, as in Prometheus. */
export function parseSize(text: string, flag: string): number {
  const match = /^(\d+)([KMGTPE]?i?B)?$/.exec(text);
  if (!match) throw new BelfryError('usage', `--${flag}=${text}: expected a size, such as 512MB`);
  return Number(match[1]) * 1024 ** Math.max(0, SIZE_UNITS.indexOf((match[2] ?? 'B').replace('i', '')));
}

/** `host:port` of a listen address; `:9090` and `0.0.0.0:9090` listen everywhere. */
export function parseAddress(text: string, flag: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) {
    throw new BelfryError('usage', `--${flag}=${text}: expected an address and a port, such as 127.0.0.1:9090`);
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}

/** @throws BelfryError `usage` when others could reach the address and nobody said that this is wanted. */
export function refusePublicAddress(host: string, flag: string, values: FlagValues): void {
  const local = host === 'localhost' || host === '::1' || /^127\./.test(host);
  if (local || values['web.allow-unauthenticated'] === 'true') return;
  throw new BelfryError(
    'usage',
    `--${flag} would let others reach this server at ${host} without authentication; ` +
      'listen on 127.0.0.1, or add --web.allow-unauthenticated if that is what you want',
  );
}
