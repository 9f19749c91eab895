/** A small HTTP client for calls between reference services: JSON over kept-alive connections, with a deadline. */
import { Agent, request as httpRequest } from 'node:http';
import { type Clock, messageOf } from '@belfry/model';
import type { JsonObject } from './connect.ts';

export type PostResult =
  | { readonly kind: 'answered'; readonly status: number; readonly body: JsonObject }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable'; readonly message: string };

const MAX_ANSWER_BYTES = 1 << 20;

export interface JsonClient {
  /** Never rejects: what went wrong is a result. */
  post(
    url: string,
    body: string,
    options: { timeoutMs: number; headers?: Record<string, string> },
  ): Promise<PostResult>;
  get(url: string, options: { timeoutMs: number }): Promise<PostResult>;
  close(): void;
}

export function createJsonClient(clock: Clock): JsonClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    post: (url, body, { timeoutMs, headers }) =>
      send(clock, agent, 'POST', url, body, { 'content-type': 'application/json', ...headers }, timeoutMs),
    get: (url, { timeoutMs }) => send(clock, agent, 'GET', url, undefined, {}, timeoutMs),
    close: () => agent.destroy(),
  };
}

function send(
  clock: Clock,
  agent: Agent,
  method: string,
  url: string,
  body: string | undefined,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<PostResult> {
  return new Promise((resolve) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest(url, { method, agent, headers: { ...headers, ...length } });
    const timer = clock.after(
      timeoutMs,
      () => {
        settle({ kind: 'timeout' });
        request.destroy();
      },
      { background: true },
    );
    let settled = false;
    const settle = (result: PostResult) => {
      if (settled) return;
      settled = true;
      timer.cancel();
      resolve(result);
    };
    request.on('error', (error) => settle({ kind: 'unreachable', message: messageOf(error) }));
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', (error) => settle({ kind: 'unreachable', message: messageOf(error) }));
      response.on('end', () => settle({ kind: 'answered', status: response.statusCode ?? 0, body: parse(text) }));
    });
    request.end(body);
  });
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}
