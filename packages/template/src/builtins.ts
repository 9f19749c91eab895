import { equal, less, MISSING_ARGUMENT } from './compare.ts';
import { sprint, sprintf, sprintln } from './format.ts';
import type { FunctionMap } from './functions.ts';
import {
  goType,
  kindOf,
  lengthOf,
  type MapLike,
  mapGet,
  mapHas,
  mapZero,
  primitive,
  truth,
  typed,
  typeName,
} from './value.ts';

/** The functions that every Go template has. `and` and `or` are here for their arity; the executor short-circuits them. */
export const BUILTINS: FunctionMap<unknown> = {
  and: { params: ['raw', 'raw'], variadic: true, call: (args) => args.find((a) => !truth(a)) ?? args.at(-1) },
  or: { params: ['raw', 'raw'], variadic: true, call: (args) => args.find(truth) ?? args.at(-1) },
  not: { params: ['raw'], call: ([arg]) => !truth(arg) },
  len: {
    params: ['raw'],
    call([value]) {
      if (value === undefined || value === null) throw new Error('len of nil pointer');
      const length = lengthOf(value);
      if (length === undefined) throw new Error(`len of type ${typeName(value)}`);
      return BigInt(length);
    },
  },
  index: { params: ['raw', 'raw'], variadic: true, call: ([item, ...path]) => path.reduce(indexInto, item) },
  slice: { params: ['raw', 'raw'], variadic: true, call: ([item, ...bounds]) => sliceOf(item, bounds) },
  call: {
    params: ['raw', 'raw'],
    variadic: true,
    call([callee, ...args]) {
      if (callee === undefined || callee === null) throw new Error('call of nil');
      if (typeof callee !== 'function') throw new Error(`non-function of type ${typeName(callee)}`);
      return callee(...args);
    },
  },
  print: { params: ['any'], variadic: true, call: sprint },
  printf: { params: ['string', 'any'], variadic: true, call: ([format, ...args]) => sprintf(String(format), args) },
  println: { params: ['any'], variadic: true, call: sprintln },
  html: { params: ['any'], variadic: true, call: (args) => escapeHtml(evalArgs(args)) },
  js: { params: ['any'], variadic: true, call: (args) => escapeJs(evalArgs(args)) },
  urlquery: { params: ['any'], variadic: true, call: (args) => queryEscape(evalArgs(args)) },
  eq: {
    params: ['raw', 'raw'],
    variadic: true,
    call([first, ...rest]) {
      if (rest.length === 0) throw new Error(MISSING_ARGUMENT);
      return rest.some((other) => equal(first, other));
    },
  },
  ne: { params: ['raw', 'raw'], call: ([a, b]) => !equal(a, b) },
  lt: { params: ['raw', 'raw'], call: ([a, b]) => less(a, b) },
  le: { params: ['raw', 'raw'], call: ([a, b]) => less(a, b) || equal(a, b) },
  gt: { params: ['raw', 'raw'], call: ([a, b]) => !(less(a, b) || equal(a, b)) },
  ge: { params: ['raw', 'raw'], call: ([a, b]) => !less(a, b) },
};

function evalArgs(args: readonly unknown[]): string {
  const only = args.length === 1 ? primitive(args[0]) : undefined;
  return typeof only === 'string' ? only : sprint(args);
}

function indexNumber(value: unknown, cap: number): number {
  const plain = primitive(value);
  if (plain === undefined || plain === null) throw new Error('cannot index slice/array with nil');
  if (typeof plain !== 'bigint') throw new Error(`cannot index slice/array with type ${typeName(value)}`);
  if (plain < 0n || plain > BigInt(cap)) throw new Error(`index out of range: ${plain}`);
  return Number(plain);
}

function indexInto(item: unknown, key: unknown): unknown {
  const plain = primitive(item);
  switch (kindOf(plain)) {
    case 'invalid':
    case 'nil':
      throw new Error('index of untyped nil');
    case 'slice': {
      const list = plain as readonly unknown[];
      const i = indexNumber(key, list.length);
      if (i >= list.length) throw new Error(`reflect: slice index out of range`);
      return list[i];
    }
    case 'string': {
      const bytes = Buffer.from(plain as string);
      const i = indexNumber(key, bytes.length);
      if (i >= bytes.length) throw new Error('reflect: string index out of range');
      return BigInt(bytes[i]!);
    }
    case 'map': {
      const name = primitive(key);
      if (name === undefined || name === null) throw new Error('value is nil; should be of type string');
      if (typeof name !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`);
      const map = plain as MapLike;
      return mapHas(map, name) ? mapGet(map, name) : mapZero(map);
    }
    default:
      throw new Error(`can't index item of type ${typeName(item)}`);
  }
}

function sliceOf(item: unknown, bounds: readonly unknown[]): unknown {
  const plain = primitive(item);
  if (plain === undefined || plain === null) throw new Error('slice of untyped nil');
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`);
  const kind = kindOf(plain);
  if (kind !== 'string' && kind !== 'slice') throw new Error(`can't slice item of type ${typeName(item)}`);
  if (kind === 'string' && bounds.length === 3) throw new Error('cannot 3-index slice a string');
  const length = lengthOf(plain)!;
  const [from = 0, to = length] = bounds.map((b) => indexNumber(b, length));
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  if (kind === 'string') return Buffer.from(plain as string).toString('utf8', from, to);
  const part = (plain as readonly unknown[]).slice(from, to);
  const type = goType(plain);
  return type ? typed(type, part) : part;
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\ufffd',
};

/** Go's `template.HTMLEscapeString`. */
export function escapeHtml(text: string): string {
  return text.replace(/["'&<>\0]/g, (c) => HTML_ESCAPES[c]!);
}

const JS_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

/** Go's `template.JSEscapeString`. */
export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=]|[^\x20-\x7e]/gu, (c) => {
    const known = JS_ESCAPES[c];
    if (known) return known;
    if (c >= '\x80' && /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(c)) return c;
    return `\\u${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

/** Go's `url.QueryEscape`. */
export function queryEscape(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]|%20/g, (c) =>
    c === '%20' ? '+' : `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
