import { nearest, parseDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';

const file = (objective: string, sli = 'availability') => ({
  'slos.yml': `slis:
  - name: availability
    expression: sum(rate(shop_good_total[5m])) / sum(rate(shop_requests_total[5m]))
slos:
  - name: Availability
    sli: ${sli}
    objective: ${objective}
    window: 30d
`,
});

export const sloObjective = defineCheck({
  name: 'slo-objective',
  finds: 'An objective of 100 % or more, one that cannot be meant, or one on an indicator that is not defined.',
  severity: 'error',
  why: 'An objective of 100 % has no budget: every failure breaks it, for ever. One on an indicator that does not exist measures nothing.',
  bad: file('100'),
  good: file('99.9'),
  run: ({ slos, indicators }, report) => {
    const known = indicators.map((i) => i.name);
    for (const { name, at, target, targetAt, indicator, indicatorAt, window } of slos.flatMap((s) => s.objectives)) {
      if (target !== undefined && (target >= 100 || target <= 0)) {
        report({
          at: targetAt ?? at,
          message: target === 100 ? `an objective of 100 % has no budget` : `${target} is no share of anything`,
        });
      } else if (target !== undefined && target > 1 && target < 50) {
        report({
          at: targetAt ?? at,
          severity: 'warning',
          message: `an objective of ${target} %: is the other side meant, or a share of 1?`,
        });
      }
      if (indicator !== undefined && indicatorAt && known.length > 0 && !known.includes(indicator)) {
        const near = nearest(indicator, known);
        report({
          at: indicatorAt,
          message: `objective ${name}: there is no indicator ${indicator}`,
          suggestion: near ? `did you mean ${near}?` : undefined,
        });
      }
      if (window === undefined) continue;
      let days = 0;
      try {
        days = parseDuration(window) / 86_400_000;
      } catch {
        report({ at, message: `objective ${name}: ${JSON.stringify(window)} is not a duration` });
        continue;
      }
      if (days < 1)
        report({
          at,
          severity: 'warning',
          message: `objective ${name}: a window of ${window} is too short for a budget`,
        });
    }
  },
});
