import { BelfryError, type SourceRange } from '@belfry/model';
import type { z } from 'zod';
import { readYamlSource, suggest, type YamlPath, type YamlSource } from './yaml-source.ts';

/** What a file says, checked and typed, with the places it was said at for errors that show themselves later. */
export interface Loaded<T> {
  readonly data: T;
  readonly file: string | undefined;
  readonly text: string;
  /** The place of the value at `path`; where it was left to its default, of the nearest map around it. */
  rangeOf(path: YamlPath): SourceRange;
  /** A `config_invalid` at `path`, for checks that no schema can express. */
  problem(path: YamlPath, message: string): BelfryError;
}

export type YamlResult<T> =
  | { readonly ok: true; readonly loaded: Loaded<T> }
  | { readonly ok: false; readonly problems: readonly BelfryError[] };

/**
 * Reads a YAML text against a schema the way Prometheus reads its configuration: unknown fields are refused (use
 * `z.strictObject`), a scalar written plain is taken as text where text is expected (`version: 1.10`), an absent value
 * is the default, `yes`/`no`/`on`/`off` are booleans where booleans are expected.
 * An empty text is read as an empty map.
 * @throws BelfryError `config_invalid`: the first problem, with file, line and column. {@link checkYaml} gives all.
 */
export function loadYaml<S extends z.ZodType>(schema: S, text: string, file?: string): Loaded<z.output<S>> {
  const result = checkYaml(schema, text, file);
  if (!result.ok) throw result.problems[0]!;
  return result.loaded;
}

/** As {@link loadYaml}, but with every problem found, in the order of the file. */
export function checkYaml<S extends z.ZodType>(schema: S, text: string, file?: string): YamlResult<z.output<S>> {
  let source: YamlSource;
  try {
    source = readYamlSource(text, file);
  } catch (error) {
    if (error instanceof BelfryError) return { ok: false, problems: [error] };
    throw error;
  }
  const data = source.data ?? {};
  const parsed = parseCoercing(schema, data, source);
  const problem = (path: YamlPath, message: string) =>
    new BelfryError('config_invalid', message, { file, range: source.rangeOf(path) });
  if (parsed.success) {
    return { ok: true, loaded: { data: parsed.data, file, text, rangeOf: source.rangeOf, problem } };
  }
  const told = parsed.error.issues.flatMap((issue) =>
    describeIssue(issue, [], schema, source).map((problem) => ({ problem, rank: rank(issue) })),
  );
  const line = (told: { problem: BelfryError }) => told.problem.range?.line ?? 0;
  const column = (told: { problem: BelfryError }) => told.problem.range?.column ?? 0;
  told.sort((a, b) => line(a) - line(b) || a.rank - b.rank || column(a) - column(b));
  return { ok: false, problems: told.map((t) => t.problem) };
}

/** In one line what is unknown comes before what is missing: the former is usually the cause of the latter. */
function rank(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? 0 : 1;
}

type Issue = z.core.$ZodIssue;

/**
 * YAML guesses types from spelling, Go's decoder from the field. So where a schema wanted text or a boolean and the
 * spelling guessed otherwise, the spelling is put in and the schema asked again.
 */
function parseCoercing<S extends z.ZodType>(schema: S, data: unknown, source: YamlSource) {
  let result = schema.safeParse(data);
  // One more round can only uncover what the round before made reachable (unions in unions).
  const MAX_ROUNDS = 8;
  for (let round = 0; round < MAX_ROUNDS && !result.success; round++) {
    let changed = false;
    for (const issue of result.error!.issues) {
      for (const path of nullsIn(issue, [], data)) {
        data = without(data, path);
        changed = true;
      }
      for (const wanted of typeMismatches(issue, [])) {
        const scalar = source.scalarAt(wanted.path);
        if (!scalar || scalar.quoted || at(data, wanted.path) == null) continue;
        const value = wanted.expected === 'string' ? scalar.text : booleanOf(scalar.text);
        if (value === undefined || at(data, wanted.path) === value) continue;
        data = replaced(data, wanted.path, value);
        changed = true;
      }
    }
    if (!changed) break;
    result = schema.safeParse(data);
  }
  return result;
}

/** Keys without a value that the schema objects to: they are taken as not written, so that the default holds. */
function* nullsIn(issue: Issue, base: YamlPath, data: unknown): Generator<YamlPath> {
  const path = [...base, ...(issue.path as (string | number)[])];
  if (issue.code === 'custom') return;
  if (typeof path.at(-1) === 'string' && at(data, path) === null && has(data, path)) yield path;
  else if (issue.code === 'invalid_union') {
    for (const branch of issue.errors) for (const inner of branch) yield* nullsIn(inner, path, data);
  }
}

function has(data: unknown, path: YamlPath): boolean {
  const parent = at(data, path.slice(0, -1));
  return typeof parent === 'object' && parent !== null && Object.hasOwn(parent, path.at(-1)!);
}

function without(data: unknown, path: YamlPath): unknown {
  const parent = { ...(at(data, path.slice(0, -1)) as Record<string, unknown>) };
  delete parent[path.at(-1)!];
  return replaced(data, path.slice(0, -1), parent);
}

function* typeMismatches(
  issue: Issue,
  base: YamlPath,
): Generator<{ readonly path: YamlPath; readonly expected: 'string' | 'boolean' }> {
  const path = [...base, ...(issue.path as (string | number)[])];
  if (issue.code === 'invalid_type') {
    if (issue.expected === 'string') yield { path, expected: 'string' };
    else if (issue.expected === 'boolean') yield { path, expected: 'boolean' };
  } else if (issue.code === 'invalid_union') {
    for (const branch of issue.errors) for (const inner of branch) yield* typeMismatches(inner, path);
  } else if (issue.code === 'invalid_value' && issue.values.some((v) => typeof v === 'string')) {
    yield { path, expected: 'string' };
  }
}

function booleanOf(text: string): boolean | undefined {
  if (/^(?:y|yes|on|true)$/i.test(text)) return true;
  if (/^(?:n|no|off|false)$/i.test(text)) return false;
  return undefined;
}

function at(data: unknown, path: YamlPath): unknown {
  let value = data;
  for (const step of path) value = (value as Record<string | number, unknown> | undefined)?.[step];
  return value;
}

function replaced(data: unknown, path: YamlPath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(data)) return data.with(Number(step), replaced(data[Number(step)], rest, value));
  const object = data as Record<string, unknown>;
  return { ...object, [step]: replaced(object[step], rest, value) };
}

function describeIssue(issue: Issue, base: YamlPath, schema: z.ZodType, source: YamlSource): BelfryError[] {
  const path = [...base, ...(issue.path as (string | number)[])];
  const problem = (range: SourceRange, message: string) =>
    new BelfryError('config_invalid', message, { file: source.file, range });
  const name = path.length === 0 ? '' : `${formatPath(path)}: `;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = fieldsAt(schema, path);
      const where = path.length === 0 ? '' : ` in ${formatPath(path)}`;
      return issue.keys.map((key) =>
        problem(source.keyRangeOf([...path, key]), `field ${key} not found${where}${suggest(key, known)}`),
      );
    }
    case 'invalid_type': {
      const value = at(source.data ?? {}, path);
      const missing = value === undefined || (value === null && typeof path.at(-1) === 'string');
      if (missing) return [problem(source.rangeOf(path), `${formatPath(path)} is required, and missing here`)];
      return [problem(source.rangeOf(path), `${name}expected ${noun(issue.expected)}, got ${shown(source, path)}`)];
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const got = shown(source, path);
      const near = suggest(source.scalarAt(path)?.text ?? '', values);
      return [problem(source.rangeOf(path), `${name}unexpected ${got}${near || `, expected ${values.join(', ')}`}`)];
    }
    case 'invalid_union':
      return describeUnion(issue, path, schema, source);
    case 'invalid_key': {
      const inner = issue.issues[0]?.message ?? 'invalid key';
      return [problem(source.keyRangeOf(path), `${name}${inner}`)];
    }
    default:
      return [problem(source.rangeOf(path), `${name}${issue.message}`)];
  }
}

/** Speaks of the alternative that came furthest: the one whose first complaint lies deepest. */
function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: YamlPath,
  schema: z.ZodType,
  source: YamlSource,
): BelfryError[] {
  const depth = (branch: readonly Issue[]) =>
    Math.max(0, ...branch.map((i) => i.path.length + (i.code === 'unrecognized_keys' ? 1 : 0)));
  const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0];
  if (deepest && depth(deepest) > 0) return deepest.flatMap((inner) => describeIssue(inner, path, schema, source));
  const custom = issue.errors.flat().find((i) => i.code === 'custom');
  if (custom) return describeIssue(custom, path, schema, source);
  const wanted = issue.errors
    .flat()
    .map((i) => (i.code === 'invalid_type' ? noun(i.expected) : i.message))
    .filter((w, i, all) => all.indexOf(w) === i);
  const message = `${formatPath(path)}: expected ${wanted.join(' or ') || 'something else'}, got ${shown(source, path)}`;
  return [new BelfryError('config_invalid', message, { file: source.file, range: source.rangeOf(path) })];
}

function noun(expected: string): string {
  const NOUNS: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map',
    record: 'a map',
  };
  return NOUNS[expected] ?? expected;
}

function shown(source: YamlSource, path: YamlPath): string {
  const value = at(source.data, path);
  if (value === null) return 'nothing';
  const scalar = source.scalarAt(path);
  if (scalar) return JSON.stringify(scalar.text);
  return Array.isArray(value) ? 'a list' : 'a map';
}

/** `scrape_configs[2].relabel_configs[0].action`. */
export function formatPath(path: YamlPath): string {
  let out = '';
  for (const step of path) out += typeof step === 'number' ? `[${step}]` : out === '' ? step : `.${step}`;
  return out;
}

interface SchemaDef {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly in?: z.ZodType;
  readonly left?: z.ZodType;
  readonly right?: z.ZodType;
  readonly getter?: () => z.ZodType;
}

/** The fields that the schema knows at a place, for suggestions. */
function fieldsAt(schema: z.ZodType, path: YamlPath): string[] {
  let here = unwrap(schema);
  for (const step of path) {
    here = here.flatMap((s) => {
      const def = s._zod.def as unknown as SchemaDef;
      if (def.type === 'object') return def.shape?.[step] ? unwrap(def.shape[step]) : [];
      if (def.type === 'array') return def.element ? unwrap(def.element) : [];
      return def.valueType ? unwrap(def.valueType) : [];
    });
  }
  const names = here.flatMap((s) => Object.keys((s._zod.def as unknown as SchemaDef).shape ?? {}));
  return [...new Set(names)];
}

function unwrap(schema: z.ZodType): z.ZodType[] {
  const def = schema._zod.def as unknown as SchemaDef;
  if (def.innerType) return unwrap(def.innerType);
  if (def.type === 'pipe' && def.in) return unwrap(def.in);
  if (def.type === 'lazy' && def.getter) return unwrap(def.getter());
  if (def.type === 'union' && def.options) return def.options.flatMap(unwrap);
  if (def.type === 'intersection' && def.left && def.right) return [...unwrap(def.left), ...unwrap(def.right)];
  return [schema];
}
