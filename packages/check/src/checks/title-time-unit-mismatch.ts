import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import type { Place } from '../source.ts';
import { wholeOf } from '../source.ts';
import { unitOf } from '../units.ts';

const WORDS: readonly (readonly [RegExp, number, string])[] = [
  [/(?:\/|\bper\s+)min(?:ute)?\b|\bp(?:er )?m\b(?!s)/i, 60, 'minute'],
  [/(?:\/|\bper\s+)h(?:our|r)?\b/i, 3600, 'hour'],
  [/(?:\/|\bper\s+)day\b/i, 86400, 'day'],
  [/(?:\/|\bper\s+)s(?:ec(?:ond)?)?\b/i, 1, 'second'],
];

export const titleTimeUnitMismatch = defineCheck({
  name: 'title-time-unit-mismatch',
  finds: 'A title or legend that says «per minute» over a rate in events a second, or the like.',
  severity: 'warning',
  why: '`rate` is always a second’s worth, whatever the window. Under «requests/min» every number is sixty times too small.',
  bad: panelFile('sum(rate(shop_requests_total[1m]))', { title: 'Requests/min' }),
  good: panelFile('sum(rate(shop_requests_total[1m])) * 60', { title: 'Requests/min' }),
  run: ({ panels, catalogue }, report) => {
    for (const { title, titleAt, targets, unit } of panels) {
      for (const { expression, legend } of targets) {
        const of = expression?.ast && unitOf(expression.ast, catalogue);
        if (!of?.perSecond || of.base === 'ratio' || unit === 'percent') continue;
        const texts: readonly (readonly [string, Place])[] = [
          [title, titleAt],
          ...(legend ? [[legend.text, wholeOf(legend)] as const] : []),
        ];
        const wrong = texts.flatMap(([text, at]) => {
          const word = WORDS.find(([pattern]) => pattern.test(text));
          return word && Math.abs(of.factor / word[1] - 1) > 1e-9 && isTimeFactor(of.factor) ? [{ at, word }] : [];
        })[0];
        if (!wrong) continue;
        const { at, word } = wrong;
        const now = of.factor === 1 ? 'a second' : `in ${of.factor} seconds`;
        report({
          at,
          message: `says per ${word[2]}, but the query gives events ${now}`,
          suggestion: `* ${word[1] / of.factor}`,
        });
        break;
      }
    }
  },
});

/** Other factors (100, 8, 1024) are about something else than time. */
function isTimeFactor(factor: number): boolean {
  return [1, 60, 300, 3600, 86400].includes(factor);
}
