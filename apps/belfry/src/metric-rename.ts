/** Renames a metric where its name is written: in the sources of packs, their tests and pages, and in plain files. */
import { buildWorld, renameMetric, type SourceFile } from '@belfry/check';
import { BelfryError, isLegacyMetricName } from '@belfry/model';
import { metricsOf } from '@belfry/sdk';
import type { GraphSources } from './metric-graph.ts';

/** A file with its new text. */
export interface Renamed {
  readonly file: SourceFile;
  readonly text: string;
  readonly places: number;
}

/**
 * `texts`: files of the packs beside their sources, such as tests of rules.
 * @throws BelfryError `usage` for a name that is none, `conflict` for one that is taken, `not_found` where the old one
 * is not written, also because a pack composes it
 */
export function renamed(
  sources: GraphSources,
  texts: readonly SourceFile[],
  from: string,
  to: string,
): readonly Renamed[] {
  if (!isLegacyMetricName(to)) throw new BelfryError('usage', `${JSON.stringify(to)} is not a name of a metric`);
  const world = buildWorld(sources.files, sources.packs);
  const declared = world.declared.filter((m) => m.name === to);
  if (declared.length > 0 || world.recorded.has(to))
    throw new BelfryError('conflict', `there is a metric ${to} already`);
  const packFiles = sources.packs.flatMap((p) => p.files);
  const suffixed =
    sources.packs.some(({ pack }) =>
      pack.catalogues
        .flatMap(metricsOf)
        .some((m) => m.name === from && (m.kind === 'histogram' || m.kind === 'summary')),
    ) || [...packFiles, ...texts].some((f) => f.text.includes(`${from}_bucket`));
  const word = new RegExp(`(?<![\\w:])${from}(?=${suffixed ? '(?:_bucket|_sum|_count)?' : ''}(?![\\w:]))`, 'g');
  const out: Renamed[] = [];
  const add = (file: SourceFile, spans: readonly number[]) => {
    if (spans.length === 0) return;
    const text = spans.reduceRight((t, at) => t.slice(0, at) + to + t.slice(at + from.length), file.text);
    out.push({ file, text, places: spans.length });
  };
  for (const file of packFiles)
    add(file, [...file.text.matchAll(word)].map((m) => m.index).filter(inText(file.text, from)));
  for (const file of texts)
    add(
      file,
      [...file.text.matchAll(word)].map((m) => m.index),
    );
  const edits = renameMetric(world, from, to);
  for (const file of sources.files)
    add(
      file,
      edits.filter((e) => e.path === file.path).map((e) => e.start),
    );
  refuseComposed(sources, from, out);
  if (out.length === 0) throw new BelfryError('not_found', `${from} is written nowhere`);
  return out;
}

/** A name that a template composes of parts cannot be changed in one place. */
function refuseComposed({ packs }: GraphSources, from: string, out: readonly Renamed[]): void {
  for (const { pack, files } of packs) {
    if (!pack.catalogues.flatMap(metricsOf).some((m) => m.name === from)) continue;
    if (out.some(({ file }) => files.includes(file))) continue;
    throw new BelfryError(
      'not_found',
      `pack ${pack.name} declares ${from} but composes its name from parts, so that it cannot be renamed by itself: see its catalogue`,
    );
  }
}

/**
 * Whether an offset of TypeScript is inside of a text or comment, where names of metrics are; not in code, where the
 * same word would be another thing. A word that could be any word counts only where it is the whole text.
 */
function inText(source: string, name: string): (at: number) => boolean {
  const inside = textsOf(source);
  return (at) => {
    if (inside[at] === 0) return false;
    return name.includes('_') || (inside[at - 1] !== inside[at] && /['"`]/.test(source[at + name.length] ?? ''));
  };
}

const CODE = 0;
const TEXT = 1;
const QUOTE = 2;

/** For each character of TypeScript whether it is code, inside of a text or comment, or the quote around a text. */
function textsOf(source: string): Uint8Array {
  const out = new Uint8Array(source.length);
  /** Depth of braces in each template hole that is open. */
  const holes: number[] = [];
  let at = 0;
  const text = (quote: string) => {
    for (; at < source.length && source[at] !== quote; at++) {
      out[at] = TEXT;
      if (source[at] === '\\') out[++at] = TEXT;
      else if (quote === '`' && source.startsWith('${', at)) {
        out[at] = CODE;
        at += 2;
        holes.push(0);
        return;
      }
    }
    if (at < source.length) out[at++] = QUOTE;
  };
  while (at < source.length) {
    const c = source[at]!;
    if (source.startsWith('//', at) || source.startsWith('/*', at)) {
      const end = c + source[at + 1]! === '//' ? source.indexOf('\n', at) : source.indexOf('*/', at + 2);
      const until = end < 0 ? source.length : end;
      out.fill(TEXT, at, until);
      at = until + (source[at + 1] === '*' ? 2 : 0);
    } else if (c === "'" || c === '"' || c === '`') {
      out[at++] = QUOTE;
      text(c);
    } else if (c === '}' && holes.at(-1) === 0) {
      holes.pop();
      at++;
      text('`');
    } else {
      if (holes.length > 0 && c === '{') holes[holes.length - 1]!++;
      if (holes.length > 0 && c === '}') holes[holes.length - 1]!--;
      at++;
    }
  }
  return out;
}

/** The lines that change, as a unified diff without context. */
export function diffText({ file, text }: Renamed): string {
  const before = file.text.split('\n');
  const after = text.split('\n');
  const out = [`--- ${file.path}`, `+++ ${file.path}`];
  before.forEach((line, i) => {
    if (line !== after[i]) out.push(`@@ -${i + 1} +${i + 1} @@`, `-${line}`, `+${after[i]}`);
  });
  return `${out.join('\n')}\n`;
}
