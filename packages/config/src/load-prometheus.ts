import { readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { BelfryError, messageOf, type SourceRange } from '@belfry/model';
import { UNSUPPORTED_DISCOVERY } from './discovery-config.ts';
import { withDirectory } from './http-config.ts';
import { type Loaded, loadYaml } from './load-yaml.ts';
import {
  DEFAULT_SCRAPE_PROTOCOLS,
  type EscapingScheme,
  type GlobalConfig,
  PROTO_FIRST_SCRAPE_PROTOCOLS,
  type PrometheusConfig,
  RawPrometheusConfig,
  type RawScrapeConfig,
  type ScrapeConfig,
  ScrapeConfigFile,
} from './prometheus-config.ts';
import { type NameValidation, type RelabelConfig, relabelProblems } from './relabel-config.ts';
import type { YamlPath } from './yaml-source.ts';

/** Reading files for configuration. */
export interface ConfigFiles {
  /** @throws anything, when the file cannot be read; its message is told. */
  readText(path: string): string;
  /** Files that match, sorted: Go's patterns, `*`, `?` and `[…]` within one path segment. */
  glob(pattern: string): readonly string[];
}

export const diskFiles: ConfigFiles = {
  readText: (path) => readFileSync(path, 'utf8'),
  glob: (pattern) => globFiles(pattern, listDirectory),
};

export interface LoadOptions {
  readonly files?: ConfigFiles;
  /** For references in external labels. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Whether sections that Belfry cannot carry out are refused (as by default) or only reported. */
  readonly unsupported?: 'refuse' | 'report';
  /** What `--enable-feature` changes in defaults. */
  readonly defaultScrapeProtocols?: PrometheusConfig['global']['scrape_protocols'];
}

export interface LoadedPrometheusConfig {
  readonly config: PrometheusConfig;
  readonly file: string;
  readonly text: string;
  /** In the main file. */
  readonly rangeOf: (path: YamlPath) => SourceRange;
  /** Sections that are understood but not carried out. */
  readonly unsupported: readonly BelfryError[];
  /** Rule files that exist now, of every pattern of `rule_files`. */
  readonly ruleFiles: readonly string[];
}

/**
 * Reads `prometheus.yml` and the scrape files it names; checks all that Prometheus checks and fills in what sections
 * inherit.
 * @throws BelfryError `file_unreadable`, or `config_invalid` with file and position.
 */
export function loadPrometheusConfig(file: string, options: LoadOptions = {}): LoadedPrometheusConfig {
  const files = options.files ?? diskFiles;
  return parsePrometheusConfig(readConfigFile(file, files), file, options);
}

/** As {@link loadPrometheusConfig}, of a text already read. `file` is for messages and for what is relative to it. */
export function parsePrometheusConfig(text: string, file: string, options: LoadOptions = {}): LoadedPrometheusConfig {
  const files = options.files ?? diskFiles;
  const loaded = loadYaml(RawPrometheusConfig, text, file);
  const raw = resolved(loaded.data, file);
  const global = {
    ...raw.global,
    ...(raw.global.scrape_protocols || !options.defaultScrapeProtocols
      ? {}
      : { scrape_protocols: [...options.defaultScrapeProtocols] }),
    external_labels: expandLabels(raw.global.external_labels, options.environment ?? process.env),
  };
  const unsupported = findUnsupported(loaded);
  const sections = collectSections(loaded, raw, files);
  for (const section of sections.slice(raw.scrape_configs.length)) unsupported.push(...section.unsupported);
  if (options.unsupported !== 'report' && unsupported.length > 0) throw unsupported[0]!;

  const jobs = new Map<string, string>();
  const scrapeConfigs = sections.map((section) => {
    const { config, problem } = section;
    const first = jobs.get(config.job_name);
    if (first !== undefined) {
      const where = first === file ? '' : `, first found in ${first}`;
      throw problem(
        ['job_name'],
        `found multiple scrape configs with job name ${JSON.stringify(config.job_name)}${where}`,
      );
    }
    jobs.set(config.job_name, section.file);
    return finishScrapeConfig(config, global, problem);
  });
  checkNames(loaded, raw);
  checkRelabelling(loaded, raw);
  const config: PrometheusConfig = { ...raw, global, scrape_configs: scrapeConfigs };
  const ruleFiles = [...new Set(raw.rule_files.flatMap((pattern) => files.glob(pattern)))];
  return { config, file, text, rangeOf: loaded.rangeOf, unsupported, ruleFiles };
}

function readConfigFile(file: string, files: ConfigFiles): string {
  try {
    return files.readText(file);
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** With every file name taken relative to the directory of `file`. */
function resolved(data: RawPrometheusConfig, file: string): RawPrometheusConfig {
  const directory = dirname(file);
  return {
    ...withDirectory(data, directory, joinPath),
    rule_files: data.rule_files.map((f) => joinPath(directory, f)),
    scrape_config_files: data.scrape_config_files.map((f) => joinPath(directory, f)),
  };
}

function joinPath(directory: string, file: string): string {
  return isAbsolute(file) ? file : join(directory, file);
}

type Complaint = (path: YamlPath, message: string) => BelfryError;

interface Section {
  readonly config: RawScrapeConfig;
  readonly file: string;
  readonly problem: Complaint;
  readonly unsupported: readonly BelfryError[];
}

function collectSections(main: Loaded<RawPrometheusConfig>, raw: RawPrometheusConfig, files: ConfigFiles): Section[] {
  const from = (
    loaded: Loaded<{ scrape_configs: RawScrapeConfig[] }>,
    configs: readonly RawScrapeConfig[],
  ): Section[] =>
    configs.map((config, i) => ({
      config,
      file: loaded.file ?? '',
      problem: (path, message) => loaded.problem(['scrape_configs', i, ...path], message),
      unsupported: unsupportedDiscovery(loaded, config, ['scrape_configs', i]),
    }));
  const sections = from(main, raw.scrape_configs);
  for (const pattern of raw.scrape_config_files) {
    for (const file of files.glob(pattern)) {
      const loaded = loadYaml(ScrapeConfigFile, readConfigFile(file, files), file);
      const configs = withDirectory(loaded.data.scrape_configs, dirname(file), joinPath);
      sections.push(...from(loaded, configs));
    }
  }
  return sections;
}

function finishScrapeConfig(raw: RawScrapeConfig, global: GlobalConfig, problem: Complaint): ScrapeConfig {
  const job = JSON.stringify(raw.job_name);
  const interval = raw.scrape_interval || global.scrape_interval;
  if (raw.scrape_timeout > interval) {
    const message = `scrape timeout greater than scrape interval for scrape config with job name ${job}`;
    throw problem(['scrape_timeout'], message);
  }
  const native = raw.scrape_native_histograms ?? global.scrape_native_histograms;
  const defaultProtocols = native ? PROTO_FIRST_SCRAPE_PROTOCOLS : DEFAULT_SCRAPE_PROTOCOLS;
  const validation = raw.metric_name_validation_scheme ?? global.metric_name_validation_scheme;
  const escaping = raw.metric_name_escaping_scheme ?? inheritedEscaping(raw, global);
  if (escaping === 'allow-utf-8' && validation !== 'utf8') {
    throw problem(
      ['metric_name_escaping_scheme'],
      'utf8 metric names requested but validation scheme is not set to UTF8',
    );
  }
  for (const field of ['relabel_configs', 'metric_relabel_configs'] as const) {
    checkRelabelNames(raw[field], validation, (path, message) => problem([field, ...path], message));
  }
  return {
    ...raw,
    scrape_interval: interval,
    scrape_timeout: raw.scrape_timeout || Math.min(global.scrape_timeout, interval),
    scrape_protocols: raw.scrape_protocols ?? global.scrape_protocols ?? defaultProtocols,
    fallback_scrape_protocol: raw.fallback_scrape_protocol,
    scrape_native_histograms: native,
    always_scrape_classic_histograms: raw.always_scrape_classic_histograms ?? global.always_scrape_classic_histograms,
    convert_classic_histograms_to_nhcb:
      raw.convert_classic_histograms_to_nhcb ?? global.convert_classic_histograms_to_nhcb,
    extra_scrape_metrics: raw.extra_scrape_metrics ?? global.extra_scrape_metrics,
    scrape_failure_log_file: raw.scrape_failure_log_file || global.scrape_failure_log_file,
    body_size_limit: raw.body_size_limit || global.body_size_limit,
    sample_limit: raw.sample_limit || global.sample_limit,
    target_limit: raw.target_limit || global.target_limit,
    label_limit: raw.label_limit || global.label_limit,
    label_name_length_limit: raw.label_name_length_limit || global.label_name_length_limit,
    label_value_length_limit: raw.label_value_length_limit || global.label_value_length_limit,
    keep_dropped_targets: raw.keep_dropped_targets || global.keep_dropped_targets,
    metric_name_validation_scheme: validation,
    metric_name_escaping_scheme: escaping,
  };
}

/** The section's own validation decides before the global escaping does: old names cannot be asked for as UTF-8. */
function inheritedEscaping(raw: RawScrapeConfig, global: GlobalConfig): EscapingScheme {
  const byValidation = (v: NameValidation | undefined): EscapingScheme =>
    v === 'legacy' ? 'underscores' : 'allow-utf-8';
  if (raw.metric_name_validation_scheme) return byValidation(raw.metric_name_validation_scheme);
  return global.metric_name_escaping_scheme ?? byValidation(global.metric_name_validation_scheme);
}

function checkRelabelNames(configs: readonly RelabelConfig[], validation: NameValidation, problem: Complaint): void {
  configs.forEach((config, i) => {
    const wrong = relabelProblems(config, validation)[0];
    if (wrong) throw problem(wrong.field ? [i, wrong.field] : [i], wrong.message);
  });
}

function checkRelabelling(loaded: Loaded<RawPrometheusConfig>, raw: RawPrometheusConfig): void {
  const validation = raw.global.metric_name_validation_scheme;
  const check = (configs: readonly RelabelConfig[], path: YamlPath) =>
    checkRelabelNames(configs, validation, (inner, message) => loaded.problem([...path, ...inner], message));
  check(raw.alerting.alert_relabel_configs, ['alerting', 'alert_relabel_configs']);
  raw.alerting.alertmanagers.forEach((am, i) => {
    check(am.relabel_configs, ['alerting', 'alertmanagers', i, 'relabel_configs']);
    check(am.alert_relabel_configs, ['alerting', 'alertmanagers', i, 'alert_relabel_configs']);
  });
  raw.remote_write.forEach((rw, i) => {
    check(rw.write_relabel_configs, ['remote_write', i, 'write_relabel_configs']);
  });
}

function checkNames(loaded: Loaded<RawPrometheusConfig>, raw: RawPrometheusConfig): void {
  for (const field of ['remote_write', 'remote_read'] as const) {
    const seen = new Set<string>();
    raw[field].forEach((section, i) => {
      if (section.name !== '' && seen.has(section.name)) {
        const message = `found multiple ${field.replace('_', ' ')} configs with job name ${JSON.stringify(section.name)}`;
        throw loaded.problem([field, i, 'name'], message);
      }
      seen.add(section.name);
    });
  }
  const { translation_strategy: strategy } = raw.otlp;
  const utf8 = strategy === 'NoTranslation' || strategy === 'NoUTF8EscapingWithSuffixes';
  if (utf8 && raw.global.metric_name_validation_scheme === 'legacy') {
    const message = `OTLP translation strategy ${JSON.stringify(strategy)} is not allowed when UTF8 is disabled`;
    throw loaded.problem(['otlp', 'translation_strategy'], message);
  }
}

function findUnsupported(loaded: Loaded<RawPrometheusConfig>): BelfryError[] {
  const { data } = loaded;
  const found = data.scrape_configs.flatMap((config, i) => unsupportedDiscovery(loaded, config, ['scrape_configs', i]));
  data.alerting.alertmanagers.forEach((config, i) => {
    found.push(...unsupportedDiscovery(loaded, config, ['alerting', 'alertmanagers', i]));
    if (config.sigv4) found.push(notYet(loaded, ['alerting', 'alertmanagers', i], 'sigv4'));
  });
  data.remote_write.forEach((config, i) => {
    for (const field of ['sigv4', 'azuread', 'google_iam'] as const) {
      if (config[field]) found.push(notYet(loaded, ['remote_write', i], field));
    }
  });
  const encoding = data.storage.tsdb?.chunk_encoding?.floats;
  if (encoding === 'xor2') found.push(notYet(loaded, ['storage', 'tsdb', 'chunk_encoding'], 'floats', 'xor2'));
  return found;
}

type Located = Pick<Loaded<unknown>, 'problem'>;

function unsupportedDiscovery(loaded: Located, config: object, path: YamlPath): BelfryError[] {
  return UNSUPPORTED_DISCOVERY.filter(
    (name) => (config as Record<string, unknown[]>)[`${name}_sd_configs`]?.length,
  ).map((name) => notYet(loaded, path, `${name}_sd_configs`));
}

function notYet(loaded: Located, path: YamlPath, field: string, value?: string): BelfryError {
  const what = value === undefined ? field : `${field}: ${value}`;
  return loaded.problem([...path, field], `${what} is not supported by Belfry yet`);
}

const REFERENCE = /\$(?:\{([^}]*)\}|([*#$@!?\-0-9])|([A-Za-z_][A-Za-z0-9_]*))/g;

/** `$NAME` and `${NAME}` from the environment, `$$` a dollar; an unknown one is empty, and a label left empty is none. */
function expandLabels(
  labels: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const expand = (value: string) =>
    value.replace(REFERENCE, (_, braced?: string, special?: string, name?: string) => {
      const variable = braced ?? special ?? name ?? '';
      return variable === '$' ? '$' : (environment[variable] ?? '');
    });
  return Object.fromEntries(
    Object.entries(labels)
      .map(([name, value]) => [name, expand(value)] as const)
      .filter(([, value]) => value !== ''),
  );
}

function listDirectory(path: string): { name: string; directory: boolean }[] {
  try {
    return readdirSync(path, { withFileTypes: true }).map((e) => ({
      name: e.name,
      directory: e.isDirectory() || e.isSymbolicLink(),
    }));
  } catch {
    return [];
  }
}

function globFiles(pattern: string, list: (path: string) => { name: string; directory: boolean }[]): string[] {
  const segments = pattern.split('/');
  let found = [pattern.startsWith('/') ? '/' : ''];
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1;
    if (segment === '' || segment === '.') return;
    const matches = segmentMatcher(segment);
    found = found.flatMap((base) => {
      if (segment === '..') return [join(base, '..')];
      return list(base || '.')
        .filter((entry) => (last || entry.directory) && matches(entry.name))
        .map((entry) => join(base, entry.name));
    });
  });
  return found.filter((f) => f !== '' && f !== '/').sort();
}

function segmentMatcher(segment: string): (name: string) => boolean {
  if (!/[*?[\\]/.test(segment)) return (name) => name === segment;
  let source = '';
  for (let i = 0; i < segment.length; i++) {
    const char = segment[i]!;
    const close = char === '[' ? segment.indexOf(']', i + 2) : -1;
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (close > 0) {
      source += `[${segment.slice(i + 1, close).replace(/\\/g, '\\\\')}]`;
      i = close;
    } else if (char === '\\' && i + 1 < segment.length) source += escapeRegExp(segment[++i]!);
    else source += escapeRegExp(char);
  }
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
