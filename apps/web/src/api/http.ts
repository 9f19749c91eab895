/** One way to ask the server, and one kind of error for all that can go wrong. */

export interface ApiError extends Error {
  readonly status: number;
  /** The server's own name of the error, such as `bad_data`. */
  readonly code: string;
  readonly url: string;
}

const MAX_MESSAGE = 2000;

export function apiError(message: string, status: number, code: string, url: string): ApiError {
  return Object.assign(new Error(message), { name: 'ApiError', status, code, url });
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === 'ApiError';
}

/** Whether the server does not have this feature, as opposed to having failed. */
export function isMissing(error: unknown): boolean {
  return isApiError(error) && (error.status === 404 || error.status === 501);
}

/** Text from the server. @throws ApiError */
export async function requestText(url: string, init: RequestInit = {}): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw apiError('The server cannot be reached.', 0, 'unreachable', url);
  }
  const text = await response.text();
  if (response.ok) return text;
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Then the text itself is the message.
  }
  throw errorOf(body, response, url);
}

/** JSON from the server. @throws ApiError with the server's own words where it has some */
export async function requestJson(url: string, init: RequestInit = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw apiError('The server cannot be reached.', 0, 'unreachable', url);
  }
  const text = await response.text();
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    const message = response.ok ? 'The server answered with something that is no JSON.' : text.slice(0, MAX_MESSAGE);
    throw apiError(message, response.ok ? 502 : response.status, 'bad_answer', url);
  }
  if (response.ok) return body;
  throw errorOf(body, response, url);
}

function errorOf(body: unknown, response: Response, url: string): ApiError {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const said = typeof body === 'string' ? body : (fields.error ?? fields.message);
  const message = typeof said === 'string' && said !== '' ? said : `The server answered ${response.status}.`;
  const code =
    typeof fields.errorType === 'string' ? fields.errorType : typeof fields.code === 'string' ? fields.code : '';
  return apiError(message, response.status, code, url);
}

/** Parameters as a query text; undefined ones are left out, lists repeat. */
export function query(parameters: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === '') continue;
    if (Array.isArray(value)) for (const v of value) out.append(name, v);
    else out.append(name, String(value));
  }
  const text = out.toString();
  return text === '' ? '' : `?${text}`;
}
