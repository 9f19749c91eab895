/** Functions that look at labels only. */
import { compareLabels, isValidName, type Labels, labelsWith, labelValue, METRIC_NAME } from '@belfry/model';
import { RE2JS } from 're2js';
import type { Columns } from './columns.ts';
import { executionError, selectRows } from './columns-rows.ts';

/** Text that is not UTF-8 reaches us with U+FFFD in the place of what was wrong; no label is named so. */
export function isLabelName(name: string): boolean {
  return isValidName(name) && !name.includes('\ufffd');
}

export function labelReplace(
  columns: Columns,
  target: string,
  replacement: string,
  source: string,
  pattern: string,
): Columns {
  const regex = compile(pattern);
  if (!isLabelName(target)) throw executionError(`invalid destination label name in label_replace(): ${target}`);
  const cache = new Map<string, string | undefined>();
  const replaced = (value: string): string | undefined => {
    if (cache.has(value)) return cache.get(value);
    const match = regex.matcher(value);
    const result = match.matches() ? expand(replacement, match, regex) : undefined;
    cache.set(value, result);
    return result;
  };
  return relabelled(columns, target, (labels) => replaced(labelValue(labels, source)));
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch {
    throw executionError(`invalid regular expression in label_replace(): ${pattern}`);
  }
}

interface Match {
  groupCount(): number;
  group(index: number): string | null;
}

/** Go's template of `Regexp.Expand`: `$1`, `$name`, `${name}`, `$$`. Groups that are not there are empty. */
function expand(template: string, match: Match, regex: RE2JS): string {
  const names = regex.namedGroups() as Record<string, number>;
  return template.replace(
    /\$(?:\$|\{(\w+)\}|(\w+))/g,
    (whole, braced: string | undefined, bare: string | undefined) => {
      if (whole === '$$') return '$';
      const name = braced ?? bare!;
      const index = /^\d+$/.test(name) ? Number(name) : names[name];
      if (index === undefined || index > match.groupCount()) return '';
      return match.group(index) ?? '';
    },
  );
}

export function labelJoin(columns: Columns, target: string, separator: string, sources: readonly string[]): Columns {
  for (const source of sources) {
    if (!isLabelName(source)) throw executionError(`invalid source label name in label_join(): ${source}`);
  }
  if (!isLabelName(target)) throw executionError(`invalid destination label name in label_join(): ${target}`);
  return relabelled(columns, target, (labels) => sources.map((s) => labelValue(labels, s)).join(separator));
}

/** Sets `target` in every row to what `value` makes, or leaves the row. A name that is set anew stays. */
function relabelled(columns: Columns, target: string, value: (labels: Labels) => string | undefined): Columns {
  const dropName = columns.dropName?.slice();
  const labels = columns.labels.map((l, row) => {
    const v = value(l);
    if (v === undefined) return l;
    if (dropName && target === METRIC_NAME) dropName[row] = 0;
    return labelsWith(l, target, v);
  });
  return { ...columns, labels, ...(dropName ? { dropName } : {}) };
}

export function sortByLabel(columns: Columns, names: readonly string[], descending: boolean): Columns {
  const sign = descending ? -1 : 1;
  const rows = columns.labels.map((_l, row) => row);
  rows.sort((a, b) => {
    const x = columns.labels[a]!;
    const y = columns.labels[b]!;
    for (const name of names) {
      const c = compareNaturally(labelValue(x, name), labelValue(y, name));
      if (c !== 0) return sign * c;
    }
    return sign * compareLabels(x, y);
  });
  return selectRows(columns, rows);
}

const CHUNKS = /\d+|\D+/g;

/** Runs of digits compare as numbers, the rest as text. */
export function compareNaturally(a: string, b: string): number {
  if (a === b) return 0;
  const x = a.match(CHUNKS) ?? [];
  const y = b.match(CHUNKS) ?? [];
  for (let i = 0; i < x.length; i++) {
    if (i >= y.length) return 1;
    const p = x[i]!;
    const q = y[i]!;
    if (p === q) continue;
    const digits = /^\d/.test(p) && /^\d/.test(q);
    if (digits && Number(p) !== Number(q)) return Number(p) < Number(q) ? -1 : 1;
    if (digits) return p.length === q.length ? (p < q ? -1 : 1) : p.length < q.length ? -1 : 1;
    return p < q ? -1 : 1;
  }
  return -1;
}
