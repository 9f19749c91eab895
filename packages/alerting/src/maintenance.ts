import type { Clock } from '@belfry/model';
import type { Attempt } from './guarded-writes.ts';

/** Does `work` again and again, until stopped; a failure is told and does not end it. */
export function repeat(
  clock: Clock,
  everyMs: number,
  attempt: Attempt,
  work: (nowMs: number) => void,
): { stop(): void } {
  let timer = clock.after(everyMs, run, { background: true });
  function run() {
    attempt(() => work(clock.now()));
    timer = clock.after(everyMs, run, { background: true });
  }
  return { stop: () => timer.cancel() };
}
