import type { HttpClient } from '@belfry/config';

const MAX_BODY_BYTES = 256 * 1024 * 1024;

export interface JsonAnswer {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws Error in words, for any status but 200 and anything but JSON. */
export async function fetchJson(
  client: HttpClient,
  url: string,
  options: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<JsonAnswer> {
  const response = await client.request({
    url,
    headers: { accept: 'application/json', ...options.headers },
    timeoutMs: options.timeoutMs,
    maxBodyBytes: MAX_BODY_BYTES,
    signal: options.signal,
  });
  if (response.status !== 200) throw new Error(`${url}: server returned HTTP status ${response.status}`);
  try {
    return { data: JSON.parse(Buffer.from(response.body).toString()), headers: response.headers };
  } catch {
    throw new Error(`${url}: the answer is not JSON`);
  }
}

/** Tells a problem once, until it is another one or `clear`ed. */
export function onceEach(tell: (message: string) => void): { tell(message: string): void; clear(): void } {
  let last = '';
  return {
    tell(message) {
      if (message !== last) tell(message);
      last = message;
    },
    clear() {
      last = '';
    },
  };
}
