/**
 * The registry of everything that can go wrong for reasons outside of our code. One entry a code: what kind of fault it
 * is for an HTTP client, and what the person can do about it. `docs/errors.md` is made from it, and a test pins it.
 */
export const ERRORS = {
  bad_data: { status: 400, hint: 'Correct the parameter that the message names.' },
  query_syntax: { status: 400, hint: 'Correct the query at the position that the message names.' },
  query_type: { status: 400, hint: 'Correct the query: an operand or argument has the wrong type.' },
  query_execution: { status: 422, hint: 'The query is well-formed but cannot be evaluated on this data.' },
  query_unsupported: { status: 422, hint: 'This part of PromQL is not evaluated by this version; see docs/promql.md.' },
  query_timeout: { status: 503, hint: 'Ask for less, or raise --query.timeout.' },
  query_canceled: { status: 503, hint: 'The client went away, or the server is stopping.' },
  query_too_many_samples: { status: 422, hint: 'Ask for less, or raise --query.max-samples.' },
  regex_invalid: { status: 400, hint: 'Regular expressions have RE2 syntax: no look-around, no back-references.' },
  not_found: { status: 404, hint: 'Check the name; the message lists what is near.' },
  conflict: { status: 409, hint: 'Somebody else changed it first; read it again.' },
  gone: { status: 410, hint: 'The interface was removed; the message names its successor.' },
  body_too_large: { status: 413, hint: 'Send less at once.' },
  unsupported_media: { status: 415, hint: 'Send a content type that the message names.' },
  unavailable: { status: 503, hint: 'Try again; the server is starting, stopping or overloaded.' },
  internal: { status: 500, hint: 'This is a mistake in Belfry; please report it.' },
  usage: { status: 400, hint: 'See `belfry help`.' },
  config_invalid: { status: 400, hint: 'Correct the configuration at the position that the message names.' },
  file_unreadable: { status: 400, hint: 'Check that the file exists and may be read.' },
  port_in_use: {
    status: 500,
    hint: 'Stop the other process, or choose another port with the flag that the message names.',
  },
  data_locked: { status: 500, hint: 'Stop the other process, or choose another --storage.tsdb.path.' },
  data_corrupt: { status: 500, hint: 'See docs/storage.md: what is damaged is set aside, the rest is served.' },
  storage_full: { status: 503, hint: 'Free space on the disk; ingestion resumes by itself.' },
  exposition_syntax: { status: 400, hint: 'Correct what the target exposes at the line that the message names.' },
  out_of_order: { status: 400, hint: 'The sample is older than one already stored for its series.' },
  duplicate_sample: { status: 400, hint: 'Another value is already stored for this series and time.' },
  out_of_bounds: { status: 400, hint: 'The sample is too old for the store to accept.' },
  limit_exceeded: { status: 422, hint: 'A named limit was reached; the message says which and how to raise it.' },
  template_failed: { status: 422, hint: 'Correct the template at the position that the message names.' },
  delivery_failed: { status: 502, hint: 'The receiver refused or could not be reached.' },
  unauthenticated: { status: 401, hint: 'Send credentials.' },
} as const satisfies Record<string, { status: number; hint: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Where in a text: 1-based line and column (UTF-16 units), the end exclusive. */
export interface SourceRange {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** A fault in what came from outside. Its message is for the person who made it: where, what, what was expected. */
export class BelfryError extends Error {
  override readonly name = 'BelfryError';
  readonly code: ErrorCode;
  readonly file: string | undefined;
  readonly range: SourceRange | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; file?: string | undefined; range?: SourceRange | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.file = options.file;
    this.range = options.range;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }

  /** `file:line:column: message`, as far as known. */
  get located(): string {
    const at = this.range ? `${this.range.line}:${this.range.column}: ` : '';
    return `${this.file ? `${this.file}:` : ''}${this.file && !at ? ' ' : ''}${at}${this.message}`;
  }
}

/** The text of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof BelfryError) return error.located;
  return error instanceof Error ? error.message : String(error);
}

/** The line that a range is in, and under it a caret line, for terminals. */
export function excerpt(source: string, range: SourceRange): string {
  const line = source.split('\n')[range.line - 1] ?? '';
  const from = Math.max(1, range.column);
  const to = range.endLine === range.line ? Math.max(from + 1, range.endColumn) : line.length + 1;
  const pad = line.slice(0, from - 1).replace(/[^\t]/g, ' ');
  return `${line}\n${pad}${'^'.repeat(Math.max(1, Math.min(to, line.length + 2) - from))}`;
}

/** Turns a UTF-16 offset range of `source` into lines and columns. */
export function rangeAt(source: string, start: number, end: number): SourceRange {
  const at = (offset: number) => {
    const before = source.slice(0, offset);
    const newline = before.lastIndexOf('\n');
    let line = 1;
    for (let i = before.indexOf('\n'); i !== -1; i = before.indexOf('\n', i + 1)) line++;
    return { line, column: offset - newline };
  };
  const a = at(start);
  const b = at(end);
  return { line: a.line, column: a.column, endLine: b.line, endColumn: b.column };
}

/** The candidate nearest to `word` by edit distance, when near enough to suggest; for «did you mean». */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string, limit: number): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const d = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost);
      row.push(d);
      least = Math.min(least, d);
    }
    if (least >= limit) return limit;
    previous = row;
  }
  return previous[b.length]!;
}
