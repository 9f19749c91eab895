import {
  type Alertmanager,
  createAlertmanager,
  type GettableAlert,
  loadAlertsFile,
  loadConfigFile,
  type Preview,
  type StoredNotification,
} from '@belfry/alerting';
import { BelfryError, quote } from '@belfry/model';
import pc from 'picocolors';
import { askTower } from '../ask-tower.ts';
import { VERSION } from '../version.ts';
import { notificationLines } from '../why-text.ts';

/** What a preview and a drill are told by: at most one of `alert` and `live`. */
export interface TryOptions {
  /** Of the running tower; not asked with `config.file` unless for a live alert. */
  readonly url: string;
  /** An alertmanager.yml to use in place of the tower's. */
  readonly 'config.file'?: string;
  /** A file with one alert or a list of alerts, JSON or YAML. */
  readonly alert?: string;
  /** Name of alerts that the tower's router knows. */
  readonly live?: string;
  readonly format: string;
}

/** Shows what every integration of a receiver would send. Sends nothing. */
export async function preview(receiver: string, options: TryOptions): Promise<void> {
  const alerts = await alertsOf(options);
  const previews = await withRouter(
    options,
    (router) => router.renderNotification(receiver, alerts),
    async () => {
      const path = `/api/belfry/alerting/preview/${encodeURIComponent(receiver)}`;
      return (await askTower<{ previews: readonly Preview[] }>(options.url, path, alerts ?? null)).previews;
    },
  );
  if (options.format === 'json') return console.log(JSON.stringify(previews, undefined, 2));
  if (previews.length === 0) console.log(`Receiver ${pc.bold(receiver)} has no integration: it tells nobody.`);
  else console.log(previews.map(previewText).join('\n\n'));
}

/** Sends a message marked as a drill by every integration of a receiver. Exit code 1 when one fails. */
export async function drill(receiver: string, options: TryOptions): Promise<void> {
  const alerts = await alertsOf(options);
  const notifications = await withRouter(
    options,
    (router) => router.drill(receiver, alerts),
    async () => {
      const path = `/api/belfry/alerting/drill/${encodeURIComponent(receiver)}`;
      return (await askTower<{ notifications: readonly StoredNotification[] }>(options.url, path, alerts ?? null))
        .notifications;
    },
  );
  if (notifications.some((n) => n.outcome !== 'sent')) process.exitCode = 1;
  if (options.format === 'json') return console.log(JSON.stringify(notifications, undefined, 2));
  if (notifications.length === 0) console.log(`Receiver ${pc.bold(receiver)} has no integration: it tells nobody.`);
  else for (const line of notificationLines(notifications)) console.log(line);
}

/** A router in this process for the file's configuration, or what the tower says. */
async function withRouter<T>(
  options: TryOptions,
  here: (router: Alertmanager) => Promise<T>,
  there: () => Promise<T>,
): Promise<T> {
  if (options.format !== 'text' && options.format !== 'json') {
    throw new BelfryError('usage', `--format is text or json, not ${options.format}`);
  }
  const file = options['config.file'];
  if (file === undefined) return there();
  const router = createAlertmanager({ config: loadConfigFile(file), version: VERSION, externalUrl: options.url });
  try {
    return await here(router);
  } finally {
    await router.close();
  }
}

/** Nothing, for a sample. */
async function alertsOf({ alert, live, url }: TryOptions): Promise<readonly unknown[] | undefined> {
  if (alert !== undefined && live !== undefined) throw new BelfryError('usage', 'give either --alert or --live');
  if (alert !== undefined) return loadAlertsFile(alert);
  if (live === undefined) return undefined;
  const filter = encodeURIComponent(`alertname=${quote(live)}`);
  const known = await askTower<readonly GettableAlert[]>(url, `/api/v2/alerts?filter=${filter}`);
  if (known.length === 0) throw new BelfryError('not_found', `the router at ${url} knows of no alert ${live} now`);
  return known.map(({ labels, annotations, startsAt, generatorURL }) => ({
    labels,
    annotations,
    startsAt,
    generatorURL,
  }));
}

function previewText({ integration, payloads }: Preview): string {
  return payloads.map(({ to, body }) => `${pc.bold(integration)}  ${pc.cyan(to)}\n${pretty(body)}`).join('\n');
}

/** JSON on lines, other texts as they are. */
function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}
