/**
 * Calls over a message port: named, cancellable, with errors that arrive as they were thrown.
 *
 *     to the server:  {kind: 'call', id, name, argument} | {kind: 'cancel', id}
 *     to the client:  {kind: 'answer', id, value} | {kind: 'failure', id, error} | {kind: 'event', value}
 */
import { BelfryError, type ErrorCode, messageOf, type SourceRange } from '@belfry/model';

/** What is needed of a `MessagePort` (or of a `Worker`, or the `parentPort` in it). */
export interface CallPort {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
}

/** Serves one kind of call. `signal` aborts when the caller has lost interest. */
export type CallHandler = (argument: never, signal: AbortSignal) => unknown;

export type CallHandlers = Readonly<Record<string, CallHandler>>;

/** An answer with buffers that are given away instead of copied. */
export interface Transfer {
  readonly kind: 'transfer';
  readonly value: unknown;
  readonly buffers: readonly ArrayBuffer[];
}

export function transferring(value: unknown, buffers: readonly ArrayBuffer[]): Transfer {
  return { kind: 'transfer', value, buffers };
}

function isTransfer(value: unknown): value is Transfer {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'transfer';
}

interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly file?: string;
  readonly range?: SourceRange;
}

type Request =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly argument: unknown }
  | { readonly kind: 'cancel'; readonly id: number };

type Answer =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'event'; readonly value: unknown };

export function plainError(error: unknown): PlainError {
  if (!(error instanceof BelfryError)) return { code: 'internal', message: messageOf(error) };
  return {
    code: error.code,
    message: error.message,
    ...(error.file === undefined ? {} : { file: error.file }),
    ...(error.range ? { range: error.range } : {}),
  };
}

export function rebuiltError(error: PlainError): BelfryError {
  return new BelfryError(error.code, error.message, { file: error.file, range: error.range });
}

/** The serving side. */
export interface CallServer {
  send(event: unknown): void;
  /** Stops taking calls; those under way are aborted. */
  stop(): void;
}

export function serveCalls(port: CallPort, handlers: (name: string) => CallHandler | undefined): CallServer {
  const running = new Map<number, AbortController>();
  const reply = (answer: Answer, buffers: readonly ArrayBuffer[] = []) => port.postMessage(answer, buffers);
  const run = async (id: number, name: string, argument: unknown) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const handler = handlers(name);
      if (!handler) throw new BelfryError('not_found', `no call named ${name}`);
      const value = await handler(argument as never, controller.signal);
      if (isTransfer(value)) reply({ kind: 'answer', id, value: value.value }, value.buffers);
      else reply({ kind: 'answer', id, value });
    } catch (error) {
      reply({ kind: 'failure', id, error: plainError(error) });
    } finally {
      running.delete(id);
    }
  };
  const listener = (message: unknown) => {
    const request = message as Request;
    if (request.kind === 'call') void run(request.id, request.name, request.argument);
    else if (request.kind === 'cancel') running.get(request.id)?.abort(canceled());
  };
  port.on('message', listener);
  return {
    send: (value) => reply({ kind: 'event', value }),
    stop: () => {
      port.off('message', listener);
      for (const controller of running.values()) controller.abort(canceled());
    },
  };
}

function canceled(): BelfryError {
  return new BelfryError('query_canceled', 'the call was canceled');
}

/** The calling side. */
export interface CallClient {
  /** Rejects with a BelfryError, or with the reason of the signal as soon as it aborts. */
  call(name: string, argument: unknown, options?: CallOptions): Promise<unknown>;
  /** Rejects everything that is under way. */
  fail(reason: unknown): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Buffers of the argument that are given away instead of copied. */
  readonly transfer?: readonly ArrayBuffer[];
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** `receive` sees, and may replace, every answer as it comes, also those that nobody waits for any more. */
export function connectCalls(
  port: CallPort,
  onEvent: (value: unknown) => void,
  receive: (value: unknown) => unknown = (value) => value,
): CallClient {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let failure: { readonly reason: unknown } | undefined;
  port.on('message', (message) => {
    const answer = message as Answer;
    if (answer.kind === 'event') {
      onEvent(answer.value);
      return;
    }
    const value = answer.kind === 'answer' ? receive(answer.value) : undefined;
    const entry = waiting.get(answer.id);
    if (!entry) return;
    waiting.delete(answer.id);
    if (answer.kind === 'answer') entry.resolve(value);
    else entry.reject(rebuiltError(answer.error));
  });
  return {
    call: (name, argument, { signal, transfer = [] } = {}) =>
      new Promise((resolve, reject) => {
        if (failure || signal?.aborted) {
          reject(failure ? failure.reason : signal!.reason);
          return;
        }
        const id = nextId++;
        const abort = () => {
          waiting.delete(id);
          port.postMessage({ kind: 'cancel', id });
          reject(signal!.reason);
        };
        const done = () => signal?.removeEventListener('abort', abort);
        waiting.set(id, {
          resolve: (value) => {
            done();
            resolve(value);
          },
          reject: (reason) => {
            done();
            reject(reason);
          },
        });
        signal?.addEventListener('abort', abort, { once: true });
        port.postMessage({ kind: 'call', id, name, argument }, transfer);
      }),
    fail: (reason) => {
      failure = { reason };
      for (const entry of waiting.values()) entry.reject(reason);
      waiting.clear();
    },
  };
}
