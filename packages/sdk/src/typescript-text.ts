/** Values as TypeScript, in the house's format: two spaces, single quotes, trailing commas, 120 columns. */

/** Text that is TypeScript already. */
export interface Code {
  readonly kind: 'typescript-code';
  readonly text: string;
}

export function code(text: string): Code {
  return { kind: 'typescript-code', text };
}

const WIDTH = 120;
const IDENTIFIER = /^[a-zA-Z_$][\w$]*$/;

/** `value` as it stands behind `column` other characters in a line that is indented by `indent` spaces. */
export function typescriptText(value: unknown, indent = 0, column = indent): string {
  if (isCode(value)) return value.text.replaceAll('\n', `\n${' '.repeat(indent)}`);
  if (typeof value === 'string') return stringText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const flat = flatText(value);
  if (flat !== undefined && column + flat.length + 1 <= WIDTH) return flat;
  const inner = indent + 2;
  const pad = ' '.repeat(inner);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const items = value.map((item) => `${pad}${typescriptText(item, inner)},\n`);
    return `[\n${items.join('')}${' '.repeat(indent)}]`;
  }
  const entries = entriesOf(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, item]) => {
    if (isNamesake(key, item)) return `${pad}${key},\n`;
    const head = `${pad}${keyText(key)}: `;
    return `${head}${typescriptText(item, inner, head.length)},\n`;
  });
  return `{\n${lines.join('')}${' '.repeat(indent)}}`;
}

/** In one line; nothing where a part needs several. */
function flatText(value: unknown): string | undefined {
  if (isCode(value)) return value.text.includes('\n') ? undefined : value.text;
  if (typeof value !== 'object' || value === null) return typescriptText(value);
  const parts = Array.isArray(value)
    ? value.map(flatText)
    : entriesOf(value).map(([key, item]) => {
        if (isNamesake(key, item)) return key;
        const text = flatText(item);
        return text === undefined ? undefined : `${keyText(key)}: ${text}`;
      });
  if (parts.includes(undefined)) return undefined;
  if (Array.isArray(value)) return `[${parts.join(', ')}]`;
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== undefined);
}

/** A property that has the name of the value it is given. */
function isNamesake(key: string, item: unknown): boolean {
  return isCode(item) && item.text === key;
}

function isCode(value: unknown): value is Code {
  return typeof value === 'object' && value !== null && (value as Code).kind === 'typescript-code';
}

function keyText(key: string): string {
  if (key === '__proto__') return `['__proto__']`;
  return IDENTIFIER.test(key) ? key : stringText(key);
}

export function stringText(value: string): string {
  const escaped = JSON.stringify(value);
  if (value.includes("'") && !value.includes('"')) return escaped;
  return `'${escaped.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** What stands between backticks for this text. */
export function templateText(value: string): string {
  return value.replace(/[\\`]|\$(?=\{)/g, '\\$&');
}
