import { DEFAULT_HTTP_CONFIG, httpClient, redactUrl, secret } from '@belfry/config';
import { BelfryError, type Clock } from '@belfry/model';
import type { Engine, Queryable } from '@belfry/promql';
import {
  engineQuery,
  firstThen,
  type RestoreSource,
  type RuleQuery,
  remoteQuery,
  remoteRestoreSource,
} from '@belfry/rules';
import { VERSION } from './version.ts';

/** Where rules ask, and where they look for alerts from before a restart. */
export interface RuleSource {
  readonly query: RuleQuery;
  readonly restore: RestoreSource;
  close(): Promise<void>;
}

export interface RuleSourceOptions {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly database: Queryable;
  readonly maxSamples: number;
  readonly timeoutMs: number;
  /** Of a server elsewhere (`--query.url`), perhaps with a user and a password; empty: rules ask the own store. */
  readonly url: string;
  readonly onProblem: (message: string) => void;
}

/** Rules over the own store, or over a server elsewhere; what they give is always written to the own store. */
export function ruleSource(options: RuleSourceOptions): RuleSource {
  const { clock, engine, database, maxSamples, timeoutMs, url, onProblem } = options;
  const own: RestoreSource = (matchers, afterMs, untilMs, signal) =>
    database.raw(matchers, afterMs, untilMs, maxSamples, signal);
  if (url === '') return { query: engineQuery(engine, database), restore: own, close: async () => {} };
  const { plain, credentials } = splitCredentials(url);
  const config = { ...DEFAULT_HTTP_CONFIG, ...(credentials ? { basic_auth: credentials } : {}) };
  const client = httpClient(config, { clock, userAgent: `Belfry/${VERSION}` });
  const remote = { url: plain, client, timeoutMs };
  const there = remoteRestoreSource(remote);
  // What was written here is known exactly; the other server counts where this store is new.
  const restore = firstThen(own, (matchers, afterMs, untilMs, signal) =>
    there(matchers, afterMs, untilMs, signal).catch((error: Error) => {
      onProblem(`alerts from before are not looked for at ${plain}: ${error.message}`);
      return [];
    }),
  );
  return { query: remoteQuery(remote), restore, close: () => client.close() };
}

function splitCredentials(text: string) {
  let url: URL;
  try {
    url = new URL(text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('neither http nor https');
  } catch {
    throw new BelfryError('usage', `--query.url=${redactUrl(text)}: expected a URL such as http://prometheus:9090`);
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const credentials =
    username === ''
      ? undefined
      : { username: decodeURIComponent(username), password: secret(decodeURIComponent(password)) };
  return { plain: url.href.replace(/\/$/, ''), credentials };
}
