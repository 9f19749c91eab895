import { z } from 'zod';
import { httpUrl, secretText } from './fields.ts';
import type { Secret } from './secret.ts';

const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;

/** How to speak TLS with a server, and who to be. `ca`, `cert`, `key` are PEM texts, the `_file` forms are re-read. */
export const TlsConfig = z
  .strictObject({
    ca: z.string().optional(),
    cert: z.string().optional(),
    key: secretText.optional(),
    ca_file: z.string().optional(),
    cert_file: z.string().optional(),
    key_file: z.string().optional(),
    ca_ref: z.string().optional(),
    cert_ref: z.string().optional(),
    key_ref: z.string().optional(),
    server_name: z.string().optional(),
    insecure_skip_verify: z.boolean().optional(),
    min_version: z.enum(TLS_VERSIONS).optional(),
    max_version: z.enum(TLS_VERSIONS).optional(),
  })
  .superRefine((tls, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    for (const part of ['ca', 'cert', 'key'] as const) {
      if (given(tls[part], tls[`${part}_file`], tls[`${part}_ref`]) > 1) {
        complain(`at most one of ${part}, ${part}_file and ${part}_ref must be configured`);
      }
    }
    const cert = given(tls.cert, tls.cert_file, tls.cert_ref) > 0;
    const key = given(tls.key, tls.key_file, tls.key_ref) > 0;
    if (cert && !key)
      complain('exactly one of key or key_file must be configured when a client certificate is configured');
    if (key && !cert) complain('exactly one of cert or cert_file must be configured when a client key is configured');
  });
export type TlsConfig = z.output<typeof TlsConfig>;

const BasicAuth = z
  .strictObject({
    username: z.string().default(''),
    username_file: z.string().optional(),
    username_ref: z.string().optional(),
    password: secretText.optional(),
    password_file: z.string().optional(),
    password_ref: z.string().optional(),
  })
  .superRefine((auth, context) => {
    for (const part of ['username', 'password'] as const) {
      if (given(auth[part], auth[`${part}_file`], auth[`${part}_ref`]) > 1) {
        const message = `at most one of basic_auth ${part}, ${part}_file & ${part}_ref must be configured`;
        context.addIssue({ code: 'custom', message });
      }
    }
  });

const Authorization = z
  .strictObject({
    type: z
      .string()
      .default('Bearer')
      .transform((type) => type.trim() || 'Bearer'),
    credentials: secretText.optional(),
    credentials_file: z.string().optional(),
    credentials_ref: z.string().optional(),
  })
  .superRefine((auth, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    if (given(auth.credentials, auth.credentials_file, auth.credentials_ref) > 1) {
      complain('at most one of authorization credentials & credentials_file must be configured');
    }
    if (auth.type.toLowerCase() === 'basic') {
      complain('authorization type cannot be set to "basic", use "basic_auth" instead');
    }
  });

/** Values of one header, in the three ways they can be given; all of them are sent. */
const HeaderValues = z.strictObject({
  values: z.array(z.string()).default([]),
  secrets: z.array(secretText).default([]),
  files: z.array(z.string()).default([]),
});

/** Headers that belong to the connection, to authentication, or to ourselves. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
  'x-prometheus-scrape-timeout-seconds',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

const HttpHeaders = z.record(z.string(), HeaderValues).superRefine((headers, context) => {
  for (const name of Object.keys(headers)) {
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      context.addIssue({
        code: 'custom',
        message: `setting header ${JSON.stringify(name)} is not allowed`,
        path: [name],
      });
    }
  }
});

const proxyFields = {
  proxy_url: httpUrl.optional(),
  no_proxy: z.string().optional(),
  proxy_from_environment: z.boolean().optional(),
  proxy_connect_header: z.record(z.string(), z.array(secretText)).optional(),
};

type Complain = (message: string, path?: string[]) => void;

function checkProxy(proxy: z.output<z.ZodObject<typeof proxyFields>>, complain: Complain): void {
  const hasUrl = proxy.proxy_url !== undefined && proxy.proxy_url !== '';
  if (proxy.proxy_from_environment && hasUrl) {
    complain('if proxy_from_environment is configured, proxy_url must not be configured', ['proxy_url']);
  }
  if (proxy.proxy_from_environment && proxy.no_proxy) {
    complain('if proxy_from_environment is configured, no_proxy must not be configured', ['no_proxy']);
  }
  if (!proxy.proxy_from_environment && proxy.no_proxy && !hasUrl) {
    complain('if no_proxy is configured, proxy_url must also be configured', ['no_proxy']);
  }
  if (Object.keys(proxy.proxy_connect_header ?? {}).length > 0 && !proxy.proxy_from_environment && !hasUrl) {
    const message =
      'if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured';
    complain(message, ['proxy_connect_header']);
  }
}

const OAuth2 = z
  .strictObject({
    client_id: z.string().default(''),
    client_secret: secretText.optional(),
    client_secret_file: z.string().optional(),
    client_secret_ref: z.string().optional(),
    scopes: z.array(z.string()).default([]),
    token_url: z.string().default(''),
    endpoint_params: z.record(z.string(), z.string()).default({}),
    tls_config: TlsConfig.optional(),
    ...proxyFields,
  })
  .superRefine((oauth2, context) => {
    const complain: Complain = (message, path = []) => context.addIssue({ code: 'custom', message, path });
    if (oauth2.client_id === '') complain('oauth2 client_id must be configured');
    if (oauth2.token_url === '') complain('oauth2 token_url must be configured');
    if (given(oauth2.client_secret, oauth2.client_secret_file, oauth2.client_secret_ref) > 1) {
      complain('at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured');
    }
    checkProxy(oauth2, complain);
  });

/**
 * The fields of an HTTP client, to spread into the section that has them inline. Such a section must pass through
 * {@link finishHttpConfig}, which makes the checks across fields.
 */
export const httpConfigFields = {
  basic_auth: BasicAuth.optional(),
  authorization: Authorization.optional(),
  oauth2: OAuth2.optional(),
  bearer_token: secretText.optional(),
  bearer_token_file: z.string().optional(),
  tls_config: TlsConfig.optional(),
  follow_redirects: z.boolean().default(true),
  enable_http2: z.boolean().default(true),
  ...proxyFields,
  http_headers: HttpHeaders.optional(),
};

type RawHttpConfig = z.output<z.ZodObject<typeof httpConfigFields>>;

/** How to speak HTTP with a server. The bearer token fields have become `authorization`. */
export type HttpConfig = Omit<RawHttpConfig, 'bearer_token' | 'bearer_token_file'>;

interface IssueSink {
  addIssue(issue: { code: 'custom'; message: string; path?: string[] }): void;
}

/** Checks what concerns several fields, and folds the old bearer token fields into `authorization`. */
export function finishHttpConfig<T extends RawHttpConfig>(
  config: T,
  context: IssueSink,
): Omit<T, 'bearer_token' | 'bearer_token_file'> {
  const complain: Complain = (message, path = []) => context.addIssue({ code: 'custom', message, path });
  const { bearer_token: token, bearer_token_file: tokenFile, ...rest } = config;
  const bearers = given(token, tokenFile);
  if (bearers > 1)
    complain('at most one of bearer_token & bearer_token_file must be configured', ['bearer_token_file']);
  if (bearers > 0 && (config.basic_auth || config.oauth2)) {
    complain('at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured');
  }
  if (bearers > 0 && config.authorization) {
    complain('authorization is not compatible with bearer_token & bearer_token_file', ['authorization']);
  }
  if ([config.basic_auth, config.authorization, config.oauth2].filter(Boolean).length > 1) {
    complain('at most one of basic_auth, oauth2 & authorization must be configured');
  }
  checkProxy(config, complain);
  if (bearers === 0 || config.authorization) return rest;
  const authorization = {
    type: 'Bearer',
    ...(token && token.reveal() !== '' ? { credentials: token } : { credentials_file: tokenFile! }),
  };
  return { ...rest, authorization };
}

/** An `http_config` section standing alone. */
export const HttpConfig = z.strictObject(httpConfigFields).transform(finishHttpConfig);

export const DEFAULT_HTTP_CONFIG: HttpConfig = { follow_redirects: true, enable_http2: true };

/** How many of the ways to say one thing were used. */
function given(...values: readonly (string | Secret | undefined)[]): number {
  return values.filter((v) => v !== undefined && (typeof v === 'string' ? v : v.reveal()) !== '').length;
}

/**
 * Makes file names in a configuration relative to the directory of the file that names them: every field called `…_file`,
 * and the lists called `files`. Everything else is shared with the original.
 */
export function withDirectory<T>(config: T, directory: string, join: (directory: string, file: string) => string): T {
  const visit = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return /_file$/.test(key) && value !== '' ? join(directory, value) : value;
    if (Array.isArray(value)) {
      if (key === 'files') return value.map((v) => (typeof v === 'string' ? join(directory, v) : visit(v, '')));
      return value.map((v) => visit(v, ''));
    }
    if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, visit(v, k)]));
  };
  return visit(config, '') as T;
}

/** Secrets and compiled expressions are not plain: they pass through untouched. */
function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype && !('reveal' in value) && !('matches' in value);
}
