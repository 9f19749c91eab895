import { formatExpr } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import { alertFile, panelFile } from '../examples.ts';
import { shared, statedThresholds, topicOf } from '../prose-thresholds.ts';
import { type Place, rangeOf } from '../source.ts';
import { bare } from '../windows.ts';
import { alertTopic } from './threshold-in-text-without-alert.ts';

const expr = 'process_resident_memory_bytes{job="shop"}';
const panel = (red: number) =>
  panelFile(expr, {
    steps: [
      { color: 'green', value: null },
      { color: 'red', value: red },
    ],
  });

export const thresholdConflictBetweenArtefacts = defineCheck({
  name: 'threshold-conflict-between-artefacts',
  finds: 'A panel, a document and an alert that state different thresholds of the same thing.',
  severity: 'warning',
  why: 'The panel is red and no alert fires, or the alert fires over a green panel. Whoever looks does not know which to believe.',
  bad: { ...panel(5e8), ...alertFile(`${expr} > 2e9`) },
  good: { ...panel(2e9), ...alertFile(`${expr} > 2e9`) },
  run: ({ alerts, panels, prose }, report) => {
    const conditions = alerts.flatMap((alert) =>
      (alert.expression?.ast ? conditionsOf(alert.expression.ast) : []).map((c) => ({
        ...c,
        alert,
        text: formatExpr(bare(c.value)),
      })),
    );
    for (const { thresholds, targets } of panels) {
      const steps = thresholds.flatMap((t) => (t.value === undefined ? [] : [t]));
      const last = steps.at(-1);
      if (!last || targets.length !== 1 || !targets[0]!.expression?.ast) continue;
      const text = formatExpr(bare(targets[0]!.expression.ast));
      const same = conditions.filter((c) => c.text === text && /^[<>]/.test(c.op));
      if (same.length === 0 || same.some((c) => steps.some((s) => near(s.value!, c.bound)))) continue;
      report({
        at: last.at,
        message: `the panel turns ${last.color} at ${last.value}, alert ${same[0]!.alert.name} fires at ${same[0]!.bound} (${where(same[0]!.alert.at)})`,
      });
    }
    for (const stated of prose.flatMap(statedThresholds)) {
      const about = topicOf(stated.subject);
      const same = conditions.filter(
        (c) => c.op.startsWith(stated.op) && shared(about, alertTopic(c.alert)) >= Math.max(1, about.size),
      );
      // Several alerts of one topic are levels of it; one of them may be the stated one.
      if (same.length === 0 || same.some((c) => stated.values.some((v) => near(v, c.bound)))) continue;
      const [first] = same;
      report({
        at: stated.at,
        message: `the document says ${stated.written}, alert ${first!.alert.name} has ${first!.op} ${first!.bound} (${where(first!.alert.at)})`,
      });
    }
  },
});

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(Math.abs(a), Math.abs(b)) * 0.08;
}

function where(at: Place): string {
  return `${at.in.file.path}:${rangeOf(at).line}`;
}
