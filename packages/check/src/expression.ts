import { BelfryError } from '@belfry/model';
import { type Expr, PROMQL_FEATURES, parseExpr, type Span } from '@belfry/promql';
import { decoded, type Place, placeIn, type Snippet } from './source.ts';

/** What an expression is asked for. */
export type Use = 'alert' | 'recording' | 'panel' | 'variable' | 'indicator' | 'prose' | 'annotation';

/** A PromQL expression somewhere in a file. */
export interface Expression {
  readonly kind: 'expression';
  readonly use: Use;
  /** What is parsed: dashboard variables are stood in for. Spans of the tree are offsets into it. */
  readonly snippet: Snippet;
  readonly ast: Expr | undefined;
  readonly fault: BelfryError | undefined;
  /** Names of the dashboard's variables in it. */
  readonly variables: readonly string[];
  /** Durations that stand for a variable of Grafana: offsets into the snippet. */
  readonly intervals: ReadonlyMap<number, string>;
}

/** What stands for a variable inside of a text or as a name. */
export const VARIABLE_MARK = 'belfryvar_';

export function hasVariable(text: string): boolean {
  return text.includes(VARIABLE_MARK);
}

export function placeOfSpan(expression: Expression, span: Span): Place {
  return placeIn(expression.snippet, span.start, span.end);
}

/** The text of a part, as it was written but for variables. */
export function textOfSpan(expression: Expression, span: Span): string {
  return expression.snippet.text.slice(span.start, span.end);
}

type Parsed = { readonly ast: Expr } | { readonly fault: BelfryError };

/** Parses each text once. */
export interface ExpressionReader {
  read(snippet: Snippet, use: Use, dashboard?: boolean): Expression;
}

export function expressionReader(): ExpressionReader {
  const cache = new Map<string, Parsed>();
  const parse = (text: string): Parsed => {
    const known = cache.get(text);
    if (known) return known;
    let parsed: Parsed;
    try {
      parsed = { ast: parseExpr(text, { features: PROMQL_FEATURES }) };
    } catch (error) {
      if (!(error instanceof BelfryError)) throw error;
      parsed = { fault: error };
    }
    cache.set(text, parsed);
    return parsed;
  };
  return {
    read: (snippet, use, dashboard = false) => {
      const { text } = snippet;
      if (!dashboard || !/[$[]/.test(text)) return finish(snippet, use, parse(text), NONE);
      let last: Expression | undefined;
      for (const standIn of ['name', 'number'] as const) {
        const filled = fillVariables(snippet, standIn);
        const parsed = parse(filled.snippet.text);
        const made = finish(filled.snippet, use, parsed, filled);
        if ('ast' in parsed) return made;
        // Where a variable may stand for any part of the language, a fault may be none.
        last = filled.names > 0 ? { ...made, fault: undefined } : made;
      }
      return last!;
    },
  };
}

interface Filled {
  readonly snippet: Snippet;
  readonly variables: readonly string[];
  readonly intervals: ReadonlyMap<number, string>;
  /** How many variables stand where PromQL has a name or number. */
  readonly names: number;
}

const NONE: Omit<Filled, 'snippet'> = { variables: [], intervals: new Map(), names: 0 };

function finish(snippet: Snippet, use: Use, parsed: Parsed, filled: Omit<Filled, 'snippet'>): Expression {
  return {
    kind: 'expression',
    use,
    snippet,
    ast: 'ast' in parsed ? parsed.ast : undefined,
    fault: 'fault' in parsed ? parsed.fault : undefined,
    variables: filled.variables,
    intervals: filled.intervals,
  };
}

/** Durations that Grafana fills in; typical values. */
const INTERVALS: Readonly<Record<string, string>> = {
  __rate_interval: '4m',
  __interval: '1m',
  __range: '1h',
  __auto_interval: '1m',
};
const NUMBERS: Readonly<Record<string, string>> = {
  __range_s: '3600',
  __range_ms: '3600000',
  __interval_ms: '60000',
  __rate_interval_ms: '240000',
  __from: '0',
  __to: '3600000',
};
const VARIABLE = /\$(\w+)|\$\{(\w+)(?:\.[^}:]*)?(?::[^}]*)?\}|\[\[(\w+)(?::\w+)?\]\]/y;

/** The variables of Grafana replaced by something that PromQL can read, of which the places are known. */
function fillVariables(outer: Snippet, standIn: 'name' | 'number'): Filled {
  const { text } = outer;
  let out = '';
  const runs: { from: number; at: number; still?: boolean }[] = [{ from: 0, at: 0 }];
  const variables: string[] = [];
  const intervals = new Map<number, string>();
  let names = 0;
  let quote = '';
  for (let i = 0; i < text.length; ) {
    const c = text[i]!;
    VARIABLE.lastIndex = i;
    const match = c === '$' || c === '[' ? VARIABLE.exec(text) : null;
    if (!match) {
      if (c === '\\' && quote && quote !== '`') out += text[i++];
      else if (quote ? c === quote : `"'\``.includes(c)) quote = quote ? '' : c;
      out += text[i++] ?? '';
      continue;
    }
    const name = match[1] ?? match[2] ?? match[3]!;
    let value: string;
    if (quote) value = VARIABLE_MARK + name;
    else if (INTERVALS[name]) {
      value = INTERVALS[name];
      intervals.set(out.length, name);
    } else if (NUMBERS[name]) value = /[[:]\s*$|\boffset\s+$/.test(out) ? '1h' : NUMBERS[name];
    else if (/[[:]\s*$|\boffset\s+$/.test(out)) {
      value = '5m';
      intervals.set(out.length, name);
    } else {
      value = standIn === 'name' ? VARIABLE_MARK + name : '1';
      names++;
    }
    if (!name.startsWith('__')) variables.push(name);
    runs.push({ from: out.length, at: i, still: true });
    out += value;
    i += match[0].length;
    runs.push({ from: out.length, at: i });
  }
  return { snippet: decoded(outer, out, runs), variables, intervals, names };
}
