import { type Alert, isResolved } from './alert.ts';
import type { AlertDecision } from './flush.ts';
import type { Inhibitor } from './inhibitor.ts';

/** Opens the decision about each alert: inhibited, or passed on to the next stage. */
export function inhibitStage(alerts: readonly Alert[], inhibitor: Inhibitor, nowMs: number): AlertDecision[] {
  return alerts.map((alert) => {
    const inhibitions = inhibitor.explain(alert.labels, nowMs);
    const applied = inhibitions.find((i) => i.applied);
    return {
      alert,
      status: isResolved(alert, nowMs) ? 'resolved' : 'firing',
      decision: applied ? 'inhibited' : 'passed',
      reason: applied ? `inhibited by rule ${applied.name ?? applied.rule} (${applied.sources.join(', ')})` : '',
      inhibitions,
      silences: [],
    };
  });
}
