import { duration, type Loaded, loadYaml } from '@belfry/config';
import { BelfryError, messageOf, parseDuration } from '@belfry/model';
import { parseGoFloat } from '@belfry/template';
import { z } from 'zod';

/** How files are found and read: `diskFiles` of the configuration room, or a test's own. */
export interface TestFiles {
  readText(path: string): string;
  glob(pattern: string): readonly string[];
}

const texts = z.record(z.string(), z.string());

/** As Go's YAML reads a float: also `.nan`, `.inf`, and numbers in quotes. */
const float = z.union([z.number(), z.string()]).transform((value, context): number => {
  if (typeof value === 'number') return value;
  const special = /^([+-]?)\.(inf|nan)$/i.exec(value);
  const parsed = parseGoFloat(special ? special[1]! + special[2]! : value);
  if (parsed !== undefined) return parsed;
  context.issues.push({ code: 'custom', message: `expected a number, got ${JSON.stringify(value)}`, input: value });
  return z.NEVER;
});

/** RFC 3339, or seconds since the epoch. */
const timestamp = z.string().transform((text, context): number => {
  const seconds = parseGoFloat(text);
  const ms = seconds === undefined ? Date.parse(text) : seconds * 1000;
  if (Number.isFinite(ms)) return ms;
  context.issues.push({
    code: 'custom',
    message: `cannot parse ${JSON.stringify(text)} to a valid timestamp`,
    input: text,
  });
  return z.NEVER;
});

const signedDuration = z.string().transform((text, context): number => {
  try {
    return parseDuration(text);
  } catch (error) {
    context.issues.push({ code: 'custom', message: messageOf(error), input: text });
    return z.NEVER;
  }
});

const AlertTest = z.strictObject({
  eval_time: signedDuration.default(0),
  alertname: z.string().default(''),
  exp_alerts: z
    .array(z.strictObject({ exp_labels: texts.default({}), exp_annotations: texts.default({}) }))
    .default([]),
});

const ExpressionTest = z.strictObject({
  expr: z.string().default(''),
  eval_time: signedDuration.default(0),
  exp_samples: z
    .array(
      z.strictObject({ labels: z.string().default(''), value: float.default(0), histogram: z.string().default('') }),
    )
    .default([]),
});

const TestGroup = z.strictObject({
  name: z.string().default(''),
  interval: duration.default(0),
  input_series: z.array(z.strictObject({ series: z.string().default(''), values: z.string().default('') })).default([]),
  alert_rule_test: z.array(AlertTest).default([]),
  promql_expr_test: z.array(ExpressionTest).default([]),
  external_labels: texts.default({}),
  external_url: z.string().default(''),
  start_timestamp: timestamp.default(0),
});

const UnitTestFile = z.strictObject({
  rule_files: z.array(z.string()).default([]),
  evaluation_interval: duration.default(0),
  group_eval_order: z.array(z.string()).default([]),
  tests: z.array(TestGroup).default([]),
  fuzzy_compare: z.boolean().default(false),
});

export type UnitTestFile = z.output<typeof UnitTestFile>;
export type TestGroup = UnitTestFile['tests'][number];
export type AlertTest = TestGroup['alert_rule_test'][number];
export type ExpressionTest = TestGroup['promql_expr_test'][number];

/** Reads promtool's unit test format. @throws BelfryError `file_unreadable`, `config_invalid` with its place */
export function loadUnitTestFile(path: string, files: TestFiles): Loaded<UnitTestFile> {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    throw new BelfryError('file_unreadable', messageOf(error), { file: path, cause: error });
  }
  const loaded = loadYaml(UnitTestFile, text, path);
  const seen = new Set<string>();
  loaded.data.group_eval_order.forEach((name, i) => {
    if (seen.has(name)) {
      throw loaded.problem(['group_eval_order', i], `group name repeated in evaluation order: ${name}`);
    }
    seen.add(name);
  });
  return loaded;
}
