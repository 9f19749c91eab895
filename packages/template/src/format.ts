import { quote } from '@belfry/model';
import { formatGoFloat } from './float.ts';
import { goType, kindOf, type MapLike, mapGet, mapKeys, methodOf, primitive, typeName } from './value.ts';

/** A width or precision beyond this is refused by Go as well. */
const MAX_WIDTH = 1_000_000;
/** Values nested deeper than this are printed as `…`: data of the host may be cyclic. */
const MAX_DEPTH = 50;

interface Flags {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  fieldNames: boolean;
  width: number | undefined;
  precision: number | undefined;
}

const NO_FLAGS: Flags = {
  plus: false,
  minus: false,
  sharp: false,
  space: false,
  zero: false,
  fieldNames: false,
  width: undefined,
  precision: undefined,
};

/** One value as Go's `%v` prints it. */
export function formatValue(value: unknown): string {
  return formatVerb(value, 'v', NO_FLAGS, 0);
}

/** Go's `fmt.Sprint`: blanks only between operands neither of which is a text. */
export function sprint(args: readonly unknown[]): string {
  let out = '';
  args.forEach((arg, i) => {
    if (i > 0 && kindOf(primitive(arg)) !== 'string' && kindOf(primitive(args[i - 1])) !== 'string') out += ' ';
    out += formatValue(arg);
  });
  return out;
}

/** Go's `fmt.Sprintln`. */
export function sprintln(args: readonly unknown[]): string {
  return `${args.map(formatValue).join(' ')}\n`;
}

const DIRECTIVE = /%([+\-# 0]*)(?:\[(\d+)\])?(\*|\d+)?(?:\.(?:\[(\d+)\])?(\*|\d+)?)?(?:\[(\d+)\])?([\s\S]?)/uy;

/** Go's `fmt.Sprintf`, with its complaints inside of the text (`%!d(string=x)`, `%!v(MISSING)`). */
export function sprintf(format: string, args: readonly unknown[]): string {
  let out = '';
  let pos = 0;
  let at = 0;
  let reordered = false;
  const index = (text: string | undefined) => {
    if (text === undefined) return;
    reordered = true;
    at = Number(text) - 1;
  };
  const star = (): number | undefined => {
    const value = primitive(args[at++]);
    return typeof value === 'bigint' && value <= MAX_WIDTH && value >= -MAX_WIDTH ? Number(value) : undefined;
  };
  for (;;) {
    const percent = format.indexOf('%', pos);
    if (percent < 0) break;
    out += format.slice(pos, percent);
    DIRECTIVE.lastIndex = percent;
    const match = DIRECTIVE.exec(format)!;
    pos = DIRECTIVE.lastIndex;
    const flags = readFlags(match[1]!);
    index(match[2]);
    if (match[3] === '*') {
      flags.width = star();
      if (flags.width === undefined) out += '%!(BADWIDTH)';
      else if (flags.width < 0) Object.assign(flags, { width: -flags.width, minus: true, zero: false });
    } else if (match[3] !== undefined) flags.width = Math.min(Number(match[3]), MAX_WIDTH);
    index(match[4]);
    if (match[5] === '*') {
      flags.precision = star();
      if (flags.precision === undefined) out += '%!(BADPREC)';
      else if (flags.precision < 0) flags.precision = undefined;
    } else if (match[5] !== undefined) flags.precision = Math.min(Number(match[5]), MAX_WIDTH);
    else if (/\.(?:\[\d+\])?$/.test(match[0].slice(0, match[0].length - match[7]!.length))) flags.precision = 0;
    index(match[6]);
    const verb = match[7]!;
    if (verb === '') out += '%!(NOVERB)';
    else if (verb === '%') out += '%';
    else if (at < 0 || (reordered && at >= args.length)) out += `%!${verb}(BADINDEX)`;
    else if (at >= args.length) out += `%!${verb}(MISSING)`;
    else out += formatVerb(args[at++], verb, forVerb(flags, verb), 0);
  }
  out += format.slice(pos);
  if (!reordered && at < args.length) {
    const extra = args.slice(at).map((arg) => (isNil(arg) ? '<nil>' : `${typeName(arg)}=${formatValue(arg)}`));
    out += `%!(EXTRA ${extra.join(', ')})`;
  }
  return out;
}

function readFlags(text: string): Flags {
  const minus = text.includes('-');
  return {
    ...NO_FLAGS,
    minus,
    plus: text.includes('+'),
    sharp: text.includes('#'),
    space: text.includes(' '),
    zero: text.includes('0') && !minus,
  };
}

/** With `%v` a plus asks for the names of fields, not for signs. */
function forVerb(flags: Flags, verb: string): Flags {
  return verb === 'v' && flags.plus ? { ...flags, plus: false, fieldNames: true } : flags;
}

function isNil(value: unknown): boolean {
  return value === undefined || value === null;
}

function formatVerb(value: unknown, verb: string, flags: Flags, depth: number): string {
  if (depth > MAX_DEPTH) return '…';
  if (verb === 'T') return pad(typeName(value), flags);
  if (isNil(value)) return verb === 'v' ? pad('<nil>', flags) : `%!${verb}(<nil>)`;
  if ('vsqxX'.includes(verb) && !(verb === 'v' && flags.sharp)) {
    const text = stringOf(value);
    if (text !== undefined) return formatText(text, verb, flags) ?? '';
  }
  const plain = primitive(value);
  switch (kindOf(plain)) {
    case 'bool':
      return verb === 't' || verb === 'v' ? pad(String(plain), flags) : badVerb(value, verb, depth);
    case 'int':
      return formatInteger(plain as bigint, verb, flags) ?? badVerb(value, verb, depth);
    case 'float':
      return formatFloatVerb(plain as number, verb, flags) ?? badVerb(value, verb, depth);
    case 'string':
      return formatText(plain as string, verb, flags) ?? badVerb(value, verb, depth);
    case 'slice':
    case 'map':
    case 'struct':
      return formatComposite(plain as object, verb, flags, depth);
    default:
      return verb === 'v' || verb === 'p' ? '0x0' : badVerb(value, verb, depth);
  }
}

/** What the value's own String or Error method says. */
function stringOf(value: unknown): string | undefined {
  const method = methodOf(value, 'String') ?? methodOf(value, 'Error');
  return method ? String(method.call(value as never, [])) : undefined;
}

function badVerb(value: unknown, verb: string, depth: number): string {
  return `%!${verb}(${typeName(value)}=${formatVerb(value, 'v', NO_FLAGS, depth + 1)})`;
}

function formatComposite(value: object, verb: string, flags: Flags, depth: number): string {
  const kind = kindOf(value);
  const sharp = flags.sharp && verb === 'v';
  const inner = (x: unknown) => formatVerb(x, verb, flags, depth + 1);
  if (kind === 'slice') {
    const items = (value as readonly unknown[]).map(inner);
    return sharp ? `${typeName(value)}{${items.join(', ')}}` : `[${items.join(' ')}]`;
  }
  if (kind === 'map') {
    const map = value as MapLike;
    const items = mapKeys(map).map((key) => `${inner(key)}:${inner(mapGet(map, key))}`);
    return sharp ? `${typeName(value)}{${items.join(', ')}}` : `map[${items.join(' ')}]`;
  }
  const type = goType(value)!;
  const names = flags.fieldNames || sharp;
  const items = Object.entries(value).map(([name, field]) => `${names ? `${name}:` : ''}${inner(field)}`);
  const pointer = type.pointer && depth === 0 ? '&' : '';
  return sharp ? `${pointer}${type.name}{${items.join(', ')}}` : `${pointer}{${items.join(' ')}}`;
}

function formatText(text: string, verb: string, flags: Flags): string | undefined {
  const cut = flags.precision === undefined ? text : [...text].slice(0, flags.precision).join('');
  switch (verb) {
    case 'v':
      return pad(flags.sharp ? quote(cut) : cut, flags);
    case 's':
      return pad(cut, flags);
    case 'q':
      return pad(flags.sharp && !cut.includes('`') ? `\`${cut}\`` : quote(cut), flags);
    case 'x':
    case 'X': {
      const hex = Buffer.from(cut).toString('hex');
      const spaced = flags.space ? (hex.match(/../g) ?? []).join(' ') : hex;
      const prefixed = flags.sharp && hex !== '' ? `0x${spaced}` : spaced;
      return pad(verb === 'X' ? prefixed.toUpperCase() : prefixed, flags);
    }
    default:
      return undefined;
  }
}

const BASES: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const PREFIXES: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' };

function formatInteger(value: bigint, verb: string, flags: Flags): string | undefined {
  if (verb === 'c' || verb === 'q' || verb === 'U') return formatRune(value, verb, flags);
  const base = BASES[verb];
  if (base === undefined) return undefined;
  const negative = value < 0n;
  let digits = (negative ? -value : value).toString(base);
  if (verb === 'X') digits = digits.toUpperCase();
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  const prefix = verb === 'O' ? '0o' : flags.sharp ? (PREFIXES[verb] ?? '') : '';
  if (flags.precision !== undefined) {
    if (flags.precision === 0 && value === 0n) return pad('', { ...flags, zero: false });
    digits = digits.padStart(flags.precision, '0');
  } else if (flags.zero && flags.width !== undefined) {
    digits = digits.padStart(flags.width - sign.length, '0');
  }
  return pad(sign + prefix + digits, { ...flags, zero: false });
}

function formatRune(value: bigint, verb: string, flags: Flags): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value < 0xe000n);
  const char = valid ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (verb === 'c') return pad(char, flags);
  if (verb === 'q') return pad(`'${char === "'" ? "\\'" : quote(char).slice(1, -1).replace('\\"', '"')}'`, flags);
  const name = `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  return pad(flags.sharp && valid ? `${name} '${char}'` : name, flags);
}

function formatFloatVerb(value: number, verb: string, flags: Flags): string | undefined {
  const lower = verb.toLowerCase();
  const form = lower === 'v' ? 'g' : lower;
  if (form !== 'e' && form !== 'f' && form !== 'g') return undefined;
  const digits = formatGoFloat(value, form, flags.precision ?? (form === 'g' ? -1 : 6));
  const negative = digits.startsWith('-');
  let body = negative ? digits.slice(1) : digits;
  if (verb === 'E' || verb === 'G') body = body.replace('e', 'E');
  const special = !Number.isFinite(value);
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : value === Infinity ? '+' : '';
  if (flags.zero && !special && flags.width !== undefined) return sign + body.padStart(flags.width - sign.length, '0');
  return pad(sign + body, { ...flags, zero: false });
}

function pad(text: string, flags: Flags): string {
  if (flags.width === undefined) return text;
  const missing = flags.width - [...text].length;
  if (missing <= 0) return text;
  if (flags.minus) return text + ' '.repeat(missing);
  return (flags.zero ? '0' : ' ').repeat(missing) + text;
}
