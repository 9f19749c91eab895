import { createHash } from 'node:crypto';
import { type Relabeller, relabeller, type ScrapeConfig } from '@belfry/config';
import {
  formatDuration,
  type Labels,
  labelsFrom,
  labelsKey,
  labelValue,
  messageOf,
  parseDuration,
} from '@belfry/model';

/** A target that is to be scraped. */
export interface Target {
  /** Who it is, through reloads. */
  readonly key: string;
  /** What its series get. */
  readonly labels: Labels;
  /** Before relabelling, with what the section adds. */
  readonly discoveredLabels: Labels;
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export type TargetResult =
  | { readonly kind: 'active'; readonly target: Target }
  | { readonly kind: 'dropped'; readonly discoveredLabels: Labels }
  | { readonly kind: 'invalid'; readonly discoveredLabels: Labels; readonly error: string };

/** Makes a target of what discovery tells: its own labels first, then those of its group, then those of the section. */
export function makeTarget(
  config: ScrapeConfig,
  relabel: Relabeller,
  own: Readonly<Record<string, string>>,
  group: Readonly<Record<string, string>>,
): TargetResult {
  const discoveredLabels = discovered(config, own, group);
  const relabelled = relabel(discoveredLabels);
  if (relabelled === undefined || relabelled.length === 0) return { kind: 'dropped', discoveredLabels };
  try {
    return { kind: 'active', target: finishTarget(config, relabelled, discoveredLabels) };
  } catch (error) {
    return { kind: 'invalid', discoveredLabels, error: messageOf(error) };
  }
}

function discovered(
  config: ScrapeConfig,
  own: Readonly<Record<string, string>>,
  group: Readonly<Record<string, string>>,
): Labels {
  const labels: Record<string, string> = { ...group, ...own };
  const section: Record<string, string> = {
    job: config.job_name,
    __scrape_interval__: formatDuration(config.scrape_interval),
    __scrape_timeout__: formatDuration(config.scrape_timeout),
    __metrics_path__: config.metrics_path,
    __scheme__: config.scheme,
  };
  for (const [name, values] of Object.entries(config.params)) {
    if (values.length > 0) section[`__param_${name}`] = values[0]!;
  }
  for (const [name, value] of Object.entries(section)) if (!labels[name]) labels[name] = value;
  return labelsFrom(labels);
}

function finishTarget(config: ScrapeConfig, labels: Labels, discoveredLabels: Labels): Target {
  const address = labelValue(labels, '__address__');
  if (address === '') throw new Error('no address');
  if (address.includes('/')) throw new Error(`${JSON.stringify(address)} is not a valid hostname`);
  const intervalMs = durationOf(labels, '__scrape_interval__', 'scrape interval');
  const timeoutMs = durationOf(labels, '__scrape_timeout__', 'scrape timeout');
  if (timeoutMs > intervalMs) {
    const quoted = (name: string) => JSON.stringify(labelValue(labels, name));
    throw new Error(
      `scrape timeout cannot be greater than scrape interval (${quoted('__scrape_timeout__')} > ${quoted('__scrape_interval__')})`,
    );
  }
  const kept: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (!labels[i]!.startsWith('__')) kept.push([labels[i]!, labels[i + 1]!]);
  }
  if (labelValue(labels, 'instance') === '') kept.push(['instance', address]);
  const own = labelsFrom(kept);
  const url = targetUrl(config, labels, address);
  const identity = `${config.job_name}\xff${labelsKey(own)}\xff${url}\xff${intervalMs}\xff${timeoutMs}`;
  const key = `${config.job_name}/${createHash('sha256').update(identity).digest('hex').slice(0, 24)}`;
  return { key, labels: own, discoveredLabels, url, intervalMs, timeoutMs };
}

function durationOf(labels: Labels, name: string, what: string): number {
  let ms: number;
  try {
    ms = parseDuration(labelValue(labels, name));
  } catch (error) {
    throw new Error(`error parsing ${what}: ${messageOf(error)}`);
  }
  if (ms === 0) throw new Error(`${what} cannot be 0`);
  return ms;
}

function targetUrl(config: ScrapeConfig, labels: Labels, address: string): string {
  const parameters = new Map(Object.entries(config.params).map(([name, values]) => [name, [...values]]));
  for (let i = 0; i < labels.length; i += 2) {
    if (!labels[i]!.startsWith('__param_')) continue;
    const name = labels[i]!.slice('__param_'.length);
    parameters.set(name, [labels[i + 1]!, ...(parameters.get(name) ?? []).slice(1)]);
  }
  // A parameter that relabelling removed is not sent with its first value.
  for (const [name, values] of parameters) {
    if (labelValue(labels, `__param_${name}`) === '' && values.length > 0 && config.params[name]) {
      parameters.set(name, values.slice(1));
    }
  }
  const query = [...parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, values]) => values.map((value) => `${queryEscape(name)}=${queryEscape(value)}`))
    .join('&');
  const scheme = labelValue(labels, '__scheme__') || 'http';
  const path = labelValue(labels, '__metrics_path__');
  const slash = path === '' || path.startsWith('/') ? '' : '/';
  return `${scheme}://${address}${slash}${path}${query === '' ? '' : `?${query}`}`;
}

function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/**
 * When a target is first scraped, in milliseconds from now: at a place within the interval that is its own, on the wall
 * clock, so that targets are spread and restarts do not move them.
 */
export function firstScrapeDelayMs(key: string, seed: string, intervalMs: number, nowMs: number): number {
  const hash = createHash('sha256').update(`${seed}\xff${key}`).digest().readUIntBE(0, 6);
  const place = Math.floor((hash / 2 ** 48) * intervalMs);
  const now = Math.ceil(nowMs);
  const delay = (((place - now) % intervalMs) + intervalMs) % intervalMs;
  return delay + (now - nowMs);
}

/** What is wrong with the static targets of a section after relabelling, as `promtool check config` asks. */
export function staticTargetProblems(config: ScrapeConfig): string[] {
  const relabel = relabeller(config.relabel_configs, config.metric_name_validation_scheme);
  return config.static_configs.flatMap((group, g) =>
    group.targets.flatMap((address, t) => {
      const result = makeTarget(config, relabel, { __address__: address }, group.labels);
      return result.kind === 'invalid' ? [`static_configs[${g}].targets[${t}]: ${result.error}`] : [];
    }),
  );
}
