import { type Clock, sleep } from '@belfry/model';

const WINDOW_MS = 60_000;

/** Lets at most `perMinute` pass in any minute, the others wait in order; 0 is no limit. Rejects when the signal aborts. */
export function createRateLimit(perMinute: number, clock: Clock): (signal: AbortSignal) => Promise<void> {
  if (perMinute <= 0) return async () => {};
  const passed: number[] = [];
  return async (signal) => {
    while (passed.length > 0 && passed[0]! <= clock.now() - WINDOW_MS) passed.shift();
    // Each takes its place at once, so that those who wait do not overtake each other.
    const atMs = passed.length < perMinute ? clock.now() : passed[passed.length - perMinute]! + WINDOW_MS;
    passed.push(atMs);
    if (atMs > clock.now()) await sleep(clock, atMs - clock.now(), signal);
  };
}
