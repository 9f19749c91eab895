import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { isDefault } from './threshold-inverted.ts';

const steps = (value: number) => [
  { color: 'green', value: null },
  { color: 'red', value },
];

export const thresholdDefault = defineCheck({
  name: 'threshold-default',
  finds: 'Thresholds that are still Grafana’s own (red from 80) on a panel where 80 means nothing.',
  severity: 'info',
  why: 'A new panel turns red at 80, of whatever unit. On requests a second that is chance; the colour then says nothing, or false.',
  bad: panelFile('sum(rate(shop_requests_total[5m]))', { unit: 'reqps', steps: steps(80) }),
  good: panelFile('sum(rate(shop_requests_total[5m]))', { unit: 'reqps', steps: steps(1500) }),
  run: ({ panels }, report) => {
    for (const { thresholds, unit, type } of panels) {
      if (!isDefault(thresholds) || unit === 'percent' || type === 'table') continue;
      report({
        at: thresholds[1]!.at,
        message: `red from 80 is Grafana’s default; of ${unit ?? 'this'} it means nothing`,
      });
    }
  },
});
