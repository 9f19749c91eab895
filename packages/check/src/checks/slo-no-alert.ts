import { formatExpr, metricNamesOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';

const slo = {
  'slos.yml': `slis:
  - name: availability
    expression: sum(rate(shop_good_total[5m])) / sum(rate(shop_requests_total[5m]))
slos:
  - name: Availability
    sli: availability
    objective: 99.9
    window: 30d
`,
};

export const sloNoAlert = defineCheck({
  name: 'slo-no-alert',
  finds: 'An objective whose budget no alert watches.',
  severity: 'warning',
  why: `An objective that is only looked at in a report is missed first and noticed later. Alerts on the speed at which the budget
burns (over several windows) tell while there is some left.`,
  bad: slo,
  good: {
    ...slo,
    ...alertFile('1 - sum(rate(shop_good_total[1h])) / sum(rate(shop_requests_total[1h])) > 14.4 * 0.001'),
  },
  run: ({ slos, indicators, alerts, recordings }, report) => {
    const watched = alerts.flatMap((a) => (a.expression?.ast ? [new Set(metricNamesOf(a.expression.ast))] : []));
    for (const { at, name, indicator, alerts: own } of slos.flatMap((s) => s.objectives)) {
      const ast = indicators.find((i) => i.name === indicator)?.expression?.ast;
      if (!ast || own) continue;
      const metrics = metricNamesOf(ast);
      const recorded = recordings.filter((r) => r.expression?.ast && formatExpr(r.expression.ast) === formatExpr(ast));
      const burns = watched.some(
        (names) =>
          metrics.every((m) => names.has(m)) ||
          recorded.some((r) => names.has(r.name)) ||
          [...names].some((n) => n === indicator),
      );
      if (!burns)
        report({
          at,
          message: `no alert watches the budget of ${name}`,
          suggestion: 'alerts on the burn rate over several windows',
        });
    }
  },
});
