import type { Random } from '@belfry/model';

const INITIAL_MS = 500;
const FACTOR = 1.5;
const SPREAD = 0.5;
const MAX_MS = 60_000;

/** How long to wait before attempt `attempt` (2 is the first that waits): exponential, spread by half either way. */
export function backoffMs(attempt: number, random: Random): number {
  const base = Math.min(MAX_MS, INITIAL_MS * FACTOR ** Math.max(0, attempt - 2));
  return base * (1 - SPREAD + 2 * SPREAD * random());
}
