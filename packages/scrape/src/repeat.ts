import type { Clock, Timer } from '@belfry/model';

/** Runs `work` now and then again `intervalMs` after it began, never twice at once, until stopped. */
export function repeat(
  clock: Clock,
  intervalMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): { stop(): void; now(): void } {
  const controller = new AbortController();
  let timer: Timer | undefined;
  let running = false;
  let again = false;
  const run = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    timer?.cancel();
    const began = clock.monotonic();
    await work(controller.signal);
    running = false;
    if (controller.signal.aborted) return;
    const rest = again ? 0 : Math.max(0, intervalMs - (clock.monotonic() - began));
    again = false;
    timer = clock.after(rest, () => void run(), { background: true });
  };
  void run();
  return {
    stop() {
      controller.abort();
      timer?.cancel();
    },
    now: () => void run(),
  };
}
