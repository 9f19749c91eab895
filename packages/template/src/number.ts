import { quote } from '@belfry/model';
import type { NumberNode } from './nodes.ts';
import { unquote } from './unquote.ts';

const MIN_INT = -(2n ** 63n);
const MAX_UINT = 2n ** 64n;

/** Reads a numeric or character constant of a template; a text is the complaint. */
export function parseNumber(text: string): Pick<NumberNode, 'int' | 'float' | 'ideal'> | string {
  if (text.startsWith("'")) {
    const value = unquote(text);
    const chars = [...(value ?? '')];
    if (chars.length !== 1) return `malformed character constant: ${text}`;
    const code = chars[0]!.codePointAt(0)!;
    return { int: BigInt(code), float: code, ideal: 'int' };
  }
  if (text.endsWith('i')) return `complex numbers are not supported: ${quote(text)}`;
  const int = parseInteger(text);
  if (int !== undefined) {
    return int < MIN_INT || int >= MAX_UINT
      ? `integer overflow: ${quote(text)}`
      : { int, float: Number(int), ideal: 'int' };
  }
  const float = parseFloatConstant(text);
  if (float === undefined) return `illegal number syntax: ${quote(text)}`;
  if (!Number.isFinite(float)) return `illegal number syntax: ${quote(text)}`;
  // A float that is whole may stand where an integer is wanted.
  return Number.isSafeInteger(float) ? { int: BigInt(float), float, ideal: 'float' } : { float, ideal: 'float' };
}

/** Go's integer literals with any prefix and digit separators. */
export function parseInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|0|[1-9][0-9_]*)$/.exec(text);
  if (!match || /__|_$/.test(text)) return undefined;
  const digits = match[2]!.replaceAll('_', '').toLowerCase();
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = BigInt(octal);
  return match[1] === '-' ? -value : value;
}

function parseFloatConstant(text: string): number | undefined {
  const plain = text.replaceAll('_', '');
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(plain)) return Number(plain);
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(plain);
  if (!hex || `${hex[2]}${hex[3]}` === '') return undefined;
  const mantissa = Number.parseInt(`${hex[2]}${hex[3]}`, 16) * 2 ** (Number(hex[4]) - 4 * hex[3]!.length);
  return hex[1] === '-' ? -mantissa : mantissa;
}
