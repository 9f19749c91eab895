import { type Alert, isResolved, mergeAlerts, overlaps } from './alert.ts';

/** The alerts that are known, one for each label set. */
export interface AlertStore {
  readonly size: number;
  get(fingerprint: string): Alert | undefined;
  /** All of them, resolved ones included until they are collected. */
  list(): IterableIterator<Alert>;
  /** Takes a report in, merged with what is known about the same activity, and gives what is known now. */
  put(alert: Alert, nowMs: number): Alert;
  /** Forgets resolved alerts; gives their fingerprints. */
  collect(nowMs: number): string[];
}

export function createAlertStore(initial: Iterable<Alert> = []): AlertStore {
  const alerts = new Map<string, Alert>();
  for (const alert of initial) alerts.set(alert.fingerprint, alert);
  return {
    get size() {
      return alerts.size;
    },
    get: (fingerprint) => alerts.get(fingerprint),
    list: () => alerts.values(),
    put(alert, nowMs) {
      const old = alerts.get(alert.fingerprint);
      const current = old && overlaps(old, alert) ? mergeAlerts(old, alert, nowMs) : alert;
      alerts.set(alert.fingerprint, current);
      return current;
    },
    collect(nowMs) {
      const gone: string[] = [];
      for (const alert of alerts.values()) if (isResolved(alert, nowMs)) gone.push(alert.fingerprint);
      for (const fingerprint of gone) alerts.delete(fingerprint);
      return gone;
    },
  };
}
