/** HTTP to the services that builds are delivered to. What is secret goes into headers and nowhere else. */
import { readFileSync } from 'node:fs';
import { BelfryError, messageOf } from '@belfry/model';

export interface PushAnswer {
  readonly status: number;
  readonly text: string;
}

export interface PushClient {
  /** An answer below 400, or 404. @throws BelfryError `delivery_failed`, `unavailable` */
  send(method: string, path: string, body?: unknown): Promise<PushAnswer>;
}

export interface PushCredentials {
  readonly tokenFile?: string;
  readonly basicAuthFile?: string;
  readonly tenant?: string;
}

const TIMEOUT_MS = 30_000;
const LONGEST_MESSAGE = 300;

/** @throws BelfryError `usage` for an address that is none or holds a password, or two kinds of credentials */
export function pushClient(
  address: string,
  credentials: PushCredentials,
  env: Readonly<Record<string, string | undefined>>,
): PushClient {
  const base = baseOf(address);
  const headers = {
    ...authorization(credentials, env),
    ...(credentials.tenant ? { 'x-scope-orgid': credentials.tenant } : {}),
  };
  return {
    send: async (method, path, body) => {
      let response: Response;
      let text: string;
      try {
        response = await fetch(base + path, {
          method,
          // A redirect could lead the credentials elsewhere.
          redirect: 'error',
          signal: AbortSignal.timeout(TIMEOUT_MS),
          headers: {
            ...headers,
            ...(body === undefined
              ? {}
              : { 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' }),
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        });
        text = await response.text();
      } catch (error) {
        const cause = (error as { cause?: unknown }).cause;
        throw new BelfryError('unavailable', `${method} ${base}${path}: ${messageOf(cause ?? error)}`, {
          cause: error,
        });
      }
      if (response.status < 400 || response.status === 404) return { status: response.status, text };
      const said = saidBy(text);
      throw new BelfryError(
        'delivery_failed',
        `${method} ${base}${path}: ${response.status}${said ? `: ${said}` : ''}`,
      );
    },
  };
}

function baseOf(address: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new BelfryError('usage', `${JSON.stringify(address)} is not a URL such as http://localhost:3000`);
  }
  if (!/^https?:$/.test(url.protocol)) throw new BelfryError('usage', `${url.protocol} is neither http nor https`);
  if (url.username || url.password) {
    throw new BelfryError(
      'usage',
      'the URL holds a user or password; give them with --basic-auth-file or BELFRY_PUSH_BASIC_AUTH',
    );
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function authorization(
  { tokenFile, basicAuthFile }: PushCredentials,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const named = tokenFile !== undefined || basicAuthFile !== undefined;
  const token = tokenFile ? secretIn(tokenFile) : named ? undefined : env.BELFRY_PUSH_TOKEN;
  const basic = basicAuthFile ? secretIn(basicAuthFile) : named ? undefined : env.BELFRY_PUSH_BASIC_AUTH;
  if (token && basic) throw new BelfryError('usage', 'there are a token and a password; give one of them');
  if (token) return { authorization: `Bearer ${token}` };
  if (!basic) return {};
  if (!basic.includes(':')) throw new BelfryError('usage', 'basic authentication is expected as user:password');
  return { authorization: `Basic ${Buffer.from(basic).toString('base64')}` };
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}`, { cause: error });
  }
}

function saidBy(text: string): string {
  let message = text;
  try {
    const value = JSON.parse(text) as { message?: unknown; error?: unknown };
    message = String(value.message ?? value.error ?? text);
  } catch {
    // Not JSON: as it is.
  }
  return message.trim().slice(0, LONGEST_MESSAGE);
}
