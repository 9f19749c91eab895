import { formatDuration, parseDuration } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { conditionsOf } from '../conditions.ts';
import { alertFile } from '../examples.ts';
import { placeIn } from '../source.ts';
import { windowsOf } from '../windows.ts';

const UNITS: Readonly<Record<string, string>> = { second: 's', minute: 'm', hour: 'h', day: 'd', sec: 's', min: 'm' };

export const textDisagrees = defineCheck({
  name: 'text-disagrees',
  finds: 'An annotation that states another duration than the rule has.',
  severity: 'warning',
  why: '«Down for more than 2 minutes» beside `for: 10m`: one of them was changed and the other forgotten. Whoever reads the text acts on it.',
  bad: alertFile('up == 0', { for: '10m', description: 'down for more than 2 minutes' }),
  good: alertFile('up == 0', { for: '2m', description: 'down for more than 2 minutes' }),
  run: ({ alerts }, report) => {
    for (const { annotations, forMs, expression } of alerts) {
      const windows = expression ? windowsOf(expression).map((w) => w.ms) : [];
      const bounds = expression?.ast ? conditionsOf(expression.ast).map((c) => c.bound * 1000) : [];
      const right = new Set([
        forMs,
        ...windows,
        ...windows.map((w) => w + forMs),
        ...bounds,
        ...bounds.map((b) => b + forMs),
      ]);
      for (const { value } of annotations.values()) {
        const pattern =
          /\b(?:for|over|in)\s+(?:more than|over|at least|the last|the past)?\s*(\d+)\s*(second|minute|hour|day|sec|min|[smhd])s?\b/gi;
        for (const m of value.text.matchAll(pattern)) {
          const unit = UNITS[m[2]!.toLowerCase()] ?? m[2]!;
          const ms = parseDuration(`${Number(m[1])}${unit}`);
          if (right.has(ms) || ms === 0) continue;
          report({
            at: placeIn(value, m.index, m.index + m[0].length),
            message: `the text says ${formatDuration(ms)}, the rule waits ${formatDuration(forMs)}${windows.length > 0 ? ` over windows of ${[...new Set(windows)].map(formatDuration).join(', ')}` : ''}`,
          });
        }
      }
    }
  },
});
