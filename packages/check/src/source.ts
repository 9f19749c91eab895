import type { SourceRange } from '@belfry/model';

/** A text given to the checker. `path` is what findings name. */
export interface SourceFile {
  readonly kind: 'file';
  readonly path: string;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly lines: readonly number[];
}

/** Characters of a snippet from `from` on stand at `at` in the file; `still`: all of them do (the place of the whole). */
interface Run {
  readonly from: number;
  readonly at: number;
  readonly still?: boolean;
}

/**
 * A text that stands inside of a file, perhaps decoded on the way: a YAML scalar, a JSON string, a fenced block, a
 * heredoc. It knows where each of its characters was written.
 */
export interface Snippet {
  readonly kind: 'snippet';
  readonly file: SourceFile;
  readonly text: string;
  readonly runs: readonly Run[];
}

/** Half-open range of offsets into a snippet. */
export interface Place {
  readonly in: Snippet;
  readonly start: number;
  readonly end: number;
}

export function sourceFile(path: string, text: string): SourceFile {
  const lines = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) lines.push(i + 1);
  return { kind: 'file', path, text, lines };
}

export function wholeFile(file: SourceFile): Snippet {
  return { kind: 'snippet', file, text: file.text, runs: [{ from: 0, at: 0 }] };
}

/** A text that is not written in the file character by character: all of it stands at the range. */
export function fixedSnippet(file: SourceFile, text: string, start: number, end: number): Snippet {
  return {
    kind: 'snippet',
    file,
    text,
    runs: [
      { from: 0, at: start, still: true },
      { from: text.length, at: end, still: true },
    ],
  };
}

/** The offset in the file of a character of the snippet. */
export function fileOffset(snippet: Snippet, offset: number): number {
  const { runs } = snippet;
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (runs[middle]!.from <= offset) low = middle;
    else high = middle - 1;
  }
  const run = runs[low]!;
  return run.still ? run.at : run.at + offset - run.from;
}

/** A part of a snippet as a snippet. */
export function slice(snippet: Snippet, start: number, end: number): Snippet {
  return decoded(snippet, snippet.text.slice(start, end), [{ from: 0, at: start }]);
}

/** A text made from a snippet: `runs` say where in the snippet its characters were. */
export function decoded(outer: Snippet, text: string, runs: readonly Run[]): Snippet {
  const out: Run[] = [];
  runs.forEach((run, i) => {
    const until = runs[i + 1]?.from ?? text.length + 1;
    out.push({ from: run.from, at: fileOffset(outer, run.at), ...(run.still ? { still: true } : {}) });
    if (run.still) return;
    // Where the outer text jumps inside of this run, so does the inner one.
    for (const inner of outer.runs) {
      const at = run.from + inner.from - run.at;
      if (inner.from > run.at && at < until) out.push({ ...inner, from: at });
    }
  });
  return { kind: 'snippet', file: outer.file, text, runs: out };
}

export function placeIn(snippet: Snippet, start: number, end: number): Place {
  return { in: snippet, start, end };
}

export function wholeOf(snippet: Snippet): Place {
  return { in: snippet, start: 0, end: snippet.text.length };
}

/** Offsets in the file; never empty unless the file ends there. */
export function fileSpan(place: Place): { readonly start: number; readonly end: number } {
  const start = fileOffset(place.in, place.start);
  // The end is behind the last character, which may stand elsewhere than before the next one.
  const last = place.end > place.start ? fileOffset(place.in, place.end - 1) : start;
  const still = place.in.runs[0]?.still === true;
  const end = still ? fileOffset(place.in, place.in.text.length) : place.end > place.start ? last + 1 : start;
  return { start, end: Math.max(start, end) };
}

/** Whether the text of a place stands in the file as it is, in one piece: only then may it be replaced there. */
export function isWritten(place: Place): boolean {
  const { start, end } = fileSpan(place);
  return place.in.file.text.slice(start, end) === place.in.text.slice(place.start, place.end) && !isStill(place);
}

function isStill({ in: snippet, start, end }: Place): boolean {
  const { runs } = snippet;
  return runs.some((r, i) => r.still && r.from <= Math.max(start, end - 1) && (runs[i + 1]?.from ?? Infinity) > start);
}

export function lineColumn(file: SourceFile, offset: number): { readonly line: number; readonly column: number } {
  const { lines } = file;
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lines[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - lines[low]! + 1 };
}

export function rangeOf(place: Place): SourceRange {
  const { start, end } = fileSpan(place);
  const a = lineColumn(place.in.file, start);
  const b = lineColumn(place.in.file, end);
  return { line: a.line, column: a.column, endLine: b.line, endColumn: b.column };
}

/** The offset in a snippet of a line and column that a reader of the snippet's text found there. */
export function offsetAt(snippet: Snippet, line: number, column: number): number {
  let at = 0;
  for (let i = 1; i < line; i++) {
    const next = snippet.text.indexOf('\n', at);
    if (next === -1) return snippet.text.length;
    at = next + 1;
  }
  return Math.min(snippet.text.length, at + column - 1);
}

/** The place in the file of a range that was found in a snippet's text. */
export function placeOfRange(snippet: Snippet, range: SourceRange): Place {
  const start = offsetAt(snippet, range.line, range.column);
  return placeIn(snippet, start, Math.max(start, offsetAt(snippet, range.endLine, range.endColumn)));
}
