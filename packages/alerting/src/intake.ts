import type { Clock } from '@belfry/model';
import { admit, type RefusedAlert } from './admission.ts';
import { type Alert, isResolved } from './alert.ts';
import type { AlertStore } from './alert-store.ts';
import type { AlertingEvent, AlertingLogger } from './events.ts';
import type { Attempt } from './guarded-writes.ts';
import type { Metrics } from './metrics.ts';
import type { Runtime } from './runtime.ts';
import type { State } from './state.ts';
import { watchForGaps } from './suspend-guard.ts';

/** The way of alerts into the router. */
export interface Intake {
  put(posted: unknown): { readonly accepted: number; readonly refused: readonly RefusedAlert[] };
  /** How an alert came to be, as its sender told. */
  originOf(fingerprint: string): unknown;
  /** Notices, before anybody decides by it, that time went on without this process. */
  checkForGap(): void;
  /** Forgets resolved alerts. */
  collect(nowMs: number): void;
  stop(): void;
}

export function createIntake(parts: {
  readonly clock: Clock;
  readonly store: AlertStore;
  readonly state: State;
  readonly metrics: Metrics;
  readonly logger: AlertingLogger;
  readonly onEvent: (event: AlertingEvent) => void;
  readonly attempt: Attempt;
  readonly guardAgainstGaps: boolean;
  /** For alerts whose sender told nothing. */
  readonly originOf: (fingerprint: string) => unknown;
  readonly runtime: () => Runtime;
}): Intake {
  const { clock, store, state, metrics, logger, onEvent, attempt, runtime } = parts;
  const origins = new Map<string, unknown>();

  const accept = (alerts: readonly Alert[]) => {
    const nowMs = clock.now();
    const current = alerts.map((alert) => store.put(alert, nowMs));
    for (const alert of current) {
      runtime().pipeline.inhibitor.observe(alert);
      runtime().dispatcher.insert(alert);
    }
    // Last: an alert must be told even when the disk is full. The sender learns of the failure and sends again.
    state.putAlerts(current);
  };

  /** Nobody could renew an alert while this process did not run: its time is made longer by as much. */
  const bridgeGap = (gapMs: number, sinceMs: number) => {
    const extended = [...store.list()]
      .filter((a) => a.endsAtMs > sinceMs && a.endsAtMs <= clock.now() + gapMs)
      .map((a) => ({ ...a, endsAtMs: a.endsAtMs + gapMs }));
    attempt(() => accept(extended));
    const message = 'time went on without this process; alerts are held until they can be renewed';
    logger.warn({ gapMs, alerts: extended.length }, message);
    onEvent({ kind: 'time_gap', gapMs, extended: extended.length });
  };
  const alive = (nowMs: number) => void attempt(() => state.markAlive(nowMs));
  const guard = parts.guardAgainstGaps ? watchForGaps(clock, bridgeGap, alive) : undefined;
  if (guard) alive(clock.now());

  return {
    put(posted) {
      guard?.check();
      const { alerts, refused } = admit(posted, clock.now(), runtime().config.global.resolve_timeout);
      for (const { alert, origin } of alerts) if (origin !== undefined) origins.set(alert.fingerprint, origin);
      accept(alerts.map((a) => a.alert));
      const resolved = alerts.filter((a) => isResolved(a.alert, clock.now())).length;
      metrics.received('resolved', resolved);
      metrics.received('firing', alerts.length - resolved);
      metrics.invalid(refused.length);
      onEvent({ kind: 'alerts_received', accepted: alerts.length, refused: refused.length });
      return { accepted: alerts.length, refused };
    },
    originOf: (fingerprint) => origins.get(fingerprint) ?? parts.originOf(fingerprint),
    checkForGap: () => guard?.check(),
    collect(nowMs) {
      const gone = store.collect(nowMs);
      state.deleteAlerts(gone);
      for (const fingerprint of gone) origins.delete(fingerprint);
    },
    stop() {
      if (!guard) return;
      guard.stop();
      alive(clock.now());
    },
  };
}
