import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { checkYaml, type Loaded, withDirectory, type YamlPath } from '@belfry/config';
import { BelfryError, compilePattern, type Matcher, messageOf } from '@belfry/model';
import { z } from 'zod';
import { flag, labelNameText, parsedText, promDuration, text, texts } from './config-fields.ts';
import { Global, type RawGlobal, Receiver } from './config-receivers.ts';
import { type ReceiverConfig, resolveReceiver } from './config-resolve.ts';
import type { InhibitRule } from './inhibitor.ts';
import { firstDocument, maskConfig } from './mask-config.ts';
import { isClassicName, parseMatchers } from './matchers.ts';
import type { RouteConfig } from './route.ts';
import {
  parseDaysOfMonth,
  parseMonths,
  parseTimeRange,
  parseTimeZone,
  parseWeekdays,
  parseYears,
  type TimeInterval,
} from './time-interval.ts';

const classicName = parsedText((name) => {
  if (!isClassicName(name)) throw new BelfryError('config_invalid', `invalid label name ${JSON.stringify(name)}`);
  return name;
});
const regex = parsedText((source) => compilePattern(source).source);
const matchMap = z.record(classicName, z.string()).default({});
const matchRegexMap = z.record(classicName, regex).default({});
const matcherList = z.array(parsedText(parseMatchers)).default([]);

const RouteFields = {
  receiver: text,
  group_by: z.array(labelNameText(' in group_by list')).default([]),
  match: matchMap,
  match_re: matchRegexMap,
  matchers: matcherList,
  mute_time_intervals: texts,
  active_time_intervals: texts,
  continue: flag(false),
  group_wait: promDuration.optional(),
  group_interval: promDuration.optional(),
  repeat_interval: promDuration.optional(),
};
type RawRoute = z.output<z.ZodObject<typeof RouteFields>> & { readonly routes: readonly RawRoute[] };

const RouteNode: z.ZodType<RawRoute> = z
  .strictObject({ ...RouteFields, routes: z.lazy(() => z.array(RouteNode)).default([]) })
  .superRefine((route, context) => {
    const complain = (message: string, path: (string | number)[]) =>
      context.addIssue({ code: 'custom', message, path, input: route });
    const all = route.group_by.includes('...');
    if (all && route.group_by.some((n) => n !== '...')) {
      complain('cannot have wildcard group_by (`...`) and other labels at the same time', ['group_by']);
    }
    route.group_by.forEach((name, i) => {
      if (name !== '...' && route.group_by.indexOf(name) < i)
        complain(`duplicated label ${JSON.stringify(name)} in group_by`, ['group_by', i]);
    });
    if (route.group_interval === 0) complain('group_interval cannot be zero', ['group_interval']);
    if (route.repeat_interval === 0) complain('repeat_interval cannot be zero', ['repeat_interval']);
  }) as z.ZodType<RawRoute>;

const InhibitRuleNode = z.strictObject({
  name: text,
  source_match: matchMap,
  source_match_re: matchRegexMap,
  source_matchers: matcherList,
  target_match: matchMap,
  target_match_re: matchRegexMap,
  target_matchers: matcherList,
  equal: z.array(labelNameText(' in equal list')).default([]),
});

const TimeRange = z.strictObject({ start_time: text, end_time: text }).transform((range, context) => {
  try {
    return parseTimeRange(range.start_time, range.end_time);
  } catch (error) {
    context.issues.push({ code: 'custom', message: messageOf(error), input: range });
    return z.NEVER;
  }
});
const ranges = (parse: Parameters<typeof parsedText>[0]) => z.array(parsedText(parse)).optional();
const IntervalSpec = z.strictObject({
  times: z.array(TimeRange).optional(),
  weekdays: ranges(parseWeekdays),
  days_of_month: ranges(parseDaysOfMonth),
  months: ranges(parseMonths),
  years: ranges(parseYears),
  location: parsedText(parseTimeZone).optional(),
});
const NamedInterval = z.strictObject({ name: text, time_intervals: z.array(IntervalSpec).default([]) });

const Tracing = z.strictObject({
  client_type: text,
  endpoint: text,
  sampling_fraction: z.number().optional(),
  insecure: z.boolean().optional(),
  tls_config: z.record(z.string(), z.unknown()).optional(),
  headers: z.record(z.string(), z.unknown()).optional(),
  http_headers: z.record(z.string(), z.unknown()).optional(),
  compression: text,
  timeout: text,
});

const ConfigFile = z.strictObject({
  global: Global.optional(),
  templates: texts,
  route: RouteNode.optional(),
  receivers: z.array(Receiver).default([]),
  inhibit_rules: z.array(InhibitRuleNode).default([]),
  mute_time_intervals: z.array(NamedInterval).default([]),
  time_intervals: z.array(NamedInterval).default([]),
  tracing: Tracing.optional(),
});
type RawConfig = z.output<typeof ConfigFile>;

/** A checked `alertmanager.yml`. Immutable. */
export interface AlertmanagerConfig {
  readonly kind: 'alertmanager_config';
  readonly file: string | undefined;
  /** Relative file names in the configuration are relative to this. */
  readonly directory: string;
  readonly global: RawGlobal;
  readonly route: RouteConfig;
  readonly receivers: readonly ReceiverConfig[];
  readonly inhibitRules: readonly InhibitRule[];
  readonly timeIntervals: ReadonlyMap<string, readonly TimeInterval[]>;
  /** Absolute names or patterns of template files. */
  readonly templates: readonly string[];
  /** The file as YAML with every secret replaced by `<secret>`. */
  readonly masked: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: AlertmanagerConfig }
  | { readonly ok: false; readonly problems: readonly BelfryError[] };

/** Reads a configuration file. @throws BelfryError `file_unreadable`, `config_invalid` (the first problem) */
export function loadConfigFile(file: string): AlertmanagerConfig {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  return loadConfig(content, file);
}

/** @throws BelfryError `config_invalid`: the first problem, with its place. {@link checkConfig} gives all. */
export function loadConfig(content: string, file?: string): AlertmanagerConfig {
  const result = checkConfig(content, file);
  if (!result.ok) throw result.problems[0]!;
  return result.config;
}

/** Reads the text of an `alertmanager.yml` and gives the verdict of `amtool check-config`, with all problems and places. */
export function checkConfig(content: string, file?: string): ConfigResult {
  const result = checkYaml(ConfigFile, content, file);
  if (!result.ok) return result;
  const { loaded } = result;
  const problems: BelfryError[] = [];
  const complain = (path: YamlPath, message: string) => void problems.push(loaded.problem(path, message));
  const directory = file ? dirname(file) : '.';
  const join_ = (dir: string, name: string) => (isAbsolute(name) ? name : join(dir, name));
  const raw = withDirectory(loaded.data, directory, join_);
  const global = raw.global ?? Global.parse({});
  checkGlobal(global, complain);
  checkEmptyPatterns(loaded, complain);
  const receivers = resolveReceivers(raw, global, complain);
  const timeIntervals = resolveIntervals(raw, complain);
  checkTree(raw, new Set(receivers.map((r) => r.name)), timeIntervals, complain);
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) };
  return {
    ok: true,
    config: {
      kind: 'alertmanager_config',
      file,
      directory,
      global,
      route: toRoute(raw.route!),
      receivers,
      inhibitRules: raw.inhibit_rules.map(toInhibitRule),
      timeIntervals,
      templates: raw.templates.map((t) => join_(directory, t)),
      masked: maskConfig(loaded as Loaded<unknown>),
    },
  };
}

type Complain = (path: YamlPath, message: string) => void;

const inOrder = (problems: BelfryError[]) =>
  problems.sort(
    (a, b) => (a.range?.line ?? 0) - (b.range?.line ?? 0) || (a.range?.column ?? 0) - (b.range?.column ?? 0),
  );

const PATTERN_MAPS = new Set(['match_re', 'source_match_re', 'target_match_re']);

/** A key without a value is left at its default everywhere else; as a pattern it is a mistake. */
function checkEmptyPatterns(loaded: Loaded<unknown>, complain: Complain): void {
  const walk = (value: unknown, path: readonly (string | number)[]) => {
    if (Array.isArray(value)) value.forEach((item, i) => void walk(item, [...path, i]));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const patterns = PATTERN_MAPS.has(String(path.at(-1)));
    for (const [key, item] of Object.entries(value)) {
      if (patterns && item === null) complain([...path, key], `invalid regexp value for ${JSON.stringify(key)}`);
      walk(item, [...path, key]);
    }
  };
  walk(firstDocument(loaded.text).toJS(), []);
}

const GLOBAL_PAIRS = [
  'slack_api_url',
  'slack_app_token',
  'opsgenie_api_key',
  'victorops_api_key',
  'smtp_auth_password',
  'smtp_auth_secret',
  'rocketchat_token',
  'rocketchat_token_id',
  'wechat_api_secret',
  'telegram_bot_token',
  'mattermost_webhook_url',
] as const;

function checkGlobal(global: RawGlobal, complain: Complain): void {
  for (const key of GLOBAL_PAIRS) {
    if (global[key] && global[`${key}_file`]) {
      complain(['global', `${key}_file`], `at most one of ${key} & ${key}_file must be configured`);
    }
  }
}

function resolveReceivers(raw: RawConfig, global: RawGlobal, complain: Complain): ReceiverConfig[] {
  const names = new Set<string>();
  return raw.receivers.map((receiver, i) => {
    if (receiver.name === '') complain(['receivers', i], 'missing name in receiver');
    if (names.has(receiver.name)) {
      complain(['receivers', i, 'name'], `notification config name ${JSON.stringify(receiver.name)} is not unique`);
    }
    names.add(receiver.name);
    return resolveReceiver(receiver, global, (path, message) => complain(['receivers', i, ...path], message));
  });
}

function resolveIntervals(raw: RawConfig, complain: Complain): Map<string, TimeInterval[]> {
  const intervals = new Map<string, TimeInterval[]>();
  for (const section of ['mute_time_intervals', 'time_intervals'] as const) {
    const what = section === 'time_intervals' ? 'time interval' : 'mute time interval';
    raw[section].forEach(({ name, time_intervals: specs }, i) => {
      if (name === '') complain([section, i], `missing name in ${what}`);
      if (intervals.has(name)) complain([section, i, 'name'], `${what} ${JSON.stringify(name)} is not unique`);
      intervals.set(name, specs.map(toInterval));
    });
  }
  return intervals;
}

function toInterval(spec: z.output<typeof IntervalSpec>): TimeInterval {
  const {
    times,
    weekdays,
    days_of_month: daysOfMonth,
    months,
    years,
    location,
  } = spec as Record<string, unknown> & typeof spec;
  return {
    kind: 'time_interval',
    ...(times ? { times } : {}),
    ...(weekdays ? { weekdays: weekdays as TimeInterval['weekdays'] } : {}),
    ...(daysOfMonth ? { daysOfMonth: daysOfMonth as TimeInterval['daysOfMonth'] } : {}),
    ...(months ? { months: months as TimeInterval['months'] } : {}),
    ...(years ? { years: years as TimeInterval['years'] } : {}),
    ...(location ? { timeZone: location } : {}),
  } as TimeInterval;
}

function checkTree(
  raw: RawConfig,
  receivers: ReadonlySet<string>,
  intervals: ReadonlyMap<string, unknown>,
  complain: Complain,
): void {
  const root = raw.route;
  if (!root) {
    complain([], 'no route provided in config');
    return;
  }
  if (root.receiver === '') complain(['route'], 'root route must specify a default receiver');
  const matchers = [...Object.keys(root.match), ...Object.keys(root.match_re), ...root.matchers.flat()];
  if (matchers.length > 0) complain(['route'], 'root route must not have any matchers');
  if (root.mute_time_intervals.length > 0) {
    complain(['route', 'mute_time_intervals'], 'root route must not have any mute time intervals');
  }
  if (root.active_time_intervals.length > 0) {
    complain(['route', 'active_time_intervals'], 'root route must not have any active time intervals');
  }
  if (root.continue) complain(['route', 'continue'], 'cannot have continue in root route');
  checkNode(root, ['route'], receivers, intervals, complain);
}

function checkNode(
  node: RawRoute,
  path: YamlPath,
  receivers: ReadonlySet<string>,
  intervals: ReadonlyMap<string, unknown>,
  complain: Complain,
): void {
  if (node.receiver !== '' && !receivers.has(node.receiver)) {
    complain([...path, 'receiver'], `undefined receiver ${JSON.stringify(node.receiver)} used in route`);
  }
  for (const key of ['active_time_intervals', 'mute_time_intervals'] as const) {
    node[key].forEach((name, i) => {
      if (!intervals.has(name))
        complain([...path, key, i], `undefined time interval ${JSON.stringify(name)} used in route`);
    });
  }
  node.routes.forEach((child, i) => {
    checkNode(child, [...path, 'routes', i], receivers, intervals, complain);
  });
}

function toRoute(raw: RawRoute): RouteConfig {
  return {
    ...(raw.receiver ? { receiver: raw.receiver } : {}),
    ...(raw.group_by.length > 0 ? { groupBy: raw.group_by } : {}),
    matchers: toMatchers(raw.match, raw.match_re, raw.matchers),
    continue: raw.continue,
    routes: raw.routes.map(toRoute),
    ...(raw.group_wait === undefined ? {} : { groupWaitMs: raw.group_wait }),
    ...(raw.group_interval === undefined ? {} : { groupIntervalMs: raw.group_interval }),
    ...(raw.repeat_interval === undefined ? {} : { repeatIntervalMs: raw.repeat_interval }),
    muteTimeIntervals: raw.mute_time_intervals,
    activeTimeIntervals: raw.active_time_intervals,
  };
}

function toMatchers(
  match: Readonly<Record<string, string>>,
  matchRe: Readonly<Record<string, string>>,
  matchers: readonly (readonly Matcher[])[],
): Matcher[] {
  return [
    ...Object.entries(match).map(([name, value]): Matcher => ({ name, op: '=', value })),
    ...Object.entries(matchRe).map(([name, value]): Matcher => ({ name, op: '=~', value })),
    ...matchers.flat(),
  ];
}

function toInhibitRule(raw: z.output<typeof InhibitRuleNode>): InhibitRule {
  return {
    ...(raw.name ? { name: raw.name } : {}),
    sourceMatchers: toMatchers(raw.source_match, raw.source_match_re, raw.source_matchers),
    targetMatchers: toMatchers(raw.target_match, raw.target_match_re, raw.target_matchers),
    equal: raw.equal,
  };
}
