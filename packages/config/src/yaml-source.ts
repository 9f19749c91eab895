import { BelfryError, nearest, type SourceRange } from '@belfry/model';
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  visit,
} from 'yaml';

/** A place in a document: keys and list indices from the root. */
export type YamlPath = readonly (string | number)[];

/** More nodes than this, aliases expanded, is an attack and not a configuration. */
const MAX_NODES = 1_000_000;
const MAX_DEPTH = 200;

/** A parsed document that remembers where each value stands and how its scalars were written. */
export interface YamlSource {
  readonly file: string | undefined;
  readonly text: string;
  /** Plain data; a key without a value has null. */
  readonly data: unknown;
  /** The value at `path`, or the nearest place above it that exists. */
  rangeOf(path: YamlPath): SourceRange;
  /** The key of the last step of `path`, for saying that the key itself is wrong. */
  keyRangeOf(path: YamlPath): SourceRange;
  /** How the scalar at `path` was written, and whether it was quoted. Nothing for lists and maps. */
  scalarAt(path: YamlPath): { readonly text: string; readonly quoted: boolean } | undefined;
}

/**
 * Reads the first document of a YAML text as Prometheus reads its files: duplicate keys refused, merge keys honoured.
 * @throws BelfryError `config_invalid` with the position of the syntax error.
 */
export function readYamlSource(text: string, file?: string): YamlSource {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, strict: true, version: '1.2' });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  const rangeBetween = (start: number, end: number): SourceRange => {
    const a = lines.linePos(start);
    const b = lines.linePos(Math.max(start, end));
    return { line: a.line, column: a.col, endLine: b.line, endColumn: b.col };
  };
  // A tag that means nothing here would leave a value other than what was meant.
  const error = document?.errors[0] ?? document?.warnings.find((w) => w.code === 'TAG_RESOLVE_FAILED');
  if (error) {
    const message = error.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
    throw new BelfryError('config_invalid', `YAML: ${message}`, {
      file,
      range: rangeBetween(error.pos[0], error.pos[1]),
    });
  }
  const root = (document?.contents ?? null) as Node | null;
  const anchors = document ? resolveAliases(document as Document) : new Map<Node, Node>();
  const rangeOfNode = (node: Node | null | undefined): SourceRange =>
    node?.range ? rangeBetween(node.range[0], node.range[1]) : rangeBetween(0, 0);
  const fail = (message: string, node: Node | null): BelfryError =>
    new BelfryError('config_invalid', message, { file, range: rangeOfNode(node) });

  return {
    file,
    text,
    data: document && root ? toPlain(root, anchors, fail) : undefined,
    rangeOf: (path) => rangeOfNode(walk(root, path, anchors).node),
    keyRangeOf: (path) => {
      const found = walk(root, path, anchors);
      return rangeOfNode(found.key ?? found.node);
    },
    scalarAt: (path) => {
      const { node, complete } = walk(root, path, anchors);
      if (!complete || !isScalar(node)) return undefined;
      return { text: scalarText(node), quoted: node.type !== 'PLAIN' };
    },
  };
}

/** From each alias to what it stands for: the nearest anchor of that name before it. */
type Anchors = ReadonlyMap<Node, Node>;

/** In one pass: the library's own resolution walks the document anew for each alias. */
function resolveAliases(document: Document): Anchors {
  const named = new Map<string, Node>();
  const resolved = new Map<Node, Node>();
  visit(document, {
    Alias(_, alias) {
      const target = named.get(alias.source);
      if (target) resolved.set(alias, target);
    },
    Value(_, node) {
      if (node.anchor) named.set(node.anchor, node);
    },
  });
  return resolved;
}

function dereference(node: Node | null, anchors: Anchors): Node | null {
  return isAlias(node) ? (anchors.get(node) ?? null) : node;
}

function scalarText(node: Scalar): string {
  if (node.type !== 'PLAIN') return String(node.value ?? '');
  return node.source ?? String(node.value ?? '');
}

function toPlain(root: Node, anchors: Anchors, fail: (message: string, node: Node | null) => BelfryError): unknown {
  let budget = MAX_NODES;
  const convert = (node: Node | null, depth: number): unknown => {
    if (--budget < 0) throw fail(`more than ${MAX_NODES} values`, node);
    if (depth > MAX_DEPTH) throw fail(`nested deeper than ${MAX_DEPTH} levels`, node);
    if (isAlias(node)) {
      const target = anchors.get(node);
      if (!target) throw fail(`unknown anchor ${node.source}`, node);
      return convert(target, depth + 1);
    }
    if (isSeq(node)) return node.items.map((item) => convert(item as Node | null, depth + 1));
    if (isMap(node)) return convertMap(node, depth);
    return isScalar(node) ? node.value : null;
  };
  const convertMap = (node: Node, depth: number): Record<string, unknown> => {
    const entries = new Map<string, unknown>();
    for (const pair of isMap(node) ? node.items : []) {
      if (isMergeKey(pair.key)) {
        for (const source of mergeSources(pair.value as Node | null, anchors)) {
          const merged = convert(source, depth + 1);
          if (typeof merged !== 'object' || merged === null || Array.isArray(merged)) {
            throw fail('a merge key (<<) takes a map', source);
          }
          for (const [k, v] of Object.entries(merged)) if (!entries.has(k)) entries.set(k, v);
        }
        continue;
      }
      if (!isScalar(pair.key)) throw fail('a key must be a plain text', (pair.key as Node | null) ?? node);
      const value = convert(pair.value as Node | null, depth + 1);
      entries.set(scalarText(pair.key), value ?? null);
    }
    return Object.fromEntries(entries);
  };
  return convert(root, 0) ?? undefined;
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<';
}

function mergeSources(value: Node | null, anchors: Anchors): Node[] {
  const target = dereference(value, anchors);
  if (isSeq(target)) return target.items as Node[];
  return target ? [target] : [];
}

interface Found {
  readonly node: Node | null;
  readonly key?: Node;
  /** Whether every step of the path was found. */
  readonly complete: boolean;
}

function walk(root: Node | null, path: YamlPath, anchors: Anchors): Found {
  let at: Found = { node: root, complete: true };
  for (const step of path) {
    const next = stepInto(dereference(at.node, anchors), step, anchors);
    if (!next) return { ...at, complete: false };
    at = next;
  }
  const target = dereference(at.node, anchors);
  return isScalar(target) ? { ...at, node: target } : at;
}

function stepInto(node: Node | null, step: string | number, anchors: Anchors): Found | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { node: item as Node, complete: true };
  }
  if (!isMap(node)) return undefined;
  for (const pair of node.items) {
    if (isPair(pair) && isScalar(pair.key) && !isMergeKey(pair.key) && scalarText(pair.key) === String(step)) {
      const key = pair.key as Node;
      return { node: (pair.value as Node | null) ?? key, key, complete: true };
    }
  }
  for (const pair of node.items) {
    if (!isMergeKey(pair.key)) continue;
    for (const source of mergeSources(pair.value as Node | null, anchors)) {
      const found = stepInto(dereference(source, anchors), step, anchors);
      if (found) return found;
    }
  }
  return undefined;
}

/** `, did you mean …?`, or the whole list when it is short, or nothing. */
export function suggest(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  if (near !== undefined) return `, did you mean ${near}?`;
  const MAX_LISTED = 12;
  return candidates.length > 0 && candidates.length <= MAX_LISTED ? `, expected one of ${candidates.join(', ')}` : '';
}
