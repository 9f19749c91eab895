import { BelfryError, type Matcher, type MatchOperator } from '@belfry/model';

interface Token {
  readonly kind: '{' | '}' | ',' | 'operator' | 'quoted' | 'unquoted' | 'end';
  readonly text: string;
  readonly value: string;
  readonly column: number;
}

/**
 * The UTF-8 syntax of Alertmanager 0.27: names and values quoted as in Go, or unquoted without the characters
 * ``{}!=~,\"'` `` and white space; braces optional, a trailing comma allowed.
 * @throws BelfryError `bad_data`, with the column
 */
export function parseUtf8Matchers(input: string): Matcher[] {
  const tokens = tokenize(input);
  let at = 0;
  const fail = (token: Token, expected: string): never => {
    const found = token.kind === 'end' ? 'end of input' : `unexpected ${token.text}`;
    throw new BelfryError('bad_data', `${found} at column ${token.column} of ${JSON.stringify(input)}: ${expected}`);
  };
  const matchers: Matcher[] = [];
  const braced = tokens[at]!.kind === '{';
  if (braced) at++;
  while (tokens[at]!.kind === 'quoted' || tokens[at]!.kind === 'unquoted') {
    const name = tokens[at++]!;
    const op = tokens[at]!;
    if (op.kind !== 'operator') fail(op, "expected an operator such as '=', '!=', '=~' or '!~'");
    const value = tokens[++at]!;
    if (value.kind !== 'quoted' && value.kind !== 'unquoted') fail(value, 'expected label value');
    matchers.push({ name: name.value, op: op.text as MatchOperator, value: value.value });
    at++;
    if (tokens[at]!.kind !== ',') break;
    at++;
    const next = tokens[at]!.kind;
    if (next !== 'quoted' && next !== 'unquoted' && next !== '}' && next !== 'end') {
      fail(tokens[at]!, 'expected a matcher or close brace after comma');
    }
  }
  if (braced) {
    if (tokens[at]!.kind !== '}')
      fail(tokens[at]!, matchers.length > 0 ? 'expected a comma or close brace' : 'expected label name');
    at++;
  } else if (tokens[at]!.kind === '}') fail(tokens[at]!, 'expected opening brace');
  if (tokens[at]!.kind !== 'end')
    fail(tokens[at]!, matchers.length > 0 ? 'expected a comma or end of input' : 'expected label name');
  return matchers;
}

const SPACE = /\s/;
const UNQUOTED = /[^\s{}!=~,\\"'`]+/y;
const OPERATOR = /=~|!=|!~|=/y;

function tokenize(input: string): Token[] {
  const tokens: Token[] = [];
  let i = 0;
  while (i < input.length) {
    const char = input[i]!;
    const column = i + 1;
    if (SPACE.test(char)) {
      i++;
      continue;
    }
    let text: string;
    if (char === '{' || char === '}' || char === ',') {
      text = char;
      tokens.push({ kind: char, text, value: text, column });
    } else if (char === '"') {
      text = quotedAt(input, i);
      tokens.push({ kind: 'quoted', text, value: unquoteGo(text, column), column });
    } else {
      OPERATOR.lastIndex = UNQUOTED.lastIndex = i;
      const operator = OPERATOR.exec(input);
      text = operator?.[0] ?? UNQUOTED.exec(input)?.[0] ?? '';
      if (text === '')
        throw new BelfryError('bad_data', `unexpected ${char} at column ${column} of ${JSON.stringify(input)}`);
      tokens.push({ kind: operator ? 'operator' : 'unquoted', text, value: text, column });
    }
    i += text.length;
  }
  tokens.push({ kind: 'end', text: '', value: '', column: input.length + 1 });
  return tokens;
}

function quotedAt(input: string, start: number): string {
  for (let i = start + 1; i < input.length; i++) {
    if (input[i] === '\\') i++;
    else if (input[i] === '"') return input.slice(start, i + 1);
  }
  throw new BelfryError('bad_data', `missing end " for the quote at column ${start + 1} of ${JSON.stringify(input)}`);
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;

/** Go's `strconv.Unquote` of a double-quoted string; bytes from \x escapes must together be UTF-8. */
function unquoteGo(text: string, column: number): string {
  const fail = () => new BelfryError('bad_data', `invalid quoted text at column ${column}: ${text}`);
  const body = text.slice(1, -1);
  if (body.includes('\n')) throw fail();
  let bytes = false;
  const out = body.replace(ESCAPE, (_all, hex2, hex4, hex8, octal, simple) => {
    if (simple !== undefined) {
      if (SIMPLE_ESCAPES[simple] === undefined) throw fail();
      return SIMPLE_ESCAPES[simple];
    }
    if (hex4 !== undefined || hex8 !== undefined) {
      const code = Number.parseInt(hex4 ?? hex8, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw fail();
      return String.fromCodePoint(code);
    }
    const byte = hex2 !== undefined ? Number.parseInt(hex2, 16) : Number.parseInt(octal, 8);
    if (byte > 0xff) throw fail();
    if (byte > 0x7f) bytes = true;
    return byte > 0x7f ? String.fromCharCode(0xdc00 + byte) : String.fromCharCode(byte);
  });
  return bytes ? joinBytes(out, fail) : out;
}

/** Bytes above 0x7f were put as lone low surrogates, which well-formed text cannot hold. */
function joinBytes(text: string, fail: () => BelfryError): string {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...encoder.encode(char));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    throw fail();
  }
}
