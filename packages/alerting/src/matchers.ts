import {
  BelfryError,
  compareText,
  compilePattern,
  isLegacyLabelName,
  isValidName,
  type Labels,
  labelValue,
  type Matcher,
  type MatchOperator,
  quote,
} from '@belfry/model';
import { parseUtf8Matchers } from './matchers-utf8.ts';

/** A matcher made executable: `matches` takes the label's value, `''` when absent. */
export interface AlertMatcher {
  readonly matcher: Matcher;
  readonly matches: (value: string) => boolean;
}

/**
 * Matchers of `matchers:`, of silences and of filters, in both syntaxes: the classic one (`foo="bar", baz=~qux`) wins
 * where it can read the text, else the UTF-8 one (`"a.b"="c"`, unquoted values without reserved characters) does.
 * @throws BelfryError `bad_data` or `regex_invalid`
 */
export function parseMatchers(text: string): Matcher[] {
  let classicError: unknown;
  try {
    return parseClassicMatchers(text).map(checked);
  } catch (error) {
    classicError = error;
  }
  try {
    return parseUtf8Matchers(text).map(checked);
  } catch (error) {
    const utf8 = /["{]/.test(text) && !/^\s*\{?\s*[a-zA-Z_:]/.test(text);
    throw utf8 ? error : classicError;
  }
}

/** Exactly one matcher. @throws BelfryError `bad_data` or `regex_invalid` */
export function parseMatcher(text: string): Matcher {
  const matchers = parseMatchers(text);
  if (matchers.length !== 1) {
    throw new BelfryError('bad_data', `expected 1 matcher, found ${matchers.length}: ${text}`);
  }
  return matchers[0]!;
}

function checked(matcher: Matcher): Matcher {
  if (!isValidName(matcher.name)) throw new BelfryError('bad_data', `invalid label name ${quote(matcher.name)}`);
  compileAlertMatcher(matcher);
  return matcher;
}

function parseClassicMatchers(text: string): Matcher[] {
  const body = text.replace(/^\{/, '').replace(/\}$/, '');
  return splitOutsideQuotes(body).map(parseClassicMatcher);
}

/** Commas outside of double quotes separate; text after the last one counts only when it is not blank. */
function splitOutsideQuotes(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  let escaped = false;
  for (const char of text) {
    if (char === ',' && !quoted) {
      parts.push(part);
      part = '';
      continue;
    }
    if (char === '"' && !escaped) quoted = !quoted;
    escaped = char === '\\' && !escaped;
    part += char;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts;
}

const CLASSIC_MATCHER = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!=|!~|=)\s*([\s\S]*?)\s*$/;

function parseClassicMatcher(text: string): Matcher {
  const match = CLASSIC_MATCHER.exec(text);
  if (!match) throw new BelfryError('bad_data', `bad matcher format: ${text}`);
  const [, name, op, raw] = match as unknown as [string, string, MatchOperator, string];
  return { name, op, value: unquoteClassic(raw) };
}

function unquoteClassic(raw: string): string {
  const fail = () => new BelfryError('bad_data', `matcher value contains unescaped double quote: ${raw}`);
  const quoted = raw.startsWith('"');
  const body = quoted ? raw.slice(1) : raw;
  let value = '';
  let closed = !quoted;
  for (let i = 0; i < body.length; i++) {
    const char = body[i]!;
    if (char === '\\' && i < body.length - 1) {
      const next = body[++i]!;
      value += next === 'n' ? '\n' : next === '"' || next === '\\' ? next : `\\${next}`;
    } else if (char === '"') {
      if (closed || i < body.length - 1) throw fail();
      closed = true;
    } else value += char;
  }
  if (!closed) throw fail();
  return value;
}

/**
 * Executable. Regular expressions are fully anchored and, as in Alertmanager and other than in PromQL, `.` does not
 * match a newline. @throws BelfryError `regex_invalid`
 */
function compileAlertMatcher(matcher: Matcher): AlertMatcher {
  const { op, value } = matcher;
  if (op === '=') return { matcher, matches: (v) => v === value };
  if (op === '!=') return { matcher, matches: (v) => v !== value };
  const pattern = compilePattern(value);
  const test = (v: string) => (v.includes('\n') ? compilePattern(`(?-s:${value})`) : pattern).matches(v);
  return { matcher, matches: op === '=~' ? test : (v) => !test(v) };
}

export function compileAlertMatchers(matchers: readonly Matcher[]): readonly AlertMatcher[] {
  return matchers.map(compileAlertMatcher);
}

export function matchesAll(matchers: readonly AlertMatcher[], labels: Labels): boolean {
  for (const { matcher, matches } of matchers) if (!matches(labelValue(labels, matcher.name))) return false;
  return true;
}

const OPERATOR_ORDER: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];

/** The order in which Alertmanager prints the matchers of a route. */
export function compareMatchers(a: Matcher, b: Matcher): number {
  return (
    compareText(a.name, b.name) ||
    compareText(a.value, b.value) ||
    OPERATOR_ORDER.indexOf(a.op) - OPERATOR_ORDER.indexOf(b.op)
  );
}

const RESERVED = /[\s{}!=~,\\"'`]/;

/** As Alertmanager prints a matcher, in group keys and messages: `job="api"`; the name quoted only where it must be. */
export function formatAlertMatcher(matcher: Matcher): string {
  if (RESERVED.test(matcher.name)) return `${quote(matcher.name)}${matcher.op}${quote(matcher.value)}`;
  const value = matcher.value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
  return `${matcher.name}${matcher.op}"${value}"`;
}

/** `{a="b",c=~"d"}`, in the order given. */
export function formatAlertMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(formatAlertMatcher).join(',')}}`;
}

/** A name that the classic configuration keys `match`, `match_re`, `source_match`… accept. */
export function isClassicName(name: string): boolean {
  return isLegacyLabelName(name);
}
