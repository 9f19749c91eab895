import {
  type AlertmanagerConfig,
  type HttpClient,
  type HttpClientDependencies,
  httpClient,
  isSecret,
  type RelabelConfig,
  type Relabeller,
  relabeller,
} from '@belfry/config';
import {
  type Clock,
  EMPTY_LABELS,
  type Labels,
  labelsFrom,
  labelsToObject,
  labelsWith,
  labelValue,
} from '@belfry/model';
import type { RuleAlert } from './alert-state.ts';
import { type AlertmanagerQueue, createQueue, type QueueCounters } from './alertmanager-queue.ts';

export interface NotifierOptions {
  readonly clock: Clock;
  readonly userAgent?: string;
  /** Alerts that wait for one Alertmanager, at most; then the oldest give way. */
  readonly queueCapacity?: number;
  /** Alerts in one request. */
  readonly maxBatchSize?: number;
  readonly log?: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** Hears which alerts, labelled as they are sent, are put into the queue of which URL. */
  readonly onQueued?: (url: string, alerts: readonly RuleAlert[]) => void;
  readonly http?: Omit<HttpClientDependencies, 'clock' | 'userAgent'>;
}

/** Prometheus' `--alertmanager.notification-queue-capacity`. */
export const DEFAULT_QUEUE_CAPACITY = 10_000;
export const DEFAULT_BATCH_SIZE = 64;

export interface NotifierSettings {
  /** The `alerting` section. */
  readonly alertmanagers: readonly AlertmanagerConfig[];
  readonly alertRelabelConfigs: readonly RelabelConfig[];
  readonly externalLabels?: Labels;
}

export interface AlertmanagerStatus extends QueueCounters {
  readonly url: string;
  readonly queued: number;
  /** How the last request failed; empty when it did not. */
  readonly lastError: string;
}

/** Tells external Alertmanagers of alerts. Each has a queue of its own, so that one that is away delays no other. */
export interface Notifier {
  /** Replaces the configuration; what waits for an Alertmanager that stays is kept. */
  update(settings: NotifierSettings): void;
  /** Targets that discovery found for section `index`; those of `static_configs` are known without. */
  setTargets(index: number, targets: readonly Labels[]): void;
  /** Puts alerts into the queues. */
  send(alerts: readonly RuleAlert[]): void;
  /** The data of `/api/v1/alertmanagers`. */
  alertmanagers(): {
    readonly activeAlertmanagers: { url: string }[];
    readonly droppedAlertmanagers: { url: string }[];
  };
  status(): readonly AlertmanagerStatus[];
  /** Sends what is waiting, each batch once, and closes connections. */
  stop(): Promise<void>;
}

/** One entry of `alertmanagers`. */
interface Section {
  readonly config: AlertmanagerConfig;
  readonly relabelTarget: Relabeller;
  readonly relabelAlert: Relabeller;
  readonly client: HttpClient;
  readonly queues: Map<string, AlertmanagerQueue>;
  discovered: readonly Labels[];
  dropped: string[];
}

export function createNotifier(options: NotifierOptions): Notifier {
  const log = options.log ?? (() => {});
  let sections: Section[] = [];
  let relabelAlert: Relabeller = (labels) => labels;
  let externalLabels: Labels = EMPTY_LABELS;

  const queueOf = (section: Section, url: string): AlertmanagerQueue =>
    createQueue({
      url,
      client: section.client,
      clock: options.clock,
      timeoutMs: section.config.timeout,
      capacity: options.queueCapacity ?? DEFAULT_QUEUE_CAPACITY,
      batchSize: options.maxBatchSize ?? DEFAULT_BATCH_SIZE,
      log,
    });

  const sync = (section: Section): void => {
    const wanted = new Set<string>();
    section.dropped = [];
    for (const target of [...staticTargets(section.config), ...section.discovered]) {
      const before = withDefaults(target, section.config);
      const after = section.relabelTarget(before);
      if (after && labelValue(after, ADDRESS) !== '') wanted.add(urlOf(after));
      else section.dropped.push(urlOf(before));
    }
    for (const [url, queue] of section.queues) {
      if (wanted.has(url)) continue;
      section.queues.delete(url);
      void queue.stop();
    }
    for (const url of wanted) if (!section.queues.has(url)) section.queues.set(url, queueOf(section, url));
  };

  const openSection = (config: AlertmanagerConfig): Section => ({
    config,
    relabelTarget: relabeller(config.relabel_configs),
    relabelAlert: relabeller(config.alert_relabel_configs),
    client: httpClient(config, {
      clock: options.clock,
      ...options.http,
      ...(options.userAgent ? { userAgent: options.userAgent } : {}),
    }),
    queues: new Map(),
    discovered: [],
    dropped: [],
  });

  const closeSection = async (section: Section) => {
    await Promise.all([...section.queues.values()].map((queue) => queue.stop()));
    await section.client.close();
  };

  return {
    update(settings) {
      externalLabels = settings.externalLabels ?? EMPTY_LABELS;
      relabelAlert = relabeller(settings.alertRelabelConfigs);
      const before = [...sections];
      sections = settings.alertmanagers.map((config) => {
        const same = before.findIndex((old) => shapeOf(old.config) === shapeOf(config));
        return same < 0 ? openSection(config) : before.splice(same, 1)[0]!;
      });
      for (const section of sections) sync(section);
      for (const old of before) void closeSection(old);
    },
    setTargets(index, targets) {
      const section = sections[index];
      if (!section) return;
      section.discovered = targets;
      sync(section);
    },
    send(alerts) {
      const all = relabelled(alerts, (labels) => relabelAlert(withExternal(labels, externalLabels)));
      for (const section of sections) {
        const own = relabelled(all, section.relabelAlert);
        if (own.length === 0) continue;
        for (const [url, queue] of section.queues) {
          options.onQueued?.(url, own);
          queue.push(own);
        }
      }
    },
    alertmanagers: () => ({
      activeAlertmanagers: sections.flatMap((s) => [...s.queues.keys()].map((url) => ({ url }))),
      droppedAlertmanagers: sections.flatMap((s) => s.dropped.map((url) => ({ url }))),
    }),
    status: () => sections.flatMap((s) => [...s.queues.values()].map((queue) => queue.status())),
    async stop() {
      await Promise.all(sections.map(closeSection));
      sections = [];
    },
  };
}

/** Equal for equal configurations, their secrets included. */
function shapeOf(config: AlertmanagerConfig): string {
  return JSON.stringify(config, function (this: Record<string, unknown>, key, value: unknown) {
    const raw = this[key];
    return isSecret(raw) ? raw.reveal() : value;
  });
}

const ADDRESS = '__address__';
const SCHEME = '__scheme__';
const PATH = '__alerts_path__';

function staticTargets(config: AlertmanagerConfig): Labels[] {
  return config.static_configs.flatMap(({ targets, labels }) =>
    targets.map((address) => labelsFrom({ ...labels, [ADDRESS]: address })),
  );
}

function withDefaults(target: Labels, config: AlertmanagerConfig): Labels {
  const defaults = { [SCHEME]: config.scheme, [PATH]: `/${config.path_prefix}/api/v2/alerts`.replace(/\/+/g, '/') };
  return labelsFrom({ ...defaults, ...labelsToObject(target) });
}

function urlOf(labels: Labels): string {
  return `${labelValue(labels, SCHEME)}://${labelValue(labels, ADDRESS)}${labelValue(labels, PATH)}`;
}

/** Labels of the server that the alert does not have itself. */
function withExternal(labels: Labels, external: Labels): Labels {
  let all = labels;
  for (let i = 0; i < external.length; i += 2) {
    if (labelValue(labels, external[i]!) === '') all = labelsWith(all, external[i]!, external[i + 1]!);
  }
  return all;
}

function relabelled(alerts: readonly RuleAlert[], relabel: Relabeller): RuleAlert[] {
  const kept: RuleAlert[] = [];
  for (const alert of alerts) {
    const labels = relabel(alert.labels);
    if (labels) kept.push(labels === alert.labels ? alert : { ...alert, labels });
  }
  return kept;
}
