import { decoded, type Place, placeIn, type Snippet, slice } from './source.ts';

/** YAML or JSON with the place of everything. Aliases are resolved; merge keys too. */
export type Tree = MapTree | ListTree | ScalarTree;

interface Placed {
  /** The text that it was read from; offsets are into it. */
  readonly in: Snippet;
  readonly start: number;
  readonly end: number;
}

export interface MapTree extends Placed {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly key: Place;
  readonly value: Tree;
}

export interface ListTree extends Placed {
  readonly kind: 'list';
  readonly items: readonly Tree[];
}

export interface ScalarTree extends Placed {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As text: what was written, without quotes and escapes. */
  readonly text: string;
  readonly style: 'plain' | 'quoted' | 'json' | 'literal' | 'folded';
}

export function entryOf(tree: Tree | undefined, key: string): MapEntry | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key) : undefined;
}

/** The value at a path of keys and list indices. */
export function at(tree: Tree | undefined, ...path: readonly (string | number)[]): Tree | undefined {
  let here = tree;
  for (const step of path) {
    if (here?.kind === 'map') here = here.entries.get(String(step))?.value;
    else if (here?.kind === 'list' && typeof step === 'number') here = here.items[step];
    else return undefined;
  }
  return here;
}

export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'list' ? tree.items : [];
}

export function entriesOf(tree: Tree | undefined): readonly (readonly [string, MapEntry])[] {
  return tree?.kind === 'map' ? [...tree.entries] : [];
}

/** A scalar as text; nothing for null, lists and maps. */
export function textOf(tree: Tree | undefined): string | undefined {
  return tree?.kind === 'scalar' && tree.value !== null ? tree.text : undefined;
}

export function numberOf(tree: Tree | undefined): number | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'number' ? tree.value : undefined;
}

export function isTrue(tree: Tree | undefined): boolean {
  return tree?.kind === 'scalar' && (tree.value === true || /^(?:true|yes|on)$/i.test(tree.text));
}

export function placeOf(tree: Tree): Place {
  return placeIn(tree.in, tree.start, tree.end);
}

/** Plain data, for readers that do not need places. */
export function plainOf(tree: Tree | undefined): unknown {
  if (!tree) return undefined;
  if (tree.kind === 'list') return tree.items.map(plainOf);
  if (tree.kind === 'map') return Object.fromEntries([...tree.entries].map(([k, v]) => [k, plainOf(v.value)]));
  return tree.value;
}

/** The text of a scalar, each character knowing where it stands. */
export function snippetOf(tree: ScalarTree): Snippet {
  const { in: outer, start, end, text } = tree;
  const written = outer.text.slice(start, end);
  if (written === text) return slice(outer, start, end);
  if (tree.style === 'literal' || tree.style === 'folded') return alignBlock(tree, written);
  return alignQuoted(tree, written);
}

/** `|` and `>`: a header line, then lines indented by the same blanks, which folding joins by one space. */
function alignBlock({ in: outer, start, text }: ScalarTree, written: string): Snippet {
  const runs: { from: number; at: number }[] = [];
  let at = written.indexOf('\n') + 1;
  const indent = Math.max(0, blockIndent(written.slice(at)) - (/^ */.exec(text.replace(/^\n+/, ''))?.[0].length ?? 0));
  let from = 0;
  while (from < text.length && at < written.length) {
    const newline = written.indexOf('\n', at);
    const lineEnd = newline === -1 ? written.length : newline;
    const blanks = /^ */.exec(written.slice(at, lineEnd))![0].length;
    const begin = at + Math.min(indent, blanks);
    const content = written.slice(begin, lineEnd).replace(/\r$/, '');
    if (content === '' || text.startsWith(content, from)) {
      runs.push({ from, at: start + begin });
      from += content.length;
      // What joins two lines: a newline, a space of folding, or nothing where folding ate an empty line's newline.
      if (text[from] === '\n' || (text[from] === ' ' && newline !== -1)) from++;
    }
    at = lineEnd + 1;
  }
  if (runs.length === 0) runs.push({ from: 0, at: start });
  return decoded(outer, text, ascending(runs));
}

function ascending(runs: readonly { from: number; at: number }[]): { from: number; at: number }[] {
  const out: { from: number; at: number }[] = [];
  for (const run of runs) {
    if (out.at(-1)?.from === run.from) out.pop();
    out.push(run);
  }
  return out;
}

function blockIndent(body: string): number {
  for (const line of body.split('\n')) if (line.trim() !== '') return /^ */.exec(line)![0].length;
  return 0;
}

/** Quotes, escapes, and lines that folding joined: walks both texts side by side. */
function alignQuoted({ in: outer, start, text }: ScalarTree, written: string): Snippet {
  const runs: { from: number; at: number }[] = [];
  const quote = written[0];
  let at = quote === '"' || quote === "'" ? 1 : 0;
  let expected = -1;
  for (let from = 0; from < text.length; from++) {
    let width = 1;
    if (quote === '"' && written[at] === '\\') {
      width = { u: 6, x: 4, U: 10 }[written[at + 1]!] ?? 2;
    } else if (quote === "'" && written[at] === "'") {
      width = 2;
    } else if (written[at] !== text[from] && /\s/.test(text[from]!)) {
      width = /^\s*/.exec(written.slice(at))![0].length;
    }
    if (at !== expected) runs.push({ from, at: start + at });
    at += width;
    expected = width === 1 ? at : -1;
  }
  if (runs.length === 0) runs.push({ from: 0, at: start + Math.min(1, written.length) });
  return decoded(outer, text, runs);
}
