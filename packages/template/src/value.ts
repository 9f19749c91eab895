/**
 * How JavaScript values stand for Go's in a template:
 *
 * | JavaScript | Go |
 * |---|---|
 * | `bigint` | an integer |
 * | `number` | float64 |
 * | `string`, `boolean` | the same |
 * | array | slice |
 * | plain object, `Map` | map with string keys, whose missing keys are `<no value>` |
 * | object with {@link GO_TYPE} | what its {@link GoType} says: struct, typed map, named number or text, with methods |
 * | `null` | a nil interface |
 * | `undefined` | no value at all |
 */
export const GO_TYPE = Symbol('belfry.go-type');

export type Kind = 'invalid' | 'nil' | 'bool' | 'int' | 'float' | 'string' | 'slice' | 'map' | 'struct' | 'func';

/** What a parameter accepts. `raw` takes everything, also no value. The rest is called by its Go name in messages. */
export type ParamType = 'raw' | 'any' | 'string' | 'float64' | 'int' | 'bool' | GoType;

/** A method: `self` is the receiver. May give a promise; it may throw an Error, whose message the template shows. */
export interface Method {
  readonly params?: readonly ParamType[];
  /** The last parameter may be given any number of times. */
  readonly variadic?: boolean;
  readonly call: (self: never, args: readonly never[]) => unknown;
}

/** The Go type that a value pretends to be of. */
export interface GoType {
  /** As Go's `%T` prints it; appears in error messages. */
  readonly name: string;
  readonly kind: 'bool' | 'int' | 'float' | 'string' | 'slice' | 'map' | 'struct';
  /** For maps: what a missing key gives. Default: nil. */
  readonly zero?: unknown;
  readonly methods?: Readonly<Record<string, Method>>;
  /** For structs: the names of fields in JSON, where they differ. */
  readonly jsonNames?: Readonly<Record<string, string>>;
  /** Printed as behind a pointer: `&{…}`. */
  readonly pointer?: boolean;
  /** For texts: what kind of safe content it holds, for the HTML mode. */
  readonly content?: 'html' | 'url' | 'js' | 'css' | 'attribute';
}

/** A number or text of a named type, such as a duration or safe HTML. */
export interface Named {
  readonly [GO_TYPE]: GoType;
  readonly value: bigint | number | string | boolean;
}

/** Marks an object (of fields or of keys) or an array with a Go type. The value itself is changed and given back. */
export function typed<T extends object>(type: GoType, value: T): T & { readonly [GO_TYPE]: GoType } {
  return Object.assign(value, { [GO_TYPE]: type });
}

export function named(type: GoType, value: Named['value']): Named {
  return { [GO_TYPE]: type, value };
}

export const HTML: GoType = { name: 'template.HTML', kind: 'string', content: 'html' };
export const SAFE_URL: GoType = { name: 'template.URL', kind: 'string', content: 'url' };
/** Labels and annotations: a missing key is the empty text. */
export const STRING_MAP: GoType = { name: 'map[string]string', kind: 'map', zero: '' };
export const STRING_SLICE: GoType = { name: '[]string', kind: 'slice' };

export function goType(value: unknown): GoType | undefined {
  return typeof value === 'object' && value !== null ? (value as { [GO_TYPE]?: GoType })[GO_TYPE] : undefined;
}

export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'undefined':
      return 'invalid';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'string':
      return 'string';
    case 'function':
      return 'func';
    case 'object':
      if (value === null) return 'nil';
      return goType(value)?.kind ?? (Array.isArray(value) ? 'slice' : 'map');
    default:
      return 'invalid';
  }
}

export function typeName(value: unknown): string {
  const type = goType(value);
  if (type) return type.pointer ? `*${type.name}` : type.name;
  switch (kindOf(value)) {
    case 'int':
      return 'int';
    case 'float':
      return 'float64';
    case 'string':
      return 'string';
    case 'bool':
      return 'bool';
    case 'slice':
      return '[]interface {}';
    case 'map':
      return 'map[string]interface {}';
    case 'func':
      return 'func()';
    default:
      return '<nil>';
  }
}

/** The primitive inside a named number, text or boolean; anything else as it is. */
export function primitive(value: unknown): unknown {
  const type = goType(value);
  if (!type || type.kind === 'struct' || type.kind === 'map' || type.kind === 'slice') return value;
  return (value as Named).value;
}

export function methodOf(value: unknown, name: string): Method | undefined {
  const methods = goType(value)?.methods;
  return methods && Object.hasOwn(methods, name) ? methods[name] : undefined;
}

/** Whether Go's templates take a value for true: it is not the zero value of its type, not empty. */
export function truth(value: unknown): boolean {
  const plain = primitive(value);
  switch (kindOf(plain)) {
    case 'bool':
      return plain as boolean;
    case 'int':
      return plain !== 0n;
    case 'float':
      return plain !== 0;
    case 'string':
      return plain !== '';
    case 'slice':
      return (plain as readonly unknown[]).length > 0;
    case 'map':
      return mapSize(plain as MapLike) > 0;
    case 'struct':
    case 'func':
      return true;
    default:
      return false;
  }
}

export type MapLike = ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>;

export function mapHas(map: MapLike, key: string): boolean {
  return map instanceof Map ? map.has(key) : Object.hasOwn(map, key);
}

export function mapGet(map: MapLike, key: string): unknown {
  if (!mapHas(map, key)) return undefined;
  const value = map instanceof Map ? map.get(key) : (map as Record<string, unknown>)[key];
  return value === undefined ? null : value;
}

export function mapZero(map: MapLike): unknown {
  return goType(map)?.zero ?? null;
}

/** In the order in which Go's templates range over a map. */
export function mapKeys(map: MapLike): string[] {
  const keys = map instanceof Map ? [...map.keys()] : Object.keys(map);
  return keys.sort(compareBytes);
}

function mapSize(map: MapLike): number {
  return map instanceof Map ? map.size : Object.keys(map).length;
}

function compareBytes(a: string, b: string): number {
  // Names are nearly always ASCII, where the cheap comparison is the same.
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Number of elements, keys or bytes. */
export function lengthOf(value: unknown): number | undefined {
  const plain = primitive(value);
  switch (kindOf(plain)) {
    case 'string':
      return Buffer.byteLength(plain as string);
    case 'slice':
      return (plain as readonly unknown[]).length;
    case 'map':
      return mapSize(plain as MapLike);
    default:
      return undefined;
  }
}
