import { defineCheck } from '../check.ts';
import type { Threshold } from '../documents.ts';
import { panelFile } from '../examples.ts';

const success = 'sum(rate(shop_success_total[5m])) / sum(rate(shop_requests_total[5m]))';
const steps = (colors: readonly string[]) =>
  colors.map((color, i) => ({ color, value: i === 0 ? null : 0.8 + 0.1 * i }));
const GOOD_RISING = /\b(?:success|availability|available|uptime|hit rate|hit ratio|healthy|health|completeness|up)\b/i;
const BAD_RISING =
  /\b(?:error|errors|failure|failures|failed|latency|duration|denied|blocked|usage|cpu|memory|queue|lag|rejected|rejections)\b/i;

export const thresholdInverted = defineCheck({
  name: 'threshold-inverted',
  finds: 'Colours the wrong way round: red where more is better, green where more is worse.',
  severity: 'warning',
  why: 'A success rate of 99 % that is red, and of 50 % that is green: at a glance from across the room, that is the opposite of the truth.',
  bad: panelFile(success, { title: 'Success rate', unit: 'percentunit', steps: steps(['green', 'red']) }),
  good: panelFile(success, { title: 'Success rate', unit: 'percentunit', steps: steps(['red', 'green']) }),
  run: ({ panels }, report) => {
    for (const { title, titleAt, thresholds } of panels) {
      const direction = directionOf(thresholds);
      const good = GOOD_RISING.test(title) && !BAD_RISING.test(title);
      const bad = BAD_RISING.test(title) && !GOOD_RISING.test(title);
      const at = thresholds.at(-1)?.at ?? titleAt;
      if (direction === 'worse' && good)
        report({ at, message: `more is better of ${JSON.stringify(title)}, but the highest step is red` });
      if (direction === 'better' && bad)
        report({ at, message: `more is worse of ${JSON.stringify(title)}, but the highest step is green` });
    }
  },
});

function directionOf(steps: readonly Threshold[]): 'worse' | 'better' | undefined {
  if (steps.length < 2) return undefined;
  const first = hue(steps[0]!.color);
  const last = hue(steps.at(-1)!.color);
  if (first === 'green' && last === 'red') return 'worse';
  return first === 'red' && last === 'green' ? 'better' : undefined;
}

/** Grafana’s own steps of a new panel. */
export function isDefault(steps: readonly Threshold[]): boolean {
  return (
    steps.length === 2 && hue(steps[0]!.color) === 'green' && hue(steps[1]!.color) === 'red' && steps[1]!.value === 80
  );
}

function hue(color: string): string {
  return /green/.test(color) ? 'green' : /red/.test(color) ? 'red' : color;
}
