import type { ProseDocument } from './documents.ts';
import { type Place, type Snippet, wholeOf } from './source.ts';

/** A threshold that a document states in words. */
export interface StatedThreshold {
  readonly subject: string;
  readonly at: Place;
  readonly op: '>' | '<';
  /** What the number may mean, as `5%` may be 0.05 or 5; the base unit first. */
  readonly values: readonly number[];
  readonly written: string;
}

const FACTORS: Readonly<Record<string, readonly number[]>> = {
  '%': [0.01, 1],
  ms: [0.001, 1],
  s: [1],
  sec: [1],
  second: [1],
  seconds: [1],
  kb: [1e3, 1024],
  mb: [1e6, 1024 ** 2],
  mib: [1024 ** 2],
  gb: [1e9, 1024 ** 3],
  gib: [1024 ** 3],
  '/min': [1 / 60, 1],
  '/5min': [1 / 300, 1],
  '/s': [1],
  '': [1],
};
const STATED = /([<>])=?\s*([\d,.]*\d)\s*(%|\/\s?5?min\b|\/s\b|[a-z]+)?/i;

/** Thresholds in tables (`Warning`, `Critical` columns) and in lists under a heading about alerts. */
export function statedThresholds(prose: ProseDocument): readonly StatedThreshold[] {
  return [...prose.tables.flatMap(inTable), ...inLists(prose.lines)];
}

function inTable({ header, rows }: ProseDocument['tables'][number]): StatedThreshold[] {
  const columns = header.flatMap((h, i) => (/^(?:warning|critical|threshold|info|alert)$/i.test(h.text) ? [i] : []));
  return rows.flatMap((row) => columns.flatMap((i) => (row[0] && row[i] ? threshold(row[0].text, row[i]) : [])));
}

function inLists(lines: readonly Snippet[]): StatedThreshold[] {
  const out: StatedThreshold[] = [];
  let section = '';
  for (const line of lines) {
    const heading = /^#+\s+(.*)/.exec(line.text);
    if (heading) section = heading[1]!;
    const item = /^\s*[-*]\s+([^:`]*?)\s*[<>]/.exec(line.text);
    if (item && /alert|threshold/i.test(section)) out.push(...threshold(item[1]!, line));
  }
  return out;
}

function threshold(subject: string, written: Snippet): StatedThreshold[] {
  const match = STATED.exec(written.text);
  const name = subject.replace(/[*`]/g, '').trim();
  if (!match || name === '') return [];
  const number = Number(match[2]!.replaceAll(',', ''));
  const unit = (match[3] ?? '').toLowerCase().replace(/\s/g, '');
  const factors = FACTORS[unit] ?? [1];
  const op = match[1] as '>' | '<';
  return [
    { subject: name, at: wholeOf(written), op, values: factors.map((f) => number * f), written: match[0].trim() },
  ];
}

const NOISE = new Set('rate rates high low total usage the of and per too many alert count'.split(' '));
const SAME: Readonly<Record<string, string>> = {
  failed: 'failure',
  failures: 'failure',
  failing: 'failure',
  errors: 'error',
  slow: 'latency',
  duration: 'latency',
  seconds: 'latency',
  batches: 'batch',
  blocks: 'block',
  blocked: 'block',
  limited: 'limit',
  downtime: 'down',
  up: 'down',
  resident: 'memory',
};

/** The words that tell what something is about. */
export function topicOf(text: string): ReadonlySet<string> {
  const words = text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((w) => w.length > 1 && !/^\d/.test(w) && !NOISE.has(w));
  return new Set(words.map((w) => SAME[w] ?? w));
}

export function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return [...a].filter((w) => b.has(w)).length;
}
