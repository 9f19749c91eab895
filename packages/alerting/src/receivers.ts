import type { HttpClient, HttpConfig } from '@belfry/config';
import { BelfryError, type Clock, messageOf } from '@belfry/model';
import { type AlertmanagerConfig, loadConfig } from './config.ts';
import type { Integration } from './integration.ts';
import { createIntegration, unsupportedReason } from './integrations.ts';
import { createRateLimit } from './rate-limit.ts';
import { createRenderer } from './renderer.ts';

/** The integrations of each receiver, by its name. */
export type Receivers = ReadonlyMap<string, readonly Integration[]>;

/** A configuration that this version can serve. @throws BelfryError `config_invalid` */
export function servableConfig(config: AlertmanagerConfig | string): AlertmanagerConfig {
  const loaded = typeof config === 'string' ? loadConfig(config) : config;
  for (const { name, integrations } of loaded.receivers) {
    for (const entry of integrations) {
      const reason = unsupportedReason(entry);
      if (!reason) continue;
      throw new BelfryError('config_invalid', `receiver ${JSON.stringify(name)}: ${reason}`, { file: loaded.file });
    }
  }
  return loaded;
}

/** Makes the receivers able to send. @throws BelfryError `template_failed`, `file_unreadable`: template files */
export function connectReceivers(
  config: AlertmanagerConfig,
  parts: {
    readonly clock: Clock;
    readonly externalUrl: string;
    readonly userAgent: string;
    readonly httpClient: (config: HttpConfig) => HttpClient;
    readonly maxNotificationsPerMinute: number;
    readonly replace: (receiver: string, real: Integration) => Integration;
  },
): Receivers {
  const { clock, externalUrl, userAgent, httpClient } = parts;
  const renderer = createRenderer(config.templates, clock);
  return new Map(
    config.receivers.map(({ name, integrations }) => [
      name,
      integrations.map((entry) => {
        const real = createIntegration(name, entry, { clock, renderer, externalUrl, httpClient, userAgent });
        return limited(parts.replace(name, real), parts.maxNotificationsPerMinute, clock);
      }),
    ]),
  );
}

export async function disconnectReceivers(receivers: Receivers): Promise<void> {
  await Promise.all([...receivers.values()].flat().map((i) => i.close().catch(() => undefined)));
}

/** @throws BelfryError `not_found`, naming those that there are */
export function receiverOf(receivers: Receivers, name: string): readonly Integration[] {
  const found = receivers.get(name);
  if (found) return found;
  const names = [...receivers.keys()].join(', ');
  throw new BelfryError('not_found', `no receiver is called ${JSON.stringify(name)} (there are: ${names})`);
}

function limited(integration: Integration, perMinute: number, clock: Clock): Integration {
  if (perMinute <= 0) return integration;
  const pass = createRateLimit(perMinute, clock);
  return {
    ...integration,
    async notify(flush, alerts) {
      try {
        await pass(flush.signal);
      } catch (error) {
        const held = `held by the limit of ${perMinute} notifications a minute: ${messageOf(error)}`;
        return { ok: false, retry: false, error: held, payloads: [] };
      }
      return integration.notify(flush, alerts);
    },
  };
}
