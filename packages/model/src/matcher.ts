import { RE2JS } from 're2js';
import { BelfryError } from './errors.ts';
import { isLegacyLabelName, quote } from './labels.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** A condition on one label. Plain data: crosses worker borders; {@link compileMatcher} makes it executable. */
export interface Matcher {
  readonly name: string;
  readonly op: MatchOperator;
  readonly value: string;
}

/** An executable matcher, with what an index can use instead of trying every value. */
export interface CompiledMatcher {
  readonly matcher: Matcher;
  /** Against the label's value; `''` when the series lacks the label. */
  readonly matches: (value: string) => boolean;
  /** Whether a series without the label is selected. */
  readonly matchesEmpty: boolean;
  /** The only values that can match (for `!=`, `!~`: the only ones that cannot), where the pattern is such a set. */
  readonly values?: readonly string[];
  /** Every matching value (for `!~`: every excluded one) begins with this text. */
  readonly prefix?: string;
}

/** @throws BelfryError `regex_invalid`, for `=~` and `!~` with a pattern that RE2 refuses. */
export function compileMatcher(matcher: Matcher): CompiledMatcher {
  const { op, value } = matcher;
  if (op === '=') return { matcher, matches: (v) => v === value, matchesEmpty: value === '', values: [value] };
  if (op === '!=') return { matcher, matches: (v) => v !== value, matchesEmpty: value !== '', values: [value] };
  const positive = compilePattern(value);
  const matches = op === '=~' ? positive.matches : (v: string) => !positive.matches(v);
  return {
    matcher,
    matches,
    matchesEmpty: matches(''),
    ...(positive.values ? { values: positive.values } : {}),
    ...(positive.prefix ? { prefix: positive.prefix } : {}),
  };
}

/** A compiled regular expression: fully anchored, `.` matches newlines, linear time (RE2 semantics). */
export interface Pattern {
  readonly source: string;
  readonly matches: (text: string) => boolean;
  readonly values?: readonly string[];
  readonly prefix?: string;
}

const LITERAL = /^[^\\^$.|?*+()[\]{}]*$/;
const MAX_CACHED_PATTERNS = 1000;
const cache = new Map<string, Pattern>();

/**
 * Compiles as Prometheus does: `^(?s:pattern)$`, RE2 syntax, matched in time linear in the text.
 * Literals, alternations of literals and `literal.*` never reach the regular expression engine.
 * @throws BelfryError `regex_invalid`
 */
export function compilePattern(source: string): Pattern {
  const known = cache.get(source);
  if (known) return known;
  const pattern = buildPattern(source);
  if (cache.size >= MAX_CACHED_PATTERNS) cache.delete(cache.keys().next().value!);
  cache.set(source, pattern);
  return pattern;
}

function buildPattern(source: string): Pattern {
  const alternatives = literalAlternatives(source);
  if (alternatives) {
    if (alternatives.length === 1) {
      const only = alternatives[0]!;
      return { source, matches: (t) => t === only, values: alternatives };
    }
    const set = new Set(alternatives);
    return { source, matches: (t) => set.has(t), values: [...set] };
  }
  if (source === '.*') return { source, matches: () => true };
  if (source === '.+') return { source, matches: (t) => t !== '' };
  const simple = /^([^\\^$.|?*+()[\]{}]+)\.([*+])$/.exec(source);
  if (simple) {
    const prefix = simple[1]!;
    const least = simple[2] === '+' ? prefix.length + 1 : prefix.length;
    return { source, matches: (t) => t.length >= least && t.startsWith(prefix), prefix };
  }
  const re = compileRe2(source);
  const prefix = /\|/.test(source) ? '' : (/^[^\\^$.|?*+()[\]{}]*(?![?*{])/.exec(source)?.[0] ?? '');
  const matches = (t: string) => re.matches(t);
  return prefix.length > 1 ? { source, matches, prefix: prefix.slice(0, -1) } : { source, matches };
}

function compileRe2(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.DOTALL);
  } catch (error) {
    // The library shows the pattern with the flag that we add.
    const raw = error instanceof Error ? error.message : String(error);
    const detail = raw.replace(/^error parsing regexp: /, '').replace('(?s)', '');
    throw new BelfryError('regex_invalid', `error parsing regexp: ${detail}`, { cause: error });
  }
}

/** `a|b|c` or `(a|b|c)` of plain text as its list, else nothing. */
function literalAlternatives(source: string): string[] | undefined {
  let body = source;
  if (body.startsWith('(?:') && body.endsWith(')')) body = body.slice(3, -1);
  else if (body.startsWith('(') && body.endsWith(')')) body = body.slice(1, -1);
  const parts = body.split('|');
  return parts.every((p) => LITERAL.test(p)) ? parts : undefined;
}

export function formatMatcher(matcher: Matcher): string {
  const name = isLegacyLabelName(matcher.name) ? matcher.name : quote(matcher.name);
  return `${name}${matcher.op}${quote(matcher.value)}`;
}
