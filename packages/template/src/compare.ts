import { compareText } from '@belfry/model';
import { formatValue } from './format.ts';
import { kindOf, primitive, typeName } from './value.ts';

/** The complaints of Go's comparison functions. */
export const INCOMPATIBLE = 'incompatible types for comparison';
export const INVALID = 'invalid type for comparison';
export const MISSING_ARGUMENT = 'missing argument for comparison';

type Basic = bigint | number | string | boolean;

/** Go's `eq` of two values. @throws Error */
export function equal(a: unknown, b: unknown): boolean {
  const x = primitive(a);
  const y = primitive(b);
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  if (isNothing(kindX) || isNothing(kindY)) return isNothing(kindX) && isNothing(kindY);
  for (const side of [x, y]) {
    const kind = kindOf(side);
    if (kind === 'slice' || kind === 'map' || kind === 'func') {
      throw new Error(`non-comparable type ${typeName(side)}: ${formatValue(side)}`);
    }
  }
  if (kindX !== kindY) throw new Error(INCOMPATIBLE);
  if (kindX === 'struct') return x === y;
  return (x as Basic) === (y as Basic);
}

function isNothing(kind: string): boolean {
  return kind === 'invalid' || kind === 'nil';
}

/** Go's `lt` of two values. @throws Error */
export function less(a: unknown, b: unknown): boolean {
  const x = primitive(a);
  const y = primitive(b);
  const kindX = kindOf(x);
  const kindY = kindOf(y);
  for (const kind of [kindX, kindY]) {
    if (kind !== 'int' && kind !== 'float' && kind !== 'string' && kind !== 'bool') throw new Error(INVALID);
  }
  if (kindX !== kindY) throw new Error(INCOMPATIBLE);
  if (kindX === 'bool') throw new Error(INVALID);
  if (kindX === 'string') return compareText(x as string, y as string) < 0;
  return (x as bigint | number) < (y as bigint | number);
}
