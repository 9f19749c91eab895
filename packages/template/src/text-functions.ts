/** Functions that Prometheus and Alertmanager share, as plain functions. */
import { BelfryError } from '@belfry/model';
import { RE2JS } from 're2js';
import { formatGoFloat, parseGoFloat } from './float.ts';
import { DURATION } from './go-duration.ts';
import { goType, type Named, primitive, typeName } from './value.ts';

const MAX_CACHED_PATTERNS = 500;
const patterns = new Map<string, RE2JS>();

/** @throws Error with RE2's complaint */
function compile(source: string): RE2JS {
  const known = patterns.get(source);
  if (known) return known;
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new BelfryError('regex_invalid', `error parsing regexp: ${detail}`, { cause: error });
  }
  if (patterns.size >= MAX_CACHED_PATTERNS) patterns.delete(patterns.keys().next().value!);
  patterns.set(source, pattern);
  return pattern;
}

/** Whether the pattern occurs in the text (not anchored). */
export function matchText(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find();
}

/** Go's `regexp.ReplaceAllString`: `$1`, `${1}` and `$name` in the replacement stand for groups. */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  const matcher = compile(pattern).matcher(text);
  const parts = splitReplacement(replacement);
  let out = '';
  let pos = 0;
  while (matcher.find()) {
    out += text.slice(pos, matcher.start());
    for (const part of parts) out += part.literal ?? groupText(matcher, part.group!);
    pos = matcher.end();
  }
  return out + text.slice(pos);
}

interface ReplacementPart {
  readonly literal?: string;
  readonly group?: string;
}

function splitReplacement(text: string): ReplacementPart[] {
  const parts: ReplacementPart[] = [];
  const reference = /\$(?:\$|(\w+)|\{(\w+)\})/g;
  let pos = 0;
  for (const match of text.matchAll(reference)) {
    parts.push({ literal: text.slice(pos, match.index) });
    const group = match[1] ?? match[2];
    parts.push(group === undefined ? { literal: '$' } : { group });
    pos = match.index + match[0].length;
  }
  parts.push({ literal: text.slice(pos) });
  return parts;
}

function groupText(matcher: ReturnType<RE2JS['matcher']>, group: string): string {
  try {
    return matcher.group(/^\d+$/.test(group) ? Number(group) : group) ?? '';
  } catch {
    // A group that the pattern lacks is empty, as in Go.
    return '';
  }
}

/** Go's `strings.ToUpper`: letter by letter, so that a letter without one capital (`ß`) stays. */
export function upperCase(text: string): string {
  return mapLetters(text, (char) => char.toUpperCase());
}

/** Go's `strings.ToLower`. */
export function lowerCase(text: string): string {
  return mapLetters(text, (char) => char.toLowerCase());
}

function mapLetters(text: string, map: (char: string) => string): string {
  let out = '';
  for (const char of text) {
    const mapped = map(char);
    const one = mapped.length === 1 || (mapped.length === 2 && mapped.codePointAt(0)! > 0xffff);
    out += one ? mapped : char;
  }
  return out;
}

/** Go's deprecated but exact `strings.Title`: every letter behind a separator becomes a capital, the rest stays. */
export function titleWords(text: string): string {
  let previous = ' ';
  let out = '';
  for (const char of text) {
    out += isSeparator(previous) ? upperCase(char) : char;
    previous = char;
  }
  return out;
}

function isSeparator(char: string): boolean {
  if (char <= '\x7f') return !/[0-9a-zA-Z_]/.test(char);
  return /\s/u.test(char);
}

/** Title case by words, the rest of each in small letters, as Alertmanager's. */
export function titleCase(text: string): string {
  const word = /[\p{L}\p{M}\p{N}_]+(?:['’.·:][\p{L}\p{M}][\p{L}\p{M}\p{N}_]*)*/gu;
  return text.replace(word, (w) => {
    let started = false;
    let out = '';
    for (const char of w) {
      if (!/\p{L}/u.test(char)) out += char;
      else {
        out += started ? lowerCase(char) : upperCase(char);
        started = true;
      }
    }
    return out;
  });
}

/** What the humanizing functions take: numbers, texts of numbers, durations. @throws Error */
export function toFloat(value: unknown): number {
  if (goType(value) === DURATION) return Number((value as Named).value) / 1e9;
  const plain = primitive(value);
  if (typeof plain === 'number') return plain;
  if (typeof plain === 'bigint') return Number(plain);
  if (typeof plain !== 'string') throw new Error(`can't convert ${typeName(value)} to float`);
  const parsed = parseGoFloat(plain);
  if (parsed === undefined) throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(plain)}: invalid syntax`);
  return parsed;
}

/** Go's `%.4g`. */
export function fourDigits(value: number): string {
  if (value === Infinity) return '+Inf';
  return formatGoFloat(value, 'g', 4);
}

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const;
const LARGE_BINARY = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'] as const;
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'] as const;

function scaleUp(value: number, base: number, prefixes: readonly string[]): [number, string] {
  let prefix = '';
  for (const p of prefixes) {
    if (Math.abs(value) < base) break;
    prefix = p;
    value /= base;
  }
  return [value, prefix];
}

function scaleDown(value: number): [number, string] {
  let prefix = '';
  for (const p of SMALL) {
    if (Math.abs(value) >= 1) break;
    prefix = p;
    value *= 1000;
  }
  return [value, prefix];
}

export function humanize(input: unknown): string {
  const value = toFloat(input);
  if (value === 0 || !Number.isFinite(value)) return fourDigits(value);
  const [scaled, prefix] = Math.abs(value) >= 1 ? scaleUp(value, 1000, LARGE) : scaleDown(value);
  return fourDigits(scaled) + prefix;
}

export function humanize1024(input: unknown): string {
  const value = toFloat(input);
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return fourDigits(value);
  const [scaled, prefix] = scaleUp(value, 1024, LARGE_BINARY);
  return fourDigits(scaled) + prefix;
}

export function humanizeDuration(input: unknown): string {
  const value = toFloat(input);
  if (!Number.isFinite(value)) return fourDigits(value);
  if (value === 0) return `${fourDigits(value)}s`;
  if (Math.abs(value) < 1) {
    const [scaled, prefix] = scaleDown(value);
    return `${fourDigits(scaled)}${prefix}s`;
  }
  const sign = value < 0 ? '-' : '';
  const abs = Math.abs(value);
  const whole = Math.trunc(abs);
  const parts = `${Math.floor(whole / 60) % 60}m ${whole % 60}s`;
  const hours = Math.floor(whole / 3600) % 24;
  const days = Math.floor(whole / 86400);
  if (days !== 0) return `${sign}${days}d ${hours}h ${parts}`;
  if (hours !== 0) return `${sign}${hours}h ${parts}`;
  if (whole >= 60) return `${sign}${parts}`;
  return `${sign}${fourDigits(abs)}s`;
}

export function humanizePercentage(input: unknown): string {
  return `${fourDigits(toFloat(input) * 100)}%`;
}
