/** `$name`, `${name:format}` and `[[name]]` in queries, titles and links. */
import type { TimeRange } from '../format/time-range.ts';
import { localDateTime, spanText } from '../format/time-range.ts';
import { ALL, type Variable } from './model.ts';

export interface VariableValue {
  readonly variable: Variable;
  /** The chosen values; every option when all are chosen. */
  readonly values: readonly string[];
  readonly texts: readonly string[];
  readonly all: boolean;
}

export interface Scope {
  readonly variables: ReadonlyMap<string, VariableValue>;
  /** Built-in names without the `$`, such as `__interval`. */
  readonly builtIns: ReadonlyMap<string, string>;
}

export type Target = 'promql' | 'text' | 'url';

const REFERENCE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}/g;

/** The text with each known variable replaced; unknown ones stay as they are written. */
export function interpolate(text: string, scope: Scope, target: Target): string {
  if (!text.includes('$') && !text.includes('[[')) return text;
  return text.replace(REFERENCE, (whole, plain, old, oldFormat, braced, format) => {
    const name: string = plain ?? old ?? braced;
    const how: string | undefined = oldFormat ?? format;
    const builtIn = scope.builtIns.get(name);
    if (builtIn !== undefined) return how === undefined ? builtIn : formatBuiltIn(builtIn, how);
    const value = scope.variables.get(name);
    return value ? formatVariable(value, how, target) : whole;
  });
}

/** Names of the variables that the text mentions. */
export function referencedNames(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(REFERENCE)].map((m) => (m[1] ?? m[2] ?? m[4])!));
}

function formatBuiltIn(value: string, how: string): string {
  const ms = Number(value);
  if (!how.startsWith('date') || Number.isNaN(ms)) return value;
  if (how === 'date:seconds') return String(Math.round(ms / 1000));
  if (how === 'date' || how === 'date:iso') return new Date(ms).toISOString();
  return localDateTime(ms);
}

function formatVariable(value: VariableValue, how: string | undefined, target: Target): string {
  const { variable, all } = value;
  const custom = all && variable.allValue !== '';
  if (how === 'text' || (how === undefined && target === 'text')) return all ? 'All' : value.texts.join(' + ');
  // A custom all-value is an expression of its author: never escaped.
  if (custom) return variable.allValue;
  if (how !== undefined) return formatValues(value.values, how, variable.name);
  if (target === 'promql') return promqlValue(value);
  return value.values.map(encodeURIComponent).join(',');
}

/** Without a format: escaped for a matcher; several values become one alternation. */
function promqlValue({ variable, values }: VariableValue): string {
  if (!variable.multi && !variable.includeAll) {
    const raw = values[0] ?? '';
    // These stand for durations, numbers or names outside of quotes as often as inside.
    return variable.type === 'query' ? raw.replaceAll('\\', '\\\\\\\\').replaceAll("'", "\\\\'") : raw;
  }
  const escaped = values.map(escapeInString);
  return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
}

/** For a regular expression that stands inside a PromQL string, so each backslash is written twice. */
function escapeInString(value: string): string {
  return value.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
}

function escapeRegex(value: string): string {
  return value.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
}

function formatValues(values: readonly string[], how: string, name: string): string {
  const quoted = (quote: string) => values.map((v) => quote + v.replaceAll(quote, `\\${quote}`) + quote).join(',');
  switch (how) {
    case 'regex': {
      const escaped = values.map(escapeRegex);
      return escaped.length === 1 ? escaped[0]! : `(${escaped.join('|')})`;
    }
    case 'pipe':
      return values.join('|');
    case 'json':
      return JSON.stringify(values.length === 1 ? values[0] : values);
    case 'glob':
      return values.length === 1 ? values[0]! : `{${values.join(',')}}`;
    case 'singlequote':
      return quoted("'");
    case 'doublequote':
      return quoted('"');
    case 'sqlstring':
      return values.map((v) => `'${v.replaceAll("'", "''")}'`).join(',');
    case 'percentencode':
      return encodeURIComponent(values.length === 1 ? values[0]! : `{${values.join(',')}}`);
    case 'queryparam':
      return values.map((v) => `var-${name}=${encodeURIComponent(v)}`).join('&');
    case 'distributed':
      return values.map((v, i) => (i === 0 ? v : `${name}=${v}`)).join(',');
    case 'lucene':
      return values.length === 1 ? values[0]! : `(${values.map((v) => `"${v}"`).join(' OR ')})`;
    default:
      return values.join(',');
  }
}

/** The built-in names of one query. */
export function builtIns(range: TimeRange, stepMs: number, rateMs: number): ReadonlyMap<string, string> {
  const spanMs = range.toMs - range.fromMs;
  return new Map([
    ['__interval', spanText(stepMs)],
    ['__interval_ms', String(stepMs)],
    ['__rate_interval', spanText(rateMs)],
    ['__rate_interval_ms', String(rateMs)],
    ['__range', `${Math.round(spanMs / 1000)}s`],
    ['__range_s', String(Math.round(spanMs / 1000))],
    ['__range_ms', String(spanMs)],
    ['__from', String(range.fromMs)],
    ['__to', String(range.toMs)],
  ]);
}

/** Whether the values chosen mean every option. */
export function isAll(values: readonly string[]): boolean {
  return values.includes(ALL) || (values.length === 1 && values[0] === 'All');
}
