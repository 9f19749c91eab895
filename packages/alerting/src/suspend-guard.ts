import type { Clock } from '@belfry/model';

const BEAT_MS = 15_000;
/** A beat this much late means that the process, or the machine, did not run. */
const SLACK_MS = 15_000;

/**
 * Notices that time went on without us: the machine slept, the process was stopped, the clock was set forward. Calls
 * `onGap` with the missing time, before anything else judges by the new time for long; `onBeat` at every beat.
 */
export function watchForGaps(
  clock: Clock,
  onGap: (gapMs: number, sinceMs: number) => void,
  onBeat: (nowMs: number) => void,
): { stop(): void; check(): void } {
  let lastMs = clock.now();
  let timer = clock.after(BEAT_MS, beat, { background: true });
  function check() {
    const nowMs = clock.now();
    const gapMs = nowMs - lastMs - BEAT_MS;
    if (gapMs > SLACK_MS) onGap(gapMs, lastMs);
    lastMs = nowMs;
  }
  function beat() {
    check();
    onBeat(lastMs);
    timer = clock.after(BEAT_MS, beat, { background: true });
  }
  return { check, stop: () => timer.cancel() };
}
