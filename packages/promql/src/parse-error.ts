import { BelfryError, rangeAt } from '@belfry/model';

/** A fault in a query: `query_syntax` with its place in `text`, given as UTF-16 offsets. */
export function syntaxError(text: string, message: string, start: number, end: number): BelfryError {
  return new BelfryError('query_syntax', message, { range: rangeAt(text, start, Math.max(start, end)) });
}

/**
 * The line that Prometheus' API answers: `1:5: parse error: unexpected …`. Prometheus counts columns in bytes of UTF-8,
 * so the column of the error's range (UTF-16 units) is converted. An error without a range (a duration that turns out
 * wrong for the query's step) is its message alone.
 */
export function formatParseError(error: BelfryError, text: string): string {
  if (!error.range) return error.message;
  if (text === '') return `unknown position: parse error: ${error.message}`;
  const line = text.split('\n')[error.range.line - 1] ?? '';
  const column = Buffer.byteLength(line.slice(0, error.range.column - 1), 'utf8') + 1;
  return `${error.range.line}:${column}: parse error: ${error.message}`;
}
