import './markdown.css';
import { createContext, type ReactNode, useContext } from 'react';
import { Link } from 'react-router';

interface MarkdownProps {
  readonly text: string;
  /** Whether code that is PromQL leads to explore. */
  readonly explore?: boolean;
}

const Explore = createContext(false);

/** The common part of Markdown, as React elements: headings, lists, code, tables, links, emphasis. HTML stays text. */
export function Markdown({ text, explore = false }: MarkdownProps) {
  return (
    <Explore value={explore}>
      <div className="markdown">{blocks(text.replace(/\r\n?/g, '\n').split('\n'))}</div>
    </Explore>
  );
}

const LIST = /^(\s*)(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const TABLE_LINE = /^\s*\|?[\s:|-]+\|[\s:|-]*$/;

interface Block {
  readonly node: ReactNode;
  /** The line after it. */
  readonly next: number;
}

function blocks(lines: readonly string[]): ReactNode[] {
  const out: ReactNode[] = [];
  let i = 0;
  while (i < lines.length) {
    if (lines[i]!.trim() === '') {
      i++;
      continue;
    }
    const { node, next } = block(lines, i, out.length);
    out.push(node);
    i = next;
  }
  return out;
}

function block(lines: readonly string[], i: number, key: number): Block {
  const line = lines[i]!;
  const heading = HEADING.exec(line);
  if (heading) {
    const Tag = `h${Math.min(heading[1]!.length + 1, 6)}` as 'h2';
    return { node: <Tag key={key}>{inline(heading[2]!)}</Tag>, next: i + 1 };
  }
  if (line.startsWith('```')) return fence(lines, i, key);
  if (RULE.test(line)) return { node: <hr key={key} />, next: i + 1 };
  if (LIST.test(line)) return list(lines, i, key);
  if (line.includes('|') && TABLE_LINE.test(lines[i + 1] ?? '')) return table(lines, i, key);
  let next = i + 1;
  while (next < lines.length && !startsBlock(lines[next]!)) next++;
  const text = lines.slice(i, next).join(' ');
  if (text.startsWith('>'))
    return { node: <blockquote key={key}>{inline(text.replace(/\s*>\s?/g, ' ').trim())}</blockquote>, next };
  return { node: <p key={key}>{inline(text)}</p>, next };
}

const startsBlock = (line: string): boolean =>
  line.trim() === '' || LIST.test(line) || HEADING.test(line) || line.startsWith('```');

function fence(lines: readonly string[], i: number, key: number): Block {
  const end = lines.findIndex((l, j) => j > i && l.startsWith('```'));
  const last = end < 0 ? lines.length : end;
  const node = (
    <pre className="code" key={key}>
      {lines.slice(i + 1, last).join('\n')}
    </pre>
  );
  return { node, next: last + 1 };
}

/** Items may go on over lines that are indented. */
function list(lines: readonly string[], start: number, key: number): Block {
  const items: string[] = [];
  let i = start;
  while (i < lines.length && lines[i]!.trim() !== '') {
    const match = LIST.exec(lines[i]!);
    if (match) items.push(match[3]!);
    else if (/^\s+/.test(lines[i]!)) items[items.length - 1] += ` ${lines[i]!.trim()}`;
    else break;
    i++;
  }
  // biome-ignore lint/suspicious/noArrayIndexKey: a text does not reorder itself
  const children = items.map((text, n) => <li key={n}>{inline(text)}</li>);
  const ordered = LIST.exec(lines[start]!)![2] !== undefined;
  return { node: ordered ? <ol key={key}>{children}</ol> : <ul key={key}>{children}</ul>, next: i };
}

function table(lines: readonly string[], start: number, key: number): Block {
  const cells = (line: string) =>
    line
      .trim()
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((c) => c.trim().replaceAll('\\|', '|'));
  let next = start + 2;
  while (next < lines.length && lines[next]!.includes('|')) next++;
  const node = (
    <table key={key}>
      <thead>
        <tr>
          {cells(lines[start]!).map((c) => (
            <th key={c}>{inline(c)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lines.slice(start + 2, next).map((line) => (
          <tr key={line}>
            {cells(line).map((c, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a text does not reorder itself
              <td key={n}>{inline(c)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
  return { node, next };
}

const INLINE =
  /(`[^`]+`)|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\b_([^_]+)_\b|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s)]+)/g;

function inline(text: string): ReactNode[] {
  const out: ReactNode[] = [];
  let last = 0;
  for (const m of text.matchAll(INLINE)) {
    if (m.index > last) out.push(text.slice(last, m.index));
    const key = m.index;
    if (m[1]) out.push(<Code key={key} text={m[1].slice(1, -1)} />);
    else if (m[2]) out.push(<strong key={key}>{inline(m[2])}</strong>);
    else if (m[3] ?? m[4]) out.push(<em key={key}>{m[3] ?? m[4]}</em>);
    else out.push(link(m[6] ?? m[7]!, m[5] ?? m[7]!, key));
    last = m.index + m[0].length;
  }
  if (last < text.length) out.push(text.slice(last));
  return out;
}

/** A call of a function or a selector with braces, or a metric's name by its usual endings. */
const PROMQL = /^[a-z_:][\w:]*\s*(?:\{|\()|^[a-z][\w:]*_(?:total|seconds|bytes|count|sum|bucket|ratio|info)$/;

function Code({ text }: { readonly text: string }) {
  const explore = useContext(Explore);
  if (!explore || !PROMQL.test(text)) return <code>{text}</code>;
  return (
    <Link to={`/explore?expr=${encodeURIComponent(text)}`} title="Open in explore">
      <code>{text}</code>
    </Link>
  );
}

function link(url: string, text: string, key: number): ReactNode {
  if (!/^(https?:|mailto:|\/|#)/i.test(url)) return text;
  if (url.startsWith('/')) {
    return (
      <Link key={key} to={url}>
        {text}
      </Link>
    );
  }
  return (
    <a key={key} href={url} {...(/^https?:/i.test(url) ? { target: '_blank', rel: 'noreferrer' } : {})}>
      {text}
    </a>
  );
}
