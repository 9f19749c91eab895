import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Text gathered before it is sent, in UTF-16 units: some milliseconds of work. */
const CHUNK_LENGTH = 256 * 1024;

/** An answer of many rows: never whole in memory, and never the event loop's only work. */
export interface RowsAnswer {
  /** All before the first row. */
  readonly head: string;
  /** JSON of the rows, made as they are asked for. */
  readonly rows: Iterable<string>;
  /** Rows sent at most. */
  readonly limit: number;
  /** All after the last row; `truncated` when there were more rows than the limit. */
  readonly tail: (truncated: boolean) => string;
}

/** A small answer goes out at once, with its length; a large one in chunks, as fast as the client takes them. */
export function sendRows(reply: FastifyReply, answer: RowsAnswer): FastifyReply {
  const chunks = chunksOf(answer);
  const first = chunks.next().value as string;
  const second = chunks.next();
  reply.type('application/json');
  if (second.done) return reply.send(first);
  return reply.send(Readable.from(paced([first, second.value], chunks), { objectMode: false }));
}

export function* chunksOf({ head, rows, limit, tail }: RowsAnswer): Generator<string, void> {
  let chunk = head;
  let count = 0;
  let truncated = false;
  for (const row of rows) {
    if (count === limit) {
      truncated = true;
      break;
    }
    chunk += count++ === 0 ? row : `,${row}`;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk + tail(truncated);
}

async function* paced(ready: readonly string[], rest: Iterable<string>): AsyncGenerator<string> {
  yield* ready;
  for (const chunk of rest) {
    yield chunk;
    await new Promise((resume) => setImmediate(resume));
  }
}
