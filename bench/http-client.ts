/** Requests over kept connections, timed from the first byte out to the last byte in. */
import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const TIMEOUT_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly ms: number;
}

export function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const outgoing = request(url, { agent, method, headers, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode!, body: Buffer.concat(chunks), ms: performance.now() - started }),
      );
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${url}: no answer within ${TIMEOUT_MS} ms`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/**
 * One remote write request. `encoding` false leaves `Content-Encoding` out, for a server that refuses the header though the
 * body is what it wants.
 */
export function sendWrite(base: string, body: Buffer, encoding = true): Promise<Answer> {
  return send(`${base}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      ...(encoding ? { 'content-encoding': 'snappy' } : {}),
      'content-length': String(body.length),
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body,
  });
}

export function get(base: string, path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const query = new URLSearchParams(parameters).toString();
  return send(`${base}${path}${query === '' ? '' : `?${query}`}`);
}

/** The `data` of a successful answer. */
export function dataOf(answer: Answer): unknown {
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
  return (JSON.parse(answer.body.toString()) as { data: unknown }).data;
}

export const sleep = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms));

/** Asks every few milliseconds until `check` gives something. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  everyMs: number,
  check: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: unknown = 'not yet';
  while (performance.now() < end) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  }
  throw new Error(`${what}: not within ${timeoutMs} ms (${String(last)})`);
}
