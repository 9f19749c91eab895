const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/y;

/** The value of a Go string or character literal with its quotes; nothing when it is malformed. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0]!;
  const body = literal.slice(1, -1);
  if (mark === '`') return body.replaceAll('\r', '');
  if (!body.includes('\\')) return body;
  // Bytes given by \x and octal escapes make up UTF-8 together, so the text is built of bytes.
  const parts: Buffer[] = [];
  for (let i = 0; i < body.length; ) {
    const backslash = body.indexOf('\\', i);
    if (backslash !== i) {
      const end = backslash < 0 ? body.length : backslash;
      parts.push(Buffer.from(body.slice(i, end)));
      i = end;
      continue;
    }
    ESCAPE.lastIndex = i;
    const match = ESCAPE.exec(body);
    if (!match) return undefined;
    const bytes = escapeBytes(match, mark);
    if (!bytes) return undefined;
    parts.push(bytes);
    i = ESCAPE.lastIndex;
  }
  return Buffer.concat(parts).toString('utf8');
}

function escapeBytes(match: RegExpExecArray, mark: string): Buffer | undefined {
  const [, hex, short, long, octal, char] = match;
  if (hex) return Buffer.from([Number.parseInt(hex, 16)]);
  if (octal) return Number.parseInt(octal, 8) > 255 ? undefined : Buffer.from([Number.parseInt(octal, 8)]);
  const code = short ?? long;
  if (code) {
    const point = Number.parseInt(code, 16);
    const valid = point <= 0x10ffff && !(point >= 0xd800 && point < 0xe000);
    return valid ? Buffer.from(String.fromCodePoint(point)) : undefined;
  }
  if (char === mark) return Buffer.from(mark);
  const plain = ESCAPES[char!];
  return plain === undefined ? undefined : Buffer.from(plain);
}
