/** Template variables: their options, and which of them are chosen. */
import { parseSpan, spanText } from '../format/time-range.ts';
import { isAll, type VariableValue } from './interpolate.ts';
import { ALL, type Variable, type VariableOption } from './model.ts';

/** What a query variable asks the server. */
export type VariableQuery =
  | { readonly kind: 'label_names'; readonly match: string }
  | { readonly kind: 'label_values'; readonly label: string; readonly match: string }
  | { readonly kind: 'metrics'; readonly pattern: string }
  | { readonly kind: 'query_result'; readonly expr: string }
  | { readonly kind: 'series'; readonly match: string };

const LABEL_VALUES = /^\s*label_values\(\s*(?:([\s\S]+),\s*)?([a-zA-Z_][\w:.]*)\s*\)\s*$/;
const CALL = /^\s*(label_names|metrics|query_result)\(([\s\S]*)\)\s*$/;

/** Reads `label_values(metric, label)`, `label_names()`, `metrics(re)`, `query_result(expr)` or a bare selector. */
export function parseVariableQuery(query: string): VariableQuery {
  const values = LABEL_VALUES.exec(query);
  if (values) return { kind: 'label_values', label: values[2]!, match: values[1]?.trim() ?? '' };
  const call = CALL.exec(query);
  const inner = call?.[2]?.trim() ?? '';
  if (call?.[1] === 'label_names') return { kind: 'label_names', match: inner };
  if (call?.[1] === 'metrics') return { kind: 'metrics', pattern: inner };
  if (call?.[1] === 'query_result') return { kind: 'query_result', expr: inner };
  return { kind: 'series', match: query.trim() };
}

/** Options of variables that need no server; undefined for query variables. */
export function staticOptions(variable: Variable): readonly VariableOption[] | undefined {
  switch (variable.type) {
    case 'custom':
      return customOptions(variable.query);
    case 'interval':
      return customOptions(variable.query).map(({ value }) =>
        value.startsWith('$__auto') ? { text: 'auto', value } : { text: value, value },
      );
    case 'constant':
    case 'textbox': {
      const value = variable.type === 'constant' ? variable.query : (variable.current[0] ?? variable.query);
      return [{ text: value, value }];
    }
    case 'datasource':
      return [{ text: 'Belfry', value: 'belfry' }];
    case 'query':
      return undefined;
    default:
      return variable.options;
  }
}

/** `a, b, Name : value, with\, comma`. */
function customOptions(query: string): readonly VariableOption[] {
  return (query.match(/(?:\\,|[^,])+/g) ?? []).map((part) => {
    const text = part.trim().replaceAll('\\,', ',');
    const named = /^\s*(.+)\s:\s(.+)$/.exec(text);
    return named ? { text: named[1]!.trim(), value: named[2]!.trim() } : { text, value: text };
  });
}

/** Options of a query variable from the answer's texts: filtered and cut by its regex, once each, in its order. */
export function queryOptions(answers: readonly string[], variable: Variable): readonly VariableOption[] {
  const regex = toRegExp(variable.regex);
  const options = new Map<string, VariableOption>();
  for (const answer of answers) {
    const option = regex ? cut(answer, regex) : { text: answer, value: answer };
    if (option && !options.has(option.value)) options.set(option.value, option);
  }
  return sortOptions([...options.values()], variable.sort);
}

function toRegExp(text: string): RegExp | undefined {
  if (text.trim() === '') return undefined;
  const literal = /^\/(.*)\/([gimsuy]*)$/s.exec(text);
  try {
    return literal ? new RegExp(literal[1]!, literal[2]!.replace('g', '')) : new RegExp(`^${text}$`);
  } catch {
    return undefined;
  }
}

function cut(answer: string, regex: RegExp): VariableOption | undefined {
  const match = regex.exec(answer);
  if (!match) return undefined;
  const { text, value } = match.groups ?? {};
  if (text !== undefined || value !== undefined) return { text: (text ?? value)!, value: (value ?? text)! };
  const found = match[1] ?? match[0];
  return { text: found, value: found };
}

/** Grafana's orders: 1/2 alphabetical, 3/4 numerical, 5/6 without case, 7/8 natural; even numbers descend. */
function sortOptions(options: readonly VariableOption[], sort: number): readonly VariableOption[] {
  if (sort === 0) return options;
  const number = (o: VariableOption) => Number(/(\d+)/.exec(o.text)?.[1] ?? -1);
  const compare = (a: VariableOption, b: VariableOption): number => {
    if (sort <= 2) return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
    if (sort <= 4) return number(a) - number(b);
    return a.text.localeCompare(b.text, 'en', { sensitivity: 'base', numeric: sort >= 7 });
  };
  const sorted = options.toSorted(compare);
  return sort % 2 === 0 ? sorted.reverse() : sorted;
}

export interface ChosenVariable extends VariableValue {
  readonly options: readonly VariableOption[];
  /** As the URL has it: option values, or `$__all`. */
  readonly selected: readonly string[];
}

/**
 * The value of a variable: from the URL, else from the file, else the first option. Values that are no option any more
 * are dropped, unless they came with the URL, where someone meant them.
 */
export function chooseValue(
  variable: Variable,
  options: readonly VariableOption[],
  fromUrl: readonly string[],
  loaded: boolean,
): ChosenVariable {
  const selected = selectedValues(variable, options, fromUrl, loaded);
  const all = variable.includeAll && isAll(selected);
  const chosen = all ? options : selected.map((v) => options.find((o) => o.value === v) ?? { text: v, value: v });
  return {
    variable,
    options,
    selected: all ? [ALL] : selected,
    all,
    values: chosen.map((o) => o.value),
    texts: all ? ['All'] : chosen.map((o) => o.text),
  };
}

function selectedValues(
  variable: Variable,
  options: readonly VariableOption[],
  fromUrl: readonly string[],
  loaded: boolean,
): readonly string[] {
  if (variable.type === 'constant') return [variable.query];
  if (variable.type === 'datasource') return ['belfry'];
  if (fromUrl.length > 0) return variable.multi ? fromUrl : fromUrl.slice(0, 1);
  if (variable.type === 'textbox') return [variable.current[0] ?? variable.query];
  const { current } = variable;
  if (current.length > 0 && (isAll(current) ? variable.includeAll : true)) {
    if (isAll(current)) return [ALL];
    const known = loaded ? current.filter((c) => options.some((o) => o.value === c)) : current;
    if (known.length > 0) return variable.multi ? known : known.slice(0, 1);
  }
  const first = options[0]?.value;
  if (variable.includeAll && (current.length === 0 || first === undefined)) return [ALL];
  return first === undefined ? [] : [first];
}

/** `$__auto_interval_…` of interval variables: the range in about 30 steps, at least 10 s. */
export function autoInterval(spanMs: number): string {
  const wanted = Math.max(spanMs / 30, 10_000);
  const choice = ['10s', '30s', '1m', '2m', '5m', '10m', '30m', '1h', '2h', '6h', '12h', '1d', '7d'];
  return choice.find((c) => (parseSpan(c) ?? 0) >= wanted) ?? spanText(Math.round(wanted / 1000) * 1000);
}

/** Text values of an instant query's answer for `query_result`: `metric{label="v"} value timestamp`. */
export function queryResultText(labels: Readonly<Record<string, string>>, value: string, seconds: number): string {
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([k, v]) => `${k}="${v}"`);
  return `${name}{${pairs.join(',')}} ${value} ${seconds * 1000}`;
}
