import { BelfryError } from '@belfry/model';
import { type Place, placeIn, type Snippet } from './source.ts';
import type { MapEntry, ScalarTree, Tree } from './tree.ts';

/** Deeper nesting is refused, as reading recurses. */
const MAX_DEPTH = 500;

interface Reader {
  readonly in: Snippet;
  readonly text: string;
  at: number;
}

/** Reads JSON with places. @throws BelfryError `config_invalid`; {@link jsonFault} tells the place. */
export function readJson(snippet: Snippet): Tree {
  const r: Reader = { in: snippet, text: snippet.text, at: 0 };
  const tree = readValue(r, 0);
  skipBlanks(r);
  if (r.at < r.text.length) fail(r, 'unexpected text after the value');
  return tree;
}

/** A fault while reading, with its place. */
export interface ReadFault {
  readonly place: Place;
  readonly message: string;
}

const places = new WeakMap<BelfryError, Place>();

/** The place of a fault that {@link readJson} threw. */
export function jsonFault(error: BelfryError): ReadFault {
  return { place: places.get(error)!, message: error.message };
}

function fail(r: Reader, message: string): never {
  const error = new BelfryError('config_invalid', `JSON: ${message}`);
  places.set(error, placeIn(r.in, r.at, Math.min(r.text.length, r.at + 1)));
  throw error;
}

function skipBlanks(r: Reader): void {
  while (r.at < r.text.length && ' \t\r\n'.includes(r.text[r.at]!)) r.at++;
}

function readValue(r: Reader, depth: number): Tree {
  if (depth > MAX_DEPTH) fail(r, `nested deeper than ${MAX_DEPTH} levels`);
  skipBlanks(r);
  const c = r.text[r.at];
  if (c === '{') return readObject(r, depth);
  if (c === '[') return readArray(r, depth);
  if (c === '"') return readString(r);
  return readLiteral(r);
}

function readObject(r: Reader, depth: number): Tree {
  const start = r.at++;
  const entries = new Map<string, MapEntry>();
  skipBlanks(r);
  if (r.text[r.at] === '}') r.at++;
  else {
    for (;;) {
      skipBlanks(r);
      if (r.text[r.at] !== '"') fail(r, 'expected a key in double quotes');
      const key = readString(r);
      skipBlanks(r);
      if (r.text[r.at] !== ':') fail(r, 'expected : after the key');
      r.at++;
      const value = readValue(r, depth + 1);
      entries.set(key.text, { key: placeIn(r.in, key.start, key.end), value });
      if (!more(r, '}')) break;
    }
  }
  return { kind: 'map', in: r.in, start, end: r.at, entries };
}

function readArray(r: Reader, depth: number): Tree {
  const start = r.at++;
  const items: Tree[] = [];
  skipBlanks(r);
  if (r.text[r.at] === ']') r.at++;
  else {
    do items.push(readValue(r, depth + 1));
    while (more(r, ']'));
  }
  return { kind: 'list', in: r.in, start, end: r.at, items };
}

function more(r: Reader, close: string): boolean {
  skipBlanks(r);
  const c = r.text[r.at];
  if (c !== ',' && c !== close) fail(r, `expected , or ${close}`);
  r.at++;
  return c === ',';
}

function readString(r: Reader): ScalarTree {
  const start = r.at;
  let end = start + 1;
  while (end < r.text.length && r.text[end] !== '"' && r.text[end] !== '\n') end += r.text[end] === '\\' ? 2 : 1;
  if (r.text[end] !== '"') fail(r, 'this text does not end on its line');
  r.at = end + 1;
  const written = r.text.slice(start, r.at);
  let text: string;
  try {
    text = written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
  } catch {
    r.at = start;
    fail(r, 'an escape in this text is not valid');
  }
  return { kind: 'scalar', in: r.in, start, end: r.at, value: text, text, style: 'json' };
}

const LITERAL = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

function readLiteral(r: Reader): ScalarTree {
  LITERAL.lastIndex = r.at;
  const text = LITERAL.exec(r.text)?.[0];
  if (text === undefined) fail(r, r.at < r.text.length ? 'expected a value' : 'the text ends too early');
  const start = r.at;
  r.at += text.length;
  const value = JSON.parse(text) as number | boolean | null;
  return { kind: 'scalar', in: r.in, start, end: r.at, value, text, style: 'plain' };
}
