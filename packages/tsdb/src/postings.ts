import type { CompiledMatcher, Labels } from '@belfry/model';

/** Ascending numbers of series. The first `count` elements count. */
interface PostingList {
  slots: Uint32Array;
  count: number;
}

/** A label value of one series needs no list: the number itself. */
type Posting = number | PostingList;

interface NamePostings {
  readonly name: string;
  readonly values: Map<string, Posting>;
}

/**
 * The inverted index of the head: label name → value → series. A series is known by its slot in the head's table.
 * Strings of labels are kept once: {@link intern} gives those that are kept.
 */
export interface Postings {
  readonly names: Map<string, NamePostings>;
  /** All slots in use. */
  readonly all: PostingList;
  /** The labels of every slot. */
  readonly labels: Labels[];
  /** Distinct name–value pairs. */
  pairs: number;
}

export function newPostings(labels: Labels[]): Postings {
  return { names: new Map(), all: { slots: new Uint32Array(1024), count: 0 }, labels, pairs: 0 };
}

/**
 * The same labels in strings that the index already holds, or that at least hold nothing else alive: what parsers give are
 * often slices of whole request bodies.
 */
export function intern(p: Postings, labels: Labels): Labels {
  const flat = new Array<string>(labels.length);
  for (let i = 0; i < labels.length; i += 2) {
    const known = p.names.get(labels[i]);
    flat[i] = known ? known.name : detached(labels[i]);
    const posting = known?.values.get(labels[i + 1]);
    flat[i + 1] = posting === undefined ? detached(labels[i + 1]) : keptValue(p, posting, flat[i]);
  }
  return flat as unknown as Labels;
}

function keptValue(p: Postings, posting: Posting, name: string): string {
  const labels = p.labels[typeof posting === 'number' ? posting : posting.slots[0]];
  let i = 0;
  while (labels[i] !== name) i += 2;
  return labels[i + 1];
}

function detached(text: string): string {
  return Buffer.from(text).toString();
}

/** Enters a slot whose labels are in `p.labels` already. */
export function addPostings(p: Postings, slot: number): void {
  insertSlot(p.all, slot);
  const labels = p.labels[slot];
  for (let i = 0; i < labels.length; i += 2) {
    let entry = p.names.get(labels[i]);
    if (!entry) {
      entry = { name: labels[i], values: new Map() };
      p.names.set(labels[i], entry);
    }
    const posting = entry.values.get(labels[i + 1]);
    if (posting === undefined) {
      entry.values.set(labels[i + 1], slot);
      p.pairs++;
    } else if (typeof posting === 'number') {
      const slots = new Uint32Array(4);
      slots[0] = Math.min(posting, slot);
      slots[1] = Math.max(posting, slot);
      entry.values.set(labels[i + 1], { slots, count: 2 });
    } else {
      insertSlot(posting, slot);
    }
  }
}

function insertSlot(list: PostingList, slot: number): void {
  if (list.count === list.slots.length) {
    const next = new Uint32Array(Math.ceil(list.count * 1.5) + 4);
    next.set(list.slots);
    list.slots = next;
  }
  let at = list.count;
  if (at > 0 && list.slots[at - 1] > slot) {
    at = lowerBound(list.slots, list.count, slot);
    list.slots.copyWithin(at + 1, at, list.count);
  }
  list.slots[at] = slot;
  list.count++;
}

function lowerBound(slots: Uint32Array, count: number, slot: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (slots[middle] < slot) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Takes slots out, all at once. Their labels must still be in `p.labels`. */
export function removePostings(p: Postings, gone: ReadonlySet<number>): void {
  const touched = new Map<string, Set<string>>();
  for (const slot of gone) {
    const labels = p.labels[slot];
    for (let i = 0; i < labels.length; i += 2) {
      const values = touched.get(labels[i]);
      if (values) values.add(labels[i + 1]);
      else touched.set(labels[i], new Set([labels[i + 1]]));
    }
  }
  for (const [name, values] of touched) {
    const entry = p.names.get(name)!;
    for (const value of values) removeFrom(p, entry, value, gone);
    if (entry.values.size === 0) p.names.delete(name);
  }
  keepOthers(p.all, gone);
}

function removeFrom(p: Postings, entry: NamePostings, value: string, gone: ReadonlySet<number>): void {
  const posting = entry.values.get(value);
  if (posting === undefined) return;
  if (typeof posting !== 'number') {
    keepOthers(posting, gone);
    if (posting.count > 1) return;
    if (posting.count === 1) {
      entry.values.set(value, posting.slots[0]);
      return;
    }
  } else if (!gone.has(posting)) return;
  entry.values.delete(value);
  p.pairs--;
}

function keepOthers(list: PostingList, gone: ReadonlySet<number>): void {
  let kept = 0;
  for (let i = 0; i < list.count; i++) if (!gone.has(list.slots[i])) list.slots[kept++] = list.slots[i];
  list.count = kept;
}

const EMPTY = new Uint32Array(0);

function slotsOf(posting: Posting | undefined): Uint32Array {
  if (posting === undefined) return EMPTY;
  return typeof posting === 'number' ? Uint32Array.of(posting) : posting.slots.subarray(0, posting.count);
}

/** The slots of one name and value. A view or a copy: not to be written to or kept. */
function postingsOf(p: Postings, name: string, value: string): Uint32Array {
  return slotsOf(p.names.get(name)?.values.get(value));
}

/** A matcher that an index answers well: the few values that match are known. */
export function isExact(m: CompiledMatcher): boolean {
  return m.values !== undefined && !m.matchesEmpty && (m.matcher.op === '=' || m.matcher.op === '=~');
}

/** The slots whose labels satisfy all matchers, ascending. Belongs to the caller. */
export function selectSlots(p: Postings, matchers: readonly CompiledMatcher[]): Uint32Array {
  let candidates: Uint32Array | undefined;
  const filters: CompiledMatcher[] = [];
  const exact: Uint32Array[] = [];
  for (const m of matchers) {
    if (isExact(m)) exact.push(exactSlots(p, m));
    else filters.push(m);
  }
  exact.sort((a, b) => a.length - b.length);
  for (const list of exact) {
    candidates = candidates ? intersect(candidates, list) : list;
    if (candidates.length === 0) return EMPTY;
  }
  if (!candidates) {
    const first = filters.findIndex((m) => !m.matchesEmpty);
    if (first === -1) candidates = p.all.slots.slice(0, p.all.count);
    else candidates = matchingSlots(p, filters.splice(first, 1)[0]);
  }
  return filters.length === 0 ? candidates.slice() : filterSlots(p, candidates, filters);
}

function exactSlots(p: Postings, m: CompiledMatcher): Uint32Array {
  const values = m.values!;
  if (values.length === 1) return postingsOf(p, m.matcher.name, values[0]);
  return union(values.map((v) => postingsOf(p, m.matcher.name, v)));
}

function matchingSlots(p: Postings, m: CompiledMatcher): Uint32Array {
  const entry = p.names.get(m.matcher.name);
  if (!entry) return EMPTY;
  const lists: Uint32Array[] = [];
  for (const [value, posting] of entry.values) if (m.matches(value)) lists.push(slotsOf(posting));
  return union(lists);
}

function filterSlots(p: Postings, candidates: Uint32Array, filters: readonly CompiledMatcher[]): Uint32Array {
  const tests = filters.map(memoized);
  const out = new Uint32Array(candidates.length);
  let n = 0;
  for (let i = 0; i < candidates.length; i++) {
    if (satisfies(p.labels[candidates[i]], tests)) out[n++] = candidates[i];
  }
  return out.slice(0, n);
}

/** A condition on a label, remembering its answers: the same few values come again and again. */
export interface LabelTest {
  readonly name: string;
  readonly test: (value: string) => boolean;
}

const MAX_MEMOIZED_VALUES = 10_000;

export function memoized(m: CompiledMatcher): LabelTest {
  const known = new Map<string, boolean>();
  const test = (value: string) => {
    let answer = known.get(value);
    if (answer === undefined) {
      answer = m.matches(value);
      if (known.size < MAX_MEMOIZED_VALUES) known.set(value, answer);
    }
    return answer;
  };
  return { name: m.matcher.name, test };
}

export function satisfies(labels: Labels, tests: readonly LabelTest[]): boolean {
  for (const { name, test } of tests) {
    let value = '';
    for (let i = 0; i < labels.length; i += 2) {
      if (labels[i] === name) {
        value = labels[i + 1];
        break;
      }
    }
    if (!test(value)) return false;
  }
  return true;
}

/** The numbers in both of two ascending lists. */
export function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length > b.length) return intersect(b, a);
  const out = new Uint32Array(a.length);
  let n = 0;
  let j = 0;
  const wide = b.length > a.length * 16;
  for (let i = 0; i < a.length && j < b.length; i++) {
    const x = a[i];
    if (wide) j = gallop(b, j, x);
    else while (j < b.length && b[j] < x) j++;
    if (j < b.length && b[j] === x) out[n++] = x;
  }
  return out.slice(0, n);
}

/** The first position from `from` on whose element is not less than `x`. */
function gallop(list: Uint32Array, from: number, x: number): number {
  let step = 1;
  let high = from;
  while (high < list.length && list[high] < x) {
    from = high + 1;
    high += step;
    step *= 2;
  }
  let end = Math.min(high, list.length);
  while (from < end) {
    const middle = (from + end) >>> 1;
    if (list[middle] < x) from = middle + 1;
    else end = middle;
  }
  return from;
}

/** The numbers in any of some ascending lists. */
export function union(lists: readonly Uint32Array[]): Uint32Array {
  if (lists.length === 0) return EMPTY;
  if (lists.length === 1) return lists[0];
  let total = 0;
  for (const list of lists) total += list.length;
  const out = new Uint32Array(total);
  let at = 0;
  for (const list of lists) {
    out.set(list, at);
    at += list.length;
  }
  out.sort();
  let n = 0;
  for (let i = 0; i < total; i++) if (i === 0 || out[i] !== out[i - 1]) out[n++] = out[i];
  return out.slice(0, n);
}
