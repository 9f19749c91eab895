/** Something scheduled. `cancel` is harmless after it ran. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Whatever waits or asks the time takes one: real time in production, virtual time in tests and
 * rehearsals, where an hour of alerting takes milliseconds and is the same every run.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds from an arbitrary origin, never going back; for measuring. Has a fractional part. */
  monotonic(): number;
  /** Runs `callback` once, after at least `delayMs`. A pending timer does not keep the process alive when `background`. */
  after(delayMs: number, callback: () => void, options?: { background?: boolean }): Timer;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback, options) {
    // A longer delay would overflow to "at once".
    const MAX_DELAY_MS = 2 ** 31 - 1;
    let handle: ReturnType<typeof setTimeout>;
    const arm = (rest: number) => {
      handle = setTimeout(
        () => (rest > MAX_DELAY_MS ? arm(rest - MAX_DELAY_MS) : callback()),
        Math.min(rest, MAX_DELAY_MS),
      );
      if (options?.background && typeof handle === 'object') handle.unref();
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = () => {
      timer.cancel();
      reject(signal!.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A signal that aborts with `reason()` after `ms`, or as soon as `parent` does. Call `done` when it is no longer needed. */
export function deadline(
  clock: Clock,
  ms: number,
  reason: () => unknown,
  parent?: AbortSignal,
): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const timer = clock.after(ms, () => controller.abort(reason()));
  const onAbort = () => controller.abort(parent!.reason);
  if (parent?.aborted) onAbort();
  else parent?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    done: () => {
      timer.cancel();
      parent?.removeEventListener('abort', onAbort);
    },
  };
}

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Time that moves only when told. Timers run in order of due time, then of creation; between two due times all promises
 * that became ready are given the chance to run, so that code written with `await` behaves as in real time.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();
  readonly #startMs: number;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const pending: Pending = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** When the next timer is due, if any. */
  get nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /** Moves on by `ms`, running what falls due. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#nowMs + ms);
  }

  async advanceTo(targetMs: number): Promise<void> {
    await settle();
    for (;;) {
      const next = this.#next();
      if (!next || next.dueMs > targetMs) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  #next(): Pending | undefined {
    let next: Pending | undefined;
    for (const p of this.#pending) {
      if (!next || p.dueMs < next.dueMs || (p.dueMs === next.dueMs && p.order < next.order)) next = p;
    }
    return next;
  }
}

/** Lets every ready promise, and what they make ready in turn, run: a macrotask comes after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
