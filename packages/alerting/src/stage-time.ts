import type { AlertDecision, IntervalVerdict } from './flush.ts';
import type { Route } from './route.ts';
import { intervalContains, type TimeInterval } from './time-interval.ts';

/** The named intervals of `time_intervals:` and `mute_time_intervals:`. */
export type TimeIntervals = ReadonlyMap<string, readonly TimeInterval[]>;

/** What the route's intervals say about a moment. */
export function judgeIntervals(route: Route, intervals: TimeIntervals, atMs: number): IntervalVerdict[] {
  const judge = (use: IntervalVerdict['use']) => (name: string) => ({
    name,
    use,
    contains: (intervals.get(name) ?? []).some((i) => intervalContains(i, atMs)),
  });
  return [...route.activeTimeIntervals.map(judge('active')), ...route.muteTimeIntervals.map(judge('mute'))];
}

/** The names of the intervals that keep the route quiet; empty when it may speak. */
export function mutedBy(verdicts: readonly IntervalVerdict[]): string[] {
  const active = verdicts.filter((v) => v.use === 'active');
  if (active.length > 0 && !active.some((v) => v.contains)) return active.map((v) => v.name);
  return verdicts.filter((v) => v.use === 'mute' && v.contains).map((v) => v.name);
}

/** Mutes what is still passed when the route's intervals say so. */
export function timeStage(decisions: readonly AlertDecision[], verdicts: readonly IntervalVerdict[]): AlertDecision[] {
  const names = mutedBy(verdicts);
  if (names.length === 0) return [...decisions];
  const outside = verdicts.some((v) => v.use === 'active' && names.includes(v.name) && !v.contains);
  const reason = outside
    ? `outside of the active time intervals ${names.join(', ')}`
    : `in the mute time interval ${names.join(', ')}`;
  return decisions.map((d) => (d.decision === 'passed' ? { ...d, decision: 'muted', reason } : d));
}
