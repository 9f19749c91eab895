import { xxhash64 } from '@belfry/model';

const NANOS_PER_MS = 1_000_000n;

/**
 * How far a group's evaluations are shifted against whole intervals, so that not all groups run at once: the hash of
 * the group's identity modulo its interval, as in Prometheus (labels `file` and `name`, each string behind its length).
 */
export function groupOffsetMs(file: string, name: string, intervalMs: number): number {
  const parts = ['file', file, 'name', name].flatMap((text) => {
    const bytes = Buffer.from(text);
    return [lengthPrefix(bytes.length), bytes];
  });
  const nanos = xxhash64(Buffer.concat(parts)) % (BigInt(intervalMs) * NANOS_PER_MS);
  return Number(nanos / NANOS_PER_MS);
}

function lengthPrefix(length: number): Buffer {
  if (length < 255) return Buffer.from([length]);
  return Buffer.from([255, length & 255, (length >> 8) & 255, (length >> 16) & 255]);
}

/** The group's time slot at or before `nowMs`. */
export function slotAt(nowMs: number, intervalMs: number, offsetMs: number): number {
  return Math.floor((nowMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
}

export type Wake =
  /** Too early: wait on. */
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** Evaluate at this slot, after so many that nobody evaluated. */
  | { readonly kind: 'run'; readonly slotMs: number; readonly missed: number };

/**
 * What to do now, the last slot having been `lastMs`. A clock that was set back starts anew at its own slots, and no
 * wait is longer than an interval, so that a jump of the clock neither stops a group nor makes it run many times.
 */
export function wakeAt(nowMs: number, lastMs: number, intervalMs: number, offsetMs: number): Wake {
  const passed = Math.floor((nowMs - lastMs) / intervalMs);
  if (passed >= 1) return { kind: 'run', slotMs: lastMs + passed * intervalMs, missed: passed - 1 };
  if (passed < -1) return { kind: 'run', slotMs: slotAt(nowMs, intervalMs, offsetMs), missed: 0 };
  return { kind: 'wait', delayMs: Math.min(intervalMs, lastMs + intervalMs - nowMs) };
}
