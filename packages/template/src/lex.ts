export type TokenKind =
  | 'error'
  | 'eof'
  | 'text'
  | 'left-delim'
  | 'right-delim'
  | 'space'
  | 'pipe'
  | 'left-paren'
  | 'right-paren'
  | 'assign'
  | 'declare'
  | 'char'
  | 'string'
  | 'raw-string'
  | 'char-constant'
  | 'number'
  | 'bool'
  | 'nil'
  | 'dot'
  | 'field'
  | 'variable'
  | 'identifier'
  | Keyword;

export type Keyword = 'block' | 'break' | 'continue' | 'define' | 'else' | 'end' | 'if' | 'range' | 'template' | 'with';

export interface Token {
  readonly kind: TokenKind;
  readonly pos: number;
  readonly text: string;
  readonly line: number;
}

const KEYWORDS: ReadonlySet<string> = new Set<Keyword>([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

export function isKeyword(kind: TokenKind): kind is Keyword {
  return KEYWORDS.has(kind);
}

const LEFT = '{{';
const RIGHT = '}}';
/** `- ` after the opening, ` -` before the closing delimiter. */
const TRIM_LENGTH = 2;

const ALPHANUMERIC = /[\p{L}\p{Nd}_]/u;

/**
 * Splits a template into tokens, as Go's lexer does: an error is a token too, the last one. Runs in one pass.
 * `names` tells which of `break` and `continue` are functions of the host, and so no keywords.
 */
export function lex(input: string, functionNames: ReadonlySet<string>): Token[] {
  const tokens: Token[] = [];
  let pos = 0;
  let line = 1;
  let countedTo = 0;
  const lineAt = (offset: number): number => {
    for (; countedTo < offset; countedTo++) if (input.charCodeAt(countedTo) === 10) line++;
    return line;
  };
  const emit = (kind: TokenKind, start: number, end: number) => {
    tokens.push({ kind, pos: start, text: input.slice(start, end), line: lineAt(start) });
  };
  const fail = (message: string, start: number): Token[] => {
    tokens.push({ kind: 'error', pos: start, text: message, line: lineAt(start) });
    return tokens;
  };

  while (pos < input.length) {
    const open = input.indexOf(LEFT, pos);
    if (open < 0) {
      emit('text', pos, input.length);
      pos = input.length;
      break;
    }
    const trimsLeft = input[open + 2] === '-' && isSpace(input[open + 3]);
    const textEnd = trimsLeft ? trimEnd(input, pos, open) : open;
    if (textEnd > pos) emit('text', pos, textEnd);
    pos = open;
    const afterMarker = open + LEFT.length + (trimsLeft ? TRIM_LENGTH : 0);
    if (input.startsWith('/*', afterMarker)) {
      const close = input.indexOf('*/', afterMarker + 2);
      if (close < 0) return fail('unclosed comment', open);
      const end = rightDelimiterAt(input, close + 2);
      if (!end) return fail('comment ends before closing delimiter', open);
      pos = close + 2 + end.length;
      if (end.trims) pos = trimStart(input, pos);
      continue;
    }
    emit('left-delim', open, open + 2);
    const after = lexAction(input, afterMarker, functionNames, emit, fail);
    if (after === undefined) return tokens;
    pos = after;
  }
  tokens.push({ kind: 'eof', pos: input.length, text: '', line: lineAt(input.length) });
  return tokens;
}

type Emit = (kind: TokenKind, start: number, end: number) => void;
type Fail = (message: string, start: number) => Token[];

/** From behind the opening delimiter to behind the closing one; nothing after an error. */
function lexAction(
  input: string,
  start: number,
  functionNames: ReadonlySet<string>,
  emit: Emit,
  fail: Fail,
): number | undefined {
  let pos = start;
  let depth = 0;
  for (;;) {
    const end = rightDelimiterAt(input, pos);
    if (end) {
      if (depth !== 0) return void fail('unclosed left paren', pos);
      emit('right-delim', pos + end.length - 2, pos + end.length);
      pos += end.length;
      return end.trims ? trimStart(input, pos) : pos;
    }
    const char = codePoint(input, pos);
    if (char === '') return void fail('unclosed action', pos);
    if (isSpace(char)) {
      let to = pos;
      // A blank that begins a trimming delimiter belongs to that one.
      while (isSpace(input[to]) && !(to > pos && rightDelimiterAt(input, to)?.trims)) to++;
      emit('space', pos, to);
      pos = to;
      continue;
    }
    if (char === ')' && --depth < 0) return void fail('unexpected right paren', pos);
    const next = lexOne(input, pos, char, functionNames, emit, fail);
    if (next === undefined) return undefined;
    if (char === '(') depth++;
    pos = next;
  }
}

const SINGLE: Readonly<Record<string, TokenKind>> = {
  '=': 'assign',
  '|': 'pipe',
  '(': 'left-paren',
  ')': 'right-paren',
};

function lexOne(
  input: string,
  pos: number,
  char: string,
  functionNames: ReadonlySet<string>,
  emit: Emit,
  fail: Fail,
): number | undefined {
  const single = SINGLE[char];
  if (single) {
    emit(single, pos, pos + 1);
    return pos + 1;
  }
  if (char === ':') {
    if (input[pos + 1] !== '=') return void fail('expected :=', pos);
    emit('declare', pos, pos + 2);
    return pos + 2;
  }
  if (char === '"' || char === "'") return lexQuoted(input, pos, char, emit, fail);
  if (char === '`') {
    const close = input.indexOf('`', pos + 1);
    if (close < 0) return void fail('unterminated raw quoted string', pos);
    emit('raw-string', pos, close + 1);
    return close + 1;
  }
  const next = input[pos + 1] ?? '';
  if (char === '$' || (char === '.' && !/[0-9]/.test(next))) return lexFieldOrVariable(input, pos, char, emit, fail);
  if (/[.+\-0-9]/.test(char)) return lexNumber(input, pos, emit, fail);
  if (ALPHANUMERIC.test(char)) return lexWord(input, pos, functionNames, emit, fail);
  if (/^[\x20-\x7e]$/.test(char)) {
    emit('char', pos, pos + 1);
    return pos + 1;
  }
  return void fail(`unrecognized character in action: ${unicodeName(char)}`, pos);
}

function lexQuoted(input: string, start: number, quote: string, emit: Emit, fail: Fail): number | undefined {
  for (let i = start + 1; i < input.length; i++) {
    const c = input[i]!;
    if (c === '\\' && i + 1 < input.length && input[i + 1] !== '\n') i++;
    else if (c === '\n' || c === '\\') break;
    else if (c === quote) {
      emit(quote === '"' ? 'string' : 'char-constant', start, i + 1);
      return i + 1;
    }
  }
  return void fail(quote === '"' ? 'unterminated quoted string' : 'unterminated character constant', start);
}

function lexFieldOrVariable(input: string, start: number, char: string, emit: Emit, fail: Fail): number | undefined {
  if (isTerminated(input, start + 1)) {
    emit(char === '$' ? 'variable' : 'dot', start, start + 1);
    return start + 1;
  }
  const end = wordEnd(input, start + 1);
  if (!isTerminated(input, end)) return void fail(`bad character ${unicodeName(codePoint(input, end))}`, start);
  emit(char === '$' ? 'variable' : 'field', start, end);
  return end;
}

function lexWord(
  input: string,
  start: number,
  functionNames: ReadonlySet<string>,
  emit: Emit,
  fail: Fail,
): number | undefined {
  const end = wordEnd(input, start);
  if (!isTerminated(input, end)) return void fail(`bad character ${unicodeName(codePoint(input, end))}`, start);
  const word = input.slice(start, end);
  if (KEYWORDS.has(word) && !((word === 'break' || word === 'continue') && functionNames.has(word))) {
    emit(word as Keyword, start, end);
  } else if (word === 'true' || word === 'false') emit('bool', start, end);
  else if (word === 'nil') emit('nil', start, end);
  else emit('identifier', start, end);
  return end;
}

const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*)(?:\.[0-9a-fA-F_]*)?(?:[eEpP][+-]?[0-9_]*)?i?/y;

function lexNumber(input: string, start: number, emit: Emit, fail: Fail): number | undefined {
  NUMBER.lastIndex = start;
  const text = NUMBER.exec(input)?.[0] ?? '';
  const end = start + text.length;
  const follower = codePoint(input, end);
  if (text === '' || (follower !== '' && ALPHANUMERIC.test(follower))) {
    return void fail(`bad number syntax: ${JSON.stringify(input.slice(start, end) + follower)}`, start);
  }
  emit('number', start, end);
  return end;
}

function wordEnd(input: string, start: number): number {
  let end = start;
  for (;;) {
    const char = codePoint(input, end);
    if (char === '' || !ALPHANUMERIC.test(char)) return end;
    end += char.length;
  }
}

function isTerminated(input: string, pos: number): boolean {
  const char = input[pos];
  return char === undefined || isSpace(char) || '.,|:()'.includes(char) || input.startsWith(RIGHT, pos);
}

function rightDelimiterAt(input: string, pos: number): { length: number; trims: boolean } | undefined {
  if (input.startsWith(RIGHT, pos)) return { length: 2, trims: false };
  if (isSpace(input[pos]) && input[pos + 1] === '-' && input.startsWith(RIGHT, pos + TRIM_LENGTH)) {
    return { length: 4, trims: true };
  }
  return undefined;
}

function isSpace(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\n';
}

function trimEnd(input: string, from: number, to: number): number {
  while (to > from && isSpace(input[to - 1])) to--;
  return to;
}

function trimStart(input: string, from: number): number {
  while (from < input.length && isSpace(input[from])) from++;
  return from;
}

function codePoint(input: string, pos: number): string {
  const code = input.codePointAt(pos);
  return code === undefined ? '' : String.fromCodePoint(code);
}

/** Go's `%#U`. */
function unicodeName(char: string): string {
  if (char === '') return 'U+FFFFFFFFFFFFFFFF';
  const name = `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char) ? `${name} '${char}'` : name;
}
