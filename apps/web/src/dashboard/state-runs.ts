export interface StateRun {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: number;
}

/** Stretches of one value: each lasts until the next sample that differs, or until its series stops. */
export function stateRuns(timesMs: readonly number[], column: readonly (number | null)[]): readonly StateRun[] {
  const runs: StateRun[] = [];
  let start = -1;
  for (let i = 0; i <= timesMs.length; i++) {
    const value = i < timesMs.length ? column[i] : null;
    if (start >= 0 && value !== column[start]) {
      const toMs = timesMs[Math.min(i, timesMs.length - 1)]!;
      runs.push({ fromMs: timesMs[start]!, toMs, value: column[start]! });
      start = -1;
    }
    if (start < 0 && value !== null && value !== undefined) start = i;
  }
  return runs;
}
