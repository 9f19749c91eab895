import { messageOf, type Timer } from '@belfry/model';
import { evaluateGroup } from './group.ts';
import { type RestoreLimits, type RestoreSource, restoreGroup } from './restore.ts';
import type { GroupState, RuleWorld } from './rule-state.ts';
import { slotAt, wakeAt } from './schedule.ts';

export interface RunnerOptions {
  readonly world: RuleWorld;
  readonly restore: RestoreSource | undefined;
  readonly limits: RestoreLimits;
}

/** A group that runs by itself until it is stopped. */
export interface GroupRunner {
  readonly state: GroupState;
  /** Resolves when the evaluation under way, if any, is over. */
  stop(): Promise<void>;
}

/** Of a restarting server, the state before is taken over after this many evaluations: what alerts depend on exists then. */
const EVALUATIONS_BEFORE_RESTORE = 2;
/** A timer later than this, and than an interval, means that the machine slept. */
const SLEEP_THRESHOLD_MS = 60_000;
/** How long after a sleep, at least, scraping needs to have seen everything again. */
const SETTLE_MS = 60_000;

/** Runs a group at its own time slots: the first is the next one. */
export function runGroup(state: GroupState, options: RunnerOptions): GroupRunner {
  const { clock } = options.world;
  const pause: { stopped: boolean; timer: Timer | undefined; wake: () => void } = {
    stopped: false,
    timer: undefined,
    wake: () => {},
  };
  const wait = (delayMs: number) =>
    new Promise<void>((resolve) => {
      pause.wake = resolve;
      pause.timer = clock.after(delayMs, resolve, { background: true });
    });
  const done = loop(state, options, pause, wait).catch((error: unknown) => {
    options.world.log('a rule group stopped by mistake', { group: state.group.name, error: messageOf(error) });
  });
  return {
    state,
    stop: () => {
      pause.stopped = true;
      pause.timer?.cancel();
      pause.wake();
      return done;
    },
  };
}

async function loop(
  state: GroupState,
  options: RunnerOptions,
  pause: { readonly stopped: boolean },
  wait: (delayMs: number) => Promise<void>,
): Promise<void> {
  const { clock } = options.world;
  const { intervalMs, offsetMs } = state;
  let lastMs = slotAt(clock.now(), intervalMs, offsetMs);
  let evaluations = 0;
  while (!pause.stopped) {
    const wake = wakeAt(clock.now(), lastMs, intervalMs, offsetMs);
    if (wake.kind === 'wait') {
      const dueMs = clock.now() + wake.delayMs;
      await wait(wake.delayMs);
      noticeSleep(state, clock.now(), clock.now() - dueMs);
      continue;
    }
    state.counters.iterations += wake.missed;
    state.counters.iterationsMissed += wake.missed;
    lastMs = wake.slotMs;
    await evaluateGroup(state, lastMs, options.world);
    evaluations++;
    if (state.shouldRestore && evaluations >= EVALUATIONS_BEFORE_RESTORE && !pause.stopped) {
      if (options.restore) {
        await restoreGroup(state, clock.now(), options.restore, options.limits, options.world);
      }
      for (const rule of state.rules) if (rule.kind === 'alerting') rule.restored = true;
      state.shouldRestore = false;
    }
  }
}

/**
 * After a sleep, or a jump of the clock, nothing is known of the time between: it does not count as time that an alert
 * was pending, and what the first evaluations do not see is not taken for resolved, as scraping has only begun again.
 */
function noticeSleep(state: GroupState, nowMs: number, lateMs: number): void {
  if (lateMs <= Math.max(SLEEP_THRESHOLD_MS, state.intervalMs)) return;
  state.settlingUntilMs = nowMs + Math.max(SETTLE_MS, 2 * state.intervalMs);
  for (const rule of state.rules) {
    if (rule.kind !== 'alerting') continue;
    for (const alert of rule.active.values()) if (alert.state === 'pending') alert.activeAtMs += lateMs;
  }
}
