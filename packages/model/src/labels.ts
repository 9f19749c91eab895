/**
 * A label set: names and values alternating, `[name0, value0, name1, value1, …]`, sorted by name (UTF-16 order of the
 * names, which for the names in use is Prometheus' byte order), each name once, no empty value.
 * Flat, because a store holds hundreds of thousands, and because it crosses worker borders as it is.
 * Build one only with the functions here; then it is immutable and may be shared freely.
 */
export type Labels = readonly string[] & { readonly __labels: unique symbol };

export const METRIC_NAME = '__name__';

const as = (flat: readonly string[]): Labels => flat as Labels;

export const EMPTY_LABELS: Labels = as(Object.freeze([]));

/** Compares as Prometheus sorts label names and values: by UTF-8 bytes. Equal to UTF-16 order but for astral characters. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x !== y) {
      // A surrogate stands for a code point above every code unit from U+E000 on.
      if (x >= 0xd800 && y >= 0xd800) {
        if (x < 0xe000) x += 0x2000;
        if (y < 0xe000) y += 0x2000;
      }
      return x - y;
    }
  }
  return a.length - b.length;
}

/** From an object or entries in any order. Empty values are left out; of a name given twice the last counts. */
export function labelsFrom(source: Readonly<Record<string, string>> | Iterable<readonly [string, string]>): Labels {
  const entries = Symbol.iterator in source ? new Map(source as Iterable<readonly [string, string]>) : undefined;
  const pairs = (entries ? [...entries] : Object.entries(source as Record<string, string>)).filter(([, v]) => v !== '');
  pairs.sort((a, b) => compareText(a[0], b[0]));
  return as(pairs.flat());
}

/** Trusts that `flat` is sorted, without doubles and without empty values: for parsers and stores that know. */
export function labelsFromSorted(flat: readonly string[]): Labels {
  return as(flat);
}

/** The value of `name`, or `''` when absent: in this data model absent and empty are the same. */
export function labelValue(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!;
  return '';
}

export function metricName(labels: Labels): string {
  return labelValue(labels, METRIC_NAME);
}

/** With `name` set to `value` (removed when `value` is empty). */
export function labelsWith(labels: Labels, name: string, value: string): Labels {
  let i = 0;
  while (i < labels.length && compareText(labels[i]!, name) < 0) i += 2;
  const found = labels[i] === name;
  if (found && labels[i + 1] === value) return labels;
  if (!found && value === '') return labels;
  const flat = labels.slice() as string[];
  if (value === '') flat.splice(i, 2);
  else if (found) flat[i + 1] = value;
  else flat.splice(i, 0, name, value);
  return as(flat);
}

export function labelsWithout(labels: Labels, names: ReadonlySet<string>): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) if (!names.has(labels[i]!)) flat.push(labels[i]!, labels[i + 1]!);
  return flat.length === labels.length ? labels : as(flat);
}

export function labelsKeep(labels: Labels, names: ReadonlySet<string>): Labels {
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) if (names.has(labels[i]!)) flat.push(labels[i]!, labels[i + 1]!);
  return flat.length === labels.length ? labels : as(flat);
}

export function labelsWithoutName(labels: Labels): Labels {
  return labelsWith(labels, METRIC_NAME, '');
}

/** Within Latin-1, so that keys of plain labels take a byte a character. */
const SEPARATOR = '\xff';
/** No well-formed text has it. */
const LONE_SURROGATE = '\ud800';

/** A string equal exactly for equal label sets: the key of maps. Not for showing. */
export function labelsKey(labels: Labels): string {
  for (const text of labels) if (text.includes(SEPARATOR)) return labels.join(LONE_SURROGATE);
  return labels.join(SEPARATOR);
}

export function labelsEqual(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Prometheus' order of series: pair by pair, then by length. */
export function compareLabels(a: Labels, b: Labels): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const c = compareText(a[i]!, b[i]!);
    if (c !== 0) return c;
  }
  return a.length - b.length;
}

export function labelsToObject(labels: Labels): Record<string, string> {
  // Not by assignment: a label may be called `__proto__`.
  return Object.fromEntries(labelPairs(labels));
}

export function* labelPairs(labels: Labels): Generator<[name: string, value: string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i]!, labels[i + 1]!];
}

const LEGACY_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** Valid without quotes, as before UTF-8 names. */
export function isLegacyLabelName(name: string): boolean {
  return LEGACY_LABEL_NAME.test(name);
}

export function isLegacyMetricName(name: string): boolean {
  return LEGACY_METRIC_NAME.test(name);
}

/** Valid in Prometheus 3: any non-empty well-formed Unicode text. */
export function isValidName(name: string): boolean {
  return name !== '' && name.isWellFormed();
}

/** As PromQL and Prometheus' messages write it: `up{job="metald"}`, `{job="metald"}`, `{"a.b", "x y"="1"}`. */
export function formatLabels(labels: Labels): string {
  const name = metricName(labels);
  const parts: string[] = [];
  const plainName = name !== '' && isLegacyMetricName(name);
  if (name !== '' && !plainName) parts.push(quote(name));
  for (const [n, v] of labelPairs(labels)) {
    if (n === METRIC_NAME) continue;
    parts.push(`${isLegacyLabelName(n) ? n : quote(n)}=${quote(v)}`);
  }
  if (plainName) return parts.length === 0 ? name : `${name}{${parts.join(', ')}}`;
  return `{${parts.join(', ')}}`;
}

/** Go's `%q`: double quotes, backslash escapes, printable Unicode as it is. */
export function quote(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (char === '\n') out += '\\n';
    else if (char === '\t') out += '\\t';
    else if (char === '\r') out += '\\r';
    else if (code === 7) out += '\\a';
    else if (code === 8) out += '\\b';
    else if (code === 11) out += '\\v';
    else if (code === 12) out += '\\f';
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += char;
  }
  return `${out}"`;
}
