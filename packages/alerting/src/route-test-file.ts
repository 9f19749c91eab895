import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { duration, type Loaded, loadYaml } from '@belfry/config';
import { BelfryError, messageOf } from '@belfry/model';
import { z } from 'zod';
import { type AlertmanagerConfig, loadConfigFile } from './config.ts';
import { parsedText } from './config-fields.ts';
import { parseMatchers } from './matchers.ts';
import {
  type RouteTest,
  type RouteTestEvent,
  type RouteTestExpectation,
  type RouteTestResult,
  runRouteTest,
} from './route-test.ts';

/**
 * The format, by example. Times are durations from the start of a test; labels name alerts that have them and perhaps
 * more; `firing` and `resolved`, where given, are all that the notification holds.
 *
 * ```yaml
 * config_file: alertmanager.yml          # the default, relative to this file
 * tests:
 * - name: a node dies at night
 *   start: 2026-01-05T22:00:00Z          # matters for time intervals
 *   events:
 *   - at: 0s
 *     alerts:
 *     - labels: {alertname: NodeDown, severity: critical, instance: i1}
 *       for: 20m                         # resolves then; else fires until resolved below
 *     - labels: {alertname: Disk, severity: warning, instance: i1}
 *   - at: 1h
 *     resolve: ['alertname="Disk"']
 *     silence: [{matchers: 'team="db"', duration: 2h}]
 *   expect:                              # notifications; others are failures unless allow_others
 *   - {at: 10s, receiver: pager, firing: [{alertname: NodeDown}], resolved: []}
 *   - {at: 20m10s, within: 1m, receiver: pager, resolved: [{alertname: NodeDown}]}
 *   states:                              # active, inhibited, silenced, muted or absent, and by what
 *   - {at: 1m, alert: {alertname: Disk}, state: inhibited, by: node-down}
 *   run_for: 3h                          # at least until the last line above
 * ```
 */

/** A Monday morning: the default start of a test. */
const DEFAULT_START = '2026-01-05T09:00:00Z';

const labelMap = z.record(z.string(), z.string());
const matchers = z.union([
  parsedText(parseMatchers),
  z.array(parsedText(parseMatchers)).transform((lists) => lists.flat()),
]);
const timeText = parsedText((text) => {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new BelfryError('bad_data', `not a time: ${JSON.stringify(text)}, expected something like ${DEFAULT_START}`);
  return ms;
});

const Fired = z.strictObject({ labels: labelMap, annotations: labelMap.optional(), for: duration.optional() });
const SilenceEvent = z.strictObject({ matchers, duration: duration.default(3600_000) });
const Event = z.strictObject({
  at: duration,
  alerts: z.array(Fired).default([]),
  resolve: z.array(matchers).default([]),
  silence: z.array(SilenceEvent).default([]),
});
const ExpectedNotification = z.strictObject({
  at: duration,
  receiver: z.string(),
  firing: z.array(labelMap).optional(),
  resolved: z.array(labelMap).optional(),
  within: duration.optional(),
});
const ExpectedState = z.strictObject({
  at: duration,
  alert: labelMap,
  state: z.enum(['active', 'inhibited', 'silenced', 'muted', 'absent']),
  by: z.string().optional(),
});
const TestFile = z.strictObject({
  config_file: z.string().default('alertmanager.yml'),
  tests: z.array(
    z.strictObject({
      name: z.string().default(''),
      start: timeText.default(Date.parse(DEFAULT_START)),
      events: z.array(Event),
      expect: z.array(ExpectedNotification).default([]),
      states: z.array(ExpectedState).default([]),
      run_for: duration.optional(),
      allow_others: z.boolean().default(false),
    }),
  ),
});
type RawTest = z.output<typeof TestFile>['tests'][number];

/** The outcome of a file of route tests; problems are located in the file. */
export interface RouteTestReport {
  readonly file: string;
  readonly ok: boolean;
  readonly results: readonly (Omit<RouteTestResult, 'problems'> & { readonly problems: readonly BelfryError[] })[];
}

/**
 * Runs the tests of a YAML file (see docs of `belfry test routes`). The configuration is the one that the file names,
 * relative to itself, unless `config` is given.
 * @throws BelfryError `file_unreadable`, `config_invalid`: the file or the configuration cannot be read
 */
export async function runRouteTestFile(file: string, config?: AlertmanagerConfig): Promise<RouteTestReport> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  const loaded = loadYaml(TestFile, text, file);
  const used = config ?? loadConfigFile(resolve(dirname(file), loaded.data.config_file));
  const results = [];
  for (const [i, raw] of loaded.data.tests.entries()) {
    const result = await runRouteTest(used, toRouteTest(raw, i));
    results.push({ ...result, problems: located(loaded, raw, i, result) });
  }
  return { file, ok: results.every((r) => r.ok), results };
}

function toRouteTest(raw: RawTest, index: number): RouteTest {
  const events = raw.events.flatMap((event): RouteTestEvent[] => [
    ...event.alerts.map(
      (a): RouteTestEvent => ({
        kind: 'fire',
        atMs: event.at,
        labels: a.labels,
        ...(a.annotations ? { annotations: a.annotations } : {}),
        ...(a.for === undefined ? {} : { forMs: a.for }),
      }),
    ),
    ...event.resolve.map((m): RouteTestEvent => ({ kind: 'resolve', atMs: event.at, matchers: m })),
    ...event.silence.map(
      (s): RouteTestEvent => ({ kind: 'silence', atMs: event.at, matchers: s.matchers, durationMs: s.duration }),
    ),
  ]);
  const expectations = [
    ...raw.expect.map(
      (e): RouteTestExpectation => ({
        kind: 'notification',
        atMs: e.at,
        receiver: e.receiver,
        ...(e.firing ? { firing: e.firing } : {}),
        ...(e.resolved ? { resolved: e.resolved } : {}),
        ...(e.within === undefined ? {} : { withinMs: e.within }),
      }),
    ),
    ...raw.states.map(
      (s): RouteTestExpectation => ({
        kind: 'state',
        atMs: s.at,
        labels: s.alert,
        state: s.state,
        ...(s.by === undefined ? {} : { by: s.by }),
      }),
    ),
  ];
  return {
    name: raw.name || `test ${index + 1}`,
    startMs: raw.start,
    events,
    expectations,
    allowOthers: raw.allow_others,
    ...(raw.run_for === undefined ? {} : { runForMs: raw.run_for }),
  };
}

function located(loaded: Loaded<unknown>, raw: RawTest, test: number, result: RouteTestResult): BelfryError[] {
  return result.problems.map(({ message, expectation }) => {
    const path: (string | number)[] = ['tests', test];
    if (expectation !== undefined) {
      const states = expectation - raw.expect.length;
      path.push(...(states < 0 ? ['expect', expectation] : ['states', states]));
    }
    return loaded.problem(path, message);
  });
}
