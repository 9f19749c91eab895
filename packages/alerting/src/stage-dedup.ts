import type { Alert } from './alert.ts';
import type { LogEntry } from './notification-log.ts';

/** The reason of a notification that says what was said before. */
export const REPEATED = 'repeat_interval has passed';

/** Whether a receiver is told, and why. */
export interface DedupVerdict {
  readonly tell: boolean;
  readonly reason: string;
}

export interface AlertSets {
  readonly firing: readonly Alert[];
  readonly resolved: readonly Alert[];
}

/**
 * Compares what fires and what is resolved now with what the receiver was last told (`entry`).
 * Something new fires: tell. Everything is resolved that it knows of: tell. Something more is resolved and it wants to
 * know: tell. Else only when `repeatIntervalMs` has passed since.
 */
export function dedupStage(
  entry: LogEntry | undefined,
  { firing, resolved }: AlertSets,
  options: { sendResolved: boolean; repeatIntervalMs: number; nowMs: number },
): DedupVerdict {
  if (!entry) {
    if (firing.length > 0) return { tell: true, reason: 'first notification of this group' };
    return { tell: false, reason: 'resolved before the receiver was told that it fires' };
  }
  const news = firing.filter((a) => !entry.firing.has(a.fingerprint)).length;
  if (news > 0) return { tell: true, reason: `${news} more firing than last told` };
  if (firing.length === 0) {
    if (entry.firing.size > 0) return { tell: true, reason: 'all resolved' };
    return { tell: false, reason: 'fired and resolved since the last notification' };
  }
  if (options.sendResolved) {
    const more = resolved.filter((a) => !entry.resolved.has(a.fingerprint)).length;
    if (more > 0) return { tell: true, reason: `${more} more resolved than last told` };
  }
  // Moments of flushes, not of deliveries, so that an interval that is a multiple of group_interval is kept exactly.
  if (entry.atMs <= options.nowMs - options.repeatIntervalMs) return { tell: true, reason: REPEATED };
  return { tell: false, reason: 'nothing new, and repeat_interval has not passed' };
}
