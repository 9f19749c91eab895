/**
 * Text to tokens. The words of PromQL depend on where they stand: inside braces nothing is a keyword, inside brackets
 * only durations and their operators are known. Offsets are UTF-16 units.
 */
import { quote } from '@belfry/model';

/** Kinds of tokens. Ranges of numbers matter: see the `is…` functions below. */
export const Token = {
  END: 0,
  ERROR: 1,
  IDENTIFIER: 2,
  METRIC_IDENTIFIER: 3,
  STRING: 4,
  NUMBER: 5,
  DURATION: 6,
  LEFT_PAREN: 7,
  RIGHT_PAREN: 8,
  LEFT_BRACE: 9,
  RIGHT_BRACE: 10,
  LEFT_BRACKET: 11,
  RIGHT_BRACKET: 12,
  COMMA: 13,
  COLON: 14,
  EQUAL: 15,

  ADD: 20,
  SUB: 21,
  MUL: 22,
  DIV: 23,
  MOD: 24,
  POW: 25,
  ATAN2: 26,
  AND: 27,
  OR: 28,
  UNLESS: 29,
  EQUAL_TO: 30,
  NOT_EQUAL: 31,
  LESS: 32,
  LESS_OR_EQUAL: 33,
  GREATER: 34,
  GREATER_OR_EQUAL: 35,
  TRIM_UPPER: 36,
  TRIM_LOWER: 37,
  MATCHES: 38,
  NOT_MATCHES: 39,
  AT: 40,

  AVG: 50,
  BOTTOMK: 51,
  COUNT: 52,
  COUNT_VALUES: 53,
  GROUP: 54,
  MAX: 55,
  MIN: 56,
  QUANTILE: 57,
  STDDEV: 58,
  STDVAR: 59,
  SUM: 60,
  TOPK: 61,
  LIMITK: 62,
  LIMIT_RATIO: 63,

  BOOL: 70,
  BY: 71,
  GROUP_LEFT: 72,
  GROUP_RIGHT: 73,
  IGNORING: 74,
  OFFSET: 75,
  ON: 76,
  WITHOUT: 77,
  ANCHORED: 78,
  SMOOTHED: 79,
  FILL: 80,
  FILL_LEFT: 81,
  FILL_RIGHT: 82,

  START: 90,
  ENDING: 91,
  STEP: 92,
  RANGE: 93,
  MIN_OF: 94,
  MAX_OF: 95,
} as const;

export const isOperator = (type: number): boolean => type >= 20 && type < 50;
export const isAggregator = (type: number): boolean => type >= 50 && type < 70;
export const isKeyword = (type: number): boolean => type >= 70 && type < 90;
/** Words that name a moment or a length of the query; also the names of functions. */
export const isPreprocessor = (type: number): boolean => type >= 90;

const WORDS: ReadonlyMap<string, number> = new Map([
  ['and', Token.AND],
  ['or', Token.OR],
  ['unless', Token.UNLESS],
  ['atan2', Token.ATAN2],
  ['sum', Token.SUM],
  ['avg', Token.AVG],
  ['count', Token.COUNT],
  ['min', Token.MIN],
  ['max', Token.MAX],
  ['group', Token.GROUP],
  ['stddev', Token.STDDEV],
  ['stdvar', Token.STDVAR],
  ['topk', Token.TOPK],
  ['bottomk', Token.BOTTOMK],
  ['count_values', Token.COUNT_VALUES],
  ['quantile', Token.QUANTILE],
  ['limitk', Token.LIMITK],
  ['limit_ratio', Token.LIMIT_RATIO],
  ['offset', Token.OFFSET],
  ['smoothed', Token.SMOOTHED],
  ['anchored', Token.ANCHORED],
  ['by', Token.BY],
  ['without', Token.WITHOUT],
  ['on', Token.ON],
  ['ignoring', Token.IGNORING],
  ['group_left', Token.GROUP_LEFT],
  ['group_right', Token.GROUP_RIGHT],
  ['fill', Token.FILL],
  ['fill_left', Token.FILL_LEFT],
  ['fill_right', Token.FILL_RIGHT],
  ['bool', Token.BOOL],
  ['start', Token.START],
  ['end', Token.ENDING],
  ['step', Token.STEP],
  ['range', Token.RANGE],
  ['min_of', Token.MIN_OF],
  ['max_of', Token.MAX_OF],
  ['inf', Token.NUMBER],
  ['nan', Token.NUMBER],
]);
const LONGEST_WORD = 12;

/** Tokens in order, comments left out. The last one is END or, with `message`, ERROR: nothing is read beyond a fault. */
export interface Tokens {
  readonly types: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly message: string;
}

interface Lexer {
  readonly text: string;
  readonly types: number[];
  readonly starts: number[];
  readonly ends: number[];
  /** Where the next character stands, and where the token under way began. */
  at: number;
  start: number;
  parenDepth: number;
  inBraces: boolean;
  inBrackets: boolean;
  /** Brackets just opened, or an operator in them just read: only a duration or its operators may follow. */
  inDuration: boolean;
  gotColon: boolean;
  gotDuration: boolean;
  message: string;
  done: boolean;
}

/** Never throws: a fault is the last token. */
export function tokenize(text: string): Tokens {
  const lexer: Lexer = {
    text,
    types: [],
    starts: [],
    ends: [],
    at: 0,
    start: 0,
    parenDepth: 0,
    inBraces: false,
    inBrackets: false,
    inDuration: false,
    gotColon: false,
    gotDuration: false,
    message: '',
    done: false,
  };
  while (!lexer.done) {
    skipBlank(lexer);
    if (lexer.inDuration) lexDuration(lexer);
    else if (lexer.inBraces) lexInBraces(lexer);
    else lexStatement(lexer);
  }
  return lexer;
}

function emit(lexer: Lexer, type: number, end: number): undefined {
  lexer.types.push(type);
  lexer.starts.push(lexer.start);
  lexer.ends.push(end);
  lexer.at = end;
  lexer.start = end;
}

function fail(lexer: Lexer, message: string, start = lexer.start): undefined {
  lexer.message = message;
  lexer.done = true;
  lexer.types.push(Token.ERROR);
  lexer.starts.push(start);
  lexer.ends.push(lexer.text.length);
}

function skipBlank(lexer: Lexer): undefined {
  const { text } = lexer;
  let at = lexer.at;
  for (;;) {
    const c = text.charCodeAt(at);
    if (isSpace(c)) at++;
    else if (c === 35 && !lexer.inDuration) {
      while (at < text.length && text.charCodeAt(at) !== 10 && text.charCodeAt(at) !== 13) at++;
    } else break;
  }
  lexer.at = at;
  lexer.start = at;
}

const PUNCTUATION: Readonly<Record<string, number>> = {
  ',': Token.COMMA,
  '*': Token.MUL,
  '/': Token.DIV,
  '%': Token.MOD,
  '+': Token.ADD,
  '-': Token.SUB,
  '^': Token.POW,
  '@': Token.AT,
};

function lexStatement(lexer: Lexer): undefined {
  const { text, at } = lexer;
  if (at >= text.length) return lexEnd(lexer);
  const c = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  if (isAlpha(c) || c === 58) return lexer.inBrackets ? lexWordInBrackets(lexer, c) : lexWord(lexer);
  if (isDigit(c) || (c === 46 && isDigit(next))) return lexNumberOrDuration(lexer);
  switch (text[at]) {
    case '(':
    case ')':
      return lexParenthesis(lexer, c);
    case '{':
      lexer.inBraces = true;
      return emit(lexer, Token.LEFT_BRACE, at + 1);
    case '[':
      if (lexer.inBrackets) return fail(lexer, "unexpected left bracket '['");
      lexer.gotColon = false;
      lexer.gotDuration = false;
      lexer.inBrackets = true;
      lexer.inDuration = true;
      return emit(lexer, Token.LEFT_BRACKET, at + 1);
    case ']':
      if (!lexer.inBrackets) return fail(lexer, "unexpected right bracket ']'");
      lexer.inBrackets = false;
      return emit(lexer, Token.RIGHT_BRACKET, at + 1);
    case '"':
    case "'":
    case '`':
      return lexString(lexer);
    case '=':
      if (next === 61) return emit(lexer, Token.EQUAL_TO, at + 2);
      if (next === 126) return fail(lexer, "unexpected character after '=': '~'");
      return emit(lexer, Token.EQUAL, at + 1);
    case '!':
      if (next === 61) return emit(lexer, Token.NOT_EQUAL, at + 2);
      return fail(lexer, `unexpected character after '!': ${quoteCharAt(text, at + 1)}`);
    case '<':
      if (next === 61) return emit(lexer, Token.LESS_OR_EQUAL, at + 2);
      if (next === 47) return emit(lexer, Token.TRIM_UPPER, at + 2);
      return emit(lexer, Token.LESS, at + 1);
    case '>':
      if (next === 61) return emit(lexer, Token.GREATER_OR_EQUAL, at + 2);
      if (next === 47) return emit(lexer, Token.TRIM_LOWER, at + 2);
      return emit(lexer, Token.GREATER, at + 1);
  }
  const type = PUNCTUATION[text[at]!];
  if (type === undefined) return fail(lexer, `unexpected character: ${quoteCharAt(text, at)}`);
  emit(lexer, type, at + 1);
}

function lexEnd(lexer: Lexer): undefined {
  if (lexer.parenDepth !== 0) return fail(lexer, 'unclosed left parenthesis');
  if (lexer.inBrackets) return fail(lexer, 'unclosed left bracket');
  emit(lexer, Token.END, lexer.at);
  lexer.done = true;
}

function lexParenthesis(lexer: Lexer, c: number): undefined {
  const end = lexer.at + 1;
  if (c === 40) {
    lexer.parenDepth++;
    return emit(lexer, Token.LEFT_PAREN, end);
  }
  lexer.parenDepth--;
  if (lexer.parenDepth < 0) return fail(lexer, "unexpected right parenthesis ')'", end);
  emit(lexer, Token.RIGHT_PAREN, end);
}

function lexWord(lexer: Lexer): undefined {
  const { text, start } = lexer;
  let end = start;
  let hasColon = false;
  for (; ; end++) {
    const c = text.charCodeAt(end);
    if (c === 58) hasColon = true;
    else if (!isAlpha(c) && !isDigit(c)) break;
  }
  if (hasColon) return emit(lexer, Token.METRIC_IDENTIFIER, end);
  const type = end - start <= LONGEST_WORD ? WORDS.get(text.slice(start, end).toLowerCase()) : undefined;
  if (type === undefined) return emit(lexer, Token.IDENTIFIER, end);
  // A metric may be called «fill»: the word is a modifier only before a parenthesis.
  if (type >= Token.FILL && type <= Token.FILL_RIGHT && !parenthesisFollows(text, end)) {
    return emit(lexer, Token.IDENTIFIER, end);
  }
  emit(lexer, type, end);
}

function parenthesisFollows(text: string, at: number): boolean {
  while (isSpace(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === 40;
}

function lexWordInBrackets(lexer: Lexer, c: number): undefined {
  if (c === 58) return lexColon(lexer, "unexpected colon ':'", lexer.at);
  if (!lexDurationWord(lexer)) {
    fail(lexer, `unexpected character: ${quoteCharAt(lexer.text, lexer.at)}, expected ':'`);
  }
}

function lexColon(lexer: Lexer, repeated: string, faultAt: number): undefined {
  if (lexer.gotColon) return fail(lexer, repeated, faultAt);
  lexer.gotColon = true;
  emit(lexer, Token.COLON, lexer.at + 1);
}

function lexDurationWord(lexer: Lexer): boolean {
  const { text, at } = lexer;
  let end = at;
  while (isAlpha(text.charCodeAt(end))) end++;
  const type = end - at <= LONGEST_WORD ? WORDS.get(text.slice(at, end).toLowerCase()) : undefined;
  if (type === undefined || type < Token.STEP) return false;
  lexer.gotDuration = true;
  emit(lexer, type, end);
  return true;
}

function lexDuration(lexer: Lexer): undefined {
  const { text, at } = lexer;
  if (at >= text.length) return fail(lexer, 'unexpected end of input in duration expression');
  const c = text.charCodeAt(at);
  if (isDigit(c) || (c === 46 && isDigit(text.charCodeAt(at + 1)))) {
    lexer.gotDuration = true;
    lexer.inDuration = false;
    return lexNumberOrDuration(lexer);
  }
  switch (text[at]) {
    case ']':
      lexer.inBrackets = false;
      lexer.inDuration = false;
      return emit(lexer, Token.RIGHT_BRACKET, at + 1);
    case ':':
      if (!lexer.gotDuration) return fail(lexer, 'unexpected colon before duration in duration expression', at + 1);
      return lexColon(lexer, 'unexpected repeated colon in duration expression', at + 1);
    case '(':
    case ')':
      return lexParenthesis(lexer, c);
    case '@':
      break;
    default: {
      const type = PUNCTUATION[text[at]!];
      if (type !== undefined) return emit(lexer, type, at + 1);
      if (isAlpha(c) && lexDurationWord(lexer)) return;
    }
  }
  fail(lexer, `unexpected character in duration expression: ${quoteCharAt(text, at)}`);
}

function lexInBraces(lexer: Lexer): undefined {
  const { text, at } = lexer;
  if (at >= text.length) return fail(lexer, 'unexpected end of input inside braces');
  const c = text.charCodeAt(at);
  if (isAlpha(c)) {
    let end = at + 1;
    while (isAlpha(text.charCodeAt(end)) || isDigit(text.charCodeAt(end))) end++;
    return emit(lexer, Token.IDENTIFIER, end);
  }
  const next = text.charCodeAt(at + 1);
  switch (text[at]) {
    case ',':
      return emit(lexer, Token.COMMA, at + 1);
    case '"':
    case "'":
    case '`':
      return lexString(lexer);
    case '=':
      return next === 126 ? emit(lexer, Token.MATCHES, at + 2) : emit(lexer, Token.EQUAL, at + 1);
    case '!':
      if (next === 126) return emit(lexer, Token.NOT_MATCHES, at + 2);
      if (next === 61) return emit(lexer, Token.NOT_EQUAL, at + 2);
      return fail(lexer, `unexpected character after '!' inside braces: ${quoteCharAt(text, at + 1)}`);
    case '{':
      return fail(lexer, "unexpected left brace '{'");
    case '}':
      lexer.inBraces = false;
      return emit(lexer, Token.RIGHT_BRACE, at + 1);
  }
  fail(lexer, `unexpected character inside braces: ${quoteCharAt(text, at)}`);
}

function lexString(lexer: Lexer): undefined {
  const { text, at } = lexer;
  const open = text.charCodeAt(at);
  const raw = open === 96;
  for (let i = at + 1; ; i++) {
    if (i >= text.length) return fail(lexer, raw ? 'unterminated raw string' : 'unterminated quoted string');
    const c = text.charCodeAt(i);
    if (c === open) return emit(lexer, Token.STRING, i + 1);
    if (c === 0xfffd || (c >= 0xd800 && c < 0xe000)) {
      if (!isPairAt(text, i)) return fail(lexer, 'invalid UTF-8 rune');
      i++;
    } else if (!raw && c === 10) return fail(lexer, 'unterminated quoted string');
    else if (!raw && c === 92) {
      const end = checkEscape(text, i + 1, open);
      if (typeof end === 'string') return fail(lexer, end);
      i = end - 1;
    }
  }
}

const SIMPLE_ESCAPES = 'abfnrtv\\';

/** Where the escape sequence after a backslash ends, or what is wrong with it. */
function checkEscape(text: string, at: number, open: number): number | string {
  if (at >= text.length) return 'escape sequence not terminated';
  const c = text.charCodeAt(at);
  if (c === open || SIMPLE_ESCAPES.includes(text[at]!)) return at + 1;
  const hexLength = c === 120 ? 2 : c === 117 ? 4 : c === 85 ? 8 : 0;
  const isOctal = c >= 48 && c <= 55;
  if (hexLength === 0 && !isOctal) return `unknown escape sequence ${describeCharAt(text, at)}`;
  const base = isOctal ? 8 : 16;
  const from = isOctal ? at : at + 1;
  const end = from + (isOctal ? 3 : hexLength);
  let value = 0;
  for (let i = from; i < end; i++) {
    if (i >= text.length) return 'escape sequence not terminated';
    const digit = Number.parseInt(text[i]!, base);
    if (Number.isNaN(digit)) return `illegal character ${describeCharAt(text, i)} in escape sequence`;
    value = value * base + digit;
  }
  const greatest = isOctal || hexLength === 2 ? 0xff : 0x10ffff;
  if (value > greatest || (value >= 0xd800 && value < 0xe000)) {
    return 'escape sequence is an invalid Unicode code point';
  }
  return end;
}

function lexNumberOrDuration(lexer: Lexer): undefined {
  const { text, start } = lexer;
  const number = scanNumber(text, start);
  if (number.valid) return emit(lexer, Token.NUMBER, number.end);
  const duration = scanRestOfDuration(text, number.end);
  if (duration.valid) return emit(lexer, Token.DURATION, duration.end);
  fail(lexer, `bad number or duration syntax: ${quote(text.slice(start, duration.end))}`);
}

interface Scan {
  readonly valid: boolean;
  readonly end: number;
}

/** As far as the text looks like a number. What is not one after all may be the beginning of a duration. */
function scanNumber(text: string, start: number): Scan {
  let at = start;
  let hex = false;
  if (text[at] === '0') {
    at++;
    if (text[at] === 'x' || text[at] === 'X') {
      hex = true;
      at++;
      if (text[at] === '_') at++;
    }
  }
  const isOneOf = (set: string) => at < text.length && set.includes(text[at]!);
  const isNumeral = () => (hex ? isHexDigit(text.charCodeAt(at)) : isDigit(text.charCodeAt(at)));
  if (text[at] === '.') at++;
  if (isNumeral()) at++;
  let dot = false;
  let exponent = false;
  while (isNumeral() || isOneOf('._eE')) {
    if (text[at] === '.') {
      at++;
      if (dot || hex || isOneOf('_.')) return { valid: false, end: at };
      dot = true;
    } else if (isOneOf('eE')) {
      at++;
      if (exponent) return { valid: false, end: at };
      exponent = true;
      if (isOneOf('+-')) at++;
      if (at >= text.length || isOneOf('._eE')) return { valid: false, end: Math.min(at + 1, text.length) };
    } else if (text[at] === '_') {
      at++;
      if (at >= text.length || isOneOf('._eE')) return { valid: false, end: Math.min(at + 1, text.length) };
    } else while (isNumeral()) at++;
  }
  const c = text.charCodeAt(at);
  return { valid: at > start && !isAlpha(c) && !isDigit(c), end: at };
}

function scanRestOfDuration(text: string, from: number): Scan {
  let at = from;
  const accept = (set: string) => {
    if (at >= text.length || !set.includes(text[at]!)) return false;
    at++;
    return true;
  };
  if (!accept('smhdwy')) return { valid: false, end: at };
  // Units are judged later: here `ms` and the nonsense `hs` pass alike.
  accept('s');
  while (isDigit(text.charCodeAt(at))) {
    while (isDigit(text.charCodeAt(at))) at++;
    if (!accept('smhdw')) return { valid: false, end: at };
    accept('s');
  }
  const c = text.charCodeAt(at);
  return isAlpha(c) || isDigit(c) ? { valid: false, end: at + 1 } : { valid: true, end: at };
}

const isSpace = (c: number): boolean => c === 32 || c === 10 || c === 9 || c === 13;
const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isHexDigit = (c: number): boolean => isDigit(c) || (c >= 97 && c <= 102) || (c >= 65 && c <= 70);
const isAlpha = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95;

function isPairAt(text: string, at: number): boolean {
  const low = text.charCodeAt(at + 1);
  const high = text.charCodeAt(at);
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
}

/** The character in single quotes, as Go's `%q` shows a rune. Past the end and for half characters: U+FFFD. */
function quoteCharAt(text: string, at: number): string {
  const char = charAt(text, at);
  if (char === "'") return "'\\''";
  if (char === '"') return `'"'`;
  return `'${quote(char).slice(1, -1)}'`;
}

/** As Go's `%#U` shows a rune: `U+0063 'c'`. */
function describeCharAt(text: string, at: number): string {
  const char = charAt(text, at);
  const code = char.codePointAt(0)!;
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return code < 0x20 || code === 0x7f ? number : `${number} '${char}'`;
}

function charAt(text: string, at: number): string {
  if (at >= text.length) return '\ufffd';
  const char = String.fromCodePoint(text.codePointAt(at)!);
  return char.isWellFormed() ? char : '\ufffd';
}

/**
 * The text that a string token stands for: Go's escapes, raw between backquotes. Bytes that do not make up UTF-8
 * (`\xff`) become U+FFFD, since labels are text here.
 */
export function unquote(token: string): string {
  const body = token.slice(1, -1);
  if (token[0] === '`' || !body.includes('\\')) return body;
  const parts: (string | number)[] = [];
  for (let i = 0; i < body.length; ) {
    const slash = body.indexOf('\\', i);
    if (slash === -1) {
      parts.push(body.slice(i));
      break;
    }
    if (slash > i) parts.push(body.slice(i, slash));
    i = readEscape(body, slash + 1, parts);
  }
  if (!parts.some((p) => typeof p === 'number' && p >= 0x80)) {
    return parts.map((p) => (typeof p === 'number' ? String.fromCharCode(p) : p)).join('');
  }
  return Buffer.concat(parts.map((p) => (typeof p === 'number' ? Buffer.of(p) : Buffer.from(p)))).toString('utf8');
}

const ESCAPED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Appends what the escape stands for (numbers are bytes) and returns where it ends. */
function readEscape(body: string, at: number, parts: (string | number)[]): number {
  const c = body[at]!;
  if (c >= '0' && c <= '7') {
    parts.push(Number.parseInt(body.slice(at, at + 3), 8));
    return at + 3;
  }
  if (c === 'x') {
    parts.push(Number.parseInt(body.slice(at + 1, at + 3), 16));
    return at + 3;
  }
  if (c === 'u' || c === 'U') {
    const end = at + (c === 'u' ? 5 : 9);
    parts.push(String.fromCodePoint(Number.parseInt(body.slice(at + 1, end), 16)));
    return end;
  }
  parts.push(ESCAPED[c] ?? c);
  return at + 1;
}
