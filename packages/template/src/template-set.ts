import { type BelfryError, type Clock, quote, systemClock } from '@belfry/model';
import { BUILTINS } from './builtins.ts';
import { execute, type MissingKey, type Run } from './execute.ts';
import { templateError } from './fault.ts';
import type { FunctionMap } from './functions.ts';
import { isEmptyBody, type Tree } from './nodes.ts';
import { parseTemplate } from './parse.ts';

/** Written text beyond this is refused, unless the caller says otherwise. */
export const DEFAULT_MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
/** Evaluation steps (nodes, calls, iterations) beyond this are refused, unless the caller says otherwise. */
export const DEFAULT_MAX_STEPS = 5_000_000;
/** Texts whose syntax trees a set keeps, the oldest leaving first. */
const MAX_CACHED_TEXTS = 2000;

export interface TemplateSource {
  /** Names the text in error messages; also the name under which the text itself is a template. */
  readonly name: string;
  readonly text: string;
}

/** What to render: a template of the set, or a text that may use the templates of the set. */
export type TemplateEntry = { readonly name: string } | { readonly text: string; readonly as?: string };

export interface RenderOptions<Host> {
  /** What the functions of the host need of the world. */
  readonly host: Host;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Escapes values for where they stand in an HTML document. */
  readonly html?: boolean;
  readonly missingKey?: MissingKey;
  readonly maxOutputBytes?: number;
  readonly maxSteps?: number;
}

/** A parsed text, ready to be rendered; see {@link TemplateSet} for what its functions do. */
export interface PreparedTemplate<Host> {
  render(data: unknown, options: RenderOptions<Host>): Promise<string>;
  renderSync(data: unknown, options: RenderOptions<Host>): string;
}

/** Parsed templates that may call each other. Immutable. */
export interface TemplateSet<Host> {
  /** Of all templates defined, sorted. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /**
   * Parses a text that may use the templates of the set, to be rendered many times.
   * @throws BelfryError `template_failed`
   */
  prepare(text: string, as?: string): PreparedTemplate<Host>;
  /**
   * Renders, awaiting what functions promise.
   * @throws BelfryError `template_failed` with Go's message and, as cause, the place; or the signal's reason.
   */
  render(entry: TemplateEntry, data: unknown, options: RenderOptions<Host>): Promise<string>;
  /** As {@link render}, for functions that promise nothing: one that does is an error. */
  renderSync(entry: TemplateEntry, data: unknown, options: RenderOptions<Host>): string;
}

/**
 * Parses Go text/template sources into one set. Of two definitions of a name the later counts, unless it is empty.
 * @throws BelfryError `template_failed`, its message as Go's: `template: name:line: what`
 */
export function parseTemplates<Host>(
  sources: readonly TemplateSource[],
  functions: FunctionMap<Host>,
): TemplateSet<Host> {
  const known: ReadonlySet<string> = new Set([...Object.keys(BUILTINS), ...Object.keys(functions)]);
  const trees = new Map<string, Tree>();
  for (const { name, text } of sources) addTrees(trees, parseTemplate(name, text, known));
  const texts = new Map<string, Parsed>();
  const parseText = (text: string, as: string): Parsed => {
    const own = parseTemplate(as, text, known);
    const tree = own.get(as)!;
    // An empty text does not hide what the set defines under its name, as in Go; it renders to nothing all the same.
    const lookUp = (name: string) => {
      const mine = own.get(name);
      return mine && !(isEmptyBody(mine.body) && trees.has(name)) ? mine : trees.get(name);
    };
    return { tree, lookUp };
  };
  const cachedText = (text: string, as: string): Parsed => {
    const key = `${as}\0${text}`;
    const cached = texts.get(key);
    if (cached) return cached;
    const parsed = parseText(text, as);
    if (texts.size >= MAX_CACHED_TEXTS) texts.delete(texts.keys().next().value!);
    texts.set(key, parsed);
    return parsed;
  };
  const parsedEntry = (entry: TemplateEntry): Parsed => {
    if ('text' in entry) return cachedText(entry.text, entry.as ?? '');
    const tree = trees.get(entry.name);
    if (!tree) throw noTemplate(entry.name);
    return { tree, lookUp: (name) => trees.get(name) };
  };
  const start = ({ tree, lookUp }: Parsed, data: unknown, options: RenderOptions<Host>): Run<string> =>
    execute(tree, data, {
      lookUp,
      functions,
      host: options.host,
      clock: options.clock ?? systemClock,
      signal: options.signal,
      html: options.html ?? false,
      missingKey: options.missingKey ?? 'zero',
      maxOutputBytes: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
      maxSteps: options.maxSteps ?? DEFAULT_MAX_STEPS,
    });

  return {
    names: [...trees.keys()].sort(),
    has: (name) => trees.has(name),
    prepare: (text, as = '') => {
      const parsed = parseText(text, as);
      return {
        render: async (data, options) => drive(start(parsed, data, options)),
        renderSync: (data, options) => driveSync(start(parsed, data, options)),
      };
    },
    render: async (entry, data, options) => drive(start(parsedEntry(entry), data, options)),
    renderSync: (entry, data, options) => driveSync(start(parsedEntry(entry), data, options)),
  };
}

interface Parsed {
  readonly tree: Tree;
  readonly lookUp: (name: string) => Tree | undefined;
}

function addTrees(into: Map<string, Tree>, from: ReadonlyMap<string, Tree>): void {
  for (const [name, tree] of from) if (!into.has(name) || !isEmptyBody(tree.body)) into.set(name, tree);
}

function noTemplate(name: string): BelfryError {
  const detail = `no template ${quote(name)} is defined`;
  return templateError(`template: ${detail}`, {
    kind: 'template-fault',
    phase: 'execute',
    template: name,
    line: 0,
    column: -1,
    detail,
  });
}

function driveSync(run: Run<string>): string {
  let result = run.next();
  while (!result.done) {
    void Promise.resolve(result.value).catch(() => {});
    // The generator turns what is thrown into it into an error that names the call.
    result = run.throw(new Error('the function answers later, and this template is rendered at once'));
  }
  return result.value;
}

async function drive(run: Run<string>): Promise<string> {
  let result = run.next();
  while (!result.done) {
    let settled: { ok: true; value: unknown } | { ok: false; error: unknown };
    try {
      settled = { ok: true, value: await result.value };
    } catch (error) {
      settled = { ok: false, error };
    }
    result = settled.ok ? run.next(settled.value) : run.throw(settled.error);
  }
  return result.value;
}
