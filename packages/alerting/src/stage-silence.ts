import type { AlertDecision } from './flush.ts';
import type { Silences } from './silences.ts';

/** Silences what is still passed and matched by an active silence. */
export function silenceStage(decisions: readonly AlertDecision[], silences: Silences, nowMs: number): AlertDecision[] {
  return decisions.map((d) => {
    const ids = silences.silencing(d.alert.labels, nowMs);
    if (ids.length === 0) return d;
    if (d.decision !== 'passed') return { ...d, silences: ids };
    return { ...d, decision: 'silenced', reason: `silenced by ${ids.join(', ')}`, silences: ids };
  });
}
