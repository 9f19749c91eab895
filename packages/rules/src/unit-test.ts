import { dirname, isAbsolute, join } from 'node:path';
import type { Loaded } from '@belfry/config';
import {
  BelfryError,
  type Clock,
  compareLabels,
  formatDuration,
  type Labels,
  labelsFrom,
  labelsToObject,
  messageOf,
  type SourceRange,
  systemClock,
  type WriteBatch,
  type Writer,
} from '@belfry/model';
import {
  createEngine,
  createMemoryStore,
  formatHistogramNotation,
  formatParseError,
  type MemoryStore,
  parseSeriesNotation,
  queryable,
  type SequenceValue,
} from '@belfry/promql';
import { type Coverage, type CoverageReport, createCoverage } from './coverage.ts';
import { engineQuery } from './engine-query.ts';
import { evaluateGroup } from './group.ts';
import { checkRuleFile, type RuleFile } from './rule-file.ts';
import { type GroupState, newGroupState, type RuleWorld } from './rule-state.ts';
import type { RuleQuery } from './sample.ts';
import { diffAlerts, diffSamples, type TestedAlert, type TestedSample } from './unit-test-diff.ts';
import {
  type AlertTest,
  type ExpressionTest,
  loadUnitTestFile,
  type TestFiles,
  type TestGroup,
  type UnitTestFile,
} from './unit-test-file.ts';

export interface RuleTestOptions {
  readonly files: TestFiles;
  /** For measuring and time limits of queries only: the tests have a time of their own. */
  readonly clock?: Clock;
  /** Names of PromQL features. */
  readonly features?: ReadonlySet<string>;
  /** Only test groups whose name this matches. */
  readonly run?: RegExp;
}

export type RuleTestFailure =
  /** The file, its rules or its input cannot be used. */
  | { readonly kind: 'setup'; readonly message: string; readonly range?: SourceRange }
  /** A rule failed while it was evaluated. */
  | {
      readonly kind: 'evaluation';
      readonly rule: string;
      readonly timeMs: number;
      readonly message: string;
      readonly range?: SourceRange;
    }
  | {
      readonly kind: 'alert';
      readonly alertname: string;
      readonly timeMs: number;
      readonly expected: readonly TestedAlert[];
      readonly got: readonly TestedAlert[];
      readonly diff: readonly string[];
      readonly range: SourceRange;
    }
  | {
      readonly kind: 'expression';
      readonly expr: string;
      readonly timeMs: number;
      /** The query could not be evaluated; then there is nothing to compare. */
      readonly message?: string;
      readonly expected: readonly TestedSample[];
      readonly got: readonly TestedSample[];
      readonly diff: readonly string[];
      readonly range: SourceRange;
    };

export interface RuleTestGroupResult {
  readonly name: string;
  readonly failures: readonly RuleTestFailure[];
  readonly durationMs: number;
}

export interface RuleTestFileResult {
  readonly file: string;
  readonly warnings: readonly string[];
  /** What keeps the whole file from running. */
  readonly problems: readonly BelfryError[];
  readonly groups: readonly RuleTestGroupResult[];
  readonly ok: boolean;
}

export interface RuleTestReport {
  readonly ok: boolean;
  readonly files: readonly RuleTestFileResult[];
  readonly coverage: CoverageReport;
}

/** Used by tests that name no interval. */
const DEFAULT_EVALUATION_INTERVAL_MS = 60_000;

/**
 * Runs promtool's unit tests of rules, with its verdicts: the same files pass and fail. Never rejects for what is in the
 * files; the report tells it.
 */
export async function runRuleTests(paths: readonly string[], options: RuleTestOptions): Promise<RuleTestReport> {
  const coverage = createCoverage();
  const files: RuleTestFileResult[] = [];
  for (const path of paths) files.push(await runFile(path, options, coverage));
  return { ok: files.every((file) => file.ok), files, coverage: coverage.report() };
}

async function runFile(path: string, options: RuleTestOptions, coverage: Coverage): Promise<RuleTestFileResult> {
  const warnings: string[] = [];
  const failed = (problems: readonly BelfryError[]) => ({ file: path, warnings, problems, groups: [], ok: false });
  let loaded: Loaded<UnitTestFile>;
  let ruleFiles: RuleFile[];
  try {
    loaded = loadUnitTestFile(path, options.files);
    const rules = loadRuleFiles(path, loaded.data, options, warnings);
    // Without a test nobody reads the rules, and promtool passes the file.
    if (rules.problems.length > 0 && loaded.data.tests.length > 0) return failed(rules.problems);
    ruleFiles = rules.files;
  } catch (error) {
    if (error instanceof BelfryError) return failed([error]);
    throw error;
  }
  coverage.addFiles(ruleFiles);
  const groups: RuleTestGroupResult[] = [];
  const clock = options.clock ?? systemClock;
  for (const [i, group] of loaded.data.tests.entries()) {
    const name = group.name || `unnamed#${i}`;
    if (options.run && !options.run.test(name)) continue;
    const start = clock.monotonic();
    const failures = await runTestGroup({ loaded, index: i, group, ruleFiles, options, clock, coverage });
    groups.push({ name, failures, durationMs: clock.monotonic() - start });
  }
  return { file: path, warnings, problems: [], groups, ok: groups.every((g) => g.failures.length === 0) };
}

function loadRuleFiles(
  path: string,
  data: UnitTestFile,
  options: RuleTestOptions,
  warnings: string[],
): { files: RuleFile[]; problems: BelfryError[] } {
  const files: RuleFile[] = [];
  const problems: BelfryError[] = [];
  for (const pattern of data.rule_files) {
    const full = pattern !== '' && !isAbsolute(pattern) ? join(dirname(path), pattern) : pattern;
    const found = options.files.glob(full);
    if (found.length === 0) warnings.push(`no file match pattern ${full}`);
    for (const file of found) {
      try {
        const result = checkRuleFile(options.files.readText(file), file, parseOptions(options));
        if (result.ok) files.push(result.ruleFile);
        else problems.push(...result.problems);
      } catch (error) {
        problems.push(new BelfryError('file_unreadable', messageOf(error), { file, cause: error }));
      }
    }
  }
  return { files, problems };
}

function parseOptions(options: RuleTestOptions) {
  return options.features ? { features: options.features } : {};
}

interface Suite {
  readonly loaded: Loaded<UnitTestFile>;
  readonly index: number;
  readonly group: TestGroup;
  readonly ruleFiles: readonly RuleFile[];
  readonly options: RuleTestOptions;
  readonly clock: Clock;
  readonly coverage: Coverage;
}

interface InputSample {
  readonly timeMs: number;
  readonly labels: Labels;
  readonly value: SequenceValue;
}

async function runTestGroup(suite: Suite): Promise<RuleTestFailure[]> {
  const { loaded, group, index, options } = suite;
  const unnamed = group.alert_rule_test.findIndex((test) => test.alertname === '');
  if (unnamed >= 0) {
    const time = formatDuration(group.alert_rule_test[unnamed]!.eval_time);
    const where = group.name === '' ? '' : ` (in TestGroup ${group.name})`;
    const message = `an item under alert_rule_test misses required attribute alertname at eval_time ${time}${where}`;
    return [{ kind: 'setup', message, range: loaded.rangeOf(['tests', index, 'alert_rule_test', unnamed]) }];
  }
  const intervalMs = loaded.data.evaluation_interval || DEFAULT_EVALUATION_INTERVAL_MS;
  const store = createMemoryStore();
  let input: InputSample[];
  try {
    input = readInput(suite, group.interval || intervalMs);
  } catch (error) {
    if (error instanceof SetupFailure) return [error.failure];
    throw error;
  }
  const engine = createEngine({
    clock: suite.clock,
    defaultStepMs: intervalMs,
    ...(options.features ? { features: options.features } : {}),
  });
  const query = engineQuery(engine, queryable(store, { clock: suite.clock }));
  const groups = orderedGroups(suite, group.interval || intervalMs);
  const failures = await evaluateAll(suite, groups, intervalMs, input, store, query);
  if (failures.some((f) => f.kind === 'evaluation')) return failures;
  for (const [i, test] of group.promql_expr_test.entries()) {
    const failure = await checkExpression(suite, i, test, query);
    if (failure) failures.push(failure);
  }
  return failures;
}

class SetupFailure extends Error {
  readonly failure: RuleTestFailure;
  constructor(failure: RuleTestFailure) {
    super(failure.kind);
    this.failure = failure;
  }
}

/** Input samples in order of time. */
function readInput({ loaded, index, group }: Suite, intervalMs: number): InputSample[] {
  const samples: InputSample[] = [];
  group.input_series.forEach(({ series, values }, i) => {
    try {
      const notation = parseSeriesNotation(`${series} ${values}`);
      notation.values.forEach((value, k) => {
        if (value.omitted) return;
        samples.push({ timeMs: group.start_timestamp + k * intervalMs, labels: notation.labels, value });
      });
    } catch (error) {
      if (!(error instanceof BelfryError)) throw error;
      const message = `invalid input series ${series} ${values}: ${error.message}`;
      throw new SetupFailure({ kind: 'setup', message, range: loaded.rangeOf(['tests', index, 'input_series', i]) });
    }
  });
  return samples.sort((a, b) => a.timeMs - b.timeMs);
}

/** Groups that the file orders in that order; those it does not name as they come, with the first. */
function orderedGroups({ ruleFiles, loaded }: Suite, intervalMs: number): GroupState[] {
  const order = new Map(loaded.data.group_eval_order.map((name, i) => [name, i]));
  return ruleFiles
    .flatMap((file) => file.groups)
    .map((group) => newGroupState(group, { intervalMs, queryOffsetMs: 0 }, false))
    .sort((a, b) => (order.get(a.group.name) ?? 0) - (order.get(b.group.name) ?? 0));
}

async function evaluateAll(
  suite: Suite,
  groups: readonly GroupState[],
  intervalMs: number,
  input: readonly InputSample[],
  store: MemoryStore,
  query: RuleQuery,
): Promise<RuleTestFailure[]> {
  const { group, coverage } = suite;
  const failures: RuleTestFailure[] = [];
  const lastTime = Math.max(
    0,
    ...group.alert_rule_test.map((t) => t.eval_time),
    ...group.promql_expr_test.map((t) => t.eval_time),
  );
  const pending = group.alert_rule_test
    .map((test, i) => ({ test, i }))
    .sort((a, b) => a.test.eval_time - b.test.eval_time);
  let nextInput = 0;
  for (let atMs = 0; atMs <= lastTime; atMs += intervalMs) {
    const slotMs = group.start_timestamp + atMs;
    nextInput = appendUntil(store, input, nextInput, slotMs);
    for (const state of groups) {
      await evaluateGroup(state, slotMs, worldOf(suite, state, store, query));
      coverage.onEvaluated(state);
      failures.push(...evaluationFailures(state, atMs));
    }
    if (failures.some((f) => f.kind === 'evaluation')) return failures;
    // A test between two evaluations sees the state of the earlier one.
    while (pending.length > 0 && pending[0]!.test.eval_time < atMs + intervalMs) {
      const { test, i } = pending.shift()!;
      const failure = checkAlerts(suite, i, test, groups);
      if (failure) failures.push(failure);
    }
  }
  return failures;
}

function appendUntil(store: MemoryStore, input: readonly InputSample[], from: number, untilMs: number): number {
  const appender = store.appender();
  let i = from;
  for (; i < input.length && input[i]!.timeMs <= untilMs; i++) {
    const { labels, timeMs, value } = input[i]!;
    if (value.histogram) appender.appendHistogram(0, labels, timeMs, value.histogram);
    else appender.append(0, labels, timeMs, value.value);
  }
  appender.commit();
  return i;
}

function worldOf(suite: Suite, state: GroupState, store: MemoryStore, query: RuleQuery): RuleWorld {
  const { group, coverage, clock } = suite;
  const externalLabels = labelsFrom(group.external_labels);
  return {
    clock,
    query,
    writer: storeWriter(store),
    notify: () => {},
    onTransition: coverage.onTransition,
    onTemplate: (rule, field, name, error) =>
      coverage.onTemplate(state.group.file, state.group.name, rule, field, name, error),
    externalLabels: () => externalLabels,
    externalUrl: () => group.external_url,
    resendDelayMs: 0,
    log: () => {},
    signal: undefined,
  };
}

/** Writes straight into a store in this thread. */
function storeWriter(store: MemoryStore): Writer {
  return {
    write: async (batch: WriteBatch) => {
      const appender = store.appender();
      for (let i = 0; i < batch.series.length; i++) {
        const labels = batch.labels[batch.series[i]!]!;
        const histogram = batch.histograms?.get(i);
        if (histogram) appender.appendHistogram(0, labels, batch.timestamps[i]!, histogram);
        else appender.append(0, labels, batch.timestamps[i]!, batch.values[i]!);
      }
      appender.commit();
      return { samples: batch.series.length, histograms: batch.histograms?.size ?? 0, exemplars: 0, refused: [] };
    },
  };
}

function evaluationFailures(state: GroupState, atMs: number): RuleTestFailure[] {
  return state.rules
    .filter((rule) => rule.lastError !== '')
    .map((rule) => ({ kind: 'evaluation', rule: rule.rule.name, timeMs: atMs, message: rule.lastError }));
}

function checkAlerts(
  { loaded, index }: Suite,
  i: number,
  test: AlertTest,
  groups: readonly GroupState[],
): RuleTestFailure | undefined {
  const got: TestedAlert[] = [];
  for (const state of groups.flatMap((g) => g.rules)) {
    if (state.kind !== 'alerting' || state.rule.name !== test.alertname) continue;
    for (const alert of state.active.values()) {
      if (alert.state !== 'firing' || alert.resolvedAtMs !== undefined) continue;
      got.push({ labels: labelsToObject(alert.labels), annotations: Object.fromEntries(alert.annotations) });
    }
  }
  const expected = test.exp_alerts.map(({ exp_labels, exp_annotations }) => ({
    labels: { ...exp_labels, alertname: test.alertname },
    annotations: exp_annotations,
  }));
  const key = (alert: TestedAlert) => JSON.stringify([sorted(alert.labels), sorted(alert.annotations)]);
  if (sameTexts(expected.map(key), got.map(key))) return undefined;
  return {
    kind: 'alert',
    alertname: test.alertname,
    timeMs: test.eval_time,
    expected,
    got,
    diff: diffAlerts(expected, got),
    range: loaded.rangeOf(['tests', index, 'alert_rule_test', i]),
  };
}

function sorted(map: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(map).sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted());
}

async function checkExpression(
  { loaded, index, group }: Suite,
  i: number,
  test: ExpressionTest,
  query: RuleQuery,
): Promise<RuleTestFailure | undefined> {
  const base = {
    kind: 'expression' as const,
    expr: test.expr,
    timeMs: test.eval_time,
    range: loaded.rangeOf(['tests', index, 'promql_expr_test', i]),
  };
  try {
    const result = await query(test.expr, group.start_timestamp + test.eval_time, undefined);
    const got = result.map(
      ({ labels, value, histogram }): TestedSample =>
        histogram ? { labels, value: 0, histogram: formatHistogramNotation(histogram) } : { labels, value },
    );
    const expected = test.exp_samples.map(expectedSample);
    if (sameSamples(expected, got, loaded.data.fuzzy_compare)) return undefined;
    return { ...base, expected, got, diff: [...diffSamples(expected, got), ...nanRemark(expected)] };
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    const message = error.code === 'query_syntax' ? formatParseError(error, test.expr) : error.message;
    return { ...base, message, expected: [], got: [], diff: [] };
  }
}

/** @throws BelfryError for a text that is no series */
function expectedSample({ labels, value, histogram }: ExpressionTest['exp_samples'][number]): TestedSample {
  try {
    const own = parseSeriesNotation(labels === '' ? '{}' : labels).labels;
    if (histogram === '') return { labels: own, value };
    const { values } = parseSeriesNotation(`{} ${histogram}`);
    if (values.length !== 1) throw new BelfryError('bad_data', `expected 1 value, got ${values.length}`);
    const parsed = values[0]!.histogram;
    if (!parsed) throw new BelfryError('bad_data', `expected histogram, got ${histogram}`);
    return { labels: own, value, histogram: formatHistogramNotation(parsed) };
  } catch (error) {
    throw new BelfryError('bad_data', `labels ${JSON.stringify(labels)}: ${messageOf(error)}`, { cause: error });
  }
}

/** As promtool compares: NaN is equal to nothing. `fuzzy` allows for the neighbouring floats. */
function sameSamples(expected: readonly TestedSample[], got: readonly TestedSample[], fuzzy: boolean): boolean {
  if (expected.length !== got.length) return false;
  const order = (list: readonly TestedSample[]) => list.toSorted((a, b) => compareLabels(a.labels, b.labels));
  const others = order(got);
  return order(expected).every((sample, i) => {
    const other = others[i]!;
    if (compareLabels(sample.labels, other.labels) !== 0 || sample.histogram !== other.histogram) return false;
    return sample.value === other.value || (fuzzy && areNeighbours(sample.value, other.value));
  });
}

function nanRemark(expected: readonly TestedSample[]): string[] {
  if (!expected.some((sample) => Number.isNaN(sample.value))) return [];
  return ['(NaN is equal to nothing, as in promtool; test it with a comparison such as `x != x`)'];
}

const bits = new DataView(new ArrayBuffer(8));

function areNeighbours(a: number, b: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  const difference = orderedBits(a) - orderedBits(b);
  return difference >= -1n && difference <= 1n;
}

/** Floats as integers in the same order, so that neighbours differ by one. */
function orderedBits(value: number): bigint {
  bits.setFloat64(0, value);
  const raw = bits.getBigInt64(0);
  return raw < 0n ? -(raw & 0x7fffffffffffffffn) : raw;
}
