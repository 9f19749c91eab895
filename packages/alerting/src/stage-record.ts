import type { Flush } from './flush.ts';
import type { NotificationLog } from './notification-log.ts';
import type { AlertSets } from './stage-dedup.ts';

/** Notes what the receiver knows now, so that it is not told again. */
export function recordStage(
  log: NotificationLog,
  flush: Flush,
  integration: string,
  sets: AlertSets,
  options: { nowMs: number; retentionMs: number },
): void {
  const { nowMs, retentionMs } = options;
  log.record({
    kind: 'log_entry',
    groupKey: flush.groupKey,
    integration,
    atMs: nowMs,
    firing: new Set(sets.firing.map((a) => a.fingerprint)),
    resolved: new Set(sets.resolved.map((a) => a.fingerprint)),
    // Longer than any repeat needs to look back, as in Alertmanager.
    expiresAtMs: nowMs + Math.min(retentionMs, 2 * flush.route.repeatIntervalMs),
  });
}
