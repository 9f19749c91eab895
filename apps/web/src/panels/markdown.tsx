import type { ReactNode } from 'react';

/** The common part of Markdown, as React elements: headings, lists, code, tables of words, links, emphasis. */
export function Markdown({ text }: { readonly text: string }) {
  return <div className="markdown">{blocks(text.replace(/\r\n?/g, '\n').split('\n'))}</div>;
}

const LIST = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;

function blocks(lines: readonly string[]): ReactNode[] {
  const out: ReactNode[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i]!;
    const key = out.length;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (line.trim() === '') i++;
    else if (heading) {
      const Tag = `h${Math.min(heading[1]!.length + 1, 6)}` as 'h2';
      out.push(<Tag key={key}>{inline(heading[2]!)}</Tag>);
      i++;
    } else if (line.startsWith('```')) {
      const end = lines.findIndex((l, j) => j > i && l.startsWith('```'));
      const last = end < 0 ? lines.length : end;
      out.push(
        <pre className="code" key={key}>
          {lines.slice(i + 1, last).join('\n')}
        </pre>,
      );
      i = last + 1;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.push(<hr key={key} />);
      i++;
    } else if (LIST.test(line)) {
      const start = i;
      while (i < lines.length && LIST.test(lines[i]!)) i++;
      out.push(list(lines.slice(start, i), key));
    } else {
      const start = i;
      while (i < lines.length && lines[i]!.trim() !== '' && !LIST.test(lines[i]!) && !/^(#{1,6}\s|```)/.test(lines[i]!))
        i++;
      out.push(<p key={key}>{inline(lines.slice(start, i).join(' ').replace(/^>\s?/, ''))}</p>);
    }
  }
  return out;
}

function list(lines: readonly string[], key: number): ReactNode {
  const matches = lines.map((l) => LIST.exec(l)!);
  const items = matches.map((m) => <li key={m[2]}>{inline(m[2]!)}</li>);
  return matches[0]![1] ? <ol key={key}>{items}</ol> : <ul key={key}>{items}</ul>;
}

const INLINE = /(`[^`]+`)|\*\*([^*]+)\*\*|\*([^*]+)\*|_([^_]+)_|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s)]+)/g;

function inline(text: string): ReactNode[] {
  const out: ReactNode[] = [];
  let last = 0;
  for (const m of text.matchAll(INLINE)) {
    if (m.index > last) out.push(text.slice(last, m.index));
    const key = m.index;
    if (m[1]) out.push(<code key={key}>{m[1].slice(1, -1)}</code>);
    else if (m[2]) out.push(<strong key={key}>{m[2]}</strong>);
    else if (m[3] ?? m[4]) out.push(<em key={key}>{m[3] ?? m[4]}</em>);
    else out.push(link(m[6] ?? m[7]!, m[5] ?? m[7]!, key));
    last = m.index + m[0].length;
  }
  if (last < text.length) out.push(text.slice(last));
  return out;
}

function link(url: string, text: string, key: number): ReactNode {
  if (!/^(https?:|mailto:|\/|#)/i.test(url)) return text;
  return (
    <a key={key} href={url} {...(/^https?:/i.test(url) ? { target: '_blank', rel: 'noreferrer' } : {})}>
      {text}
    </a>
  );
}
