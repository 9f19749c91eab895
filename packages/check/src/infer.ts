import { compileMatcher, type Matcher } from '@belfry/model';
import { type Aggregation, type Binary, type Call, type Expr, metricNameOf, type VectorSelector } from '@belfry/promql';
import type { Catalogue, Found } from './catalogue.ts';
import { hasVariable } from './expression.ts';

/**
 * What is known of the labels of an expression's series. `present`: on every series. `possible`: on some, perhaps. Closed:
 * no others. Open: any other but the `absent` ones. The name of the metric is left out.
 */
export interface LabelSet {
  readonly open: boolean;
  readonly present: ReadonlySet<string>;
  readonly possible: ReadonlySet<string>;
  readonly absent: ReadonlySet<string>;
  /** Whether an aggregation or a matching closed it, rather than what a catalogue says. */
  readonly narrowed: boolean;
}

const NOTHING: ReadonlySet<string> = new Set();
export const NO_LABELS: LabelSet = {
  open: false,
  present: NOTHING,
  possible: NOTHING,
  absent: NOTHING,
  narrowed: true,
};
const ANY: LabelSet = { open: true, present: NOTHING, possible: NOTHING, absent: NOTHING, narrowed: false };

/** Labels that targets get from discovery, in the ways that are usual. */
export const TARGET_LABELS: readonly string[] = [
  'job',
  'instance',
  ...'namespace pod container service endpoint node cluster region zone environment env host app'.split(' '),
  ...'prometheus prometheus_replica replica tenant team stage dc datacenter'.split(' '),
];

export function isAbsent(set: LabelSet, label: string): boolean {
  return !set.possible.has(label) && !set.present.has(label) && (!set.open || set.absent.has(label));
}

export interface Inference {
  labelsOf(expr: Expr): LabelSet;
  found(selector: VectorSelector): Found | undefined;
}

/** Inference over trees, remembered by node. `targetLabels`: what targets may carry beside the usual. */
export function createInference(catalogue: Catalogue, targetLabels: Iterable<string>): Inference {
  const cache = new WeakMap<Expr, LabelSet>();
  const extra = new Set([...TARGET_LABELS, ...targetLabels]);
  const found = (selector: VectorSelector) => {
    const name = metricNameOf(selector);
    return name === undefined ? undefined : catalogue.find(name);
  };
  const labelsOf = (expr: Expr): LabelSet => {
    let known = cache.get(expr);
    if (!known) {
      known = infer(expr, labelsOf, (s) => selectorLabels(s, found(s), extra));
      cache.set(expr, known);
    }
    return known;
  };
  return { labelsOf, found };
}

type Ask = (expr: Expr) => LabelSet;

function infer(expr: Expr, ask: Ask, select: (s: VectorSelector) => LabelSet): LabelSet {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return NO_LABELS;
    case 'paren':
    case 'unary':
    case 'subquery':
      return ask(expr.expr);
    case 'selector':
      return select(expr);
    case 'range':
      return select(expr.selector);
    case 'aggregation':
      return aggregated(expr, ask(expr.expr));
    case 'call':
      return called(expr, ask);
    case 'binary':
      return joined(expr, ask);
  }
}

function selectorLabels(selector: VectorSelector, found: Found | undefined, extra: ReadonlySet<string>): LabelSet {
  const present = new Set<string>();
  const possible = new Set<string>();
  const absent = new Set<string>();
  for (const matcher of selector.matchers) {
    if (matcher.name === '__name__') continue;
    if (matcher.op === '=' && matcher.value === '') absent.add(matcher.name);
    else if (!hasVariable(matcher.value) && !matchesEmpty(matcher)) present.add(matcher.name);
    else possible.add(matcher.name);
  }
  const closed = found?.metric.complete === true;
  if (closed) {
    for (const [label, { always }] of found.metric.labels) {
      possible.add(label);
      if (always && !absent.has(label) && !possiblyEmpty(selector, label)) present.add(label);
    }
    for (const label of extra) possible.add(label);
    if (found.part === 'bucket') present.add('le');
    if (found.part === 'value' && found.metric.type === 'summary') possible.add('quantile');
  }
  for (const label of present) possible.add(label);
  for (const label of absent) possible.delete(label);
  return { open: !closed, present, possible, absent, narrowed: false };
}

/** Whether a matcher asks for series without the label as well: then the author knows of some. */
function possiblyEmpty(selector: VectorSelector, label: string): boolean {
  return selector.matchers.some((m) => m.name === label && !hasVariable(m.value) && matchesEmpty(m) && m.op !== '!=');
}

/** Whether a series without the label is selected; a pattern that is none selects nothing, so says nothing. */
export function matchesEmpty(matcher: Matcher): boolean {
  try {
    return compileMatcher(matcher).matchesEmpty;
  } catch {
    return true;
  }
}

const KEEPS_SERIES = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio']);

function aggregated(expr: Aggregation, inner: LabelSet): LabelSet {
  if (KEEPS_SERIES.has(expr.op)) return inner;
  const added = expr.op === 'count_values' && expr.param?.kind === 'string' ? [expr.param.value] : [];
  const base = expr.without ? without(inner, expr.grouping) : only(inner, expr.grouping);
  return added.length > 0 ? withLabels(base, added) : base;
}

/** Of `set` only these labels. */
function only(set: LabelSet, labels: readonly string[]): LabelSet {
  const kept = labels.filter((l) => !isAbsent(set, l));
  return {
    open: false,
    present: new Set(kept.filter((l) => set.present.has(l))),
    possible: new Set(kept),
    absent: NOTHING,
    narrowed: true,
  };
}

function without(set: LabelSet, labels: readonly string[]): LabelSet {
  const gone = new Set(labels);
  const keep = (from: ReadonlySet<string>) => new Set([...from].filter((l) => !gone.has(l)));
  const absent = set.open ? new Set([...set.absent, ...labels]) : NOTHING;
  return { ...set, present: keep(set.present), possible: keep(set.possible), absent, narrowed: true };
}

function withLabels(set: LabelSet, labels: readonly string[]): LabelSet {
  const add = (to: ReadonlySet<string>) => new Set([...to, ...labels]);
  const absent = new Set([...set.absent].filter((l) => !labels.includes(l)));
  return { ...set, present: add(set.present), possible: add(set.possible), absent };
}

function maybe(set: LabelSet, labels: readonly string[]): LabelSet {
  const absent = new Set([...set.absent].filter((l) => !labels.includes(l)));
  return { ...set, possible: new Set([...set.possible, ...labels]), absent };
}

function called(expr: Call, ask: Ask): LabelSet {
  switch (expr.func) {
    case 'vector':
    case 'scalar':
    case 'time':
    case 'pi':
      return NO_LABELS;
    case 'absent':
    case 'absent_over_time':
      return absentLabels(expr.args[0]!);
    case 'histogram_quantile':
    case 'histogram_fraction':
      return without(ask(expr.args.at(-1)!), ['le']);
    case 'info':
      return ANY;
    case 'label_replace':
    case 'label_join': {
      const to = expr.args[1];
      const base = ask(expr.args[0]!);
      return to?.kind === 'string' ? maybe(base, [to.value]) : base;
    }
  }
  const vector = expr.args.find((a) => a.kind !== 'number' && a.kind !== 'string');
  return vector ? ask(vector) : NO_LABELS;
}

/** `absent` gives the labels that the selector asks for by equality. */
function absentLabels(arg: Expr): LabelSet {
  const selector = arg.kind === 'range' ? arg.selector : arg;
  if (selector.kind !== 'selector') return NO_LABELS;
  const names = selector.matchers
    .filter((m) => m.op === '=' && m.value !== '' && m.name !== '__name__')
    .map((m) => m.name);
  const labels = new Set(names);
  return { open: false, present: labels, possible: labels, absent: NOTHING, narrowed: true };
}

function joined(expr: Binary, ask: Ask): LabelSet {
  const { matching } = expr;
  const left = ask(expr.left);
  const right = ask(expr.right);
  if (!matching) return isScalar(expr.left) ? right : left;
  if (expr.op === 'and' || expr.op === 'unless') return left;
  if (expr.op === 'or') return either(left, right);
  const { cardinality, include } = matching;
  if (cardinality === 'many-to-one') return maybe(left, include);
  if (cardinality === 'one-to-many') return maybe(right, include);
  if (matching.on) return only(left, matching.labels);
  return matching.labels.length > 0 ? without(left, matching.labels) : both(left, right);
}

/** One to one on all labels: what both may have. */
function both(a: LabelSet, b: LabelSet): LabelSet {
  if (a.open && b.open) return a;
  if (a.open) return { ...b, present: new Set([...a.present, ...b.present].filter((l) => !isAbsent(b, l))) };
  return a;
}

function either(a: LabelSet, b: LabelSet): LabelSet {
  const possible = new Set([...a.possible, ...b.possible, ...a.present, ...b.present]);
  const absent = new Set([...a.absent].filter((l) => isAbsent(b, l)));
  for (const l of b.absent) if (isAbsent(a, l)) absent.add(l);
  return {
    open: a.open || b.open,
    present: new Set([...a.present].filter((l) => b.present.has(l))),
    possible,
    absent,
    narrowed: a.narrowed && b.narrowed,
  };
}

export function isScalar(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return true;
    case 'paren':
    case 'unary':
      return isScalar(expr.expr);
    case 'binary':
      return isScalar(expr.left) && isScalar(expr.right);
    case 'call':
      return /^(?:scalar|time|pi|step|start|end|range|min_of|max_of)$/.test(expr.func);
    default:
      return false;
  }
}
