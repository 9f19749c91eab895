import { DEFAULT_HTTP_CONFIG } from '@belfry/config';
import { isGiven } from './config-fields.ts';
import {
  type ConfigOf,
  INTEGRATION_SCHEMAS,
  type IntegrationType,
  type RawGlobal,
  type RawReceiver,
} from './config-receivers.ts';

/** One integration with what it takes over from `global:`. */
export type IntegrationConfig = {
  [T in IntegrationType]: { readonly type: T; readonly index: number; readonly config: ConfigOf<T> };
}[IntegrationType];

export interface ReceiverConfig {
  readonly name: string;
  readonly integrations: readonly IntegrationConfig[];
}

type Complain = (message: string) => void;
type Resolver<T extends IntegrationType> = (config: ConfigOf<T>, global: RawGlobal, complain: Complain) => ConfigOf<T>;

const asIs = <C>(config: C): C => config;

/** What each kind of integration takes over from the global section, and what must be there afterwards. */
const RESOLVERS: { readonly [T in IntegrationType]: Resolver<T> } = {
  webhook: asIs,
  discord: asIs,
  incidentio: asIs,
  pushover: asIs,
  sns: asIs,
  msteams: asIs,
  msteamsv2: asIs,
  email(c, g, complain) {
    const smarthost = c.smarthost ?? g.smtp_smarthost;
    if (!smarthost) complain('no global SMTP smarthost set');
    const from = c.from || g.smtp_from;
    if (!from) complain('no global SMTP from set');
    const ownPassword = isGiven(c.auth_password) || c.auth_password_file !== '';
    const ownSecret = isGiven(c.auth_secret) || c.auth_secret_file !== '';
    const tls = c.tls_config ?? g.smtp_tls_config;
    const implicit = c.force_implicit_tls ?? g.smtp_force_implicit_tls;
    return {
      ...c,
      from,
      hello: c.hello || g.smtp_hello,
      auth_username: c.auth_username || g.smtp_auth_username,
      auth_identity: c.auth_identity || g.smtp_auth_identity,
      require_tls: c.require_tls ?? g.smtp_require_tls,
      ...(smarthost ? { smarthost } : {}),
      ...(tls ? { tls_config: tls } : {}),
      ...(implicit === undefined ? {} : { force_implicit_tls: implicit }),
      ...(ownPassword
        ? {}
        : given('auth_password', g.smtp_auth_password, 'auth_password_file', g.smtp_auth_password_file)),
      ...(ownSecret ? {} : given('auth_secret', g.smtp_auth_secret, 'auth_secret_file', g.smtp_auth_secret_file)),
    };
  },
  slack(c, g, complain) {
    const ownUrl = c.api_url !== undefined || c.api_url_file !== '';
    const ownToken = isGiven(c.app_token) || c.app_token_file !== '';
    const app_url = c.app_url ?? g.slack_app_url;
    if (ownUrl || ownToken) return { ...c, app_url };
    if (g.slack_api_url || g.slack_api_url_file) {
      return { ...c, app_url, ...given('api_url', g.slack_api_url, 'api_url_file', g.slack_api_url_file) };
    }
    if (isGiven(g.slack_app_token) || g.slack_app_token_file) {
      return { ...c, app_url, ...given('app_token', g.slack_app_token, 'app_token_file', g.slack_app_token_file) };
    }
    complain('no global Slack API URL set either inline or in a file');
    return c;
  },
  pagerduty: (c, g) => ({ ...c, url: c.url ?? g.pagerduty_url, source: c.source || c.client }),
  opsgenie(c, g, complain) {
    const resolved = { ...c, api_url: c.api_url ?? g.opsgenie_api_url };
    if (isGiven(c.api_key) || c.api_key_file) return resolved;
    if (!isGiven(g.opsgenie_api_key) && !g.opsgenie_api_key_file) {
      complain('no global OpsGenie API Key set either inline or in a file');
    }
    return { ...resolved, ...given('api_key', g.opsgenie_api_key, 'api_key_file', g.opsgenie_api_key_file) };
  },
  wechat(c, g, complain) {
    const corp_id = c.corp_id || g.wechat_api_corp_id;
    const own = isGiven(c.api_secret) || c.api_secret_file !== '';
    if (!own && !isGiven(g.wechat_api_secret) && !g.wechat_api_secret_file) complain('no global Wechat ApiSecret set');
    if (!corp_id) complain('no global Wechat CorpID set');
    return {
      ...c,
      corp_id,
      api_url: c.api_url ?? g.wechat_api_url,
      message_type: c.message_type || 'text',
      ...(own ? {} : given('api_secret', g.wechat_api_secret, 'api_secret_file', g.wechat_api_secret_file)),
    };
  },
  victorops(c, g, complain) {
    const resolved = { ...c, api_url: c.api_url ?? g.victorops_api_url };
    if (isGiven(c.api_key) || c.api_key_file) return resolved;
    if (!isGiven(g.victorops_api_key) && !g.victorops_api_key_file) complain('no global VictorOps API Key set');
    return { ...resolved, ...given('api_key', g.victorops_api_key, 'api_key_file', g.victorops_api_key_file) };
  },
  telegram(c, g, complain) {
    const resolved = { ...c, api_url: c.api_url ?? g.telegram_api_url };
    if (isGiven(c.bot_token) || c.bot_token_file) return resolved;
    if (!isGiven(g.telegram_bot_token) && !g.telegram_bot_token_file) {
      complain('missing bot_token or bot_token_file on telegram_config');
    }
    return { ...resolved, ...given('bot_token', g.telegram_bot_token, 'bot_token_file', g.telegram_bot_token_file) };
  },
  webex: (c, g) => ({ ...c, api_url: c.api_url ?? g.webex_api_url }),
  jira(c, g, complain) {
    const api_url = c.api_url ?? g.jira_api_url;
    if (!api_url) complain('no global Jira Cloud URL set');
    return { ...c, ...(api_url ? { api_url } : {}) };
  },
  rocketchat(c, g, complain) {
    const ownId = isGiven(c.token_id) || c.token_id_file !== '';
    const ownToken = isGiven(c.token) || c.token_file !== '';
    if (!ownId && !isGiven(g.rocketchat_token_id) && !g.rocketchat_token_id_file) {
      complain('no global Rocketchat TokenID set either inline or in a file');
    }
    if (!ownToken && !isGiven(g.rocketchat_token) && !g.rocketchat_token_file) {
      complain('no global Rocketchat Token set either inline or in a file');
    }
    return {
      ...c,
      api_url: c.api_url ?? g.rocketchat_api_url,
      ...(ownId ? {} : given('token_id', g.rocketchat_token_id, 'token_id_file', g.rocketchat_token_id_file)),
      ...(ownToken ? {} : given('token', g.rocketchat_token, 'token_file', g.rocketchat_token_file)),
    };
  },
  mattermost(c, g, complain) {
    if (c.webhook_url || c.webhook_url_file) return c;
    if (!g.mattermost_webhook_url && !g.mattermost_webhook_url_file) {
      complain('no global Mattermost webhook URL set either inline or in a file');
    }
    return {
      ...c,
      ...given('webhook_url', g.mattermost_webhook_url, 'webhook_url_file', g.mattermost_webhook_url_file),
    };
  },
};

/** Both ways of giving a secret, the absent one left out. */
function given<A extends string, B extends string, S>(inline: A, value: S | undefined, fromFile: B, path: string) {
  return { [fromFile]: path, ...(value === undefined ? {} : { [inline]: value }) } as { [K in B]: string } & {
    [K in A]?: S;
  };
}

/** Everything that the receivers' sections say, ready for use. `complain` gets the section's path. */
export function resolveReceiver(
  raw: RawReceiver,
  global: RawGlobal,
  complain: (path: readonly (string | number)[], message: string) => void,
): ReceiverConfig {
  const integrations: IntegrationConfig[] = [];
  for (const type of Object.keys(INTEGRATION_SCHEMAS) as IntegrationType[]) {
    raw[`${type}_configs`].forEach((config, index) => {
      const at = (message: string) => complain([`${type}_configs`, index], message);
      const resolved = resolveOne(type, config as ConfigOf<typeof type>, global, at);
      integrations.push({ type, index, config: resolved } as IntegrationConfig);
    });
  }
  return { name: raw.name, integrations };
}

function resolveOne<T extends IntegrationType>(
  type: T,
  config: ConfigOf<T>,
  global: RawGlobal,
  complain: Complain,
): ConfigOf<T> {
  const resolved = (RESOLVERS[type] as Resolver<T>)(config, global, complain);
  if (type === 'email' || (resolved as { http_config?: unknown }).http_config) return resolved;
  return { ...resolved, http_config: global.http_config ?? DEFAULT_HTTP_CONFIG };
}
