/**
 * Escaping for HTML by context, after Go's html/template. The literal text of a template drives a small machine that
 * knows what a value would stand in: text, an attribute, a URL, a script, a style; each has its own escaping. Values do
 * not move the machine: escaped, they cannot leave the place that they stand in, and safe HTML is trusted to be whole.
 */
import { escapeHtml } from './builtins.ts';
import { sprint } from './format.ts';
import { goType, type Kind, kindOf, type MapLike, mapGet, mapKeys, primitive } from './value.ts';

export type HtmlState =
  | 'text'
  | 'tag'
  | 'attribute-name'
  | 'after-name'
  | 'before-value'
  | 'value'
  | 'comment'
  | 'raw'
  | 'rcdata';

type AttributeKind = 'plain' | 'url' | 'script' | 'style' | 'srcset';

/** Where in a document the output has come to. Changed in place by {@link feedHtml}. */
export interface HtmlContext {
  state: HtmlState;
  element: string;
  closing: boolean;
  attribute: AttributeKind;
  name: string;
  /** `"`, `'`, or empty for a value without quotes. */
  quote: string;
  /** What of the current value came before. */
  before: string;
  /** Inside of a script or style: the quote of the string that is open, or empty. */
  scriptQuote: string;
}

export function htmlContext(): HtmlContext {
  return {
    state: 'text',
    element: '',
    closing: false,
    attribute: 'plain',
    name: '',
    quote: '',
    before: '',
    scriptQuote: '',
  };
}

const RAW_ELEMENTS: ReadonlySet<string> = new Set(['script', 'style']);
const RCDATA_ELEMENTS: ReadonlySet<string> = new Set(['title', 'textarea']);
const URL_ATTRIBUTES: ReadonlySet<string> = new Set([
  'action',
  'archive',
  'background',
  'cite',
  'classid',
  'codebase',
  'data',
  'formaction',
  'href',
  'icon',
  'longdesc',
  'manifest',
  'poster',
  'profile',
  'src',
  'usemap',
  'xmlns',
]);

function attributeKind(name: string): AttributeKind {
  const plain = name
    .toLowerCase()
    .replace(/^data-/, '')
    .replace(/^.*:/, '');
  if (name.toLowerCase().startsWith('on')) return 'script';
  if (plain === 'style') return 'style';
  if (plain === 'srcset') return 'srcset';
  return URL_ATTRIBUTES.has(plain) || /src|uri|url/.test(plain) ? 'url' : 'plain';
}

/** Takes literal text, moves the machine, and gives back what is to be written: comments are left out. */
export function feedHtml(c: HtmlContext, text: string): string {
  let out = '';
  let i = 0;
  while (i < text.length) {
    const [end, keep] = step(c, text, i);
    if (keep) out += text.slice(i, end);
    i = end;
  }
  return out;
}

/** Handles one stretch from `i`; gives its end, and whether it is written. */
function step(c: HtmlContext, text: string, i: number): [end: number, keep: boolean] {
  switch (c.state) {
    case 'text':
      return stepText(c, text, i);
    case 'comment': {
      const close = text.indexOf('-->', i);
      if (close >= 0) c.state = 'text';
      return [close < 0 ? text.length : close + 3, false];
    }
    case 'raw':
    case 'rcdata':
      return [stepRaw(c, text, i), true];
    case 'tag':
      return [stepTag(c, text, i), true];
    case 'attribute-name': {
      const end = scan(text, i, /[\s=>/]/g);
      c.name += text.slice(i, end);
      if (end < text.length) {
        c.attribute = attributeKind(c.name);
        c.state = 'after-name';
      }
      return [end, true];
    }
    case 'after-name': {
      const end = scan(text, i, /\S/g);
      if (end >= text.length) return [end, true];
      c.state = text[end] === '=' ? 'before-value' : 'tag';
      return [text[end] === '=' ? end + 1 : end, true];
    }
    case 'before-value': {
      const end = scan(text, i, /\S/g);
      if (end >= text.length) return [end, true];
      beginValue(c, text[end] === '"' || text[end] === "'" ? text[end]! : '');
      return [c.quote === '' ? end : end + 1, true];
    }
    case 'value':
      return [stepValue(c, text, i), true];
  }
}

function stepText(c: HtmlContext, text: string, i: number): [end: number, keep: boolean] {
  if (text.startsWith('<!--', i)) {
    c.state = 'comment';
    return [i + 4, false];
  }
  const match = /^<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)/.exec(text.slice(i, i + MAX_ELEMENT_NAME));
  if (match) {
    c.closing = match[1] === '/';
    c.element = match[2]!.toLowerCase();
    c.state = 'tag';
    return [i + match[0].length, true];
  }
  const next = text.indexOf('<', i + 1);
  return [next < 0 ? text.length : next, true];
}

const MAX_ELEMENT_NAME = 64;

function stepTag(c: HtmlContext, text: string, i: number): number {
  const end = scan(text, i, /[^\s/]/g);
  if (end >= text.length) return end;
  if (text[end] === '>') {
    c.state = 'text';
    if (!c.closing && RAW_ELEMENTS.has(c.element)) c.state = 'raw';
    if (!c.closing && RCDATA_ELEMENTS.has(c.element)) c.state = 'rcdata';
    c.scriptQuote = '';
    return end + 1;
  }
  c.state = 'attribute-name';
  c.name = text[end]!;
  return end + 1;
}

function stepRaw(c: HtmlContext, text: string, i: number): number {
  const close = new RegExp(`</${c.element}`, 'gi');
  close.lastIndex = i;
  const found = close.exec(text);
  const end = found ? found.index : text.length;
  trackQuotes(c, text.slice(i, end));
  if (!found) return end;
  c.state = 'text';
  return end;
}

function trackQuotes(c: HtmlContext, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (c.scriptQuote === '') {
      if (char === '"' || char === "'" || char === '`') c.scriptQuote = char;
    } else if (char === '\\') i++;
    else if (char === c.scriptQuote || (char === '\n' && c.scriptQuote !== '`')) c.scriptQuote = '';
  }
}

function beginValue(c: HtmlContext, quote: string): void {
  c.state = 'value';
  c.quote = quote;
  c.before = '';
  c.scriptQuote = '';
}

function stepValue(c: HtmlContext, text: string, i: number): number {
  const end = c.quote === '' ? scan(text, i, /[\s>]/g) : scan(text, i, c.quote === '"' ? /"/g : /'/g);
  c.before += text.slice(i, end);
  trackQuotes(c, text.slice(i, end));
  if (end >= text.length) return end;
  c.state = 'tag';
  return c.quote === '' ? end : end + 1;
}

function scan(text: string, from: number, stop: RegExp): number {
  stop.lastIndex = from;
  return stop.exec(text)?.index ?? text.length;
}

/** A value as it may stand where the machine is now. A value that stands for nothing is empty. */
export function escapeForContext(c: HtmlContext, value: unknown): string {
  const text = textOf(value);
  const content = goType(value)?.content;
  switch (c.state) {
    case 'text':
      return content === 'html' ? text : escapeText(text);
    case 'rcdata':
      return content === 'html' ? normalize(text) : escapeText(text);
    case 'comment':
      return '';
    case 'raw':
      return c.element === 'style' ? cssValue(text, content === 'css') : scriptValue(c, value, text);
    case 'before-value':
      beginValue(c, '');
      return escapeAttribute(c, value, text);
    case 'value':
      return escapeAttribute(c, value, text);
    default:
      // Names of elements and attributes: nothing but a plain name can be harmless.
      return /^[a-zA-Z0-9_-]*$/.test(text) && !/^(on|style|src|href)/i.test(text) ? text : 'ZgotmplZ';
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  const plain = primitive(value);
  return typeof plain === 'string' ? plain : sprint([value]);
}

function escapeText(text: string): string {
  return escapeHtml(text).replaceAll('+', '&#43;');
}

/** Escapes all but ampersands, for text that is HTML already. */
function normalize(text: string): string {
  return text.replace(/["'<>+\0]/g, (char) => (char === '+' ? '&#43;' : escapeHtml(char)));
}

function escapeAttribute(c: HtmlContext, value: unknown, text: string): string {
  const content = goType(value)?.content;
  let inner: string;
  if (c.attribute === 'url') inner = escapeUrl(c.before, text, content === 'url');
  else if (c.attribute === 'srcset') inner = escapeUrl('', text, content === 'url');
  else if (c.attribute === 'script') inner = scriptValue(c, value, text);
  else if (c.attribute === 'style') inner = cssValue(text, content === 'css');
  else inner = content === 'html' ? text.replace(/<[^>]*>/g, '') : text;
  c.before += text;
  const escaped = content === 'html' && c.attribute === 'plain' ? normalize(inner) : escapeText(inner);
  if (c.quote !== '') return escaped;
  const spaced = escaped.replace(/[\t\n\v\f\r =`]/g, (char) => `&#${char.charCodeAt(0)};`);
  return spaced === '' ? '&#39;&#39;' : spaced;
}

/** The part before a query is kept a URL; inside of a query everything is escaped. Other schemes than the web's are refused. */
function escapeUrl(before: string, text: string, safe: boolean): string {
  if (/[?#]/.test(before)) return percentEncode(text, /[^A-Za-z0-9\-._~]/gu);
  const start = before.trim() === '';
  const scheme = /^([^/?#]*?):/.exec(text);
  if (start && !safe && scheme && !/^(https?|mailto)$/i.test(scheme[1]!)) return '#ZgotmplZ';
  return percentEncode(text, /[^A-Za-z0-9\-._~!#$&*+,/:;=?@[\]%]/gu);
}

function percentEncode(text: string, unsafe: RegExp): string {
  return text
    .toWellFormed()
    .replace(unsafe, (char) => [...Buffer.from(char)].map((b) => `%${b.toString(16).padStart(2, '0')}`).join(''));
}

function scriptValue(c: HtmlContext, value: unknown, text: string): string {
  if (goType(value)?.content === 'js') return text;
  if (c.scriptQuote !== '') {
    return text.replace(/[^A-Za-z0-9 _.,-]/gu, (char) => {
      const hex = char.codePointAt(0)!;
      return hex > 0xffff
        ? [...char]
            .flatMap((x) => [x.charCodeAt(0), x.charCodeAt(1)])
            .map(unicodeEscape)
            .join('')
        : unicodeEscape(hex);
    });
  }
  const json = toJsonText(value).replace(/[<>&\u2028\u2029]/g, (char) => unicodeEscape(char.charCodeAt(0)));
  return /^["[{]/.test(json) ? json : ` ${json} `;
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

function cssValue(text: string, safe: boolean): string {
  if (safe) return text;
  const plain = text.replace(/\\([0-9a-f]{1,6})\s?/gi, '');
  const harmless =
    /^[\w\s#.%,!+\-\u0080-\uffff]*$/.test(plain) && !/expression|mozbinding/i.test(plain.replace(/\W/g, ''));
  return harmless ? text : 'ZgotmplZ';
}

/** As Go's encoding/json writes a value of templates: keys sorted, `<`, `>` and `&` escaped. @throws Error */
export function toJsonText(value: unknown): string {
  const type = goType(value);
  const json = type?.methods && Object.hasOwn(type.methods, 'MarshalJSON') ? type.methods.MarshalJSON : undefined;
  if (json) return String(json.call(value as never, []));
  const plain = primitive(value);
  switch (kindOf(plain) satisfies Kind) {
    case 'bool':
    case 'int':
      return String(plain);
    case 'float':
      return jsonNumber(plain as number);
    case 'string':
      return jsonString(plain as string);
    case 'slice':
      return `[${(plain as readonly unknown[]).map(toJsonText).join(',')}]`;
    case 'map': {
      const map = plain as MapLike;
      return `{${mapKeys(map)
        .map((key) => `${jsonString(key)}:${toJsonText(mapGet(map, key))}`)
        .join(',')}}`;
    }
    case 'struct':
      return `{${Object.entries(plain as object)
        .map(([key, field]) => `${jsonString(type?.jsonNames?.[key] ?? key)}:${toJsonText(field)}`)
        .join(',')}}`;
    case 'func':
      throw new Error('json: unsupported type: func()');
    default:
      return 'null';
  }
}

function jsonString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u2028\u2029]/g, (char) => unicodeEscape(char.charCodeAt(0)));
}

function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`json: unsupported value: ${sprint([value])}`);
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}
