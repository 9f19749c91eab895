import { BelfryError } from '@belfry/model';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type Scalar,
} from 'yaml';
import type { ReadFault } from './read-json.ts';
import { placeIn, type Snippet } from './source.ts';
import type { MapEntry, MapTree, ScalarTree, Tree } from './tree.ts';

/** More nodes than this, aliases expanded, is an attack and not a configuration. */
const MAX_NODES = 1_000_000;
const MAX_DEPTH = 200;

export interface YamlDocuments {
  /** Of the documents that are not empty. */
  readonly trees: readonly Tree[];
  readonly faults: readonly ReadFault[];
}

/** Reads every document of a YAML text. A document with a fault is left out. */
export function readYaml(snippet: Snippet): YamlDocuments {
  const faults: ReadFault[] = [];
  const trees: Tree[] = [];
  const parsed = parseAllDocuments(snippet.text, { merge: true, strict: true, version: '1.2', prettyErrors: false });
  for (const document of Array.isArray(parsed) ? (parsed as Document[]) : []) {
    const error = document.errors[0];
    if (error) {
      faults.push({ place: placeIn(snippet, error.pos[0], error.pos[1]), message: `YAML: ${error.message}` });
      continue;
    }
    if (!document.contents) continue;
    const r: Reader = { in: snippet, document, budget: MAX_NODES };
    try {
      trees.push(convert(r, document.contents as Node, 0));
    } catch (fault) {
      if (!(fault instanceof BelfryError)) throw fault;
      faults.push({ place: placeIn(snippet, 0, 0), message: `YAML: ${fault.message}` });
    }
  }
  return { trees, faults };
}

interface Reader {
  readonly in: Snippet;
  readonly document: Document;
  budget: number;
}

function convert(r: Reader, node: Node | null, depth: number): Tree {
  if (--r.budget < 0) throw new BelfryError('limit_exceeded', `more than ${MAX_NODES} values`);
  if (depth > MAX_DEPTH) throw new BelfryError('limit_exceeded', `nested deeper than ${MAX_DEPTH} levels`);
  if (isAlias(node)) return convert(r, resolve(r, node), depth + 1);
  const start = node?.range?.[0] ?? 0;
  const end = node?.range?.[1] ?? start;
  if (isSeq(node)) {
    return {
      kind: 'list',
      in: r.in,
      start,
      end,
      items: node.items.map((i) => convert(r, i as Node | null, depth + 1)),
    };
  }
  if (isMap(node)) return convertMap(r, node, start, end, depth);
  return convertScalar(r, node as Scalar | null, start, end);
}

function resolve(r: Reader, alias: Alias): Node | null {
  return (alias.resolve(r.document) as Node | undefined) ?? null;
}

function convertMap(r: Reader, node: Node, start: number, end: number, depth: number): MapTree {
  const entries = new Map<string, MapEntry>();
  const merged: MapTree[] = [];
  for (const pair of isMap(node) ? node.items : []) {
    const key = pair.key as Scalar;
    const keyStart = key?.range?.[0] ?? start;
    const keyEnd = key?.range?.[1] ?? keyStart;
    const value = pair.value ? convert(r, pair.value as Node, depth + 1) : convertScalar(r, null, keyStart, keyEnd);
    if (isScalar(key) && key.type === 'PLAIN' && key.source === '<<') {
      for (const source of value.kind === 'list' ? value.items : [value])
        if (source.kind === 'map') merged.push(source);
      continue;
    }
    const name = isScalar(key) ? scalarText(key) : '';
    entries.set(name, { key: placeIn(r.in, keyStart, keyEnd), value });
  }
  for (const source of merged) for (const [k, v] of source.entries) if (!entries.has(k)) entries.set(k, v);
  return { kind: 'map', in: r.in, start, end, entries };
}

const STYLES: Readonly<Record<string, ScalarTree['style']>> = {
  QUOTE_DOUBLE: 'quoted',
  QUOTE_SINGLE: 'quoted',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

function convertScalar(r: Reader, node: Scalar | null, start: number, end: number): ScalarTree {
  const value = (node?.value ?? null) as ScalarTree['value'];
  const style = STYLES[node?.type ?? ''] ?? 'plain';
  return { kind: 'scalar', in: r.in, start, end, value, text: node ? scalarText(node) : '', style };
}

function scalarText(node: Scalar): string {
  if (node.type === 'PLAIN' && typeof node.value !== 'string') return node.source ?? String(node.value ?? '');
  return String(node.value ?? '');
}
