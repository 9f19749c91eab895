import type { KnownLabel, KnownMetric, KnownType } from './catalogue.ts';
import type { ProseDocument, Table } from './documents.ts';
import type { Expression, ExpressionReader } from './expression.ts';
import { type Place, placeIn, type Snippet, type SourceFile, slice, wholeFile } from './source.ts';

/** A fenced block. `lang` is empty when none is written. */
export interface Fence {
  readonly lang: string;
  readonly body: Snippet;
  /** The line before it that is not blank. */
  readonly lead: string;
}

export interface Markdown {
  readonly prose: ProseDocument;
  readonly fences: readonly Fence[];
  readonly metrics: readonly KnownMetric[];
  readonly globs: readonly string[];
  readonly defaultBuckets: readonly (readonly number[])[];
}

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LISTED = /^\s*([a-zA-Z_][a-zA-Z0-9_]*_[a-zA-Z0-9_]*)(\{[^}]*\})?\s*(?:#\s*(.*))?$/;

/** Reads what a Markdown file says of metrics, and finds its fenced blocks. */
export function readMarkdown(file: SourceFile, reader: ExpressionReader): Markdown {
  const whole = wholeFile(file);
  const { fences, lines } = splitFences(whole);
  const metrics: KnownMetric[] = [];
  const expressions: Expression[] = [];
  const defaultBuckets: (readonly number[])[] = [];
  for (const fence of fences) {
    metrics.push(...listingOf(fence));
    if (isPromqlFence(fence)) expressions.push(...promqlOf(fence.body, reader));
    if (/^(?:bash|sh|shell|console|)$/.test(fence.lang)) expressions.push(...curlQueries(fence.body, reader));
    const bounds = fence.body.text
      .trim()
      .split(/\s*,\s*/)
      .map(Number);
    if (/bucket/i.test(fence.lead) && bounds.length > 1 && bounds.every(Number.isFinite)) defaultBuckets.push(bounds);
  }
  const tables = tablesOf(lines);
  for (const table of tables) metrics.push(...metricTable(table));
  const spans = spansOf(lines);
  metrics.push(...bulletsOf(lines));
  const values = labelDefinitions(lines);
  const globs = spans.filter((s) => isGlob(s.text.replace(/\{.*$/, '')));
  for (const span of spans) {
    if (/^\w+\([\s\S]*\[[^\]]+\][\s\S]*\)/.test(span.text) && !span.text.includes('...')) {
      expressions.push(reader.read(span, 'prose'));
    }
  }
  return {
    prose: {
      kind: 'prose',
      origin: 'markdown',
      source: whole,
      file,
      lines,
      tables,
      expressions,
      mentions: spans.filter((s) => METRIC.test(s.text)).map((s) => ({ name: s.text, at: all(s) })),
      globs: globs.map((s) => {
        const pattern = s.text.replace(/\{.*$/, '');
        return { pattern, at: placeIn(s, 0, pattern.length) };
      }),
    },
    fences,
    metrics: metrics.map((m) => withValues(m, values)),
    globs: globs.map((s) => s.text.replace(/\{.*$/, '')),
    defaultBuckets,
  };
}

function all(snippet: Snippet): Place {
  return placeIn(snippet, 0, snippet.text.length);
}

function isGlob(text: string): boolean {
  return /^[a-z_]\w*\*[\w*]*$/i.test(text) && text.includes('_');
}

function splitFences(whole: Snippet): { fences: Fence[]; lines: Snippet[] } {
  const fences: Fence[] = [];
  const lines: Snippet[] = [];
  let open: { mark: string; lang: string; start: number; lead: string } | undefined;
  let lead = '';
  for (let start = 0; start <= whole.text.length; ) {
    const newline = whole.text.indexOf('\n', start);
    const end = newline === -1 ? whole.text.length : newline;
    const line = whole.text.slice(start, end);
    const fence = /^\s*(`{3,}|~{3,})\s*([\w+-]*)/.exec(line);
    if (open) {
      if (fence && fence[2] === '' && fence[1]!.startsWith(open.mark)) {
        fences.push({ lang: open.lang, body: slice(whole, open.start, start), lead: open.lead });
        open = undefined;
      }
    } else if (fence) open = { mark: fence[1]!, lang: fence[2]!.toLowerCase(), start: end + 1, lead };
    else {
      lines.push(slice(whole, start, end));
      if (line.trim() !== '') lead = line;
    }
    if (newline === -1) break;
    start = newline + 1;
  }
  return { fences, lines };
}

/** Lines of `name{labels}  # what it is`, and nothing else. */
export function isListing(body: Snippet): boolean {
  const lines = body.text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  return lines.length > 0 && lines.every((line) => LISTED.test(line) && !/[:=]\s*$/.test(line));
}

function listingOf({ body, lang }: Fence): KnownMetric[] {
  if (!/^(?:ya?ml|prometheus|promql|text|txt|)$/.test(lang) || !isListing(body)) return [];
  if (lang === 'promql') return [];
  const out: KnownMetric[] = [];
  let start = 0;
  for (const line of body.text.split('\n')) {
    const match = LISTED.exec(line);
    if (match && !line.trim().startsWith('#')) {
      const at = start + line.indexOf(match[1]!);
      out.push(listed(match[1]!, match[2] ?? '', match[3] ?? '', placeIn(body, at, at + match[1]!.length)));
    }
    start += line.length + 1;
  }
  return out;
}

/** A metric as `name{labels}` with a remark. Labels without values are a declaration, those with values examples. */
function listed(name: string, braces: string, remark: string, at: Place): KnownMetric {
  const declared = /^\{\s*\w+(?:\s*,\s*\w+)*\s*\}$/.test(braces);
  const names = [...braces.matchAll(/([a-zA-Z_]\w*)\s*(?:[=!,}]|$)/g)].map((m) => m[1]!);
  const buckets = names.includes('le') || names.includes('bucket');
  return known(name, {
    type: buckets ? 'histogram' : typeByWords(name, remark),
    labels: names.filter((label) => !(buckets && (label === 'le' || label === 'bucket'))),
    complete: declared,
    help: remark,
    at,
  });
}

export function typeByWords(name: string, remark: string): KnownType {
  const word = /\b(counter|gauge|histogram|summary)s?\b/i.exec(remark)?.[1]?.toLowerCase();
  if (word) return word as KnownType;
  if (/\bcurrent(?:ly)?\b/i.test(remark)) return 'gauge';
  if (/_histogram$/.test(name) || /\bdistribution\b/i.test(remark)) return 'histogram';
  return 'unknown';
}

function known(
  name: string,
  given: { type: KnownType; labels: readonly string[]; complete: boolean; help: string; at: Place },
): KnownMetric {
  return {
    name,
    type: given.type,
    unit: undefined,
    labels: new Map(given.labels.map((label) => [label, {}])),
    complete: given.complete,
    buckets: undefined,
    aliases: [],
    help: given.help,
    authority: 'document',
    silent: false,
    at: given.at,
  };
}

function tablesOf(lines: readonly Snippet[]): Table[] {
  const tables: Table[] = [];
  for (let i = 0; i + 1 < lines.length; i++) {
    if (!lines[i]!.text.includes('|') || !/^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[i + 1]!.text))
      continue;
    if (!lines[i + 1]!.text.includes('|')) continue;
    const rows: (readonly Snippet[])[] = [];
    const header = cellsOf(lines[i]!);
    let j = i + 2;
    for (; j < lines.length && lines[j]!.text.trim().startsWith('|'); j++) rows.push(cellsOf(lines[j]!));
    tables.push({ header, rows });
    i = j - 1;
  }
  return tables;
}

function cellsOf(line: Snippet): Snippet[] {
  const cells: Snippet[] = [];
  let start = line.text.indexOf('|') + 1;
  for (let i = start; i <= line.text.length; i++) {
    if (i < line.text.length && (line.text[i] !== '|' || line.text[i - 1] === '\\')) continue;
    const raw = line.text.slice(start, i);
    if (i < line.text.length || raw.trim() !== '') {
      const from = start + (raw.length - raw.trimStart().length);
      cells.push(slice(line, from, from + raw.trim().length));
    }
    start = i + 1;
  }
  return cells;
}

function metricTable(table: Table): KnownMetric[] {
  const heads = table.header.map((h) => h.text.toLowerCase());
  const name = heads.findIndex((h) => /^(?:metric|metric name|name)$/.test(h));
  const type = heads.indexOf('type');
  const labels = heads.findIndex((h) => /^labels?$/.test(h));
  const help = heads.findIndex((h) => /^(?:description|help|meaning)$/.test(h));
  if (name === -1 || (type === -1 && labels === -1)) return [];
  return table.rows.flatMap((row) => {
    const cell = row[name];
    const written = cell && /^`?([a-zA-Z_:][\w:]*)(\{[^}]*\})?`?$/.exec(cell.text);
    if (!cell || !written || !written[1]!.includes('_')) return [];
    const kind = row[type]?.text.toLowerCase().replace(/[^a-z]/g, '') ?? '';
    const start = cell.text.indexOf(written[1]!);
    const carried = [
      ...(row[labels]?.text ?? '').matchAll(/`?([a-zA-Z_]\w*)`?(?:\s*\(([^)]*\b(?:when|only|if|optional)\b[^)]*)\))?/g),
    ];
    const made = {
      ...known(written[1]!, {
        type: /^(?:counter|gauge|histogram|summary|info)$/.test(kind) ? (kind as KnownType) : 'unknown',
        labels: [],
        complete: labels !== -1,
        help: row[help]?.text ?? '',
        at: placeIn(cell, start, start + written[1]!.length),
      }),
      labels: new Map<string, KnownLabel>(carried.map((m) => [m[1]!, m[2] ? { conditional: m[2] } : { always: true }])),
    };
    return [made];
  });
}

/** Inline code. */
function spansOf(lines: readonly Snippet[]): Snippet[] {
  return lines.flatMap((line) =>
    [...line.text.matchAll(/(?<!`)`([^`]+)`(?!`)/g)].map((m) => slice(line, m.index + 1, m.index + 1 + m[1]!.length)),
  );
}

/** `- \`name\` - what it is`: list items that begin with a metric in code. */
function bulletsOf(lines: readonly Snippet[]): KnownMetric[] {
  return lines.flatMap((line) => {
    const match = /^\s*[-*]\s+`([a-zA-Z_]\w*_\w+)(\{[^}`]*\})?`(?:\s+by\s+\w+)?\s+[-–—:]\s*(.*)$/.exec(line.text);
    if (!match || !/_/.test(match[1]!)) return [];
    // A label's definition has its values in parentheses, a metric has none.
    if (/\((?:`[^`]*`,?\s*)+/.test(match[3]!) || !METRIC.test(match[1]!) || match[1]!.split('_').length < 3) return [];
    const start = line.text.indexOf(match[1]!);
    return [listed(match[1]!, match[2] ?? '', match[3]!, placeIn(line, start, start + match[1]!.length))];
  });
}

/** `- \`outcome\`: what it means (\`a\`, \`b\`)`: a closed set unless it says that there are more. */
function labelDefinitions(lines: readonly Snippet[]): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, readonly string[]>();
  for (const { text } of lines) {
    const match = /^\s*[-*]\s+`([a-z_]\w*)`:\s[^()]*\(([^)]*)\)/i.exec(text);
    if (!match || /\betc\b|\.\.\.|…|e\.g\./.test(match[2]!)) continue;
    const values = [...match[2]!.matchAll(/`([^`]+)`/g)].map((m) => m[1]!);
    if (values.length > 0) out.set(match[1]!, values);
  }
  return out;
}

function withValues(metric: KnownMetric, values: ReadonlyMap<string, readonly string[]>): KnownMetric {
  const labels = new Map<string, KnownLabel>();
  for (const [name, label] of metric.labels) {
    const closed = values.get(name);
    labels.set(name, closed ? { ...label, values: closed } : label);
  }
  return { ...metric, labels };
}

function isPromqlFence({ lang, body }: Fence): boolean {
  return lang === 'promql' || (lang === 'prometheus' && !isListing(body));
}

/** Expressions between blank lines and comments. */
function promqlOf(body: Snippet, reader: ExpressionReader): Expression[] {
  const out: Expression[] = [];
  let start = -1;
  let at = 0;
  const close = (end: number) => {
    if (start >= 0) out.push(...oneOrEach(slice(body, start, end), reader));
    start = -1;
  };
  for (const line of body.text.split('\n')) {
    const blank = line.trim() === '' || line.trim().startsWith('#');
    if (blank) close(at);
    else if (start < 0) start = at + line.length - line.trimStart().length;
    at += line.length + 1;
  }
  close(body.text.length);
  return out;
}

/** A block is one expression, or else one a line when each parses. */
function oneOrEach(block: Snippet, reader: ExpressionReader): Expression[] {
  const length = block.text.trimEnd().length;
  const trimmed = slice(block, 0, length);
  const one = reader.read(trimmed, 'prose', true);
  if (one.ast || !trimmed.text.includes('\n')) return [one];
  const each: Expression[] = [];
  let at = 0;
  for (const line of trimmed.text.split('\n')) {
    if (line.trim() !== '') each.push(reader.read(slice(trimmed, at, at + line.length), 'prose', true));
    at += line.length + 1;
  }
  return each.every((e) => e.ast) ? each : [one];
}

/** `curl … 'query=…'`. */
function curlQueries(body: Snippet, reader: ExpressionReader): Expression[] {
  return [...body.text.matchAll(/(['"])query=((?:(?!\1)[^\n%])+)\1/g)].map((m) => {
    const start = m.index + m[0].indexOf('=') + 1;
    return reader.read(slice(body, start, start + m[2]!.length), 'prose');
  });
}

/** Here-documents of a shell block: name of the file (when it is written to one), and text. */
export function heredocsOf(body: Snippet): { readonly name: string; readonly text: Snippet }[] {
  return [...body.text.matchAll(/^(.*)<<-?\s*(['"]?)(\w+)\2(.*)\n([\s\S]*?)^\s*\3\s*$/gm)].map((m) => {
    const name = /(?:>>?|tee(?:\s+-a)?)\s*(\S+)/.exec(`${m[1]} ${m[4]}`)?.[1] ?? '';
    const start = m.index + m[0].indexOf('\n') + 1;
    return { name, text: slice(body, start, start + m[5]!.length) };
  });
}
