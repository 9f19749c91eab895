import type { BelfryError, Clock, Random } from '@belfry/model';
import type { Alert } from './alert.ts';
import type { AlertStore } from './alert-store.ts';
import type { AlertmanagerConfig } from './config.ts';
import { createDispatcher, type Dispatcher, type DispatcherLimits } from './dispatcher.ts';
import type { Flush } from './flush.ts';
import type { Attempt } from './guarded-writes.ts';
import type { History } from './history.ts';
import { createInhibitor } from './inhibitor.ts';
import type { NotificationLog } from './notification-log.ts';
import { type Pipeline, runPipeline } from './pipeline.ts';
import type { Receivers } from './receivers.ts';
import { buildRoute, type Route } from './route.ts';
import type { Silences } from './silences.ts';

/** What belongs to one loaded configuration, and is made anew by a reload. */
export interface Runtime {
  readonly config: AlertmanagerConfig;
  readonly route: Route;
  readonly pipeline: Pipeline;
  readonly dispatcher: Dispatcher;
}

/** What outlives a reload. */
export interface Lasting {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: AlertStore;
  readonly silences: Silences;
  readonly log: NotificationLog;
  readonly history: History;
  readonly limits: DispatcherLimits;
  readonly retentionMs: number;
  readonly attempt: Attempt;
  readonly beforeFlush: () => void;
  readonly onLimit: (error: BelfryError) => void;
}

/** Starts routing all alerts that are known by a configuration. */
export function startRuntime(lasting: Lasting, config: AlertmanagerConfig, integrations: Receivers): Runtime {
  const { clock, random, store, silences, log, limits, retentionMs, beforeFlush, onLimit } = lasting;
  const inhibitor = createInhibitor(config.inhibitRules, store.list());
  const intervals = config.timeIntervals;
  const { attempted: onAttempt } = lasting.history;
  const pipeline = { clock, random, inhibitor, silences, intervals, log, integrations, retentionMs, onAttempt };
  const route = buildRoute(config.route);
  const flush = (one: Flush, alerts: readonly Alert[]) => flushGroup(lasting, pipeline, one, alerts);
  const dispatcher = createDispatcher({ clock, route, limits, flush, beforeFlush, onLimit });
  for (const alert of store.list()) dispatcher.insert(alert);
  return { config, route, pipeline, dispatcher };
}

async function flushGroup(
  { history, attempt }: Lasting,
  pipeline: Pipeline,
  flush: Flush,
  alerts: readonly Alert[],
): Promise<boolean> {
  try {
    const outcome = await runPipeline(pipeline, flush, alerts);
    attempt(() => history.keep(outcome));
    return outcome.ok;
  } catch (error) {
    // The group keeps everything and tries again at its next flush.
    attempt(() => {
      throw error;
    });
    return false;
  }
}
