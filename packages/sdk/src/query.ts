/**
 * Queries: PromQL made of metrics from a catalogue. Composed with functions that cannot be written wrong, or written
 * with the {@link promql} template where no function fits. Label sets are followed in the types: what was aggregated away
 * cannot be grouped by.
 */
import { BelfryError, compilePattern, isLegacyLabelName, quote } from '@belfry/model';
import type {
  AnyHistogram,
  AnyMetric,
  Counter,
  Gauge,
  Histogram,
  Info,
  LabelName,
  LabelSet,
  Metric,
  QueryValue,
} from './catalogue.ts';
import { checkedDuration, type DurationText } from './duration-text.ts';

/** Labels that scraping adds to every series. */
export type TargetLabel = 'job' | 'instance';

/** An expression, and the metrics it asks. `L` is the union of label names its result may carry. */
export interface Query<L extends string = string> {
  readonly kind: 'query';
  /** PromQL. In dashboards it may hold Grafana's `$variables`. */
  readonly text: string;
  readonly metrics: readonly AnyMetric[];
  /** How tightly the outermost operator binds; see {@link BINDING}. */
  readonly binding: number;
  /** Never set: carries the label names through the types. */
  readonly labels?: L;
}

/** How tightly each operator of PromQL binds; functions, selectors and parentheses most. */
export const BINDING = { or: 1, and: 2, comparison: 3, sum: 4, product: 5, power: 6, atom: 7 } as const;

/** The window of `rate` that fits the panel's step and the scrape interval; known only to Grafana. */
export const rateInterval = '$__rate_interval';
export type Window = DurationText | typeof rateInterval | '$__interval' | '$__range';

/** A condition on a label other than equality. */
export interface Condition {
  readonly kind: 'condition';
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** A variable of a dashboard, as queries name it. */
export interface VariableReference {
  readonly kind: 'variable';
  readonly name: string;
}

/** A threshold that an alert and a panel share. */
export interface Limit {
  readonly kind: 'limit';
  readonly value: number;
}

/** Names a threshold once, for the alert's condition and the panel's colours. */
export function limit(value: number): Limit {
  return Object.freeze({ kind: 'limit', value });
}

/** Values that `pattern` matches in full. @throws BelfryError `regex_invalid` */
export function like(pattern: string): Condition {
  compilePattern(pattern);
  return { kind: 'condition', op: '=~', value: pattern };
}

/** Values that `pattern` does not match. @throws BelfryError `regex_invalid` */
export function unlike(pattern: string): Condition {
  compilePattern(pattern);
  return { kind: 'condition', op: '!~', value: pattern };
}

/** Any of these values. */
export function among<const V extends string>(...values: readonly V[]): Condition & { readonly among?: V } {
  return { kind: 'condition', op: '=~', value: values.map(escapePattern).join('|') };
}

/** Any value but this one. */
export function not(value: string): Condition {
  return { kind: 'condition', op: '!=', value };
}

/** What the reader of the dashboard has chosen. */
export function chosen(variable: VariableReference): Condition {
  return { kind: 'condition', op: '=~', value: `$${variable.name}` };
}

/** Conditions on the labels of a metric; plain text means equality. */
export type Where<L extends LabelSet> = {
  readonly [K in LabelName<L>]?: QueryValue<L, K> | Condition;
} & { readonly [K in TargetLabel]?: string | Condition };

type LooseWhere = Readonly<Record<string, string | Condition | undefined>>;

export interface SelectOptions<L extends LabelSet> {
  readonly where?: Where<L> | undefined;
}

export interface WindowOptions<L extends LabelSet> extends SelectOptions<L> {
  /** Default: {@link rateInterval}, which only dashboards understand; rules must name one. */
  readonly window?: Window;
}

/** The current value of a metric's series. */
export function select<L extends LabelSet>(
  metric: Gauge<L> | Counter<L> | Info<L>,
  where?: Where<L>,
): Query<LabelName<L> | TargetLabel> {
  return atom(selector(metric, metric.name, where), [metric]);
}

/** Events a second, per series. */
export function rate<L extends LabelSet>(
  metric: Counter<L>,
  options: WindowOptions<L> = {},
): Query<LabelName<L> | TargetLabel> {
  return overWindow('rate', metric, metric.name, options);
}

/** Events in the window, per series (extrapolated, so not always a whole number). */
export function increase<L extends LabelSet>(
  metric: Counter<L>,
  options: WindowOptions<L> = {},
): Query<LabelName<L> | TargetLabel> {
  return overWindow('increase', metric, metric.name, options);
}

/** Observations a second of a histogram, per series. */
export function observationRate<L extends LabelSet>(
  metric: Histogram<L>,
  options: WindowOptions<L> = {},
): Query<LabelName<L> | TargetLabel> {
  return overWindow('rate', metric, `${metric.name}_count`, options);
}

/** Observations a second up to `bound`, which must be one of the histogram's bucket bounds, per series. */
export function rateWithin<L extends LabelSet>(
  bound: number,
  metric: Histogram<L>,
  { where, window = rateInterval }: WindowOptions<L> = {},
): Query<LabelName<L> | TargetLabel> {
  const within = { ...where, le: boundCondition(bound, metric) } as Where<L>;
  return atom(`rate(${selector(metric, `${metric.name}_bucket`, within)}[${checkedWindow(window)}])`, [metric]);
}

/** Prometheus 3 stores whole bounds as `1.0`, older ones as the service wrote them. */
function boundCondition(bound: number, metric: AnyHistogram): string | Condition {
  if (!metric.buckets.includes(bound)) {
    throw new BelfryError('bad_data', `${metric.name} has no bucket ${bound}; it has ${metric.buckets.join(', ')}`);
  }
  return Number.isInteger(bound) ? among(`${bound}`, `${bound}.0`) : String(bound);
}

function overWindow<L extends LabelSet>(
  func: string,
  metric: Metric<L>,
  name: string,
  { where, window = rateInterval }: WindowOptions<L>,
): Query<LabelName<L> | TargetLabel> {
  return atom(`${func}(${selector(metric, name, where)}[${checkedWindow(window)}])`, [metric]);
}

/** A metric's selector; names the job where several jobs export the metric. */
function selector<L extends LabelSet>(metric: Metric<L>, name: string, where?: Where<L>): string {
  const conditions = { ...(metric.shared ? { job: metric.job } : {}), ...where } as LooseWhere;
  const matchers = formatConditions(conditions);
  return matchers === '' ? name : `${name}{${matchers}}`;
}

function formatConditions(conditions: LooseWhere): string {
  const parts: string[] = [];
  for (const [name, wanted] of Object.entries(conditions)) {
    if (wanted === undefined) continue;
    const condition = typeof wanted === 'string' ? { op: '=', value: wanted } : wanted;
    parts.push(`${isLegacyLabelName(name) ? name : quote(name)}${condition.op}${quote(condition.value)}`);
  }
  return parts.join(', ');
}

function checkedWindow(window: string): string {
  return window.startsWith('$__') ? window : checkedDuration(window, 'window');
}

interface Grouping<L extends string> {
  readonly by?: readonly L[] | undefined;
}

function aggregate(op: string) {
  /** `by` names the labels to keep; without it, one series remains. */
  return <L extends string, const B extends NoInfer<L> = never>(query: Query<L>, by?: readonly B[]): Query<B> =>
    atom(`${op}${grouping(by)}(${query.text})`, query.metrics);
}

function grouping(by: readonly string[] | undefined): string {
  return by && by.length > 0 ? ` by (${by.join(', ')}) ` : '';
}

export const sum = aggregate('sum');
export const average = aggregate('avg');
export const minimum = aggregate('min');
export const maximum = aggregate('max');
export const countSeries = aggregate('count');

/** The `count` greatest series at each step. */
export function topk<L extends string>(count: number, query: Query<L>): Query<L> {
  return atom(`topk(${count}, ${query.text})`, query.metrics);
}

/** Greatest first; has an effect in tables (instant queries) only. */
export function sortDescending<L extends string>(query: Query<L>): Query<L> {
  return atom(`sort_desc(${query.text})`, query.metrics);
}

/** The `q`-quantile (0 to 1) of a histogram's observations in the window, in the metric's unit. */
export function quantile<L extends LabelSet, const B extends LabelName<L> | TargetLabel = never>(
  q: number,
  metric: Histogram<L>,
  { by, where, window = rateInterval }: WindowOptions<L> & Grouping<B> = {},
): Query<B> {
  if (!(q >= 0 && q <= 1)) throw new BelfryError('bad_data', `quantile ${q} of ${metric.name} is not between 0 and 1`);
  const inner = `rate(${selector(metric, `${metric.name}_bucket`, where)}[${checkedWindow(window)}])`;
  return atom(`histogram_quantile(${q}, sum${grouping([...(by ?? []), 'le'])}(${inner}))`, [metric]);
}

/** The mean of a histogram's observations in the window, in the metric's unit; nothing where none was observed. */
export function mean<L extends LabelSet, const B extends LabelName<L> | TargetLabel = never>(
  metric: Histogram<L>,
  { by, where, window = rateInterval }: WindowOptions<L> & Grouping<B> = {},
): Query<B> {
  const part = (suffix: string) =>
    `sum${grouping(by)}(rate(${selector(metric, metric.name + suffix, where)}[${checkedWindow(window)}]))`;
  return {
    kind: 'query',
    text: `${part('_sum')} / (${part('_count')} > 0)`,
    metrics: [metric],
    binding: BINDING.product,
  };
}

/** The share (0 to 1) of a histogram's observations up to `bound`, which must be one of its bucket bounds. */
export function shareWithin<L extends LabelSet, const B extends LabelName<L> | TargetLabel = never>(
  bound: number,
  metric: Histogram<L>,
  { by, where, window = rateInterval }: WindowOptions<L> & Grouping<B> = {},
): Query<B> {
  const w = checkedWindow(window);
  const within = `sum${grouping(by)}(${rateWithin(bound, metric, { where, window }).text})`;
  const all = `sum${grouping(by)}(rate(${selector(metric, `${metric.name}_count`, where)}[${w}]))`;
  return { kind: 'query', text: `${within} / (${all} > 0)`, metrics: [metric], binding: BINDING.product };
}

/**
 * The share (0 to 1) of `part` in `whole`, counted in the same window. Nothing where nothing happened (0/0 would be NaN),
 * and never above 1, which two counters read at slightly different moments can give.
 */
export function ratio<
  P extends LabelSet,
  W extends LabelSet,
  const B extends (LabelName<P> & LabelName<W>) | TargetLabel = never,
>(
  part: Counter<P>,
  whole: Counter<W>,
  options: Grouping<B> & {
    readonly window?: Window;
    /** Conditions on both. */
    readonly where?: (Where<P> & Where<W>) | undefined;
    /** Further conditions on `part` alone. */
    readonly wherePart?: Where<P> | undefined;
  } = {},
): Query<B> {
  const { by, window = rateInterval, where, wherePart } = options;
  const numerator = sum(rate(part, { window, where: { ...where, ...wherePart } as Where<P> }), by as readonly never[]);
  const denominator = sum(rate(whole, { window, where: where as Where<W> | undefined }), by as readonly never[]);
  return clampMax(shareOf(numerator, denominator), 1) as Query<B>;
}

/** `part / whole`, nothing where `whole` is 0. */
export function shareOf<L extends string>(part: Query<L>, whole: Query<L>): Query<L> {
  return {
    kind: 'query',
    text: `${wrap(part, BINDING.product)} / (${wrap(whole, BINDING.sum)} > 0)`,
    metrics: [...part.metrics, ...whole.metrics],
    binding: BINDING.product,
  };
}

export function clampMax<L extends string>(query: Query<L>, most: number): Query<L> {
  return atom(`clamp_max(${query.text}, ${most})`, query.metrics);
}

export function clampMin<L extends string>(query: Query<L>, least: number): Query<L> {
  return atom(`clamp_min(${query.text}, ${least})`, query.metrics);
}

/** `query * factor`. */
export function scale<L extends string>(query: Query<L>, factor: number): Query<L> {
  return {
    kind: 'query',
    text: `${wrap(query, BINDING.product)} * ${factor}`,
    metrics: query.metrics,
    binding: BINDING.product,
  };
}

type Comparison = '>' | '>=' | '<' | '<=' | '==' | '!=';

function compare(op: Comparison) {
  /** Keeps the series for which it holds, with their values. */
  return <L extends string>(query: Query<L>, to: number | Limit): Query<L> => {
    const bound = typeof to === 'number' ? to : to.value;
    return {
      kind: 'query',
      text: `${wrap(query, BINDING.sum)} ${op} ${bound}`,
      metrics: query.metrics,
      binding: BINDING.comparison,
    };
  };
}

export const above = compare('>');
export const atLeast = compare('>=');
export const below = compare('<');
export const atMost = compare('<=');
export const equals = compare('==');
export const differs = compare('!=');

function combine(word: 'or' | 'and' | 'unless' | '+' | '-', binding: number) {
  return <L extends string>(...queries: readonly [Query<L>, ...Query<L>[]]): Query<L> => {
    // The first operand needs parentheses only when it binds less tightly; the others also when it binds the same.
    const texts = queries.map((q, i) => wrap(q, i === 0 ? binding : binding + 1));
    const glue = BINDING.sum > binding ? `\n${word} ` : ` ${word} `;
    return queries.length === 1
      ? queries[0]
      : { kind: 'query', text: texts.join(glue), metrics: queries.flatMap((q) => q.metrics), binding };
  };
}

/** Series of the first, and those of the others that the ones before do not have. */
export const or = combine('or', BINDING.or);
/** Series of the first that the others have too. */
export const and = combine('and', BINDING.and);
export const unless = combine('unless', BINDING.and);
export const plus = combine('+', BINDING.sum);
export const minus = combine('-', BINDING.sum);

/** What may stand in a hole of {@link promql}. */
export type Hole = AnyMetric | Query | Condition | VariableReference | Limit | DurationText | Window | number;

/**
 * PromQL as text, with holes: a metric (its name; its job where it is shared), a query (in parentheses where needed), a
 * duration, a number or limit, a variable (`$name`), or a condition (`label${like('a.*')}`). Indentation is removed.
 * @throws BelfryError `bad_data` for a hole with other text
 */
export function promql<L extends string = string>(strings: TemplateStringsArray, ...holes: readonly Hole[]): Query<L> {
  let text = strings[0]!;
  const metrics: AnyMetric[] = [];
  holes.forEach((hole, i) => {
    let rest = strings[i + 1]!;
    if (typeof hole === 'object' && 'job' in hole) {
      metrics.push(hole);
      const scoped = scopeMetric(hole, rest);
      text += scoped.text;
      rest = scoped.rest;
    } else {
      if (typeof hole === 'object' && hole.kind === 'query') metrics.push(...hole.metrics);
      text += formatHole(hole);
    }
    text += rest;
  });
  return { kind: 'query', text: dedent(text), metrics, binding: BINDING.or };
}

/** Puts `job="…"` of a shared metric into the braces that follow it, making some where there are none. */
function scopeMetric(metric: AnyMetric, rest: string): { text: string; rest: string } {
  if (!metric.shared) return { text: metric.name, rest };
  const [, suffix = '', brace = ''] = /^(_bucket|_sum|_count)?(\{)?/.exec(rest)!;
  const job = `job=${quote(metric.job)}`;
  const after = rest.slice(suffix.length + brace.length);
  const named = /^[^}"]*\bjob\s*[=!]/.test(after);
  if (brace === '') return { text: `${metric.name}${suffix}{${job}}`, rest: after };
  if (named) return { text: metric.name, rest };
  return { text: `${metric.name}${suffix}{${job}${/^\s*\}/.test(after) ? '' : ', '}`, rest: after };
}

function formatHole(hole: Exclude<Hole, AnyMetric>): string {
  if (typeof hole === 'number') return String(hole);
  if (typeof hole === 'string') return checkedWindow(hole);
  switch (hole.kind) {
    case 'query':
      return wrap(hole, BINDING.atom);
    case 'condition':
      return `${hole.op}${quote(hole.value)}`;
    case 'variable':
      return `$${hole.name}`;
    case 'limit':
      return String(hole.value);
  }
}

/** The labels that scraping itself reports for every target of a job: 1 when it answers. */
export function up(...jobs: readonly string[]): Query<TargetLabel> {
  const wanted = jobs.length === 1 ? jobs[0] : among(...jobs);
  return atom(`up{${formatConditions({ job: wanted })}}`, []);
}

function atom<L extends string>(text: string, metrics: readonly AnyMetric[]): Query<L> {
  return { kind: 'query', text, metrics, binding: BINDING.atom };
}

function wrap(query: Query, least: number): string {
  return query.binding >= least ? query.text : `(${query.text})`;
}

function escapePattern(value: string): string {
  return value.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}

function dedent(text: string): string {
  const lines = text
    .replace(/^\s*\n/, '')
    .trimEnd()
    .split('\n');
  const indents = lines.filter((l) => l.trim() !== '').map((l) => /^ */.exec(l)![0].length);
  const least = Math.min(...indents);
  return lines.map((l) => l.slice(least)).join('\n');
}
